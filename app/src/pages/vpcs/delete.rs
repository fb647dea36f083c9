use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::list::{List, vpcs};
use crate::{
    api::vpcs::{DeleteVpc, get_vpc},
    components::{Button, ButtonLink, Consequences, Dialog, Kind, PanelBody, PanelFoot, Tone},
    domain::vpc::Vpc,
    pages::{
        failure::settle,
        form::{Memory, beside, flash},
        here::{project_for_links, use_project, use_segment},
    },
    routes,
};

pub struct VpcDelete;

#[lazy_route]
impl LazyRoute for VpcDelete {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (project, id) = (use_project(), use_segment("vpc"));
        let vpc = Resource::new(move || (project.get(), id.get()), |(project, id)| get_vpc(project, id));
        let vpcs = vpcs();
        let flash = flash();
        let close = routes::vpcs(&project_for_links(&use_project().get_untracked()));
        view! {
            <Title text="Delete VPC"/>
            <List vpcs/>
            <Dialog title="Confirmation" close=close.clone()>
                <Suspense>
                    {move || {
                        let close = close.clone();
                        Suspend::new(async move {
                            let memory = Memory::of::<DeleteVpc>(flash.await);
                            settle(vpc.await, |vpc| view! { <Form vpc memory close/> }.into_any())
                        })
                    }}
                </Suspense>
            </Dialog>
        }
        .into_any()
    }
}

#[component]
fn Form(vpc: Vpc, memory: Memory, close: String) -> impl IntoView {
    let delete = ServerAction::<DeleteVpc>::new();
    let refusal = vpc.deletion_refusal().map(|refusal| refusal.sentence);
    let lines = consequences(&vpc);
    let error = memory.error(delete);
    view! {
        <ActionForm action=delete>
            <PanelBody>
                <p>{format!("Delete the VPC {}?", vpc.name)}</p>
                <Consequences lines/>
                <input type="hidden" name="project" value=use_project().get_untracked()/>
                <input type="hidden" name="id" value=vpc.id.to_string()/>
            </PanelBody>
            <PanelFoot error=beside(&[], error)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Danger reason=refusal busy=delete.pending()>"Delete VPC"</Button>
            </PanelFoot>
        </ActionForm>
    }
}

/// A local network is only forgotten; one in a cloud is taken down with all that it joins.
fn consequences(vpc: &Vpc) -> Vec<(Tone, String)> {
    if vpc.provider().is_cloud() {
        return vpc.deletion_consequences().into_iter().map(|line| (Tone::Bad, line)).collect();
    }
    vec![
        (Tone::Bad, format!("{} ({}) is removed from this project.", vpc.name, vpc.cidr)),
        (Tone::Off, "Its range becomes free for other VPCs. Hosts in the network are not touched.".to_owned()),
    ]
}

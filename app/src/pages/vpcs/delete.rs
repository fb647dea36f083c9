use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::list::{List, VpcResource, vpcs};
use crate::{
    api::{
        ApiError,
        vpcs::{DeleteVpc, get_vpc},
    },
    components::{Button, ButtonLink, Consequences, Dialog, Kind, PanelBody, PanelFoot, Tone},
    domain::vpc::Vpc,
    pages::{
        failure::settle,
        form::{FlashResource, Memory, beside, flash},
        here::{project_for_links, use_project, use_segment},
    },
    routes,
};

pub struct VpcDelete {
    vpcs: VpcResource,
    vpc: Resource<Result<Vpc, ApiError>>,
    flash: FlashResource,
}

#[lazy_route]
impl LazyRoute for VpcDelete {
    fn data() -> Self {
        let (project, id) = (use_project(), use_segment("vpc"));
        let vpc = Resource::new(move || (project.get(), id.get()), |(project, id)| get_vpc(project, id));
        Self { vpcs: vpcs(), vpc, flash: flash() }
    }

    fn view(this: Self) -> AnyView {
        let close = routes::vpcs(&project_for_links(&use_project().get_untracked()));
        view! {
            <Title text="Delete VPC"/>
            <List vpcs=this.vpcs/>
            <Dialog title="Confirmation" close=close.clone()>
                <Suspense>
                    {move || {
                        let close = close.clone();
                        Suspend::new(async move {
                            let memory = Memory::of::<DeleteVpc>(this.flash.await);
                            settle(this.vpc.await, |vpc| view! { <Form vpc memory close/> }.into_any())
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
    let lines = vec![
        (Tone::Bad, format!("{} ({}) is removed from this project.", vpc.name, vpc.cidr)),
        (Tone::Off, "Its range becomes free for other VPCs. Hosts in the network are not touched.".to_owned()),
    ];
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

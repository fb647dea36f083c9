use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    joined::{gateway, peerings},
    reading::{Reading, VpcReading, reading, simulated},
};
use crate::{
    api::connections::RetryVpc,
    components::{
        Badge, Block, Button, ButtonLink, Copy, Fact, Facts, Glyph, Kind, Notice, PageHead, RangeBar, Time, Tone,
        grouped,
    },
    domain::{
        Cidr, Network, ProjectName, Provider,
        planner::{self, Holder},
        vpc::{Vpc, VpcState},
    },
    pages::{
        connections::Connections,
        form::{Memory, beside},
        fresh::{living, page_name},
        here::{project_for_links, use_project},
        route_list::RoutesToAdd,
        support::SupportLine,
    },
    routes,
};

pub struct VpcDetail;

#[lazy_route]
impl LazyRoute for VpcDetail {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = reading();
        view! { <Detail reading titled=true/> }.into_any()
    }
}

/// The page itself; also what lies behind every panel about this VPC.
#[component]
pub fn Detail(
    reading: Reading,
    /// Whether the page is called by the VPC's name, and not by what lies over it.
    #[prop(optional)]
    titled: bool,
) -> impl IntoView {
    living(reading, move |read| view! { <Shown read titled/> }.into_any())
}

#[component]
fn Shown(read: Signal<VpcReading>, titled: bool) -> impl IntoView {
    let project = project_for_links(&use_project().get_untracked());
    let retry = ServerAction::<RetryVpc>::new();
    let vpc = Memo::new(move |_| read.with(VpcReading::unlooked));
    // What the upper part of the page shows; its menus stay open while a connection moves.
    let whole = Memo::new(move |_| Vpc { connections: Vec::new(), ..vpc.get() });
    let others = Memo::new(move |_| read.with(|read| others(&read.network)));
    let routes_to_add = Memo::new(move |_| {
        read.with(|read| {
            let gateway = read.vpc.gateway.as_ref()?;
            Some((read.network.routes_inside(gateway.id), gateway.private_address))
        })
    });
    let may_have_gateway = Memo::new(move |_| {
        read.with(|read| read.vpc.gateway.is_some() || read.network.vpn_gateway_enabled(&read.vpc.cloud))
    });
    let cloud = read.with_untracked(|read| read.vpc.provider().is_cloud());
    let (of_head, of_error, of_gateway) = (project.clone(), project.to_string(), project.clone());
    let connections = cloud.then(|| view! { <Connections read project/> });
    view! {
        {titled.then(|| view! { <Title text=page_name(whole, |vpc| vpc.name.to_string())/> })}
        {move || whole.with(|vpc| head(vpc, &of_head))}
        {move || whole.with(|vpc| failed(vpc, &of_error, retry))}
        {move || whole.with(|vpc| others.with(|others| overview(vpc, others)))}
        {connections}
        {move || whole.with(|vpc| {
            // A cloud's VPC has one where its location allows, and peerings only through it.
            let shown = !cloud || may_have_gateway.get();
            let joined = !cloud || vpc.gateway.is_some();
            view! {
                {shown.then(|| gateway(vpc, &of_gateway))}
                {joined.then(|| peerings(vpc, &of_gateway))}
            }
        })}
        {move || routes_to_add.get().map(|(routes, next_hop)| view! { <RoutesToAdd routes next_hop/> })}
    }
}

/// Not the rows of VPC peerings: they say the same ranges again, and this VPC would overlap itself.
fn others(network: &Network) -> Vec<Cidr> {
    let owned = planner::owned(network).into_iter();
    owned.filter(|owned| !matches!(owned.holder, Holder::Planned)).map(|owned| owned.cidr).collect()
}

fn head(vpc: &Vpc, project: &ProjectName) -> impl IntoView + use<> {
    let crumbs = vec![("VPCs".to_owned(), routes::vpcs(project))];
    let (name, sentence, provider) = (vpc.name.to_string(), vpc.sentence(), vpc.provider());
    let (tone, word, fake) = (Tone::from(vpc.standing()), vpc.state.word(), vpc.simulated);
    let going = (vpc.state == VpcState::Deleting).then(|| format!("VPC {name} is being deleted."));
    let refusal = going.clone().or_else(|| vpc.deletion_refusal().map(|refusal| refusal.sentence));
    let (delete, new) = (routes::vpc_delete(project, vpc.id), routes::connection_new(project, vpc.id));
    let badge = move || view! { <Badge tone word/> {fake.then(|| simulated(provider))} };
    let add = provider.is_cloud().then(|| {
        view! { <ButtonLink href=new kind=Kind::Primary icon=Glyph::Plus reason=going>"Add peering connection"</ButtonLink> }
    });
    view! {
        <PageHead title=name crumbs lead=sentence badge>
            <ButtonLink href=delete icon=Glyph::Trash reason=refusal>"Delete VPC"</ButtonLink>
            {add}
        </PageHead>
    }
}

/// What the cloud said, and a way not to wait.
fn failed(vpc: &Vpc, project: &str, retry: ServerAction<RetryVpc>) -> impl IntoView + use<> {
    let error = beside(&[], Memory::default().error(retry));
    let (project, id, title) = (project.to_owned(), vpc.id.to_string(), format!("{} said", vpc.provider()));
    vpc.build_error.clone().map(|failure| {
        view! {
            <Notice tone=Tone::Bad title text=failure.message>
                <ActionForm action=retry>
                    <input type="hidden" name="project" value=project/>
                    <input type="hidden" name="vpc" value=id/>
                    <Button small=true icon=Glyph::Refresh busy=retry.pending()>"Retry now"</Button>
                </ActionForm>
            </Notice>
            <crate::components::Refusal id="retry-refusal" error/>
            <SupportLine/>
        }
    })
}

fn overview(vpc: &Vpc, others: &[Cidr]) -> impl IntoView + use<> {
    let (own, moving) = (vpc.cidr, vpc.state == VpcState::Approved);
    let place = if vpc.provider().is_cloud() {
        view! { {vpc.cloud.label()} " " <span class="fact muted">{vpc.cloud.provider_region().into_owned()}</span> }
            .into_any()
    } else {
        view! { {vpc.place.clone()} " " <span class="fact muted">{vpc.cloud.to_string()}</span> }.into_any()
    };
    let cloud_id = vpc.provider().is_cloud().then(|| {
        let value = match vpc.cloud_id.clone() {
            Some(value) => view! { <Copy value/> }.into_any(),
            None => view! { <span class="quiet">"not there yet"</span> }.into_any(),
        };
        view! { <Fact label=called(vpc.provider())>{value}</Fact> }
    });
    let (others, id, created) = (others.to_vec(), vpc.id.to_string(), vpc.created_at);
    view! {
        <Block id="h-overview" title="Overview">
            <div class="instruments of-vpc">
                <div><RangeBar own others moving width=416.0/></div>
                <Facts>
                    <Fact label="IP range"><Copy value=own.to_string()/></Fact>
                    <Fact label="Addresses"><span class="fact">{grouped(own.size())}</span></Fact>
                    <Fact label="Place">{place}</Fact>
                </Facts>
                <Facts>
                    <Fact label="Internal ID"><Copy value=id/></Fact>
                    {cloud_id}
                    <Fact label="Created"><Time at=created/></Fact>
                </Facts>
            </div>
        </Block>
    }
}

/// What the provider calls the network's own name.
fn called(provider: Provider) -> &'static str {
    match provider {
        Provider::Aws => "AWS VPC ID",
        Provider::Google => "VPC network name",
        Provider::Azure => "Virtual network",
        Provider::UpCloud => "Causeway network ID",
        Provider::Local => "Network",
    }
}

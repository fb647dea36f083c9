use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, hooks::use_query_map, lazy_route};

use super::{
    fields::{Asked, NAMES, Printed, Refused, Typed, fields_of},
    parts::parts,
    steps::{heads, number},
};
use crate::{
    api::{ApiError, connections::CreateConnection},
    components::{
        Button, ButtonLink, Consequences, Kind, Notice, Panel, PanelBody, PanelFoot, Progress, Prose, Step, Stepper,
        Tab, Tabs, Tone,
    },
    domain::{
        Network, Provider, Refusal, Refusals, VpcId,
        connection::{ConnectionForm, ConnectionType, NewConnection, field::TransitGatewayId},
        guide::{Guide, Part, form_fields},
        vpc::Vpc,
    },
    pages::{
        failure::settle,
        form::{Memory, at, beside, flash},
        fresh::{fresh, once},
        here::{project_for_links, use_project, use_segment},
        vpcs::{Detail, Reading, VpcReading, path_of, reading},
    },
    routes,
};

pub struct ConnectionNew;

#[lazy_route]
impl LazyRoute for ConnectionNew {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = reading();
        let flash = flash();
        let close = path_of(use_project(), use_segment("vpc"));
        view! {
            <Title text="Add peering connection"/>
            <Detail reading/>
            <Panel title="Create peering request" close=close.clone() wide=true>
                <Transition>
                    {move || {
                        let close = close.clone();
                        Suspend::new(async move {
                            let memory = Memory::of::<CreateConnection>(flash.await);
                            settle(once(reading).await, |read| view! { <Form resource=reading read memory close/> }.into_any())
                        })
                    }}
                </Transition>
            </Panel>
        }
        .into_any()
    }
}

/// The kinds of a cloud, the usual one first.
fn kinds(provider: Provider) -> Vec<ConnectionType> {
    ConnectionType::ALL.into_iter().filter(|kind| kind.provider() == provider).collect()
}

#[component]
fn Form(resource: Reading, read: VpcReading, memory: Memory, close: String) -> impl IntoView {
    let create = ServerAction::<CreateConnection>::new();
    let provider = read.vpc.provider();
    let kinds = kinds(provider);
    let Some(usual) = kinds.first().copied() else {
        let sentence = read.network.admit_connections_of(read.vpc.id).err().map(|refusal| refusal.sentence);
        return view! { <PanelBody><p><Prose text=sentence.unwrap_or_default()/></p></PanelBody> }.into_any();
    };
    let project = use_project().get_untracked();
    let page = routes::connection_new(&project_for_links(&project), read.vpc.id);
    let query = use_query_map();
    let kind = Memo::new(move |_| {
        let asked = query.with(|query| query.get("type").and_then(|text| ConnectionType::from_text(&text)));
        asked.filter(|kind| kind.provider() == provider).unwrap_or(usual)
    });
    let typed = Typed::of(&memory, provider, read.vpc.cloud.region());
    let remote = memory.error(create);
    let vpc = read.vpc.id.to_string();
    let read = fresh(resource, read);
    // The browser asks the same questions that the server will ask.
    let local = Signal::derive(move || {
        let form = typed.form(kind.get());
        read.with(|read| local(&read.network, &read.vpc, kind.get(), &form).err().map(ApiError::Refused))
    });
    let refused: Refused = Callback::new(move |field: &'static str| at(field, local, remote));
    let guide = Memo::new(move |_| {
        let ours = read.with(VpcReading::ours);
        Guide::before(kind.get(), &typed.form(kind.get()), &ours, &typed.azure())
    });
    let closed = Signal::derive(move || {
        read.with(|read| read.network.admit_connections_of(read.vpc.id).err().map(|refusal| refusal.sentence))
    });
    let tabs = (kinds.len() > 1).then(|| {
        let tab = |one: ConnectionType| {
            let label = if one == usual { "Peering" } else { one.word() };
            let current = Signal::derive(move || kind.get() == one);
            view! { <Tab href=format!("{page}?type={}", one.as_str()) label current/> }
        };
        let all = kinds.into_iter().map(tab).collect_view();
        view! { <Tabs label="Kind of connection">{all}</Tabs> }
    });
    view! {
        <ActionForm action=create>
            <PanelBody>
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="vpc" value=vpc/>
                <input type="hidden" name="type" value=move || kind.get().as_str()/>
                {tabs}
                {move || notices(kind.get(), &guide.get_untracked())}
                {move || {
                    let kind = kind.get();
                    view! { <Walk kind guide typed refused/> }
                }}
                {move || warnings(&read.read(), &typed.form(kind.get()))}
            </PanelBody>
            <PanelFoot error=beside(NAMES, remote)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary reason=closed busy=create.pending()>"Add peering connection"</Button>
                // Last, so that Enter in a field sends the form.
                <button class="button still-only" type="submit" formmethod="get" formaction=page formnovalidate=true>"Fill in the commands"</button>
            </PanelFoot>
        </ActionForm>
    }
    .into_any()
}

/// To be read before anything is sent.
fn notices(kind: ConnectionType, guide: &Guide) -> impl IntoView + use<> {
    let one = move |text: String| {
        if kind == ConnectionType::UpcloudVpcPeering {
            view! { <Notice tone=Tone::Wait title="Do you trust the other side?" text/> }.into_any()
        } else {
            view! { <p class="muted"><Prose text/></p> }.into_any()
        }
    };
    guide.notices.clone().into_iter().map(one).collect_view()
}

/// The steps up to the request with their fields, and by name those that follow it.
#[component]
fn Walk(kind: ConnectionType, guide: Memo<Guide>, typed: Typed, refused: Refused) -> impl IntoView {
    let first = guide.get_untracked();
    let typing = first.typing().len();
    let later = first.steps.iter().enumerate().skip(typing).map(|(at, step)| {
        view! { <Step number=number(at) progress=Progress::Ahead title=step.title.clone()><p class="quiet">"After the request."</p></Step> }
    });
    let now = first.typing().iter().enumerate().map(|(at, step)| {
        let fields = fields_of(kind, &first, at);
        // Only the commands follow the typing: a field that is made anew would lose the cursor.
        let there = Memo::new(move |_| guide.with(|guide| guide.steps.get(at).map(|step| step.there.clone())));
        let here = Memo::new(move |_| guide.with(|guide| guide.steps.get(at).map(|step| own_values(kind, &step.here))));
        let azure = kind == ConnectionType::AzureVnetPeering && at < 2;
        let ours = move || {
            view! {
                {move || here.with(|here| here.as_ref().map(|here| parts(here, "here")))}
                {fields.into_iter().map(|field| view! { <Asked field typed refused/> }).collect_view()}
                {azure.then(|| view! { <Printed at typed/> })}
            }
        };
        let progress = if at == 0 { Progress::Here } else { Progress::Ahead };
        view! {
            <Step number=number(at) progress title=step.title.clone() ours>
                {move || there.with(|there| there.as_ref().map(|there| parts(there, "there")))}
            </Step>
        }
    });
    let (now, later) = (now.collect_view(), later.collect_view());
    view! { <Stepper heads=heads(kind)>{now} {later}</Stepper> }
}

/// What a step shows of its own: the typed values stand in the fields already.
fn own_values(kind: ConnectionType, here: &[Part]) -> Vec<Part> {
    let field = |label: &str| form_fields(kind).iter().any(|field| field.label == label);
    here.iter().filter(|part| !matches!(part, Part::Value(one) if field(one.label))).cloned().collect()
}

/// What can be said of the fields that were filled in.
fn local(network: &Network, vpc: &Vpc, kind: ConnectionType, form: &ConnectionForm) -> Result<(), Refusals> {
    let refusals = match NewConnection::parse(&vpc.cloud, form) {
        Ok(new) if new.peer.kind() == kind => return network.admit_connection(vpc.id, &new),
        Ok(_) => Refusals(Vec::new()),
        Err(refusals) => refusals,
    };
    let mut said: Vec<Refusal> = refusals
        .0
        .into_iter()
        .filter(|refusal| {
            let field = form_fields(kind).iter().find(|field| field.name == refusal.field);
            field.is_some_and(|field| !field.of(form).trim().is_empty())
        })
        .collect();
    // On its own tab nothing else than a transit gateway is meant.
    let gateway = form.peer_vpc.trim();
    if kind == ConnectionType::AwsTgwVpcAttachment
        && !gateway.is_empty()
        && let Err(error) = gateway.parse::<TransitGatewayId>()
    {
        said.retain(|refusal| refusal.field != "peer_vpc");
        said.push(Refusal::malformed("peer_vpc", error));
    }
    Refusals::none_of(said)
}

/// What to know before asking anyway.
fn warnings(read: &VpcReading, form: &ConnectionForm) -> impl IntoView + use<> {
    let new = NewConnection::parse(&read.vpc.cloud, form).ok();
    let id: VpcId = read.vpc.id;
    let lines: Vec<(Tone, String)> = new
        .map(|new| read.network.new_connection_warnings(id, &new))
        .unwrap_or_default()
        .into_iter()
        .map(|warning| (Tone::Wait, warning.message))
        .collect();
    (!lines.is_empty()).then(|| view! { <Consequences lines/> })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{fixtures::Town, network::VpcRange, vpc::VpcState};

    fn town() -> (Network, Vpc) {
        let mut town = Town::default();
        let mut vpc = town.vpc("alpha", "oslo", "10.20.0.0/24").clone();
        vpc.cloud = "aws-eu-west-1".parse().expect("a region");
        town.network.vpcs = vec![VpcRange {
            id: vpc.id,
            name: vpc.name.clone(),
            cloud: vpc.cloud.clone(),
            cidr: vpc.cidr,
            state: VpcState::Active,
            cloud_id: None,
        }];
        (town.network, vpc)
    }

    #[test]
    fn an_empty_form_is_refused_nothing_and_what_was_typed_is_judged_by_its_tab() {
        let (network, vpc) = town();
        let (peering, attachment) = (ConnectionType::AwsVpcPeeringConnection, ConnectionType::AwsTgwVpcAttachment);
        assert_eq!(local(&network, &vpc, peering, &ConnectionForm::default()), Ok(()));
        let form = ConnectionForm {
            peer_cloud_account: "1234".into(),
            peer_vpc: "vpc-0123456789abcdef0".into(),
            ..ConnectionForm::default()
        };
        let refusals = local(&network, &vpc, attachment, &form).unwrap_err();
        assert_eq!(refusals.at("peer_cloud_account"), Some("The AWS account ID has 12 digits."));
        assert_eq!(refusals.at("peer_vpc"), Some("Enter a transit gateway ID such as tgw-0123456789abcdef0."));
        assert_eq!(local(&network, &vpc, peering, &form).unwrap_err().at("peer_vpc"), None);
    }

    #[test]
    fn a_range_that_meets_the_vpc_is_refused_at_its_field_before_it_is_sent() {
        let (network, vpc) = town();
        let form = ConnectionForm {
            peer_cloud_account: "123456789012".into(),
            peer_vpc: "vpc-0123456789abcdef0".into(),
            user_peer_network_cidrs: "10.20.0.0/16".into(),
            ..ConnectionForm::default()
        };
        let refusals = local(&network, &vpc, ConnectionType::AwsVpcPeeringConnection, &form).unwrap_err();
        assert_eq!(
            refusals.at("user_peer_network_cidrs"),
            Some("The peer network 10.20.0.0/16 overlaps with the VPC range 10.20.0.0/24.")
        );
    }

    #[test]
    fn only_aws_has_two_kinds_and_a_local_vpc_none() {
        assert_eq!(kinds(Provider::Aws).len(), 2);
        assert_eq!(kinds(Provider::Azure), [ConnectionType::AzureVnetPeering]);
        assert!(kinds(Provider::Local).is_empty());
    }
}

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    list::{List, gateways},
    settings_fields::{Advanced, PublicAddress, Typed},
};
use crate::{
    api::{ApiError, gateways::CreateGateway, session::get_viewer, vpcs::get_network},
    components::{Button, ButtonLink, Choice, Choices, Empty, Field, Glyph, Kind, Lens, Panel, PanelBody, PanelFoot},
    domain::{
        Cidr, Network, PersonId, Refusals, VpcId,
        change::Topic,
        gateway::{GatewayForm, GatewaySettings},
        planner,
        refusal::Refusal,
    },
    live::use_live,
    pages::{
        failure::settle,
        form::{Memory, at, beside, flash},
        fresh::{fresh, once},
        here::{project_for_links, query, use_project},
    },
    routes,
};

/// The rules' snapshot, and who asks: tunnel subnets are unique among the gateways of one owner.
type Ground = Resource<Result<(Network, PersonId), ApiError>>;

pub struct GatewayNew;

#[lazy_route]
impl LazyRoute for GatewayNew {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let (live, project) = (use_live(), use_project());
        let ground: Ground = Resource::new(
            move || {
                (project.get(), live.version(Topic::Vpcs), live.version(Topic::Gateways), live.version(Topic::Plan))
            },
            |(project, ..)| async move { Ok((get_network(project).await?, get_viewer().await?.person)) },
        );
        let gateways = gateways();
        let flash = flash();
        let close = routes::gateways(&project_for_links(&use_project().get_untracked()));
        view! {
            <Title text="Create VPN gateway"/>
            <List gateways/>
            <Panel title="Create VPN gateway" close=close.clone()>
                <Transition>
                    {move || {
                        let close = close.clone();
                        Suspend::new(async move {
                            let memory = Memory::of::<CreateGateway>(flash.await);
                            settle(once(ground).await, |first| view! { <Form resource=ground ground=first memory close/> }.into_any())
                        })
                    }}
                </Transition>
            </Panel>
        }
        .into_any()
    }
}

#[component]
fn Form(resource: Ground, ground: (Network, PersonId), memory: Memory, close: String) -> impl IntoView {
    let create = ServerAction::<CreateGateway>::new();
    let project = use_project().get_untracked();
    if ground.0.vpcs.is_empty() {
        let href = routes::vpc_new(&project_for_links(&project));
        return view! {
            <PanelBody>
                <Empty what="No VPC to join yet." why="A gateway stands in a VPC and joins it to others. Declare the VPC first.">
                    <ButtonLink href icon=Glyph::Plus>"Create VPC"</ButtonLink>
                </Empty>
            </PanelBody>
        }
        .into_any();
    }
    let chosen = query::<VpcId>("vpc").or_else(|| only_vpc(&ground.0)).map(|id| id.to_string()).unwrap_or_default();
    let suggested = ground.0.suggest_tunnel().map(|tunnel| tunnel.to_string()).unwrap_or_default();
    let (name, vpc, tunnel) =
        (memory.text("form[name]", ""), memory.text("form[vpc]", chosen), memory.text("form[tunnel]", suggested));
    let typed = Typed::of(&memory, &GatewaySettings::default());
    let known: Vec<(Cidr, String)> =
        planner::owned(&ground.0).into_iter().map(|owned| (owned.cidr, owned.name)).collect();
    let ground = fresh(resource, ground);

    let options = Signal::derive(move || ground.with(|(network, _)| choices(network)));
    let remote = memory.error(create);
    // The browser asks the same questions that the server will ask.
    let local = Signal::derive(move || {
        let form = GatewayForm { name: name.get(), vpc: vpc.get(), tunnel: tunnel.get(), ..typed.form() };
        ground.with(|(network, owner)| local(network, *owner, &form).err().map(ApiError::Refused))
    });
    let refused = Callback::new(move |field: &'static str| at(field, local, remote));
    let own = Memo::new(move |_| tunnel.with(|tunnel| Cidr::canonicalize(tunnel).ok()));
    let free: Vec<Cidr> = ground.with_untracked(|(network, _)| network.suggest_tunnel()).into_iter().collect();
    const FIELDS: &[&str] = &["name", "vpc", "tunnel", "public_address", "listen_port", "mtu", "dns", "drift_policy"];
    // What was refused is not left behind a closed door.
    let open = FIELDS[4..]
        .iter()
        .any(|field| remote.with_untracked(|error| error.as_ref().is_some_and(|error| error.at(field).is_some())));
    view! {
        <ActionForm action=create>
            <PanelBody>
                <input type="hidden" name="project" value=project/>
                <Field name="form[name]" id="name" label="Name" value=name error=refused.run("name") placeholder="gw-oslo" autofocus=true required=true/>
                <Choices
                    name="form[vpc]"
                    legend="VPC"
                    options
                    value=vpc
                    error=refused.run("vpc")
                    hint="The network that the gateway's host stands in. It never changes afterwards."
                />
                <Field
                    name="form[tunnel]"
                    id="tunnel"
                    label="Tunnel subnet"
                    value=tunnel
                    error=refused.run("tunnel")
                    hint="Addresses of the gateway and its peers inside the tunnel: private, /16 to /29, used by no other network of yours."
                    fact=true
                    required=true
                >
                    <Lens own known free/>
                </Field>
                <PublicAddress typed refused/>
                <details class="advanced" open=open>
                    <summary>"Advanced settings"</summary>
                    <div>
                        <Advanced typed refused/>
                    </div>
                </details>
            </PanelBody>
            <PanelFoot error=beside(FIELDS, remote)>
                <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                <Button kind=Kind::Primary busy=create.pending()>"Create VPN gateway"</Button>
            </PanelFoot>
        </ActionForm>
    }
    .into_any()
}

/// Every VPC; those that cannot have a gateway say why.
fn choices(network: &Network) -> Vec<Choice> {
    let choice = |vpc: &crate::domain::network::VpcRange| {
        let place =
            network.location(&vpc.cloud).map_or_else(|| vpc.cloud.to_string(), |location| location.label.clone());
        let refused = network.admit_gateway_in(vpc).err().map(|refusal| refusal.sentence);
        Choice::new(vpc.id.to_string(), vpc.name.to_string()).detail(place).fact(vpc.cidr.to_string()).refused(refused)
    };
    network.vpcs.iter().map(choice).collect()
}

/// Chosen beforehand, if there is no choice.
fn only_vpc(network: &Network) -> Option<VpcId> {
    let mut free = network.vpcs.iter().filter(|vpc| network.admit_gateway_in(vpc).is_ok());
    free.next().filter(|_| free.next().is_none()).map(|vpc| vpc.id)
}

/// What can be said of the fields that were filled in.
fn local(network: &Network, owner: PersonId, form: &GatewayForm) -> Result<(), Refusals> {
    let refusals = match form.parse() {
        Ok(new) => return network.admit_gateway(&new, owner),
        Err(refusals) => refusals,
    };
    let untouched = |refusal: &Refusal| match refusal.field.as_ref() {
        "name" => form.name.is_empty(),
        "vpc" => form.vpc.is_empty(),
        "tunnel" => form.tunnel.is_empty(),
        _ => false,
    };
    let mut said: Vec<Refusal> = refusals.0.into_iter().filter(|refusal| !untouched(refusal)).collect();
    let vpc = form.vpc.parse().ok().and_then(|id| network.vpc(id));
    if let Ok(tunnel) = form.tunnel.parse()
        && said.iter().all(|refusal| refusal.field != "tunnel")
    {
        said.extend(network.admit_tunnel(tunnel, vpc, owner).err());
    }
    Refusals::none_of(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::Town;

    #[test]
    fn an_empty_form_is_refused_nothing_and_a_taken_subnet_is_said_before_there_is_a_name() {
        let mut town = Town::default();
        let vpc = town.vpc("oslo", "oslo", "10.10.0.0/16").id;
        let owner = PersonId::from_uuid(uuid::Uuid::from_u128(1));
        let form = GatewayForm { vpc: vpc.to_string(), tunnel: "10.10.3.0/24".into(), ..GatewayForm::default() };
        assert_eq!(local(&town.network, owner, &GatewayForm::default()), Ok(()));
        let refusals = local(&town.network, owner, &form).unwrap_err();
        assert_eq!(refusals.at("tunnel"), Some("The tunnel subnet overlaps with the CIDR of the VPC."));
        assert_eq!(refusals.at("name"), None);
    }

    #[test]
    fn the_only_free_vpc_is_chosen_beforehand() {
        let mut town = Town::default();
        let vpc = town.vpc("oslo", "oslo", "10.10.0.0/16").id;
        assert_eq!(only_vpc(&town.network), Some(vpc));
        town.vpc("bergen", "bergen", "10.11.0.0/16");
        assert_eq!(only_vpc(&town.network), None);
    }
}

use leptos::{ev, prelude::*};
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{browser, handover::Handover, kinds, neighbours};
use crate::{
    api::{
        ApiError,
        gateways::GatewayReading,
        peers::{CreateRoadWarrior, issue_road_warrior},
    },
    components::{Button, ButtonLink, Choice, Field, Kind, Panel, PanelBody, PanelFoot, Prose, SegmentField, Segments},
    domain::{
        PeerId, PeerName, PublicKey, Refusal, Refusals, peer::Neighbours, refusal::Parse, road_warrior::FileFacts,
    },
    pages::{
        form::{Memory, at, beside},
        fresh::fresh,
        gateways::{Detail, Reading, over::begun, reading},
        here::{project_for_links, use_project},
    },
    routes,
};

pub struct RoadWarriorNew;

#[lazy_route]
impl LazyRoute for RoadWarriorNew {
    fn data() -> Self {
        Self
    }

    fn view(_page: Self) -> AnyView {
        let reading = reading();
        let unsaved = RwSignal::new(false);
        let (close, body) = begun::<CreateRoadWarrior, _>(reading, move |read, memory, close| {
            view! { <Form resource=reading read memory close unsaved/> }.into_any()
        });
        view! {
            <Title text="Add peer"/>
            <Detail reading/>
            <Panel title="Add peer" close dirty=unsaved question="The file was not saved, and its private key is nowhere else. Close anyway?">
                {body}
            </Panel>
        }
        .into_any()
    }
}

/// A peer whose key pair this browser made.
#[derive(Clone)]
struct Issued {
    id: PeerId,
    facts: FileFacts,
    private_key: String,
}

/// What the browser sends of it: the public half.
async fn issue(project: String, gateway: String, name: String) -> Result<Issued, ApiError> {
    let (private_key, public_key) = browser::pair().map_err(|sentence| Refusal::malformed("public_key", sentence))?;
    let (id, facts) = issue_road_warrior(project, gateway, name, public_key.to_string()).await?;
    Ok(Issued { id, facts, private_key })
}

const MAKE: &str = "make";
const PASTE: &str = "paste";

#[component]
fn Form(
    resource: Reading,
    read: GatewayReading,
    memory: Memory,
    close: String,
    unsaved: RwSignal<bool>,
) -> impl IntoView {
    let project = use_project().get_untracked();
    let gateway = read.gateway.id;
    let create = ServerAction::<CreateRoadWarrior>::new();
    let issuing = Action::new(move |(project, name): &(String, String)| {
        issue(project.clone(), gateway.to_string(), name.clone())
    });
    let (name, key) = (memory.text("name", ""), memory.text("public_key", ""));
    let (alive, mode) = (browser::alive(), RwSignal::new(PASTE.to_owned()));
    // Without a script there is nobody to make a pair. Who has pasted a key already keeps that way.
    Effect::new(move |_| {
        if alive.get() && key.with_untracked(String::is_empty) {
            mode.set(MAKE.to_owned());
        }
    });
    let makes = Memo::new(move |_| mode.with(|mode| mode == MAKE));
    let pasted = memory.error(create);
    let remote =
        Signal::derive(move || if makes.get() { issuing.value().get().and_then(Result::err) } else { pasted.get() });
    let read = fresh(resource, read);
    let fields = Memo::new(move |_| (name.get(), if makes.get() { String::new() } else { key.get() }));
    let typed = Memo::new(move |_| fields.with(|(name, key)| parsed(name, key).ok().flatten()));
    let met = neighbours(project.clone(), gateway, typed);
    let local = Signal::derive(move || {
        let met = met.get();
        fields.with(|(name, key)| local(met.as_ref(), name, key).err().map(ApiError::Refused))
    });
    let reason = Signal::derive(move || read.with(|read| makes.get().then(|| no_file(read)).flatten()));
    let busy = Signal::derive(move || issuing.pending().get() || create.pending().get());

    let send = {
        let project = project.clone();
        move |event: ev::SubmitEvent| {
            if makes.get_untracked() {
                // The form's own way would send the field of the public key.
                event.prevent_default();
                if !issuing.pending().get_untracked() && reason.with_untracked(Option::is_none) {
                    issuing.dispatch((project.clone(), name.get_untracked()));
                }
            }
        }
    };
    let form = {
        let (project, send) = (project.clone(), send);
        let segments = kinds(&project_for_links(&project), gateway, false);
        let close = close.clone();
        move || {
            let (project, send, close, segments) = (project.clone(), send.clone(), close.clone(), segments.clone());
            let modes =
                vec![Choice::new(MAKE, "Make the pair in this browser"), Choice::new(PASTE, "Paste a public key")];
            view! {
                <ActionForm action=create on:submit:capture=send>
                    <PanelBody>
                        <Segments label="Kind of peer" segments/>
                        <p class="muted">"A person's device. It reaches this VPC and the VPCs that are peered with it."</p>
                        <input type="hidden" name="project" value=project/>
                        <input type="hidden" name="gateway" value=gateway.to_string()/>
                        <Field name="name" label="Name" value=name error=at("name", local, remote) placeholder="laptop-mira" autofocus=true required=true/>
                        {move || alive.get().then(|| {
                            let options = modes.clone();
                            view! { <SegmentField name="mode" legend="Key pair" options value=mode/> }
                        })}
                        {move || if makes.get() {
                            view! {
                                <p class="hint muted"><Prose text="The private key stays in the file that you save; the console stores the public key only."/></p>
                            }.into_any()
                        } else {
                            view! {
                                <Field
                                    name="public_key"
                                    label="Public key"
                                    value=key
                                    error=at("public_key", local, remote)
                                    hint="Made on the device: wg genkey | tee private | wg pubkey. The private key stays there."
                                    fact=true
                                    required=true
                                />
                            }.into_any()
                        }}
                    </PanelBody>
                    <PanelFoot error=beside(&["name", "public_key"], remote)>
                        <ButtonLink kind=Kind::Quiet href=close>"Cancel"</ButtonLink>
                        <Button kind=Kind::Primary reason busy>"Add peer"</Button>
                    </PanelFoot>
                </ActionForm>
            }
        }
    };
    let project = project_for_links(&project);
    let done = move |issued: Issued| {
        let saved = RwSignal::new(false);
        Effect::new(move || unsaved.set(!saved.get()));
        on_cleanup(move || _ = unsaved.try_set(false));
        let (peer, close) = (routes::peer(&project, gateway, issued.id), close.clone());
        let title = format!("{} may connect. Its tunnel address is {}.", issued.facts.peer, issued.facts.address);
        view! {
            <PanelBody>
                <p role="status"><Prose text=title/></p>
                <Handover facts=issued.facts private_key=issued.private_key made=true saved/>
            </PanelBody>
            <PanelFoot>
                <ButtonLink kind=Kind::Quiet href=peer>"Open the peer"</ButtonLink>
                <ButtonLink href=close>"Done"</ButtonLink>
            </PanelFoot>
        }
    };
    let issued = Memo::new_with_compare(
        move |_| issuing.value().get().and_then(Result::ok),
        |old, new| {
            old.map(|one| one.as_ref().map(|issued| issued.id)) != new.map(|one| one.as_ref().map(|issued| issued.id))
        },
    );
    move || match issued.get() {
        Some(issued) => done(issued).into_any(),
        None => form().into_any(),
    }
}

/// Why no file could be made now.
fn no_file(read: &GatewayReading) -> Option<String> {
    let gateway = &read.gateway;
    if gateway.public_key.is_none() {
        Some(format!("{} has no host yet, so there is no key for the file. Enrol one first.", gateway.name))
    } else if gateway.public_address.is_none() {
        Some(format!("{} has no public address yet. Enter one in its settings.", gateway.name))
    } else {
        None
    }
}

/// The fields that were filled in. Before there is a key, one that nobody has.
fn parsed(name: &str, key: &str) -> Result<Option<(PeerName, PublicKey)>, Refusals> {
    let mut parse = Parse::default();
    let name = if name.trim().is_empty() { None } else { parse.keep("name", PeerName::chosen(name)) };
    let key: Option<PublicKey> = parse.optional("public_key", key);
    parse.done()?;
    Ok(name.map(|name| (name, key.unwrap_or_else(|| PublicKey::from_bytes([0xff; 32])))))
}

/// What can be said of them.
fn local(met: Option<&Neighbours>, name: &str, key: &str) -> Result<(), Refusals> {
    let Some(((name, key), met)) = parsed(name, key)?.zip(met) else { return Ok(()) };
    met.admit(&name, key).map(|_| ())
}

//! The ranges behind a connection: what the cloud tells, what a person routes beside it, what is routed and let in.

use leptos::prelude::*;

use crate::{
    api::{ApiError, connections::SetPeerCidrs},
    components::{Block, Button, Copy, Fact, Facts, Kind, TextArea},
    domain::{
        Cidr, ConnectionId,
        connection::{Connection, ConnectionType, PeerCidrs},
        guide::of_user_ranges,
        refusal::Parse,
    },
    pages::{
        form::{Memory, at, beside, flash},
        here::use_project,
        vpcs::VpcReading,
    },
};

const FIELD: &str = "user_peer_network_cidrs";

#[component]
pub fn Ranges(read: Signal<VpcReading>, id: ConnectionId) -> impl IntoView {
    let one = Memo::new(move |_| read.with(|read| read.connection(id).map(super::unlooked)));
    let live = Memo::new(move |_| one.with(|one| one.as_ref().is_some_and(|one| one.state.is_live())));
    let flash = flash();
    view! {
        <Block id="h-ranges" title="Ranges" lead="What the cloud tells, what is routed and what is let in.">
            {move || one.with(|one| one.as_ref().map(facts))}
            {move || live.get().then(|| view! {
                <Suspense>
                    {move || Suspend::new(async move {
                        let memory = Memory::of::<SetPeerCidrs>(flash.await);
                        view! { <Edit read id memory/> }
                    })}
                </Suspense>
            })}
        </Block>
    }
}

fn facts(one: &Connection) -> impl IntoView + use<> {
    let of_cloud = match (&one.discovered_peer_cidrs, one.kind()) {
        (_, ConnectionType::AwsTgwVpcAttachment) => {
            view! { <span class="quiet">"AWS does not tell what lies behind a transit gateway"</span> }.into_any()
        }
        (None, _) => view! { <span class="quiet">"known once active"</span> }.into_any(),
        (Some(ranges), _) => listed(ranges.clone()).into_any(),
    };
    let (user, routed, opened) =
        (one.user_peer_network_cidrs.iter().collect(), one.routed_cidrs.clone(), one.opened_cidrs.clone());
    view! {
        <Facts>
            <Fact label="Discovered">{of_cloud}</Fact>
            <Fact label="User-defined">{listed(user)}</Fact>
            <Fact label="Routed">{listed(routed)}</Fact>
            <Fact label="Let in">{listed(opened)}</Fact>
        </Facts>
    }
}

fn listed(ranges: Vec<Cidr>) -> impl IntoView {
    if ranges.is_empty() {
        return view! { <span class="quiet">"none"</span> }.into_any();
    }
    let one = |range: Cidr| view! { <Copy value=range.to_string()/> };
    view! { <span class="many">{ranges.into_iter().map(one).collect_view()}</span> }.into_any()
}

#[component]
fn Edit(read: Signal<VpcReading>, id: ConnectionId, memory: Memory) -> impl IntoView {
    let set = ServerAction::<SetPeerCidrs>::new();
    let (vpc, now, kind) = read.with_untracked(|read| {
        let one = read.connection(id);
        let text = one.map(|one| one.user_peer_network_cidrs.text()).unwrap_or_default();
        (read.vpc.id.to_string(), text, one.map(Connection::kind))
    });
    let hint = format!("Private ranges, one per line, at most 128. {}", kind.map_or("", of_user_ranges));
    let typed = memory.text(FIELD, now);
    let remote = memory.error(set);
    let local =
        Signal::derive(move || typed.with(|typed| read.with(|read| refused(read, id, typed))).map(ApiError::Refused));
    // A transit gateway routes nothing else; and what was refused is not left behind a closed door.
    let open = kind == Some(ConnectionType::AwsTgwVpcAttachment) || remote.with_untracked(Option::is_some);
    view! {
        <details class="advanced" open=open>
            <summary>"Change the user-defined ranges"</summary>
            <div>
                <ActionForm action=set attr:class="lines">
                    <input type="hidden" name="project" value=use_project().get_untracked()/>
                    <input type="hidden" name="vpc" value=vpc/>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <TextArea
                        name=FIELD
                        label="Network CIDRs"
                        value=typed
                        error=at(FIELD, local, remote)
                        hint
                        placeholder="10.20.0.0/16"
                        fact=true
                    />
                    <p class="refusal" role="alert">{move || beside(&[FIELD], remote).get()}</p>
                    <p><Button kind=Kind::Default busy=set.pending()>"Save ranges"</Button></p>
                </ActionForm>
            </div>
        </details>
    }
}

/// The same rules that the server will ask.
fn refused(read: &VpcReading, id: ConnectionId, typed: &str) -> Option<crate::domain::Refusals> {
    let mut parse = Parse::default();
    let cidrs: Option<PeerCidrs> = parse.field(FIELD, typed);
    match (parse.done(), cidrs) {
        (Err(refusals), _) => Some(refusals),
        (Ok(()), Some(cidrs)) => read.network.admit_peer_cidrs(id, &cidrs).err(),
        (Ok(()), None) => None,
    }
}

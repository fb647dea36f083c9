use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::{
    api::gateways::{GatewayReading, RepairGateway},
    components::{Button, Drift, DriftRow, Kind, Refusal, Tone, exact, shortened},
    domain::{PublicKey, Timestamp, gateway::DriftPolicy, host},
    pages::{
        form::{Memory, beside},
        here::use_project,
    },
};

/// Field by field what the host shows and what was asked of it. On a gateway that asks, with the button that applies it.
#[component]
pub fn Differences(read: Signal<GatewayReading>) -> impl IntoView {
    let repair = ServerAction::<RepairGateway>::new();
    let error = beside(&[], Memory::default().error(repair));
    let project = use_project().get_untracked();
    move || read.with(|read| (!read.gateway.drift.is_empty()).then(|| shown(read, project.clone(), repair, error)))
}

fn shown(
    read: &GatewayReading,
    project: String,
    repair: ServerAction<RepairGateway>,
    error: Signal<Option<String>>,
) -> impl IntoView + use<> {
    let names: BTreeMap<PublicKey, String> =
        read.peers.drifted.iter().map(|(key, name)| (*key, name.to_string())).collect();
    let (gateway, now) = (&read.gateway, read.now);
    let rows: Vec<DriftRow> = gateway.drift.iter().map(|drift| row(drift, &names, now)).collect();
    let title = match rows.len() {
        1 => "The host differs in 1 field".to_owned(),
        many => format!("The host differs in {many} fields"),
    };
    let first = gateway.drift.iter().map(|drift| drift.since).min().unwrap_or(now);
    let asks = gateway.settings.drift_policy == DriftPolicy::Ask;
    let text = if asks {
        format!(
            "Found at {} by the agent; the agent has touched nothing. Generation {} waits.",
            since(first, now),
            gateway.wanted
        )
    } else {
        format!("Found at {} by the agent, which puts it right.", since(first, now))
    };
    let (id, generation) = (gateway.id.to_string(), gateway.wanted);
    let apply = asks.then(|| {
        view! {
            <ActionForm action=repair>
                <input type="hidden" name="project" value=project/>
                <input type="hidden" name="id" value=id/>
                <Button kind=Kind::Primary small=true busy=repair.pending()>{format!("Apply generation {generation}")}</Button>
            </ActionForm>
            <Refusal id="repair-refusal" error/>
        }
    });
    view! {
        <Drift tone=if asks { Tone::Wait } else { Tone::Move } title text rows>
            {apply}
        </Drift>
    }
}

/// A peer is known by its name, not by its key.
fn row(drift: &host::Drift, names: &BTreeMap<PublicKey, String>, now: Timestamp) -> DriftRow {
    let (object, field) = match drift.field.split_once(' ').map_or((drift.field.as_str(), ""), |parts| parts) {
        (key, rest) if drift.subject == "peer" => {
            let name = key.parse().ok().and_then(|key: PublicKey| names.get(&key).cloned());
            (name.unwrap_or_else(|| format!("peer {}", shortened(key))), rest.to_owned())
        }
        _ => (drift.subject.clone(), drift.field.clone()),
    };
    DriftRow { object, field, wanted: drift.wanted.clone(), found: drift.found.clone(), since: since(drift.since, now) }
}

/// "03:04" of today, else with its date.
fn since(at: Timestamp, now: Timestamp) -> String {
    let (today, then) = (now.parts(), at.parts());
    if (today.0, today.1, today.2) == (then.0, then.1, then.2) {
        format!("{:02}:{:02}", then.3, then.4)
    } else {
        exact(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_the_peer_and_the_field() {
        let key = PublicKey::from_bytes([7; 32]);
        let now = Timestamp::from_seconds(1_795_144_320);
        let names = BTreeMap::from([(key, "site-altona".to_owned())]);
        let drift = |subject: &str, field: String| host::Drift {
            subject: subject.into(),
            field,
            wanted: "a".into(),
            found: "b".into(),
            since: now,
        };
        let shown = row(&drift("peer", format!("{key} allowed_ips")), &names, now);
        assert_eq!(
            (shown.object.as_str(), shown.field.as_str(), shown.since.as_str()),
            ("site-altona", "allowed_ips", "03:12")
        );
        let shown = row(&drift("peer", PublicKey::from_bytes([8; 32]).to_string()), &names, now);
        assert!(shown.object.starts_with("peer CAgICAgICAgI…") && shown.field.is_empty(), "{shown:?}");
        let shown = row(&drift("route", "10.32.0.0/20 shadowed".into()), &names, now.plus_seconds(86_400));
        assert_eq!((shown.object.as_str(), shown.field.as_str()), ("route", "10.32.0.0/20 shadowed"));
        assert_eq!(shown.since, "20 Nov 2026 03:12 UTC");
    }
}

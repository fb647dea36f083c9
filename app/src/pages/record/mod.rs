//! What happened, and what the reconcilers do about it.

mod changes;
mod reconcilers;

use leptos::prelude::*;

pub use self::{changes::Changes, reconcilers::Reconcilers};
use crate::{
    components::{Mark, Time, Tone},
    domain::{
        ProjectName,
        change::{Change, ChangeKind, Topic},
    },
    routes,
};

/// One entry in a line, for the overview and for an object's own page.
pub fn line(change: &Change, project: &ProjectName) -> impl IntoView + use<> {
    let name = change.object_name.clone();
    let subject = match href(change, project) {
        Some(href) => view! { <a class="strong" href=href>{name}</a> }.into_any(),
        None => view! { <b class="strong">{name}</b> }.into_any(),
    };
    view! {
        <li>
            <Time at=change.at short=true/>
            <Mark tone=tone(change)/>
            <span>{change.kind.words()} " " {subject} " " <span class="muted">{brief(change)}</span></span>
            <span class="who">{change.actor.clone()}</span>
        </li>
    }
}

/// Where its object is, if it is a thing with a page that may still be there.
fn href(change: &Change, project: &ProjectName) -> Option<String> {
    match change.kind {
        ChangeKind::ProjectVpcDelete | ChangeKind::VpnGatewayDelete | ChangeKind::ServiceDelete => None,
        // Of a node only its service knows where it is.
        ChangeKind::ServiceNodeCreate
        | ChangeKind::ServiceNodeDelete
        | ChangeKind::ServiceNodeEnrolmentToken
        | ChangeKind::ServiceNodeEnrol
        | ChangeKind::ServiceNodeCredentialRotate
        | ChangeKind::ServiceNodeCredentialRevoke
        | ChangeKind::ServiceNodeStateChange
        | ChangeKind::ServiceNodeRepair => None,
        _ => match change.topic {
            Topic::Vpcs => Some(routes::vpc(project, change.object.parse().ok()?)),
            Topic::Gateways => Some(routes::gateway(project, change.object.parse().ok()?)),
            Topic::Services => Some(routes::service(project, change.object.parse().ok()?)),
            _ => None,
        },
    }
}

fn tone(change: &Change) -> Tone {
    match change.kind {
        ChangeKind::VpnGatewayStateChange | ChangeKind::VpnPeeringStateChange => {
            let after = change
                .after
                .get("state")
                .or(change.after.get("status"))
                .map(|state| state.to_lowercase())
                .unwrap_or_default();
            match after.as_str() {
                "active" | "established" | "in sync" => Tone::Good,
                "error" | "lost" | "failed" | "silent" => Tone::Bad,
                "drift" => Tone::Wait,
                // Nothing is under way where no packets are.
                "disabled" | "recorded, no packets" => Tone::Off,
                _ => Tone::Move,
            }
        }
        _ => Tone::Off,
    }
}

/// The differences in a few words.
fn brief(change: &Change) -> String {
    let said = change.differences().into_iter().take(2).map(|(field, before, after)| match (before, after) {
        (Some(before), Some(after)) => format!("{field} {before} → {after}"),
        (None, Some(after)) => format!("{field} {after}"),
        (Some(before), None) => format!("{field} was {before}"),
        (None, None) => field,
    });
    said.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Timestamp, change::Facts, gateway::GatewayStatus, peering::PeeringState};

    #[test]
    fn what_is_recorded_or_switched_off_does_not_move() {
        let turned = |field: &str, word: &str| {
            let change = Change {
                seq: 1,
                at: Timestamp::default(),
                actor: "Automation".to_owned(),
                kind: ChangeKind::VpnGatewayStateChange,
                topic: Topic::Gateways,
                object: String::new(),
                object_name: "gw-oslo".to_owned(),
                before: Facts::new(),
                after: Facts::from([(field.to_owned(), word.to_owned())]),
            };
            tone(&change)
        };
        assert_eq!(turned("status", GatewayStatus::Recorded.word()), Tone::Off);
        assert_eq!(turned("state", PeeringState::Recorded.word()), Tone::Off);
        assert_eq!(turned("state", PeeringState::Disabled.word()), Tone::Off);
        assert_eq!(turned("state", PeeringState::Pending.word()), Tone::Move);
        assert_eq!(turned("state", PeeringState::Lost.word()), Tone::Bad);
    }
}

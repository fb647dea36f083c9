//! The two columns: what you type here, and what you do in your cloud.

use leptos::prelude::*;

use super::parts::parts;
use crate::{
    components::{Badge, Progress, Step, Stepper, Tone},
    domain::{
        connection::ConnectionType,
        guide::{Guide, Progress as Stage},
    },
};

/// The whole guide of a connection that is there. `now`: the badge at the current step.
pub fn steps(guide: &Guide, kind: ConnectionType, now: Option<(Tone, &'static str)>) -> impl IntoView + use<> {
    let step = |(at, step): (usize, &crate::domain::guide::Step)| {
        let here = step.here.clone();
        let badge = match step.progress {
            Stage::Now => now.map(|(tone, word)| view! { <p><Badge tone word/></p> }),
            Stage::Unseen => Some(view! { <p><Badge tone=Tone::Off word=step.progress.word()/></p> }),
            Stage::Done | Stage::Later => None,
        };
        let progress = match step.progress {
            Stage::Done => Progress::Done,
            Stage::Now => Progress::Here,
            Stage::Later | Stage::Unseen => Progress::Ahead,
        };
        let there = if step.there.is_empty() {
            view! { <p class="quiet">"Nothing to do there."</p> }.into_any()
        } else {
            parts(&step.there, &format!("there-{at}"))
        };
        let ours = move || view! { {badge} {parts(&here, &format!("here-{at}"))} };
        view! { <Step number=number(at) progress title=step.title.clone() ours>{there}</Step> }
    };
    let steps = guide.steps.iter().enumerate().map(step).collect_view();
    view! { <Stepper heads=heads(kind)>{steps}</Stepper> }
}

pub fn heads(kind: ConnectionType) -> (String, String) {
    ("What you type here".to_owned(), format!("What you do in {}", kind.provider()))
}

pub fn number(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::domain::{
        connection::{ConnectionState, fixtures::connection},
        guide::{AzureTyped, Ours},
    };

    fn html(kind: ConnectionType, state: ConnectionState) -> String {
        let ours = Ours {
            cidr: "10.0.0.0/24".parse().expect("a range"),
            region: "eu-west-1".to_owned(),
            cloud_id: Some("net-0a".to_owned()),
            identity: Some("999988887777".to_owned()),
        };
        let guide = Guide::of(&connection(kind, state), &ours, &AzureTyped::default());
        Owner::new().with(|| steps(&guide, kind, Some((Tone::Wait, state.word()))).into_view().to_html())
    }

    #[test]
    fn while_the_other_side_has_to_act_every_cloud_has_one_current_step_that_says_so() {
        for kind in ConnectionType::ALL {
            let html = html(kind, ConnectionState::PendingPeer);
            assert_eq!(html.matches(r#"aria-current="step""#).count(), 1, "{kind:?}");
            assert!(html.contains("Pending peer") && html.contains("What you do in"), "{kind:?}: {html}");
        }
    }

    #[test]
    fn what_the_console_cannot_see_is_marked_as_the_persons_to_check() {
        let html = html(ConnectionType::AwsVpcPeeringConnection, ConnectionState::Active);
        assert!(html.contains("Yours to check") && !html.contains("aria-current"), "{html}");
    }
}

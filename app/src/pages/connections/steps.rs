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

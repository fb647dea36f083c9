//! PrivateLink: an internal network load balancer and the endpoint service before it.
//!
//! Load balancers and target groups have names that are made of the link's id and unique in the account, so that
//! nothing of them can be made twice; the endpoint service has a tag from its first moment and is asked for once.
//! The list of principals is the approval (domain 2.6): the service takes on every endpoint of theirs.

mod plan;
mod report;
mod seen;
mod step;
#[cfg(test)]
mod tests;
mod wire;

use super::{Aws, refusal, trail::Held};
use crate::{LinkPart, LinkReport, LinkWish, Outcome, Provides, Subject};

pub(super) use self::step::several;
pub use self::{seen::SeenLink, step::LinkStep};

impl Aws {
    /// Under the id of the link, what was asked for moments ago.
    fn held_of_link(step: &LinkStep) -> Held {
        // A trail knows what makes something from what can be repeated, and nothing more of it.
        let creates = matches!(step, LinkStep::CreateService { .. }).then_some(Subject::Network);
        Held { call: format!("{step:?}"), creates }
    }
}

impl Provides<LinkWish> for Aws {
    type Seen = SeenLink;
    type Step = LinkStep;

    async fn observe(&self, wish: &LinkWish) -> Outcome<SeenLink> {
        let held = self.trail.held(wish.id, wish.now);
        seen::observe(&self.query, wish, held, self.settle).await
    }

    fn report(&self, wish: &LinkWish, seen: &SeenLink) -> LinkReport {
        report::report(wish, seen)
    }

    fn plan(&self, wish: &LinkWish, seen: &SeenLink) -> Vec<(LinkPart, LinkStep)> {
        let mut steps = plan::plan(wish, seen);
        steps.retain(|(_, step)| !seen.held.iter().any(|held| *held == Self::held_of_link(step)));
        steps
    }

    async fn step(&self, wish: &LinkWish, step: LinkStep) -> Outcome<()> {
        let held = Self::held_of_link(&step);
        self.trail.keep(wish.id, &held, wish.now, self.settle);
        let answer = step::make(&self.query, wish, step).await;
        if let Err(failure) = &answer
            && !(held.creates.is_some() && refusal::perhaps_applied(failure))
        {
            self.trail.forget(wish.id, &held);
        }
        answer
    }
}

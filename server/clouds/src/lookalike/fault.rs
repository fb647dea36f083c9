//! What goes wrong by rule: throttling, broken and lost answers, slowness, transitions that never come.
//!
//! A rule is written down with the world, counts down as it is used, and every use is kept, so that a
//! page can show why a simulated cloud misbehaved.

use serde::{Deserialize, Serialize};

use super::Side;

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// A call (`CreateVpc`, `networks.addPeering`), a transition (`VpcPeeringConnection/provisioning`), or `*`: every call.
    pub action: String,
    /// Only for this account; `None`: for both.
    pub side: Option<Side>,
    /// How often it strikes before it is spent.
    pub times: u32,
    pub effect: Effect,
    /// The call is carried out first: what is lost is the answer. Has no meaning for a transition.
    pub after_apply: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The vendor's error with this status and code. Of a transition: it ends in the state `code`, if there is such a way.
    Refuse { status: u16, code: String, message: String, retry_after: Option<u32> },
    /// Milliseconds to wait: before the call, after it (`after_apply`, so that answers overtake each other), or until the transition.
    Delay { ms: u32 },
    /// The connection breaks without an answer. Of a transition: it never comes.
    Lose,
}

/// A rule and what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub id: String,
    pub fault: Fault,
    pub remaining: u32,
}

/// One time that a rule struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    pub id: String,
    /// The [`Standing::id`] of the rule.
    pub fault: String,
    /// What it struck.
    pub action: String,
    /// Milliseconds since 1970.
    pub at: i64,
}

impl Fault {
    /// Strikes once, both accounts, before the call is carried out.
    pub fn once(action: impl Into<String>, effect: Effect) -> Self {
        Self { action: action.into(), side: None, times: 1, effect, after_apply: false }
    }

    /// The vendor's error, once.
    pub fn refuse(action: impl Into<String>, status: u16, code: impl Into<String>) -> Self {
        let effect = Effect::Refuse {
            status,
            code: code.into(),
            message: "A failure rule of the simulated cloud struck.".into(),
            retry_after: None,
        };
        Self::once(action, effect)
    }

    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    pub fn for_side(self, side: Side) -> Self {
        Self { side: Some(side), ..self }
    }

    pub fn after_apply(self) -> Self {
        Self { after_apply: true, ..self }
    }

    /// Whether it is about this. `*` means calls: a transition has to be named.
    fn strikes(&self, action: &str, side: Option<Side>) -> bool {
        let named = self.action == action || (self.action == "*" && !action.contains('/'));
        named && (self.side.is_none() || self.side == side)
    }
}

/// The first rule that strikes, counted down.
pub(super) fn strike<'a>(rules: &'a mut [Standing], action: &str, side: Option<Side>) -> Option<&'a Standing> {
    let rule = rules.iter_mut().find(|rule| rule.remaining > 0 && rule.fault.strikes(action, side))?;
    rule.remaining -= 1;
    Some(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(fault: Fault) -> Standing {
        Standing { id: "1".into(), remaining: fault.times, fault }
    }

    #[test]
    fn a_rule_strikes_as_often_as_it_says() {
        let mut rules = [standing(Fault::refuse("CreateVpc", 503, "RequestLimitExceeded").times(2))];
        assert!(strike(&mut rules, "DeleteVpc", None).is_none());
        assert!(strike(&mut rules, "CreateVpc", None).is_some());
        assert!(strike(&mut rules, "CreateVpc", None).is_some());
        assert!(strike(&mut rules, "CreateVpc", None).is_none());
    }

    #[test]
    fn a_rule_for_one_account_spares_the_other() {
        let mut rules = [standing(Fault::refuse("*", 401, "AuthFailure").for_side(Side::Ours))];
        assert!(strike(&mut rules, "DescribeVpcs", Some(Side::Theirs)).is_none());
        assert!(strike(&mut rules, "DescribeVpcs", Some(Side::Ours)).is_some());
    }

    #[test]
    fn a_rule_for_every_call_is_not_about_transitions() {
        let mut rules = [standing(Fault::once("*", Effect::Lose))];
        assert!(strike(&mut rules, "Vpc/pending", None).is_none());
    }
}

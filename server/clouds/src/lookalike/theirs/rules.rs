//! Failure rules: what is to go wrong in a simulated cloud, for whoever wants to see the console meet it.

use super::{Deed, Thing, Typed, Vendor, field};
use crate::{
    Class, Failure, Outcome,
    lookalike::{Effect, Fault, Side, Standing},
};

/// What is asked of the rules.
pub(super) enum Rule {
    Add(Fault),
    Remove(String),
}

pub(super) fn shown(rule: &Standing) -> Thing {
    let Fault { action, side, effect, after_apply, .. } = &rule.fault;
    let when = if *after_apply { "after it was done" } else { "before it is done" };
    let effect = match effect {
        Effect::Refuse { status, code, .. } => format!("refused with {status} {code}, {when}"),
        Effect::Delay { ms } => format!("delayed by {ms} ms, {when}"),
        Effect::Lose => format!("no answer, {when}"),
    };
    let whose = match side {
        None => "both accounts",
        Some(Side::Ours) => "the console's account",
        Some(Side::Theirs) => "the peer's account",
    };
    Thing {
        kind: "Failure rule",
        id: rule.id.clone(),
        state: String::new(),
        facts: vec![
            ("Call", action.clone()),
            ("Effect", effect),
            ("For", whose.to_owned()),
            ("Times left", rule.remaining.to_string()),
        ],
        deeds: vec![Deed::plain("remove-rule", "Remove rule")],
    }
}

/// What a console of this vendor often meets.
pub(super) fn deeds(vendor: Vendor) -> Vec<Deed> {
    let (call, status, code) = match vendor {
        Vendor::Aws => ("CreateVpcPeeringConnection", "503", "RequestLimitExceeded"),
        Vendor::Google => ("networks.addPeering", "403", "rateLimitExceeded"),
        Vendor::Azure => ("VirtualNetworkPeerings_CreateOrUpdate", "429", "TooManyRequests"),
        Vendor::UpCloud => ("CreateNetworkPeering", "503", "SERVICE_UNAVAILABLE"),
    };
    let rule =
        |name, label| Deed::plain(name, label).asking("action", "Call, or *", call).asking("times", "Times", "1");
    let refusing = |name, label| rule(name, label).asking("status", "Status", status).asking("code", "Code", code);
    vec![
        refusing("rule-refuse", "Refuse the call"),
        refusing("rule-refuse-done", "Do it and refuse"),
        rule("rule-lose", "Do it and lose the answer"),
        rule("rule-delay", "Delay the call").asking("ms", "Milliseconds", "3000"),
    ]
}

/// `None` if the deed is none of a rule.
///
/// # Errors
/// If a number is none.
pub(super) fn asked(deed: &str, thing: &str, typed: &Typed) -> Outcome<Option<Rule>> {
    let (effect, after_apply) = match deed {
        "remove-rule" => return Ok(Some(Rule::Remove(thing.to_owned()))),
        "rule-refuse" => (refusal(typed)?, false),
        "rule-refuse-done" => (refusal(typed)?, true),
        "rule-lose" => (Effect::Lose, true),
        "rule-delay" => (Effect::Delay { ms: number(typed, "ms", 1, 20_000)? }, false),
        _ => return Ok(None),
    };
    let action = field(typed, "action").to_owned();
    if action.is_empty() || action.len() > 100 {
        return Err(wrong("Enter the name of a call, such as CreateVpc, or * for every call"));
    }
    let fault = Fault { times: number(typed, "times", 1, 1_000)?, after_apply, ..Fault::once(&action, effect) };
    Ok(Some(Rule::Add(Fault { side: Some(Side::Ours), ..fault })))
}

fn refusal(typed: &Typed) -> Outcome<Effect> {
    let status = u16::try_from(number(typed, "status", 400, 599)?).unwrap_or(500);
    let code = field(typed, "code").to_owned();
    if code.is_empty() || code.len() > 100 {
        return Err(wrong("Enter the cloud's code of the error"));
    }
    Ok(Effect::Refuse { status, message: format!("{code} by a failure rule"), code, retry_after: None })
}

fn number(typed: &Typed, name: &str, least: u32, most: u32) -> Outcome<u32> {
    let number = field(typed, name).parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| wrong(&format!("{name} is a number from {least} to {most}")))
}

fn wrong(sentence: &str) -> Failure {
    Failure::new(Class::Specification, "rule", sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> Typed {
        fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_rule_strikes_the_console_and_not_its_peer() {
        let fields = typed(&[("action", "CreateVpc"), ("times", "2"), ("status", "503"), ("code", "Busy")]);
        let Ok(Some(Rule::Add(fault))) = asked("rule-refuse-done", "", &fields) else { panic!("a rule") };
        assert_eq!((fault.side, fault.times, fault.after_apply), (Some(Side::Ours), 2, true));
        assert!(matches!(fault.effect, Effect::Refuse { status: 503, .. }));
    }

    #[test]
    fn what_is_no_number_or_names_no_call_is_refused_in_a_sentence() {
        let refused = |deed, fields: &[(&str, &str)]| asked(deed, "", &typed(fields)).err().map(|error| error.message);
        let said = refused("rule-delay", &[("action", "CreateVpc"), ("times", "1"), ("ms", "soon")]);
        assert_eq!(said.as_deref(), Some("ms is a number from 1 to 20000"));
        assert!(refused("rule-lose", &[("action", ""), ("times", "1")]).is_some());
        assert!(refused("rule-lose", &[("action", "*"), ("times", "0")]).is_some());
        assert!(asked("create-vpc", "", &typed(&[])).is_ok_and(|rule| rule.is_none()));
    }
}

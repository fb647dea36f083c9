//! What a failed look or call means for a connection: whose turn it is, and after how much patience (domain 4, clouds 5.3).

use super::{
    ConnectionState::{Active, Error, InvalidSpecification, PendingPeer},
    Known, Peer, Told, sentence,
};

/// Whose it is to mend; the crate `clouds` classes its failures in the same words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// Throttled, busy or broken for the moment.
    Retry,
    /// Not reached, or the answer was lost.
    Unreachable,
    /// The console's credentials are wrong, expired or revoked.
    Credentials,
    /// The credentials are good but may not do this.
    Denied,
    /// What was asked for cannot be.
    Specification,
    /// A limit of the operator's account, or something else that only the operator can mend.
    Operator,
    /// It is not there.
    Gone,
    /// The cloud answered something that the driver does not understand.
    Unexpected,
}

/// A failure in the cloud's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    pub class: FailureClass,
    /// Such as `LinkedAuthorizationFailed`.
    pub code: String,
    /// May be empty.
    pub message: String,
}

/// How long Azure's grants may take to be seen everywhere.
const GRANT_SECONDS: u64 = 600;
const GRANT: &str = "A role assignment can take minutes to take effect";
/// How long AWS may take to show what was made or shared.
const SHOWN_SECONDS: u64 = 60;
/// How long a cloud may be busy or away before a person is told.
const PASSING_SECONDS: u64 = 120;

/// The cloud's sentence with its code, as far as it said anything.
pub fn reason(failed: &Failed) -> String {
    let (code, message) = (failed.code.trim(), failed.message.trim().trim_end_matches('.'));
    match (code, message) {
        ("", "") => "the cloud gave no reason".to_owned(),
        ("" | "transport", message) => message.to_owned(),
        (code, "") => code.to_owned(),
        (code, message) if message.contains(code) => message.to_owned(),
        (code, message) => format!("{message} ({code})"),
    }
}

/// Whether it may well be over at the next try, so that nobody needs to read of it yet.
pub fn is_passing(known: &Known<'_>, failed: &Failed) -> bool {
    matches!(failed.class, FailureClass::Retry | FailureClass::Unreachable) && lasted(known) < PASSING_SECONDS
}

fn lasted(known: &Known<'_>) -> u64 {
    known.failing_since.unwrap_or(known.now).age_seconds(known.now)
}

/// What a failure means for a live connection; `None` if nothing that a person should read.
pub fn failed(known: &Known<'_>, failed: &Failed) -> Option<Told> {
    match weigh(known, failed) {
        Weight::Nothing => None,
        Weight::Wait { reason, why, seconds } if lasted(known) < seconds => {
            let until = known.failing_since.unwrap_or(known.now).plus_seconds(i64::try_from(seconds).unwrap_or(0));
            // An active peering does not read as if it were being set up.
            (known.state != Active).then(|| Told::new(known.state, sentence::patience(&reason, why, until)))
        }
        // What was active once was no mistake: it is tried again, and nobody has to make it anew.
        Weight::Wait { reason, .. } | Weight::Theirs(reason) if known.was_active => {
            Some(Told::new(Error, sentence::error(&reason)))
        }
        Weight::Wait { reason, .. } | Weight::Theirs(reason) => {
            Some(Told::new(InvalidSpecification, sentence::invalid(known.peer.provider(), &reason)))
        }
        Weight::Ours(reason) => Some(Told::new(Error, sentence::error(&reason))),
    }
}

enum Weight {
    Nothing,
    /// Theirs to mend, if it lasts.
    Wait {
        reason: String,
        /// Why it may be over soon.
        why: &'static str,
        seconds: u64,
    },
    Theirs(String),
    Ours(String),
}

fn weigh(known: &Known<'_>, failed: &Failed) -> Weight {
    by_code(known, failed).unwrap_or_else(|| by_class(known, failed))
}

/// Codes that mean the same whatever they were classed as.
fn by_code(known: &Known<'_>, failed: &Failed) -> Option<Weight> {
    let theirs = |reason: String| Some(Weight::Theirs(reason));
    let ours = |reason: &str| Some(Weight::Ours(format!("{reason} ({})", failed.code)));
    let code = failed.code.as_str();
    match known.peer {
        Peer::AwsTransitGateway { gateway, .. } if code.eq_ignore_ascii_case("InvalidTransitGatewayID.NotFound") => {
            let shared_with = known.operator_account;
            Some(Weight::Wait {
                reason: format!("Transit gateway {gateway} is not shared with account {shared_with}"),
                why: "A share can take a moment to be seen",
                seconds: SHOWN_SECONDS,
            })
        }
        // Ours if it was made a moment ago, else theirs.
        Peer::AwsVpc { .. } if code.eq_ignore_ascii_case("InvalidVpcID.NotFound") => Some(Weight::Wait {
            reason: reason(failed),
            why: "A VPC can take a moment to be seen",
            seconds: SHOWN_SECONDS,
        }),
        Peer::AwsVpc { .. } if code.eq_ignore_ascii_case("ActiveVpcPeeringConnectionPerVpcLimitExceeded") => {
            ours("the limit of peering connections per VPC is reached in the console's AWS account")
        }
        Peer::Azure { tenant, .. } => match code {
            "LinkedAuthorizationFailed" => Some(Weight::Wait {
                reason: "The console application may not peer with this VNet. Check step 2".to_owned(),
                why: GRANT,
                seconds: GRANT_SECONDS,
            }),
            // The console's application has no service principal in the tenant, or there is no such tenant.
            // Of its own tenant the same codes come as wrong credentials: that is the console's to mend.
            _ if failed.class == FailureClass::Denied
                && ["AADSTS700016", "AADSTS7000229", "AADSTS7000112", "AADSTS90002", "AADSTS900023"]
                    .iter()
                    .any(|one| code.contains(one) || failed.message.contains(one)) =>
            {
                Some(Weight::Wait {
                    reason: format!("The console application is not known in tenant {tenant}. Check step 2"),
                    why: GRANT,
                    seconds: GRANT_SECONDS,
                })
            }
            "RemotePeeringIsDisconnected" => theirs(
                "a peering in your virtual network is left over from an earlier one and disconnected; delete it there"
                    .to_owned(),
            ),
            "VnetAddressSpacesOverlap"
            | "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet"
            | "InvalidResourceReference" => theirs(reason(failed)),
            _ => None,
        },
        Peer::UpCloud { network } => match code {
            "PEER_NETWORK_NOT_FOUND" => theirs(format!("the UpCloud network {network} does not exist")),
            // Made a moment ago and not shown yet, it is only in its own way.
            "PEERING_CONFLICT" if failed.class != FailureClass::Retry => {
                theirs("a peering between these two networks exists already".to_owned())
            }
            "NETWORK_NOT_FOUND" => ours("the VPC's own network is missing in UpCloud"),
            "LOCAL_NETWORK_NO_ROUTER" => {
                ours("the VPC's own network has no router; the console attaches one and tries again")
            }
            _ => None,
        },
        _ => None,
    }
}

fn by_class(known: &Known<'_>, failed: &Failed) -> Weight {
    let (cloud, reason) = (known.peer.provider(), reason(failed));
    match failed.class {
        // What was there is gone: the next look says so. What cannot be made for want of something else has to be told.
        FailureClass::Gone if matches!(known.state, Active | PendingPeer) || lasted(known) < PASSING_SECONDS => {
            Weight::Nothing
        }
        FailureClass::Gone => Weight::Ours(format!("{cloud} does not find what the request needs: {reason}")),
        // That the cloud does not answer says nothing about a peering that it carries.
        FailureClass::Retry | FailureClass::Unreachable if known.state == Active || is_passing(known, failed) => {
            Weight::Nothing
        }
        FailureClass::Retry => Weight::Ours(format!("{cloud} is busy: {reason}")),
        FailureClass::Unreachable => Weight::Ours(reason),
        FailureClass::Credentials => Weight::Ours(format!("{cloud} does not take the console's credentials: {reason}")),
        FailureClass::Denied => Weight::Ours(format!("the console's account may not do this in {cloud}: {reason}")),
        FailureClass::Specification => Weight::Theirs(reason),
        FailureClass::Operator => Weight::Ours(reason),
        FailureClass::Unexpected => Weight::Ours(format!("{cloud} gave an unexpected answer: {reason}")),
    }
}

#[cfg(test)]
#[path = "trouble_tests.rs"]
mod tests;

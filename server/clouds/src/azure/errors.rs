//! What the refusals of Azure Resource Manager, Microsoft Graph and the token endpoint mean.

use serde::Deserialize;

use super::names;
use crate::{Class, Failure, Wish, http::Answer};

#[derive(Deserialize)]
struct Refusal {
    error: Detail,
}

#[derive(Deserialize)]
pub struct Detail {
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub message: String,
}

#[derive(Deserialize)]
struct NoToken {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// `None` if the answer is a success.
pub fn judge(answer: &Answer) -> Option<Failure> {
    if answer.is_success() {
        return None;
    }
    let detail = serde_json::from_str::<Refusal>(&answer.body).map(|refusal| refusal.error);
    let detail = detail.or_else(|_| serde_json::from_str::<Detail>(&answer.body)).unwrap_or_else(|_| Detail {
        code: String::new(),
        message: format!("Azure answered with status {} and no reason.", answer.status),
    });
    Some(failure(answer.status, detail))
}

pub fn failure(status: u16, Detail { code, message }: Detail) -> Failure {
    let code = if code.is_empty() { format!("HTTP_{status}") } else { code };
    Failure::new(class(status, &code), code, message)
}

/// Why there is no token. `ours`: the tenant is the console's own; in another one, it is the other side that has to
/// let the console's application in.
pub fn no_token(answer: &Answer, ours: bool) -> Option<Failure> {
    if answer.is_success() {
        return None;
    }
    let Ok(NoToken { error, error_description: message }) = serde_json::from_str(&answer.body) else {
        return judge(answer);
    };
    // The description goes on with a trace id and the time, which are new at each try.
    let message = message.split(" Trace ID:").next().unwrap_or_default().lines().next().unwrap_or_default().trim();
    let number = message.split(':').next().filter(|word| word.starts_with("AADSTS"));
    let stranger = ["AADSTS700016", "AADSTS7000229", "AADSTS7000112", "AADSTS90002", "AADSTS900023"];
    let class = match (answer.status, number) {
        (408 | 429 | 500..=599, _) => Class::Retry,
        _ if error == "temporarily_unavailable" => Class::Retry,
        (_, Some(number)) if !ours && stranger.contains(&number) => Class::Denied,
        _ => Class::Credentials,
    };
    Some(Failure::new(class, number.unwrap_or(&error), message))
}

fn class(status: u16, code: &str) -> Class {
    match (status, code) {
        (_, "AnotherOperationInProgress" | "RetryableError" | "RetryableErrorDueToAnotherOperation") => Class::Retry,
        (_, "ReferencedResourceNotProvisioned" | "OperationPreempted" | "InternalServerError") => Class::Retry,
        // A service principal that was just made is not known everywhere yet.
        (_, "PrincipalNotFound" | "ServerTimeout" | "RoleDefinitionWithSameNameExists") => Class::Retry,
        (_, "QuotaExceeded" | "RequestDisallowedByPolicy" | "ScopeLocked" | "ReadOnlyDisabledSubscription") => {
            Class::Operator
        }
        (_, "SubscriptionNotRegistered" | "MissingSubscriptionRegistration" | "InUseSubnetCannotBeDeleted") => {
            Class::Operator
        }
        (_, "ResourceGroupNotFound" | "SubscriptionNotFound" | "RoleDefinitionLimitExceeded") => Class::Operator,
        (_, "RoleAssignmentLimitExceeded" | "LocationNotAvailableForResourceType") => Class::Operator,
        (_, code) if code.ends_with("LimitReached") => Class::Operator,
        (_, "VnetAddressSpacesOverlap" | "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet") => Class::Specification,
        (_, "InvalidResourceReference" | "RemotePeeringIsDisconnected") => Class::Specification,
        (_, "AnotherPeeringAlreadyReferencesRemoteVnet" | "LinkedInvalidPropertyId") => Class::Specification,
        (401, _) => Class::Credentials,
        (403, _) => Class::Denied,
        (404, _) => Class::Gone,
        (408 | 429 | 500..=599, _) => Class::Retry,
        _ => Class::Unexpected,
    }
}

/// Somebody was faster: the same request would be refused again, and what there is now is read first.
pub fn changed_meanwhile(failure: Failure) -> Failure {
    let changed = matches!(failure.code.as_str(), "PreconditionFailed" | "HTTP_412");
    if changed { Failure { class: Class::Retry, ..failure } } else { failure }
}

/// Of a peering: what is missing is the other side's, unless it is our own network.
pub fn of_peering(wish: &Wish, failure: Failure) -> Failure {
    let missing = matches!(
        failure.code.as_str(),
        "ResourceNotFound" | "ResourceGroupNotFound" | "SubscriptionNotFound" | "InvalidSubscriptionId" | "NotFound"
    );
    let ours = failure.message.to_lowercase().contains(&names::network(wish));
    let class = if missing && !ours { Class::Specification } else { failure.class };
    Failure { class, ..failure }
}

/// Of the other side's application, which somebody typed in.
pub fn of_application(failure: Failure) -> Failure {
    let unknown = matches!(failure.code.as_str(), "Request_BadRequest" | "NoBackingApplicationObject");
    let class = if unknown { Class::Specification } else { failure.class };
    Failure { class, ..failure }
}

/// Whether it is there already: a first request was carried out and its answer lost.
pub fn is_there_already(failure: &Failure) -> bool {
    matches!(failure.code.as_str(), "RoleAssignmentExists" | "Request_MultipleObjectsWithSameKeyValue")
        || failure.message.contains("service principal name is already in use")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: Default::default(), body: body.to_owned() }
    }

    #[test]
    fn every_refusal_of_a_peering_has_its_class() {
        let class = |status, code: &str| {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
            let failure = judge(&answer(status, &body)).expect("a refusal");
            assert_eq!((failure.code.as_str(), failure.message.as_str()), (code, "m"));
            failure.class
        };
        assert_eq!(class(400, "VnetAddressSpacesOverlap"), Class::Specification);
        assert_eq!(class(400, "InvalidResourceReference"), Class::Specification);
        assert_eq!(class(400, "RemotePeeringIsDisconnected"), Class::Specification);
        assert_eq!(class(400, "ReferencedResourceNotProvisioned"), Class::Retry);
        assert_eq!(class(409, "AnotherOperationInProgress"), Class::Retry);
        assert_eq!(class(429, "RetryableErrorDueToAnotherOperation"), Class::Retry);
        assert_eq!(class(403, "LinkedAuthorizationFailed"), Class::Denied);
        assert_eq!(class(403, "AuthorizationFailed"), Class::Denied);
        assert_eq!(class(403, "RequestDisallowedByPolicy"), Class::Operator);
        assert_eq!(class(400, "VnetCountLimitReached"), Class::Operator);
        assert_eq!(class(401, "ExpiredAuthenticationToken"), Class::Credentials);
        assert_eq!(class(404, "ResourceNotFound"), Class::Gone);
        assert_eq!(class(503, "ServiceUnavailable"), Class::Retry);
        assert_eq!(class(400, "InvalidRequestFormat"), Class::Unexpected);
    }

    #[test]
    fn a_page_of_a_proxy_is_an_error_of_the_cloud_and_not_of_the_reader() {
        let failure = judge(&answer(502, "<html>Bad Gateway</html>")).expect("a refusal");
        assert_eq!((failure.code.as_str(), failure.class), ("HTTP_502", Class::Retry));
    }

    #[test]
    fn who_is_unknown_in_the_peers_tenant_was_not_let_in_and_in_ours_is_misconfigured() {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS7000229: The client application 5 is missing service principal in the tenant 6. Trace ID: 7\r\nTimestamp: now"}"#;
        let theirs = no_token(&answer(401, body), false).expect("a refusal");
        assert_eq!((theirs.code.as_str(), theirs.class), ("AADSTS7000229", Class::Denied));
        assert!(theirs.message.ends_with("in the tenant 6."), "{}", theirs.message);
        assert_eq!(no_token(&answer(401, body), true).expect("a refusal").class, Class::Credentials);
        let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}"#;
        assert_eq!(no_token(&answer(401, body), false).expect("a refusal").class, Class::Credentials);
        let body = r#"{"error":"temporarily_unavailable","error_description":"AADSTS90033: Try later."}"#;
        assert_eq!(no_token(&answer(503, body), true).expect("a refusal").class, Class::Retry);
    }
}

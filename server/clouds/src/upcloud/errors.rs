//! What UpCloud's refusals mean.
//!
//! It has two forms of them: `application/problem+json`, whose code is the fragment of `type` without
//! `ERROR_`, and the older `{"error": {"error_code", "error_message"}}`. Both come with the same codes.

use serde::Deserialize;

use crate::{Class, Failure, http::Answer};

#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    invalid_params: Vec<Invalid>,
}

#[derive(Deserialize)]
struct Invalid {
    #[serde(default)]
    name: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct Older {
    error: OlderError,
}

#[derive(Deserialize)]
struct OlderError {
    error_code: String,
    #[serde(default)]
    error_message: String,
}

/// `None` if the answer is a success.
pub fn judge(answer: &Answer) -> Option<Failure> {
    if answer.is_success() {
        return None;
    }
    let (code, message) = words(answer);
    Some(Failure::new(class(answer.status, &code), code, message))
}

/// The code and UpCloud's own sentence.
fn words(answer: &Answer) -> (String, String) {
    if let Ok(problem) = serde_json::from_str::<Problem>(&answer.body) {
        let code = problem.kind.rsplit_once('#').map_or(problem.kind.as_str(), |(_, fragment)| fragment);
        let code = code.strip_prefix("ERROR_").unwrap_or(code).to_owned();
        let mut message = problem.title;
        for Invalid { name, reason } in problem.invalid_params {
            message = format!("{message} {name}: {reason}").trim().to_owned();
        }
        return (code, message);
    }
    if let Ok(Older { error }) = serde_json::from_str(&answer.body) {
        return (error.error_code, error.error_message);
    }
    (format!("HTTP_{}", answer.status), format!("UpCloud answered with status {} and no reason.", answer.status))
}

fn class(status: u16, code: &str) -> Class {
    match (status, code) {
        // Before a change of a peering is allowed, UpCloud finishes the one before.
        (429 | 500..=599, _) | (_, "PEERING_NOT_DISABLED") => Class::Retry,
        (401, _) | (_, "AUTHENTICATION_FAILED") => Class::Credentials,
        (402, _) => Class::Operator,
        (403, _) => Class::Denied,
        // Our own network; the peer's has a code of its own.
        (_, "LOCAL_NETWORK_NO_ROUTER") => Class::Operator,
        (_, "PEER_NETWORK_NOT_FOUND" | "PEERING_ACCOUNT_INVALID" | "PEERING_CONFLICT" | "ZONE_MISMATCH") => {
            Class::Specification
        }
        (_, code) if code.ends_with("_LIMIT_REACHED") || code.ends_with("_RESOURCES_UNAVAILABLE") => Class::Operator,
        (404, _) => Class::Gone,
        _ => Class::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Failure {
        let answer = Answer { status, headers: Default::default(), body: body.to_owned() };
        judge(&answer).expect("a refusal")
    }

    #[test]
    fn a_problem_tells_its_code_in_the_fragment_of_its_type() {
        let failure = refusal(
            404,
            r#"{"type":"https://developers.upcloud.com/1.3/errors#ERROR_PEER_NETWORK_NOT_FOUND","title":"The peer network was not found.",
                "correlation_id":"01FY8RP81GDE07BAVYY7V4DKRY","status":404}"#,
        );
        assert_eq!(failure.code, "PEER_NETWORK_NOT_FOUND");
        assert_eq!(failure.message, "The peer network was not found.");
        assert_eq!(failure.class, Class::Specification);
    }

    #[test]
    fn a_problem_tells_which_field_is_wrong_and_why() {
        let failure = refusal(
            400,
            r#"{"type":"https://developers.upcloud.com/1.3/errors#ERROR_INVALID_REQUEST","title":"Validation error.",
                "invalid_params":[{"name":"peer_network.uuid","reason":"not a UUID"}],"status":400}"#,
        );
        assert_eq!(failure.message, "Validation error. peer_network.uuid: not a UUID");
        assert_eq!(failure.class, Class::Unexpected);
    }

    #[test]
    fn the_older_form_is_understood_as_well() {
        let failure = refusal(
            401,
            r#"{"error":{"error_code":"AUTHENTICATION_FAILED","error_message":"Authentication failed using the given username and password."}}"#,
        );
        assert_eq!((failure.code.as_str(), failure.class), ("AUTHENTICATION_FAILED", Class::Credentials));
    }

    #[test]
    fn a_page_of_a_proxy_is_an_error_of_the_cloud_and_not_of_the_reader() {
        let failure = refusal(502, "<html>Bad Gateway</html>");
        assert_eq!((failure.code.as_str(), failure.class), ("HTTP_502", Class::Retry));
    }

    #[test]
    fn every_refusal_of_a_peering_has_its_class() {
        let class = |status, code: &str| refusal(status, &format!(r#"{{"type":"{code}","title":""}}"#)).class;
        assert_eq!(class(404, "NETWORK_NOT_FOUND"), Class::Gone);
        assert_eq!(class(404, "PEERING_NOT_FOUND"), Class::Gone);
        assert_eq!(class(409, "PEERING_NOT_DISABLED"), Class::Retry);
        assert_eq!(class(409, "PEERING_CONFLICT"), Class::Specification);
        assert_eq!(class(400, "PEERING_ACCOUNT_INVALID"), Class::Specification);
        assert_eq!(class(409, "LOCAL_NETWORK_NO_ROUTER"), Class::Operator);
        assert_eq!(class(403, "NETWORK_FORBIDDEN"), Class::Denied);
        assert_eq!(class(402, "INSUFFICIENT_CREDITS"), Class::Operator);
        assert_eq!(class(409, "PEERING_LIMIT_REACHED"), Class::Operator);
        assert_eq!(class(429, "RATE_LIMITED"), Class::Retry);
    }
}

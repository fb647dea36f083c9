//! What Google's refusals mean, whether they come at once or in an operation that is "done".

use std::time::Duration;

use google_cloud_auth::errors::CredentialsError;
use google_cloud_compute_v1::model;
use google_cloud_gax::error::{Error, rpc::StatusDetails};

use crate::{Class, Failure};

/// The failure behind a call's error.
pub fn failure(error: &Error) -> Failure {
    if error.is_authentication() {
        let lasting = source::<CredentialsError>(error).is_none_or(|error| !error.is_transient());
        let class = if lasting { Class::Credentials } else { Class::Unreachable };
        return Failure::new(class, "authentication", words(error));
    }
    let Some(status) = error.http_status_code() else {
        let class = if error.is_deserialization() { Class::Unexpected } else { Class::Unreachable };
        return Failure::new(class, "transport", format!("The cloud could not be reached: {}.", words(error)));
    };
    let reason = error.status().and_then(|status| {
        status.details.iter().find_map(|detail| match detail {
            StatusDetails::ErrorInfo(info) if !info.reason.is_empty() => Some(info.reason.clone()),
            _ => None,
        })
    });
    let message = match error.status() {
        Some(told) => told.message.clone(),
        None => format!("Google answered with status {status} and no reason."),
    };
    let code = reason.unwrap_or_else(|| format!("HTTP_{status}"));
    let mut failure = Failure::new(class(status, &code, &message), code, message);
    let headers = error.http_headers();
    let seconds = headers.and_then(|headers| headers.get("retry-after")?.to_str().ok()?.trim().parse().ok());
    failure.retry_after = seconds.map(Duration::from_secs);
    failure
}

/// What went wrong in an operation that was accepted; `None` if nothing did.
pub fn outcome(operation: &model::Operation) -> Option<Failure> {
    let status = operation.http_error_status_code.and_then(|status| u16::try_from(status).ok());
    let first = operation.error.as_ref().and_then(|error| error.errors.first());
    if first.is_none() && status.is_none_or(|status| status < 400) {
        return None;
    }
    let code = first.and_then(|error| error.code.clone()).unwrap_or_else(|| format!("HTTP_{}", status.unwrap_or(500)));
    let message = first.and_then(|error| error.message.clone()).or_else(|| operation.http_error_message.clone());
    let message = message.unwrap_or_default();
    Some(Failure::new(class(status.unwrap_or(400), &code, &message), code, message))
}

fn class(status: u16, code: &str, message: &str) -> Class {
    // Google changes one peering of a network at a time.
    let in_progress = message.contains("operation in progress") || message.contains("Try again later");
    match (status, code) {
        _ if in_progress => Class::Retry,
        (_, "rateLimitExceeded" | "userRateLimitExceeded" | "resourceNotReady" | "resourceInUseByAnotherResource") => {
            Class::Retry
        }
        (_, "RESOURCE_NOT_READY" | "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE" | "INTERNAL_ERROR") => Class::Retry,
        (_, "RESOURCE_OPERATION_RATE_EXCEEDED") => Class::Retry,
        (_, "quotaExceeded" | "limitExceeded" | "QUOTA_EXCEEDED" | "LIMIT_EXCEEDED") => Class::Operator,
        (_, "RESOURCE_NOT_FOUND") | (404, _) => Class::Gone,
        (_, "PERMISSION_DENIED" | "PERMISSIONS_ERROR") => Class::Denied,
        (408 | 429 | 500..=599, _) => Class::Retry,
        (401, _) => Class::Credentials,
        (403, _) => Class::Denied,
        _ => Class::Unexpected,
    }
}

/// Of a peering: whatever Google finds wrong with it and can be mended by neither waiting nor the operator is the person's.
pub fn of_peering(failure: Failure) -> Failure {
    let class = if failure.class == Class::Unexpected { Class::Specification } else { failure.class };
    Failure { class, ..failure }
}

/// Whether it is there already: a first request was carried out and its answer lost.
pub fn is_there_already(failure: &Failure) -> bool {
    matches!(failure.code.as_str(), "alreadyExists" | "HTTP_409" | "RESOURCE_ALREADY_EXISTS" | "conflict")
}

fn source<T: std::error::Error + 'static>(error: &Error) -> Option<&T> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// The innermost reason: the outer ones name the URL and little else.
fn words(error: &Error) -> String {
    let mut cause = std::error::Error::source(error);
    let mut words = error.to_string();
    while let Some(error) = cause {
        words = error.to_string();
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttled_request_is_tried_again_and_a_forbidden_one_is_not() {
        assert_eq!(class(403, "rateLimitExceeded", "Rate Limit Exceeded"), Class::Retry);
        assert_eq!(class(403, "forbidden", "Required 'compute.networks.addPeering' permission"), Class::Denied);
        assert_eq!(class(403, "quotaExceeded", "Quota 'NETWORKS' exceeded."), Class::Operator);
        assert_eq!(class(401, "authError", "Invalid Credentials"), Class::Credentials);
        assert_eq!(class(503, "backendError", ""), Class::Retry);
        assert_eq!(class(404, "notFound", ""), Class::Gone);
    }

    #[test]
    fn a_peering_operation_in_progress_is_waited_for_though_it_comes_as_a_bad_request() {
        let message = "There is a peering operation in progress on the local or peer network. Try again later.";
        assert_eq!(class(400, "badRequest", message), Class::Retry);
        let message = "There is a route operation in progress on the local or peer network. Try again later.";
        assert_eq!(class(400, "badRequest", message), Class::Retry);
    }

    #[test]
    fn an_operation_that_is_done_may_still_have_failed() {
        let good = model::Operation::new().set_status(model::operation::Status::Done);
        assert_eq!(outcome(&good), None);
        let error = model::operation::Error::new().set_errors([model::operation::error::Errors::new()
            .set_code("INVALID_USAGE")
            .set_message(
                "An IP range in the peer network (10.20.0.0/16) overlaps with an IP range in the local network.",
            )]);
        let failure = outcome(&good.clone().set_error(error)).expect("a failure");
        assert_eq!((failure.code.as_str(), of_peering(failure.clone()).class), ("INVALID_USAGE", Class::Specification));
        let bare = good.set_http_error_status_code(403).set_http_error_message("FORBIDDEN");
        assert_eq!(
            outcome(&bare).map(|failure| (failure.class, failure.message)),
            Some((Class::Denied, "FORBIDDEN".to_owned()))
        );
    }
}

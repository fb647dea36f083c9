//! What AWS's error codes mean, and where they are in an answer.
//!
//! Codes are compared without regard to case: EC2 writes `...ConnectionID.NotFound` as well as `...ConnectionId`.

use serde::Deserialize;

use crate::{Class, Failure, http::Answer};

/// The failure in an answer; `None` if it is a success.
pub(super) fn judge(answer: &Answer) -> Option<Failure> {
    if answer.is_success() {
        return None;
    }
    let (code, message) = words(answer);
    // After the sentence AWS may quote the whole signed request, session token and all.
    let message = message.lines().next().unwrap_or_default().trim().to_owned();
    let Some(code) = code else {
        let class = if answer.status == 429 || answer.status >= 500 { Class::Retry } else { Class::Unexpected };
        let message = format!("AWS answered with status {} and gave no reason.", answer.status);
        return Some(Failure::new(class, format!("status{}", answer.status), message));
    };
    let mut class = class(&code);
    if class == Class::Unexpected && (answer.status == 429 || answer.status >= 500) {
        class = Class::Retry;
    }
    Some(Failure::new(class, code, message))
}

/// A refusal that is part of an answer.
pub(super) fn coded(code: String, message: String) -> Failure {
    Failure::new(class(&code), code, message)
}

fn class(code: &str) -> Class {
    let code = code.to_ascii_lowercase();
    let code = code.strip_suffix("exception").unwrap_or(&code);
    match code {
        _ if is_throttle(code) => Class::Retry,
        "unavailable"
        | "serviceunavailable"
        | "internalerror"
        | "internalfailure"
        | "internalserver"
        | "serverinternal"
        | "dependencyviolation"
        | "resourceinuse"
        | "incorrectstate"
        | "requesttimeout"
        | "concurrenttagaccess" => Class::Retry,
        "authfailure"
        | "invalidclienttokenid"
        | "expiredtoken"
        | "unrecognizedclient"
        | "signaturedoesnotmatch"
        | "invalidaccesskeyid"
        | "missingauthenticationtoken"
        | "incompletesignature"
        | "requestexpired"
        | "credentials" => Class::Credentials,
        "unauthorizedoperation" | "accessdenied" | "operationnotpermitted" | "unauthorized" => Class::Denied,
        "optinrequired" | "blocked" | "pendingverification" | "insufficientfreeaddressesinsubnet" => Class::Operator,
        _ if code.starts_with("toomany") => Class::Operator,
        _ if code.ends_with("limitexceeded") || code.ends_with("quotaexceeded") => Class::Operator,
        _ if code.ends_with("notfound") => Class::Gone,
        "vpcpeeringconnectionalreadyexists" | "overlappingcidr" => Class::Specification,
        _ if code.starts_with("invalidvpcid") || code.starts_with("invalidtransitgatewayid") => Class::Specification,
        _ => Class::Unexpected,
    }
}

fn is_throttle(code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    code.contains("throttl") || code == "requestlimitexceeded" || code == "toomanyrequests" || code == "slowdown"
}

/// Whether the change may have been made although the answer is no success.
pub(super) fn perhaps_applied(failure: &Failure) -> bool {
    match failure.class {
        Class::Unreachable | Class::Unexpected => true,
        Class::Retry => !is_throttle(&failure.code) && !is(failure, "DependencyViolation"),
        _ => false,
    }
}

/// Whether renewed credentials may help.
pub(super) fn is_expired(failure: &Failure) -> bool {
    ["ExpiredToken", "ExpiredTokenException"].into_iter().any(|code| is(failure, code))
}

pub(super) fn is(failure: &Failure, code: &str) -> bool {
    failure.code.eq_ignore_ascii_case(code)
}

/// EC2: `Response/Errors/Error`, STS: `ErrorResponse/Error`, RAM: JSON.
fn words(answer: &Answer) -> (Option<String>, String) {
    let body = answer.body.trim_start();
    if body.starts_with('<') {
        let refused: Refused = quick_xml::de::from_str(body).unwrap_or_default();
        let Reason { code, message } = if refused.error.code.is_some() { refused.error } else { refused.errors.error };
        return (code, message.unwrap_or_default());
    }
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let header = answer.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let kind = header.or_else(|| json.get("__type")?.as_str());
    // "com.amazonaws.ram#Name:http://..." is Name.
    let code = kind.and_then(|kind| kind.rsplit('#').next()).and_then(|kind| kind.split(':').next());
    let message = json.get("message").or_else(|| json.get("Message")).and_then(|text| text.as_str());
    (code.filter(|code| !code.is_empty()).map(str::to_owned), message.unwrap_or_default().to_owned())
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Refused {
    errors: Errors,
    error: Reason,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Errors {
    error: Reason,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Reason {
    code: Option<String>,
    message: Option<String>,
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: HeaderMap::new(), body: body.to_owned() }
    }

    fn ec2(status: u16, code: &str, message: &str) -> Failure {
        let body = format!(
            "<?xml version=\"1.0\"?><Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>1</RequestID></Response>"
        );
        judge(&answer(status, &body)).expect("an error is a failure")
    }

    #[test]
    fn every_code_of_the_list_is_somebodys_turn() {
        let meant = [
            ("RequestLimitExceeded", Class::Retry),
            ("Throttling", Class::Retry),
            ("ThrottlingException", Class::Retry),
            ("Unavailable", Class::Retry),
            ("InternalError", Class::Retry),
            ("DependencyViolation", Class::Retry),
            ("AuthFailure", Class::Credentials),
            ("InvalidClientTokenId", Class::Credentials),
            ("ExpiredToken", Class::Credentials),
            ("ExpiredTokenException", Class::Credentials),
            ("SignatureDoesNotMatch", Class::Credentials),
            ("UnauthorizedOperation", Class::Denied),
            ("AccessDenied", Class::Denied),
            ("OperationNotPermitted", Class::Denied),
            ("ActiveVpcPeeringConnectionPerVpcLimitExceeded", Class::Operator),
            ("OutstandingVpcPeeringConnectionLimitExceeded", Class::Operator),
            ("VpcLimitExceeded", Class::Operator),
            ("RouteLimitExceeded", Class::Operator),
            ("RulesPerSecurityGroupLimitExceeded", Class::Operator),
            ("TransitGatewayAttachmentQuotaExceeded", Class::Operator),
            ("InvalidVpcPeeringConnectionID.NotFound", Class::Gone),
            ("invalidvpcpeeringconnectionid.notfound", Class::Gone),
            ("VpcPeeringConnectionAlreadyExists", Class::Specification),
            ("InvalidVpcID.Malformed", Class::Specification),
            ("TooManyLoadBalancers", Class::Operator),
            ("TooManyRequestsException", Class::Retry),
            ("LoadBalancerNotFound", Class::Gone),
            ("ResourceInUse", Class::Retry),
            ("SomethingNew", Class::Unexpected),
        ];
        for (code, class) in meant {
            assert_eq!(ec2(400, code, "why").class, class, "{code}");
        }
    }

    #[test]
    fn the_clouds_own_sentence_is_kept() {
        let failure = ec2(400, "InvalidParameterValue", "Value (10.0.0.0/8) &amp; &#39;more&#39; is invalid.");
        assert_eq!(failure.message, "Value (10.0.0.0/8) & 'more' is invalid.");
        assert_eq!(failure.code, "InvalidParameterValue");
    }

    #[test]
    fn a_refused_signature_is_told_without_the_request_that_was_signed() {
        let message = "The request signature we calculated does not match the signature you provided.\n\nThe Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:FwoGZXIvYXdzE\n'";
        let failure = ec2(403, "SignatureDoesNotMatch", message);
        assert_eq!(failure.message, "The request signature we calculated does not match the signature you provided.");
        assert_eq!(failure.class, Class::Credentials);
    }

    #[test]
    fn a_5xx_is_tried_again_whatever_it_says() {
        assert_eq!(ec2(503, "SomethingNew", "").class, Class::Retry);
        assert_eq!(judge(&answer(502, "<html><h1>Bad gateway</h1>")).map(|failure| failure.class), Some(Class::Retry));
        assert_eq!(judge(&answer(404, "nginx")).map(|failure| failure.class), Some(Class::Unexpected));
    }

    #[test]
    fn a_throttled_request_changed_nothing_but_a_5xx_may_have() {
        assert!(!perhaps_applied(&ec2(503, "RequestLimitExceeded", "")));
        assert!(perhaps_applied(&ec2(500, "InternalError", "")));
        assert!(perhaps_applied(&Failure::new(Class::Unreachable, "transport", "")));
        assert!(!perhaps_applied(&ec2(400, "VpcLimitExceeded", "")));
    }

    #[test]
    fn json_errors_name_their_code_in_a_header_or_in_the_body() {
        let mut refused = answer(403, r#"{"message":"User is not authorized"}"#);
        refused
            .headers
            .insert("x-amzn-errortype", "AccessDeniedException:http://internal".parse().expect("is a header"));
        let failure = judge(&refused).expect("403 is a failure");
        assert_eq!((failure.class, failure.code.as_str()), (Class::Denied, "AccessDeniedException"));
        let body = r#"{"__type":"com.amazonaws.ram#UnknownResourceException","Message":"no"}"#;
        let failure = judge(&answer(400, body)).expect("400 is a failure");
        assert_eq!((failure.code.as_str(), failure.message.as_str()), ("UnknownResourceException", "no"));
    }
}

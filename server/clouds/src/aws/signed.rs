//! Requests with a signature of the fourth version, made anew for every attempt because it holds the time.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use reqwest::{
    Method, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};

use super::account::Service;
use crate::{Class, Failure, Outcome, http::Request};

pub(super) const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
pub(super) const JSON: &str = "application/json";

/// # Errors
/// If it cannot be signed, which says nothing of the secret.
pub(super) fn post(
    credentials: &Credentials,
    service: Service,
    region: &str,
    url: &Url,
    content_type: &'static str,
    body: &str,
) -> Outcome<Request> {
    let unsigned = |error: &dyn std::fmt::Display| {
        Failure::new(Class::Operator, "signature", format!("The request could not be signed: {error}."))
    };
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service.name())
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| unsigned(&error))?
        .into();
    let bytes = SignableBody::Bytes(body.as_bytes());
    let request = SignableRequest::new("POST", url.as_str(), [("content-type", content_type)].into_iter(), bytes)
        .map_err(|error| unsigned(&error))?;
    let (instructions, _) = sign(request, &params).map_err(|error| unsigned(&error))?.into_parts();
    let mut headers = HeaderMap::new();
    headers.insert(reqwest::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in instructions.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| unsigned(&error))?;
        let mut value = HeaderValue::from_str(value).map_err(|error| unsigned(&error))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(Request { method: Method::POST, url: url.clone(), headers, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_request_prints_neither_key_nor_token() {
        let keys = Credentials::new("AKIAEXAMPLE", "wJalrXUtnFEMI", Some("FwoGZXIvYXdzE".into()), None, "test");
        let url = Url::parse("https://ec2.eu-west-1.amazonaws.com/").expect("is a URL");
        let request = post(&keys, Service::Ec2, "eu-west-1", &url, FORM, "Action=DescribeVpcs").expect("is signed");
        assert!(request.headers.contains_key("authorization"));
        assert_eq!(request.headers.get("x-amz-security-token").map(HeaderValue::as_bytes), Some(&b"FwoGZXIvYXdzE"[..]));
        let text = format!("{request:?}");
        assert!(!text.contains("FwoGZXIvYXdzE") && !text.contains("wJalrXUtnFEMI"), "{text}");
    }
}

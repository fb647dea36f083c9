//! What every answer says to browsers, and which host names are answered at all.
//!
//! A page of a foreign name that resolves to our address (DNS rebinding) is refused by its
//! Host header. Scripts run only with the nonce of their page.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use super::{Site, client, client::Client, refusal::refuse};
use crate::config::Config;

/// The names by which this console may be called. Addresses always may: nobody's name server decides over them.
#[derive(Clone, Debug)]
pub struct HostNames(Vec<String>);

impl HostNames {
    pub fn of(config: &Config) -> Self {
        let mut names = vec!["localhost".to_owned()];
        names.extend(config.public_url.iter().map(|url| url.host.clone()));
        names.extend(config.host_names.iter().cloned());
        if config.listen.iter().any(|listen| matches!(listen, crate::listen::Listen::Https(_))) {
            names.extend(crate::tls::host_name());
        }
        Self(names)
    }

    fn answers_to(&self, host: &str) -> bool {
        let name = name_of(host);
        name.parse::<IpAddr>().is_ok() || self.0.iter().any(|own| own == name)
    }
}

/// A host without its port and brackets.
fn name_of(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

/// Refuses requests for a host that is not this one.
pub async fn check_host(State(site): State<Site>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match client::host(&parts) {
        Some(host) if site.host_names.answers_to(&host) => next.run(Request::from_parts(parts, body)).await,
        Some(host) => {
            let name = name_of(&host).to_owned();
            let sentence = format!(
                "This console does not go by the name {name}. If it should, add it to host_names or set public_url in its settings."
            );
            refuse(&parts.headers, StatusCode::MISDIRECTED_REQUEST, &sentence)
        }
        None => refuse(&parts.headers, StatusCode::BAD_REQUEST, "The request names no host."),
    }
}

const FIXED: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // The page that a form came from is needed to lead back to it.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// For whatever is not a page of the app: nothing may be loaded but the stylesheet and the icon of an error page.
const BARE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// The policy of a page whose scripts carry this nonce.
pub fn page_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; font-src 'self'; \
         img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}

/// Adds the headers that every answer to a browser carries.
pub async fn add_headers(request: Request, next: Next) -> Response {
    let secure = request.extensions().get::<Client>().is_some_and(|client| client.secure);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    insert_new(headers, header::CONTENT_SECURITY_POLICY, BARE_POLICY);
    // What is not said to be kept is not kept: most of it is for one person's eyes.
    insert_new(headers, header::CACHE_CONTROL, "no-store");
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

fn insert_new(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_name_is_not_answered_and_an_address_is() {
        let names = HostNames(vec!["localhost".into(), "console.example.com".into()]);
        for host in ["localhost:3000", "console.example.com", "127.0.0.1:3000", "[::1]:3000", "10.0.0.1"] {
            assert!(names.answers_to(host), "{host}");
        }
        for host in ["evil.example", "evil.example:3000", "localhost.evil.example", "", "127.0.0.1.evil.example"] {
            assert!(!names.answers_to(host), "{host}");
        }
    }
}

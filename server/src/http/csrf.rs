//! Writes come from our own pages only.
//!
//! Browsers say where a request comes from in `Sec-Fetch-Site`, older ones in `Origin`; no
//! page can forge either. No token is needed, so forms work without WASM. A program that
//! sends neither header is let in only without cookies: it can then do nothing in anybody's name.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::Response,
};

use super::{
    client::{self, Client},
    refusal::refuse,
};

const SENTENCE: &str =
    "This request comes from another site, so it was not carried out. Open the console itself and do it there.";

pub async fn same_origin_only(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if is_harmless(&parts) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    tracing::warn!(origin = ?parts.headers.get(header::ORIGIN), "a request from another site was refused");
    refuse(&parts.headers, StatusCode::FORBIDDEN, SENTENCE)
}

fn is_harmless(request: &Parts) -> bool {
    if matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    let text = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => is_own(origin, request),
        (None, None) => !has_cookies(&request.headers),
    }
}

fn is_own(origin: &str, request: &Parts) -> bool {
    let secure = request.extensions.get::<Client>().is_some_and(|client| client.secure);
    let scheme = if secure { "https" } else { "http" };
    client::host(request).is_some_and(|host| origin.eq_ignore_ascii_case(&format!("{scheme}://{host}")))
}

fn has_cookies(headers: &HeaderMap) -> bool {
    headers.contains_key(header::COOKIE)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn post(headers: &[(&str, &str)]) -> Parts {
        let mut request =
            Request::builder().method("POST").uri("/api/vpcs/create").header("host", "console.example.com");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.extension(Client { address: Ipv4Addr::LOCALHOST.into(), secure: true });
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn only_our_own_pages_may_write() {
        for (headers, harmless) in [
            (vec![("sec-fetch-site", "same-origin"), ("cookie", "a=b")], true),
            (vec![("sec-fetch-site", "none"), ("cookie", "a=b")], true),
            (vec![("sec-fetch-site", "same-site"), ("cookie", "a=b")], false),
            (vec![("sec-fetch-site", "cross-site")], false),
            // The newer header wins over a matching older one.
            (vec![("sec-fetch-site", "cross-site"), ("origin", "https://console.example.com")], false),
            (vec![("origin", "https://console.example.com"), ("cookie", "a=b")], true),
            (vec![("origin", "http://console.example.com"), ("cookie", "a=b")], false),
            (vec![("origin", "https://evil.example"), ("cookie", "a=b")], false),
            (vec![("origin", "null")], false),
            (vec![("cookie", "a=b")], false),
            (vec![], true),
        ] {
            assert_eq!(is_harmless(&post(&headers)), harmless, "{headers:?}");
        }
    }
}

//! Who is at the other end, and over what: the connection itself, or what a trusted proxy says of it.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header::HOST},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;

use super::Site;
use crate::listen::{Arrival, Entry};

/// Known of every request from here on; an extension of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    /// The browser's own connection is https.
    pub secure: bool,
}

/// Adds [`Client`] to the request.
pub async fn recognize(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let arrival = *request.extensions().get::<Arrival>().expect("every connection says how it arrived");
    let client = client(arrival, request.headers(), &site.trusted_proxies);
    request.extensions_mut().insert(client);
    next.run(request).await
}

fn client(arrival: Arrival, headers: &HeaderMap, trusted: &[IpNet]) -> Client {
    let is_proxy = |address: IpAddr| trusted.iter().any(|range| range.contains(&address));
    let direct = Client { address: arrival.address, secure: arrival.entry == Entry::Https };
    if arrival.entry == Entry::Unix || !is_proxy(arrival.address) {
        return direct;
    }
    let last = |name: &str| headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok());
    // Each proxy appends whom it saw: the last one that is no proxy of ours is the client.
    let forwarded: Vec<IpAddr> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|text| text.trim().parse::<IpAddr>().ok())
        .collect();
    let address = forwarded.iter().rev().find(|address| !is_proxy(**address)).copied().unwrap_or(arrival.address);
    let secure = last("x-forwarded-proto").map_or(direct.secure, |scheme| scheme.trim().eq_ignore_ascii_case("https"));
    Client { address: address.to_canonical(), secure }
}

/// The name and port that the browser used, lower-cased.
pub fn host(request: &axum::http::request::Parts) -> Option<String> {
    // HTTP/2 and absolute-form requests carry it in the address.
    let named = request.uri.authority().map(ToString::to_string);
    named.or_else(|| request.headers.get(HOST)?.to_str().ok().map(str::to_owned)).map(|host| host.to_ascii_lowercase())
}

/// Whether this is a browser that wants a page, and not a program that wants JSON.
pub fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get(axum::http::header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    fn arrival(address: [u8; 4]) -> Arrival {
        Arrival { entry: Entry::Http, address: address.into() }
    }

    #[test]
    fn a_stranger_who_claims_to_be_a_proxy_is_not_believed() {
        let sent = headers(&[("x-forwarded-for", "198.51.100.1"), ("x-forwarded-proto", "https")]);
        let found = client(arrival([203, 0, 113, 9]), &sent, &["127.0.0.0/8".parse().expect("a range")]);
        assert_eq!(found, Client { address: [203, 0, 113, 9].into(), secure: false });
    }

    #[test]
    fn behind_proxies_the_last_address_that_is_not_one_of_them_counts() {
        let trusted = ["127.0.0.0/8".parse().expect("a range"), "10.0.0.0/8".parse().expect("a range")];
        let sent = headers(&[("x-forwarded-for", "6.6.6.6, 198.51.100.1, 10.0.0.3"), ("x-forwarded-proto", "https")]);
        let found = client(arrival([127, 0, 0, 1]), &sent, &trusted);
        assert_eq!(found, Client { address: [198, 51, 100, 1].into(), secure: true });
    }
}

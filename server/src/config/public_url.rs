//! The address by which people and agents reach the console, given by the operator.
//!
//! An origin and nothing else: links are made of it, and passwords travel to it.

use std::net::IpAddr;

use anyhow::{Context, Result, bail, ensure};

/// `scheme://host[:port]`, nothing after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    pub https: bool,
    pub host: String,
    /// Always written out for agents.
    pub port: u16,
    text: String,
}

impl PublicUrl {
    /// # Errors
    /// In a sentence, if it is anything but an origin.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || format!("public_url must be an address such as https://console.example.com, not {text}");
        let uri: http::Uri = text.trim().trim_end_matches('/').parse().with_context(wrong)?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => bail!(wrong()),
        };
        ensure!(matches!(uri.path(), "" | "/") && uri.query().is_none(), wrong());
        let authority = uri.authority().with_context(wrong)?;
        ensure!(!authority.as_str().contains('@'), wrong());
        let host = authority.host().to_ascii_lowercase();
        let loopback = host == "localhost"
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        ensure!(
            https || loopback,
            "public_url {text} is plain http: passwords would cross the network readable. Use https."
        );
        let port = authority.port_u16().unwrap_or(if https { 443 } else { 80 });
        let scheme = if https { "https" } else { "http" };
        let text = match authority.port_u16() {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Ok(Self { https, host, port, text })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

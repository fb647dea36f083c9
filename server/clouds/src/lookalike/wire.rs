//! One HTTP exchange as a vendor's module sees it: read whole, answered whole.

use axum::{
    body::Bytes,
    http::{HeaderMap, Method},
};
use serde_json::Value;

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    /// As sent, percent-encoding and all.
    pub path: String,
    /// Without the question mark; empty if there is none.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Call {
    /// `None` if it is absent or no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where the caller reached us, such as `http://127.0.0.1:4321`: links in an answer begin with it.
    pub fn base(&self) -> String {
        format!("http://{}", self.header("host").unwrap_or("127.0.0.1"))
    }

    /// The path's parts, decoded.
    pub fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|part| !part.is_empty()).map(decoded).collect()
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The body as a form's pairs.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The body as JSON; nothing sent is `null`.
    ///
    /// # Errors
    /// If it is no JSON.
    pub fn json(&self) -> serde_json::Result<Value> {
        if self.body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&self.body) }
    }
}

/// Percent-decoded; what has a meaning in a query has none here.
fn decoded(part: &str) -> String {
    let kept = part.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    url::form_urlencoded::parse(kept.as_bytes()).next().map_or_else(String::new, |(key, _)| key.into_owned())
}

impl Reply {
    pub fn xml(status: u16, body: String) -> Self {
        Self { status, headers: vec![("content-type", "text/xml;charset=UTF-8".into())], body }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json; charset=utf-8".into())],
            body: body.to_string(),
        }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

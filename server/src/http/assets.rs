//! The site: scripts, WASM, stylesheet, fonts. Embedded in a release, so that it is one file to copy; read from disk in a debug build.
//!
//! Compressed beforehand, each form with a tag of its own. Names carry no hash, so browsers
//! ask again each time and are told that nothing changed.

use std::fmt::Write;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../target/site"]
#[allow_missing = true]
struct Files;

/// The file of a path, if there is one.
pub fn asset(method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
    let path = path.strip_prefix('/')?;
    let is_hidden =
        path.is_empty() || path.ends_with('/') || path.ends_with(".br") || path.ends_with(".gz") || path.contains("..");
    if is_hidden || !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let (file, coding) = best(path, headers)?;
    let mut tag = String::from("\"");
    for byte in &file.metadata.sha256_hash()[..12] {
        write!(tag, "{byte:02x}").expect("a string takes any text");
    }
    tag.push('"');
    let mut response = if headers.get(header::IF_NONE_MATCH).is_some_and(|known| is_among(known, &tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let length = HeaderValue::from(file.data.len());
        let body = if *method == Method::HEAD { Body::empty() } else { Body::from(bytes(file)) };
        let mut response = body.into_response();
        response.headers_mut().insert(header::CONTENT_LENGTH, length);
        let kind = mime_guess::from_path(path).first_or_octet_stream();
        let kind = if kind.type_() == "text" { format!("{kind}; charset=utf-8") } else { kind.to_string() };
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::try_from(kind).expect("a media type"));
        if let Some(coding) = coding {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::try_from(tag).expect("hexadecimal"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let keep = if path.starts_with("pkg/") { "no-cache" } else { "public, max-age=86400" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    Some(response)
}

/// The smallest form that the browser takes.
fn best(path: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let accepts = |coding: &str| {
        accepted.split(',').any(|part| {
            let (name, weight) = part.split_once(';').unwrap_or((part, ""));
            name.trim().eq_ignore_ascii_case(coding) && !matches!(weight.trim(), "q=0" | "q=0.0")
        })
    };
    for (coding, ending) in [("br", "br"), ("gzip", "gz")] {
        if accepts(coding)
            && let Some(file) = Files::get(&format!("{path}.{ending}"))
        {
            return Some((file, Some(coding)));
        }
    }
    Files::get(path).map(|file| (file, None))
}

fn is_among(known: &HeaderValue, tag: &str) -> bool {
    known.to_str().is_ok_and(|known| {
        known.split(',').any(|one| matches!(one.trim().trim_start_matches("W/"), one if one == tag || one == "*"))
    })
}

fn bytes(file: EmbeddedFile) -> Bytes {
    match file.data {
        std::borrow::Cow::Borrowed(data) => Bytes::from_static(data),
        std::borrow::Cow::Owned(data) => Bytes::from(data),
    }
}

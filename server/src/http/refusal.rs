//! Answers of the doors themselves, before any page or server function runs: a status and a sentence.

use app::api::ApiError;
use axum::{
    Json,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::client::accepts_html;

/// A sentence as the client reads it: a small page for a browser, the API's error for a program.
pub fn refuse(headers: &HeaderMap, status: StatusCode, sentence: &str) -> Response {
    let mut response = if accepts_html(headers) {
        (status, Html(page(status, sentence))).into_response()
    } else {
        (status, Json(ApiError::Malformed(sentence.to_owned()))).into_response()
    };
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

/// As [`refuse`], for an error of the API with its own status.
pub fn error(headers: &HeaderMap, error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if accepts_html(headers) {
        refuse(headers, status, &error.to_string())
    } else {
        (status, Json(error)).into_response()
    }
}

/// A page that needs nothing but the stylesheet: it must work when nothing else does.
fn page(status: StatusCode, sentence: &str) -> String {
    let title = status.canonical_reason().unwrap_or("Refused");
    let sentence = sentence.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} · Causeway</title><link rel=\"stylesheet\" href=\"/pkg/causeway.css\"><link rel=\"icon\" href=\"/favicon.svg\"></head>\
         <body><main class=\"door\"><h1>{title}</h1><p>{sentence}</p><p><a href=\"/\">Back to the console</a></p></main></body></html>"
    )
}

//! Pages and answers made small on their way out; the site's files were compressed when they were built.
//!
//! Only what is said to be a page or JSON: a stream of events would wait in the compressor. A secret that is compressed
//! beside what a stranger chose can be guessed letter by letter from the length (BREACH). None lasts longer than the
//! answer it stands in: writes are known by where they come from and people by a cookie, so no page carries a token;
//! the nonce is of one page; an enrolment token and a road warrior's preshared key are told to our own pages only.

use axum::http::header::CONTENT_TYPE;
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, Predicate},
};

/// What fits into one packet gains nothing.
const WORTH_IT: u64 = 1024;

/// A seventh of a page is left; more would take longer than it saves on a fast line.
const QUALITY: CompressionLevel = CompressionLevel::Precise(4);

#[derive(Clone, Copy)]
pub struct PagesAndJson;

impl Predicate for PagesAndJson {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_text = kind.starts_with("text/html") || kind.starts_with("application/") && kind.ends_with("json");
        is_text && response.body().size_hint().exact().is_none_or(|length| length >= WORTH_IT)
    }
}

pub fn layer() -> CompressionLayer<PagesAndJson> {
    CompressionLayer::new().quality(QUALITY).compress_when(PagesAndJson)
}

//! The answers of server functions in HTTP's own words, and plain HTML forms that work without WASM.
//!
//! A program gets the refusal as JSON with its 4xx (leptos 0.8 says 500 for each). A form is
//! led on by 303: where the function says, else back to its page with `?flash=ID`, under which
//! the answer, or what was typed and why it was refused, waits. The browser's own code asks for
//! the outcome instead (`app::api::wire`) and gets it with 200, refused or not. Bodies are
//! bounded; what is no form and no JSON is refused.

use app::{
    api::{ApiError, wire::OUTCOME},
    routes,
};
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, REFERER, SET_COOKIE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use server_fn::{error::SERVER_FN_ERROR_HEADER, redirect::REDIRECT_HEADER};

use super::{
    Site,
    client::{self, Client, accepts_html},
    refusal::refuse,
    session::{Cookies, new_browser_cookie, redirect, sign_in_and_return},
};
use crate::console::door::Token;

/// The longest body of a server function.
pub const LONGEST_BODY: usize = 256 * 1024;
/// How much of a longer one is read and thrown away, so that its sender hears the answer.
const DRAINED: usize = 32 * 1024 * 1024;
/// How long a body may take to come.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// Around every server function.
pub async fn answer(State(site): State<Site>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    if !is_form_or_json(&parts.headers) {
        let sentence = "A server function takes application/x-www-form-urlencoded or application/json.";
        return refuse(&parts.headers, StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence);
    }
    let body = match read(&parts.headers, body).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let is_form = accepts_html(&parts.headers);
    let asks_outcome = parts.headers.get(ACCEPT).is_some_and(|accept| accept == OUTCOME);
    let (page, client) = (page_of(&parts), *parts.extensions.get::<Client>().expect("recognized before"));
    let cookies = parts.extensions.get::<Cookies>().cloned().unwrap_or_default();
    let action = parts.uri.path().to_owned();
    if is_form {
        // Leptos would lead back with the error in the address, where everybody reads it.
        parts.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    }
    let response = next.run(axum::http::Request::from_parts(parts, Body::from(body.clone()))).await;
    let form = Form { page, client, cookies, action, body };
    match (is_form, outcome(response).await) {
        (false, Ok(response)) if asks_outcome && response.status().is_success() => told("Ok", response).await,
        (false, Ok(response)) => response,
        (false, Err((error, response))) if asks_outcome => told("Err", with_status(&error, response)).await,
        (false, Err((error, response))) => with_status(&error, response),
        (true, Ok(response)) => site.led_on(response, &form).await,
        (true, Err((error, response))) => site.led_back(Err(error), response.headers(), &form),
    }
}

/// The status of an answer that is told with 200, for the log and the figures.
#[derive(Clone, Copy)]
pub struct Meant(pub StatusCode);

/// The answer as one outcome, in the words that `Result<T, ApiError>` is written with.
async fn told(outcome: &str, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body = [b"{\"", outcome.as_bytes(), b"\":", &body, b"}"].concat();
    parts.extensions.insert(Meant(parts.status));
    parts.status = StatusCode::OK;
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(OUTCOME));
    Response::from_parts(parts, Body::from(body))
}

/// A plain HTML form that was posted.
struct Form {
    /// The page that it is on.
    page: String,
    client: Client,
    cookies: Cookies,
    /// The path of the server function.
    action: String,
    body: Bytes,
}

fn is_form_or_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return true };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") || kind.eq_ignore_ascii_case("application/json")
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Response> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let too_long = || {
        let sentence =
            format!("The request is longer than {} kB, the most that a server function takes.", LONGEST_BODY / 1024);
        refuse(headers, StatusCode::PAYLOAD_TOO_LARGE, &sentence)
    };
    if announced.is_some_and(|length| length > LONGEST_BODY) {
        drain(body).await;
        return Err(too_long());
    }
    let incomplete = || refuse(headers, StatusCode::BAD_REQUEST, "The request ended before its body was complete.");
    match tokio::time::timeout(PATIENCE, Limited::new(body, LONGEST_BODY).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(_)) | Err(_) => Err(incomplete()),
    }
}

async fn drain(body: Body) {
    let mut body = Limited::new(body, DRAINED);
    let all = async { while let Some(Ok(_)) = body.frame().await {} };
    _ = tokio::time::timeout(std::time::Duration::from_secs(5), all).await;
}

/// The page that a form is on, from `Referer`: a path of this console, without an earlier flash.
fn page_of(request: &axum::http::request::Parts) -> String {
    let own = || -> Option<String> {
        let referer: axum::http::Uri = request.headers.get(REFERER)?.to_str().ok()?.parse().ok()?;
        let host = referer.authority()?.as_str().to_ascii_lowercase();
        (client::host(request)? == host).then(|| referer.path_and_query().map(ToString::to_string))?
    };
    own().as_deref().and_then(routes::local_path).map_or_else(|| routes::HOME.to_owned(), |page| with_flash(page, None))
}

/// The page with this flash, or with none.
fn with_flash(page: &str, flash: Option<&str>) -> String {
    let (path, query) = page.split_once('?').unwrap_or((page, ""));
    let flash = flash.map(|id| format!("flash={id}"));
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("flash="));
    let query: Vec<&str> = kept.chain(flash.as_deref()).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// Tells an answer from a refusal, whose body is read.
async fn outcome(response: Response) -> Result<Response, (ApiError, Response)> {
    if !response.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let error = serde_json::from_slice(&body)
        .unwrap_or_else(|_| ApiError::Malformed(String::from_utf8_lossy(&body).into_owned()));
    Err((error, Response::from_parts(parts, Body::from(body))))
}

fn with_status(error: &ApiError, mut response: Response) -> Response {
    *response.status_mut() = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let ApiError::TooMany { seconds } = error {
        response.headers_mut().insert(axum::http::header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    response
}

impl super::Inner {
    /// After success: where the function said, else back to the page with the answer.
    async fn led_on(&self, response: Response, form: &Form) -> Response {
        // Such as a function that does not exist: nobody's success.
        if !response.status().is_success() {
            return response;
        }
        let (mut parts, body) = response.into_parts();
        if !parts.headers.contains_key(LOCATION) {
            let answer = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            return match String::from_utf8_lossy(&answer).into_owned() {
                nothing if matches!(nothing.as_str(), "" | "null") => {
                    with_cookies(redirect(&form.page), &parts.headers)
                }
                answer => self.led_back(Ok(answer), &parts.headers, form),
            };
        }
        parts.status = StatusCode::SEE_OTHER;
        parts.headers.remove(REDIRECT_HEADER);
        parts.headers.remove(CONTENT_TYPE);
        parts.headers.remove(CONTENT_LENGTH);
        (parts, Body::empty()).into_response()
    }

    /// Back to the page, where the outcome waits; by way of the sign-in page if the session has ended.
    fn led_back(&self, outcome: Result<String, ApiError>, headers: &HeaderMap, form: &Form) -> Response {
        let mut new_cookie = None;
        let browser = form.cookies.browser().unwrap_or_else(|| {
            let token = Token::new();
            new_cookie = Some(new_browser_cookie(&token.text, form.client));
            token.digest
        });
        let has_ended = matches!(outcome, Err(ApiError::Unauthenticated));
        let id = self.flashes.keep(&browser, &form.action, &form.body, outcome);
        let page = with_flash(&form.page, Some(&id));
        let mut back = with_cookies(redirect(&if has_ended { sign_in_and_return(&page) } else { page }), headers);
        if let Some((name, value)) = new_cookie {
            back.headers_mut().append(name, value);
        }
        back
    }
}

/// Keeps the cookies that the function set.
fn with_cookies(mut response: Response, headers: &HeaderMap) -> Response {
    for value in headers.get_all(SET_COOKIE) {
        response.headers_mut().append(SET_COOKIE, value.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_refusal_replaces_the_first() {
        assert_eq!(with_flash("/vpcs/new", Some("a")), "/vpcs/new?flash=a");
        assert_eq!(with_flash("/vpcs/new?flash=a&cloud=x", Some("b")), "/vpcs/new?cloud=x&flash=b");
        assert_eq!(with_flash("/vpcs/new?flash=a", None), "/vpcs/new");
    }

    #[test]
    fn a_form_is_led_back_to_our_own_pages_only() {
        let page = |referer: &str| {
            let request = Request::builder().uri("/api/x").header("host", "localhost:3000").header("referer", referer);
            page_of(&request.body(Body::empty()).expect("a request").into_parts().0)
        };
        assert_eq!(page("http://localhost:3000/projects/a/vpcs/new?flash=old"), "/projects/a/vpcs/new");
        for foreign in
            ["https://evil.example/x", "http://localhost:3001/x", "nonsense", "http://localhost:3000//evil.example"]
        {
            assert_eq!(page(foreign), "/", "{foreign}");
        }
    }
}

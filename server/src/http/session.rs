//! Browsers' sessions: a cookie becomes a visitor with a console of their own; strangers are shown the door.
//!
//! The cookie is `__Host-causeway` on https, so that no other host or path can set it, and
//! `causeway` on the loopback's plain http, where browsers refuse that prefix.

use std::sync::Arc;

use app::{
    api::{ApiError, flash::Flash},
    backend::{Door, SharedBackend, SharedDoor},
    domain::person::{Password, SetUp},
    routes,
};
use async_trait::async_trait;
use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{COOKIE, LOCATION, SET_COOKIE},
        request::Parts,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos_axum::ResponseOptions;

use super::{
    Site,
    client::{Client, accepts_html},
    refusal,
};
use crate::console::door::digest;

/// A request with a valid session; an extension of it.
#[derive(Clone)]
pub struct Visitor {
    /// Of the cookie; the session's key in the store.
    pub digest: String,
    pub console: SharedBackend,
}

/// The cookies of one request.
#[derive(Clone, Debug, Default)]
pub struct Cookies {
    /// The session's id.
    session: Option<String>,
    /// Says which browser this is, signed in or not: what was typed is shown to it only.
    browser: Option<String>,
}

fn session_cookie(secure: bool) -> &'static str {
    if secure { "__Host-causeway" } else { "causeway" }
}

fn browser_cookie(secure: bool) -> &'static str {
    if secure { "__Host-causeway-browser" } else { "causeway-browser" }
}

impl Cookies {
    pub fn of(headers: &HeaderMap, client: Client) -> Self {
        let find = |name: &str| {
            headers
                .get_all(COOKIE)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(';'))
                .filter_map(|pair| pair.trim().split_once('='))
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value.to_owned())
        };
        Self { session: find(session_cookie(client.secure)), browser: find(browser_cookie(client.secure)) }
    }

    /// The digest of the browser's own cookie.
    pub fn browser(&self) -> Option<String> {
        self.browser.as_deref().map(digest)
    }
}

fn cookie(name: &str, value: &str, seconds: u64, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).expect("names and tokens are plain ASCII")
}

/// A cookie for a browser that has none yet.
pub fn new_browser_cookie(value: &str, client: Client) -> (HeaderName, HeaderValue) {
    const DAY: u64 = 86_400;
    (SET_COOKIE, cookie(browser_cookie(client.secure), value, DAY, client.secure))
}

/// Finds the session of the request's cookie and adds a [`Visitor`] to the request.
pub async fn identify(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let client = *request.extensions().get::<Client>().expect("recognized before");
    let cookies = Cookies::of(request.headers(), client);
    if let Some(id) = &cookies.session {
        let digest = digest(id);
        match site.entrance.session(&digest).await {
            Ok(Some(session)) => {
                site.entrance.see(&digest, &session);
                let console = match site.console_of(&session).await {
                    Ok(console) => console,
                    Err(error) => return refusal::error(request.headers(), &error),
                };
                request.extensions_mut().insert(Visitor { digest, console });
            }
            Ok(None) => {}
            Err(error) => return refusal::error(request.headers(), &error),
        }
    }
    request.extensions_mut().insert(cookies);
    next.run(request).await
}

/// Leads strangers to the sign-in page, or to set-up while there is nobody; and visitors from the door to their first project.
pub async fn lead(State(site): State<Site>, request: Request, next: Next) -> Response {
    let is_page = matches!(*request.method(), Method::GET | Method::HEAD);
    let visitor = request.extensions().get::<Visitor>().cloned();
    let to = match (is_page, visitor) {
        (false, _) => Ok(None),
        (true, Some(visitor)) => lead_visitor(&visitor, request.uri()).await,
        (true, None) => lead_stranger(&site, request.uri()).await,
    };
    match to {
        Ok(None) => next.run(request).await,
        Ok(Some(path)) => redirect(&path),
        Err(error) => refusal::error(request.headers(), &error),
    }
}

async fn lead_visitor(visitor: &Visitor, uri: &axum::http::Uri) -> Result<Option<String>, ApiError> {
    match uri.path() {
        routes::SIGN_IN => {
            let next = parameter(uri, "next").unwrap_or_default();
            Ok(Some(routes::local_path(&next).unwrap_or(routes::HOME).to_owned()))
        }
        routes::HOME => {
            let viewer = visitor.console.viewer().await?;
            Ok(viewer.projects.first().map(routes::overview))
        }
        _ => Ok(None),
    }
}

async fn lead_stranger(site: &Site, uri: &axum::http::Uri) -> Result<Option<String>, ApiError> {
    let path = uri.path();
    if path == routes::SET_UP {
        return Ok(None);
    }
    if !site.entrance.is_set_up().await? {
        return Ok(Some(routes::SET_UP.to_owned()));
    }
    if path == routes::SIGN_IN {
        return Ok(None);
    }
    let wanted = uri.path_and_query().map_or(path, |wanted| wanted.as_str());
    Ok(Some(sign_in_and_return(wanted)))
}

/// The sign-in page, which leads on to `path`.
pub fn sign_in_and_return(path: &str) -> String {
    match routes::local_path(path) {
        Some(path) if path != routes::HOME => {
            let query = serde_urlencoded::to_string([("next", path)]).expect("two texts");
            format!("{}?{query}", routes::SIGN_IN)
        }
        _ => routes::SIGN_IN.to_owned(),
    }
}

fn parameter(uri: &axum::http::Uri, name: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(uri.query()?).ok()?;
    pairs.into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
}

pub fn redirect(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static(routes::HOME));
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

/// The door of one request: it reads its cookies and sets them on its answer.
pub struct RequestDoor {
    site: Site,
    client: Client,
    cookies: Cookies,
    response: ResponseOptions,
}

impl RequestDoor {
    pub fn of(site: Site, request: &Parts, response: ResponseOptions) -> SharedDoor {
        let client = *request.extensions.get::<Client>().expect("recognized before");
        let cookies = Cookies::of(&request.headers, client);
        Arc::new(Self { site, client, cookies, response })
    }

    fn set_session(&self, id: &str, seconds: u64) {
        let secure = self.client.secure;
        self.response.append_header(SET_COOKIE, cookie(session_cookie(secure), id, seconds, secure));
    }
}

#[async_trait]
impl Door for RequestDoor {
    async fn sign_in(&self, email: &str, password: Password) -> Result<(), ApiError> {
        let token = self.site.entrance.sign_in(email, password, self.client.address).await?;
        // The browser's earlier session would live on with nobody to end it.
        if let Some(earlier) = &self.cookies.session {
            self.site.entrance.sign_out(&digest(earlier)).await?;
        }
        self.set_session(&token.text, self.site.session_seconds);
        Ok(())
    }

    async fn sign_out(&self) -> Result<(), ApiError> {
        if let Some(id) = &self.cookies.session {
            self.site.entrance.sign_out(&digest(id)).await?;
        }
        self.set_session("", 0);
        Ok(())
    }

    async fn set_up_link_is_good(&self, token: &str) -> Result<bool, ApiError> {
        self.site.entrance.set_up_link_is_good(token).await
    }

    async fn set_up(&self, token: &str, wanted: SetUp) -> Result<(), ApiError> {
        let session = self.site.entrance.set_up(token, wanted, self.client.address).await?;
        self.set_session(&session.text, self.site.session_seconds);
        self.site.forget_set_up_link();
        Ok(())
    }

    async fn flash(&self, id: &str) -> Option<Flash> {
        self.site.flashes.find(&self.cookies.browser()?, id)
    }
}

/// For answers that are not pages: nobody is led anywhere, a stranger gets 401.
pub fn unauthenticated(headers: &HeaderMap, path: &str) -> Response {
    if accepts_html(headers) {
        redirect(&sign_in_and_return(path))
    } else {
        refusal::error(headers, &ApiError::Unauthenticated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_of_plain_http_is_none_on_https() {
        let headers: HeaderMap =
            [(COOKIE, "a=b; causeway=id; __Host-causeway-browser=me".parse().expect("a value"))].into_iter().collect();
        let client = |secure| Client { address: [127, 0, 0, 1].into(), secure };
        assert_eq!(Cookies::of(&headers, client(false)).session.as_deref(), Some("id"));
        let secure = Cookies::of(&headers, client(true));
        assert_eq!((secure.session, secure.browser.as_deref()), (None, Some("me")));
    }

    #[test]
    fn a_stranger_comes_back_to_where_they_wanted_to_go_and_nowhere_else() {
        assert_eq!(sign_in_and_return("/projects/a/vpcs?x=1"), "/signin?next=%2Fprojects%2Fa%2Fvpcs%3Fx%3D1");
        assert_eq!(sign_in_and_return("//evil.example"), "/signin");
        assert_eq!(sign_in_and_return("/"), "/signin");
    }
}

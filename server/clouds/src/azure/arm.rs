//! Requests to Azure Resource Manager and Microsoft Graph: signed in, paged, and followed to the end of operations.

use std::time::Duration;

use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    AzureAccount, AzureEndpoints,
    errors::{self, Detail},
    tokens::{Audience, Tokens},
};
use crate::{
    Class, Failure, Outcome, Secret,
    http::{Answer, Http, Request},
};

pub const NETWORK: &str = "2024-05-01";
pub const AUTHORIZATIONS: &str = "2022-04-01";
pub const RESOURCES: &str = "2021-04-01";

const AUXILIARY: HeaderName = HeaderName::from_static("x-ms-authorization-auxiliary");
/// Azure's own pages are far fewer; one that leads round in a circle ends here.
const MOST_PAGES: usize = 1_000;
/// How long to leave an operation alone where Azure says nothing about it.
const PATIENCE: Duration = Duration::from_secs(2);
/// Whatever Azure says: somebody waits for it.
const MOST_PATIENCE: Duration = Duration::from_secs(600);

/// Clones share tokens and connections.
#[derive(Clone, Debug)]
pub struct Arm {
    pub account: AzureAccount,
    endpoints: AzureEndpoints,
    http: Http,
    tokens: Tokens,
}

/// An operation under way.
#[derive(Clone, Debug)]
pub struct Begun {
    url: Url,
    /// `Azure-AsyncOperation` tells a status in its body, `Location` by its own status.
    tells: bool,
    /// Milliseconds since 1970: before then Azure does not want to be asked.
    not_before: i64,
}

pub enum Progress {
    Running(Begun),
    Done,
    Failed(Failure),
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    status: String,
    error: Option<Detail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
struct Page<T> {
    #[serde(default = "Vec::new")]
    value: Vec<T>,
    next_link: Option<String>,
}

/// What a change is sent with, beside its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// The tenant of the other network, where it is not ours.
    pub tenant: Option<&'a str>,
    /// More of the query.
    pub query: &'a [(&'a str, &'a str)],
    /// What is changed, as it was read: if it is another by now, Azure refuses.
    pub if_match: Option<&'a str>,
}

impl Arm {
    pub fn new(account: AzureAccount, endpoints: AzureEndpoints, http: Http) -> Self {
        Self { account, endpoints, http, tokens: Tokens::default() }
    }

    async fn token(&self, tenant: &str, audience: Audience) -> Outcome<Secret> {
        let (endpoint, public) = match audience {
            Audience::Arm => (&self.endpoints.arm, "https://management.azure.com/.default"),
            Audience::Graph => (&self.endpoints.graph, "https://graph.microsoft.com/.default"),
        };
        // On loopback there is a look-alike of the public cloud; other clouds have audiences of their own.
        let scope = match endpoint.scheme() {
            "https" => format!("{}/.default", endpoint.origin().ascii_serialization()),
            _ => public.to_owned(),
        };
        self.tokens.get(&self.http, &self.account, &self.endpoints.authority, tenant, (audience, &scope)).await
    }

    async fn headers(&self, audience: Audience, beside: Beside<'_>, has_body: bool) -> Outcome<HeaderMap> {
        let token = self.token(&self.account.tenant, audience).await?;
        let mut headers = HeaderMap::from_iter([(AUTHORIZATION, bearer(&token)?)]);
        if let Some(tenant) = beside.tenant.filter(|tenant| !tenant.eq_ignore_ascii_case(&self.account.tenant)) {
            headers.insert(AUXILIARY, bearer(&self.token(tenant, audience).await?)?);
        }
        if let Some(version) = beside.if_match.and_then(|version| HeaderValue::from_str(version).ok()) {
            headers.insert(IF_MATCH, version);
        }
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(headers)
    }

    /// Where a token is refused, it is asked once more with a new one.
    async fn send(
        &self,
        audience: Audience,
        method: Method,
        url: Url,
        beside: Beside<'_>,
        body: Option<&Value>,
    ) -> Outcome<Answer> {
        let mut renewed = false;
        loop {
            let headers = self.headers(audience, beside, body.is_some()).await?;
            let request = Request {
                method: method.clone(),
                url: url.clone(),
                headers,
                body: body.map(Value::to_string).unwrap_or_default(),
            };
            match self.http.send(|| Ok(request.clone()), errors::judge).await {
                Err(failure) if failure.class == Class::Credentials && !renewed => {
                    self.tokens.forget().await;
                    renewed = true;
                }
                answer => return answer,
            }
        }
    }

    fn url(&self, path: &str, version: &str, query: &[(&str, &str)]) -> Url {
        let mut url = joined(&self.endpoints.arm, path);
        url.query_pairs_mut().append_pair("api-version", version).extend_pairs(query);
        url
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str, version: &str) -> Outcome<T> {
        let url = self.url(path, version, &[]);
        read(&self.send(Audience::Arm, Method::GET, url, Beside::default(), None).await?)
    }

    /// Every page of a list. Links are followed as they are, and never to another server.
    pub async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        version: &str,
        query: &[(&str, &str)],
    ) -> Outcome<Vec<T>> {
        let mut url = self.url(path, version, query);
        let mut items = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self.send(Audience::Arm, Method::GET, url.clone(), Beside::default(), None).await?;
            let Page { value, next_link } = read(&answer)?;
            items.extend(value);
            match next_link.filter(|link| !link.is_empty()) {
                None => return Ok(items),
                Some(link) => url = self.own(&link)?,
            }
        }
        Err(Failure::new(Class::Unexpected, "nextLink", "Azure's list does not come to an end."))
    }

    /// A PUT or a DELETE of a resource; `None` if it is over at once.
    pub async fn change(
        &self,
        method: Method,
        path: &str,
        version: &str,
        beside: Beside<'_>,
        (body, now): (Option<&Value>, i64),
    ) -> Outcome<Option<Begun>> {
        let url = self.url(path, version, beside.query);
        let answer = self.send(Audience::Arm, method, url, beside, body).await.map_err(errors::changed_meanwhile)?;
        Ok(self.begun(&answer, now))
    }

    pub async fn graph(&self, method: Method, path: &str, body: Option<&Value>) -> Outcome<Value> {
        let url = joined(&self.endpoints.graph, path);
        read(&self.send(Audience::Graph, method, url, Beside::default(), body).await?)
    }

    fn begun(&self, answer: &Answer, now: i64) -> Option<Begun> {
        let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
        let link = match (header("azure-asyncoperation"), header("location")) {
            (Some(link), _) => (link, true),
            // After 200 and 201 it only says where the resource is.
            (None, Some(link)) if answer.status == 202 => (link, false),
            _ => return None,
        };
        let not_before = rest(answer, now);
        // One that leads elsewhere is not followed: what was changed tells by itself how it is provisioned.
        self.own(link.0).ok().map(|url| Begun { url, tells: link.1, not_before })
    }

    /// What has become of an operation.
    ///
    /// # Errors
    /// If Azure cannot be asked.
    pub async fn progress(&self, begun: &Begun, now: i64) -> Outcome<Progress> {
        if now < begun.not_before {
            return Ok(Progress::Running(begun.clone()));
        }
        let answer = match self.send(Audience::Arm, Method::GET, begun.url.clone(), Beside::default(), None).await {
            Ok(answer) => answer,
            // Azure has forgotten it: what is there tells how it ended.
            Err(failure) if failure.class == Class::Gone => return Ok(Progress::Done),
            Err(failure) if matches!(failure.class, Class::Retry | Class::Unreachable | Class::Credentials) => {
                return Err(failure);
            }
            // By `Location`, this is the answer to the change itself.
            Err(failure) => return Ok(Progress::Failed(errors::changed_meanwhile(failure))),
        };
        let later = Progress::Running(Begun { not_before: rest(&answer, now), ..begun.clone() });
        if !begun.tells {
            return Ok(if answer.status == 202 { later } else { Progress::Done });
        }
        let Status { status, error } = read(&answer)?;
        Ok(match status.as_str() {
            "Succeeded" => Progress::Done,
            "Failed" | "Canceled" => {
                let detail = error.unwrap_or(Detail { code: status, message: String::new() });
                Progress::Failed(errors::changed_meanwhile(errors::failure(400, detail)))
            }
            _ => later,
        })
    }

    /// A link in an answer: our token goes to nobody else.
    fn own(&self, link: &str) -> Outcome<Url> {
        let url = Url::parse(link).ok().filter(|url| url.origin() == self.endpoints.arm.origin());
        url.ok_or_else(|| Failure::new(Class::Unexpected, "link", "Azure's answer leads to another server."))
    }
}

/// When an operation may be asked after again, in milliseconds since 1970.
fn rest(answer: &Answer, now: i64) -> i64 {
    let patience = answer.retry_after().unwrap_or(PATIENCE).min(MOST_PATIENCE);
    now.saturating_add(i64::try_from(patience.as_millis()).unwrap_or(i64::MAX))
}

/// `path` begins with a slash and may be percent-encoded by its parts only: what people type is no path.
fn joined(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/').filter(|part| !part.is_empty()));
    }
    url.set_query(query);
    url
}

fn bearer(token: &Secret) -> Outcome<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| {
        Failure::new(Class::Unexpected, "answer", "The token holds characters that no header can carry.")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Outcome<T> {
    let body = if answer.body.trim().is_empty() { "null" } else { &answer.body };
    serde_json::from_str(body).map_err(|error| {
        Failure::new(Class::Unexpected, "answer", format!("Azure's answer was not understood: {error}."))
    })
}

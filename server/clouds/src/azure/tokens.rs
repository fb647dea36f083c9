//! Tokens by client credentials: one for each tenant and audience, kept and renewed before they expire.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{
    Method, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{AzureAccount, errors};
use crate::{
    Class, Failure, Outcome, Secret,
    http::{Http, Request},
};

/// So long before its end a token is not used any more: a request may be tried for a while.
const MARGIN: Duration = Duration::from_secs(300);

/// Whatever the endpoint says: no token of Azure lives longer.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Whom a token is for, as the token endpoint calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    Arm,
    Graph,
}

#[derive(Debug)]
struct Token {
    secret: Secret,
    renew_at: Instant,
}

#[derive(Deserialize)]
struct Given {
    access_token: Secret,
    expires_in: u64,
}

/// Clones share what they have.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Arc<Mutex<HashMap<(String, Audience), Token>>>);

impl Tokens {
    /// A token of the console's application in this tenant. Fetched by one caller while the others wait.
    ///
    /// # Errors
    /// As the token endpoint says it.
    pub async fn get(
        &self,
        http: &Http,
        account: &AzureAccount,
        authority: &Url,
        tenant: &str,
        (audience, scope): (Audience, &str),
    ) -> Outcome<Secret> {
        let mut tokens = self.0.lock().await;
        let key = (tenant.to_lowercase(), audience);
        if let Some(token) = tokens.get(&key).filter(|token| token.renew_at > Instant::now()) {
            return Ok(token.secret.clone());
        }
        let Given { access_token, expires_in } = fetch(http, account, authority, tenant, scope).await?;
        let life = Duration::from_secs(expires_in);
        // Of one that lives for minutes only, half of its life is used.
        let life = life.checked_sub(MARGIN).unwrap_or(life / 2).min(LONGEST);
        let renew_at = Instant::now() + life;
        tokens.insert(key, Token { secret: access_token.clone(), renew_at });
        Ok(access_token)
    }

    /// The cloud takes them no longer, whatever their time.
    pub async fn forget(&self) {
        self.0.lock().await.clear();
    }
}

async fn fetch(http: &Http, account: &AzureAccount, authority: &Url, tenant: &str, scope: &str) -> Outcome<Given> {
    let mut url = authority.clone();
    // Percent-encoded: a tenant was typed in by somebody.
    let Ok(mut path) = url.path_segments_mut() else {
        return Err(Failure::new(Class::Operator, "endpoint", "The address of the token endpoint is no web address."));
    };
    path.pop_if_empty().extend([tenant, "oauth2", "v2.0", "token"]);
    drop(path);
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &account.client_id)
        .append_pair("client_secret", account.client_secret.expose())
        .append_pair("scope", scope)
        .finish();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let request = Request { method: Method::POST, url, headers: HeaderMap::from_iter([(CONTENT_TYPE, form)]), body };
    let ours = tenant.eq_ignore_ascii_case(&account.tenant);
    let answer = http.send(|| Ok(request.clone()), |answer| errors::no_token(answer, ours)).await?;
    serde_json::from_str(&answer.body)
        // Without the parser's words, which may quote what it read.
        .map_err(|_| Failure::new(Class::Unexpected, "answer", "The answer of the token endpoint was not understood."))
}

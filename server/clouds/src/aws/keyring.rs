//! The credentials that requests are signed with: given, found or assumed; renewed before they end.
//!
//! One renewal at a time: whoever comes meanwhile waits for it and uses what it brought.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use tokio::sync::Mutex;

use super::{
    account::{AwsAccount, AwsEndpoints, AwsKeys, AwsRole, Service},
    chain::Chain,
    form::Form,
    refusal, signed, wire,
};
use crate::{Class, Failure, Outcome, http::Http};

/// So long before its end a session is replaced.
const EARLY: Duration = Duration::from_secs(300);
const PROVIDER: &str = "causeway";

#[derive(Debug)]
pub(super) struct Keyring {
    account: AwsAccount,
    endpoints: AwsEndpoints,
    http: Http,
    chain: Chain,
    held: Mutex<Option<Credentials>>,
}

impl Keyring {
    pub fn new(account: AwsAccount, endpoints: AwsEndpoints, http: Http) -> Self {
        let chain = Chain::new(&account.region);
        Self { account, endpoints, http, chain, held: Mutex::default() }
    }

    /// # Errors
    /// If there are none, or the role may not be assumed.
    pub async fn current(&self) -> Outcome<Credentials> {
        let mut held = self.held.lock().await;
        if let Some(credentials) = held.as_ref().filter(|credentials| lasts(credentials)) {
            return Ok(credentials.clone());
        }
        Ok(held.insert(self.fetch().await?).clone())
    }

    /// Others than those that were refused as expired; `None` if there can be no others.
    ///
    /// # Errors
    /// As [`Keyring::current`].
    pub async fn renewed(&self, refused: &Credentials) -> Outcome<Option<Credentials>> {
        if self.account.role.is_none() && matches!(self.account.keys, AwsKeys::Given { .. }) {
            return Ok(None);
        }
        let mut held = self.held.lock().await;
        let other = held.as_ref().filter(|held| held.session_token() != refused.session_token());
        if let Some(other) = other {
            return Ok(Some(other.clone()));
        }
        *held = None;
        Ok(Some(held.insert(self.fetch().await?).clone()))
    }

    async fn fetch(&self) -> Outcome<Credentials> {
        let own = match &self.account.keys {
            AwsKeys::Given { access_key_id, secret_access_key, session_token } => Credentials::new(
                access_key_id,
                secret_access_key.expose(),
                session_token.as_ref().map(|token| token.expose().to_owned()),
                None,
                PROVIDER,
            ),
            AwsKeys::Environment => self.chain.credentials().await?,
        };
        match &self.account.role {
            None => Ok(own),
            Some(role) => self.assume(&own, role).await,
        }
    }

    async fn assume(&self, own: &Credentials, role: &AwsRole) -> Outcome<Credentials> {
        let mut form = Form::sts("AssumeRole").with("RoleArn", &role.arn).with("RoleSessionName", PROVIDER);
        if let Some(id) = &role.external_id {
            form = form.with("ExternalId", id.expose());
        }
        let body = self.sts(own, &form).await?;
        let keys = wire::read::<wire::AssumedRole>(&body, "AssumeRole")?.result.credentials;
        let end = time(&keys.expiration).ok_or_else(|| {
            Failure::new(Class::Unexpected, "answer", "AWS's answer to AssumeRole does not tell when it ends.")
        })?;
        tracing::debug!(role = role.arn, until = keys.expiration, "assumed a role in AWS");
        let (secret, token) = (keys.secret_access_key.expose(), keys.session_token.expose());
        Ok(Credentials::new(keys.access_key_id, secret, Some(token.to_owned()), Some(end), PROVIDER))
    }

    /// Asks STS, signed with these.
    ///
    /// # Errors
    /// Whatever STS refuses.
    pub async fn sts(&self, credentials: &Credentials, form: &Form) -> Outcome<String> {
        let region = &self.account.region;
        let url = self.endpoints.of(Service::Sts, region).ok_or_else(|| no_region(region))?;
        let body = form.encoded();
        let build = || signed::post(credentials, Service::Sts, region, &url, signed::FORM, &body);
        Ok(self.http.send(build, refusal::judge).await?.body)
    }
}

pub(super) fn no_region(region: &str) -> Failure {
    Failure::new(Class::Operator, "region", format!("{region:?} is no region of AWS."))
}

/// RFC 3339, as every answer writes times.
pub(super) fn time(text: &str) -> Option<SystemTime> {
    use aws_smithy_types::date_time::{DateTime, Format};
    let time = DateTime::from_str(text, Format::DateTimeWithOffset).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(time.to_millis().ok()?.try_into().ok()?))
}

fn lasts(credentials: &Credentials) -> bool {
    credentials.expiry().is_none_or(|end| SystemTime::now() + EARLY < end)
}

//! Who this agent is to the console: enrolment, and a credential that is changed once a month.

use std::{
    io::Read,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use anyhow::{Context, Result, bail};
use app::domain::host::{Enrol, HostFacts, HostRole, token_digest};

use super::{
    backoff::Backoff,
    client::{Client, Trouble},
    host::key::PrivateKey,
    state::{Credential, StateFolder},
};
use crate::clock;

/// Seconds.
const MONTH: u64 = 30 * 24 * 60 * 60;

/// The credential in use, shared by the tasks that talk.
#[derive(Clone)]
pub struct Bearer(Arc<RwLock<String>>);

impl Bearer {
    /// The stored credential, if there is one.
    pub fn of(state: &StateFolder) -> Result<Self> {
        Ok(Self(Arc::new(RwLock::new(state.credential()?.map(|known| known.credential).unwrap_or_default()))))
    }

    pub fn get(&self) -> String {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, credential: &str) {
        credential.clone_into(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A one-time token, given by a file, standard input or the environment.
pub struct Token(String);

impl Token {
    /// `file`: `-` is standard input. `None` if there is none, or it is empty.
    pub fn read(file: Option<&Path>, environment: Option<String>) -> Result<Option<Self>> {
        let text = match file {
            Some(path) if path == Path::new("-") => {
                let mut text = String::new();
                std::io::stdin()
                    .take(4096)
                    .read_to_string(&mut text)
                    .context("The token cannot be read from standard input")?;
                Some(text)
            }
            // An enrolled host may have lost it: it works once anyhow.
            Some(path) => match std::fs::read_to_string(path) {
                Ok(text) => Some(text),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => bail!("The token file {} cannot be read: {error}", path.display()),
            },
            None => environment,
        };
        Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).map(Self))
    }

    /// How an enrolment remembers which token it was for.
    fn digest(&self) -> String {
        token_digest(&self.0)
    }
}

/// Whether a token asks for an enrolment that has not been made yet.
pub fn enrolment_due(state: &StateFolder, token: Option<&Token>) -> Result<bool> {
    match (state.credential()?, token) {
        (Some(known), Some(token)) => Ok(known.token != token.digest()),
        (Some(_), None) => Ok(false),
        (None, Some(_)) => Ok(true),
        (None, None) => bail!(
            "This host is not enrolled. Make an enrolment token on the gateway's page, or on the service's, and give it with --token-file FILE, --token-file - (standard input) or CAUSEWAY_TOKEN."
        ),
    }
}

/// Exchanges the token. What the host is for now, and whether it is another one than before.
pub async fn enrol(
    client: &mut Client,
    state: &StateFolder,
    token: &Token,
    key: &PrivateKey,
    facts: HostFacts,
) -> Result<(HostRole, bool)> {
    let enrol = Enrol { token: token.0.clone(), public_key: key.public(), facts };
    let mut backoff = Backoff::default();
    let mut told = false;
    let enrolled = loop {
        match client.enrol(&enrol).await {
            Ok(enrolled) => break enrolled,
            Err(trouble @ Trouble::Unreachable { .. }) => {
                if !told {
                    tracing::warn!("{trouble}. Trying again until it can.");
                    told = true;
                }
                backoff.wait().await;
            }
            Err(Trouble::Unknown(message)) => bail!(
                "The console refused the enrolment token: {message} Make a new one on the gateway's page, or on the service's; each works once, for an hour."
            ),
            Err(trouble) => bail!("Enrolment failed. {trouble}"),
        }
    };
    let other = state.credential()?.is_some_and(|known| known.host != enrolled.host);
    if other {
        state.forget_documents()?;
    }
    state.set_credential(&Credential {
        host: enrolled.host,
        credential: enrolled.credential,
        token: token.digest(),
        issued_at: clock::now(),
    })?;
    let role = enrolled.host.role();
    tracing::info!(role = %role, host.id = %enrolled.host, console = %client.address(), "enrolled");
    Ok((role, other))
}

/// Asks for a new credential if this one has grown old.
pub async fn renew(client: &mut Client, state: &StateFolder, bearer: &Bearer) -> Result<()> {
    let Some(mut known) = state.credential()? else { return Ok(()) };
    if known.issued_at.age_seconds(clock::now()) < MONTH {
        return Ok(());
    }
    match client.rotate(&known.credential).await {
        Ok(enrolled) => {
            // The old one counts until the new one is used, so a crash in between loses nothing.
            known.credential = enrolled.credential;
            known.issued_at = clock::now();
            state.set_credential(&known)?;
            bearer.set(&known.credential);
            tracing::info!("the credential was renewed");
        }
        Err(trouble) => tracing::debug!(%trouble, "the credential was not renewed yet"),
    }
    Ok(())
}

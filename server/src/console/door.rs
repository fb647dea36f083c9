//! What happens before anybody is known: signing in, setting up, and telling from a cookie who is there.
//!
//! Ids and tokens are 32 random bytes that only the browser or the link has; the store has
//! their digests. An unknown address and a wrong password take the same work and get the
//! same sentence.

use std::{net::IpAddr, sync::Mutex};

use app::{
    api::ApiError,
    domain::{
        OrganizationId, PersonId, ProjectId, ProjectName, Refusal, Timestamp,
        change::{ChangeKind, Facts, Topic},
        person::{Email, Password, SetUp},
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::{attempts::Attempts, internal, password};
use crate::{
    clock,
    config::SessionLifetimes,
    seal,
    store::{
        Note, Store, StoreError, Tx,
        people::{ADMIN, Membership, Person, Scope},
        sessions::Session,
        transact,
    },
};

/// How long a set-up link is good.
pub const SET_UP_LINK_HOURS: i64 = 24;

/// A random text that opens something, and its digest.
pub struct Token {
    pub text: String,
    pub digest: String,
}

impl Token {
    pub fn new() -> Self {
        let text = URL_SAFE_NO_PAD.encode(seal::random::<32>());
        let digest = digest(&text);
        Self { text, digest }
    }
}

impl Default for Token {
    fn default() -> Self {
        Self::new()
    }
}

pub use app::domain::host::token_digest as digest;

/// The way in, shared by all requests.
pub struct Entrance {
    store: Store,
    lifetimes: SessionLifetimes,
    attempts: Mutex<Attempts>,
}

const NOT_RIGHT: &str = "The e-mail address or the password is not right.";
/// How old `seen_at` may grow before it is written again, in seconds.
const SEEN_EVERY: u64 = 60;

impl Entrance {
    pub fn new(store: Store, lifetimes: SessionLifetimes) -> Self {
        Self { store, lifetimes, attempts: Mutex::default() }
    }

    /// The session that a cookie stands for.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if the store does not answer.
    pub async fn session(&self, digest: &str) -> Result<Option<Session>, ApiError> {
        let now = clock::now();
        let Some(session) = self.store.session(digest).await.map_err(internal)? else { return Ok(None) };
        let lifetimes = self.lifetimes;
        if session.created_at.age_seconds(now) >= lifetimes.absolute.as_secs()
            || session.seen_at.age_seconds(now) >= lifetimes.idle.as_secs()
        {
            return Ok(None);
        }
        Ok(Some(session))
    }

    /// Notes that a session is in use. Nobody waits for it.
    pub fn see(&self, digest: &str, session: &Session) {
        let now = clock::now();
        if session.seen_at.age_seconds(now) < SEEN_EVERY.min(self.lifetimes.idle.as_secs() / 2) {
            return;
        }
        let (store, digest) = (self.store.clone(), digest.to_owned());
        tokio::spawn(async move {
            if let Err(error) = store.see_session(&digest, now).await {
                tracing::warn!(%error, "a session's last use could not be noted");
            }
        });
    }

    /// Starts a session; its id goes into the browser's cookie.
    ///
    /// # Errors
    /// One sentence for every mistake; [`ApiError::TooMany`] after several.
    pub async fn sign_in(&self, email: &str, password: Password, source: IpAddr) -> Result<Token, ApiError> {
        // Cut to what an address can be: it is remembered, and anybody may send anything.
        let name: String = email.trim().to_lowercase().chars().take(254).collect();
        self.attempts().begin(&name, source, clock::now()).map_err(|seconds| ApiError::TooMany { seconds })?;
        let credentials = match email.parse::<Email>() {
            Ok(email) => self.store.credentials(&email).await.map_err(internal)?,
            Err(_) => None,
        };
        let credentials = credentials.filter(|credentials| credentials.active);
        let hash = credentials.as_ref().map(|credentials| credentials.password_hash.clone());
        let fits = password::matches(password, hash).await;
        let Some(person) = credentials.map(|credentials| credentials.person).filter(|_| fits) else {
            tracing::info!(source = %source, "a sign-in was refused");
            return Err(Refusal::malformed("", NOT_RIGHT).into());
        };
        self.attempts().succeed(&name, source);
        let token = Token::new();
        let started = transact!(self.store, clock::now(), |tx| {
            tx.insert_session(&token.digest, person.id).await?;
            let facts = Facts::from([("address".to_owned(), source.to_string())]);
            tx.note(about(&person, ChangeKind::SignIn, facts)).await
        });
        started.map_err(internal)?;
        tracing::info!(person.id = %person.id, source = %source, "signed in");
        Ok(token)
    }

    /// Ends the session of a cookie.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if the store does not answer.
    pub async fn sign_out(&self, digest: &str) -> Result<(), ApiError> {
        transact!(self.store, clock::now(), |tx| tx.end_session(digest).await).map_err(internal)
    }

    /// # Errors
    /// [`ApiError::Internal`] if the store does not answer.
    pub async fn set_up_link_is_good(&self, token: &str) -> Result<bool, ApiError> {
        self.store.set_up_link_is_good(&digest(token), clock::now()).await.map_err(internal)
    }

    /// Whether somebody can administer this installation.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if the store does not answer.
    pub async fn is_set_up(&self) -> Result<bool, ApiError> {
        self.store.has_administrator().await.map_err(internal)
    }

    /// Makes a new set-up link if there is no administrator yet; its token is kept as a digest only.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn issue_set_up_link(&self) -> Result<Option<Token>, StoreError> {
        if self.store.has_administrator().await? {
            return Ok(None);
        }
        let (token, now) = (Token::new(), clock::now());
        let expires_at = now.plus_seconds(SET_UP_LINK_HOURS * 3600);
        transact!(self.store, now, |tx| tx.put_set_up_link(&token.digest, expires_at).await)?;
        Ok(Some(token))
    }

    /// Makes the first administrator, organization and project, and signs in; all in the transaction that uses the link up.
    ///
    /// # Errors
    /// If the link is used up or too old.
    pub async fn set_up(&self, token: &str, wanted: SetUp, source: IpAddr) -> Result<Token, ApiError> {
        let link = digest(token);
        // Asked before the costly hash, and again, for good, in the transaction.
        if !self.set_up_link_is_good(token).await? {
            return Err(link_is_spent().into());
        }
        let password_hash = password::hash(wanted.password.clone()).await;
        let person = Person { id: new_person(), email: wanted.email.clone(), is_super_admin: true };
        let session = Token::new();
        let done = transact!(self.store, clock::now(), |tx| {
            if !tx.take_set_up_link(&link).await? {
                return Err(link_is_spent().into());
            }
            let project = found(tx, &wanted.organization, &wanted.project).await?;
            admit(tx, &person, &password_hash, project).await?;
            tx.insert_session(&session.digest, person.id).await?;
            let facts = Facts::from([
                ("organization".to_owned(), wanted.organization.clone()),
                ("project".to_owned(), wanted.project.to_string()),
                ("address".to_owned(), source.to_string()),
            ]);
            tx.note(about(&person, ChangeKind::AdministratorCreate, facts)).await
        });
        match done {
            Ok(_) => Ok(session),
            Err(StoreError::Refused(refusals)) => Err(refusals.into()),
            Err(error) if error.is_unique_violation() => Err(Refusal::conflict(
                "project",
                "An organization or project of this name exists already. Choose other names.",
            )
            .into()),
            Err(error) => Err(internal(error)),
        }
    }

    /// Makes a person from the command line, with a first organization and project if there is none.
    ///
    /// # Errors
    /// In a sentence, if there is a person of this address.
    pub async fn create_person(
        &self,
        email: &Email,
        password: Password,
        is_super_admin: bool,
    ) -> anyhow::Result<PersonId> {
        let password_hash = password::hash(password).await;
        let person = Person { id: new_person(), email: email.clone(), is_super_admin };
        let done = transact!(self.store, clock::now(), |tx| {
            let project = match tx.first_project().await? {
                Some(project) => (project.organization, project.id),
                None => found(tx, "default", &"default".parse().expect("a name")).await?,
            };
            admit(tx, &person, &password_hash, project).await?;
            let kind = if is_super_admin { ChangeKind::AdministratorCreate } else { ChangeKind::PersonCreate };
            tx.note(Note { actor: "command line", ..about(&person, kind, Facts::new()) }).await
        });
        match done {
            Ok(_) => Ok(person.id),
            Err(error) if error.is_unique_violation() => {
                anyhow::bail!(
                    "There is somebody with the address {email} already. `causeway user password` sets a new password."
                )
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sets a password from the command line and ends the person's sessions.
    ///
    /// # Errors
    /// In a sentence, if there is nobody of this address.
    pub async fn set_password(&self, email: &Email, password: Password) -> anyhow::Result<()> {
        let Some(credentials) = self.store.credentials(email).await? else {
            anyhow::bail!("There is nobody with the address {email}. `causeway user create` makes somebody.");
        };
        let (person, password_hash) = (credentials.person, password::hash(password).await);
        transact!(self.store, clock::now(), |tx| {
            tx.set_password_hash(person.id, &password_hash).await?;
            tx.end_sessions_of(person.id).await?;
            tx.note(Note { actor: "command line", ..about(&person, ChangeKind::PasswordSet, Facts::new()) }).await
        })?;
        Ok(())
    }

    /// Forgets sessions that have ended by age.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let now = clock::now();
        let before = |lifetime: std::time::Duration| {
            Timestamp(now.0 - i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX / 2))
        };
        let (created, seen) = (before(self.lifetimes.absolute), before(self.lifetimes.idle));
        transact!(self.store, now, |tx| tx.sweep_sessions(created, seen).await)
    }

    fn attempts(&self) -> std::sync::MutexGuard<'_, Attempts> {
        self.attempts.lock().expect("nobody panics with it in hand")
    }
}

fn link_is_spent() -> Refusal {
    Refusal::conflict(
        "token",
        "This set-up link has been used, or is older than 24 hours. If nobody can sign in yet, restart the console: it makes a new one.",
    )
}

fn new_person() -> PersonId {
    PersonId::from_uuid(Uuid::now_v7())
}

/// Makes an organization and its first project.
async fn found(
    tx: &mut Tx,
    organization: &str,
    project: &ProjectName,
) -> Result<(OrganizationId, ProjectId), StoreError> {
    let ids = (OrganizationId::from_uuid(Uuid::now_v7()), ProjectId::from_uuid(Uuid::now_v7()));
    tx.insert_organization(ids.0, organization).await?;
    tx.insert_project(ids.1, project, ids.0).await?;
    Ok(ids)
}

/// Makes the person, an administrator of the project; of the organization too if they administer the whole installation.
async fn admit(
    tx: &mut Tx,
    person: &Person,
    password_hash: &str,
    (organization, project): (OrganizationId, ProjectId),
) -> Result<(), StoreError> {
    tx.insert_person(person, password_hash).await?;
    tx.insert_membership(person.id, &Membership { scope: Scope::Project(project), role: ADMIN.to_owned() }).await?;
    if person.is_super_admin {
        tx.insert_membership(
            person.id,
            &Membership { scope: Scope::Organization(organization), role: ADMIN.to_owned() },
        )
        .await?;
    }
    Ok(())
}

fn about<'a>(person: &'a Person, kind: ChangeKind, after: Facts) -> Note<'a> {
    Note {
        actor: person.email.as_str(),
        kind,
        topic: Topic::People,
        project: None,
        object: person.id.to_string(),
        object_name: person.email.to_string(),
        before: Facts::new(),
        after,
    }
}

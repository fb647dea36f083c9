//! How a host comes to speak for a gateway or a node: a one-time token for a credential of its own, a new credential for an old one,
//! and a credential that the database should know and does not, since it is an older copy.

use app::domain::{
    PublicKey, Refusal,
    change::{Facts, Topic},
    host::{Enrol, Enrolled, HostFacts, HostId, HostRole},
};

use super::{Refused, credential::Claim, transitions};
use crate::{
    clock,
    seal::Sealer,
    store::{
        Result, Store, StoreError, Tx,
        hosts::{Bearer, Enrolling, HostScope, Standing, digest},
        transact,
    },
};

/// Who may speak for which gateway or node.
#[derive(Clone)]
pub struct Registry {
    store: Store,
    sealer: Sealer,
}

impl Registry {
    pub fn new(store: Store, sealer: Sealer) -> Self {
        Self { store, sealer }
    }

    /// Exchanges an enrolment token. The former host's credential ends, its key is replaced everywhere.
    ///
    /// # Errors
    /// If the token is not good, or the key belongs to somebody else; then the token is still good.
    pub async fn enrol(&self, request: &Enrol) -> Result<Enrolled, Refused> {
        let Self { store, sealer } = self;
        check_facts(&request.facts)?;
        let token = digest(&request.token);
        // Anybody may ask: who has no good token does not get in the way of those who write.
        if !store.enrolment_is_good(&token, clock::now()).await.map_err(Refused::failed)? {
            return Err(spent());
        }
        let written = transact!(store, clock::now(), |tx| {
            let Enrolling::Taken(id) = tx.take_enrolment(&token).await? else { return Err(StoreError::NotFound) };
            let Some(host) = tx.host(id).await?.filter(|host| !host.deleting) else {
                return Err(StoreError::NotFound);
            };
            if tx.key_is_taken(id, request.public_key).await? {
                return Err(Refusal::conflict("public_key", KEY_IS_TAKEN).into());
            }
            let issued_at = tx.issue_moment(id).await?;
            let credential = Claim { host: id, public_key: request.public_key, issued_at }.seal(sealer);
            tx.replace_credentials(id, &digest(&credential)).await?;
            admit(tx, host, request.public_key, Some(&request.facts), Facts::new()).await?;
            Ok(Enrolled { host: id, credential })
        });
        match written {
            Ok(enrolled) => {
                tracing::info!(host.id = %enrolled.host, role = %enrolled.host.role(), host = request.facts.host_name, "a host has enrolled");
                Ok(enrolled)
            }
            Err(StoreError::NotFound) => Err(spent()),
            Err(StoreError::Refused(refusals)) => Err(Refused::Conflict(refusals.to_string())),
            Err(error) => Err(Refused::Failed(error.into())),
        }
    }

    /// Whom a bearer token speaks for. The first use of a new credential ends the one before it.
    ///
    /// # Errors
    /// If it speaks for nobody.
    pub async fn authenticate(&self, token: &str) -> Result<HostId, Refused> {
        let store = &self.store;
        let digest = digest(token);
        match store.bearer(&digest).await.map_err(Refused::failed)? {
            Bearer::Live { host, first_use: false } => Ok(host),
            Bearer::Live { host, first_use: true } => {
                transact!(store, clock::now(), |tx| tx.use_credential(host, &digest).await).map_err(Refused::failed)?;
                Ok(host)
            }
            Bearer::Departed => Err(gone()),
            Bearer::Unknown => self.recognize(token, &digest).await,
        }
    }

    /// A credential that the database does not know: was it revoked, or issued after this copy of the database was made?
    async fn recognize(&self, token: &str, digest: &str) -> Result<HostId, Refused> {
        let Self { store, sealer } = self;
        let Some(claim) = Claim::open(sealer, token) else { return Err(unknown()) };
        match store.standing(claim.host).await.map_err(Refused::failed)? {
            Standing::Since(from) if claim.issued_at > from => {}
            Standing::Since(_) => return Err(unknown()),
            Standing::Departed => return Err(gone()),
            Standing::Unknown => {
                return Err(Refused::Unauthenticated(format!(
                    "This console issued the credential for {role} {}, which its database does not know: an older copy of the database was put back. Create the {role} again and enrol this host with a token from its page.",
                    claim.host,
                    role = claim.host.role()
                )));
            }
        }
        let written = transact!(store, clock::now(), |tx| {
            let host = tx.host(claim.host).await?.ok_or(StoreError::NotFound)?;
            if claim.issued_at <= tx.credentials_from(claim.host).await? {
                return Err(StoreError::NotFound);
            }
            if tx.key_is_taken(claim.host, claim.public_key).await? {
                return Err(Refusal::conflict("public_key", KEY_IS_TAKEN).into());
            }
            tx.adopt_credential(claim.host, digest, claim.issued_at).await?;
            let reason = "Issued after this copy of the database was made.";
            let after = Facts::from([("reason".to_owned(), reason.to_owned())]);
            if host.row.public_key == Some(claim.public_key) {
                let actor = host.actor();
                let kind = transitions::kinds(&host).rotate;
                return transitions::note_as(tx, &actor, &host, kind, Facts::new(), after).await;
            }
            admit(tx, host, claim.public_key, None, after).await
        });
        match written {
            Ok(()) => {
                tracing::warn!(host.id = %claim.host, role = %claim.host.role(), "a credential is newer than the database, of which an older copy was put back; it was taken over");
                Ok(claim.host)
            }
            Err(StoreError::NotFound) => Err(unknown()),
            Err(StoreError::Refused(refusals)) => Err(Refused::Conflict(refusals.to_string())),
            Err(error) => Err(Refused::Failed(error.into())),
        }
    }

    /// A successor for the credential of a host's agent; the old one is good until the new one is first used.
    ///
    /// # Errors
    /// If the gateway or node is gone.
    pub async fn rotate(&self, id: HostId) -> Result<Enrolled, Refused> {
        let Self { store, sealer } = self;
        let credential = transact!(store, clock::now(), |tx| {
            let host = tx.host(id).await?.ok_or(StoreError::NotFound)?;
            let public_key = host.row.public_key.ok_or(StoreError::NotFound)?;
            if tx.is_noisy(id).await? {
                let sentence = format!("Too much has changed at this {} lately. Ask again in ten minutes.", id.role());
                return Err(Refusal::conflict("", sentence).into());
            }
            let issued_at = tx.issue_moment(id).await?;
            let credential = Claim { host: id, public_key, issued_at }.seal(sealer);
            tx.add_credential(id, &digest(&credential)).await?;
            let (actor, kind) = (host.actor(), transitions::kinds(&host).rotate);
            transitions::note_as(tx, &actor, &host, kind, Facts::new(), Facts::new()).await?;
            Ok(credential)
        })
        .map_err(|error| match error {
            StoreError::Refused(refusals) => Refused::Conflict(refusals.to_string()),
            error => Refused::failed(error),
        })?;
        Ok(Enrolled { host: id, credential })
    }
}

const KEY_IS_TAKEN: &str = "This key pair belongs to another gateway or peer already. Remove the agent's state folder, so that it makes a new pair.";

/// Stores a host that is new to the database; nothing of what the former one did is true of it.
async fn admit(
    tx: &mut Tx,
    mut host: HostScope,
    public_key: PublicKey,
    facts: Option<&HostFacts>,
    mut after: Facts,
) -> Result<()> {
    tx.rekey_mirrors(host.row.host, public_key).await?;
    let former = host.row.public_key;
    let row = &mut host.row;
    (row.enrolled, row.public_key, row.facts) = (true, Some(public_key), facts.cloned());
    (row.last_seen, row.applied, row.verified) = (Some(tx.at()), 0, 0);
    (row.apply_error, row.drift) = (None, Vec::new());
    host.row.cleaned = false;
    let actor = host.actor();
    let key = |key: Option<PublicKey>| {
        key.map_or_else(Facts::new, |key| Facts::from([("public_key".to_owned(), key.short())]))
    };
    after.extend(key(Some(public_key)));
    if let Some(facts) = facts {
        after.insert("host".to_owned(), facts.host_name.clone());
    }
    transitions::note_as(tx, &actor, &host, transitions::kinds(&host).enrol, key(former), after).await?;
    // It has spoken just now, so silence is no question.
    transitions::note_status(tx, &mut host, u64::MAX).await?;
    tx.observe_host(&host).await?;
    if host.row.host.role() == HostRole::Gateway {
        tx.touch(Topic::Peers);
    }
    Ok(())
}

fn spent() -> Refused {
    Refused::Unauthenticated(
        "The enrolment token is unknown, used or older than an hour. Issue a new one on the gateway's page, or on the service's.".to_owned(),
    )
}

fn gone() -> Refused {
    Refused::Gone(
        "The gateway or node was removed. Remove what is left of it on this host, and this agent's stored document."
            .to_owned(),
    )
}

fn unknown() -> Refused {
    Refused::Unauthenticated(
        "The credential is unknown or was revoked. Enrol the host again with a token from the gateway's page, or from the service's."
            .to_owned(),
    )
}

/// Facts are shown to people and stored with every report, so they stay small.
pub(super) fn check_facts(facts: &HostFacts) -> Result<(), Refused> {
    let texts = [&facts.agent_version, &facts.host_name]
        .into_iter()
        .chain(&facts.wan)
        .chain(facts.interfaces.iter().map(|i| &i.name));
    let short = texts.into_iter().all(|text| text.len() <= 255 && !text.chars().any(char::is_control));
    let few =
        facts.interfaces.len() <= 1024 && facts.interfaces.iter().all(|interface| interface.addresses.len() <= 256);
    if short && few {
        return Ok(());
    }
    Err(Refused::Malformed(
        "The facts about the host are too long: names have at most 255 characters, a host 1,024 interfaces.".to_owned(),
    ))
}

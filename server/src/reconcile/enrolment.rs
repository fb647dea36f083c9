//! How a host comes to speak for a gateway: a one-time token for a credential of its own, and a new credential for an old one.

use app::domain::{
    GatewayId, PublicKey, Refusal,
    change::{ChangeKind, Facts, Topic},
    host::{Enrol, Enrolled, HostFacts},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Refused, transitions};
use crate::{
    clock, seal,
    store::{
        Result, Store, StoreError, Tx,
        hosts::{Bearer, Enrolling, HostScope, digest},
        transact,
    },
};

/// Exchanges an enrolment token. The former host's credential ends, its key is replaced everywhere.
///
/// # Errors
/// If the token is not good, or the key belongs to somebody else; then the token is still good.
pub async fn enrol(store: &Store, request: &Enrol) -> Result<Enrolled, Refused> {
    check_facts(&request.facts)?;
    let (token, credential) = (digest(&request.token), new_credential());
    let written = transact!(store, clock::now(), |tx| {
        let Enrolling::Taken(gateway) = tx.take_enrolment(&token).await? else { return Err(StoreError::NotFound) };
        let Some(host) = tx.host(gateway).await?.filter(|host| !host.deleting) else {
            return Err(StoreError::NotFound);
        };
        if tx.key_is_taken(gateway, request.public_key).await? {
            return Err(Refusal::conflict(
                    "public_key",
                    "This key pair belongs to another gateway or peer already. Remove the agent's state folder, so that it makes a new pair.",
                )
                .into());
        }
        tx.replace_credentials(gateway, &digest(&credential)).await?;
        tx.rekey_mirrors(gateway, request.public_key).await?;
        admit(tx, host, request).await?;
        Ok(gateway)
    });
    match written {
        Ok(gateway) => {
            tracing::info!(gateway.id = %gateway, host = request.facts.host_name, "a gateway host has enrolled");
            Ok(Enrolled { gateway, credential })
        }
        Err(StoreError::NotFound) => Err(Refused::Unauthenticated(
            "The enrolment token is unknown, used or older than an hour. Issue a new one on the gateway's page."
                .to_owned(),
        )),
        Err(StoreError::Refused(refusals)) => Err(Refused::Conflict(refusals.to_string())),
        Err(error) => Err(Refused::Failed(error.into())),
    }
}

/// Stores the host as it introduces itself; nothing of what the former one did is true of it.
async fn admit(tx: &mut Tx, mut host: HostScope, request: &Enrol) -> Result<()> {
    let former = host.row.public_key;
    let row = &mut host.row;
    (row.enrolled, row.public_key, row.facts) = (true, Some(request.public_key), Some(request.facts.clone()));
    (row.last_seen, row.applied, row.verified) = (Some(tx.at()), 0, 0);
    (row.apply_error, row.drift) = (None, Vec::new());
    host.cleaned = false;
    let actor = host.actor();
    let key = |key: Option<PublicKey>| {
        key.map_or_else(Facts::new, |key| Facts::from([("public_key".to_owned(), key.short())]))
    };
    let mut after = key(Some(request.public_key));
    after.insert("host".to_owned(), request.facts.host_name.clone());
    transitions::note_as(tx, &actor, &host, ChangeKind::VpnGatewayEnrol, key(former), after).await?;
    // It has spoken just now, so silence is no question.
    transitions::note_status(tx, &mut host, u64::MAX).await?;
    tx.observe_host(&host).await?;
    tx.touch(Topic::Peers);
    Ok(())
}

/// Whom a bearer token speaks for. The first use of a new credential ends the one before it.
///
/// # Errors
/// If it speaks for nobody.
pub async fn authenticate(store: &Store, token: &str) -> Result<GatewayId, Refused> {
    let digest = digest(token);
    match store.bearer(&digest).await.map_err(Refused::failed)? {
        Bearer::Live { gateway, first_use: false } => Ok(gateway),
        Bearer::Live { gateway, first_use: true } => {
            transact!(store, clock::now(), |tx| tx.use_credential(gateway, &digest).await).map_err(Refused::failed)?;
            Ok(gateway)
        }
        Bearer::Departed => Err(Refused::Gone(
            "The gateway was removed. Remove its tunnels and this agent's stored document.".to_owned(),
        )),
        Bearer::Unknown => Err(Refused::Unauthenticated(
            "The credential is unknown or was revoked. Enrol the host again with a token from the gateway's page."
                .to_owned(),
        )),
    }
}

/// A successor for the credential of a gateway's agent; the old one is good until the new one is first used.
///
/// # Errors
/// If the gateway is gone.
pub async fn rotate(store: &Store, gateway: GatewayId) -> Result<Enrolled, Refused> {
    let credential = new_credential();
    let successor = digest(&credential);
    transact!(store, clock::now(), |tx| {
        let host = tx.host(gateway).await?.ok_or(StoreError::NotFound)?;
        tx.add_credential(gateway, &successor).await?;
        let actor = host.actor();
        transitions::note_as(tx, &actor, &host, ChangeKind::VpnGatewayCredentialRotate, Facts::new(), Facts::new())
            .await
    })
    .map_err(Refused::failed)?;
    Ok(Enrolled { gateway, credential })
}

fn new_credential() -> String {
    URL_SAFE_NO_PAD.encode(seal::random::<32>())
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

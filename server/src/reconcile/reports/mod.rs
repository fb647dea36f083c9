//! Takes what agents found.
//!
//! A report is refused whole, with nothing changed, if it contradicts what the console knows: a
//! generation that was never given, another hash, somebody else's peers. What a state depends on is
//! written at once and wakes pages at once; figures are gathered and written once a second, the last
//! contact every few seconds. What could be lost between two writes is asked for again: the first
//! report that a console sees of an agent is answered with `resend`.

mod check;
mod figures;
mod node;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use app::domain::{
    Timestamp,
    change::Topic,
    host::{HostId, HostRole, Report},
};
use serde::Serialize;
use tokio::sync::Notify;

use self::figures::Desk;
use super::{Pulse, Refused, documents::Documents, transitions};
use crate::{
    clock,
    store::{
        Store, StoreError,
        hosts::{HostRow, HostScope},
        transact,
    },
};

const CONTACTS_EVERY: Duration = Duration::from_secs(3);
/// More differences than this are counted, not kept.
const MOST_DRIFT: usize = 200;

/// The answer to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Send the figures of every peer with the next report.
    pub resend: bool,
}

/// Where agents' reports come in.
pub struct Intake {
    store: Store,
    documents: Arc<Documents>,
    pulse: Arc<Pulse>,
    silent_after: u64,
    started: Timestamp,
    desks: Mutex<HashMap<HostId, Arc<tokio::sync::Mutex<Desk>>>>,
    contacts: Mutex<HashMap<HostId, Contact>>,
    figures_came: Notify,
    flushing: tokio::sync::Mutex<()>,
}

struct Contact {
    at: Timestamp,
    written: Option<Timestamp>,
}

impl Intake {
    pub fn new(store: Store, documents: Arc<Documents>, pulse: Arc<Pulse>, silent_after: u64) -> Self {
        Self {
            store,
            documents,
            pulse,
            silent_after,
            started: clock::now(),
            desks: Mutex::default(),
            contacts: Mutex::default(),
            figures_came: Notify::new(),
            flushing: tokio::sync::Mutex::default(),
        }
    }

    /// An agent has said something, whatever it was.
    pub fn contact(&self, host: HostId) {
        let now = clock::now();
        let mut contacts = self.contacts.lock().expect("nobody panics while holding it");
        contacts
            .entry(host)
            .and_modify(|contact| contact.at = contact.at.max(now))
            .or_insert(Contact { at: now, written: None });
    }

    /// The last contact as far as memory goes. Before this process started nobody listened, which is no silence of the agent's.
    pub fn last_contact(&self, host: HostId) -> Timestamp {
        self.contacts
            .lock()
            .expect("nobody panics while holding it")
            .get(&host)
            .map_or(self.started, |contact| contact.at)
    }

    /// A new host has come: what the former one counted does not go on.
    pub async fn welcome(&self, host: HostId) {
        self.contact(host);
        self.desks.lock().expect("nobody panics while holding it").remove(&host);
    }

    fn desk(&self, host: HostId) -> Arc<tokio::sync::Mutex<Desk>> {
        self.desks.lock().expect("nobody panics while holding it").entry(host).or_default().clone()
    }

    /// Checks a report and takes it over.
    ///
    /// # Errors
    /// If it contradicts what the console knows; then nothing has changed.
    pub async fn receive(&self, host: HostId, report: Report) -> Result<Receipt, Refused> {
        let now = clock::now();
        let known = self.store.host(host).await.map_err(Refused::failed)?;
        let Some(known) = known else { return Err(gone(host)) };
        check::shape(&report)?;
        check::role(&report, host)?;
        check::versions(&report, host, &self.documents)?;
        check::cleaned(&report, &known, &self.documents)?;

        let desk = self.desk(host);
        let mut desk = desk.lock().await;
        if let Some(gateway) = host.gateway().filter(|_| !report.peers.is_empty()) {
            let current = report.applied.is_some() && report.applied == self.documents.version(host);
            desk.know(&self.store, &self.documents, gateway, &report.peers, current).await?;
        }
        if differs(&known, &report) || self.is_back(&known, now) {
            self.store_state(host, &report, now).await?;
        }
        self.contact(host);
        let mut came = desk.take(&report.peers, now);
        if let (Some(node), Some(told)) = (host.node(), &report.node) {
            let wanted = self.documents.wanted(host);
            let firewall = wanted.as_ref().and_then(|document| document.node.as_ref());
            came |= desk.node.take(&self.store, node, told, firewall, now).await.map_err(Refused::failed)?;
        }
        if came {
            self.figures_came.notify_one();
        }
        Ok(Receipt { resend: !std::mem::replace(&mut desk.told_everything, true) })
    }

    /// Whether the event log takes the agent for silent, which it is not.
    fn is_back(&self, known: &HostScope, now: Timestamp) -> bool {
        let row = HostRow { last_seen: Some(now), ..known.row.clone() };
        row.observation(known.deleting).status(now, self.silent_after).word() != known.noted_status
    }

    /// Writes what a status depends on, and notes what changed with it.
    async fn store_state(&self, id: HostId, report: &Report, now: Timestamp) -> Result<(), Refused> {
        let written = transact!(self.store, now, |tx| {
            let mut host = tx.host(id).await?.ok_or(StoreError::NotFound)?;
            let before = host.row.clone();
            take_over(&mut host, report, now);
            transitions::note(tx, &before, &mut host, self.silent_after).await?;
            tx.observe_host(&host).await?;
            tx.within(host.project);
            topics(id.role()).iter().for_each(|topic| tx.touch(*topic));
            Ok(())
        });
        match written {
            Err(StoreError::NotFound) => Err(gone(id)),
            other => other.map_err(Refused::failed),
        }
    }

    /// Writes what was gathered, for as long as the process lives: figures at most once a second, contacts every few.
    pub async fn keep_flushing(&self) {
        let mut contacts = tokio::time::interval(CONTACTS_EVERY);
        loop {
            let flushed = tokio::select! {
                () = self.figures_came.notified() => {
                    let flushed = self.flush_figures().await;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    flushed
                }
                _ = contacts.tick() => self.flush_contacts().await,
            };
            if let Err(error) = flushed {
                tracing::warn!(error = %error, "what agents told could not be written and is kept for the next try");
                self.figures_came.notify_one();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// Writes everything that was gathered.
    ///
    /// # Errors
    /// If the database takes no writes; nothing is lost then.
    pub async fn flush(&self) -> crate::store::Result<()> {
        self.flush_contacts().await?;
        self.flush_figures().await
    }

    async fn flush_contacts(&self) -> crate::store::Result<()> {
        let due: Vec<(HostId, Timestamp)> = {
            let mut contacts = self.contacts.lock().expect("nobody panics while holding it");
            contacts.retain(|host, _| self.documents.version(*host).is_some());
            contacts
                .iter()
                .filter(|(_, contact)| contact.written != Some(contact.at))
                .map(|(id, contact)| (*id, contact.at))
                .collect()
        };
        if due.is_empty() {
            return Ok(());
        }
        transact!(self.store, clock::now(), |tx| tx.see_hosts(&due).await)?;
        let mut contacts = self.contacts.lock().expect("nobody panics while holding it");
        for (host, at) in due {
            if let Some(contact) = contacts.get_mut(&host) {
                contact.written = Some(at);
            }
            self.pulse.touch(topics(host.role())[0]);
        }
        drop(contacts);
        Ok(())
    }

    /// The desk is not held while the database writes: a report need not wait for the figures of the one before.
    async fn flush_desk(&self, host: HostId, desk: &tokio::sync::Mutex<Desk>) -> crate::store::Result<bool> {
        let mut wrote = false;
        if let Some(node) = host.node() {
            let due = desk.lock().await.node.due();
            if let Some((figures, refused)) = due {
                wrote = true;
                let at = clock::now();
                let written = transact!(self.store, at, |tx| tx.write_node_figures(node, &figures, &refused).await);
                if let Err(error) = written {
                    desk.lock().await.node.again(figures, refused);
                    return Err(error);
                }
            }
        }
        loop {
            let due = desk.lock().await.due();
            if due.is_empty() {
                return Ok(wrote);
            }
            wrote = true;
            let (keys, rows): (Vec<_>, Vec<_>) = due.into_iter().unzip();
            match transact!(self.store, clock::now(), |tx| tx.write_figures(&rows).await) {
                Ok(written) if written == rows.len() as u64 => {}
                Ok(_) => desk.lock().await.forget(keys),
                Err(error) => {
                    desk.lock().await.again(keys);
                    return Err(error);
                }
            }
        }
    }

    async fn flush_figures(&self) -> crate::store::Result<()> {
        let desks: Vec<_> = {
            let mut desks = self.desks.lock().expect("nobody panics while holding it");
            desks.retain(|host, _| self.documents.version(*host).is_some());
            desks.iter().map(|(host, desk)| (*host, desk.clone())).collect()
        };
        // One at a time, so that older figures are never written over newer ones.
        let _turn = self.flushing.lock().await;
        // Whatever is wrong with one host's figures, the others' are written.
        let mut failed = Ok(());
        for (host, desk) in desks {
            match self.flush_desk(host, &desk).await {
                Ok(true) => topics(host.role()).iter().for_each(|topic| self.pulse.touch(*topic)),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(host.id = %host, role = %host.role(), error = %error, "what a host counted could not be written");
                    failed = Err(error);
                }
            }
        }
        failed
    }
}

/// Whose pages show what a host is; first those of its status.
fn topics(role: HostRole) -> &'static [Topic] {
    match role {
        HostRole::Gateway => &[Topic::Gateways, Topic::Peers],
        HostRole::Node => &[Topic::Services],
    }
}

fn gone(host: HostId) -> Refused {
    Refused::Gone(format!("The {} was removed.", host.role()))
}

/// Whether the report says anything that is not stored yet.
fn differs(known: &HostScope, report: &Report) -> bool {
    let mut after = known.clone();
    take_over(&mut after, report, Timestamp::default());
    let seen = |row: &HostRow| HostRow { last_seen: None, ..row.clone() };
    seen(&after.row) != seen(&known.row)
}

fn take_over(host: &mut HostScope, report: &Report, now: Timestamp) {
    let row = &mut host.row;
    row.last_seen = row.last_seen.max(Some(now));
    row.applied = report.applied.as_ref().map_or(0, |version| version.generation);
    row.verified = report.verified.as_ref().map_or(0, |version| version.generation);
    row.apply_error = report.error.as_ref().map(|error| error.message.clone());
    row.drift = report.drift.clone();
    row.drift.sort();
    row.drift.truncate(MOST_DRIFT);
    if let Some(facts) = &report.facts {
        row.facts = Some(facts.clone());
    }
    // A node that has an agent again has something again; what is deleted is asked for nothing more.
    row.cleaned = report.cleaned || row.cleaned && host.deleting;
}

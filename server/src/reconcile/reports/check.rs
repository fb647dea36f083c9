//! What a report may not say. Pure but for the versions that the console remembers.

use std::collections::BTreeSet;

use app::domain::{
    host::{Drift, HostId, HostRole, Report},
    service::node::{LABEL, NodeReport, REFUSED_SHOWN},
    tunnel::Version,
};

use crate::{
    reconcile::{LARGEST_NUMBER, Refused, documents::Documents, enrolment::check_facts},
    store::hosts::HostScope,
};

/// The most peers that a WireGuard device takes (wireguard-go).
const MOST_PEERS: usize = 65_536;
const LONGEST_MESSAGE: usize = 8_000;
const MOST_DRIFT: usize = 10_000;
/// A rule of each reason, and one per integration.
const MOST_RULES: usize = 1024;

fn malformed<T>(sentence: &str) -> Result<T, Refused> {
    Err(Refused::Malformed(sentence.to_owned()))
}

/// Sizes, duplicates, and what a report says about itself.
pub fn shape(report: &Report) -> Result<(), Refused> {
    if report.peers.len() > MOST_PEERS {
        return malformed("A report tells of at most 65,536 peers.");
    }
    let mut keys = BTreeSet::new();
    for peer in &report.peers {
        if !keys.insert(peer.public_key) {
            return malformed("A report tells of each peer once.");
        }
        if peer.received > LARGEST_NUMBER || peer.sent > LARGEST_NUMBER || peer.handshake.is_some_and(|at| at.0 < 0) {
            return malformed("A counter is beyond what a host can have counted, or a handshake lies before 1970.");
        }
    }
    // PostgreSQL's texts hold no NUL; tools print none.
    let unfit = |text: &String| text.len() > LONGEST_MESSAGE || text.contains('\0');
    let long = |drift: &Drift| [&drift.subject, &drift.field, &drift.wanted, &drift.found].into_iter().any(unfit);
    if report.drift.len() > MOST_DRIFT || report.drift.iter().any(long) {
        return malformed("A report names at most 10,000 differences, each in at most 8,000 characters.");
    }
    if report.error.as_ref().is_some_and(|error| unfit(&error.message) || error.message.trim().is_empty()) {
        return malformed("An error is told in 1 to 8,000 characters.");
    }
    if let Some(facts) = &report.facts {
        check_facts(facts)?;
    }
    let number = |version: &Version| (version.epoch, version.generation);
    match (&report.applied, &report.verified) {
        (None, Some(_)) => malformed("A document cannot be verified before it was applied."),
        (Some(applied), Some(verified)) if number(verified) > number(applied) => {
            malformed("A document cannot be verified before it was applied.")
        }
        (Some(applied), Some(verified)) if number(verified) == number(applied) && verified.hash != applied.hash => {
            malformed("The applied and the verified document have one number and two hashes.")
        }
        _ => Ok(()),
    }
}

/// A host tells of what it is for, and of nothing else.
pub fn role(report: &Report, host: HostId) -> Result<(), Refused> {
    match host.role() {
        HostRole::Gateway if report.node.is_some() => {
            malformed("This is a gateway's host, which counts for no service.")
        }
        HostRole::Node if !report.peers.is_empty() => malformed("This is a node's host, which has no peers."),
        _ => report.node.as_ref().map_or(Ok(()), counted),
    }
}

fn counted(node: &NodeReport) -> Result<(), Refused> {
    if node.counters.len() > MOST_RULES || node.counters.iter().any(|counter| counter.rule.len() > LABEL) {
        return malformed("A report tells of at most 1,024 rules, each named in at most 100 characters.");
    }
    if node.refused.len() > REFUSED_SHOWN {
        return malformed("A report tells of at most 256 refused sources.");
    }
    let counters = node.counters.iter().flat_map(|counter| [counter.packets, counter.bytes]);
    if counters.chain(node.refused.iter().map(|attempt| attempt.packets)).any(|number| number > LARGEST_NUMBER) {
        return malformed("A counter is beyond what a host can have counted.");
    }
    Ok(())
}

/// Every version that the report names was given to this host.
pub fn versions(report: &Report, host: HostId, documents: &Documents) -> Result<(), Refused> {
    let failed = report.error.as_ref().map(|error| &error.version);
    for version in [report.applied.as_ref(), report.verified.as_ref(), failed].into_iter().flatten() {
        let wanted = documents.version(host);
        let never_given = wanted.as_ref().is_none_or(|wanted| {
            let (named, wanted) = ((version.epoch, version.generation), (wanted.epoch, wanted.generation));
            version.generation == 0 || named > wanted
        });
        if never_given {
            return Err(Refused::Conflict(format!(
                "Epoch {}, generation {} was never given to this {}. Ask for its document, and name there the one that the host has.",
                version.epoch,
                version.generation,
                host.role()
            )));
        }
        let known = documents.remembered_hash(host, version.epoch, version.generation);
        if known.is_some_and(|known| !known.0.is_empty() && known != version.hash) {
            return Err(Refused::Conflict(format!(
                "Epoch {}, generation {} has another hash than the one that was given. Ask for the document again.",
                version.epoch, version.generation
            )));
        }
    }
    Ok(())
}

/// Only a host that is told to removes everything: a deleted gateway's, a removed node's, or a node's that shall have no agent.
pub fn cleaned(report: &Report, known: &HostScope, documents: &Documents) -> Result<(), Refused> {
    if !report.cleaned {
        return Ok(());
    }
    let applied = report.applied.as_ref().map_or(0, |version| version.generation);
    let asked = known.deleting || documents.wanted(known.row.host).is_some_and(|document| document.is_empty());
    if !asked || applied < known.row.wanted {
        return Err(Refused::Conflict(format!(
            "This {}'s host was not asked to remove everything.",
            known.row.host.role()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use app::domain::{PublicKey, host::PeerReport, tunnel::Hash};

    use super::*;

    fn version(generation: u64) -> Version {
        Version { epoch: 1, generation, hash: Hash(format!("{generation:064}")) }
    }

    fn report() -> Report {
        Report {
            applied: Some(version(2)),
            verified: Some(version(2)),
            error: None,
            drift: Vec::new(),
            peers: Vec::new(),
            node: None,
            facts: None,
            cleaned: false,
        }
    }

    fn refusal(report: &Report) -> String {
        shape(report).expect_err("it must be refused").to_string()
    }

    #[test]
    fn a_report_that_contradicts_itself_is_refused() {
        assert!(shape(&report()).is_ok());
        assert!(refusal(&Report { verified: Some(version(3)), ..report() }).contains("before it was applied"));
        assert!(refusal(&Report { applied: None, ..report() }).contains("before it was applied"));
        let mut twice = report();
        let peer = PeerReport {
            public_key: PublicKey::from_bytes([3; 32]),
            handshake: None,
            received: 1,
            sent: 1,
            endpoint: None,
        };
        twice.peers = vec![peer.clone(), peer.clone()];
        assert!(refusal(&twice).contains("each peer once"));
        twice.peers = vec![PeerReport { received: u64::MAX, ..peer }];
        assert!(refusal(&twice).contains("beyond what a host can have counted"));
    }
}

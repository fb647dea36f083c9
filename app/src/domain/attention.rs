//! What needs a person, worst first, and the counts of the top bar.
//!
//! Never claims more than is known: a gateway that does not answer may well still carry
//! packets, so only a neighbour's handshake decides whether two VPCs reach each other.
//! A sentence names its age, so whoever shows it computes it where the clock is read: once,
//! on the server, with the data.

mod connections;
mod services;
mod summary;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::summary::{Summary, Tally};
use super::{
    GatewayId, Network, ServiceId, Timestamp,
    certificate_authority::ServiceCertificate,
    gateway::{DriftPolicy, Gateway, GatewayStatus},
    peer::{Peer, PeerKind, PeerStatus, SESSION_SECONDS},
    peering::{Peering, PeeringState},
    planner::{self, Conflict},
    road_warrior::Stale,
    service::Service,
    standing::{Standing, Target},
    vpc::{Vpc, VpcState},
};

/// All that is known of a project at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    pub vpcs: &'a [Vpc],
    pub gateways: &'a [Gateway],
    pub peerings: &'a [Peering],
    /// Road warriors and sites, of all gateways.
    pub peers: &'a [Peer],
    pub network: &'a Network,
    pub services: &'a [Service],
    /// What the project's CA has issued for them.
    pub certificates: &'a BTreeMap<ServiceId, Vec<ServiceCertificate>>,
    pub now: Timestamp,
}

/// How much it needs somebody. Declared worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Failed,
    YourTurn,
    Moving,
}

impl From<Severity> for Standing {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Failed => Self::Failed,
            Severity::YourTurn => Self::YourTurn,
            Severity::Moving => Self::Moving,
        }
    }
}

impl Severity {
    fn of(standing: Standing) -> Option<Self> {
        match standing {
            Standing::Failed => Some(Self::Failed),
            Standing::YourTurn => Some(Self::YourTurn),
            Standing::Moving => Some(Self::Moving),
            Standing::AsAsked | Standing::Off => None,
        }
    }
}

/// What a person does next; the words of a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Open,
    Enrol,
    Compare,
    RenewFiles,
    OpenPlan,
}

impl Act {
    pub fn label(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Enrol => "Enrol host",
            Self::Compare => "Compare",
            Self::RenewFiles => "See files",
            Self::OpenPlan => "Open plan",
        }
    }
}

/// One line of "Needs you".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    pub severity: Severity,
    /// Who: "gw-bergen".
    pub subject: String,
    /// What, after the subject: "has not answered for 41 min."
    pub sentence: String,
    /// What follows from it, or what to do.
    pub detail: String,
    pub since: Option<Timestamp>,
    pub target: Target,
    pub act: Act,
}

/// Everything that is not as asked, worst first, then what has lasted longest.
pub fn needs(seen: &Snapshot<'_>) -> Vec<Need> {
    let gateways: BTreeMap<GatewayId, &Gateway> = seen.gateways.iter().map(|gateway| (gateway.id, gateway)).collect();
    let mut needs: Vec<Need> = seen.vpcs.iter().filter_map(vpc).collect();
    needs.extend(connections::connections(seen));
    needs.extend(seen.gateways.iter().filter_map(|one| gateway(one, &gateways, seen)));
    needs.extend(seen.peerings.iter().filter_map(|one| peering(one, &gateways, seen.now)));
    needs.extend(seen.peers.iter().filter_map(|one| site(one, gateways.get(&one.gateway)?, seen.now)));
    needs.extend(files(seen, &gateways));
    needs.extend(services::services(seen));
    needs.extend(overlap(seen.network));
    let age = |need: &Need| need.since.map_or(i64::MAX, |since| since.0);
    needs.sort_by(|a, b| (a.severity, age(a), &a.subject).cmp(&(b.severity, age(b), &b.subject)));
    needs
}

fn vpc(vpc: &Vpc) -> Option<Need> {
    let severity = Severity::of(vpc.standing())?;
    let sentence = match (vpc.state, severity) {
        (VpcState::Approved, Severity::Failed) => "cannot be created.",
        (VpcState::Approved, _) => "is being created.",
        (VpcState::Deleting, Severity::Failed) => "cannot be deleted.",
        (VpcState::Deleting, _) => "is being deleted.",
        (VpcState::Active | VpcState::Deleted, _) => return None,
    };
    Some(Need {
        severity,
        subject: vpc.name.to_string(),
        sentence: sentence.to_owned(),
        detail: vpc.sentence(),
        since: (vpc.state == VpcState::Approved).then_some(vpc.created_at),
        target: Target::Vpc(vpc.id),
        act: Act::Open,
    })
}

fn gateway(gateway: &Gateway, all: &BTreeMap<GatewayId, &Gateway>, seen: &Snapshot<'_>) -> Option<Need> {
    let severity = Severity::of(gateway.standing())?;
    let silence = gateway.last_seen.map_or_else(
        || "has never answered".to_owned(),
        |at| format!("has not answered for {}", lasting(at.age_seconds(seen.now))),
    );
    let (sentence, detail, since, act) = if gateway.status == GatewayStatus::Deleting {
        if gateway.silent() {
            let detail = "It keeps its tunnels until its agent answers and cleans up.";
            (format!("is being deleted, but its host {silence}."), detail.to_owned(), gateway.last_seen, Act::Open)
        } else {
            let detail = "Its host removes the tunnels, routes and rules of this gateway.";
            ("is being deleted.".to_owned(), detail.to_owned(), None, Act::Open)
        }
    } else if !gateway.enrolled() {
        let detail = format!("Run the enrolment command on the host that joins {}.", gateway.vpc_name);
        ("waits for its host.".to_owned(), detail, Some(gateway.created_at), Act::Enrol)
    } else if gateway.revoked() {
        let sentence = "may not speak for itself: its agent's credential was revoked.";
        (sentence.to_owned(), cut_off(gateway, all, seen), gateway.last_seen, Act::Enrol)
    } else if gateway.silent() {
        (format!("{silence}."), cut_off(gateway, all, seen), gateway.last_seen, Act::Open)
    } else if let Some(error) = &gateway.apply_error {
        (format!("could not apply generation {}.", gateway.wanted), error.clone(), None, Act::Open)
    } else if gateway.drifted() {
        let fields = match gateway.drift.len() {
            0 => "differs from what was asked.".to_owned(),
            1 => "differs from what was asked in 1 field.".to_owned(),
            many => format!("differs from what was asked in {many} fields."),
        };
        let detail = match gateway.settings.drift_policy {
            DriftPolicy::Ask => format!(
                "Someone changed the host by hand. Its agent has touched nothing; generation {} waits.",
                gateway.wanted
            ),
            DriftPolicy::Repair => "Its agent is putting the host right.".to_owned(),
        };
        (fields, detail, gateway.drift.iter().map(|drift| drift.since).min(), Act::Compare)
    } else if severity == Severity::Failed {
        (
            "has failed.".to_owned(),
            "Its agent gave no reason. The journal on its host has more.".to_owned(),
            None,
            Act::Open,
        )
    } else {
        let detail = match (gateway.applied, gateway.wanted) {
            (0, _) => "Its host is enrolled and has not applied anything yet.".to_owned(),
            (applied, wanted) if applied >= wanted => "The host accepted it; reading it back.".to_owned(),
            (applied, _) => format!("The host still has generation {applied}."),
        };
        (format!("is applying generation {}.", gateway.wanted), detail, None, Act::Open)
    };
    Some(Need {
        severity,
        subject: gateway.name.to_string(),
        sentence,
        detail,
        since,
        target: Target::Gateway(gateway.id),
        act,
    })
}

/// What a silent gateway's neighbours know about its tunnels.
fn cut_off(gateway: &Gateway, all: &BTreeMap<GatewayId, &Gateway>, seen: &Snapshot<'_>) -> String {
    let live = |peering: &&Peering| matches!(peering.state, PeeringState::Established | PeeringState::Lost);
    let joined =
        seen.peerings.iter().filter(live).filter(|peering| peering.sides.iter().any(|side| side.gateway == gateway.id));
    let (mut lost, mut held, mut unknown) = (Vec::new(), Vec::new(), false);
    for peering in joined {
        let (_, there) = peering.seen_from(gateway.id);
        let witness = all.get(&there.gateway).filter(|there| !there.silent()).and(there.handshake);
        match witness {
            None => unknown = true,
            Some(at) if at.age_seconds(seen.now) <= SESSION_SECONDS => held.push(there.vpc_name.as_str()),
            Some(_) => lost.push(there.vpc_name.as_str()),
        }
    }
    let own = gateway.vpc_name.as_str();
    let mut sentences = Vec::new();
    match lost.as_slice() {
        [] => {}
        [one] => sentences.push(format!("{one} and {own} cannot reach each other.")),
        many => sentences.push(format!("{own} cannot reach {}.", listed(many))),
    }
    if !held.is_empty() {
        sentences.push(format!("Its tunnel to {} still holds.", listed(&held)));
    }
    match (unknown, sentences.is_empty()) {
        (true, true) => "Whether its tunnels still hold is not known.".to_owned(),
        (true, false) => format!("{} Whether the others hold is not known.", sentences.join(" ")),
        (false, true) => "It keeps what it last applied; changes wait until its agent answers.".to_owned(),
        (false, false) => sentences.join(" "),
    }
}

fn peering(peering: &Peering, all: &BTreeMap<GatewayId, &Gateway>, now: Timestamp) -> Option<Need> {
    let severity = Severity::of(peering.standing(now))?;
    let ends: Vec<&Gateway> = peering.sides.iter().filter_map(|side| all.get(&side.gateway).copied()).collect();
    // The gateway's own line says it already, with the cause.
    if ends
        .iter()
        .any(|gateway| gateway.silent() || gateway.standing() == Standing::Failed && severity == Severity::Moving)
    {
        return None;
    }
    let [a, b] = &peering.sides;
    let heard = a.handshake.max(b.handshake);
    let (sentence, detail, since) = match severity {
        Severity::Failed => {
            let ago = heard
                .map(|at| format!(" The last handshake was {} ago.", lasting(at.age_seconds(now))))
                .unwrap_or_default();
            ("has lost its tunnel.", format!("{} and {} cannot reach each other.{ago}", a.vpc_name, b.vpc_name), heard)
        }
        Severity::YourTurn => {
            let doors: Vec<String> = ends
                .iter()
                .map(|gateway| match gateway.public_address {
                    Some(address) => format!("{address}:{}", gateway.settings.listen_port),
                    None => format!("port {} of {}", gateway.settings.listen_port, gateway.name),
                })
                .collect();
            let detail = format!(
                "Both gateways have applied it. Let UDP reach {}.",
                listed(&doors.iter().map(String::as_str).collect::<Vec<_>>())
            );
            ("has no handshake yet.", detail, Some(peering.created_at))
        }
        Severity::Moving => {
            let late: Vec<&str> =
                peering.sides.iter().filter(|side| !side.applied).map(|side| side.gateway_name.as_str()).collect();
            let detail = match late.as_slice() {
                [] => "Both gateways have applied it; waiting for the first handshake.".to_owned(),
                late => format!("Waiting for {} to apply it.", listed(late)),
            };
            ("is being made.", detail, Some(peering.created_at))
        }
    };
    Some(Need {
        severity,
        subject: format!("{} – {}", a.vpc_name, b.vpc_name),
        sentence: sentence.to_owned(),
        detail,
        since,
        target: Target::Peering(peering.id, a.gateway),
        act: Act::Open,
    })
}

/// A site that is gone or never came. What a gateway says counts only while it speaks.
fn site(peer: &Peer, gateway: &Gateway, now: Timestamp) -> Option<Need> {
    if peer.kind != PeerKind::Site || gateway.silent() || gateway.status != GatewayStatus::Active {
        return None;
    }
    let severity = Severity::of(peer.standing(now))?;
    let (sentence, detail, since) = match peer.status(now) {
        PeerStatus::NeverConnected => {
            let detail = format!("Put the exported configuration on its router; {} waits for it.", gateway.name);
            ("has never connected.".to_owned(), detail, Some(peer.created_at))
        }
        _ => {
            let networks: Vec<String> =
                peer.allowed_ips.iter().filter(|range| range.prefix() < 32).map(ToString::to_string).collect();
            let networks: Vec<&str> = networks.iter().map(String::as_str).collect();
            let since = peer.observed.handshake;
            let ago = since.map_or_else(|| "a while".to_owned(), |at| lasting(at.age_seconds(now)));
            (
                format!("has not been heard of for {ago}."),
                format!("{} cannot reach {}.", gateway.vpc_name, listed(&networks)),
                since,
            )
        }
    };
    Some(Need {
        severity,
        subject: peer.name.to_string(),
        sentence,
        detail,
        since,
        target: Target::Peer(peer.id, gateway.id),
        act: Act::Open,
    })
}

/// Road warriors whose file no longer fits, one line per gateway: a new peering outdates all of them at once.
fn files(seen: &Snapshot<'_>, all: &BTreeMap<GatewayId, &Gateway>) -> Vec<Need> {
    let mut outdated: BTreeMap<GatewayId, Vec<&Peer>> = BTreeMap::new();
    for peer in
        seen.peers.iter().filter(|peer| peer.kind == PeerKind::RoadWarrior && peer.enabled && peer.file_outdated())
    {
        outdated.entry(peer.gateway).or_default().push(peer);
    }
    let line = |(gateway, peers): (GatewayId, Vec<&Peer>)| {
        let gateway = all.get(&gateway)?;
        let names: Vec<&str> = peers.iter().map(|peer| peer.name.as_str()).collect();
        let (sentence, detail, target) = match peers.as_slice() {
            [one] => ("needs a new file.", file_difference(one), Target::Peer(one.id, gateway.id)),
            _ => ("need new files.", shared_difference(&peers), Target::Gateway(gateway.id)),
        };
        let subject = listed(&names);
        Some(Need {
            severity: Severity::YourTurn,
            subject,
            sentence: sentence.to_owned(),
            detail,
            since: None,
            target,
            act: Act::RenewFiles,
        })
    };
    outdated.into_iter().filter_map(line).collect()
}

/// Peers of one gateway: what is stale of one is stale of all that were downloaded then.
fn shared_difference(peers: &[&Peer]) -> String {
    let stale: std::collections::BTreeSet<Stale> = peers.iter().flat_map(|peer| peer.stale.iter().copied()).collect();
    match Stale::sentence(&stale.into_iter().collect::<Vec<_>>()) {
        none if none.is_empty() => "The networks that they reach have changed since they were downloaded.".to_owned(),
        sentence => sentence,
    }
}

fn file_difference(peer: &Peer) -> String {
    if !peer.stale.is_empty() {
        return Stale::sentence(&peer.stale);
    }
    let known = peer.downloaded.as_deref().unwrap_or_default();
    let missing: Vec<String> =
        peer.reaches.iter().filter(|range| !known.contains(range)).map(ToString::to_string).collect();
    let gone: Vec<String> =
        known.iter().filter(|range| !peer.reaches.contains(range)).map(ToString::to_string).collect();
    let list = |ranges: &[String]| listed(&ranges.iter().map(String::as_str).collect::<Vec<_>>());
    match (missing.as_slice(), gone.as_slice()) {
        (missing, []) => format!("The one it has does not route {}.", list(missing)),
        ([], gone) => format!("The one it has still routes {}.", list(gone)),
        (missing, gone) => format!("The one it has does not route {}, and still routes {}.", list(missing), list(gone)),
    }
}

/// The worst overlap that stands in the way of something; the plan lists the others.
fn overlap(network: &Network) -> Option<Need> {
    let overlaps = planner::overlaps(&planner::owned(network), 100);
    let hard = overlaps.iter().filter(|overlap| overlap.conflict != Conflict::Warning).count();
    let worst = overlaps.first().filter(|_| hard > 0)?;
    let rest = match hard - 1 {
        0 => String::new(),
        1 => " The plan has another overlap.".to_owned(),
        more => format!(" The plan has {more} more overlaps."),
    };
    Some(Need {
        severity: if worst.conflict == Conflict::Error { Severity::Failed } else { Severity::YourTurn },
        subject: worst.inner.name.clone(),
        sentence: worst.predicate(),
        detail: format!("{}{rest}", worst.conflict.consequence()),
        since: None,
        target: Target::Plan,
        act: Act::OpenPlan,
    })
}

/// "a", "a and b", "a, b and 3 more": three names at most.
pub(super) fn listed(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [a, b] => format!("{a} and {b}"),
        [a, b, c] => format!("{a}, {b} and {c}"),
        [a, b, rest @ ..] => format!("{a}, {b} and {} more", rest.len()),
    }
}

/// "34 s", "41 min", "7 h", "2 d".
pub fn lasting(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
#[path = "attention_tests.rs"]
mod tests;

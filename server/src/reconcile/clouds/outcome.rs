//! What one look at a cloud means for a VPC and its connections: pure, so that every case is a test.
//!
//! The cloud's words come in as the driver read them; `app::domain` says what they mean. What a person
//! would read anew is noted for the event log, and the next look is set.

use std::{collections::BTreeMap, time::Duration};

use app::domain::{
    Cidr, ConnectionId, Provider, Timestamp, VpcId,
    change::{ChangeKind, Facts},
    connection::{
        ConnectionState, Event, Failed, FailureClass, Known, Sight, Told, Warning, schedule::poll_after, transition,
    },
    vpc::{self, BuildError, VpcState},
};
use clouds::{Class, ConnectionReport, Failure, NetworkStanding, Outcome, Pass, Subject};
use ipnet::Ipv4Net;

use crate::store::{
    cloud_networks::{CloudNetworkSeen, CloudVpcRow},
    connections::{ConnectionRow, ConnectionSeen},
};

/// How long a cloud may be busy or away before the VPC says so.
const PASSING_SECONDS: u64 = 120;
/// How often a network that is made or removed is looked at.
const BUILDING_SECONDS: u64 = 5;
/// How often a network that stands and has no connection is looked at.
const STANDING_SECONDS: u64 = 600;
const LONGEST_SECONDS: u64 = 1_800;
/// For so long after a request its absence is "not visible yet" to the drivers.
const HIDDEN_SECONDS: i64 = 60;
/// After this long every reader of a cloud sees what one has seen.
const SHOWN_SECONDS: i64 = 5;

/// What follows from one look.
#[derive(Debug, PartialEq)]
pub struct Verdict {
    pub network: CloudNetworkSeen,
    pub connections: BTreeMap<ConnectionId, ConnectionSeen>,
    pub notes: Vec<News>,
}

/// Something for the event log.
#[derive(Debug, PartialEq)]
pub struct News {
    pub kind: ChangeKind,
    pub object: Object,
    pub before: Facts,
    pub after: Facts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    Vpc(VpcId),
    Connection(ConnectionId),
}

/// What is known beside the rows.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    pub now: Timestamp,
    /// When the rows were read from which the wish was made; what was asked for later is not seen yet.
    pub looked_at: Timestamp,
    /// Who the console is in this cloud.
    pub identity: &'a str,
    pub simulated: bool,
    /// What the network's ranges warn of, by connection.
    pub warnings: &'a BTreeMap<ConnectionId, Vec<Warning>>,
    /// The longest time between two looks at what lives, if it was set.
    pub interval: Option<Duration>,
}

pub fn judge(vpc: &CloudVpcRow, rows: &[ConnectionRow], looked: &Outcome<Pass>, setting: &Setting<'_>) -> Verdict {
    let mut verdict = Verdict { network: vpc.seen.clone(), connections: BTreeMap::new(), notes: Vec::new() };
    for row in rows {
        let judging = Judging { vpc, row, looked, setting };
        let (seen, news) = judging.connection();
        verdict.notes.extend(news);
        verdict.connections.insert(row.id, seen);
    }
    let left = verdict.connections.values().filter(|seen| seen.state != ConnectionState::Deleted).count();
    network(vpc, left, looked, setting, &mut verdict);
    schedule(&mut verdict, patience(looked), setting);
    verdict
}

/// How long the cloud asked to be left alone, in whichever of its answers.
fn patience(looked: &Outcome<Pass>) -> Duration {
    let asked = match looked {
        Err(failure) => failure.retry_after,
        Ok(pass) => pass.failed.iter().filter_map(|(_, failure)| failure.retry_after).max(),
    };
    asked.unwrap_or_default().min(Duration::from_secs(LONGEST_SECONDS))
}

fn network(vpc: &CloudVpcRow, left: usize, looked: &Outcome<Pass>, setting: &Setting<'_>, verdict: &mut Verdict) {
    let now = setting.now;
    let seen = &mut verdict.network;
    seen.looked_at = Some(setting.looked_at);
    let failure = match looked {
        Err(failure) => Some(failure),
        Ok(pass) => pass.failed.iter().find(|(subject, _)| *subject == Subject::Network).map(|(_, failure)| failure),
    };
    match failure {
        Some(_) => {
            seen.failing_since.get_or_insert(now);
            seen.attempt = seen.attempt.saturating_add(1);
        }
        None => {
            seen.failing_since = None;
            seen.attempt = 0;
        }
    }
    let mut stands = (seen.state, seen.error.clone());
    if vpc.deleting && stands.0 != VpcState::Deleting {
        apply(&mut stands, vpc::transition::Event::DeleteAsked);
    }
    if let Ok(pass) = looked {
        seen.reference = pass.report.network.reference.clone();
        let id = name_in_cloud(vpc.cloud.provider(), &seen.reference);
        seen.cloud_id = id.or(seen.cloud_id.take());
        // One that was asked for while the cloud was being read is answered by the next look.
        if vpc.refresh_pending() && vpc.refresh_asked_at <= Some(setting.looked_at) {
            seen.refreshed_at = vpc.refresh_asked_at;
        }
        let sight = match pass.report.network.standing {
            NetworkStanding::Absent => vpc::transition::Event::Absent { connections: left },
            NetworkStanding::Partial => vpc::transition::Event::Partial,
            NetworkStanding::Ready => vpc::transition::Event::Ready,
        };
        apply(&mut stands, sight);
    }
    if let Some(failure) = failure {
        let lasted = seen.failing_since.unwrap_or(now).age_seconds(now);
        let passing = matches!(failure.class, Class::Retry | Class::Unreachable) && lasted < PASSING_SECONDS;
        if !passing {
            let wait = i64::try_from(back_off(BUILDING_SECONDS, seen.attempt)).unwrap_or(i64::MAX);
            let reason = app::domain::connection::reason(&failed(failure));
            let event = vpc::transition::Event::Failed { error: &reason, retry_at: now.plus_seconds(wait) };
            apply(&mut stands, event);
        }
    }
    let (state, error) = stands;
    if state != seen.state {
        let mut after = facts("state", state.as_str());
        if let Some(id) = &seen.cloud_id {
            after.insert("network".to_owned(), id.clone());
        }
        verdict.notes.push(News {
            kind: ChangeKind::ProjectVpcStateChange,
            object: Object::Vpc(vpc.id),
            before: facts("state", seen.state.as_str()),
            after: marked(after, setting),
        });
    }
    (seen.state, seen.error) = (state, error);
}

fn apply(stands: &mut (VpcState, Option<BuildError>), event: vpc::transition::Event<'_>) {
    if let Some(next) = vpc::transition::transition(stands.0, stands.1.as_ref(), event) {
        *stands = next;
    }
}

/// One connection under judgement.
struct Judging<'a> {
    vpc: &'a CloudVpcRow,
    row: &'a ConnectionRow,
    looked: &'a Outcome<Pass>,
    setting: &'a Setting<'a>,
}

impl Judging<'_> {
    fn connection(&self) -> (ConnectionSeen, Vec<News>) {
        let row = self.row;
        let mut seen = row.seen.clone();
        seen.looked_at = Some(self.setting.looked_at);
        if self.vpc.deleting {
            self.apply(&mut seen, Event::VpcDeleting);
        }
        if row.deleting {
            self.apply(&mut seen, Event::DeleteAsked);
        }
        if self.vpc.refresh_pending() {
            self.apply(&mut seen, Event::Refresh);
        }
        match self.looked {
            // That something in the whole look was not found says nothing of this connection.
            Err(failure) if failure.class == Class::Gone => {
                self.failed(&mut seen, &Failure { class: Class::Retry, ..failure.clone() });
            }
            Err(failure) => self.failed(&mut seen, failure),
            Ok(pass) => self.looked_at(&mut seen, pass),
        }
        let news = self.news(&seen);
        (seen, news)
    }

    fn looked_at(&self, seen: &mut ConnectionSeen, pass: &Pass) {
        // Of what is closed the cloud is not asked any more.
        let Some(report) = pass.report.connections.get(&uuid(self.row.id)) else { return };
        let mine = Subject::Connection(uuid(self.row.id));
        let failure = pass.failed.iter().find(|(subject, _)| *subject == mine).map(|(_, failure)| failure);
        let made = pass.made.iter().any(|(subject, _)| *subject == mine);
        self.learn(seen, report);
        if failure.is_none() {
            seen.failing_since = None;
        }
        self.apply(seen, Event::Sight(&sight(report)));
        match failure {
            Some(failure) => self.failed(seen, failure),
            None if made && report.state.is_none() && !self.row.deleting => {
                seen.sent_at.get_or_insert(self.setting.now);
                self.apply(seen, Event::Sent);
            }
            None => {}
        }
        seen.attempt = match (failure, seen.state) {
            (Some(_), _) => seen.attempt,
            (None, ConnectionState::Deleting) => seen.attempt.saturating_add(1),
            (None, _) => 0,
        };
    }

    fn learn(&self, seen: &mut ConnectionSeen, report: &ConnectionReport) {
        seen.cloud_state = report.state.clone();
        seen.cloud_message = report.message.clone();
        if !report.reference.is_empty() {
            seen.reference = report.reference.clone();
        }
        // Once it was seen, it is known everywhere a few seconds later: absent then, it is gone.
        if report.state.is_some() {
            let settled = self.setting.now.plus_seconds(SHOWN_SECONDS - HIDDEN_SECONDS);
            seen.sent_at = seen.sent_at.map(|at| at.min(settled));
        }
        if report.peer_ranges.is_some() {
            seen.discovered = report.peer_ranges.as_deref().map(ranges);
        }
        (seen.routed, seen.opened) = (ranges(&report.routed), ranges(&report.opened));
        if report.expires_at.is_some() {
            seen.expires_at = report.expires_at.map(Timestamp);
        }
        seen.info.learn(&report.identifiers);
    }

    fn failed(&self, seen: &mut ConnectionSeen, failure: &Failure) {
        seen.failing_since.get_or_insert(self.setting.now);
        seen.attempt = seen.attempt.saturating_add(1);
        self.apply(seen, Event::Failed(&failed(failure)));
    }

    fn apply(&self, seen: &mut ConnectionSeen, event: Event<'_>) {
        let none = Vec::new();
        let known = Known {
            peer: &self.row.peer,
            state: seen.state,
            since: seen.since,
            info: &seen.info,
            was_active: seen.was_active,
            delete_asked: self.row.deleting,
            failing_since: seen.failing_since,
            vpc_cidr: self.vpc.cidr,
            region: &self.vpc.cloud.provider_region(),
            operator_account: self.setting.identity,
            warnings: self.setting.warnings.get(&self.row.id).unwrap_or(&none),
            now: self.setting.now,
        };
        let Some(told) = transition(&known, event) else { return };
        self.take(seen, &told);
    }

    fn take(&self, seen: &mut ConnectionSeen, told: &Told) {
        seen.info = seen.info.after(self.row.peer.kind(), told, &BTreeMap::new());
        seen.updated_at = self.setting.now;
        if told.state != seen.state {
            (seen.state, seen.since) = (told.state, self.setting.now);
        }
        seen.was_active |= told.state == ConnectionState::Active;
    }

    /// A state that changed, and what was rebuilt under a state that did not.
    fn news(&self, seen: &ConnectionSeen) -> Vec<News> {
        let old = &self.row.seen;
        let mut news = Vec::new();
        let mut tell = |kind, before: Facts, after: Facts| {
            let after = marked(after, self.setting);
            news.push(News { kind, object: Object::Connection(self.row.id), before, after });
        };
        if seen.state != old.state {
            let mut after = facts("state", seen.state.as_str());
            after.insert("message".to_owned(), seen.info.message.clone());
            if let Some(word) = &seen.cloud_state {
                after.insert("cloud_state".to_owned(), word.clone());
            }
            tell(ChangeKind::VpcPeeringConnectionStateChange, facts("state", old.state.as_str()), after);
        }
        let rebuilt = seen.state == ConnectionState::Active
            && old.state == ConnectionState::Active
            && (seen.routed != old.routed || seen.opened != old.opened);
        if rebuilt {
            let about = |seen: &ConnectionSeen| {
                Facts::from([
                    ("routed".to_owned(), written(&seen.routed)),
                    ("opened".to_owned(), written(&seen.opened)),
                    ("peer_ranges".to_owned(), written(seen.discovered.as_deref().unwrap_or_default())),
                ])
            };
            tell(ChangeKind::VpcPeeringConnectionRebuilt, about(old), about(seen));
        }
        news
    }
}

/// When to look again: as soon as whatever is most in motion wants it, and no sooner than the cloud does.
fn schedule(verdict: &mut Verdict, patience: Duration, setting: &Setting<'_>) {
    let now = setting.now;
    let bound = |seconds: u64| {
        let wanted = Duration::from_secs(seconds);
        setting.interval.map_or(wanted, |interval| wanted.min(interval))
    };
    let mut soonest = bound(match verdict.network.state {
        VpcState::Active if verdict.network.attempt == 0 => STANDING_SECONDS,
        VpcState::Deleted => LONGEST_SECONDS,
        _ => back_off(BUILDING_SECONDS, verdict.network.attempt),
    });
    for seen in verdict.connections.values_mut() {
        // One that cannot be sent waits with what keeps it from being sent.
        let attempt = match seen.state {
            ConnectionState::Approved => seen.attempt.max(verdict.network.attempt),
            _ => seen.attempt,
        };
        let next = poll_after(seen.state, seen.since.age_seconds(now), attempt).map(bound);
        // One that waits for its network is looked at with it.
        let waits = seen.state == ConnectionState::Approved && verdict.network.state == VpcState::Approved;
        seen.next_look_at = next.map(|wait| later(now, wait.max(patience)));
        if let Some(wait) = next.filter(|_| !waits) {
            soonest = soonest.min(wait);
        }
    }
    // What was asked for or has just moved is looked at anyway; the rest never without a pause.
    let least = bound(1);
    verdict.network.next_look_at = Some(later(now, soonest.max(least).max(patience)));
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    Timestamp(now.0.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
}

fn back_off(first: u64, attempt: u32) -> u64 {
    first.saturating_mul(1 << attempt.min(16)).min(LONGEST_SECONDS)
}

fn sight(report: &ConnectionReport) -> Sight {
    Sight {
        state: report.state.clone(),
        details: report.details.clone(),
        message: report.message.clone(),
        settling: report.settling,
        remains: !report.routed.is_empty() || !report.opened.is_empty(),
        peer_ranges: report.peer_ranges.as_deref().map(ranges),
    }
}

fn failed(failure: &Failure) -> Failed {
    let class = match failure.class {
        Class::Retry => FailureClass::Retry,
        Class::Unreachable => FailureClass::Unreachable,
        Class::Credentials => FailureClass::Credentials,
        Class::Denied => FailureClass::Denied,
        Class::Specification => FailureClass::Specification,
        Class::Operator => FailureClass::Operator,
        Class::Gone => FailureClass::Gone,
        Class::Unexpected => FailureClass::Unexpected,
    };
    Failed { class, code: failure.code.clone(), message: failure.message.clone() }
}

/// What people find the network by in the cloud's own console.
fn name_in_cloud(provider: Provider, reference: &clouds::Reference) -> Option<String> {
    let key = match provider {
        Provider::Aws => "vpc_id",
        Provider::Google => "network_name",
        Provider::Azure => "vnet_id",
        Provider::UpCloud => "network_uuid",
        Provider::Local => return None,
    };
    reference.get(key)?.as_str().map(str::to_owned)
}

/// Ranges that Causeway cannot name, such as IPv6 or host bits, never come out of a driver.
fn ranges(nets: &[Ipv4Net]) -> Vec<Cidr> {
    nets.iter().filter_map(|net| net.trunc().to_string().parse().ok()).collect()
}

fn written(ranges: &[Cidr]) -> String {
    ranges.iter().map(Cidr::to_string).collect::<Vec<_>>().join(", ")
}

pub fn uuid(id: impl std::fmt::Display) -> uuid::Uuid {
    id.to_string().parse().expect("an id is a UUID")
}

fn facts(name: &str, value: &str) -> Facts {
    Facts::from([(name.to_owned(), value.to_owned())])
}

/// What a look-alike answered is marked as such in the event log, too.
pub fn marked(mut facts: Facts, setting: &Setting<'_>) -> Facts {
    if setting.simulated {
        facts.insert("simulated".to_owned(), "yes".to_owned());
    }
    facts
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;

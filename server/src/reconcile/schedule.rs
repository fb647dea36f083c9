//! Which key is looked at next: each has a time of its own, and waits for nobody but the steps before it in its lane.
//!
//! Pure, with the moments as arguments. A key is resting, queued or running, so that it never runs twice at once; a
//! step that hangs keeps one of its lane's places, and no other lane's. Lanes take turns, so that a long queue in one
//! of them makes nobody else wait.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    time::{Duration, Instant},
};

use super::Due;

const FIRST_BACK_OFF: Duration = Duration::from_millis(200);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);

/// How many steps of one controller are under way at once, whatever their lanes: each may hold a connection to a cloud
/// and an answer of some megabytes.
const MOST_AT_ONCE: usize = 64;
/// So many of these places are kept for lanes in which nothing is under way: a few regions that hang in all their
/// places leave room for the others.
const KEPT_FOR_FIRSTS: usize = 16;

/// Full jitter: anything between nothing and the ceiling, so that what failed together does not come back together.
pub(super) fn back_off(failures: u32) -> Duration {
    let ceiling = FIRST_BACK_OFF.saturating_mul(1 << failures.min(16)).min(LONGEST_BACK_OFF);
    Duration::from_millis(rand::random_range(1..=u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX)))
}

/// Every key of a controller.
pub(super) struct Schedule<K> {
    /// In one lane.
    at_once: usize,
    keys: BTreeMap<K, Subject>,
    /// Each for as long as it has subjects.
    lanes: BTreeMap<String, Lane<K>>,
    /// In all lanes.
    running: usize,
    /// The lane that had the last turn.
    last: String,
    rounds: BTreeMap<u64, Round>,
    begun: u64,
}

struct Subject {
    lane: String,
    phase: Phase,
    /// How often it has failed in a row, and why lately.
    failures: u32,
    reason: String,
    /// Whether the controller still answers for it.
    listed: bool,
}

#[derive(Clone, Copy)]
enum Phase {
    /// Until then, or until it is listed again.
    Resting(Option<Instant>),
    Queued {
        round: u64,
    },
    /// `again`: it was listed meanwhile, so that what it has read may be old.
    Running {
        round: u64,
        again: Option<Instant>,
    },
}

struct Lane<K> {
    subjects: usize,
    running: usize,
    queue: VecDeque<K>,
}

/// Keys that came due together; over when the last of them has been looked at.
struct Round {
    started: Instant,
    left: usize,
}

impl<K: Ord + Clone> Schedule<K> {
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            at_once,
            keys: BTreeMap::new(),
            lanes: BTreeMap::new(),
            running: 0,
            last: String::new(),
            rounds: BTreeMap::new(),
            begun: 0,
        }
    }

    /// All that there is now, and how long each may wait. What failed rests as long as it was told to, and nothing rests
    /// longer than its own last step asked for: a listing may have been read before that step was over.
    pub(super) fn listed(&mut self, due: BTreeMap<K, Due>, now: Instant) {
        for (key, subject) in &mut self.keys {
            subject.listed = due.contains_key(key);
        }
        let gone: Vec<K> =
            self.keys.iter().filter(|(_, subject)| subject.is_forgotten()).map(|(key, _)| key.clone()).collect();
        for key in &gone {
            self.forget(key);
        }
        for (key, due) in due {
            let until = now + due.after;
            let Some(subject) = self.keys.get_mut(&key) else {
                self.lanes.entry(due.lane.clone()).or_default().subjects += 1;
                let phase = Phase::Resting(Some(until));
                let subject = Subject { lane: due.lane, phase, failures: 0, reason: String::new(), listed: true };
                self.keys.insert(key, subject);
                continue;
            };
            let sooner = |other: Option<Instant>| Some(other.map_or(until, |other| other.min(until)));
            match &mut subject.phase {
                Phase::Resting(resting) if subject.failures == 0 => *resting = sooner(*resting),
                Phase::Running { again, .. } => *again = sooner(*again),
                Phase::Resting(_) | Phase::Queued { .. } => {}
            }
        }
    }

    /// Together with its lane, if it was the last one there.
    fn forget(&mut self, key: &K) {
        let Some(subject) = self.keys.remove(key) else { return };
        let lane = self.lane(&subject.lane);
        lane.subjects -= 1;
        if lane.subjects == 0 {
            self.lanes.remove(&subject.lane);
        } else {
            lane.queue.retain(|queued| queued != key);
        }
        if let Phase::Queued { round } = subject.phase {
            self.leave(round);
        }
    }

    /// Begins a round of everything that is due.
    pub(super) fn begin_round(&mut self, now: Instant) {
        self.begun += 1;
        let (round, mut left) = (self.begun, 0);
        for (key, subject) in &mut self.keys {
            if matches!(subject.phase, Phase::Resting(Some(until)) if until <= now) {
                subject.phase = Phase::Queued { round };
                let lane = self.lanes.get_mut(&subject.lane).expect("every subject has a lane");
                lane.queue.push_back(key.clone());
                left += 1;
            }
        }
        self.rounds.insert(round, Round { started: now, left });
    }

    /// Those whose turn it is: they run from now on. A key of each lane in turn, for as long as there are places.
    pub(super) fn start(&mut self) -> Vec<K> {
        let mut turns = Vec::new();
        while let Some(name) = self.next_lane() {
            let lane = self.lane(&name);
            let key = lane.queue.pop_front().expect("the next lane has a queue");
            lane.running += 1;
            self.running += 1;
            self.last = name;
            let subject = self.keys.get_mut(&key).expect("what is forgotten leaves its queue");
            if let Phase::Queued { round } = subject.phase {
                subject.phase = Phase::Running { round, again: None };
            }
            turns.push(key);
        }
        turns
    }

    /// The first after the one that had the last turn in which a key may begin.
    fn next_lane(&self) -> Option<String> {
        let last = self.last.as_str();
        let after = self.lanes.range::<str, _>((Bound::Excluded(last), Bound::Unbounded));
        let before = self.lanes.range::<str, _>((Bound::Unbounded, Bound::Included(last)));
        let mut from_there = after.chain(before);
        from_there.find(|(_, lane)| self.may_begin(lane)).map(|(name, _)| name.clone())
    }

    fn may_begin(&self, lane: &Lane<K>) -> bool {
        let places = if lane.running == 0 { MOST_AT_ONCE } else { MOST_AT_ONCE - KEPT_FOR_FIRSTS };
        !lane.queue.is_empty() && lane.running < self.at_once && self.running < places
    }

    /// A step is over. `next`: when its key wants to be looked at again by itself, or why it failed.
    pub(super) fn ended(&mut self, key: &K, next: Result<Option<Duration>, String>, now: Instant) {
        let Some(subject) = self.keys.get_mut(key) else { return };
        let Phase::Running { round, again } = subject.phase else { return };
        let until = match next {
            Ok(wait) => {
                (subject.failures, subject.reason) = (0, String::new());
                let wait = wait.map(|wait| now + wait);
                again.map_or(wait, |again| Some(wait.map_or(again, |wait| wait.min(again))))
            }
            Err(reason) => {
                (subject.failures, subject.reason) = (subject.failures + 1, reason);
                Some(now + back_off(subject.failures))
            }
        };
        subject.phase = Phase::Resting(until);
        let (lane, listed) = (subject.lane.clone(), subject.listed);
        self.lane(&lane).running -= 1;
        self.running -= 1;
        self.leave(round);
        if !listed {
            self.forget(key);
        }
    }

    fn lane(&mut self, name: &str) -> &mut Lane<K> {
        self.lanes.get_mut(name).expect("every subject has a lane")
    }

    fn leave(&mut self, round: u64) {
        if let Some(round) = self.rounds.get_mut(&round) {
            round.left -= 1;
        }
    }

    /// How long a round took that is over; each is told once.
    pub(super) fn over(&mut self, now: Instant) -> Option<Duration> {
        let (number, _) = self.rounds.iter().find(|(_, round)| round.left == 0)?;
        let number = *number;
        self.rounds.remove(&number).map(|round| now - round.started)
    }

    /// When a resting key is due next.
    pub(super) fn soonest(&self) -> Option<Instant> {
        let until = |subject: &Subject| match subject.phase {
            Phase::Resting(until) => until,
            Phase::Queued { .. } | Phase::Running { .. } => None,
        };
        self.keys.values().filter_map(until).min()
    }

    pub(super) fn count(&self) -> usize {
        self.keys.values().filter(|subject| subject.listed).count()
    }

    /// What fails at present, and why.
    pub(super) fn failures(&self) -> impl Iterator<Item = (&K, &str)> {
        let failing = self.keys.iter().filter(|(_, subject)| subject.failures > 0);
        failing.map(|(key, subject)| (key, subject.reason.as_str()))
    }

    pub(super) fn failed_in_a_row(&self, key: &K) -> u32 {
        self.keys.get(key).map_or(0, |subject| subject.failures)
    }
}

impl Subject {
    /// A step that runs keeps its place until it is over.
    fn is_forgotten(&self) -> bool {
        !self.listed && !matches!(self.phase, Phase::Running { .. })
    }
}

impl<K> Default for Lane<K> {
    fn default() -> Self {
        Self { subjects: 0, running: 0, queue: VecDeque::new() }
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;

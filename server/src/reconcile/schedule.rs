//! Which key is looked at next: each has a time of its own, and waits for nobody but the steps before it in its lane.
//!
//! Pure, with the moments as arguments. A key is resting, queued or running, so that it never runs twice at once; a
//! step that hangs keeps one of its lane's places, and no other lane's.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use super::Due;

const FIRST_BACK_OFF: Duration = Duration::from_millis(200);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);

/// Full jitter: anything between nothing and the ceiling, so that what failed together does not come back together.
pub(super) fn back_off(failures: u32) -> Duration {
    let ceiling = FIRST_BACK_OFF.saturating_mul(1 << failures.min(16)).min(LONGEST_BACK_OFF);
    Duration::from_millis(rand::random_range(1..=u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX)))
}

/// Every key of a controller.
pub(super) struct Schedule<K> {
    at_once: usize,
    keys: BTreeMap<K, Subject>,
    lanes: BTreeMap<String, Lane<K>>,
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
        Self { at_once, keys: BTreeMap::new(), lanes: BTreeMap::new(), rounds: BTreeMap::new(), begun: 0 }
    }

    /// All that there is now, and how long each may wait. What failed rests as long as it was told to.
    pub(super) fn listed(&mut self, due: BTreeMap<K, Due>, now: Instant) {
        for (key, subject) in &mut self.keys {
            subject.listed = due.contains_key(key);
        }
        let gone: Vec<K> =
            self.keys.iter().filter(|(_, subject)| subject.is_forgotten()).map(|(key, _)| key.clone()).collect();
        for key in gone {
            let Some(subject) = self.keys.remove(&key) else { continue };
            if let Phase::Queued { round } = subject.phase {
                self.lane(&subject.lane).queue.retain(|queued| *queued != key);
                self.leave(round);
            }
        }
        for (key, due) in due {
            let until = now + due.after;
            let subject = self.keys.entry(key).or_insert_with(|| Subject {
                lane: due.lane,
                phase: Phase::Resting(Some(until)),
                failures: 0,
                reason: String::new(),
                listed: true,
            });
            match &mut subject.phase {
                Phase::Resting(resting) if subject.failures == 0 => *resting = Some(until),
                Phase::Running { again, .. } => *again = Some(until),
                Phase::Resting(_) | Phase::Queued { .. } => {}
            }
        }
    }

    /// Begins a round of everything that is due.
    pub(super) fn begin_round(&mut self, now: Instant) {
        self.begun += 1;
        let (round, mut left) = (self.begun, 0);
        for (key, subject) in &mut self.keys {
            if matches!(subject.phase, Phase::Resting(Some(until)) if until <= now) {
                subject.phase = Phase::Queued { round };
                let lane = self.lanes.entry(subject.lane.clone()).or_default();
                lane.queue.push_back(key.clone());
                left += 1;
            }
        }
        self.rounds.insert(round, Round { started: now, left });
    }

    /// Those whose turn it is: they run from now on.
    pub(super) fn start(&mut self) -> Vec<K> {
        let mut turns = Vec::new();
        for lane in self.lanes.values_mut() {
            while lane.running < self.at_once
                && let Some(key) = lane.queue.pop_front()
            {
                let Some(subject) = self.keys.get_mut(&key) else { continue };
                let Phase::Queued { round } = subject.phase else { continue };
                subject.phase = Phase::Running { round, again: None };
                lane.running += 1;
                turns.push(key);
            }
        }
        turns
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
        if !listed {
            self.keys.remove(key);
        }
        self.lane(&lane).running -= 1;
        self.leave(round);
    }

    fn lane(&mut self, name: &str) -> &mut Lane<K> {
        self.lanes.get_mut(name).expect("what was queued has a lane")
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
        Self { running: 0, queue: VecDeque::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn due(keys: &[(&'static str, &str)]) -> BTreeMap<&'static str, Due> {
        keys.iter().map(|(key, lane)| (*key, Due { after: Duration::ZERO, lane: (*lane).to_owned() })).collect()
    }

    fn turns(schedule: &mut Schedule<&'static str>, now: Instant) -> Vec<&'static str> {
        schedule.begin_round(now);
        schedule.start()
    }

    #[test]
    fn a_key_never_runs_twice_at_once_and_is_looked_at_again_if_it_was_listed_meanwhile() {
        let (mut schedule, now) = (Schedule::new(4), Instant::now());
        schedule.listed(due(&[("alpha", "")]), now);
        assert_eq!(turns(&mut schedule, now), ["alpha"]);
        schedule.listed(due(&[("alpha", "")]), now);
        assert_eq!(turns(&mut schedule, now), [""; 0]);
        schedule.ended(&"alpha", Ok(Some(MINUTE)), now);
        assert_eq!(turns(&mut schedule, now), ["alpha"], "what it had read may be old");
        schedule.ended(&"alpha", Ok(Some(MINUTE)), now);
        assert_eq!(turns(&mut schedule, now), [""; 0]);
        assert_eq!(schedule.soonest(), Some(now + MINUTE));
        assert_eq!(turns(&mut schedule, now + MINUTE), ["alpha"]);
    }

    #[test]
    fn keys_that_hang_fill_their_own_lane_only() {
        let (mut schedule, now) = (Schedule::new(2), Instant::now());
        schedule.listed(due(&[("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("b2", "b"), ("b3", "b")]), now);
        assert_eq!(turns(&mut schedule, now), ["a1", "a2", "b1", "b2"]);
        // Those of lane a hang.
        schedule.ended(&"b1", Ok(None), now);
        assert_eq!(schedule.start(), ["b3"]);
        schedule.ended(&"b2", Ok(Some(MINUTE)), now);
        schedule.ended(&"b3", Ok(None), now);
        assert_eq!(turns(&mut schedule, now + MINUTE), ["b2"]);
        schedule.ended(&"a1", Ok(None), now + MINUTE);
        assert_eq!(schedule.start(), ["a3"]);
    }

    #[test]
    fn what_failed_rests_also_when_it_is_listed_again_and_the_others_go_on() {
        let (mut schedule, now) = (Schedule::new(2), Instant::now());
        let both = || due(&[("alpha", ""), ("beta", "")]);
        schedule.listed(both(), now);
        assert_eq!(turns(&mut schedule, now), ["alpha", "beta"]);
        schedule.ended(&"alpha", Ok(None), now);
        schedule.ended(&"beta", Err("no answer".to_owned()), now);
        assert_eq!(schedule.failures().collect::<Vec<_>>(), [(&"beta", "no answer")]);
        schedule.listed(both(), now);
        assert_eq!(turns(&mut schedule, now), ["alpha"]);
        assert_eq!(turns(&mut schedule, now + MINUTE), ["beta"]);
        schedule.ended(&"beta", Ok(None), now + MINUTE);
        assert_eq!(schedule.failures().count(), 0);
    }

    #[test]
    fn what_is_gone_is_forgotten_whether_it_rests_waits_or_runs() {
        let (mut schedule, now) = (Schedule::new(1), Instant::now());
        schedule.listed(due(&[("alpha", ""), ("beta", "")]), now);
        assert_eq!(turns(&mut schedule, now), ["alpha"]);
        schedule.listed(due(&[("gamma", "")]), now);
        assert_eq!(schedule.count(), 1);
        schedule.ended(&"alpha", Ok(Some(MINUTE)), now);
        assert!(schedule.over(now).is_some(), "the round of alpha and beta waits for nobody");
        assert_eq!(turns(&mut schedule, now + MINUTE), ["gamma"]);
    }

    #[test]
    fn a_round_lasts_until_its_own_keys_were_looked_at() {
        let (mut schedule, now) = (Schedule::new(2), Instant::now());
        schedule.listed(due(&[("slow", ""), ("quick", "")]), now);
        assert_eq!(turns(&mut schedule, now), ["quick", "slow"]);
        schedule.ended(&"quick", Ok(Some(Duration::ZERO)), now);
        assert_eq!(turns(&mut schedule, now), ["quick"]);
        schedule.ended(&"quick", Ok(None), now + MINUTE);
        assert_eq!(schedule.over(now + MINUTE), Some(MINUTE), "the second");
        assert_eq!(schedule.over(now + MINUTE), None);
        schedule.ended(&"slow", Ok(None), now + 2 * MINUTE);
        assert_eq!(schedule.over(now + 2 * MINUTE), Some(2 * MINUTE));
    }
}

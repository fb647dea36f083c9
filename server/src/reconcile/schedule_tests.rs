use std::collections::BTreeSet;

use proptest::prelude::*;

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
    assert_eq!(turns(&mut schedule, now), ["a1", "b1", "a2", "b2"]);
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

#[test]
fn a_listing_that_is_older_than_a_step_does_not_put_off_what_the_step_asked_for() {
    let (mut schedule, now) = (Schedule::new(1), Instant::now());
    let after = |after: Duration| BTreeMap::from([("alpha", Due { after, ..Due::default() })]);
    schedule.listed(after(Duration::ZERO), now);
    assert_eq!(turns(&mut schedule, now), ["alpha"]);
    // Read from the store while the step was under way, and taken in before and after its end.
    schedule.listed(after(10 * MINUTE), now);
    schedule.ended(&"alpha", Ok(Some(MINUTE)), now);
    schedule.listed(after(10 * MINUTE), now);
    assert_eq!(schedule.soonest(), Some(now + MINUTE));
    schedule.listed(after(Duration::ZERO), now);
    assert_eq!(turns(&mut schedule, now), ["alpha"], "what a person asks for is looked at sooner");
    schedule.listed(after(Duration::ZERO), now);
    schedule.listed(after(10 * MINUTE), now);
    schedule.ended(&"alpha", Ok(None), now);
    assert_eq!(schedule.soonest(), Some(now), "asked for while it was under way");
}

/// "a0", "a1", … in lane "a".
fn many(lanes: &[&str], each: usize) -> BTreeMap<String, Due> {
    let of = |lane: &str| {
        let due = Due { after: Duration::ZERO, lane: lane.to_owned() };
        (0..each).map(move |number| (format!("{}{number}", due.lane), due.clone())).collect::<Vec<_>>()
    };
    lanes.iter().flat_map(|lane| of(lane)).collect()
}

#[test]
fn steps_are_bounded_in_all_and_a_long_queue_makes_no_other_lane_wait() {
    let (mut schedule, now) = (Schedule::new(16), Instant::now());
    schedule.listed(many(&["a", "b", "c", "d"], 1_000), now);
    schedule.begin_round(now);
    let hanging = schedule.start();
    assert_eq!(hanging.len(), MOST_AT_ONCE - KEPT_FOR_FIRSTS, "four regions that hang");
    let names: Vec<String> = (10..40).map(|number| format!("lane {number}-")).collect();
    let others: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut all = many(&["a", "b", "c", "d"], 1_000);
    all.extend(many(&others, 2));
    schedule.listed(all, now);
    schedule.begin_round(now);
    let firsts = schedule.start();
    let wanted: Vec<String> = others.iter().take(KEPT_FOR_FIRSTS).map(|lane| format!("{lane}0")).collect();
    assert_eq!(firsts, wanted, "one of each lane, in turn");
    assert_eq!(schedule.start(), [""; 0], "there are 64 steps at most");
    schedule.ended(&firsts[0], Ok(None), now);
    assert_eq!(schedule.start(), [format!("{}0", others[KEPT_FOR_FIRSTS])], "the lane that has waited longest");
}

#[test]
fn lanes_take_turns_when_a_place_is_free() {
    let (mut schedule, now) = (Schedule::new(1_000), Instant::now());
    schedule.listed(many(&["long"], 1_000), now);
    schedule.begin_round(now);
    let first = schedule.start();
    assert_eq!(first.len(), MOST_AT_ONCE - KEPT_FOR_FIRSTS);
    let mut all = many(&["long"], 1_000);
    all.extend(many(&["short"], 3));
    schedule.listed(all, now);
    schedule.begin_round(now);
    assert_eq!(schedule.start(), ["short0"], "of the places that are kept");
    let mut turns = Vec::new();
    for key in first.iter().take(6) {
        schedule.ended(key, Ok(None), now);
        turns.extend(schedule.start());
    }
    let of_short: Vec<&String> = turns.iter().filter(|key| key.starts_with("short")).collect();
    assert_eq!(of_short, ["short1", "short2"], "{turns:?}");
}

#[test]
fn a_lane_goes_with_the_last_of_its_keys() {
    let (mut schedule, now) = (Schedule::new(1), Instant::now());
    schedule.listed(due(&[("a1", "a"), ("a2", "a"), ("b1", "b"), ("c1", "c")]), now);
    assert_eq!(turns(&mut schedule, now), ["a1", "b1", "c1"]);
    schedule.ended(&"c1", Ok(None), now);
    schedule.listed(due(&[]), now);
    assert_eq!(schedule.lanes.keys().collect::<Vec<_>>(), ["a", "b"], "steps keep their places until they are over");
    schedule.ended(&"a1", Ok(None), now);
    schedule.ended(&"b1", Err("no answer".to_owned()), now);
    assert!(schedule.lanes.is_empty() && schedule.keys.is_empty());
    assert_eq!(schedule.running, 0);
}

/// What happens to a schedule; numbers are cut to what there is.
#[derive(Clone, Debug)]
enum Happening {
    /// So many keys of every lane, each due after so many seconds.
    Listed {
        lanes: Vec<usize>,
        after: u64,
    },
    Passed {
        seconds: u64,
    },
    Ended {
        which: usize,
        next: Result<Option<u64>, ()>,
    },
}

fn happening() -> impl Strategy<Value = Happening> {
    let next = prop_oneof![Just(Ok(None)), (0..100_u64).prop_map(|wait| Ok(Some(wait))), Just(Err(()))];
    prop_oneof![
        2 => (proptest::collection::vec(0..24_usize, 0..12), 0..50_u64)
            .prop_map(|(lanes, after)| Happening::Listed { lanes, after }),
        2 => (0..60_u64).prop_map(|seconds| Happening::Passed { seconds }),
        6 => (any::<usize>(), next).prop_map(|(which, next)| Happening::Ended { which, next }),
    ]
}

type Key = (usize, usize);

/// A schedule and what was told of it, to compare.
struct Watched {
    schedule: Schedule<Key>,
    now: Instant,
    running: BTreeSet<Key>,
}

impl Watched {
    fn step(&mut self, happening: Happening) {
        match happening {
            Happening::Listed { lanes, after } => self.list(&lanes, Duration::from_secs(after)),
            Happening::Passed { seconds } => self.now += Duration::from_secs(seconds),
            Happening::Ended { which, next } => {
                let Some(key) = self.running.iter().nth(which % self.running.len().max(1)).copied() else { return };
                self.running.remove(&key);
                let next = next.map(|wait| wait.map(Duration::from_secs)).map_err(|()| "no answer".to_owned());
                self.schedule.ended(&key, next, self.now);
            }
        }
        self.turn();
    }

    fn list(&mut self, lanes: &[usize], after: Duration) {
        let all = lanes.iter().enumerate().flat_map(|(lane, keys)| (0..*keys).map(move |key| (lane, key)));
        let due = all.map(|key| (key, Due { after, lane: format!("lane {}", key.0) })).collect();
        let before = self.resting();
        self.schedule.listed(due, self.now);
        let after = self.resting();
        for (key, until) in before {
            assert!(after.get(&key).is_none_or(|now| *now <= until), "{key:?} was put off");
        }
    }

    fn resting(&self) -> BTreeMap<Key, Instant> {
        let until = |(key, subject): (&Key, &Subject)| match subject.phase {
            Phase::Resting(Some(until)) => Some((*key, until)),
            _ => None,
        };
        self.schedule.keys.iter().filter_map(until).collect()
    }

    /// Begins what is due, and looks whether everything is as it should be.
    fn turn(&mut self) {
        self.schedule.begin_round(self.now);
        for key in self.schedule.start() {
            assert!(self.running.insert(key), "{key:?} ran twice at once");
        }
        while self.schedule.over(self.now).is_some() {}
        assert!(self.running.len() <= MOST_AT_ONCE);
        let named: BTreeSet<&String> = self.schedule.keys.values().map(|subject| &subject.lane).collect();
        assert_eq!(self.schedule.lanes.keys().collect::<BTreeSet<_>>(), named, "a lane for every key, and no other");
        for (name, lane) in &self.schedule.lanes {
            let own = self.running.iter().filter(|key| format!("lane {}", key.0) == *name).count();
            assert_eq!(own, lane.running);
            assert!(own <= self.schedule.at_once);
            let waits = own == 0 && !lane.queue.is_empty();
            assert!(!waits || self.running.len() == MOST_AT_ONCE, "{name} waits for others");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_happens_no_bound_is_passed_no_lane_starves_and_every_key_has_its_turn(
        happenings in proptest::collection::vec(happening(), 1..60),
    ) {
        let schedule = Schedule::new(16);
        let mut watched = Watched { schedule, now: Instant::now(), running: BTreeSet::new() };
        for happening in happenings {
            watched.step(happening);
        }
        // Everything that is left has its turn.
        watched.now += LONGEST_BACK_OFF + 2 * MINUTE;
        watched.list(&[8; 12], Duration::ZERO);
        let mut missing: BTreeSet<Key> = watched.schedule.keys.keys().copied().collect();
        while !missing.is_empty() {
            watched.turn();
            prop_assert!(!watched.running.is_empty(), "{missing:?} are forgotten");
            missing.retain(|key| !watched.running.contains(key));
            watched.step(Happening::Ended { which: 0, next: Ok(None) });
        }
    }
}

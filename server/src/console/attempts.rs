//! Back-off of sign-in attempts: a wait that grows with each failure, and no lock-out.
//!
//! Counted per source, per e-mail address, and per address from one source. The wait of an address holds
//! only for sources that have failed at it themselves: a stranger who guesses without pause slows
//! down himself, and others who guess with him, but not its owner elsewhere.
//!
//! Pure but for its memory. An attempt counts as failed from its beginning, so that many at
//! once do not slip through together; success takes it back.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
};

use app::domain::Timestamp;

/// What is counted alike.
struct Rule {
    /// Failures that cost nothing: people mistype.
    free: u32,
    /// The longest wait in seconds.
    most: u64,
}

const EMAIL: Rule = Rule { free: 5, most: 60 };
const SOURCE: Rule = Rule { free: 20, most: 900 };
const PAIR: Rule = Rule { free: 5, most: 900 };
/// So many failures of its own spare a source the wait of an address.
const SPARED: u32 = 2;

/// Failures are forgotten after this many quiet seconds.
const FORGET: u64 = 1800;
/// More names than this are not remembered; the oldest go.
const MOST_REMEMBERED: usize = 20_000;

#[derive(Clone, Copy)]
struct Count {
    failures: u32,
    last: Timestamp,
}

/// What has been tried in vain.
#[derive(Default)]
pub struct Attempts {
    emails: HashMap<String, Count>,
    sources: HashMap<IpAddr, Count>,
    pairs: HashMap<(String, IpAddr), Count>,
}

impl Attempts {
    /// Counts an attempt, or says how many seconds to wait before the next.
    pub fn begin(&mut self, email: &str, source: IpAddr, now: Timestamp) -> Result<(), u64> {
        let source = network(source);
        let pair = (email.to_owned(), source);
        let own = self.pairs.get(&pair).filter(|count| count.last.age_seconds(now) < FORGET);
        let shared = self.emails.get(email).filter(|_| own.is_some_and(|own| own.failures >= SPARED));
        let wait = waiting(&SOURCE, self.sources.get(&source), now)
            .max(waiting(&PAIR, own, now))
            .max(waiting(&EMAIL, shared, now));
        if wait > 0 {
            return Err(wait);
        }
        fail(&mut self.emails, email.to_owned(), now);
        fail(&mut self.sources, source, now);
        fail(&mut self.pairs, pair, now);
        Ok(())
    }

    /// Takes back what [`Attempts::begin`] counted. The source keeps its earlier failures: it may be guessing for others.
    pub fn succeed(&mut self, email: &str, source: IpAddr) {
        self.emails.remove(email);
        self.pairs.remove(&(email.to_owned(), network(source)));
        if let Some(count) = self.sources.get_mut(&network(source)) {
            count.failures = count.failures.saturating_sub(1);
        }
    }
}

fn waiting(rule: &Rule, count: Option<&Count>, now: Timestamp) -> u64 {
    let Some(count) = count.filter(|count| count.last.age_seconds(now) < FORGET) else { return 0 };
    let Some(beyond) = count.failures.checked_sub(rule.free) else { return 0 };
    let pause = 1_u64.checked_shl(beyond).unwrap_or(u64::MAX).min(rule.most);
    pause.saturating_sub(count.last.age_seconds(now))
}

fn fail<K: Eq + Hash + Clone>(counts: &mut HashMap<K, Count>, key: K, now: Timestamp) {
    if counts.len() >= MOST_REMEMBERED && !counts.contains_key(&key) {
        counts.retain(|_, count| count.last.age_seconds(now) < FORGET);
        if counts.len() >= MOST_REMEMBERED {
            let oldest = counts.iter().min_by_key(|(_, count)| count.last).map(|(key, _)| key.clone());
            oldest.map(|key| counts.remove(&key));
        }
    }
    let count = counts.entry(key).or_insert(Count { failures: 0, last: now });
    if count.last.age_seconds(now) >= FORGET {
        count.failures = 0;
    }
    *count = Count { failures: count.failures.saturating_add(1), last: now };
}

/// One customer has a /64 of IPv6 addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

    #[test]
    fn the_wait_doubles_after_the_fifth_failure_and_of_an_address_ends_at_a_minute() {
        let mut attempts = Attempts::default();
        let mut now = Timestamp::from_seconds(0);
        let mut waits = Vec::new();
        for attempt in 0..14_u8 {
            // From everywhere, so that only the address counts; none of them for the first time.
            let source = IpAddr::from([203, 0, 113, attempt]);
            attempts.pairs.insert(("ingrid@example.com".to_owned(), source), Count { failures: SPARED, last: now });
            if let Err(seconds) = attempts.begin("ingrid@example.com", source, now) {
                waits.push(seconds);
                now = now.plus_seconds(i64::try_from(seconds).expect("a minute at most"));
                attempts.begin("ingrid@example.com", source, now).expect("after the wait");
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn whoever_guesses_without_pause_does_not_keep_the_owner_out() {
        let (mut attempts, owner) = (Attempts::default(), IpAddr::from([198, 51, 100, 7]));
        for second in 0..1000 {
            let now = Timestamp::from_seconds(second);
            _ = attempts.begin("ingrid@example.com", HOME, now);
        }
        let now = Timestamp::from_seconds(1000);
        attempts.begin("ingrid@example.com", owner, now).expect("the owner has not failed yet");
        attempts.begin("ingrid@example.com", owner, now).expect("and may mistype");
        assert!(attempts.begin("ingrid@example.com", HOME, now).is_err());
    }

    #[test]
    fn success_forgives_the_address_but_not_the_source() {
        let (mut attempts, now) = (Attempts::default(), Timestamp::from_seconds(0));
        for person in 0..20 {
            attempts.begin(&format!("{person}@example.com"), HOME, now).expect("a new address each time");
            if person == 19 {
                attempts.succeed("19@example.com", HOME);
            }
        }
        attempts.begin("20@example.com", HOME, now).expect("the twentieth failure of this source is free");
        assert_eq!(attempts.begin("21@example.com", HOME, now), Err(1));
    }

    #[test]
    fn attempts_at_the_same_moment_count_before_they_have_failed() {
        let (mut attempts, now) = (Attempts::default(), Timestamp::from_seconds(0));
        let let_in = (0..16).filter(|_| attempts.begin("ingrid@example.com", HOME, now).is_ok()).count();
        assert_eq!(let_in, 5);
    }

    #[test]
    fn half_an_hour_of_quiet_forgets() {
        let (mut attempts, now) = (Attempts::default(), Timestamp::from_seconds(0));
        while attempts.begin("ingrid@example.com", HOME, now).is_ok() {}
        let later = now.plus_seconds(3600);
        assert_eq!(attempts.begin("ingrid@example.com", HOME, later), Ok(()));
        assert_eq!(attempts.emails["ingrid@example.com"].failures, 1);
    }

    #[test]
    fn neighbours_in_one_ipv6_network_are_one_source() {
        assert_eq!(
            network("2001:db8::1".parse().expect("an address")),
            network("2001:db8::ffff:1".parse().expect("an address"))
        );
    }
}

//! The loop that every controller runs in: woken by the feed and by a period, backing off key by key, telling how it went.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use app::domain::{change::Topic, reconciler::ControllerStatus};
use futures::stream::{self, StreamExt};
use tokio::{sync::watch, time};

use super::{Controller, Next, Pulse};
use crate::{
    clock,
    store::{Feed, Wake},
};

const FIRST_BACK_OFF: Duration = Duration::from_millis(200);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);
/// The page shows the first of them; the log has all.
const MOST_FAILURES: usize = 20;

/// What wakes a controller, without saying what changed.
pub struct Wakes {
    receiver: watch::Receiver<Wake>,
    last: Wake,
    topics: Option<&'static [Topic]>,
}

impl Wakes {
    /// Woken by every numbered change, not by observed values.
    pub fn numbered(feed: &Feed) -> Self {
        let receiver = feed.subscribe();
        let last = *receiver.borrow();
        Self { receiver, last, topics: None }
    }

    /// Woken by everything that touches one of the topics.
    pub fn topics(feed: &Feed, topics: &'static [Topic]) -> Self {
        Self { topics: Some(topics), ..Self::numbered(feed) }
    }

    /// Returns when something of interest has happened since it last returned; `false` once the store is gone.
    async fn changed(&mut self) -> bool {
        loop {
            let now = *self.receiver.borrow_and_update();
            let interesting = match self.topics {
                None => now.seq != self.last.seq,
                Some(topics) => now.since(&self.last).any(|topic| topics.contains(&topic)),
            };
            self.last = now;
            if interesting {
                return true;
            }
            if self.receiver.changed().await.is_err() {
                return false;
            }
        }
    }
}

/// How every controller's last pass went.
#[derive(Clone)]
pub struct Statuses {
    all: Arc<Mutex<BTreeMap<&'static str, ControllerStatus>>>,
    pulse: Arc<Pulse>,
}

impl Statuses {
    pub fn new(pulse: Arc<Pulse>) -> Self {
        Self { all: Arc::default(), pulse }
    }

    /// Ordered by name.
    pub fn all(&self) -> Vec<ControllerStatus> {
        self.all.lock().expect("nobody panics while holding it").values().cloned().collect()
    }

    fn update(&self, name: &'static str, change: impl FnOnce(&mut ControllerStatus)) {
        let mut all = self.all.lock().expect("nobody panics while holding it");
        change(all.entry(name).or_insert_with(|| ControllerStatus {
            name: name.to_owned(),
            purpose: String::new(),
            keys: 0,
            last_run: None,
            duration_micros: 0,
            runs: 0,
            failures: Vec::new(),
            next_run: None,
        }));
        drop(all);
        self.pulse.touch(Topic::Reconcilers);
    }
}

/// How often a key has failed in a row, and when it is tried again.
struct BackOff {
    failures: u32,
    until: Instant,
}

impl BackOff {
    /// Full jitter: anything between nothing and the ceiling, so that what failed together does not come back together.
    fn after(failures: u32) -> Self {
        let ceiling = FIRST_BACK_OFF.saturating_mul(1 << failures.min(16)).min(LONGEST_BACK_OFF);
        let wait =
            Duration::from_millis(rand::random_range(1..=u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX)));
        Self { failures, until: Instant::now() + wait }
    }
}

struct Pass {
    keys: usize,
    failures: Vec<(String, String)>,
    /// When a key wants to be looked at again.
    soonest: Option<Duration>,
}

/// Runs a controller for as long as the store lives.
pub async fn run<C: Controller>(
    controller: Arc<C>,
    purpose: &'static str,
    mut wakes: Wakes,
    period: Duration,
    statuses: Statuses,
) {
    statuses.update(C::NAME, |status| purpose.clone_into(&mut status.purpose));
    let mut waiting = BTreeMap::new();
    let mut listing_failures = 0;
    let mut delay = Duration::ZERO;
    loop {
        tokio::select! {
            () = time::sleep(delay) => {}
            awake = wakes.changed() => if !awake { return },
        }
        let started = Instant::now();
        let pass = sweep(&*controller, &mut waiting, &mut listing_failures).await;
        delay = pass.soonest.unwrap_or(period).min(period);
        statuses.update(C::NAME, |status| {
            let now = clock::now();
            status.keys = pass.keys as u64;
            status.last_run = Some(now);
            status.duration_micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
            status.runs += 1;
            status.failures = pass.failures;
            status.next_run = Some(now.plus_seconds(i64::try_from(delay.as_secs()).unwrap_or(i64::MAX)));
        });
    }
}

async fn sweep<C: Controller>(
    controller: &C,
    waiting: &mut BTreeMap<C::Key, BackOff>,
    listing_failures: &mut u32,
) -> Pass {
    let mut pass = Pass { keys: 0, failures: Vec::new(), soonest: None };
    let keys = match controller.keys().await {
        Ok(keys) => keys,
        Err(error) => {
            tracing::warn!(
                controller = C::NAME,
                error = format!("{error:#}"),
                "a controller could not list what it answers for"
            );
            pass.failures.push(("everything".to_owned(), format!("{error:#}")));
            *listing_failures += 1;
            pass.soonest = Some(BackOff::after(*listing_failures).until.saturating_duration_since(Instant::now()));
            return pass;
        }
    };
    *listing_failures = 0;
    pass.keys = keys.len();
    waiting.retain(|key, _| keys.contains(key));
    let now = Instant::now();
    let resting = |key: &C::Key| waiting.get(key).map(|back_off| back_off.until.saturating_duration_since(now));
    let (ready, resting): (Vec<_>, Vec<_>) = keys
        .into_iter()
        .map(|key| (resting(&key).filter(|rest| !rest.is_zero()), key))
        .partition(|(rest, _)| rest.is_none());
    pass.soonest = resting.iter().filter_map(|(rest, _)| *rest).min();
    let mut steps = stream::iter(ready)
        .map(|(_, key)| async {
            let outcome = controller.reconcile(&key).await;
            (key, outcome)
        })
        .buffer_unordered(C::AT_ONCE);
    while let Some((key, outcome)) = steps.next().await {
        let wait = judge::<C>(key, outcome, waiting, &mut pass.failures);
        pass.soonest = match (pass.soonest, wait) {
            (Some(soonest), Some(wait)) => Some(soonest.min(wait)),
            (soonest, wait) => soonest.or(wait),
        };
    }
    pass
}

/// How a step went; gives when its key wants to be looked at again.
fn judge<C: Controller>(
    key: C::Key,
    outcome: anyhow::Result<Next>,
    waiting: &mut BTreeMap<C::Key, BackOff>,
    failures: &mut Vec<(String, String)>,
) -> Option<Duration> {
    match outcome {
        Ok(next) => {
            waiting.remove(&key);
            match next {
                Next::Settled => None,
                Next::After(wait) => Some(wait),
            }
        }
        Err(error) => {
            let back_off = BackOff::after(waiting.get(&key).map_or(0, |back_off| back_off.failures) + 1);
            tracing::warn!(controller = C::NAME, key = %key, failures = back_off.failures, error = format!("{error:#}"), "a step failed and will be tried again");
            if failures.len() < MOST_FAILURES {
                failures.push((key.to_string(), format!("{error:#}")));
            }
            let wait = back_off.until.saturating_duration_since(Instant::now());
            waiting.insert(key, back_off);
            Some(wait)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::atomic::{AtomicU32, Ordering},
    };

    use async_trait::async_trait;

    use super::*;

    /// Fails for "beta" until it was tried three times.
    #[derive(Default)]
    struct Moody {
        alpha: AtomicU32,
        beta: AtomicU32,
    }

    #[async_trait]
    impl Controller for Moody {
        type Key = &'static str;
        const NAME: &'static str = "moody";

        async fn keys(&self) -> anyhow::Result<BTreeSet<&'static str>> {
            Ok(BTreeSet::from(["alpha", "beta"]))
        }

        async fn reconcile(&self, key: &&'static str) -> anyhow::Result<Next> {
            if *key == "alpha" {
                self.alpha.fetch_add(1, Ordering::Relaxed);
                return Ok(Next::Settled);
            }
            anyhow::ensure!(self.beta.fetch_add(1, Ordering::Relaxed) >= 2, "beta does not answer");
            Ok(Next::Settled)
        }
    }

    #[tokio::test]
    async fn a_key_that_fails_is_tried_again_alone_and_soon_and_the_others_go_on() {
        let moody = Moody::default();
        let (mut waiting, mut listing) = (BTreeMap::new(), 0);
        let first = sweep(&moody, &mut waiting, &mut listing).await;
        assert_eq!(first.failures, [("beta".to_owned(), "beta does not answer".to_owned())]);
        let mut passes = 1;
        while waiting.contains_key("beta") {
            let pass = sweep(&moody, &mut waiting, &mut listing).await;
            passes += 1;
            time::sleep(pass.soonest.unwrap_or_default()).await;
        }
        assert_eq!(moody.beta.load(Ordering::Relaxed), 3);
        assert_eq!(moody.alpha.load(Ordering::Relaxed), passes, "alpha is looked at in every pass");
    }

    #[tokio::test]
    async fn a_controller_is_woken_by_its_topics_only_and_tells_its_status() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}?mode=rwc", folder.path().join("causeway.db").display());
        let store = crate::store::Store::open(&url).await.expect("a database");
        let feed = store.feed();
        let statuses = Statuses::new(Pulse::new(feed.clone()));
        let moody = Arc::new(Moody { beta: AtomicU32::new(2), ..Moody::default() });
        let task = tokio::spawn(run(
            moody.clone(),
            "Looks after alpha and beta.",
            Wakes::topics(feed, &[Topic::Vpcs]),
            Duration::from_secs(3600),
            statuses.clone(),
        ));
        let runs = async |wanted: u64| {
            for _ in 0..200 {
                if statuses.all().first().is_some_and(|status| status.runs == wanted) {
                    return true;
                }
                time::sleep(Duration::from_millis(5)).await;
            }
            false
        };
        assert!(runs(1).await, "it looks around when it starts");
        feed.wake(None, &[Topic::People]);
        feed.wake(None, &[Topic::Vpcs]);
        assert!(runs(2).await);
        let status = statuses.all().remove(0);
        assert_eq!((status.name.as_str(), status.keys, status.failures.len()), ("moody", 2, 0));
        assert!(status.next_run > status.last_run);
        task.abort();
    }
}

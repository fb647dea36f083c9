//! The loop that every controller runs in: woken by the feed and by a period, backing off key by key, telling how it went.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use app::domain::{change::Topic, reconciler::ControllerStatus};
use futures::{
    future::BoxFuture,
    stream::{FuturesUnordered, StreamExt},
};
use tokio::{sync::watch, time};

use super::{
    Controller, Due, Next, Pulse,
    schedule::{Schedule, back_off},
};
use crate::{
    clock,
    store::{Feed, Wake},
};

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

/// What a task of the loop has done.
enum Done<K> {
    Listed(anyhow::Result<BTreeMap<K, Due>>),
    Stepped(K, anyhow::Result<Next>),
}

/// A listing rests for so many times as long as the last one took: wakes that follow each other share one.
const LISTING_REST: u32 = 4;
/// But never longer: until then nobody who asks for something is heard.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// When it is asked what there is.
struct Listing {
    wanted_at: Instant,
    not_before: Instant,
    began: Option<Instant>,
    failures: u32,
    reason: String,
}

impl Listing {
    fn at(&self) -> Option<Instant> {
        self.began.is_none().then(|| self.wanted_at.max(self.not_before))
    }

    fn ended(&mut self, now: Instant) {
        if let Some(began) = self.began.take() {
            self.not_before = now + ((now - began) * LISTING_REST).min(LONGEST_REST);
        }
    }
}

/// Runs a controller for as long as the store lives. Steps stay in flight while others come due.
pub async fn run<C: Controller>(
    controller: Arc<C>,
    purpose: &'static str,
    mut wakes: Wakes,
    period: Duration,
    statuses: Statuses,
) {
    statuses.update(C::NAME, |status| purpose.clone_into(&mut status.purpose));
    let start = Instant::now();
    let mut listing = Listing { wanted_at: start, not_before: start, began: None, failures: 0, reason: String::new() };
    let mut schedule = Schedule::new(C::AT_ONCE);
    let mut tasks = FuturesUnordered::<BoxFuture<'_, Done<C::Key>>>::new();
    loop {
        let now = Instant::now();
        if listing.at().is_some_and(|at| at <= now) {
            (listing.began, listing.wanted_at) = (Some(now), now + period);
            tasks.push(Box::pin(async { Done::Listed(controller.due().await) }));
        }
        if schedule.soonest().is_some_and(|at| at <= now) {
            schedule.begin_round(now);
        }
        for key in schedule.start() {
            let controller = &controller;
            tasks.push(Box::pin(async move {
                let outcome = controller.reconcile(&key).await;
                Done::Stepped(key, outcome)
            }));
        }
        while let Some(took) = schedule.over(now) {
            let next = schedule.soonest().map_or(listing.wanted_at, |soonest| soonest.min(listing.wanted_at));
            statuses.update(C::NAME, |status| {
                told(status, &schedule, &listing, (took, next.saturating_duration_since(now)))
            });
        }
        let next = listing.at().into_iter().chain(schedule.soonest()).min();
        tokio::select! {
            () = time::sleep_until(next.unwrap_or(now + period).into()) => {}
            awake = wakes.changed() => {
                if !awake {
                    return;
                }
                listing.wanted_at = Instant::now();
            }
            Some(done) = tasks.next() => take::<C>(done, &mut schedule, &mut listing),
        }
    }
}

fn take<C: Controller>(done: Done<C::Key>, schedule: &mut Schedule<C::Key>, listing: &mut Listing) {
    let now = Instant::now();
    match done {
        Done::Listed(Ok(due)) => {
            listing.ended(now);
            (listing.failures, listing.reason) = (0, String::new());
            schedule.listed(due, now);
            schedule.begin_round(now);
        }
        Done::Listed(Err(error)) => {
            let error = format!("{error:#}");
            tracing::warn!(controller = C::NAME, error, "a controller could not list what it answers for");
            listing.ended(now);
            (listing.failures, listing.reason) = (listing.failures + 1, error);
            listing.wanted_at = listing.wanted_at.min(now + back_off(listing.failures));
            // So that it is told.
            schedule.begin_round(now);
        }
        Done::Stepped(key, Ok(next)) => {
            let wait = match next {
                Next::Settled => None,
                Next::After(wait) => Some(wait),
            };
            schedule.ended(&key, Ok(wait), now);
        }
        Done::Stepped(key, Err(error)) => {
            let (error, failures) = (format!("{error:#}"), schedule.failed_in_a_row(&key) + 1);
            tracing::warn!(controller = C::NAME, key = %key, failures, error, "a step failed and will be tried again");
            schedule.ended(&key, Err(error), now);
        }
    }
}

/// What the page shows. `took`: how long the last round took, and how long until the next one at most.
fn told<K: Ord + Clone + std::fmt::Display>(
    status: &mut ControllerStatus,
    schedule: &Schedule<K>,
    listing: &Listing,
    (took, until): (Duration, Duration),
) {
    let now = clock::now();
    let everything = (listing.failures > 0).then(|| ("everything".to_owned(), listing.reason.clone()));
    let some = schedule.failures().map(|(key, reason)| (key.to_string(), reason.to_owned()));
    status.keys = schedule.count() as u64;
    status.last_run = Some(now);
    status.duration_micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    status.runs += 1;
    status.failures = everything.into_iter().chain(some).take(MOST_FAILURES).collect();
    status.next_run = Some(now.plus_seconds(i64::try_from(until.as_secs()).unwrap_or(i64::MAX)));
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::atomic::{AtomicU32, Ordering},
    };

    use async_trait::async_trait;

    use super::*;

    /// Fails for "beta" until it was tried three times; "gamma" never comes back.
    struct Moody {
        keys: &'static [&'static str],
        alpha: AtomicU32,
        beta: AtomicU32,
        gamma: AtomicU32,
    }

    impl Moody {
        fn new(keys: &'static [&'static str]) -> Arc<Self> {
            Arc::new(Self { keys, alpha: AtomicU32::new(0), beta: AtomicU32::new(0), gamma: AtomicU32::new(0) })
        }
    }

    #[async_trait]
    impl Controller for Moody {
        type Key = &'static str;
        const NAME: &'static str = "moody";
        const AT_ONCE: usize = 2;

        async fn keys(&self) -> anyhow::Result<BTreeSet<&'static str>> {
            Ok(self.keys.iter().copied().collect())
        }

        async fn reconcile(&self, key: &&'static str) -> anyhow::Result<Next> {
            match *key {
                "alpha" => {
                    self.alpha.fetch_add(1, Ordering::Relaxed);
                    Ok(Next::After(Duration::from_millis(20)))
                }
                "beta" => {
                    anyhow::ensure!(self.beta.fetch_add(1, Ordering::Relaxed) >= 2, "beta does not answer");
                    Ok(Next::Settled)
                }
                _ => {
                    self.gamma.fetch_add(1, Ordering::Relaxed);
                    std::future::pending().await
                }
            }
        }
    }

    struct Running {
        feed: Arc<Feed>,
        statuses: Statuses,
        task: tokio::task::JoinHandle<()>,
        _folder: tempfile::TempDir,
    }

    /// Woken by VPCs, and once in an hour.
    async fn running(moody: Arc<Moody>) -> Running {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}?mode=rwc", folder.path().join("causeway.db").display());
        let store = crate::store::Store::open(&url).await.expect("a database");
        let feed = store.feed().clone();
        let statuses = Statuses::new(Pulse::new(feed.clone()));
        let (wakes, told) = (Wakes::topics(&feed, &[Topic::Vpcs]), statuses.clone());
        let task = tokio::spawn(async move {
            run(moody, "Looks after them.", wakes, Duration::from_secs(3600), told).await;
            drop(store);
        });
        Running { feed, statuses, task, _folder: folder }
    }

    async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
        for _ in 0..1_000 {
            if holds() {
                return;
            }
            time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{what} did not come");
    }

    #[tokio::test]
    async fn a_key_that_hangs_delays_no_other_keys_next_look() {
        let moody = Moody::new(&["alpha", "gamma"]);
        let running = running(moody.clone()).await;
        eventually("five looks at alpha", || moody.alpha.load(Ordering::Relaxed) >= 5).await;
        running.feed.wake(None, &[Topic::Vpcs]);
        let before = moody.alpha.load(Ordering::Relaxed);
        eventually("more of them", || moody.alpha.load(Ordering::Relaxed) >= before + 5).await;
        assert_eq!(moody.gamma.load(Ordering::Relaxed), 1, "no key runs twice at once");
        running.task.abort();
    }

    #[tokio::test]
    async fn a_key_that_fails_is_tried_again_alone_and_soon_and_is_told_of() {
        let moody = Moody::new(&["beta"]);
        let running = running(moody.clone()).await;
        let failures = || running.statuses.all().first().map(|status| status.failures.clone()).unwrap_or_default();
        eventually("its failure", || failures() == [("beta".to_owned(), "beta does not answer".to_owned())]).await;
        eventually("its success", || moody.beta.load(Ordering::Relaxed) == 3 && failures().is_empty()).await;
        running.task.abort();
    }

    #[tokio::test]
    async fn a_controller_is_woken_by_its_topics_only_and_tells_its_status() {
        let moody = Moody::new(&["beta"]);
        moody.beta.store(2, Ordering::Relaxed);
        let running = running(moody.clone()).await;
        let runs = || running.statuses.all().first().map_or(0, |status| status.runs);
        eventually("a look around when it starts", || runs() == 1).await;
        running.feed.wake(None, &[Topic::People]);
        time::sleep(Duration::from_millis(50)).await;
        assert_eq!(runs(), 1);
        running.feed.wake(None, &[Topic::Vpcs]);
        eventually("a second one", || runs() == 2).await;
        let status = running.statuses.all().remove(0);
        assert_eq!((status.name.as_str(), status.keys, status.failures.len()), ("moody", 1, 0));
        assert!(status.next_run > status.last_run);
        running.task.abort();
    }
}

//! Who wants to know that something changed: a wake-up carries no data, so a lost one costs nothing.
//!
//! A counter per topic in a watch channel. A slow reader sees only the last counters and can
//! neither block a writer nor overflow. What happened inside a project is counted for that project
//! too, so that a page is woken only by what its reader may see.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Mutex,
};

use app::domain::{ProjectId, change::Topic};
use tokio::sync::watch;

/// How often each topic was woken, and the number of the last change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// The number of the last committed change.
    pub seq: u64,
    counts: Counts,
    /// Of these, what is known to concern no project in particular.
    common: Counts,
}

type Counts = [u64; Topic::ALL.len()];

impl Wake {
    pub fn count(&self, topic: Topic) -> u64 {
        self.counts[topic as usize]
    }

    /// The topics that were woken since `earlier`.
    pub fn since(&self, earlier: &Self) -> impl Iterator<Item = Topic> {
        let (now, then) = (self.counts, earlier.counts);
        Topic::ALL.into_iter().filter(move |topic| now[*topic as usize] != then[*topic as usize])
    }
}

/// What whoever may see some projects has been woken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen(Counts);

impl Seen {
    /// The topics that were woken since `earlier`.
    pub fn since(&self, earlier: &Self) -> impl Iterator<Item = Topic> {
        let (now, then) = (self.0, earlier.0);
        Topic::ALL.into_iter().filter(move |topic| now[*topic as usize] != then[*topic as usize])
    }
}

pub struct Feed {
    sender: watch::Sender<Wake>,
    projects: Mutex<HashMap<ProjectId, Counts>>,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self { sender: watch::Sender::new(Wake::default()), projects: Mutex::default() }
    }

    pub(super) fn start_at(&self, seq: u64) {
        self.sender.send_modify(|wake| wake.seq = seq);
    }

    /// Says that topics changed, whoever they concern; `seq` if the change is numbered.
    pub fn wake(&self, seq: Option<u64>, topics: &[Topic]) {
        self.wake_within(seq, topics, &BTreeSet::new());
    }

    /// The same of changes inside some projects only; of none: they concern everybody.
    pub fn wake_within(&self, seq: Option<u64>, topics: &[Topic], projects: &BTreeSet<ProjectId>) {
        if seq.is_none() && topics.is_empty() {
            return;
        }
        let mut own = self.own();
        for project in projects {
            count(own.entry(*project).or_default(), topics);
        }
        drop(own);
        self.sender.send_modify(|wake| {
            wake.seq = wake.seq.max(seq.unwrap_or_default());
            count(&mut wake.counts, topics);
            if projects.is_empty() {
                count(&mut wake.common, topics);
            }
        });
    }

    /// As far as whoever may see these projects is concerned.
    pub fn seen(&self, wake: &Wake, projects: &[ProjectId]) -> Seen {
        let own = self.own();
        let mut counts = wake.common;
        for theirs in projects.iter().filter_map(|project| own.get(project)) {
            for (count, more) in counts.iter_mut().zip(theirs) {
                *count += more;
            }
        }
        Seen(counts)
    }

    fn own(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectId, Counts>> {
        self.projects.lock().expect("nobody panics while holding it")
    }

    pub fn subscribe(&self) -> watch::Receiver<Wake> {
        self.sender.subscribe()
    }

    pub fn now(&self) -> Wake {
        *self.sender.borrow()
    }
}

fn count(counts: &mut Counts, topics: &[Topic]) {
    for topic in topics {
        counts[*topic as usize] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_slept_sees_every_topic_once() {
        let feed = Feed::new();
        let before = feed.now();
        for seq in 1..=1000 {
            feed.wake(Some(seq), &[Topic::Vpcs, Topic::Peers]);
        }
        feed.wake(None, &[Topic::Gateways]);
        let after = feed.now();
        assert_eq!(after.seq, 1000);
        assert_eq!(after.since(&before).collect::<Vec<_>>(), [Topic::Vpcs, Topic::Gateways, Topic::Peers]);
    }

    #[test]
    fn what_happens_in_another_project_wakes_nobody_here() {
        let project = |number| ProjectId::from_uuid(uuid::Uuid::from_u128(number));
        let (feed, harbor, tundra) = (Feed::new(), project(1), project(2));
        let seen = |projects: &[ProjectId]| feed.seen(&feed.now(), projects);
        let (here, there, both) = (seen(&[harbor]), seen(&[tundra]), seen(&[harbor, tundra]));
        feed.wake_within(Some(1), &[Topic::Vpcs], &BTreeSet::from([tundra]));
        assert_eq!(seen(&[harbor]).since(&here).count(), 0);
        assert_eq!(seen(&[tundra]).since(&there).collect::<Vec<_>>(), [Topic::Vpcs]);
        assert_eq!(seen(&[harbor, tundra]).since(&both).collect::<Vec<_>>(), [Topic::Vpcs]);
        feed.wake(None, &[Topic::Reconcilers]);
        assert_eq!(seen(&[harbor]).since(&here).collect::<Vec<_>>(), [Topic::Reconcilers]);
    }
}

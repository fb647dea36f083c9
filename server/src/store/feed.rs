//! Who wants to know that something changed: a wake-up carries no data, so a lost one costs nothing.
//!
//! A counter per topic in a watch channel. A slow reader sees only the last counters and can
//! neither block a writer nor overflow.

use app::domain::change::Topic;
use tokio::sync::watch;

/// How often each topic was woken, and the number of the last change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// The number of the last committed change.
    pub seq: u64,
    counts: [u64; Topic::ALL.len()],
}

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

pub struct Feed(watch::Sender<Wake>);

impl Feed {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Wake::default()))
    }

    pub(super) fn start_at(&self, seq: u64) {
        self.0.send_modify(|wake| wake.seq = seq);
    }

    /// Says that topics changed; `seq` if the change is numbered.
    pub fn wake(&self, seq: Option<u64>, topics: &[Topic]) {
        if seq.is_none() && topics.is_empty() {
            return;
        }
        self.0.send_modify(|wake| {
            wake.seq = wake.seq.max(seq.unwrap_or_default());
            for topic in topics {
                wake.counts[*topic as usize] += 1;
            }
        });
    }

    pub fn subscribe(&self) -> watch::Receiver<Wake> {
        self.0.subscribe()
    }

    pub fn now(&self) -> Wake {
        *self.0.borrow()
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
}

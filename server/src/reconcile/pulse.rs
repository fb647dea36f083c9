//! Wakes pages for observed values: un-numbered, and at most once a second, since figures come all the time.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use app::domain::change::Topic;

use tokio::sync::Notify;

use crate::store::Feed;

/// What pages are woken by, gathered for a second.
pub struct Pulse {
    feed: Arc<Feed>,
    pending: Mutex<BTreeSet<Topic>>,
    notify: Notify,
}

impl Pulse {
    pub fn new(feed: Arc<Feed>) -> Arc<Self> {
        Arc::new(Self { feed, pending: Mutex::default(), notify: Notify::new() })
    }

    pub fn touch(&self, topic: Topic) {
        if self.pending.lock().expect("nobody panics while holding it").insert(topic) {
            self.notify.notify_one();
        }
    }

    pub async fn run(&self) {
        loop {
            self.notify.notified().await;
            let topics: Vec<Topic> = std::mem::take(&mut *self.pending.lock().expect("nobody panics while holding it"))
                .into_iter()
                .collect();
            self.feed.wake(None, &topics);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

//! `/events`: one stream per browser that says which topics changed. It carries no data, so a lost word costs nothing.
//!
//! Numbered changes are told at once; observed values at most once a second per topic. A
//! browser that comes back behind the last number is told every topic once. What happens
//! in projects that the person may not look at is not told. The stream ends with its
//! session, and with the console.

use std::{
    collections::VecDeque,
    convert::Infallible,
    time::{Duration, Instant},
};

use app::domain::{ProjectId, change::Topic};
use axum::{
    extract::{Request, State},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::stream;
use serde::Serialize;
use tokio::sync::watch;

use super::{Site, session, session::Visitor};
use crate::{store::Seen, store::Wake};

const HEARTBEAT: Duration = Duration::from_secs(15);
/// Between two words of one topic's observed values.
const OBSERVED: Duration = Duration::from_secs(1);
/// A burst of changes is one word: nobody reads faster.
const BURST: Duration = Duration::from_millis(30);

#[derive(Serialize)]
struct Data {
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<Topic>,
}

pub async fn events(State(site): State<Site>, request: Request) -> Response {
    let Some(visitor) = request.extensions().get::<Visitor>().cloned() else {
        return session::unauthenticated(request.headers(), app::routes::HOME);
    };
    let mut feed = site.store.feed().subscribe();
    let told = *feed.borrow_and_update();
    let seen = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let queue = VecDeque::from([event(Some("hello"), told.seq, None)]);
    let mut listener = Listener {
        site,
        visitor,
        feed,
        told,
        queue,
        pace: Pace::default(),
        checked: Instant::now(),
        projects: Vec::new(),
        seen: Seen::default(),
    };
    if listener.check().await.is_none() {
        return session::unauthenticated(request.headers(), app::routes::HOME);
    }
    listener.seen = listener.site.store.feed().seen(&told, &listener.projects);
    if seen.is_some_and(|seen| seen != told.seq) {
        listener.pace.offer(&Topic::ALL, true);
    }
    let words = stream::unfold(listener, |mut listener| async {
        let word = listener.next().await?;
        Some((Ok::<_, Infallible>(word), listener))
    });
    Sse::new(words).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
}

fn event(name: Option<&str>, seq: u64, topic: Option<Topic>) -> Event {
    let data = serde_json::to_string(&Data { seq, topic }).expect("two plain values");
    let event = Event::default().id(seq.to_string()).data(data);
    name.map_or_else(|| event.clone(), |name| event.clone().event(name))
}

/// One browser.
struct Listener {
    site: Site,
    visitor: Visitor,
    feed: watch::Receiver<Wake>,
    /// What the browser knows of.
    told: Wake,
    queue: VecDeque<Event>,
    pace: Pace,
    /// When the session was last found valid.
    checked: Instant,
    /// What the person may look at; without any they hear of people only.
    projects: Vec<ProjectId>,
    /// What they know of in these.
    seen: Seen,
}

impl Listener {
    /// The next word; `None` when the stream is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(word) = self.queue.pop_front() {
                return Some(word);
            }
            let tick = self.pace.next().unwrap_or(HEARTBEAT).min(HEARTBEAT);
            tokio::select! {
                () = self.site.stop.cancelled() => return None,
                changed = self.feed.changed() => {
                    changed.ok()?;
                    tokio::time::sleep(BURST).await;
                    self.hear().await?;
                }
                () = tokio::time::sleep(tick) => {}
            }
            for topic in self
                .pace
                .due(Instant::now())
                .into_iter()
                .filter(|topic| !self.projects.is_empty() || *topic == Topic::People)
            {
                self.queue.push_back(event(None, self.told.seq, Some(topic)));
            }
            if self.checked.elapsed() >= HEARTBEAT {
                self.check().await?;
            }
        }
    }

    async fn hear(&mut self) -> Option<()> {
        let now = *self.feed.borrow_and_update();
        let numbered = now.seq != self.told.seq;
        let people = now.count(Topic::People) != self.told.count(Topic::People);
        self.told = now;
        // Sessions end by a wake of this topic.
        if people {
            self.check().await?;
        }
        let seen = self.site.store.feed().seen(&now, &self.projects);
        let topics: Vec<Topic> = seen.since(&self.seen).collect();
        self.seen = seen;
        self.pace.offer(&topics, numbered);
        Some(())
    }

    /// `None` if the session has ended.
    async fn check(&mut self) -> Option<()> {
        let session = self.site.entrance.session(&self.visitor.digest).await.ok()??;
        // Roles may have been taken away since.
        let viewer = self.site.console_of(&session).await.ok()?.viewer().await.ok()?;
        let all = self.site.store.projects().await.ok()?;
        let theirs = all.into_iter().filter(|project| viewer.projects.contains(&project.name));
        self.projects = theirs.map(|project| project.id).collect();
        self.checked = Instant::now();
        Some(())
    }
}

/// When each topic may be told again.
#[derive(Default)]
struct Pace {
    last: [Option<Instant>; Topic::ALL.len()],
    waiting: [bool; Topic::ALL.len()],
    /// Numbered: told without waiting.
    urgent: [bool; Topic::ALL.len()],
}

impl Pace {
    fn offer(&mut self, topics: &[Topic], numbered: bool) {
        for topic in topics {
            self.waiting[*topic as usize] = true;
            self.urgent[*topic as usize] |= numbered;
        }
    }

    /// What is to be told now.
    fn due(&mut self, now: Instant) -> Vec<Topic> {
        let mut due = Vec::new();
        for topic in Topic::ALL {
            let index = topic as usize;
            let rested = self.last[index].is_none_or(|last| now.duration_since(last) >= OBSERVED);
            if self.waiting[index] && (self.urgent[index] || rested) {
                (self.waiting[index], self.urgent[index], self.last[index]) = (false, false, Some(now));
                due.push(topic);
            }
        }
        due
    }

    /// How long until something waiting is due.
    fn next(&self) -> Option<Duration> {
        let waiting = Topic::ALL.into_iter().filter(|topic| self.waiting[*topic as usize]);
        waiting
            .map(|topic| {
                self.last[topic as usize].map_or(Duration::ZERO, |last| OBSERVED.saturating_sub(last.elapsed()))
            })
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observed_values_are_told_once_a_second_and_changes_at_once() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        pace.offer(&[Topic::Peers], false);
        assert_eq!(pace.due(at(0)), [Topic::Peers]);
        pace.offer(&[Topic::Peers], false);
        assert_eq!(pace.due(at(100)), []);
        pace.offer(&[Topic::Peers, Topic::Vpcs], true);
        assert_eq!(pace.due(at(200)), [Topic::Vpcs, Topic::Peers]);
        pace.offer(&[Topic::Peers], false);
        assert_eq!(pace.due(at(900)), []);
        assert_eq!(pace.due(at(1200)), [Topic::Peers]);
        assert_eq!(pace.due(at(9000)), []);
    }
}

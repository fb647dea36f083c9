//! Live pages: the server says *that* a topic changed, pages re-read it by the same server functions.
//!
//! One stream per browser, shared by its tabs: the tab that holds a Web Lock listens and tells
//! the others over a BroadcastChannel, because HTTP/1.1 allows a browser six connections. A
//! wake-up carries no data, so a lost one costs nothing.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::change::Topic;

/// How the page hears of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// Not tried yet: on the server, and before the page is alive.
    Waiting,
    Live,
    /// The stream broke; the browser is trying again.
    Broken,
    /// The server ended it: the session is over.
    Ended,
}

/// What the stream says, from the server to a tab and from that tab to the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// A topic changed; `seq` is the number of the last change.
    Woke { seq: u64, topic: Topic },
    /// The state of the stream.
    Link { seq: u64, link: Link },
    /// A tab that has just opened asks how it stands.
    Ask,
}

/// The versions that resources depend on.
#[derive(Clone, Copy)]
pub struct Live {
    versions: [RwSignal<u64>; Topic::ALL.len()],
    seq: RwSignal<u64>,
    link: RwSignal<Link>,
}

impl Live {
    /// Bumped whenever the topic changed. Tracked.
    pub fn version(self, topic: Topic) -> u64 {
        self.versions[topic as usize].get()
    }

    /// The number of the last change that this page knows of. Tracked.
    pub fn seq(self) -> u64 {
        self.seq.get()
    }

    pub fn link(self) -> Link {
        self.link.get()
    }

    /// What the page was rendered with.
    pub fn starts_at(self, seq: u64) {
        if seq > self.seq.get_untracked() {
            self.seq.set(seq);
        }
    }

    #[cfg(feature = "hydrate")]
    fn hear(self, word: &Word) {
        match word {
            Word::Woke { seq, topic } => {
                self.starts_at(*seq);
                self.versions[*topic as usize].update(|version| *version += 1);
            }
            Word::Link { seq, link } => {
                self.starts_at(*seq);
                if self.link.get_untracked() != *link {
                    self.link.set(*link);
                }
            }
            Word::Ask => {}
        }
    }
}

pub fn provide_live() {
    provide_context(Live {
        versions: std::array::from_fn(|_| RwSignal::new(0)),
        seq: RwSignal::new(0),
        link: RwSignal::new(Link::Waiting),
    });
}

pub fn use_live() -> Live {
    expect_context()
}

/// Begins to listen; called by the frame of the pages that need a session. Once per tab.
pub fn listen() {
    #[cfg(feature = "hydrate")]
    {
        let live = use_live();
        Effect::new(move |_| browser::listen(live));
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use std::cell::Cell;

    use leptos::prelude::*;
    use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
    use web_sys::{BroadcastChannel, EventSource, MessageEvent};

    use super::{Link, Live, Word};
    use crate::domain::change::Topic;

    const NAME: &str = "causeway-live";

    thread_local! {
        static LISTENING: Cell<bool> = const { Cell::new(false) };
    }

    /// As the server writes it.
    #[derive(serde::Deserialize)]
    struct Data {
        seq: u64,
        #[serde(default)]
        topic: Option<Topic>,
    }

    pub fn listen(live: Live) {
        if LISTENING.replace(true) {
            return;
        }
        let Ok(channel) = BroadcastChannel::new(NAME) else {
            return open(live, None);
        };
        let hear = Closure::<dyn Fn(MessageEvent)>::new({
            let channel = channel.clone();
            move |event: MessageEvent| {
                let Some(word) = event.data().as_string().and_then(|text| serde_json::from_str::<Word>(&text).ok())
                else {
                    return;
                };
                let leads = LEADS.with(Cell::get);
                if word == Word::Ask && leads {
                    say(&channel, &Word::Link { seq: live.seq.get_untracked(), link: live.link.get_untracked() });
                } else if !leads {
                    live.hear(&word);
                }
            }
        });
        channel.set_onmessage(Some(hear.as_ref().unchecked_ref()));
        hear.forget();
        say(&channel, &Word::Ask);

        // Held until this tab closes; then the next tab in line gets the stream.
        let lead = Closure::once_into_js({
            let channel = channel.clone();
            move || -> JsValue {
                open(live, Some(channel));
                js_sys::Promise::new(&mut |_, _| {}).into()
            }
        });
        if request_lock(&lead).is_none() {
            open(live, Some(channel));
        }
    }

    thread_local! {
        static LEADS: Cell<bool> = const { Cell::new(false) };
    }

    /// `navigator.locks.request(NAME, lead)`; web-sys has it behind an unstable flag only.
    fn request_lock(lead: &JsValue) -> Option<()> {
        let navigator = leptos::prelude::window().navigator();
        let locks = js_sys::Reflect::get(&navigator, &"locks".into()).ok().filter(JsValue::is_object)?;
        let request: js_sys::Function = js_sys::Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
        request.call2(&locks, &NAME.into(), lead).ok().map(|_| ())
    }

    fn say(channel: &BroadcastChannel, word: &Word) {
        let text = serde_json::to_string(word).expect("plain data serializes");
        // Fails only on a closed channel, and then nobody listens.
        let _ = channel.post_message(&text.into());
    }

    fn open(live: Live, channel: Option<BroadcastChannel>) {
        LEADS.with(|leads| leads.set(true));
        let Ok(source) = EventSource::new("/events") else { return };
        let tell = move |word: Word| {
            live.hear(&word);
            if let Some(channel) = &channel {
                say(channel, &word);
            }
        };
        let message = Closure::<dyn Fn(MessageEvent)>::new({
            let tell = tell.clone();
            move |event: MessageEvent| {
                let data = event.data().as_string().and_then(|text| serde_json::from_str::<Data>(&text).ok());
                match data {
                    Some(Data { seq, topic: Some(topic) }) => tell(Word::Woke { seq, topic }),
                    Some(Data { seq, topic: None }) => tell(Word::Link { seq, link: Link::Live }),
                    None => {}
                }
            }
        });
        source.set_onmessage(Some(message.as_ref().unchecked_ref()));
        // Adding a listener fails only for a name that is no string.
        let _ = source.add_event_listener_with_callback("hello", message.as_ref().unchecked_ref());
        message.forget();

        let error = Closure::<dyn Fn()>::new({
            let source = source.clone();
            move || {
                let link = if source.ready_state() == EventSource::CLOSED { Link::Ended } else { Link::Broken };
                tell(Word::Link { seq: live.seq.get_untracked(), link });
            }
        });
        source.set_onerror(Some(error.as_ref().unchecked_ref()));
        error.forget();
        // Closes its connection before the page goes, so that a slow unload holds none of the six.
        let leave = Closure::<dyn Fn()>::new(move || source.close());
        let _ = leptos::prelude::window().add_event_listener_with_callback("pagehide", leave.as_ref().unchecked_ref());
        leave.forget();
    }
}

use std::time::Duration;

use leptos::prelude::*;

use super::listed;
use crate::{
    api::find::find, components::Palette, domain::change::Topic, live::use_live, pages::here::project_for_links,
};

/// A pause in the typing that is long enough to ask.
const PAUSE: Duration = Duration::from_millis(120);

/// The box itself: a chunk of its own, fetched when it is first opened.
#[lazy]
pub fn opened(project: Memo<String>, close: Callback<()>) -> AnyView {
    let live = use_live();
    let query = RwSignal::new(String::new());
    let asked = RwSignal::new(String::new());
    let mut ask = debounce(PAUSE, move |text: String| {
        // The box may have been closed during the pause.
        let _ = asked.try_set(text);
    });
    Effect::new(move |_: Option<()>| ask(query.get()));
    let answer = LocalResource::new(move || {
        let (project, text) = (project.get(), asked.get());
        for topic in [Topic::Vpcs, Topic::Gateways, Topic::Peers, Topic::Services, Topic::Plan] {
            live.version(topic);
        }
        async move {
            let answer = find(project, text.clone()).await;
            (text, answer)
        }
    });
    let busy = Signal::derive(move || {
        answer.with(|answer| answer.as_ref().is_none_or(|(text, _)| query.with(|query| query != text)))
    });
    let groups = Signal::derive(move || {
        let answer = answer.get().and_then(|(_, answer)| answer.ok()).unwrap_or_default();
        listed(answer, &project_for_links(&project.get_untracked()))
    });
    let note = Signal::derive(move || match answer.get() {
        Some((_, Ok(answer))) => answer.sentence,
        Some((_, Err(error))) => Some(error.to_string()),
        None => None,
    });
    view! { <Palette query groups note busy close/> }.into_any()
}

use std::cell::RefCell;

use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast, web_sys};

use super::opened::opened;
use crate::{
    components::{Glyph, Icon},
    pages::here::{project_for_links, use_project},
    routes,
};

thread_local! {
    /// Where the focus was, to give it back. Not in the reactive graph: the server would drop it on another thread than it was made on.
    static BEFORE: RefCell<Option<web_sys::HtmlElement>> = const { RefCell::new(None) };
}

/// The search of the top bar: a link to the page that finds, and alive the way to the palette, as is ⌘K or Ctrl K.
#[component]
pub fn Jump() -> impl IntoView {
    let project = use_project();
    let open = RwSignal::new(false);
    let link = NodeRef::<html::A>::new();
    let show = move || {
        let focused = document().active_element().and_then(|element| element.dyn_into().ok());
        BEFORE.set(focused);
        open.set(true);
    };
    let close = Callback::new(move |()| {
        open.set(false);
        // Only when the box is gone can anything outside of it take the focus.
        request_animation_frame(move || {
            let left = BEFORE.take();
            let next = left.filter(|element| element.is_connected() && element.tag_name() != "BODY");
            let next = next.or_else(|| link.try_get_untracked().flatten().map(|link| link.unchecked_into()));
            if let Some(next) = next {
                // Focus can only fail on an element that is gone.
                let _ = next.focus();
            }
        });
    });
    let shortcut = RwSignal::new("Ctrl K");
    Effect::new(move || {
        if window()
            .navigator()
            .platform()
            .is_ok_and(|platform| platform.starts_with("Mac") || platform.starts_with("iP"))
        {
            shortcut.set("⌘K");
        }
        let listener = window_event_listener(ev::keydown, move |event| {
            let held = event.ctrl_key() != event.meta_key() && !event.alt_key() && !event.shift_key();
            if held && event.key().eq_ignore_ascii_case("k") {
                event.prevent_default();
                if open.get_untracked() { close.run(()) } else { show() }
            }
        });
        on_cleanup(move || listener.remove());
    });
    let pressed = move |event: ev::MouseEvent| {
        // A new tab or window gets the page.
        if !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key()) {
            event.prevent_default();
            show();
        }
    };
    view! {
        <a
            node_ref=link
            class="jump"
            href=move || routes::find(&project_for_links(&project.get()))
            title="Find a name, address or key"
            on:click=pressed
        >
            <Icon glyph=Glyph::Search/>
            <span>"Find a name, address or key"</span>
            <kbd class="live-only" aria-hidden="true">{shortcut}</kbd>
        </a>
        {move || open.get().then(|| Suspend::new(async move { opened(project, close).await }))}
    }
}

//! What components ask of a browser. On the server every function is a no-op that says so by its answer.
//!
//! The only place where components know which of the two they run in; views never do.

use leptos::{html::ElementType, prelude::*, wasm_bindgen::JsCast, web_sys};

use crate::domain::Timestamp;

/// The browser's time; `None` on the server, where a view may not depend on it.
pub(super) fn now() -> Option<Timestamp> {
    #[cfg(feature = "hydrate")]
    return Some(Timestamp(js_sys::Date::now() as i64));
    #[cfg(not(feature = "hydrate"))]
    None
}

/// Puts a text on the clipboard and says whether it got there. Browsers refuse it outside of https and loopback.
pub(super) fn copy(text: String, done: impl FnOnce(bool) + 'static) {
    #[cfg(feature = "hydrate")]
    {
        let clipboard = window().navigator().clipboard();
        if clipboard.is_undefined() {
            return done(false);
        }
        leptos::task::spawn_local(async move {
            done(wasm_bindgen_futures::JsFuture::from(clipboard.write_text(&text)).await.is_ok());
        });
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (text, done);
}

/// Asks a yes-or-no question in the browser's own words.
pub(super) fn confirm(question: &str) -> bool {
    window().confirm_with_message(question).unwrap_or(true)
}

/// A control that holds a text.
pub(super) trait Typed {
    fn text(&self) -> String;
    fn set_text(&self, text: &str);
}

macro_rules! typed {
    ($($element:ty),+) => {$(
        impl Typed for $element {
            fn text(&self) -> String {
                self.value()
            }
            fn set_text(&self, text: &str) {
                self.set_value(text);
            }
        }
    )+};
}
typed!(web_sys::HtmlInputElement, web_sys::HtmlTextAreaElement, web_sys::HtmlSelectElement);

/// Keeps a control at the value of its signal. What was typed before the page came alive wins, once.
pub(super) fn join<E>(node: NodeRef<E>, value: RwSignal<String>)
where
    E: ElementType + 'static,
    E::Output: Typed + JsCast + Clone + 'static,
{
    Effect::new(move |joined: Option<bool>| {
        let wanted = value.get();
        let Some(control) = node.get() else { return false };
        let typed = control.text();
        if typed != wanted {
            if joined.unwrap_or(false) { control.set_text(&wanted) } else { value.set(typed) }
        }
        true
    });
}

/// The same for a box or a radio: `chosen` says whether it is the chosen one, `choose` what to do if the browser already says so.
pub(super) fn join_checked(node: NodeRef<leptos::html::Input>, chosen: Signal<bool>, choose: impl Fn(bool) + 'static) {
    Effect::new(move |joined: Option<bool>| {
        let wanted = chosen.get();
        let Some(control) = node.get() else { return false };
        if control.checked() != wanted {
            if joined.unwrap_or(false) { control.set_checked(wanted) } else { choose(control.checked()) }
        }
        true
    });
}

/// Whether a key was pressed in something that takes text.
pub(super) fn is_typing(event: &web_sys::KeyboardEvent) -> bool {
    let Some(element) = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()) else {
        return false;
    };
    matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT") || element.has_attribute("contenteditable")
}

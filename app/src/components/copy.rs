use std::time::Duration;

use leptos::prelude::*;

use super::{Glyph, Icon, dom};

/// A fact that can be copied. The text itself is plain and can be selected, with or without a script.
#[component]
pub fn Copy(
    /// What is copied.
    #[prop(into)]
    value: String,
    /// What is shown, if the whole is too long for its place: a key's beginning and end.
    #[prop(optional, into)]
    shown: Option<String>,
    /// The glyph stands there always, not only on hover or focus.
    #[prop(optional)]
    always: bool,
) -> impl IntoView {
    let title = shown.is_some().then(|| value.clone());
    view! {
        <span class="copy fact" translate="no" data-shown=always.then_some("")>
            <span class="text" title=title>{shown.unwrap_or_else(|| value.clone())}</span>
            <CopyButton label=format!("Copy {value}") value/>
        </span>
    }
}

/// Lines to run or to keep, with one button for all of them.
#[component]
pub fn Command(
    #[prop(into)] text: String,
    /// What it is, read out: "the enrolment command".
    #[prop(into)]
    label: String,
) -> impl IntoView {
    view! {
        <div class="command">
            <code tabindex="0" translate="no" role="group" aria-label=label.clone()>
                {text.clone()}
            </code>
            <CopyButton label=format!("Copy {label}") value=text class="icon-button live-only"/>
        </div>
    }
}

/// The end of a long key, with its beginning: "xTIBA5rboUvn…lKnJ4=".
pub fn shortened(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    if letters.len() <= 20 {
        return key.to_owned();
    }
    let (start, end) = (&letters[..12], &letters[letters.len() - 6..]);
    start.iter().chain(&['…']).chain(end).collect()
}

#[component]
fn CopyButton(label: String, value: String, #[prop(optional)] class: &'static str) -> impl IntoView {
    let done = RwSignal::new(false);
    let copy = move |_| {
        dom::copy(value.clone(), move |copied| {
            done.set(copied);
            set_timeout(move || done.try_set(false).map_or((), |_| ()), Duration::from_millis(1500));
        });
    };
    let glyph = Signal::derive(move || if done.get() { Glyph::Check } else { Glyph::Copy });
    view! {
        <button class=class type="button" aria-label=label data-done=move || done.get().then_some("") on:click=copy>
            <Icon glyph/>
            <span class="sr" aria-live="polite">{move || done.get().then_some("Copied")}</span>
        </button>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn a_fact_is_text_and_has_a_button_with_a_name() {
        let html = html(|| view! { <Copy value="10.16.0.0/20"/> });
        assert!(html.contains(">10.16.0.0/20</span>") && html.contains(r#"aria-label="Copy 10.16.0.0/20""#), "{html}");
    }

    #[test]
    fn a_long_key_keeps_its_ends() {
        assert_eq!(
            shortened("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="),
            "xTIBA5rboUvn…Zqp8Dg=".replace("Zqp8Dg=", "qp8Dg=")
        );
        assert_eq!(shortened("short"), "short");
    }
}

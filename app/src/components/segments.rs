use leptos::{ev, html, prelude::*};

use super::{Glyph, Icon, dom};

/// One way to narrow a list, with how many it leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub label: String,
    pub href: String,
    pub count: Option<u64>,
    pub current: bool,
}

impl Segment {
    pub fn new(label: impl Into<String>, href: impl Into<String>, current: bool) -> Self {
        Self { label: label.into(), href: href.into(), count: None, current }
    }

    pub fn count(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }
}

/// Filters side by side. They are links, so a narrowed list has an address.
#[component]
pub fn Segments(#[prop(into)] label: String, #[prop(into)] segments: Signal<Vec<Segment>>) -> impl IntoView {
    let segment = |segment: Segment| {
        view! {
            <a href=segment.href aria-current=segment.current.then_some("true")>
                {segment.label}
                {segment.count.map(|count| view! { <span class="fact">{count}</span> })}
            </a>
        }
    };
    view! {
        <div class="seg" role="group" aria-label=label>
            {move || segments.get().into_iter().map(segment).collect_view()}
        </div>
    }
}

/// The filter of a list, focused by `/`. A GET form around it makes it work without a script.
#[component]
pub fn Filter(
    #[prop(into)] label: String,
    #[prop(into)] placeholder: String,
    value: RwSignal<String>,
    #[prop(default = "q")] name: &'static str,
) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    dom::join(node, value);
    Effect::new(move || {
        let listener = window_event_listener(ev::keydown, move |event| {
            let plain = !event.ctrl_key() && !event.meta_key() && !event.alt_key();
            if event.key() == "/"
                && plain
                && !dom::is_typing(&event)
                && let Some(input) = node.get_untracked()
            {
                event.prevent_default();
                // Focus can only fail on an element that is gone.
                let _ = input.focus();
            }
        });
        on_cleanup(move || listener.remove());
    });
    let escaped = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            value.set(String::new());
        }
    };
    view! {
        <div class="filter">
            <Icon glyph=Glyph::Search/>
            <input
                node_ref=node
                class="input"
                type="search"
                name=name
                value=value.get_untracked()
                placeholder=placeholder
                aria-label=label
                autocomplete="off"
                spellcheck="false"
                on:input:target=move |event| value.set(event.target().value())
                on:keydown=escaped
            />
            <kbd aria-hidden="true">"/"</kbd>
        </div>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn a_narrowed_list_has_an_address() {
        let all = vec![
            Segment::new("All", "/vpcs", false).count(12),
            Segment::new("Local", "/vpcs?cloud=local", true).count(3),
        ];
        let html = html(|| view! { <Segments label="Place" segments=all/> });
        assert!(html.contains(r#"href="/vpcs?cloud=local""#) && html.contains(">12<"), "{html}");
        assert_eq!(html.matches("aria-current").count(), 1, "{html}");
    }

    #[test]
    fn a_filter_keeps_what_the_address_says() {
        let html = html(
            || view! { <Filter label="Filter VPCs" placeholder="Name or range" value=RwSignal::new("10.2".to_owned())/> },
        );
        assert!(html.contains(r#"value="10.2""#) && html.contains(r#"name="q""#), "{html}");
    }
}

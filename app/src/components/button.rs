use leptos::prelude::*;

use super::{Glyph, Icon, Mark, Tone};

/// How loudly a button asks. One primary a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    Primary,
    #[default]
    Default,
    Quiet,
    Danger,
}

impl Kind {
    pub(super) const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Primary => Some("primary"),
            Self::Default => None,
            Self::Quiet => Some("quiet"),
            Self::Danger => Some("danger"),
        }
    }
}

/// A button. It submits its form unless `kind_of="button"`; `on:click` goes on the component itself.
///
/// With a reason it stays where it is, can be reached, says why, and does nothing. While
/// busy it does nothing a second time.
#[component]
pub fn Button(
    children: Children,
    #[prop(optional)] kind: Kind,
    #[prop(optional)] small: bool,
    #[prop(optional)] icon: Option<Glyph>,
    /// `type` of the element: "submit" or "button".
    #[prop(default = "submit")]
    kind_of: &'static str,
    /// Why it cannot be used now.
    #[prop(optional, into)]
    reason: Signal<Option<String>>,
    /// What it started is still under way.
    #[prop(optional, into)]
    busy: Signal<bool>,
) -> impl IntoView {
    let blocked = Memo::new(move |_| busy.get() || reason.with(Option::is_some));
    // Added before the page's own `on:click`, so it can keep that from being called.
    let guard = move |event: leptos::ev::MouseEvent| {
        if blocked.get_untracked() {
            event.prevent_default();
            event.stop_immediate_propagation();
        }
    };
    view! {
        <button
            class="button"
            type=move || if reason.with(Option::is_some) { "button" } else { kind_of }
            data-kind=kind.as_str()
            data-size=small.then_some("small")
            aria-disabled=move || reason.with(|reason| reason.is_some().then_some("true"))
            aria-busy=move || busy.get().then_some("true")
            title=move || reason.get()
            on:click=guard
        >
            {move || match icon {
                _ if busy.get() => Some(view! { <Mark tone=Tone::Move/> }.into_any()),
                Some(glyph) => Some(view! { <Icon glyph/> }.into_any()),
                None => None,
            }}
            {children()}
        </button>
    }
}

/// A link that looks like a button, because it begins something. With a reason it is no link any more.
#[component]
pub fn ButtonLink(
    children: Children,
    #[prop(into)] href: String,
    #[prop(optional)] kind: Kind,
    #[prop(optional)] small: bool,
    #[prop(optional)] icon: Option<Glyph>,
    #[prop(optional, into)] reason: Signal<Option<String>>,
) -> impl IntoView {
    let off = move || reason.with(|reason| reason.is_some());
    view! {
        <a
            class="button"
            href=move || (!off()).then(|| href.clone())
            role=move || off().then_some("link")
            tabindex=move || off().then_some("0")
            data-kind=kind.as_str()
            data-size=small.then_some("small")
            aria-disabled=move || off().then_some("true")
            title=move || reason.get()
        >
            {icon.map(|glyph| view! { <Icon glyph/> })}
            {children()}
        </a>
    }
}

/// A button that is only an icon; its label is read out.
#[component]
pub fn IconButton(glyph: Glyph, #[prop(into)] label: String) -> impl IntoView {
    view! {
        <button class="icon-button live-only" type="button" aria-label=label.clone() title=label>
            <Icon glyph/>
        </button>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn a_button_with_a_reason_submits_nothing_and_says_why() {
        let html = html(
            || view! { <Button kind=Kind::Primary reason=Some("The IP range is taken.".to_owned())>"Create VPC"</Button> },
        );
        for part in [
            r#"type="button""#,
            r#"aria-disabled="true""#,
            r#"title="The IP range is taken.""#,
            r#"data-kind="primary""#,
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn a_button_submits_its_form() {
        let html = html(|| view! { <Button>"Save"</Button> });
        assert!(html.contains(r#"type="submit""#) && !html.contains("aria-disabled"), "{html}");
    }

    #[test]
    fn a_link_with_a_reason_leads_nowhere() {
        let link = html(|| view! { <ButtonLink href="/vpcs/new">"New VPC"</ButtonLink> });
        assert!(link.contains(r#"href="/vpcs/new""#), "{link}");
        let html = html(
            || view! { <ButtonLink href="/vpcs/new" reason=Some("No location.".to_owned())>"New VPC"</ButtonLink> },
        );
        assert!(!html.contains("href") && html.contains(r#"role="link""#), "{html}");
    }
}

use leptos::{ev, html, leptos_dom::helpers::WindowListenerHandle, prelude::*, wasm_bindgen::JsCast, web_sys};

use super::{Glyph, Icon, button::Kind};

/// The actions of one thing, behind ⋯. A `<details>`, so it opens without a script.
///
/// Alive, it closes on Escape (and gives the focus back), on a press elsewhere, and after a choice.
/// Children: [`MenuLink`], [`MenuButton`] (in a form of its own), [`MenuRule`].
#[component]
pub fn Menu(
    /// Read out: "Actions for analytics-eu".
    #[prop(into)]
    label: String,
    children: Children,
) -> impl IntoView {
    view! {
        <Disclosure summary_class="icon-button" label summary=|| view! { <Icon glyph=Glyph::Ellipsis/> }>
            <div class="menu">{children()}</div>
        </Disclosure>
    }
}

/// A badge that explains itself: press it for what to do.
#[component]
pub fn Popover(
    tone: super::Tone,
    /// The badge's word.
    #[prop(into)]
    word: String,
    /// The first line of what opens: "Accept the request in AWS".
    #[prop(into)]
    title: String,
    /// Opens towards the left, for a column near the right edge.
    #[prop(optional)]
    end: bool,
    children: Children,
) -> impl IntoView {
    let shown = word.clone();
    let summary = move || view! { <super::Mark tone/> {shown} };
    view! {
        <Disclosure summary_class="badge" tone=tone.as_str() label=format!("{word}: what to do") summary=summary>
            <div class="popover" data-tone=tone.as_str() data-side=end.then_some("end")>
                <h3>{title}</h3>
                {children()}
            </div>
        </Disclosure>
    }
}

#[component]
fn Disclosure(
    summary_class: &'static str,
    label: String,
    #[prop(optional)] tone: Option<&'static str>,
    #[prop(into)] summary: ViewFnOnce,
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Details>::new();
    let listener = StoredValue::new(None::<WindowListenerHandle>);
    let forget = move || {
        if let Some(listener) = listener.try_update_value(Option::take).flatten() {
            listener.remove();
        }
    };
    // Only an open menu listens to the window: a table has hundreds of closed ones.
    let toggled = move |_| {
        forget();
        if node.get_untracked().is_some_and(|details| details.open()) {
            listener.set_value(Some(window_event_listener(ev::pointerdown, move |event| {
                let inside =
                    target(&event).is_some_and(|target| target.closest("details[open]").ok().flatten().is_some());
                if !inside {
                    close(node);
                }
            })));
        }
    };
    on_cleanup(forget);
    let escaped = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" && node.get_untracked().is_some_and(|details| details.open()) {
            event.stop_propagation();
            close(node);
            refocus(node);
        }
    };
    // A link of the router leaves the page standing; the menu should not.
    let chosen = move |event: ev::MouseEvent| {
        let ended = target(&event)
            .and_then(|target| target.closest("a[href], .menu button:not([aria-disabled])").ok().flatten());
        if ended.is_some() {
            close(node);
        }
    };
    view! {
        <details node_ref=node class="anchor" name="menu" on:toggle=toggled on:keydown=escaped on:click=chosen>
            <summary class=summary_class data-tone=tone aria-label=label>
                {summary.run()}
            </summary>
            {children()}
        </details>
    }
}

fn target(event: &web_sys::Event) -> Option<web_sys::Element> {
    event.target().and_then(|target| target.dyn_into().ok())
}

fn close(node: NodeRef<html::Details>) {
    if let Some(details) = node.get_untracked() {
        details.set_open(false);
    }
}

fn refocus(node: NodeRef<html::Details>) {
    let summary = node.get_untracked().and_then(|details| details.first_element_child());
    if let Some(summary) = summary.and_then(|summary| summary.dyn_into::<web_sys::HtmlElement>().ok()) {
        // Focus can only fail on an element that is gone.
        let _ = summary.focus();
    }
}

/// An entry that leads somewhere: a page, a panel, a confirmation. With a reason it is shown, and leads nowhere.
#[component]
pub fn MenuLink(
    #[prop(into)] href: String,
    icon: Glyph,
    #[prop(into)] label: String,
    /// A line under the label.
    #[prop(optional, into)]
    hint: Option<String>,
    /// Why it cannot be done now; takes the place of the hint.
    #[prop(optional_no_strip, into)]
    reason: Option<String>,
    #[prop(optional)] kind: Kind,
) -> impl IntoView {
    let off = reason.is_some();
    view! {
        <a
            href=(!off).then_some(href)
            role=off.then_some("link")
            tabindex=off.then_some("0")
            aria-disabled=off.then_some("true")
            data-kind=kind.as_str()
        >
            <Entry icon label small=reason.or(hint)/>
        </a>
    }
}

/// An entry that does something at once: it submits the form around it, or takes `on:click` if it stands alone.
#[component]
pub fn MenuButton(
    icon: Glyph,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional_no_strip, into)] reason: Option<String>,
    #[prop(optional)] kind: Kind,
    /// `type` of the element: "submit" or "button".
    #[prop(default = "submit")]
    kind_of: &'static str,
) -> impl IntoView {
    let off = reason.is_some();
    let guard = move |event: ev::MouseEvent| {
        if off {
            event.prevent_default();
            event.stop_immediate_propagation();
        }
    };
    view! {
        <button
            type=if off { "button" } else { kind_of }
            aria-disabled=off.then_some("true")
            data-kind=kind.as_str()
            on:click=guard
        >
            <Entry icon label small=reason.or(hint)/>
        </button>
    }
}

#[component]
fn Entry(icon: Glyph, label: String, small: Option<String>) -> impl IntoView {
    view! {
        <Icon glyph=icon/>
        <span>{label} {small.map(|small| view! { <small>{small}</small> })}</span>
    }
}

/// Parts what is harmless from what is not.
#[component]
pub fn MenuRule() -> impl IntoView {
    view! { <hr/> }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn what_cannot_be_done_is_shown_with_its_reason() {
        let html = html(|| {
            view! {
                <Menu label="Actions for analytics-eu">
                    <MenuLink href="/vpcs/1" icon=Glyph::ArrowUpRight label="Open"/>
                    <MenuRule/>
                    <MenuLink href="/vpcs/1/delete" icon=Glyph::Trash label="Delete VPC" reason="Used by 3 services.".to_owned()/>
                </Menu>
            }
        });
        assert!(html.contains(r#"<details"#) && html.contains(r#"aria-label="Actions for analytics-eu""#), "{html}");
        assert!(html.contains("Used by 3 services.") && !html.contains("/vpcs/1/delete"), "{html}");
    }
}

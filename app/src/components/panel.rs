use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast, web_sys};

use super::{Glyph, Icon, Mark, Prose, Tone, dom};

/// Something with a route of its own that lies over a page: create and edit forms.
///
/// Without a script it is a page with a link back. Alive, it is modal: Escape and a press
/// outside follow that link, and ask first if something was typed. Put a form around a
/// [`PanelBody`] and a [`PanelFoot`].
#[component]
pub fn Panel(
    #[prop(into)] title: String,
    /// Where closing leads.
    #[prop(into)]
    close: String,
    /// Whether something would be lost.
    #[prop(optional, into)]
    dirty: Signal<bool>,
    /// What is asked before it is.
    #[prop(default = "Discard what you have typed?")]
    question: &'static str,
    /// For two columns: a stepper, a comparison.
    #[prop(optional)]
    wide: bool,
    children: Children,
) -> impl IntoView {
    let (dialog, link) = (NodeRef::<html::Dialog>::new(), NodeRef::<html::A>::new());
    let floating = Floating { dialog, link, dirty, question };
    floating.rise();
    view! {
        <a class="scrim" href=close.clone() tabindex="-1" aria-hidden="true"></a>
        <dialog
            node_ref=dialog
            open
            class="panel"
            data-width=wide.then_some("wide")
            aria-labelledby="panel-title"
            on:cancel=move |event| floating.cancelled(&event)
            on:close=move |_| floating.closed()
            on:pointerdown=move |event| floating.pressed(&event)
        >
            <div class="panel-head">
                <h2 id="panel-title">{title}</h2>
                <a node_ref=link class="icon-button" href=close aria-label="Close">
                    <Icon glyph=Glyph::X/>
                </a>
            </div>
            {children()}
        </dialog>
    }
}

/// The scrolling part of a [`Panel`].
#[component]
pub fn PanelBody(children: Children) -> impl IntoView {
    view! { <div class="panel-body">{children()}</div> }
}

/// The buttons of a [`Panel`] or [`Dialog`], with the form's own refusal beside them.
#[component]
pub fn PanelFoot(#[prop(optional, into)] error: Signal<Option<String>>, children: Children) -> impl IntoView {
    view! {
        <div class="panel-foot">
            <p class="refusal" role="alert">{move || error.try_get().flatten().map(|text| view! { <Prose text/> })}</p>
            {children()}
        </div>
    }
}

/// A question before something that cannot be taken back. Names every consequence.
///
/// Routed and modal like a [`Panel`], and filled like it: a form around a [`PanelBody`] (sentences,
/// [`Consequences`]) and a [`PanelFoot`] (Cancel as a quiet link to `close`, then the deed).
#[component]
pub fn Dialog(#[prop(into)] title: String, #[prop(into)] close: String, children: Children) -> impl IntoView {
    let (dialog, link) = (NodeRef::<html::Dialog>::new(), NodeRef::<html::A>::new());
    let floating = Floating { dialog, link, dirty: Signal::stored(false), question: "" };
    floating.rise();
    view! {
        <a class="scrim" href=close.clone() tabindex="-1" aria-hidden="true"></a>
        <dialog
            node_ref=dialog
            open
            class="dialog"
            aria-labelledby="dialog-title"
            on:cancel=move |event| floating.cancelled(&event)
            on:close=move |_| floating.closed()
            on:pointerdown=move |event| floating.pressed(&event)
        >
            <div class="panel-head">
                <h2 id="dialog-title">{title}</h2>
                <a node_ref=link href=close hidden tabindex="-1" aria-hidden="true">
                    "Close"
                </a>
            </div>
            {children()}
        </dialog>
    }
}

/// What a confirmed deed will do: one line each, worst first.
#[component]
pub fn Consequences(lines: Vec<(Tone, String)>) -> impl IntoView {
    let line = |(tone, text): (Tone, String)| {
        view! {
            <li>
                <Mark tone/>
                <span>
                    <Prose text/>
                </span>
            </li>
        }
    };
    view! { <ul class="consequences">{lines.into_iter().map(line).collect_view()}</ul> }
}

/// A `<dialog>` that is open in the server's answer and becomes modal in the browser. Closing is following a link.
#[derive(Clone, Copy)]
struct Floating {
    dialog: NodeRef<html::Dialog>,
    link: NodeRef<html::A>,
    dirty: Signal<bool>,
    question: &'static str,
}

impl Floating {
    /// Makes it modal: the browser keeps the focus inside and the rest out of reach.
    fn rise(self) {
        Effect::new(move || {
            let Some(dialog) = self.dialog.get() else { return };
            // A dialog that is open already cannot be made modal.
            dialog.set_open(false);
            if dialog.show_modal().is_err() {
                dialog.set_open(true);
            }
            let first = dialog
                .query_selector("[autofocus], .panel-body :is(input, select, textarea):not(:disabled, [type=hidden])")
                .ok()
                .flatten();
            if let Some(first) = first.and_then(|first| first.dyn_into::<web_sys::HtmlElement>().ok()) {
                // Focus can only fail on an element that is gone.
                let _ = first.focus();
            }
        });
        // Gives the focus back to whatever opened it.
        on_cleanup(move || {
            if let Some(dialog) = self.dialog.try_get_untracked().flatten() {
                dialog.close();
            }
        });
    }

    fn leave(self) {
        if self.dirty.get_untracked() && !dom::confirm(self.question) {
            return;
        }
        if let Some(link) = self.link.get_untracked() {
            link.click();
        }
    }

    fn cancelled(self, event: &ev::Event) {
        // A file picker inside it cancels too.
        if is_self(event) {
            event.prevent_default();
            self.leave();
        }
    }

    /// The browser may close it without asking (Escape twice). A dialog that has left the page has closed for good.
    fn closed(self) {
        let here = self.dialog.try_get_untracked().flatten().is_some_and(|dialog| dialog.is_connected());
        if here && let Some(link) = self.link.try_get_untracked().flatten() {
            link.click();
        }
    }

    /// The backdrop is the dialog's own; everything visible is one of its children.
    fn pressed(self, event: &ev::PointerEvent) {
        if is_self(event) {
            self.leave();
        }
    }
}

fn is_self(event: &ev::Event) -> bool {
    event.target() == event.current_target()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn a_panel_is_open_and_can_be_left_without_a_script() {
        let html = html(|| {
            view! {
                <Panel title="New VPC" close="/projects/1/vpcs">
                    <PanelBody>"…"</PanelBody>
                    <PanelFoot error=Some("The IP range is taken.".to_owned())>"…"</PanelFoot>
                </Panel>
            }
        });
        assert!(html.contains("<dialog") && html.contains(" open"), "{html}");
        assert!(html.contains(r#"href="/projects/1/vpcs""#) && html.contains("The IP range is taken."), "{html}");
    }

    #[test]
    fn a_confirmation_names_its_consequences() {
        let html = html(|| {
            view! {
                <Dialog title="Delete VPC peering" close="/gateways/1">
                    <Consequences lines=vec![(Tone::Bad, "Traffic between alpha and depot stops.".to_owned())]/>
                </Dialog>
            }
        });
        assert!(html.contains("Traffic between alpha and depot stops."), "{html}");
    }
}

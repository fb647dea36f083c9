use std::net::Ipv4Addr;

use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast, web_sys};

use super::{Badge, Glyph, Icon, Prose, RangeBar, Tone};
use crate::domain::Cidr;

/// What stands between an entry's name and its end.
#[derive(Clone, Debug, PartialEq)]
pub enum Aside {
    Nothing,
    Words(String),
    State(Tone, String),
    /// Where the range lies, and in it the address that was asked for.
    Range(Cidr, Vec<Cidr>, Option<Ipv4Addr>),
}

/// Something that was found: a thing to go to, or an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Where Enter leads.
    pub href: String,
    pub glyph: Glyph,
    pub name: String,
    /// An address or a range, in mono.
    pub fact: String,
    pub aside: Aside,
    /// Why it cannot be done: the permission that is missing.
    pub refused: Option<String>,
}

impl Found {
    pub fn new(glyph: Glyph, name: impl Into<String>, href: impl Into<String>) -> Self {
        Self { href: href.into(), glyph, name: name.into(), fact: String::new(), aside: Aside::Nothing, refused: None }
    }

    pub fn fact(self, fact: impl Into<String>) -> Self {
        Self { fact: fact.into(), ..self }
    }

    pub fn aside(self, aside: Aside) -> Self {
        Self { aside, ..self }
    }

    pub fn refused(self, reason: Option<String>) -> Self {
        Self { refused: reason, ..self }
    }
}

/// Entries of one kind, under a title: "An address. It lies in".
#[derive(Clone, Debug, PartialEq)]
pub struct FoundGroup {
    pub title: String,
    pub found: Vec<Found>,
}

/// The box that opens on ⌘K. Finding is the page's affair; this shows what was found and follows the keys.
///
/// Render it while it is open. Arrows choose, Enter follows the entry's link, Escape and a
/// press outside call `close`.
#[component]
pub fn Palette(
    query: RwSignal<String>,
    #[prop(into)] groups: Signal<Vec<FoundGroup>>,
    /// What there is to say beside the list: that nothing was found, that a range is free.
    #[prop(optional, into)]
    note: Signal<Option<String>>,
    /// The list is not yet the answer to what is typed; Enter waits for it.
    #[prop(optional, into)]
    busy: Signal<bool>,
    #[prop(into)] close: Callback<()>,
) -> impl IntoView {
    let (dialog, list) = (NodeRef::<html::Dialog>::new(), NodeRef::<html::Div>::new());
    let chosen = RwSignal::new(0_usize);
    let count = Memo::new(move |_| groups.with(|groups| groups.iter().map(|group| group.found.len()).sum::<usize>()));
    Effect::new(move || {
        if let Some(dialog) = dialog.get()
            && !dialog.open()
        {
            // Fails only for a dialog that is open or gone.
            let _ = dialog.show_modal();
        }
    });
    Effect::new(move || {
        query.track();
        chosen.set(0);
    });
    // An answer may be shorter than the one before.
    Effect::new(move || {
        if chosen.get_untracked() >= count.get() {
            chosen.set(0);
        }
    });
    let follow = move || {
        let option = list
            .get_untracked()
            .and_then(|list| list.query_selector("[aria-selected=true]:not([aria-disabled=true])").ok().flatten());
        if let Some(option) = option.and_then(|option| option.dyn_into::<web_sys::HtmlElement>().ok()) {
            option.click();
        }
    };
    let entered = RwSignal::new(false);
    Effect::new(move || {
        if entered.get() && !busy.get() {
            entered.set(false);
            // By then the list shows the answer.
            request_animation_frame(follow);
        }
    });
    let pressed = move |event: ev::KeyboardEvent| {
        let last = count.get_untracked().saturating_sub(1);
        match event.key().as_str() {
            "ArrowDown" => chosen.update(|at| *at = if *at >= last { 0 } else { *at + 1 }),
            "ArrowUp" => chosen.update(|at| *at = if *at == 0 { last } else { *at - 1 }),
            "Enter" => entered.set(true),
            _ => return,
        }
        event.prevent_default();
    };
    Effect::new(move || {
        chosen.track();
        let option = list.get_untracked().and_then(|list| list.query_selector("[aria-selected=true]").ok().flatten());
        if let Some(option) = option {
            option.scroll_into_view_with_bool(false);
        }
    });
    view! {
        <dialog
            node_ref=dialog
            class="palette"
            aria-label="Find"
            on:cancel=move |event: ev::Event| {
                event.prevent_default();
                close.run(());
            }
            on:pointerdown=move |event| {
                if event.target() == event.current_target() {
                    close.run(());
                }
            }
            on:keydown=pressed
        >
            <div class="ask">
                <Icon glyph=Glyph::Search/>
                <input
                    class="fact"
                    type="text"
                    role="combobox"
                    aria-label="Find a name, address or key"
                    aria-expanded="true"
                    aria-controls="found"
                    aria-activedescendant=move || (count.get() > 0).then(|| format!("found-{}", chosen.get()))
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=query
                    on:input:target=move |event| query.set(event.target().value())
                />
                <kbd aria-hidden="true">"esc"</kbd>
            </div>
            <div class="found" role="listbox" id="found" aria-label="Results" node_ref=list>
                {move || listed(groups.get(), chosen, close)}
            </div>
            <p class="nothing" role="status">{move || note.get().map(|text| view! { <Prose text/> })}</p>
            <footer aria-hidden="true">
                <span>
                    <kbd>"↑"</kbd>
                    " "
                    <kbd>"↓"</kbd>
                    " choose"
                </span>
                <span>
                    <kbd>"↵"</kbd>
                    " open"
                </span>
            </footer>
        </dialog>
    }
}

fn listed(groups: Vec<FoundGroup>, chosen: RwSignal<usize>, close: Callback<()>) -> impl IntoView {
    let mut number = 0;
    let group = |(at, group): (usize, FoundGroup)| {
        let title = format!("found-title-{at}");
        let id = title.clone();
        let entries = group.found.into_iter().map(|found| {
            let mine = number;
            number += 1;
            view! { <Entry found mine chosen close/> }
        });
        let entries = entries.collect_view();
        view! {
            <div role="group" aria-labelledby=title>
                <div class="label" id=id role="presentation">
                    {group.title}
                </div>
                {entries}
            </div>
        }
    };
    groups.into_iter().enumerate().map(group).collect_view()
}

#[component]
fn Entry(found: Found, mine: usize, chosen: RwSignal<usize>, close: Callback<()>) -> impl IntoView {
    let selected = move || chosen.get() == mine;
    let off = found.refused.is_some();
    let aside = match found.aside {
        Aside::Nothing => ().into_any(),
        Aside::Words(words) => view! { <span class="muted hide-narrow">{words}</span> }.into_any(),
        Aside::State(tone, word) => view! { <span class="hide-narrow"><Badge tone word/></span> }.into_any(),
        Aside::Range(own, others, at) => {
            view! { <span class="hide-narrow"><RangeBar own others at width=170.0/></span> }.into_any()
        }
    };
    // An action has no fact, and its words may need the whole row.
    let wide = found.fact.is_empty();
    view! {
        <a
            role="option"
            id=format!("found-{mine}")
            tabindex="-1"
            href=(!off).then_some(found.href)
            aria-selected=move || if selected() { "true" } else { "false" }
            aria-disabled=off.then_some("true")
            data-wide=wide.then_some("")
            on:pointermove=move |_| chosen.set(mine)
            on:click=move |_| if !off { close.run(()) }
        >
            <Icon glyph=found.glyph/>
            <span class="name">{found.name}</span>
            {(!wide).then(|| view! { <span class="fact">{found.fact}</span> })}
            {(!wide).then(|| view! { <span>{aside}</span> })}
            <span class="quiet">
                {found.refused.map(|why| view! { <span><Prose text=why/></span> })}
                {move || (selected() && !off).then(|| view! { <kbd aria-hidden="true">"↵"</kbd> })}
            </span>
        </a>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn what_may_not_be_done_names_the_permission() {
        let refused = Found::new(Glyph::Trash, "Delete backoffice-ne", "/delete")
            .refused(Some("needs project:networking:write".to_owned()));
        let groups = vec![
            FoundGroup {
                title: "It lies in".to_owned(),
                found: vec![Found::new(Glyph::Box, "backoffice-ne", "/vpcs/1").fact("10.48.8.0/22")],
            },
            FoundGroup { title: "Do".to_owned(), found: vec![refused] },
        ];
        let html =
            html(|| view! { <Palette query=RwSignal::new("10.48.9.17".to_owned()) groups=groups close=|()| ()/> });
        assert!(
            html.contains(r#"<span class="fact">project:networking:write</span>"#)
                && !html.contains(r#"href="/delete""#),
            "{html}"
        );
        assert!(html.contains(r#"id="found-1""#) && html.matches(r#"aria-selected="true""#).count() == 1, "{html}");
    }
}

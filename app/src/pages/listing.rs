//! The frame of a list: its head with what it says of all, and what stands in place of an empty table.

use leptos::prelude::*;

use crate::components::{ButtonLink, Empty, Glyph, Kind, PageHead};

/// What a list is called, and where one of its things begins.
pub struct Listing {
    pub title: &'static str,
    /// Where the button leads.
    pub href: String,
    pub icon: Glyph,
    /// The button in the head: how much it stands out, and its word.
    pub kind: Kind,
    pub word: &'static str,
    /// The button of the empty list.
    pub begin: &'static str,
    /// What is not there yet, and why one wants it.
    pub empty: (&'static str, &'static str),
}

/// `lead` and `empty` follow the list; `rows` is built when the first of its things is there. Of one type for all lists, so
/// that the frame is sent once.
pub fn listing(
    frame: Listing,
    lead: Signal<String>,
    empty: Memo<bool>,
    rows: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    framed(frame, lead, empty, Box::new(rows))
}

fn framed(frame: Listing, lead: Signal<String>, empty: Memo<bool>, rows: Box<dyn Fn() -> AnyView + Send>) -> AnyView {
    let Listing { title, href, icon, kind, word, begin, empty: (what, why) } = frame;
    let to = href.clone();
    let head = move || {
        let href = to.clone();
        view! {
            <PageHead title lead=lead.get()>
                <ButtonLink kind href icon>{word}</ButtonLink>
            </PageHead>
        }
    };
    let body = move || {
        if empty.get() {
            let href = href.clone();
            view! { <Empty what why><ButtonLink href icon>{begin}</ButtonLink></Empty> }.into_any()
        } else {
            rows()
        }
    };
    view! {
        {head}
        {body}
    }
    .into_any()
}

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
    /// Why it leads nowhere.
    pub reason: Option<String>,
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
    let Listing { title, href, icon, kind, word, reason, begin, empty: (what, why) } = frame;
    let (to, held) = (href.clone(), reason.clone());
    let head = move || {
        let (href, reason) = (to.clone(), held.clone());
        view! {
            <PageHead title lead=lead.get()>
                <ButtonLink kind href icon reason>{word}</ButtonLink>
            </PageHead>
        }
    };
    let body = move || {
        if empty.get() {
            let (href, reason) = (href.clone(), reason.clone());
            view! { <Empty what why><ButtonLink href icon reason>{begin}</ButtonLink></Empty> }.into_any()
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

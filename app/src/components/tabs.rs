use leptos::prelude::*;

use super::{Pips, Tone};

/// The sides of one thing, each a page of its own. Children: [`Tab`].
#[component]
pub fn Tabs(#[prop(into)] label: String, children: Children) -> impl IntoView {
    view! {
        <nav class="tabs" aria-label=label>
            {children()}
        </nav>
    }
}

/// One side, with how many it holds or how they are.
#[component]
pub fn Tab(
    #[prop(into)] href: String,
    #[prop(into)] label: String,
    #[prop(into)] current: Signal<bool>,
    #[prop(optional, into)] count: Option<u64>,
    #[prop(optional)] tones: Vec<Tone>,
) -> impl IntoView {
    view! {
        <a href=href aria-current=move || current.get().then_some("page")>
            {label}
            {count.map(|count| view! { <span class="fact">{count}</span> })}
            {(!tones.is_empty()).then(|| view! { <Pips tones/> })}
        </a>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn the_tab_that_is_open_says_so() {
        let html = html(
            || view! { <Tabs label="payments-eu"><Tab href="/a" label="Services" current=true count=7u64/></Tabs> },
        );
        assert!(html.contains(r#"aria-current="page""#) && html.contains(">7<"), "{html}");
    }
}

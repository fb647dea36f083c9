use leptos::prelude::*;

/// What a part of a drawing means: the part as it is drawn, inside 20 by 12, and a word.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub tone: Option<&'static str>,
    pub inside: String,
    pub word: &'static str,
}

/// The keys of a drawing, at the end of its heading. `drawing` is the class whose parts they are.
pub(super) fn legend(drawing: &'static str, keys: Vec<Key>) -> impl IntoView {
    let key = |Key { tone, inside, word }: Key| {
        view! {
            <li>
                <svg class=drawing viewBox="0 0 20 12" aria-hidden="true">
                    <g data-tone=tone inner_html=inside></g>
                </svg>
                {word}
            </li>
        }
    };
    view! { <ul class="legend">{keys.into_iter().map(key).collect_view()}</ul> }
}

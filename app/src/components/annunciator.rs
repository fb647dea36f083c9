use leptos::prelude::*;

use super::{Mark, Tone};

/// The state of the whole project in four cells, on every page. A cell is lit only when it asks for something.
#[component]
pub fn Annunciator(
    #[prop(into)] failed: Signal<u64>,
    #[prop(into)] waiting: Signal<u64>,
    #[prop(into)] moving: Signal<u64>,
    #[prop(into)] good: Signal<u64>,
    /// Where all four lead: the overview, which lists what they count.
    #[prop(into)]
    href: String,
) -> impl IntoView {
    let cell = |tone: Tone, count: Signal<u64>, word: &'static str| {
        let title = move || format!("{} {word}", count.get());
        view! {
            <a href=href.clone() data-tone=tone.as_str() data-zero=move || (count.get() == 0).then_some("") title=title>
                <Mark tone/>
                <span class="fact">{count}</span>
                <span class="sr">{format!(" {word}")}</span>
            </a>
        }
    };
    view! {
        <nav class="annunciator" aria-label="State of the project">
            {cell(Tone::Bad, failed, "failed")}
            {cell(Tone::Wait, waiting, "waiting for you")}
            {cell(Tone::Move, moving, "in progress")}
            {cell(Tone::Good, good, "as asked for")}
        </nav>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn only_what_asks_for_something_is_lit() {
        let html = html(|| view! { <Annunciator failed=3 waiting=0 moving=1 good=41 href="/"/> });
        assert_eq!(html.matches("data-zero").count(), 1, "{html}");
        assert!(html.contains("3 failed") && html.contains("41 as asked for"), "{html}");
    }
}

use leptos::prelude::*;

use super::{Mark, Tone};

/// A state in shape, colour and word, so that it survives greyscale. Sentence case: "Pending peer".
#[component]
pub fn Badge(
    tone: Tone,
    #[prop(into)] word: String,
    /// The exact reason or time, on hover.
    #[prop(optional, into)]
    title: Option<String>,
) -> impl IntoView {
    view! {
        <span class="badge" data-tone=tone.as_str() title=title>
            <Mark tone/>
            {word}
        </span>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn a_badge_says_its_state_in_words() {
        let html = html(|| view! { <Badge tone=Tone::Wait word="Pending peer"/> });
        assert!(html.contains(r#"data-tone="wait""#) && html.contains("Pending peer"), "{html}");
    }
}

use leptos::prelude::*;

use super::Tone;

/// The smallest sign of a state: shape repeats colour. Decorative unless it has a `label`.
#[component]
pub fn Mark(tone: Tone, #[prop(optional, into)] label: Option<String>) -> impl IntoView {
    let hidden = label.is_none().then_some("true");
    let role = label.is_some().then_some("img");
    view! { <i class="mark" data-tone=tone.as_str() role=role aria-label=label aria-hidden=hidden></i> }
}

/// One mark per connection, worst first; says how many of each to those who do not see them.
#[component]
pub fn Pips(tones: Vec<Tone>) -> impl IntoView {
    if tones.is_empty() {
        return view! { <span class="quiet">"none"</span> }.into_any();
    }
    let mut tones = tones;
    tones.sort();
    let said = count(&tones);
    view! {
        <span class="pips" role="img" aria-label=said.clone() title=said>
            {tones.into_iter().map(|tone| view! { <Mark tone/> }).collect_view()}
        </span>
    }
    .into_any()
}

/// "1 failed, 2 active" of a sorted list.
fn count(tones: &[Tone]) -> String {
    let parts: Vec<String> =
        tones.chunk_by(|a, b| a == b).map(|same| format!("{} {}", same.len(), same[0].word())).collect();
    parts.join(", ")
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn pips_put_the_worst_first_and_say_how_many() {
        let html = html(|| view! { <Pips tones=vec![Tone::Good, Tone::Bad, Tone::Good]/> });
        assert!(html.contains("1 failed, 2 active"), "{html}");
        assert!(
            html.find("bad").expect("a bad mark") < html.find("data-tone=\"good\"").expect("a good mark"),
            "{html}"
        );
    }

    #[test]
    fn a_mark_without_a_label_is_silent() {
        assert_eq!(
            html(|| view! { <Mark tone=Tone::Off/> }),
            r#"<i data-tone="off" aria-hidden="true" class="mark"></i>"#
        );
    }
}

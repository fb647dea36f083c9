use std::collections::BTreeSet;

use leptos::prelude::*;

use super::{Column, Mark, Prose, Table, Tone};

/// One thing that the page as a whole has to say, with what to do about it.
#[component]
pub fn Notice(
    tone: Tone,
    #[prop(into)] title: String,
    #[prop(optional, into)] text: String,
    /// Buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let said = (!text.is_empty()).then(|| view! { <p class="said"><Prose text/></p> });
    view! {
        <section class="notice" data-tone=tone.as_str()>
            <h2 class="flow">
                <Mark tone/>
                {title}
            </h2>
            {said}
            {children.map(|children| view! { <div class="buttons">{children()}</div> })}
        </section>
    }
}

/// One field in which the host is not what was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DriftRow {
    /// What it belongs to: "site-altona", "route".
    pub object: String,
    /// Which of its fields: "allowed_ips".
    pub field: String,
    /// Empty: nothing was wanted.
    pub wanted: String,
    /// Empty: nothing was found.
    pub found: String,
    /// When it was first seen: "03:04".
    pub since: String,
}

/// Wanted against found, a field a row. Only the words that differ are marked.
#[component]
pub fn Drift(
    tone: Tone,
    /// "The host differs in 2 fields".
    #[prop(into)]
    title: String,
    /// Who found it, what waits, what is lost.
    #[prop(into)]
    text: String,
    rows: Vec<DriftRow>,
    /// Buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let columns =
        vec![Column::text("Field"), Column::text("Wanted"), Column::text("Found on the host"), Column::number("Since")];
    let row = |row: DriftRow| {
        let (wanted, found) = (marked(&row.wanted, &row.found), marked(&row.found, &row.wanted));
        view! {
            <tr>
                <th scope="row" class="nowrap" data-at="a1">
                    {row.object}
                    " "
                    <span class="fact muted">{row.field}</span>
                </th>
                <td data-at="b1">
                    <ins class="fact">{tokens(wanted)}</ins>
                </td>
                <td data-at="c1">
                    <del class="fact">{tokens(found)}</del>
                </td>
                <td class="num fact" data-at="a2">{row.since}</td>
            </tr>
        }
    };
    view! {
        <section class="drift" data-tone=tone.as_str()>
            <header>
                <h2 class="flow">
                    <Mark tone/>
                    {title}
                </h2>
                <p>
                    <Prose text/>
                </p>
                {children.map(|children| view! { <div class="buttons">{children()}</div> })}
            </header>
            <Table label="Differences" columns stack=true>
                {rows.into_iter().map(row).collect_view()}
            </Table>
        </section>
    }
}

/// Each word of a text, and whether the other text lacks it.
fn marked(text: &str, other: &str) -> Vec<(String, bool)> {
    let there: BTreeSet<&str> = words(other).collect();
    let found: Vec<(String, bool)> = words(text).map(|word| (word.to_owned(), !there.contains(word))).collect();
    if found.is_empty() { vec![("nothing".to_owned(), false)] } else { found }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',']).filter(|word| !word.is_empty())
}

fn tokens(words: Vec<(String, bool)>) -> impl IntoView {
    let word = |(word, differs): (String, bool)| {
        let word = if differs { view! { <mark>{word}</mark> }.into_any() } else { word.into_any() };
        view! { {word} " " }
    };
    words.into_iter().map(word).collect_view()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn only_the_words_that_differ_are_marked() {
        let row = DriftRow {
            object: "site-altona".to_owned(),
            field: "allowed_ips".to_owned(),
            wanted: "192.168.88.0/24, 192.168.89.0/24".to_owned(),
            found: "192.168.88.0/24".to_owned(),
            since: "03:04".to_owned(),
        };
        let html = html(
            || view! { <Drift tone=Tone::Wait title="The host differs in 1 field" text="Found by the agent." rows=vec![row]/> },
        );
        assert_eq!(html.matches("<mark>").count(), 1, "{html}");
        assert!(html.contains("<mark>192.168.89.0/24</mark>"), "{html}");
    }

    #[test]
    fn what_is_missing_is_called_nothing() {
        assert_eq!(marked("", "10.0.0.0/8"), [("nothing".to_owned(), false)]);
    }
}

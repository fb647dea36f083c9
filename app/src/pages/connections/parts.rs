//! A piece of a guide as it stands on a page: sentences, values to copy, commands, tables, and ways as tabs.

use leptos::prelude::*;

use crate::{
    components::{Column, Command, Copy, Fact, Facts, Prose, Table},
    domain::guide::{Identifier, Part},
};

/// In their order; values that follow each other stand in one list. `group` tells the tabs of this place from others.
pub fn parts(parts: &[Part], group: &str) -> AnyView {
    let mut shown: Vec<AnyView> = Vec::new();
    let mut values: Vec<Identifier> = Vec::new();
    for part in parts {
        if let Part::Value(identifier) = part {
            values.push(identifier.clone());
            continue;
        }
        shown.extend(flush(&mut values));
        shown.push(one(part, &format!("{group}-{}", shown.len())));
    }
    shown.extend(flush(&mut values));
    shown.into_any()
}

fn flush(values: &mut Vec<Identifier>) -> Option<AnyView> {
    (!values.is_empty()).then(|| identifiers(&std::mem::take(values)))
}

/// What is known to copy, and what is not known yet by name.
pub fn identifiers(all: &[Identifier]) -> AnyView {
    let fact = |identifier: &Identifier| {
        let value = match identifier.value.clone() {
            Some(value) => view! { <Copy value always=true/> }.into_any(),
            None => view! { <span class="quiet">"not known yet"</span> }.into_any(),
        };
        view! { <Fact label=identifier.label>{value}</Fact> }
    };
    let facts = all.iter().map(fact).collect_view();
    view! { <Facts>{facts}</Facts> }.into_any()
}

fn one(part: &Part, group: &str) -> AnyView {
    match part {
        Part::Text(text) => view! { <p><Prose text=text.clone()/></p> }.into_any(),
        Part::Value(identifier) => identifiers(std::slice::from_ref(identifier)),
        Part::Command { text, note } => {
            let note = note.clone().map(|note| view! { <p class="muted">{note}</p> });
            view! {
                <div class="told">
                    <Command text=text.clone() label=called(text)/>
                    {note}
                </div>
            }
            .into_any()
        }
        Part::Ways(ways) => self::ways(ways, group),
        Part::Table { columns, rows } => table(columns, rows),
    }
}

/// "the command aws ec2 create-route": what it is up to its first option.
fn called(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let words: Vec<&str> = line.split(' ').take_while(|word| !word.starts_with('-')).take(5).collect();
    format!("the command {}", words.join(" "))
}

/// Tabs that need no script: radio buttons, of which the chosen one's part is shown.
fn ways(ways: &[(&'static str, Vec<Part>)], group: &str) -> AnyView {
    let tab = |(at, (name, _)): (usize, &(&'static str, Vec<Part>))| {
        let group = group.to_owned();
        view! { <label><input type="radio" name=group checked=at == 0/>{*name}</label> }
    };
    let body = |(at, (name, inside)): (usize, &(&'static str, Vec<Part>))| {
        view! { <section aria-label=*name>{parts(inside, &format!("{group}-{at}"))}</section> }
    };
    view! {
        <div class="ways">
            <div class="seg" role="group" aria-label="Ways to do it">{ways.iter().enumerate().map(tab).collect_view()}</div>
            {ways.iter().enumerate().map(body).collect_view()}
        </div>
    }
    .into_any()
}

fn table(columns: &'static [&'static str], rows: &'static [&'static [&'static str]]) -> AnyView {
    let row = |row: &&'static [&'static str]| {
        let cells = row.iter().enumerate().map(|(at, cell)| match at {
            0 => view! { <th scope="row" class="fact">{*cell}</th> }.into_any(),
            _ => view! { <td>{*cell}</td> }.into_any(),
        });
        view! { <tr>{cells.collect_view()}</tr> }
    };
    let columns = columns.iter().map(|title| Column::text(title)).collect::<Vec<_>>();
    let rows = rows.iter().map(row).collect_view();
    view! { <Table label="What the request takes and answers" columns>{rows}</Table> }.into_any()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    fn html(all: &[Part]) -> String {
        Owner::new().with(|| parts(all, "t").to_html())
    }

    #[test]
    fn a_value_is_copied_or_said_to_be_unknown() {
        let value = |value: Option<&str>| {
            Part::Value(Identifier { label: "Peering connection ID", value: value.map(str::to_owned) })
        };
        assert!(html(&[value(Some("pcx-0a"))]).contains(r#"aria-label="Copy pcx-0a""#));
        assert!(html(&[value(None)]).contains("not known yet"));
    }

    #[test]
    fn a_command_is_called_by_its_verb_and_not_by_what_it_is_given() {
        assert_eq!(
            called("aws ec2 create-route --region eu-west-1 --route-table-id rtb-1"),
            "the command aws ec2 create-route"
        );
    }

    #[test]
    fn the_first_way_is_open_without_a_script() {
        let ways = Part::Ways(vec![("Control Panel", vec![]), ("API", vec![])]);
        let html = html(&[ways]);
        assert_eq!(html.matches(" checked").count(), 1, "{html}");
        assert!(html.contains("Control Panel") && html.contains(r#"aria-label="API""#), "{html}");
    }
}

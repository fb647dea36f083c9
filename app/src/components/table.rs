use leptos::prelude::*;

use super::RangeAxis;

/// One column of a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    title: &'static str,
    kind: ColumnKind,
    sorted: Option<&'static str>,
    /// The class of a column that is only shown where there is room for it.
    room: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ColumnKind {
    Text,
    Number,
    /// Its title is only read out.
    Silent,
    /// Range bars, under the axis that they share.
    Range,
}

impl Column {
    const fn of(title: &'static str, kind: ColumnKind) -> Self {
        Self { title, kind, sorted: None, room: None }
    }

    pub const fn text(title: &'static str) -> Self {
        Self::of(title, ColumnKind::Text)
    }

    /// Right-aligned. Its cells are `<td class="num fact">`.
    pub const fn number(title: &'static str) -> Self {
        Self::of(title, ColumnKind::Number)
    }

    /// Range bars. Its cells are `<td class="bar-cell">`.
    pub const fn range(title: &'static str) -> Self {
        Self::of(title, ColumnKind::Range)
    }

    /// The ⋯ column. Its cells are `<td class="act">`.
    pub const fn actions() -> Self {
        Self::of("Actions", ColumnKind::Silent)
    }

    /// The rows are in this column's order.
    pub const fn ascending(self) -> Self {
        Self { sorted: Some("ascending"), ..self }
    }

    pub const fn descending(self) -> Self {
        Self { sorted: Some("descending"), ..self }
    }

    /// Only shown where there is room for everything; its cells are `class="wide"` too.
    pub const fn wide(self) -> Self {
        Self { room: Some("wide"), ..self }
    }

    /// Only shown on screens wider than most; its cells are `class="wider"` too.
    pub const fn wider(self) -> Self {
        Self { room: Some("wider"), ..self }
    }
}

/// A table with a sticky first column that scrolls in its own frame. Children are the `<tr>`s.
///
/// A row's first cell is `<th scope="row">` and holds the name, which is the link. With
/// `stack`, narrow screens fold each row into three lines of two cells: `data-at="a1"` …
/// `"c2"` on a cell names its place there, cells without one are left to the detail page.
#[component]
pub fn Table(
    /// What its rows are, read out.
    #[prop(into)]
    label: String,
    columns: Vec<Column>,
    #[prop(optional)] stack: bool,
    children: Children,
) -> impl IntoView {
    let head = |column: Column| {
        let number = (column.kind == ColumnKind::Number).then_some("num");
        let class: Vec<&str> = number.into_iter().chain(column.room).collect();
        let class = (!class.is_empty()).then(|| class.join(" "));
        let title = match column.kind {
            ColumnKind::Silent => view! { <span class="sr">{column.title}</span> }.into_any(),
            ColumnKind::Range => view! { <span class="sr">{column.title}</span> <RangeAxis/> }.into_any(),
            ColumnKind::Text | ColumnKind::Number => column.title.into_any(),
        };
        let arrow = column
            .sorted
            .map(|order| view! { <span aria-hidden="true">{if order == "ascending" { " ↑" } else { " ↓" }}</span> });
        view! {
            <th scope="col" class=class aria-sort=column.sorted>
                {title}
                {arrow}
            </th>
        }
    };
    let frame = format!("{label}, scrolls");
    view! {
        <div class="scroll" tabindex="0" role="group" aria-label=frame>
            <table class="table" class:stack=stack aria-label=label>
                <thead>
                    <tr>{columns.into_iter().map(head).collect_view()}</tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use crate::components::html;

    #[test]
    fn a_table_has_a_body_and_says_how_it_is_sorted() {
        let html = html(|| {
            view! {
                <Table label="VPCs" columns=vec![Column::text("Name"), Column::number("Services").descending(), Column::actions()] stack=true>
                    <tr>
                        <th scope="row">"alpha"</th>
                    </tr>
                </Table>
            }
        });
        assert!(html.contains("<tbody>") && html.contains(r#"aria-sort="descending""#), "{html}");
        assert!(
            html.contains(r#"<span class="sr">Actions</span>"#) && html.contains(r#"class="table stack""#),
            "{html}"
        );
    }
}

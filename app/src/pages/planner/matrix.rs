use leptos::prelude::*;

use super::conflict_tone;
use crate::{
    components::{Block, Mark, Prose},
    domain::planner::{Conflict, Matrix, Overlap, Owned, overlaps},
};

/// Rows and columns that can be read at once.
const MOST: usize = 16;
/// Overlaps that are told in sentences.
const MOST_SENTENCES: usize = 50;

/// Every range against every other, and what follows where two overlap.
pub fn matrix(owned: &[Owned]) -> AnyView {
    if owned.len() < 2 {
        return ().into_any();
    }
    let found = overlaps(owned, MOST_SENTENCES + 1);
    let matrix = Matrix::of(owned, MOST);
    let lead = match (matrix.ranges.is_empty(), matrix.left_out) {
        (true, all) => format!("No two of {all} ranges overlap."),
        (false, 0) if found.is_empty() => "No two overlap.".to_owned(),
        (false, 0) => "Worst first below.".to_owned(),
        (false, left_out) => format!("{} ranges that overlap; {left_out} more are left out.", matrix.ranges.len()),
    };
    let more = (found.len() > MOST_SENTENCES)
        .then(|| view! { <p class="quiet">{format!("The worst {MOST_SENTENCES}; there are more.")}</p> });
    let said = (!found.is_empty()).then(|| {
        let lines = found.iter().take(MOST_SENTENCES).map(line).collect_view();
        view! {
            <ul class="consequences">{lines}</ul>
            {more}
        }
    });
    let grid = (!matrix.ranges.is_empty()).then(|| grid(&matrix));
    let legend = [Conflict::Error, Conflict::CannotBePeered, Conflict::Warning].map(|conflict| {
        view! {
            <li title=conflict.consequence()>
                <Mark tone=conflict_tone(conflict)/>
                {conflict.word()}
            </li>
        }
    });
    view! {
        <Block id="h-overlaps" title="Overlap matrix" lead aside=move || view! { <ul class="legend">{legend}</ul> }>
            {grid}
            {said}
        </Block>
    }
    .into_any()
}

fn grid(matrix: &Matrix) -> impl IntoView + use<> {
    let heads = matrix
        .ranges
        .iter()
        .map(|owned| view! { <th scope="col"><span>{owned.name.clone()}</span></th> })
        .collect_view();
    let rows = matrix
        .ranges
        .iter()
        .enumerate()
        .map(|(row, owned)| {
            let cells = (0..matrix.ranges.len()).map(|column| cell(matrix, row, column)).collect_view();
            view! {
                <tr>
                    <th scope="row">{owned.name.clone()} " " <span class="fact">{owned.cidr.to_string()}</span></th>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="scroll" tabindex="0" role="group" aria-label="Overlap matrix, scrolls">
            <table class="matrix" aria-label="Overlap matrix">
                <thead>
                    <tr>
                        <th scope="col"><span class="sr">"Range"</span></th>
                        {heads}
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn cell(matrix: &Matrix, row: usize, column: usize) -> impl IntoView + use<> {
    let conflict = matrix.at(row, column);
    let title = conflict.map(|conflict| {
        let (a, b) = (&matrix.ranges[row], &matrix.ranges[column]);
        format!("{} {} and {} {}: {}", a.name, a.cidr, b.name, b.cidr, conflict.consequence())
    });
    let tone = conflict.map(|conflict| conflict_tone(conflict).as_str());
    view! {
        <td data-tone=tone data-self=(row == column).then_some("") title=title>
            {conflict.map(|conflict| view! { <Mark tone=conflict_tone(conflict) label=conflict.word()/> })}
        </td>
    }
}

fn line(overlap: &Overlap) -> impl IntoView + use<> {
    let (tone, name) = (conflict_tone(overlap.conflict), overlap.inner.name.clone());
    let text = format!("{} {}", overlap.predicate(), overlap.conflict.consequence());
    view! {
        <li>
            <Mark tone label=overlap.conflict.word()/>
            <span><strong>{name}</strong> " " <Prose text/></span>
        </li>
    }
}

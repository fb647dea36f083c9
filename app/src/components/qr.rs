use leptos::prelude::*;

/// A code to photograph. Made from its modules, row by row, so that this needs no encoder.
#[component]
pub fn QrCode(
    /// How many modules a side has.
    side: usize,
    /// `side` × `side` modules; true is dark.
    modules: Vec<bool>,
    #[prop(into)] label: String,
) -> impl IntoView {
    // The standard asks for four light modules around it.
    let frame = format!("-4 -4 {} {}", side + 8, side + 8);
    view! {
        <svg class="qr" viewBox=frame shape-rendering="crispEdges" role="img" aria-label=label>
            <path d=outline(side, &modules)></path>
        </svg>
    }
}

/// One sub-path for each run of dark modules in a row.
fn outline(side: usize, modules: &[bool]) -> String {
    let mut d = String::new();
    for (y, row) in modules.chunks(side.max(1)).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run[0] {
                d.push_str(&format!("M{x} {y}h{}v1h-{}z", run.len(), run.len()));
            }
            x += run.len();
        }
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dark_modules_are_drawn_as_runs() {
        assert_eq!(outline(3, &[true, true, false, false, false, true]), "M0 0h2v1h-2zM2 1h1v1h-1z");
    }
}

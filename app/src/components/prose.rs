use leptos::prelude::*;

/// A sentence whose facts (addresses, ranges, keys, permissions, times) are set in mono.
///
/// Refusals come from the domain as plain sentences; this finds their facts, so that
/// nobody has to write markup into a rule.
#[component]
pub fn Prose(#[prop(into)] text: String) -> impl IntoView {
    pieces(&text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Words(words) => words.into_any(),
            Piece::Fact(fact) => view! { <span class="fact">{fact}</span> }.into_any(),
        })
        .collect_view()
}

#[derive(Debug, PartialEq)]
enum Piece {
    Words(String),
    Fact(String),
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut found: Vec<Piece> = Vec::new();
    let mut words = String::new();
    for chunk in text.split_inclusive(' ') {
        let core = core(chunk);
        let Some(at) = chunk.find(core).filter(|_| is_fact(core)) else {
            words.push_str(chunk);
            continue;
        };
        words.push_str(&chunk[..at]);
        if !words.is_empty() {
            found.push(Piece::Words(std::mem::take(&mut words)));
        }
        found.push(Piece::Fact(core.to_owned()));
        words.push_str(&chunk[at + core.len()..]);
    }
    if !words.is_empty() {
        found.push(Piece::Words(words));
    }
    found
}

/// A word without what stands around it in a sentence. A colon belongs to it only where IPv6 shortens zeroes: `::/0`.
fn core(chunk: &str) -> &str {
    let word = chunk.trim_matches(|c: char| " .,;()".contains(c));
    if word.contains("::") {
        return word.strip_suffix(':').filter(|word| !word.ends_with(':')).unwrap_or(word);
    }
    chunk.trim_matches(|c: char| !(c.is_ascii_alphanumeric() || "=+/".contains(c)))
}

/// An address or range, a key or an id, or a permission: never a plain word or number.
fn is_fact(word: &str) -> bool {
    let digits = word.chars().any(|c| c.is_ascii_digit());
    let address =
        digits && word.matches('.').count() == 3 && word.chars().all(|c| c.is_ascii_digit() || "./:".contains(c));
    let prefix =
        word.strip_prefix('/').is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()));
    let key = word.len() == 44 && word.ends_with('=');
    let id = word.len() == 36 && word.matches('-').count() == 4;
    let permission = word.matches(':').count() == 2 && word.chars().all(|c| c.is_ascii_lowercase() || c == ':');
    let shortened = word.contains("::") && word.chars().all(|c| c.is_ascii_hexdigit() || ":/.".contains(c));
    address || prefix || key || id || permission || shortened
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str) -> Vec<String> {
        let facts =
            pieces(text).into_iter().filter_map(|piece| if let Piece::Fact(fact) = piece { Some(fact) } else { None });
        facts.collect()
    }

    #[test]
    fn ranges_are_facts_even_in_brackets_and_at_the_end_of_a_sentence() {
        assert_eq!(
            facts("10.16.24.0/21 overlaps with VPC ledger-eu (10.16.16.0/20)."),
            ["10.16.24.0/21", "10.16.16.0/20"]
        );
        assert_eq!(facts("Local takes /16 to /28; 4,096 of 12 are left."), ["/16", "/28"]);
        assert_eq!(facts("This needs project:networking:write."), ["project:networking:write"]);
        assert_eq!(facts("It has 0.0.0.0/0 and ::/0: take (fd00::1) out."), ["0.0.0.0/0", "::/0", "fd00::1"]);
    }

    #[test]
    fn nothing_of_the_sentence_is_lost() {
        let text = "Is 10.0.0.1:51820, (10.0.0.0/8) — or not?  Yes.";
        let whole: String = pieces(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Words(s) | Piece::Fact(s) => s,
            })
            .collect();
        assert_eq!(whole, text);
    }
}

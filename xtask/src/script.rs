//! The script that the binder wrote, without what a browser does not need.
//!
//! Whole lines and whole classes only, so that little of the language has to be understood.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

/// How the binder speaks of an export of the module.
const EXPORT: &str = "wasm.";

/// Without comments and indentation. A text that spans lines is left as it is.
pub fn squeezed(script: &str) -> String {
    if script.lines().any(|line| line.matches('`').count() % 2 == 1) {
        return script.to_owned();
    }
    let mut kept = String::with_capacity(script.len());
    let mut in_comment = false;
    for line in script.lines().map(str::trim) {
        let opens = line.starts_with("/*");
        if in_comment || opens {
            in_comment = !line.ends_with("*/");
        } else if !line.is_empty() && !line.starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// A script without what no browser needs of it.
pub struct Slim {
    pub script: String,
    /// The classes that were left out.
    pub classes: Vec<String>,
    /// The exports of the module that only these ask for.
    pub unasked: BTreeSet<String>,
}

/// Without the classes of which nothing ever makes an object. The binder writes a class for every type that a library would share with scripts, also if nothing of that library
/// is used, and a module keeps what it exports. What can be made has a constructor, or `__wrap` where Rust makes it.
pub fn without_unmade(script: &str) -> Slim {
    let (mut kept, mut gone, mut names) = (String::with_capacity(script.len()), String::new(), Vec::new());
    let mut rest = script;
    while let Some(line) = rest.split_inclusive('\n').next() {
        let name = line.strip_prefix("export class ").and_then(|line| line.split([' ', '{']).next());
        let length = match (name, rest.find("\n}\n")) {
            (Some(_), Some(end)) => end + "\n}\n".len(),
            _ => line.len(),
        };
        let (part, after) = rest.split_at(length);
        let is_made = |part: &str| ["constructor(", "__wrap(", "static "].iter().any(|sign| part.contains(sign));
        match name {
            Some(name) if !is_made(part) => {
                names.push(name);
                gone.push_str(part);
            }
            _ => kept.push_str(part),
        }
        rest = after;
    }
    let kept = without_mentions(&kept, &names, &mut gone);
    let asked: BTreeSet<&str> = exports(&kept).collect();
    let unasked = exports(&gone).filter(|name| !asked.contains(name)).map(str::to_owned).collect();
    let classes = names.into_iter().map(str::to_owned).collect();
    Slim { script: kept, classes, unasked }
}

impl Slim {
    /// Whether what ships can do without what was left out. `scripts`: all of them, by their file's name; `imports`: what
    /// each module asks its surroundings for.
    ///
    /// # Errors
    /// If one still names a class or an export: the browser would fail, and nothing else.
    pub fn refuse_mentions(
        &self,
        scripts: &BTreeMap<String, String>,
        imports: &BTreeMap<String, Vec<String>>,
    ) -> Result<()> {
        const CURE: &str = "it was left out because nothing seems to make one. \
                            Teach without_unmade in xtask/src/script.rs by what it is made.";
        for (file, script) in scripts {
            let words: BTreeSet<&str> = words(script).collect();
            if let Some(class) = self.classes.iter().find(|class| words.contains(class.as_str())) {
                bail!("{file} still names the class {class}, but {CURE}");
            }
            if let Some(export) = self.unasked.iter().find(|export| words.contains(export.as_str())) {
                bail!("{file} still asks for the export {export}, but the class that it belongs to is gone: {CURE}");
            }
        }
        for (file, imports) in imports {
            // Such as __wbg_intounderlyingsource_new: how Rust makes an object.
            let names = |import: &str, class: &str| import.split('_').any(|part| part.eq_ignore_ascii_case(class));
            for class in &self.classes {
                if let Some(import) = imports.iter().find(|import| names(import, class)) {
                    bail!("{file} imports {import}, which makes the class {class}, but {CURE}");
                }
            }
        }
        Ok(())
    }
}

fn words(script: &str) -> impl Iterator<Item = &str> {
    script.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '$')
}

/// Without the statements that speak of these classes: how one is disposed of, and how it is forgotten.
fn without_mentions(script: &str, classes: &[&str], gone: &mut String) -> String {
    let mut kept = String::with_capacity(script.len());
    let mut in_statement = false;
    for line in script.split_inclusive('\n') {
        let begins = |class: &&str| {
            line.starts_with(&format!("const {class}Finalization = "))
                || line.starts_with(&format!("if (Symbol.dispose) {class}.prototype"))
        };
        in_statement |= classes.iter().any(begins);
        let part = if in_statement { &mut *gone } else { &mut kept };
        part.push_str(line);
        in_statement &= !line.trim_end().ends_with(';');
    }
    kept
}

fn exports(script: &str) -> impl Iterator<Item = &str> {
    script.split(EXPORT).skip(1).filter_map(|after| after.split(|c: char| !c.is_alphanumeric() && c != '_').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_lose_their_comments_and_nothing_else() {
        let script = "/**\n * Said.\n */\nfunction f(a) {\n    // Why.\n    return `a${a}` + '//';\n}\n";
        assert_eq!(squeezed(script), "function f(a) {\nreturn `a${a}` + '//';\n}\n");
        let spans = "  const text = `\n  kept`;\n";
        assert_eq!(squeezed(spans), spans);
    }

    #[test]
    fn a_class_that_nothing_makes_goes_with_all_that_only_it_asks_for() {
        let class = |name: &str, more: &str| {
            format!(
                "export class {name} {{\n{more}    free() {{\n        wasm.free_{name}(1);\n        wasm.both();\n    }}\n}}\n\
                 if (Symbol.dispose) {name}.prototype[Symbol.dispose] = {name}.prototype.free;\n"
            )
        };
        let forgotten = |name: &str| {
            format!(
                "const {name}Finalization = (typeof X === 'u')\n    ? {{ }}\n    : new X(p => wasm.late_{name}(p));\n"
            )
        };
        let made = class("Made", "    static __wrap(ptr) {\n    }\n") + &forgotten("Made");
        let script = format!("start();\n{}{}{made}end();\n", class("Never", ""), forgotten("Never"));
        let slim = without_unmade(&script);
        assert_eq!(slim.script, format!("start();\n{made}end();\n"));
        assert_eq!(slim.classes, ["Never"]);
        assert_eq!(slim.unasked, BTreeSet::from(["free_Never".to_owned(), "late_Never".to_owned()]));
    }

    #[test]
    fn what_still_names_a_class_that_was_left_out_ends_the_build_with_a_sentence() {
        let script = "export class Never {\n    free() {\n        wasm.free_never(1);\n    }\n}\nstart();\n";
        let slim = without_unmade(script);
        let refused = |script: &str, import: &str| {
            let scripts = BTreeMap::from([
                ("console.js".to_owned(), slim.script.clone()),
                ("loader.js".to_owned(), script.to_owned()),
            ]);
            let imports = BTreeMap::from([("chunk_1.wasm".to_owned(), vec![import.to_owned()])]);
            slim.refuse_mentions(&scripts, &imports).map_err(|error| error.to_string())
        };
        assert_eq!(refused("Nevermore(); it.never();", "__wbg_nevermind_new_1f"), Ok(()));
        for (script, import, words) in [
            ("import { Never } from './console.js';", "", "loader.js still names the class Never"),
            ("const { memory, free_never } = initSync();", "", "loader.js still asks for the export free_never"),
            ("", "__wbg_never_new_1f", "chunk_1.wasm imports __wbg_never_new_1f, which makes the class Never"),
        ] {
            let sentence = refused(script, import).expect_err("refused");
            assert!(sentence.starts_with(words) && sentence.contains("xtask/src/script.rs"), "{sentence}");
        }
    }
}

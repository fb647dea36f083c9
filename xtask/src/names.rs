//! Short names for what passes between the bound module and its script.
//!
//! The binder names every import after its Rust item and a hash, and some exports by their mangled symbol: text that
//! does not compress, once in the module and once in the script. Only these two know the names.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    convert::Infallible,
};

use anyhow::{Result, anyhow};
use wasm_encoder::{
    ExportSection, ImportSection, Module,
    reencode::{self, Reencode},
};
use wasmparser::{Export, Import, Imports, Parser, Payload};

/// How a mangled symbol begins.
const MANGLED: [&str; 2] = ["_ZN", "_R"];

/// The module, and its script, with short names for what the module imports from `binder` and for its mangled exports;
/// without the exports that are `unasked` for.
pub fn shorten(wasm: &[u8], script: &str, binder: &str, unasked: &BTreeSet<String>) -> Result<(Vec<u8>, String)> {
    let mut short = Short { binder, unasked, names: HashMap::new() };
    let mut module = Module::new();
    let done = short.parse_core_module(&mut module, Parser::new(0), wasm);
    done.map_err(|error| anyhow!("shortening names: {error}"))?;
    Ok((module.finish(), replaced(script, &short.names)))
}

/// What a module asks its surroundings for.
pub fn imported(wasm: &[u8]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::ImportSection(section) = payload? {
            for import in section.into_imports() {
                names.push(import?.name.to_owned());
            }
        }
    }
    Ok(names)
}

struct Short<'text> {
    /// The module of which the names are imported that only the script knows.
    binder: &'text str,
    unasked: &'text BTreeSet<String>,
    names: HashMap<String, String>,
}

impl Short<'_> {
    fn of(&mut self, name: &str) -> String {
        let next = self.names.len();
        // A letter first, and one that begins none of the binder's own names.
        self.names.entry(name.to_owned()).or_insert_with(|| format!("_{next}")).clone()
    }
}

impl Reencode for Short<'_> {
    type Error = Infallible;

    fn parse_imports(&mut self, section: &mut ImportSection, imports: Imports<'_>) -> Result<(), reencode::Error> {
        if let Imports::Single(at, import) = imports
            && import.module == self.binder
        {
            let name = self.of(import.name);
            return reencode::utils::parse_imports(
                self,
                section,
                Imports::Single(at, Import { name: &name, ..import }),
            );
        }
        reencode::utils::parse_imports(self, section, imports)
    }

    fn parse_export(&mut self, exports: &mut ExportSection, export: Export<'_>) -> Result<(), reencode::Error> {
        if self.unasked.contains(export.name) {
            return Ok(());
        }
        let name = match MANGLED.iter().any(|start| export.name.starts_with(start)) {
            true => Cow::Owned(self.of(export.name)),
            false => Cow::Borrowed(export.name),
        };
        reencode::utils::parse_export(self, exports, Export { name: &name, ..export })
    }
}

/// The script with whole words replaced.
fn replaced(script: &str, names: &HashMap<String, String>) -> String {
    let is_of_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
    let (mut done, mut rest) = (String::with_capacity(script.len()), script);
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len()));
        done.push_str(names.get(word).map_or(word, String::as_str));
        let (between, after) = after.split_at(after.find(is_of_word).unwrap_or(after.len()));
        done.push_str(between);
        rest = after;
    }
    done
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{EntityType, TypeSection};

    use super::*;

    #[test]
    fn module_and_script_agree_on_a_short_name_and_other_names_stay() {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let import = |first: &str| {
            let mut imports = ImportSection::new();
            imports.import("./console_bg.js", first, EntityType::Function(0));
            imports.import("./other.js", "__wbg_new_0a", EntityType::Function(0));
            let mut module = Module::new();
            module.section(&types).section(&imports);
            module.finish()
        };
        let script = "const own = { __wbg_new_0a: function(arg0) { wasm.__wbg_new_0a_14(arg0); } };";
        let (module, script) = shorten(&import("__wbg_new_0a"), script, "./console_bg.js", &BTreeSet::new()).unwrap();
        assert_eq!(module, import("_0"));
        assert_eq!(imported(&module).unwrap(), ["_0", "__wbg_new_0a"]);
        assert_eq!(script, "const own = { _0: function(arg0) { wasm.__wbg_new_0a_14(arg0); } };");
    }
}

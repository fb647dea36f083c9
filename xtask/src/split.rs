//! The frontend split into what every page needs and what a group of pages needs.
//!
//! The splitter makes a chunk for every combination of split points that share some code. With a split point per page
//! that is hundreds of chunks, of which one page loads more than a hundred. So the pages are put into a few groups
//! before the splitter sees them: split points of one name are one module to it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use wasm_encoder::{
    ExportSection, ImportSection, Module, RawSection,
    reencode::{Reencode, RoundtripReencoder},
};
use wasm_split_cli_support::{Options, transform};
use wasmparser::{Parser, Payload};

/// Which pages are loaded together, by how their names start; the first that fits. What people open to look is apart from
/// what they open to write, since forms bring the rules of the domain with them. The palette (`opened`) lists what it found.
const GROUPS: &[(&str, &[&str])] = &[
    ("session", &["sign_in", "set_up"]),
    ("lists", &["vpc_list", "gateway_list", "peering_list"]),
    ("watch", &["overview", "changes", "reconcilers", "map", "find_page", "opened"]),
    ("details", &["vpc_detail", "gateway_detail", "peer_detail", "peering_detail"]),
];

/// The group of all other pages.
const REST: &str = "forms";

/// Splits the module; gives the paths of the split-off modules. `unbound` becomes the main module.
pub fn split(wasm: &[u8], name: &str, unbound: &Path, pkg: &Path) -> Result<Vec<PathBuf>> {
    let (grouped, pages) = group(wasm)?;
    let module = format!("./{name}.js");
    let mut options = Options::new(&grouped);
    options.output_dir = pkg;
    options.main_out_path = unbound;
    options.main_module = &module;
    options.link_name = "./__wasm_split.______________________.js";
    let split = transform(options).map_err(|error| anyhow!("splitting the frontend: {error:#}"))?;

    // The server looks up a page by its own name, to have the browser fetch what it needs early.
    let prefetch: BTreeMap<&str, &[String]> = pages
        .iter()
        .map(|page| (page.as_str(), split.prefetch_map.get(group_of(page)).map(Vec::as_slice).unwrap_or_default()))
        .collect();
    fs::write(pkg.join("__wasm_split_manifest.json"), serde_json::to_vec(&prefetch)?)?;
    Ok(split.split_modules)
}

fn group_of(page: &str) -> &'static str {
    let name = page.trim_start_matches('_');
    let found = GROUPS.iter().find(|(_, starts)| starts.iter().any(|start| name.starts_with(start)));
    found.map_or(REST, |(group, _)| group)
}

/// The module with its split points renamed to their groups, and their own names.
fn group(wasm: &[u8]) -> Result<(Vec<u8>, BTreeSet<String>)> {
    let mut renaming = Renaming::default();
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.context("reading the frontend")? {
            Payload::ImportSection(section) => {
                let mut imports = ImportSection::new();
                for import in section.into_imports() {
                    let import = import?;
                    let name = renaming.rename(import.name);
                    imports.import(import.module, &name, RoundtripReencoder.entity_type(import.ty)?);
                }
                module.section(&imports);
            }
            Payload::ExportSection(section) => {
                let mut exports = ExportSection::new();
                for export in section {
                    let export = export?;
                    let name = renaming.rename(export.name);
                    exports.export(&name, RoundtripReencoder.export_kind(export.kind)?, export.index);
                }
                module.section(&exports);
            }
            // As it is, byte by byte: the relocations count on it.
            other => {
                if let Some((id, range)) = other.as_section() {
                    let data = &wasm[range.start as usize..range.end as usize];
                    module.section(&RawSection { id, data });
                }
            }
        }
    }
    Ok((module.finish(), renaming.pages))
}

#[derive(Default)]
struct Renaming {
    pages: BTreeSet<String>,
}

impl Renaming {
    /// What the splitter's macro made of a page's name, made of its group's name instead.
    fn rename<'name>(&mut self, name: &'name str) -> Cow<'name, str> {
        const LOADER: &str = "__wasm_split_load_";
        const POINT: &str = "__wasm_split_00";

        if let Some(page) = name.strip_prefix(LOADER) {
            return format!("{LOADER}{}", group_of(page)).into();
        }
        let Some(rest) = name.strip_prefix(POINT) else { return name.into() };
        let Some(end) = rest.find("00_import_").or_else(|| rest.find("00_export_")) else { return name.into() };
        let (page, rest) = rest.split_at(end);
        self.pages.insert(page.to_owned());
        format!("{POINT}{}{rest}", group_of(page)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_points_and_loaders_take_the_name_of_their_group() {
        let mut renaming = Renaming::default();
        let point = "__wasm_split_00__vpc_list_view_3300_import_0123456789abcdef0123456789abcdef___view";
        let group = "__wasm_split_00lists00_import_0123456789abcdef0123456789abcdef___view";
        assert_eq!(renaming.rename(point), group);
        assert_eq!(renaming.rename("__wasm_split_load___vpc_list_view_33"), "__wasm_split_load_lists");
        assert_eq!(renaming.rename("__wasm_split_load___vpc_new_view_7"), "__wasm_split_load_forms");
        assert_eq!(renaming.rename("__wbindgen_malloc"), "__wbindgen_malloc");
        assert_eq!(renaming.pages, BTreeSet::from([String::from("__vpc_list_view_33")]));
    }
}

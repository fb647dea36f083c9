//! Who may use whom. The house stays as it was drawn because this test reads the `use` lines.
//!
//! A room is a module; a rule says which other rooms and which crates it may name. What a room
//! says to itself and to its children is its own affair. Paths written out in the middle of code
//! count as much as imports. Tests inside a file may use what they like.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What a room may use. The longest room that holds a file decides.
struct Rule {
    room: &'static str,
    /// Rooms of this house, by the start of their path.
    rooms: &'static [&'static str],
    /// Other crates; `None`: any.
    crates: Option<&'static [&'static str]>,
}

const RULES: &[Rule] = &[
    Rule {
        room: "app::domain",
        rooms: &[],
        crates: Some(&["std", "core", "serde", "serde_json", "ipnet", "thiserror", "uuid", "base64", "sha2"]),
    },
    // What an answer is made of lives beside the server functions; the functions themselves are not to be called from here.
    Rule {
        room: "app::backend",
        rooms: &["app::domain", "app::api::ApiError", "app::api::enrolment", "app::api::flash", "app::api::lab"],
        crates: Some(&["std", "async_trait", "leptos"]),
    },
    Rule { room: "app::api", rooms: &["app::domain", "app::routes", "app::backend"], crates: None },
    Rule {
        room: "app::components",
        rooms: &["app::domain"],
        crates: Some(&[
            "std",
            "leptos",
            "icondata_core",
            "icondata_lu",
            "qrcodegen",
            "gloo_timers",
            "wasm_bindgen",
            "web_sys",
            "js_sys",
        ]),
    },
    Rule {
        room: "app::pages",
        rooms: &["app::api", "app::components", "app::domain", "app::live", "app::routes", "app::keys", "app::shell"],
        crates: None,
    },
    Rule { room: "server::store", rooms: &["app::domain", "server::clock", "server::seal"], crates: None },
    Rule {
        room: "server::console",
        rooms: &[
            "app::domain",
            "app::backend",
            "app::api",
            "server::store",
            "server::clock",
            "server::seal",
            // What the reconcilers' and the lab's pages show, and how long a session lasts.
            "server::reconcile::Statuses",
            "server::lab::LabControl",
            "server::other_side::OtherSides",
            "server::config::SessionLifetimes",
        ],
        crates: None,
    },
    Rule {
        room: "server::reconcile",
        rooms: &["app::domain", "server::store", "server::clock", "server::seal", "server::crew"],
        crates: None,
    },
    Rule { room: "server::agent", rooms: &["app::domain", "server::clock"], crates: None },
    Rule { room: "server::agent::host", rooms: &["app::domain", "server::agent"], crates: None },
    Rule {
        room: "server::http",
        rooms: &[
            "app",
            "server::console",
            "server::reconcile",
            "server::clock",
            "server::config",
            "server::listen",
            "server::tls",
            // Who is signed in, and the change feed; no table of networks.
            "server::store::Store",
            "server::store::Wake",
            "server::store::Seen",
            "server::store::Feed",
            "server::store::sessions",
        ],
        crates: None,
    },
];

/// Only the store speaks SQL, only the agent touches the host, only the controllers of clouds call one.
const KEPT: &[(&str, &[&str])] = &[
    ("sqlx", &["server::store"]),
    ("rtnetlink", &["server::agent"]),
    ("clouds", &["server::reconcile::clouds", "server::serve", "server::other_side"]),
];

#[test]
fn every_room_uses_only_what_it_may() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (module, file) in modules() {
        let text = code(&fs::read_to_string(&file).expect("a source file"));
        let rule = RULES.iter().filter(|rule| within(&module, rule.room)).max_by_key(|rule| rule.room.len());
        for path in paths(&text, &module) {
            let first = path.split("::").next().unwrap_or_default();
            if let Some((_, rooms)) = KEPT.iter().find(|(kept, _)| *kept == first)
                && !rooms.iter().any(|room| within(&module, room))
            {
                wrong.push(format!("{module} uses {path}; only {} may", rooms.join(", ")));
            }
            let Some(rule) = rule else { continue };
            seen.insert(rule.room);
            let allowed = if matches!(first, "app" | "server") {
                within(&path, rule.room) || rule.rooms.iter().any(|room| within(&path, room))
            } else {
                rule.crates.is_none_or(|crates| crates.contains(&first))
            };
            if !allowed {
                wrong.push(format!("{module} uses {path}"));
            }
        }
    }
    let rooms = [
        "app::domain",
        "app::backend",
        "app::api",
        "app::components",
        "app::pages",
        "server::store",
        "server::console",
        "server::reconcile",
        "server::agent",
        "server::http",
    ];
    for room in rooms {
        assert!(seen.contains(room), "nothing was read in {room}");
    }
    assert!(wrong.is_empty(), "{} uses that the house does not allow:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_domain_knows_no_clock_no_disk_and_no_network() {
    let forbidden = [
        "std::fs",
        "std::io",
        "std::env",
        "std::process",
        "std::thread",
        "std::time",
        "std::os",
        "std::net::Tcp",
        "std::net::Udp",
    ];
    for (module, file) in modules().into_iter().filter(|(module, _)| within(module, "app::domain")) {
        let text = code(&fs::read_to_string(&file).expect("a source file"));
        for path in paths(&text, &module) {
            assert!(!forbidden.iter().any(|start| path.starts_with(start)), "{module} uses {path}");
        }
    }
}

#[test]
fn server_functions_reach_the_backend_inside_their_bodies_only() {
    for (module, file) in modules().into_iter().filter(|(module, _)| within(module, "app::api")) {
        let text = code(&fs::read_to_string(&file).expect("a source file"));
        let outside: String = text.lines().filter(|line| !line.starts_with(' ')).collect::<Vec<_>>().join("\n");
        assert!(
            !outside.contains("backend"),
            "{module} names the backend outside a server function: it is not there in the browser"
        );
    }
}

#[test]
fn the_clouds_do_not_know_the_console_and_nobody_reads_the_simulated_world_but_by_its_api() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("clouds/Cargo.toml")).expect("a manifest");
    assert!(!manifest.lines().any(|line| line.starts_with("app")), "editing a page would compile the clouds");
    let mut drivers = Vec::new();
    collect(&root.join("clouds/src"), "clouds", &mut drivers);
    drivers.retain(|(module, _)| !within(module, "clouds::lookalike"));
    assert!(drivers.len() > 10, "the drivers were not found");
    for (module, file) in modules().into_iter().chain(drivers) {
        let text = code(&fs::read_to_string(&file).expect("a source file"));
        let tables = ["lookalike_thing", "lookalike_fact", "lookalike_fault", "lookalike_use"];
        assert!(!tables.iter().any(|table| text.contains(table)), "{module} names a table of the simulated clouds");
    }
}

#[test]
fn a_use_tree_is_read_to_its_leaves() {
    let text = code(
        "use crate::{clock, store::{self, Tx as T, people::{A, B}}}; // use crate::no\n pub(crate) use super::x; let y = app::domain::z(1);",
    );
    let found: Vec<String> = paths(&text, "server::console::peers").into_iter().collect();
    let wanted = [
        "app::domain::z",
        "server::clock",
        "server::console::x",
        "server::store::Tx",
        "server::store::people::A",
        "server::store::people::B",
        "server::store::self",
    ];
    assert_eq!(found, wanted);
}

fn within(module: &str, room: &str) -> bool {
    module.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Every module of `app` and `server` and its file.
fn modules() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut found = Vec::new();
    for member in ["app", "server"] {
        collect(&root.join(member).join("src"), member, &mut found);
    }
    found
}

fn collect(folder: &Path, module: &str, found: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        if path.is_dir() {
            collect(&path, &format!("{module}::{stem}"), found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !stem.ends_with("_tests")
            && stem != "tests"
        {
            let name = if matches!(stem.as_str(), "mod" | "lib" | "main") {
                module.to_owned()
            } else {
                format!("{module}::{stem}")
            };
            found.push((name, path));
        }
    }
}

/// The text without comments and without its test module.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let without = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    text.lines().map(without).collect::<Vec<_>>().join("\n")
}

/// Every path that the text imports or writes out, from its crate on.
fn paths(text: &str, module: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find("use ") {
        // Not the word in a sentence.
        let before = rest[..at].rsplit('\n').next().unwrap_or_default().trim();
        let starts_a_statement = before.is_empty() || before.starts_with("pub");
        rest = &rest[at + 4..];
        let Some(end) = rest.find(';') else { break };
        let tree: String = rest[..end].chars().filter(|letter| *letter != '\n').collect();
        if starts_a_statement && tree.chars().next().is_some_and(|first| first.is_ascii_lowercase() || first == ':') {
            leaves(tree.trim(), "", &mut found);
        }
    }
    // `use cidr::Cidr` beside `mod cidr;` stays in the house, as does `use super::X` in a module that is written inline.
    let own = |path: &String| {
        let first = path.split("::").next().unwrap_or_default();
        [";", " {"].iter().any(|end| text.contains(&format!("mod {first}{end}")))
    };
    let inline = text.lines().any(|line| line.starts_with("mod ") && line.ends_with('{'));
    found.retain(|path| !(own(path) || inline && path.starts_with("super::")));
    for start in ["crate::", "app::", "server::", "sqlx::", "rtnetlink::"] {
        for (at, _) in text.match_indices(start) {
            let before = text[..at].chars().next_back();
            if before.is_none_or(|before| !before.is_alphanumeric() && before != '_' && before != ':') {
                let path: String = text[at..]
                    .chars()
                    .take_while(|letter| letter.is_alphanumeric() || matches!(letter, '_' | ':'))
                    .collect();
                found.insert(path.trim_end_matches(':').to_owned());
            }
        }
    }
    found.into_iter().filter_map(|path| absolute(&path, module)).collect()
}

fn leaves(tree: &str, prefix: &str, found: &mut BTreeSet<String>) {
    let Some((head, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        if !path.is_empty() {
            found.insert(format!("{prefix}{path}"));
        }
        return;
    };
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let prefix = format!("{prefix}{}", head.trim());
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                leaves(group[start..at].trim(), &prefix, found);
                start = at + 1;
            }
            _ => {}
        }
    }
    leaves(group[start..].trim(), &prefix, found);
}

/// `crate::` and `super::` resolved; `None` for what is the module's own.
fn absolute(path: &str, module: &str) -> Option<String> {
    let member = module.split("::").next().unwrap_or_default();
    if let Some(rest) = path.strip_prefix("crate::") {
        return Some(format!("{member}::{rest}"));
    }
    if let Some(mut rest) = path.strip_prefix("super::") {
        let mut parent = module.rsplit_once("::").map_or(module, |(parent, _)| parent);
        while let Some(above) = rest.strip_prefix("super::") {
            parent = parent.rsplit_once("::").map_or(parent, |(parent, _)| parent);
            rest = above;
        }
        return Some(format!("{parent}::{rest}"));
    }
    let first = path.split("::").next().unwrap_or_default();
    (first != "self" && path.contains("::")).then(|| path.to_owned())
}

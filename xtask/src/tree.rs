//! Where things are in the checkout. One place, so that no other module spells a path of the target folder.

use std::path::{Path, PathBuf};

/// The name of the product's binary and of its files in the site.
pub const NAME: &str = "causeway";

/// The checkout. Known at compile time: xtask is built where it is used.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the checkout")
}

/// The product's target folder, whatever the caller's environment says.
pub fn target() -> PathBuf {
    root().join("target")
}

/// What the server embeds (release) or reads (debug).
pub fn site() -> PathBuf {
    target().join("site")
}

pub fn end2end() -> PathBuf {
    root().join("end2end")
}

/// The clients and schemas of the cloud vendors, for the tests.
pub fn vendors() -> PathBuf {
    target().join("vendors")
}

/// The output of noisy set-up steps; shown only when one of them fails.
pub fn setup_log() -> PathBuf {
    target().join("setup.log")
}

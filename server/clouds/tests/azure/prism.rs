//! The vendor's own schema, which Prism holds a driver and a look-alike against.

use std::path::{Path, PathBuf};

use tokio::process::Command;

pub use self::proxy::Prism;
use super::client::here;

#[path = "../vendors/prism.rs"]
mod proxy;

/// Microsoft's own models, which its Python client carries, as OpenAPI.
pub async fn azure_schema(vendors: &Path, folder: &Path) -> PathBuf {
    let mut convert = Command::new(vendors.join("python/bin/python"));
    let converted = convert.arg(here("tools/azure2oas.py")).output().await.expect("Python runs");
    assert!(converted.status.success(), "{}", String::from_utf8_lossy(&converted.stderr));
    let schema = folder.join("network.json");
    std::fs::write(&schema, converted.stdout).expect("the schema can be written");
    schema
}

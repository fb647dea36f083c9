//! The vendor's own schema, which Prism holds a driver and a look-alike against.

use std::path::{Path, PathBuf};

use tokio::process::Command;

pub use self::proxy::Prism;
use super::here;

#[path = "../vendors/prism.rs"]
mod proxy;

/// Google's own description of Compute Engine, which its Python client carries, as OpenAPI.
pub async fn google_schema(vendors: &Path, folder: &Path) -> PathBuf {
    let find = "import googleapiclient, os; print(os.path.dirname(googleapiclient.__file__))";
    let python = vendors.join("python/bin/python");
    let found = Command::new(&python).args(["-c", find]).output().await.expect("Python runs");
    let packages = String::from_utf8(found.stdout).expect("a path");
    let document = format!("{}/discovery_cache/documents/compute.v1.json", packages.trim());
    let wanted = "networks,subnetworks,firewalls,globalOperations,regionOperations";
    let mut convert = Command::new(&python);
    let converted =
        convert.arg(here("tools/disco2oas.py")).args([&document, wanted]).output().await.expect("Python runs");
    assert!(converted.status.success(), "{}", String::from_utf8_lossy(&converted.stderr));
    let schema = folder.join("compute.json");
    std::fs::write(&schema, converted.stdout).expect("the schema can be written");
    schema
}

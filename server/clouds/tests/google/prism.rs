//! Prism between a driver and a look-alike: whatever departs from the vendor's schema, in either direction, is an error.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::{Child, Command};

use super::here;

pub struct Prism {
    _process: Child,
    pub url: String,
}

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

impl Prism {
    pub async fn start(vendors: &Path, schema: &Path, upstream: &str) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = free.expect("a port of loopback is free").port().to_string();
        let mut command = Command::new(vendors.join("node_modules/.bin/prism"));
        command.arg("proxy").arg(schema).arg(upstream).args(["--errors", "--host", "127.0.0.1", "--port", &port]);
        let process =
            command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().expect("Prism starts");
        let url = format!("http://127.0.0.1:{port}");
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.is_ok() {
                return Self { _process: process, url };
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("Prism did not listen within a minute");
    }
}

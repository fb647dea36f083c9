//! Prism between a driver and a look-alike: whatever departs from the vendor's schema, in either direction, is an error.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::{Child, Command};

use super::client::here;

pub struct Prism {
    _process: Child,
    pub url: String,
}

/// Microsoft's own models, which its Python client carries, as OpenAPI.
pub async fn azure_schema(vendors: &Path, folder: &Path) -> PathBuf {
    let mut convert = Command::new(vendors.join("python/bin/python"));
    let converted = convert.arg(here("tools/azure2oas.py")).output().await.expect("Python runs");
    assert!(converted.status.success(), "{}", String::from_utf8_lossy(&converted.stderr));
    let schema = folder.join("network.json");
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

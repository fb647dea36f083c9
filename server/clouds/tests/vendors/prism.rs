//! Prism between a driver and a look-alike: whatever departs from the vendor's schema, in either direction, is an error.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::Stdio,
    time::Duration,
};

use tokio::process::{Child, Command};

pub struct Prism {
    _process: Child,
    pub url: String,
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

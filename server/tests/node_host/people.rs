//! Who connects, and who is connected to: this program again, in another network namespace.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    process::ExitCode,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use tokio::net::TcpSocket;

pub const ACT: &str = "NODE_HOST_ACT";

/// `reach FROM TO`: connects and hears a word. `stream FROM TO`: connects and gives every word back, for as long as there
/// are any. `serve PORT`: says a word to whoever comes.
pub fn act(line: &str) -> ExitCode {
    let words: Vec<&str> = line.split(' ').collect();
    let done = match words.as_slice() {
        ["reach", from, to] => connect(from, to).and_then(|mut stream| hear(&mut stream)),
        ["stream", from, to] => connect(from, to).and_then(|mut stream| {
            loop {
                hear(&mut stream)?;
                stream.write_all(b"y")?;
            }
        }),
        ["serve", port] => TcpListener::bind(("0.0.0.0", port.parse().expect("a port"))).and_then(|listener| {
            loop {
                listener.accept()?.0.write_all(b"x")?;
            }
        }),
        other => panic!("nobody knows how to {other:?}"),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{line}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn hear(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.read_exact(&mut [0])
}

/// From this address, within a second and a half: a SYN that was dropped is sent again after one.
pub fn connect(from: &str, to: &str) -> std::io::Result<TcpStream> {
    let (from, to): (SocketAddr, SocketAddr) = (from.parse().expect("an address"), to.parse().expect("an address"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stream = runtime.block_on(async {
        let socket = if from.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(from)?;
        let connected = tokio::time::timeout(Duration::from_millis(1500), socket.connect(to)).await;
        connected.map_err(|_| std::io::Error::other("no answer"))??.into_std()
    })?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

/// A service: it says a word 20 times a second and counts, by source, how many came back.
#[derive(Clone, Default)]
pub struct Service(Arc<Mutex<HashMap<IpAddr, u64>>>);

impl Service {
    pub fn listen(ports: &[u16]) -> Self {
        let service = Self::default();
        for port in ports {
            // Both families, since the kernel maps them.
            let listener = TcpListener::bind(("::", *port)).expect("a port of ours");
            let service = service.clone();
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let service = service.clone();
                    thread::spawn(move || drop(service.serve(stream)));
                }
            });
        }
        service
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let from = stream.peer_addr()?.ip().to_canonical();
        stream.set_nodelay(true)?;
        loop {
            stream.write_all(b"x")?;
            hear(&mut stream)?;
            *self.0.lock().expect("nobody panics while holding it").entry(from).or_default() += 1;
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Whether words come back from there now.
    pub fn hears(&self, from: &str) -> bool {
        let from: IpAddr = from.parse().expect("an address");
        let heard = || self.0.lock().expect("nobody panics while holding it").get(&from).copied().unwrap_or(0);
        let before = heard();
        thread::sleep(Duration::from_millis(400));
        heard() > before
    }
}

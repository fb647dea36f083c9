//! Where the console listens, and how a connection becomes requests.
//!
//! Plain http is for browsers and on the loopback only; https is for both; a unix socket
//! is for agents only. Every request is told by which door and from whom it came.

mod patience;

use std::{
    fmt, fs, io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use axum::{Router, body::Body};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use self::patience::{Deadline, Patient};

/// As written in `--listen`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub enum Listen {
    /// Browsers on this machine, or a reverse proxy on it.
    Http(SocketAddr),
    /// Browsers and agents.
    Https(SocketAddr),
    /// Agents on this machine.
    Unix(PathBuf),
}

impl Default for Listen {
    fn default() -> Self {
        Self::Http(SocketAddr::from(([127, 0, 0, 1], 3000)))
    }
}

impl Listen {
    pub fn is_for_browsers(&self) -> bool {
        !matches!(self, Self::Unix(_))
    }

    pub fn entry(&self) -> Entry {
        match self {
            Self::Http(_) => Entry::Http,
            Self::Https(_) => Entry::Https,
            Self::Unix(_) => Entry::Unix,
        }
    }

    /// What a browser on this machine would open.
    pub fn browser_address(&self) -> Option<String> {
        match self {
            Self::Http(address) => Some(format!("http://{address}")),
            Self::Https(address) if address.ip().is_unspecified() => {
                Some(format!("https://localhost:{}", address.port()))
            }
            Self::Https(address) => Some(format!("https://{address}")),
            Self::Unix(_) => None,
        }
    }
}

/// Why an address is none to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidListen {
    #[error(
        "{0} is no address to listen on: write 127.0.0.1:3000, https://0.0.0.0:8443 or unix:/run/causeway/agent.sock"
    )]
    Shape(String),
    #[error(
        "{0} is not the loopback, and plain http there would show passwords to the network: write https://{0}, or put a reverse proxy with TLS in front of a loopback address"
    )]
    PlainHttp(SocketAddr),
}

impl FromStr for Listen {
    type Err = InvalidListen;
    fn from_str(text: &str) -> Result<Self, InvalidListen> {
        let text = text.trim();
        let shape = || InvalidListen::Shape(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            let path = std::path::absolute(path).map_err(|_| shape())?;
            return Ok(Self::Unix(path));
        }
        let (https, address) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(address), _) => (true, address),
            (_, address) => (false, address.unwrap_or(text)),
        };
        let address = address.trim_end_matches('/').replacen("localhost:", "127.0.0.1:", 1);
        let address: SocketAddr = address.parse().map_err(|_| shape())?;
        match (https, address.ip().is_loopback()) {
            (true, _) => Ok(Self::Https(address)),
            (false, true) => Ok(Self::Http(address)),
            (false, false) => Err(InvalidListen::PlainHttp(address)),
        }
    }
}

impl TryFrom<String> for Listen {
    type Error = InvalidListen;
    fn try_from(text: String) -> Result<Self, InvalidListen> {
        text.parse()
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(address) => write!(f, "http://{address}"),
            Self::Https(address) => write!(f, "https://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The kind of door a connection came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    Http,
    Https,
    Unix,
}

/// How a request arrived; every request carries one as an extension.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub entry: Entry,
    /// The other end; the loopback for a unix socket.
    pub address: IpAddr,
}

/// A listener that has its address.
pub struct Bound {
    pub listen: Listen,
    socket: Socket,
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Bound {
    /// # Errors
    /// In a sentence, if the address is taken or not ours.
    pub async fn bind(listen: &Listen) -> Result<Self> {
        match listen {
            Listen::Http(address) | Listen::Https(address) => {
                let listener =
                    TcpListener::bind(address).await.map_err(|error| explain(&error, &listen.to_string()))?;
                // Port 0 asks for any free one.
                let address = listener.local_addr()?;
                let listen =
                    if matches!(listen, Listen::Http(_)) { Listen::Http(address) } else { Listen::Https(address) };
                Ok(Self { listen, socket: Socket::Tcp(listener) })
            }
            Listen::Unix(path) => {
                let listener = bind_unix(path).await?;
                Ok(Self { listen: listen.clone(), socket: Socket::Unix(listener) })
            }
        }
    }

    /// Answers connections until `stop`, then lets those under way finish.
    pub async fn serve(self, router: Router, tls: Option<TlsAcceptor>, stop: CancellationToken) {
        let connections = TaskTracker::new();
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            let seat = Arc::clone(&room).acquire_owned().await.expect("the semaphore is never closed");
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.accept() => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(listen = %self.listen, %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let (router, tls, stop) = (router.clone(), tls.clone(), stop.clone());
            let entry = self.listen.entry();
            connections.spawn(async move {
                let arrival = Arrival { entry, address };
                match (stream, tls) {
                    (Stream::Tcp(stream), Some(tls)) if entry == Entry::Https => {
                        // A browser that does not trust the certificate gives up here: nothing to say.
                        if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                            converse(stream, arrival, router, stop).await;
                        }
                    }
                    (Stream::Tcp(stream), _) => converse(stream, arrival, router, stop).await,
                    (Stream::Unix(stream), _) => converse(stream, arrival, router, stop).await,
                }
                drop(seat);
            });
        }
        if let Listen::Unix(path) = &self.listen {
            _ = fs::remove_file(path);
        }
        connections.close();
        connections.wait().await;
    }

    async fn accept(&self) -> io::Result<(Stream, IpAddr)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // A small answer must not wait for the acknowledgement of the one before.
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), address.ip().to_canonical()))
            }
            Socket::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), Ipv6Addr::LOCALHOST.into()))
            }
        }
    }
}

enum Stream {
    Tcp(tokio::net::TcpStream),
    Unix(tokio::net::UnixStream),
}

const MOST_CONNECTIONS: usize = 16_384;
const HANDSHAKE: Duration = Duration::from_secs(10);
const HEADERS: Duration = Duration::from_secs(20);
/// For the whole body of a request: 8 MB, the largest report, at 1 Mbit/s.
const BODY: Duration = Duration::from_secs(70);
/// How long the other end may take nothing of an answer.
const STALL: Duration = Duration::from_secs(60);

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    arrival: Arrival,
    router: Router,
    stop: CancellationToken,
) {
    let service = tower::service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let mut request = request.map(|body| match hyper::body::Body::is_end_stream(&body) {
            true => Body::empty(),
            false => Body::new(Deadline::new(body, BODY)),
        });
        request.extensions_mut().insert(arrival);
        router.clone().oneshot(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(Patient::new(stream, STALL)), TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn bind_unix(path: &Path) -> Result<UnixListener> {
    const LONGEST: usize = 107;
    if path.as_os_str().len() > LONGEST {
        bail!(
            "unix:{} is too long for a socket's path ({LONGEST} bytes at most): give another by --listen unix:PATH.",
            path.display()
        );
    }
    if path.exists() {
        if tokio::net::UnixStream::connect(path).await.is_ok() {
            bail!("unix:{} is in use by another process. Stop it, or listen elsewhere.", path.display());
        }
        // Left behind by a process that was killed.
        fs::remove_file(path).with_context(|| format!("the old socket {} cannot be removed", path.display()))?;
    }
    let listener = UnixListener::bind(path).map_err(|error| explain(&error, &format!("unix:{}", path.display())))?;
    // Whoever connects needs a token or a credential besides; the folder and the group decide who may try.
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

fn explain(error: &io::Error, listen: &str) -> anyhow::Error {
    let what = match error.kind() {
        io::ErrorKind::AddrInUse => "is in use by another process. Stop it, or choose another by --listen".to_owned(),
        io::ErrorKind::AddrNotAvailable => {
            "is no address of this machine. Choose one of its own by --listen".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "may not be used by this user. Choose a port from 1024 up, or a folder of its own, by --listen".to_owned()
        }
        io::ErrorKind::NotFound => {
            "is in a folder that does not exist. Make it, or choose another by --listen".to_owned()
        }
        _ => format!("cannot be listened on: {error}"),
    };
    anyhow::anyhow!("{listen} {what}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_the_loopback_only() {
        assert_eq!("localhost:3000".parse(), Ok(Listen::default()));
        assert_eq!("http://[::1]:80".parse(), Ok(Listen::Http("[::1]:80".parse().expect("an address"))));
        let refused = "0.0.0.0:3000".parse::<Listen>().expect_err("refused").to_string();
        assert!(refused.contains("write https://0.0.0.0:3000"), "{refused}");
        assert!(matches!("https://0.0.0.0:8443".parse(), Ok(Listen::Https(_))));
        assert_eq!("unix:/run/x.sock".parse(), Ok(Listen::Unix("/run/x.sock".into())));
        assert!("3000".parse::<Listen>().is_err());
    }

    #[tokio::test]
    async fn a_taken_port_is_told_in_a_sentence() {
        let first = Bound::bind(&"127.0.0.1:0".parse().expect("an address")).await.expect("free");
        let error = Bound::bind(&first.listen).await.err().expect("taken").to_string();
        assert!(error.ends_with("is in use by another process. Stop it, or choose another by --listen."), "{error}");
    }

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_a_living_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let listen = Listen::Unix(folder.path().join("agent.sock"));
        drop(Bound::bind(&listen).await.expect("new"));
        let second = Bound::bind(&listen).await.expect("the first is dead");
        assert!(Bound::bind(&listen).await.is_err());
        drop(second);
    }
}

//! The agent's side of the conversation with the console: HTTP/1.1 over TLS or a unix socket, nothing else.
//!
//! TLS is checked against the SHA-256 of the console's certificate, which the enrolment text
//! carries if it is self-signed, else against the authorities of `--ca` or those that the host trusts. Plain http is refused: the credential and
//! preshared keys pass here.

use std::{fmt, fs::File, io::BufReader, path::Path, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use app::domain::{
    host::{Enrol, Enrolled, Offer, Report},
    tunnel::Version,
};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    body::Bytes,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::pin::PinnedCertificate;

const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(20);
/// A document of 10,000 peers has three megabytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// `--console`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsoleAddress {
    Https { host: String, port: u16, pin: Option<[u8; 32]> },
    Unix(PathBuf),
}

impl FromStr for ConsoleAddress {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let hint = "Copy the address from the gateway's page: https://host:port#sha256=… or unix:/path/to/socket.";
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() {
                Err(format!("unix: needs a path. {hint}"))
            } else {
                Ok(Self::Unix(path.into()))
            };
        }
        if text.starts_with("http://") {
            return Err(format!(
                "Agents speak TLS or a unix socket only, since secrets pass between them and the console. {hint}"
            ));
        }
        let rest = text.strip_prefix("https://").ok_or_else(|| format!("{text} is not a console's address. {hint}"))?;
        let (authority, fragment) =
            rest.split_once('#').map_or((rest, None), |(authority, fragment)| (authority, Some(fragment)));
        let authority = authority.trim_end_matches('/');
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                (host, port.parse().map_err(|_| format!("{port} is not a port. {hint}"))?)
            }
            _ => (authority, 443),
        };
        if host.is_empty() || host.contains('/') {
            return Err(format!("{text} is not a console's address. {hint}"));
        }
        let pin = match fragment {
            None => None,
            Some(fragment) => Some(fragment.strip_prefix("sha256=").and_then(digest).ok_or_else(|| {
                format!("#{fragment} is not the SHA-256 of a certificate in 64 hexadecimal digits. {hint}")
            })?),
        };
        Ok(Self::Https { host: host.to_owned(), port, pin })
    }
}

/// 64 hexadecimal digits, with or without colons.
fn digest(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u32> =
        text.chars().filter(|character| *character != ':').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |sum, digit| sum * 16 + digit)).ok())
        .collect::<Option<_>>()?;
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

impl fmt::Display for ConsoleAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Https { host, port, .. } => write!(f, "https://{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("The console at {console} cannot be reached: {why}")]
    Unreachable { console: String, why: String },
    /// 401: the credential or the token counts no longer.
    #[error("The console does not accept this agent: {0}")]
    Unknown(String),
    /// 410: what the host was for is gone for ever.
    #[error("The gateway or node no longer exists.")]
    Gone,
    #[error("The console answered {status}: {message}")]
    Refused { status: StatusCode, message: String },
}

/// One connection, kept open between questions. Tasks that wait have one each.
pub struct Client {
    address: ConsoleAddress,
    tls: Option<TlsConnector>,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// `ca`: a file of certificates in PEM.
    pub fn new(address: ConsoleAddress, ca: Option<&Path>) -> Result<Self> {
        let tls = match &address {
            ConsoleAddress::Unix(_) => None,
            ConsoleAddress::Https { pin, .. } => Some(TlsConnector::from(Arc::new(tls(*pin, ca)?))),
        };
        Ok(Self { address, tls, sender: None })
    }

    /// Another connection to the same console.
    pub fn another(&self) -> Self {
        Self { address: self.address.clone(), tls: self.tls.clone(), sender: None }
    }

    pub fn address(&self) -> &ConsoleAddress {
        &self.address
    }

    pub async fn enrol(&mut self, enrol: &Enrol) -> Result<Enrolled, Trouble> {
        let body = serde_json::to_vec(enrol).expect("plain data serializes");
        // A token works once: never asked twice on a connection that may have died.
        self.sender = None;
        let answer = self.ask(Method::POST, "/agent/v1/enrol", None, body, ANSWER).await?;
        self.read(answer)
    }

    /// `None`: nothing newer yet.
    pub async fn document(
        &mut self,
        bearer: &str,
        have: Option<&Version>,
        wait: Duration,
    ) -> Result<Option<Offer>, Trouble> {
        let mut path = format!("/agent/v1/document?wait={}", wait.as_secs());
        if let Some(Version { epoch, generation, hash }) = have {
            path = format!("{path}&epoch={epoch}&generation={generation}&hash={hash}");
        }
        let (status, body) = self.ask(Method::GET, &path, Some(bearer), Vec::new(), wait + ANSWER).await?;
        if status == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        Offer::read(&body).map(Some).map_err(|error| not_understood(status, &error))
    }

    /// True: the console wants everything again.
    pub async fn report(&mut self, bearer: &str, report: &Report) -> Result<bool, Trouble> {
        #[derive(serde::Deserialize)]
        struct Received {
            #[serde(default)]
            resend: bool,
        }
        let body = serde_json::to_vec(report).expect("plain data serializes");
        let (status, body) = self.ask(Method::POST, "/agent/v1/report", Some(bearer), body, ANSWER).await?;
        if body.is_empty() {
            return Ok(false);
        }
        self.read::<Received>((status, body)).map(|received| received.resend)
    }

    /// A new credential; the old one counts until the new one is first used.
    pub async fn rotate(&mut self, bearer: &str) -> Result<Enrolled, Trouble> {
        let answer = self.ask(Method::POST, "/agent/v1/credential", Some(bearer), Vec::new(), ANSWER).await?;
        self.read(answer)
    }

    fn read<T: DeserializeOwned>(&self, (status, body): (StatusCode, Bytes)) -> Result<T, Trouble> {
        serde_json::from_slice(&body).map_err(|error| not_understood(status, &error))
    }

    /// A successful answer. A kept connection that the console closed meanwhile is opened again, once.
    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<(StatusCode, Bytes), Trouble> {
        let body = Bytes::from(body);
        let kept = self.sender.as_ref().is_some_and(|sender| !sender.is_closed());
        let mut answer = self.try_once(&method, path, bearer, &body, patience).await;
        if kept && answer.is_err() {
            answer = self.try_once(&method, path, bearer, &body, patience).await;
        }
        let (status, body) = answer
            .map_err(|error| Trouble::Unreachable { console: self.address.to_string(), why: format!("{error:#}") })?;
        match status {
            StatusCode::UNAUTHORIZED => Err(Trouble::Unknown(message(&body))),
            StatusCode::GONE => Err(Trouble::Gone),
            status if status.is_success() => Ok((status, body)),
            status => Err(Trouble::Refused { status, message: message(&body) }),
        }
    }

    async fn try_once(
        &mut self,
        method: &Method,
        path: &str,
        bearer: Option<&str>,
        body: &Bytes,
        patience: Duration,
    ) -> Result<(StatusCode, Bytes)> {
        // Taken out: whatever goes wrong, a half-used connection is not used again.
        let mut sender = match self.sender.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => timeout(CONNECT, self.connect()).await.context("it did not answer within 10 s")??,
        };
        let host = match &self.address {
            ConsoleAddress::Https { host, port, .. } => format!("{host}:{port}"),
            ConsoleAddress::Unix(_) => "localhost".to_owned(),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, host)
            .header(header::USER_AGENT, concat!("causeway-agent/", env!("CARGO_PKG_VERSION")));
        if let Some(bearer) = bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body.clone()))?;
        let exchange = async {
            sender.ready().await?;
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LARGEST)
                .collect()
                .await
                .map_err(|error| anyhow::anyhow!("{error}"))?;
            anyhow::Ok((status, body.to_bytes()))
        };
        let answer = timeout(patience, exchange).await.context("it did not answer in time")??;
        self.sender = Some(sender);
        Ok(answer)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        match &self.address {
            ConsoleAddress::Unix(path) => handshake(UnixStream::connect(path).await?).await,
            ConsoleAddress::Https { host, port, .. } => {
                let name = host.trim_start_matches('[').trim_end_matches(']');
                let stream = TcpStream::connect((name, *port)).await?;
                stream.set_nodelay(true)?;
                let tls = self.tls.as_ref().expect("made with the address");
                handshake(tls.connect(ServerName::try_from(name.to_owned())?, stream).await?).await
            }
        }
    }
}

async fn handshake<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Result<SendRequest<Full<Bytes>>> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its error also reaches whoever waits for an answer.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

fn tls(pin: Option<[u8; 32]>, ca: Option<&Path>) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    if let Some(pin) = pin {
        let verifier = Arc::new(PinnedCertificate::new(pin, provider));
        return Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth());
    }
    let roots = match ca {
        Some(path) => named_authorities(path)?,
        None => known_authorities()?,
    };
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Those that this host trusts anyway (SSL_CERT_FILE and SSL_CERT_DIR name others).
fn known_authorities() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        bail!(
            "This host trusts no authority that could vouch for the console. Install ca-certificates, name the authority's certificate with --ca FILE, or copy an address with #sha256=… from the gateway's page."
        );
    }
    Ok(roots)
}

fn named_authorities(path: &Path) -> Result<RootCertStore> {
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_reader_iter(BufReader::new(file)) {
        roots.add(
            certificate
                .map_err(|error| anyhow::anyhow!("{} is not a file of certificates: {error}", path.display()))?,
        )?;
    }
    if roots.is_empty() {
        bail!("{} holds no certificate.", path.display());
    }
    Ok(roots)
}

fn not_understood(status: StatusCode, error: &serde_json::Error) -> Trouble {
    Trouble::Refused { status, message: format!("with something that is not understood ({error})") }
}

/// What an error says, whatever it is.
fn message(body: &Bytes) -> String {
    #[derive(serde::Deserialize)]
    struct Told {
        message: String,
    }
    match serde_json::from_slice::<Told>(body) {
        Ok(told) => told.message,
        Err(_) => String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned(),
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;

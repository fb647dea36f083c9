use app::domain::{PublicKey, host::HostFacts, host::WireGuardKind};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;

#[test]
fn an_address_is_tls_or_a_unix_socket() {
    let pin = "ab".repeat(32);
    let address: ConsoleAddress = format!("https://console.example:8443#sha256={pin}").parse().expect("an address");
    assert_eq!(address, ConsoleAddress::Https { host: "console.example".into(), port: 8443, pin: Some([0xab; 32]) });
    assert_eq!(
        "https://[fd00::1]".parse(),
        Ok(ConsoleAddress::Https { host: "[fd00::1]".into(), port: 443, pin: None })
    );
    assert_eq!("unix:/run/causeway/agent.sock".parse(), Ok(ConsoleAddress::Unix("/run/causeway/agent.sock".into())));
}

#[test]
fn plain_http_and_nonsense_are_refused_with_what_to_write_instead() {
    for text in [
        "http://127.0.0.1:3000",
        "console.example",
        "https://",
        "unix:",
        "https://a:b",
        "https://a#sha256=12",
        "https://a#md5=1",
        "https://a/b",
    ] {
        let error = text.parse::<ConsoleAddress>().unwrap_err();
        assert!(error.ends_with("https://host:port#sha256=… or unix:/path/to/socket."), "{text}: {error}");
    }
    let error = "http://127.0.0.1:3000".parse::<ConsoleAddress>().unwrap_err();
    assert!(error.starts_with("Agents speak TLS or a unix socket only"), "{error}");
}

/// Answers every connection once with these bytes; its port and the SHA-256 of its certificate.
async fn console(answer: &'static str) -> (u16, String, String) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let pin: String = Sha256::digest(cert.der()).iter().map(|byte| format!("{byte:02x}")).collect();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("a server");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut question = vec![0; 4096];
            let _ = stream.read(&mut question).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            // Closed without warning, as a console that restarts does.
        }
    });
    (port, pin, cert.pem())
}

fn enrol() -> Enrol {
    let facts = HostFacts {
        agent_version: "0".into(),
        host_name: "alpha".into(),
        wireguard: WireGuardKind::Recording,
        interfaces: Vec::new(),
        wan: None,
    };
    Enrol { token: "token".into(), public_key: PublicKey::from_bytes([1; 32]), facts }
}

#[tokio::test]
async fn the_console_is_known_by_its_certificate_or_by_an_authority_and_by_nothing_else() {
    let (port, pin, pem) =
        console("HTTP/1.1 401 Unauthorized\r\ncontent-length: 31\r\n\r\n{\"message\":\"The token is old.\"}").await;
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, pem).expect("written");
    for (address, ca, known) in [
        (format!("https://127.0.0.1:{port}#sha256={pin}"), None, true),
        (format!("https://127.0.0.1:{port}#sha256={}", "00".repeat(32)), None, false),
        (format!("https://localhost:{port}"), Some(ca.as_path()), true),
        // No authority that this host trusts vouches for it.
        (format!("https://localhost:{port}"), None, false),
        // The certificate is for another name.
        (format!("https://127.0.0.1:{port}"), Some(ca.as_path()), false),
    ] {
        let mut client = Client::new(address.parse().expect("an address"), ca).expect("a client");
        let trouble = client.enrol(&enrol()).await.expect_err("refused either way").to_string();
        if known {
            assert_eq!(trouble, "The console does not accept this agent: The token is old.", "{address}");
        } else {
            assert!(trouble.contains("cannot be reached") && trouble.contains("certificate"), "{address}: {trouble}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_opened_again() {
    let (port, pin, _) = console("HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"resend\":true}").await;
    let mut client = Client::new(format!("https://localhost:{port}#sha256={pin}").parse().expect("an address"), None)
        .expect("a client");
    let report = Report {
        applied: None,
        verified: None,
        error: None,
        drift: Vec::new(),
        peers: Vec::new(),
        facts: None,
        node: None,
        cleaned: false,
    };
    for _ in 0..3 {
        assert!(client.report("credential", &report).await.expect("an answer"));
    }
}

//! The console's certificate: the operator's own, or a self-signed one that is made once and kept in the data folder.
//!
//! Agents are told its SHA-256 with their enrolment and trust nothing else; browsers warn of
//! a self-signed one, as they should.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result};
use rustls::{
    ServerConfig, SupportedCipherSuite,
    crypto::ring::cipher_suite::{
        TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, TLS13_AES_256_GCM_SHA384,
        TLS13_CHACHA20_POLY1305_SHA256,
    },
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

use crate::config::Config;

#[cfg(test)]
pub(crate) mod handshake;

/// What is spoken, and nothing else: TLS 1.2 and 1.3 with keys of 256 bits and ephemeral key exchange. The networking
/// overview says so, in the words of [`app::domain::access::protection`].
const SUITES: [SupportedCipherSuite; 6] = [
    TLS13_AES_256_GCM_SHA384,
    TLS13_CHACHA20_POLY1305_SHA256,
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

pub struct Tls {
    pub acceptor: TlsAcceptor,
    /// SHA-256 of the certificate's DER, in lower-case hexadecimal.
    pub fingerprint: String,
}

impl Tls {
    /// Loads the certificate that the settings name, or the self-signed one.
    ///
    /// # Errors
    /// In a sentence, if a file cannot be read or certificate and key do not belong together.
    pub fn load(config: &Config) -> Result<Self> {
        let (certificate, key) = match &config.certificate {
            Some((certificate, key)) => (certificate.clone(), key.clone()),
            None => self_signed(config)?,
        };
        Self::read(&certificate, &key)
    }

    fn read(certificate: &Path, key: &Path) -> Result<Self> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect)
            .with_context(|| format!("The certificate {} cannot be read as PEM", certificate.display()))?;
        let leaf = chain.first().with_context(|| format!("{} has no certificate in it", certificate.display()))?;
        let fingerprint = Sha256::digest(leaf).iter().map(|byte| format!("{byte:02x}")).collect();
        let key_der = PrivateKeyDer::from_pem_file(key)
            .with_context(|| format!("The key {} cannot be read as PEM", key.display()))?;
        let mut provider = rustls::crypto::ring::default_provider();
        provider.cipher_suites = SUITES.to_vec();
        let mut server = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_single_cert(chain, key_der)
            .with_context(|| {
                format!("The certificate {} and the key {} do not go together", certificate.display(), key.display())
            })?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(server)), fingerprint })
    }
}

/// The files of the self-signed certificate, made if they are not there. Kept for ever: agents have pinned it.
fn self_signed(config: &Config) -> Result<(std::path::PathBuf, std::path::PathBuf)> {
    let folder = config.data.join("tls");
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    if certificate.exists() && key.exists() {
        return Ok((certificate, key));
    }
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(config.public_url.iter().map(|url| url.host.trim_matches(['[', ']']).to_owned()));
    names.extend(config.host_names.iter().cloned());
    names.extend(host_name());
    names.dedup();
    let mut parameters = rcgen::CertificateParams::new(names).context("the certificate's names")?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "Causeway console");
    let pair = rcgen::KeyPair::generate().context("making the certificate's key")?;
    let made = parameters.self_signed(&pair).context("making the certificate")?;
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    crate::config::write_private(&key, &pair.serialize_pem())?;
    crate::config::write_private(&certificate, &made.pem())?;
    Ok((certificate, key))
}

/// What this machine calls itself.
pub fn host_name() -> Option<String> {
    let name = rustix::system::uname().nodename().to_str().ok()?.to_ascii_lowercase();
    (!name.is_empty() && name != "(none)").then_some(name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use app::domain::access::protection::{TLS_CIPHERS, TLS_KEY_EXCHANGE, TLS_VERSIONS};
    use rustls::{
        ClientConnection, Error, PeerIncompatible, RootCertStore,
        crypto::{CryptoProvider, ring::default_provider},
    };

    use super::*;

    /// A listener's settings, and what its clients trust.
    struct Place {
        server: Arc<ServerConfig>,
        roots: RootCertStore,
        _folder: tempfile::TempDir,
    }

    impl Place {
        fn new(algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let pair = rcgen::KeyPair::generate_for(algorithm).expect("a key");
            let made = rcgen::CertificateParams::new(vec!["console.example.com".to_owned()])
                .and_then(|parameters| parameters.self_signed(&pair))
                .expect("a certificate");
            let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
            fs::write(&certificate, made.pem()).expect("a file");
            fs::write(&key, pair.serialize_pem()).expect("a file");
            let server = Arc::clone(Tls::read(&certificate, &key).expect("they go together").acceptor.config());
            let mut roots = RootCertStore::empty();
            roots.add(made.der().clone()).expect("a root");
            Self { server, roots, _folder: folder }
        }

        fn greet(&self, knows: CryptoProvider) -> Result<ClientConnection, Error> {
            handshake::greet(&self.server, self.roots.clone(), knows, "console.example.com")
        }
    }

    /// What the text calls a suite and a group.
    fn words(connection: &ClientConnection) -> [String; 3] {
        let version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
            other => panic!("{other:?}"),
        };
        let suite = format!("{:?}", connection.negotiated_cipher_suite().expect("one was agreed on").suite());
        let cipher = if suite.contains("AES_256_GCM") {
            "AES-256-GCM".to_owned()
        } else if suite.contains("CHACHA20_POLY1305") {
            "ChaCha20-Poly1305".to_owned()
        } else {
            suite
        };
        let group = format!("{:?}", connection.negotiated_key_exchange_group().expect("one was agreed on").name());
        [version.to_owned(), cipher, group.replace("secp256r1", "P-256").replace("secp384r1", "P-384")]
    }

    #[test]
    fn row_62_what_is_served_is_what_the_networking_overview_says_and_nothing_else() {
        let all = default_provider();
        let mut spoken = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
        let place = Place::new(&rcgen::PKCS_ECDSA_P256_SHA256);
        for suite in &all.cipher_suites {
            for group in &all.kx_groups {
                let mut knows = all.clone();
                (knows.cipher_suites, knows.kx_groups) = (vec![*suite], vec![*group]);
                let name = format!("{:?}", suite.suite());
                match place.greet(knows) {
                    Ok(connection) => {
                        for (kind, word) in spoken.iter_mut().zip(words(&connection)) {
                            kind.insert(word);
                        }
                    }
                    Err(_) => {
                        assert!(name.contains("AES_128") || name.contains("RSA_WITH"), "{name} is not served");
                    }
                }
            }
        }
        let said = |words: &[&str]| words.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        assert_eq!(spoken, [said(&TLS_VERSIONS), said(&TLS_CIPHERS), said(&TLS_KEY_EXCHANGE)]);
    }

    #[test]
    fn a_client_that_knows_only_keys_of_128_bits_is_refused() {
        let place = Place::new(&rcgen::PKCS_ECDSA_P256_SHA256);
        let mut knows = default_provider();
        knows.cipher_suites.retain(|suite| format!("{:?}", suite.suite()).contains("AES_128"));
        assert!(!knows.cipher_suites.is_empty());
        let refused = place.greet(knows).map(|_| ()).expect_err("nothing in common");
        assert_eq!(refused, Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon));
    }
}

//! The console's certificate: the operator's own, or a self-signed one that is made once and kept in the data folder.
//!
//! Agents are told its SHA-256 with their enrolment and trust nothing else; browsers warn of
//! a self-signed one, as they should.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

use crate::config::Config;

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
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
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

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::*;
use crate::tls::handshake::greet;

const NAMES: &str = "subjectAltName=DNS:db-harbor.causeway.internal,DNS:public-db-harbor.causeway.internal";

fn openssl(folder: &Path, arguments: &[&str]) -> Output {
    let done = Command::new("openssl").current_dir(folder).args(arguments).output();
    done.expect("openssl is installed: these tests ask another implementation")
}

/// A key and a request for names, as an operator makes them.
fn asked(folder: &Path, key: &[&str], more: &[&str]) -> String {
    ask(folder, key, more);
    fs::read_to_string(folder.join("request.pem")).expect("a request")
}

fn ask(folder: &Path, key: &[&str], more: &[&str]) {
    let mut arguments = vec!["req", "-new", "-nodes", "-keyout", "key.pem", "-out", "request.pem", "-newkey"];
    arguments.extend(key);
    arguments.extend(["-subj", "/CN=db"]);
    arguments.extend(more);
    let done = openssl(folder, &arguments);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

const P256: &[&str] = &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

fn now() -> Timestamp {
    crate::clock::now()
}

fn authority(project: &str) -> Made {
    make(&project.parse().expect("a name"), now()).expect("a CA")
}

fn signed(made: &Made, request: &str) -> ServiceCertificate {
    let signer = Signer { certificate: &made.certificate, key: &made.key, not_after: made.not_after };
    sign(&signer, &read(request).expect("a good request"), now()).expect("a certificate")
}

fn refused(request: &str) -> InvalidRequest {
    read(request).map(|_| ()).expect_err("it cannot be signed")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// What openssl says of a certificate in the words of `-text`.
fn text(folder: &Path, pem: &str) -> String {
    fs::write(folder.join("read.pem"), pem).expect("a file");
    let done = openssl(folder, &["x509", "-in", "read.pem", "-noout", "-text"]);
    String::from_utf8_lossy(&done.stdout).into_owned()
}

#[test]
fn row_49_certificates_for_every_kind_of_key_chain_to_the_projects_ca_and_to_no_other() {
    let folder = folder();
    let (ours, other) = (authority("harbor"), authority("tundra"));
    fs::write(folder.path().join("ca.pem"), &ours.certificate).expect("a file");
    fs::write(folder.path().join("other.pem"), &other.certificate).expect("a file");
    let kinds: [&[&str]; 4] = [P256, &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], &["ed25519"], &["rsa:2048"]];
    for kind in kinds {
        let issued = signed(&ours, &asked(folder.path(), kind, &["-addext", NAMES]));
        fs::write(folder.path().join("issued.pem"), &issued.certificate).expect("a file");
        let verify = |root: &str, name: &str| {
            let checks = ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", name, "-CAfile", root];
            openssl(folder.path(), &[&checks[..], &["issued.pem"]].concat())
        };
        for name in &issued.names {
            let done = verify("ca.pem", name.as_str());
            assert!(done.status.success(), "{kind:?} {name}: {}", String::from_utf8_lossy(&done.stderr));
        }
        assert!(!verify("other.pem", issued.names[0].as_str()).status.success(), "{kind:?}: another project's CA");
        assert!(!verify("ca.pem", "bank.example.com").status.success(), "{kind:?}: another name");
        // The key in the certificate is the one that its owner has.
        let public = |arguments: &[&str]| openssl(folder.path(), arguments).stdout;
        let own = public(&["pkey", "-in", "key.pem", "-pubout"]);
        assert!(!own.is_empty() && own == public(&["x509", "-in", "issued.pem", "-noout", "-pubkey"]), "{kind:?}");
    }
}

#[test]
fn a_client_that_trusts_the_projects_ca_and_nothing_else_connects() {
    let folder = folder();
    let made = authority("harbor");
    let issued = signed(&made, &asked(folder.path(), P256, &["-addext", NAMES]));
    let chain = vec![CertificateDer::from_pem_slice(issued.certificate.as_bytes()).expect("PEM")];
    let key = PrivateKeyDer::from_pem_file(folder.path().join("key.pem")).expect("the service's key");
    let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("certificate and key go together");
    let server = Arc::new(server);
    let roots = |pem: &str| {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM")).expect("a root");
        roots
    };
    let trusting = |pem: &str, name: &str| greet(&server, roots(pem), default_provider(), name).map(|_| ());
    assert_eq!(trusting(&made.certificate, "public-db-harbor.causeway.internal"), Ok(()));
    assert!(trusting(&made.certificate, "private-db-harbor.causeway.internal").is_err(), "a name that it has not");
    assert!(
        trusting(&authority("harbor").certificate, "db-harbor.causeway.internal").is_err(),
        "another CA of its name"
    );
}

#[test]
fn a_ca_lasts_ten_years_signs_no_other_and_a_certificate_lasts_one() {
    let folder = folder();
    let made = authority("harbor");
    let ca = text(folder.path(), &made.certificate);
    for part in ["CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "prime256v1", "ecdsa-with-SHA256", "CN = harbor"] {
        assert!(ca.contains(part), "{part} in {ca}");
    }
    assert!((CA_DAYS - 1..=CA_DAYS + 1).contains(&((made.not_after.seconds() - now().seconds()) / DAY)));
    let request = asked(folder.path(), P256, &["-addext", NAMES, "-addext", "basicConstraints=critical,CA:TRUE"]);
    let issued = signed(&made, &request);
    let leaf = text(folder.path(), &issued.certificate);
    for part in ["CA:FALSE", "TLS Web Server Authentication", "Digital Signature"] {
        assert!(leaf.contains(part), "{part} in {leaf}");
    }
    assert!(!leaf.contains("CA:TRUE"), "a request cannot make itself a CA: {leaf}");
    assert!(issued.not_before < now() && (issued.not_after.seconds() - now().seconds()) / DAY <= CERTIFICATE_DAYS);
}

#[test]
fn no_two_certificates_have_one_number_and_none_outlives_its_ca() {
    let folder = folder();
    let made = authority("harbor");
    let request = asked(folder.path(), P256, &["-addext", NAMES]);
    let (one, other) = (signed(&made, &request), signed(&made, &request));
    assert_ne!(one.serial, other.serial, "the same key, asked for again");
    let signer = Signer { certificate: &made.certificate, key: &made.key, not_after: made.not_after };
    let late = made.not_after.plus_seconds(-10 * DAY);
    let issued = sign(&signer, &read(&request).expect("a good request"), late).expect("a certificate");
    assert_eq!(issued.not_after, made.not_after);
}

#[test]
fn names_come_from_the_request_each_once_and_only_hosts() {
    let folder = folder();
    let names = |more: &[&str]| {
        read(&asked(folder.path(), P256, more))
            .map(|request| request.names.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let twice = ["-addext", "subjectAltName=DNS:B.example.com,DNS:a.example.com,DNS:b.example.com"];
    assert_eq!(names(&twice), Ok(vec!["a.example.com".to_owned(), "b.example.com".to_owned()]));
    assert_eq!(names(&["-subj", "/CN=only.example.com"]), Ok(vec!["only.example.com".to_owned()]));
    assert_eq!(names(&[]), Err(InvalidRequest::NoName), "db is no complete name");
    let address = names(&["-addext", "subjectAltName=IP:10.0.0.1"]);
    assert_eq!(address, Err(InvalidRequest::OtherName("an IP address")));
    let wildcard = names(&["-addext", "subjectAltName=DNS:*.example.com"]).unwrap_err().to_string();
    assert!(wildcard.starts_with("*.example.com is not a host name."), "{wildcard}");
}

#[test]
fn a_request_that_its_key_did_not_sign_is_refused() {
    let folder = folder();
    ask(folder.path(), P256, &["-addext", NAMES, "-outform", "DER"]);
    let mut der = fs::read(folder.path().join("request.pem")).expect("a request");
    let at = der.windows(9).position(|bytes| bytes == b"db-harbor").expect("its name");
    der[at] = b'x';
    let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64")).collect();
    let forged =
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n", lines.join("\n"));
    assert_eq!(refused(&forged), InvalidRequest::Signature);
}

#[test]
fn weak_keys_private_keys_and_other_texts_are_refused_with_what_to_do() {
    let folder = folder();
    assert_eq!(refused(&asked(folder.path(), &["rsa:1024"], &["-addext", NAMES])), InvalidRequest::Key);
    let curve = &["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"];
    assert_eq!(refused(&asked(folder.path(), curve, &["-addext", NAMES])), InvalidRequest::Key);
    assert_eq!(refused(&asked(folder.path(), &["rsa:2048"], &["-sha1", "-addext", NAMES])), InvalidRequest::Sha1);
    let good = asked(folder.path(), P256, &["-addext", NAMES]);
    let key = fs::read_to_string(folder.path().join("key.pem")).expect("a key");
    assert_eq!(refused(&format!("{good}{key}")), InvalidRequest::PrivateKey);
    assert!(refused(&key).to_string().contains("belongs on its host only"));
    let two = format!("{good}{good}");
    for text in ["", "hello", &good[..good.len() / 2], &two, &authority("harbor").certificate] {
        assert_eq!(refused(text), InvalidRequest::Shape, "{text}");
    }
    assert_eq!(refused(&"a".repeat(1 << 20)), InvalidRequest::Shape);
    assert!(read(&format!("Certificate Request:\n    Data:\n{good}")).is_ok(), "as `openssl req -text` prints it");
}

//! X.509: a project's CA is made here, and here it signs.
//!
//! Of a signing request nothing is taken but its key and its names: what a certificate may be used for is ours to say, so
//! a request that asks to be a CA becomes an ordinary certificate. A request must be signed by the key that is in it, so
//! that nobody is given a certificate for a key that another holds. Certificates begin the day before, for clocks that
//! are behind. There are no name constraints: one CA signs for every service of its project, whose names share no suffix
//! but the installation's, and that is a setting which may change within ten years.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use app::domain::{
    ProjectName, Timestamp,
    certificate_authority::{CA_DAYS, CERTIFICATE_DAYS, DnsName, InvalidRequest, ServiceCertificate},
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber, SubjectPublicKeyInfo, date_time_ymd,
    string::Ia5String,
};
use x509_parser::{
    certification_request::X509CertificationRequest,
    extensions::{GeneralName, ParsedExtension},
    oid_registry::{OID_PKCS1_SHA1WITHRSA, OID_SHA1_WITH_RSA},
    prelude::FromDer,
    public_key::PublicKey,
};

use crate::seal;

const DAY: i64 = 86_400;
/// The most that a request may have; real ones have one to four thousand characters.
const MOST: usize = 16 * 1024;
const LEAST_RSA_BITS: usize = 2048;
/// The most that a common name may have (RFC 5280, ub-common-name).
const COMMON_NAME: usize = 64;

/// A CA that was just made.
pub struct Made {
    /// PEM.
    pub certificate: String,
    /// PKCS #8; to be sealed at once.
    pub key: Vec<u8>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// A CA that can sign: its certificate in PEM and its key as PKCS #8.
pub struct Signer<'a> {
    pub certificate: &'a str,
    pub key: &'a [u8],
    pub not_after: Timestamp,
}

/// What a signing request asks for, once it has proved that it holds its key.
#[derive(Debug)]
pub struct Request {
    /// In order, each once; never none.
    pub names: Vec<DnsName>,
    key: SubjectPublicKeyInfo,
}

/// A new CA of a project.
///
/// # Errors
/// If the machine cannot make a key.
pub fn make(project: &ProjectName, now: Timestamp) -> Result<Made> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("making the CA's key")?;
    let (not_before, not_after) = (yesterday(now), midnight(now.plus_seconds(CA_DAYS * DAY)));
    let mut parameters = lasting(not_before, not_after);
    parameters.distinguished_name.push(DnType::OrganizationName, "Causeway project CA");
    parameters.distinguished_name.push(DnType::CommonName, project.as_str());
    // It signs certificates of services, and none that could sign others.
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = parameters.self_signed(&key).context("making the CA")?.pem();
    Ok(Made { certificate, key: key.serialize_der(), not_before, not_after })
}

/// Reads a request, and asks whether whoever made it holds its key.
///
/// # Errors
/// In a sentence for whoever pasted it.
pub fn read(text: &str) -> Result<Request, InvalidRequest> {
    // Anywhere in the text: whoever pastes a whole file shall hear of it before anything else.
    if text.contains("PRIVATE KEY-----") {
        return Err(InvalidRequest::PrivateKey);
    }
    if text.len() > MOST {
        return Err(InvalidRequest::Shape);
    }
    let der = one_pem_block(text).ok_or(InvalidRequest::Shape)?;
    let (rest, request) = X509CertificationRequest::from_der(&der).map_err(|_| InvalidRequest::Shape)?;
    if !rest.is_empty() {
        return Err(InvalidRequest::Shape);
    }
    let algorithm = &request.signature_algorithm.algorithm;
    if *algorithm == OID_PKCS1_SHA1WITHRSA || *algorithm == OID_SHA1_WITH_RSA {
        return Err(InvalidRequest::Sha1);
    }
    let info = &request.certification_request_info;
    let key = certifiable(&info.subject_pki)?;
    request.verify_signature().map_err(|_| InvalidRequest::Signature)?;
    Ok(Request { names: names(&request)?, key })
}

/// The one block of a request's PEM; text around it is let be, as openssl does.
fn one_pem_block(text: &str) -> Option<Vec<u8>> {
    let mut found = None;
    for pem in x509_parser::pem::Pem::iter_from_buffer(text.as_bytes()) {
        let pem = pem.ok()?;
        if !matches!(pem.label.as_str(), "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") || found.is_some() {
            return None;
        }
        found = Some(pem.contents);
    }
    found
}

fn certifiable(key: &x509_parser::x509::SubjectPublicKeyInfo<'_>) -> Result<SubjectPublicKeyInfo, InvalidRequest> {
    if let Ok(PublicKey::RSA(rsa)) = key.parsed()
        && rsa.key_size() < LEAST_RSA_BITS
    {
        return Err(InvalidRequest::Key);
    }
    SubjectPublicKeyInfo::from_der(key.raw).map_err(|_| InvalidRequest::Key)
}

/// The alternative names, and the common name where it is a host's: some tools write nothing else.
fn names(request: &X509CertificationRequest<'_>) -> Result<Vec<DnsName>, InvalidRequest> {
    let mut names = BTreeSet::new();
    for extension in request.requested_extensions().into_iter().flatten() {
        let ParsedExtension::SubjectAlternativeName(alternative) = extension else { continue };
        for name in &alternative.general_names {
            match name {
                GeneralName::DNSName(name) => names.insert(name.parse()?),
                GeneralName::IPAddress(_) => return Err(InvalidRequest::OtherName("an IP address")),
                GeneralName::RFC822Name(_) => return Err(InvalidRequest::OtherName("an e-mail address")),
                GeneralName::URI(_) => return Err(InvalidRequest::OtherName("a URI")),
                _ => return Err(InvalidRequest::OtherName("a name that is no host's")),
            };
        }
    }
    let subject = &request.certification_request_info.subject;
    let common = subject.iter_common_name().filter_map(|name| name.as_str().ok());
    names.extend(common.filter(|name| name.contains('.')).filter_map(|name| name.parse::<DnsName>().ok()));
    if names.is_empty() { Err(InvalidRequest::NoName) } else { Ok(names.into_iter().collect()) }
}

/// Signs a request. Whether its names may be certified was asked before.
///
/// # Errors
/// If the CA's certificate or key is damaged.
pub fn sign(signer: &Signer<'_>, request: &Request, now: Timestamp) -> Result<ServiceCertificate> {
    let key = KeyPair::try_from(signer.key).context("the CA's key")?;
    let issuer = Issuer::from_ca_cert_pem(signer.certificate, key).context("the CA's certificate")?;
    let not_before = yesterday(now);
    let not_after = midnight(now.plus_seconds(CERTIFICATE_DAYS * DAY)).min(signer.not_after);
    let mut parameters = lasting(not_before, not_after);
    let san = |name: &DnsName| Ia5String::try_from(name.as_str()).map(SanType::DnsName).context("a host name");
    parameters.subject_alt_names = request.names.iter().map(san).collect::<Result<_>>()?;
    if let Some(name) = request.names.iter().find(|name| name.as_str().len() <= COMMON_NAME) {
        parameters.distinguished_name.push(DnType::CommonName, name.as_str());
    }
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    let serial = parameters.serial_number.as_ref().map(SerialNumber::to_bytes).unwrap_or_default();
    let certificate = parameters.signed_by(&request.key, &issuer).context("signing")?.pem();
    Ok(ServiceCertificate {
        serial: serial.iter().map(|byte| format!("{byte:02x}")).collect(),
        names: request.names.clone(),
        not_before,
        not_after,
        certificate,
    })
}

/// What every certificate begins with: a number that nobody can guess and nobody has, and no subject yet.
fn lasting(not_before: Timestamp, not_after: Timestamp) -> CertificateParams {
    let mut serial: [u8; 16] = seal::random();
    // Positive, and always of one length.
    serial[0] = (serial[0] & 0x3f) | 0x40;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    // Certificates last from midnight to midnight, so that rcgen's own way to name a day is enough.
    let date = |midnight: Timestamp| {
        let (year, month, day, ..) = midnight.parts();
        let small = |number: u32| u8::try_from(number).expect("a month or a day");
        date_time_ymd(i32::try_from(year).expect("a year of ours"), small(month), small(day))
    };
    (parameters.not_before, parameters.not_after) = (date(not_before), date(not_after));
    parameters
}

fn midnight(moment: Timestamp) -> Timestamp {
    Timestamp::from_seconds(moment.seconds().div_euclid(DAY) * DAY)
}

fn yesterday(moment: Timestamp) -> Timestamp {
    midnight(moment).plus_seconds(-DAY)
}

#[cfg(test)]
#[path = "signing_tests.rs"]
mod tests;

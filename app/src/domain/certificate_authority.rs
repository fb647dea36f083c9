//! A project's own certificate authority, and what it signs (domain 1.14).
//!
//! Names inside a VPC are nobody's on the internet, so no public CA signs for them and none validates these
//! certificates: clients trust the project's CA and nothing else. The private key of a service stays on its host; the
//! console is given a signing request, and signs names of that service only.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Refusal, ServiceName, Timestamp, standing::Standing, text_newtype};

/// How long a CA lasts: clients hold it as their root, and replacing it means going to each of them.
pub const CA_DAYS: i64 = 3650;
/// How long a certificate lasts. A person renews it, since the key never comes here, so a year and not ninety days; and
/// there is no list of revoked ones, so a stolen key is worth no more than that. Within what browsers take (398 days).
pub const CERTIFICATE_DAYS: i64 = 365;
/// How long before its end a certificate asks for a new one.
pub const RENEW_DAYS: i64 = 30;

/// What is said wherever the CA is shown.
pub const NOT_PUBLIC: &str = "No public CA validates certificates signed by it: give the CA certificate to the clients as their root, or they refuse the connection.";

/// A host name as a certificate has it: lower-case, complete, no wildcard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DnsName(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is not a host name. Host names are labels of letters, digits and dashes with dots between, such as db-harbor.causeway.internal."
)]
pub struct InvalidDnsName(String);

impl DnsName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DnsName {
    type Err = InvalidDnsName;

    /// The dot at the end of a complete name is left out, as certificates do.
    fn from_str(text: &str) -> Result<Self, InvalidDnsName> {
        let name = text.trim().trim_end_matches('.').to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // 10.0.0.1 is made of labels too.
        let address = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        if name.len() <= 253 && name.split('.').all(label) && !address {
            return Ok(Self(name));
        }
        Err(InvalidDnsName(shown(text)))
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_newtype!(DnsName, InvalidDnsName);

/// What a stranger wrote, fit to be repeated: printable, and not longer than a line.
fn shown(text: &str) -> String {
    let kept: String = text.trim().chars().filter(|c| !c.is_control()).take(80).collect();
    if kept.is_empty() { "An empty text".to_owned() } else { kept }
}

/// The CA of a project, without its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateAuthority {
    /// PEM.
    pub certificate: String,
    /// SHA-256 of the DER, as `openssl x509 -fingerprint -sha256` writes it.
    pub fingerprint: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// A certificate that was issued for names of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCertificate {
    /// Lower-case hexadecimal.
    pub serial: String,
    /// In order, each once.
    pub names: Vec<DnsName>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// PEM, without the CA's.
    pub certificate: String,
}

impl ServiceCertificate {
    /// What a server is given: its certificate, then the CA's.
    pub fn chain(&self, authority: &CertificateAuthority) -> String {
        format!("{}{}", self.certificate, authority.certificate)
    }

    /// It is time to ask for another one.
    pub fn is_due(&self, now: Timestamp) -> bool {
        now >= self.not_after.plus_seconds(-RENEW_DAYS * 86_400)
    }

    pub fn has_ended(&self, now: Timestamp) -> bool {
        now >= self.not_after
    }

    /// Among all of its service: one that was renewed in time wants nobody's attention any more.
    pub fn standing(&self, all: &[Self], now: Timestamp) -> Standing {
        let covers = |other: &Self| self.names.iter().all(|name| other.names.contains(name));
        if !self.is_due(now) {
            Standing::AsAsked
        } else if all.iter().any(|other| !other.is_due(now) && covers(other)) {
            Standing::Off
        } else if self.has_ended(now) {
            Standing::Failed
        } else {
            Standing::YourTurn
        }
    }

    /// The word on its badge.
    pub fn word(&self, all: &[Self], now: Timestamp) -> &'static str {
        match self.standing(all, now) {
            Standing::Failed => "Ended",
            Standing::YourTurn => "Ends soon",
            Standing::Off => "Renewed",
            Standing::Moving | Standing::AsAsked => "Valid",
        }
    }
}

/// The commands that make a key and a signing request for it on a service's host, where the key stays.
pub fn request_commands(service: &ServiceName, own: &BTreeSet<DnsName>) -> String {
    let names: Vec<String> = own.iter().map(|name| format!("DNS:{name}")).collect();
    // The subject is left empty: a common name may be shorter than a host's name (RFC 5280), and clients read only these.
    format!(
        "(umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {service}.key)\n\
         openssl req -new -sha256 -key {service}.key -subj / \\\n  -addext subjectAltName={} -out {service}.csr\n\
         cat {service}.csr",
        names.join(",")
    )
}

/// Why a signing request cannot be signed, whoever asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    #[error(
        "Paste one certificate signing request in PEM. It begins with -----BEGIN CERTIFICATE REQUEST-----; openssl req -new makes one."
    )]
    Shape,
    #[error(
        "This is a private key, and it belongs on its host only. Make a new one there, and paste the signing request that is made with it."
    )]
    PrivateKey,
    #[error("The request's signature is not by the key in it: it was changed after it was made. Make it again.")]
    Signature,
    #[error("The request is signed with SHA-1. Make it again with -sha256.")]
    Sha1,
    #[error(
        "Keys of this kind are not certified. Make one of ECDSA P-256 or P-384, Ed25519, or RSA with 2048 bits or more."
    )]
    Key,
    #[error(transparent)]
    Name(#[from] InvalidDnsName),
    #[error("The request asks for {0}. Only host names are certified: leave it out.")]
    OtherName(&'static str),
    #[error("The request names no host. Add the service's names: -addext subjectAltName=DNS:NAME,DNS:NAME")]
    NoName,
}

/// Every name that is asked for must be one of the service's.
pub fn admit(service: &ServiceName, asked: &[DnsName], own: &BTreeSet<DnsName>) -> Result<(), Refusal> {
    let Some(foreign) = asked.iter().find(|name| !own.contains(name)) else { return Ok(()) };
    let own = own.iter().map(DnsName::as_str).collect::<Vec<_>>().join(", ");
    let names = if own.is_empty() { "It has none yet.".to_owned() } else { format!("Its names: {own}.") };
    Err(Refusal::conflict("request", format!("{foreign} is not a host name of {service}. {names}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DnsName {
        text.parse().expect("a host name")
    }

    #[test]
    fn a_host_name_is_read_as_a_certificate_has_it() {
        assert_eq!(name(" Public-DB.Harbor.Example.COM. ").as_str(), "public-db.harbor.example.com");
        for text in
            ["", "*.example.com", "a..b", "-a.example.com", "a_b.example.com", "ä.example.com", "10.0.0.1", "a b"]
        {
            assert!(text.parse::<DnsName>().is_err(), "{text}");
        }
        assert!(format!("{}.example.com", "a".repeat(64)).parse::<DnsName>().is_err());
        assert!(vec!["a".repeat(60); 5].join(".").parse::<DnsName>().is_err(), "longer than 253");
    }

    #[test]
    fn what_a_stranger_wrote_is_repeated_in_one_short_line() {
        let error = format!("evil\u{1b}[31m\n{}", "x".repeat(500)).parse::<DnsName>().unwrap_err().to_string();
        assert!(error.len() < 250 && !error.contains('\u{1b}') && !error.contains('\n'), "{error}");
    }

    #[test]
    fn a_foreign_name_is_refused_and_told() {
        let service: ServiceName = "db".parse().expect("a name");
        let own = BTreeSet::from([name("db-harbor.causeway.internal"), name("public-db-harbor.causeway.internal")]);
        let all: Vec<DnsName> = own.iter().cloned().collect();
        assert_eq!(admit(&service, &all, &own), Ok(()));
        let refusal = admit(&service, &[all[0].clone(), name("bank.example.com")], &own).unwrap_err();
        assert_eq!(
            refusal.sentence,
            "bank.example.com is not a host name of db. Its names: db-harbor.causeway.internal, public-db-harbor.causeway.internal."
        );
        let refusal = admit(&service, &[name("db.example.com")], &BTreeSet::new()).unwrap_err();
        assert!(refusal.sentence.ends_with("It has none yet."), "{}", refusal.sentence);
    }

    #[test]
    fn a_certificate_asks_for_another_thirty_days_before_its_end() {
        let end = Timestamp::from_seconds(400 * 86_400);
        let certificate = ServiceCertificate {
            serial: "01".to_owned(),
            names: vec![name("db.example.com")],
            not_before: Timestamp(0),
            not_after: end,
            certificate: String::new(),
        };
        assert!(!certificate.is_due(end.plus_seconds(-30 * 86_400 - 1)));
        assert!(certificate.is_due(end.plus_seconds(-30 * 86_400)));
    }

    #[test]
    fn one_that_was_renewed_in_time_asks_for_nothing() {
        let ends = |days: i64, names: &[&str]| ServiceCertificate {
            serial: days.to_string(),
            names: names.iter().map(|text| name(text)).collect(),
            not_before: Timestamp(0),
            not_after: Timestamp::from_seconds(days * 86_400),
            certificate: String::new(),
        };
        let now = Timestamp::from_seconds(400 * 86_400);
        let (old, soon) = (ends(399, &["a.example.com", "b.example.com"]), ends(410, &["a.example.com"]));
        let word = |one: &ServiceCertificate, beside: &[ServiceCertificate]| one.word(beside, now);
        assert_eq!([word(&old, &[]), word(&soon, &[])], ["Ended", "Ends soon"]);
        let next = [ends(700, &["a.example.com"])];
        assert_eq!([word(&old, &next), word(&soon, &next), word(&next[0], &next)], ["Ended", "Renewed", "Valid"]);
    }

    #[test]
    fn the_commands_ask_for_every_name_of_the_service_and_keep_the_key_on_its_host() {
        let own = BTreeSet::from([name("db-harbor.causeway.internal"), name("public-db-harbor.causeway.internal")]);
        let commands = request_commands(&"db".parse().expect("a name"), &own);
        let names = "subjectAltName=DNS:db-harbor.causeway.internal,DNS:public-db-harbor.causeway.internal -out db.csr";
        assert!(commands.contains(names), "{commands}");
        assert!(commands.starts_with("(umask 077 && ") && commands.ends_with("\ncat db.csr"), "{commands}");
    }
}

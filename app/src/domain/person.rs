//! People who sign in: what they type, and what a page knows of the one who did.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{PersonId, ProjectName, Refusals, Timestamp, refusal::Parse, support::Support, text_newtype};

/// An e-mail address, lower-cased. Checked for shape only; nothing is sent to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Enter an e-mail address, for example ingrid@example.com.")]
pub struct InvalidEmail;

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim().to_lowercase();
        let (local, domain) = text.split_once('@').ok_or(InvalidEmail)?;
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '@' || c == ',';
        if local.is_empty() || domain.is_empty() || text.len() > 254 || local.contains(bad) || domain.contains(bad) {
            return Err(InvalidEmail);
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_newtype!(Email, InvalidEmail);

/// A password that was typed. Neither printed nor serialized.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// NIST SP 800-63B: length is what counts, and a bound keeps the hash affordable.
    pub fn chosen(text: &str) -> Result<Self, &'static str> {
        match text.chars().count() {
            0..12 => Err("Choose a password of at least 12 characters."),
            12..=1024 => Ok(Self(text.to_owned())),
            _ => Err("A password has at most 1,024 characters."),
        }
    }

    /// As typed into the sign-in form; anything may be tried.
    pub fn tried(text: &str) -> Self {
        Self(text.chars().take(1024).collect())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// The first administrator, with the organization and project that are made at set-up.
#[derive(Clone, Debug)]
pub struct SetUp {
    pub email: Email,
    pub password: Password,
    pub organization: String,
    pub project: ProjectName,
}

impl SetUp {
    /// Fields `email`, `password`, `organization` and `project`.
    pub fn parse(email: &str, password: &str, organization: &str, project: &str) -> Result<Self, Refusals> {
        let mut parse = Parse::default();
        let email = parse.field("email", email);
        let password = parse.keep("password", Password::chosen(password));
        let organization = parse.keep(
            "organization",
            match organization.trim() {
                "" => Err("Enter a name for your organization."),
                text if text.chars().count() > 83 => Err("A name has at most 83 characters."),
                text if text.contains(char::is_control) => Err("A name has no control characters in it."),
                text => Ok(text.to_owned()),
            },
        );
        let project = parse.field("project", project);
        parse.done()?;
        Ok(Self {
            email: email.expect("nothing was refused"),
            password: password.expect("nothing was refused"),
            organization: organization.expect("nothing was refused"),
            project: project.expect("nothing was refused"),
        })
    }
}

/// Who is signed in, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    pub person: PersonId,
    pub email: Email,
    pub organization: String,
    pub projects: Vec<ProjectName>,
    /// Those in which the person may change networks too; elsewhere forms are disabled with a sentence.
    pub writable: Vec<ProjectName>,
    /// Where the operator wants people to turn; nothing if they have not said.
    pub support: Option<Support>,
    /// The number of the last change, for the live mark.
    pub seq: u64,
    pub now: Timestamp,
}

impl Viewer {
    pub fn may_write(&self, project: &ProjectName) -> bool {
        self.writable.contains(project)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_lower_cased_and_needs_both_halves() {
        assert_eq!(
            "Ingrid@Example.com ".parse::<Email>().map(|email| email.to_string()),
            Ok("ingrid@example.com".into())
        );
        for text in ["", "ingrid", "@example.com", "ingrid@", "a b@example.com", "a@b@c"] {
            assert_eq!(text.parse::<Email>(), Err(InvalidEmail), "{text}");
        }
    }

    #[test]
    fn an_organizations_name_is_plain_text() {
        let refusals = SetUp::parse("a@b", "long enough for us", "Tide\0water", "harbor-prod").unwrap_err();
        assert_eq!(refusals.at("organization"), Some("A name has no control characters in it."));
    }

    #[test]
    fn a_short_password_is_refused_at_its_field() {
        let refusals = SetUp::parse("a@b", "short", "Tidewater", "harbor-prod").unwrap_err();
        assert_eq!(refusals.at("password"), Some("Choose a password of at least 12 characters."));
        assert_eq!(refusals.0.len(), 1);
    }
}

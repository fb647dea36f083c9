//! Where a person turns when the console's own words do not help: an address that the operator sets (checklist 46).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{person::Email, text_newtype};

/// A web page or an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Support {
    Page(String),
    Email(Email),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Write a web address such as https://support.example.com, or an e-mail address.")]
pub struct InvalidSupport;

impl Support {
    /// What a link leads to.
    pub fn href(&self) -> String {
        match self {
            Self::Page(url) => url.clone(),
            Self::Email(address) => format!("mailto:{address}"),
        }
    }
}

impl FromStr for Support {
    type Err = InvalidSupport;
    /// Only http and https: nobody but a browser is to open it, and no script is to come of it.
    fn from_str(text: &str) -> Result<Self, InvalidSupport> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        let Some(rest) = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")) else {
            let address = lower.strip_prefix("mailto:").unwrap_or(&lower);
            let whole = !address.contains([':', '/', '?', '"', '<', '>']);
            return address.parse().ok().filter(|_| whole).map(Self::Email).ok_or(InvalidSupport);
        };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let bad = |c: char| c.is_whitespace() || c.is_control() || "\"<>\\".contains(c);
        // A password in front of the host would be shown to everybody.
        if host.is_empty() || host.contains('@') || text.len() > 500 || text.contains(bad) {
            return Err(InvalidSupport);
        }
        Ok(Self::Page(text.to_owned()))
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(url) => f.pad(url),
            Self::Email(address) => address.fmt(f),
        }
    }
}

text_newtype!(Support, InvalidSupport);

#[cfg(test)]
mod tests {
    use super::*;

    fn href(text: &str) -> Option<String> {
        text.parse::<Support>().ok().map(|support| support.href())
    }

    #[test]
    fn row_46_support_is_a_web_address_or_an_e_mail_address() {
        let page = "https://support.example.com/new?product=Causeway";
        assert_eq!(href(page).as_deref(), Some(page));
        assert_eq!(href("Help@Example.com").as_deref(), Some("mailto:help@example.com"));
        assert_eq!(href("mailto:help@example.com").as_deref(), Some("mailto:help@example.com"));
    }

    #[test]
    fn what_a_browser_should_not_open_is_no_support() {
        for text in [
            "",
            "support",
            "javascript:alert(1)@example.com",
            "ftp://support.example.com",
            "https://",
            "https://me:secret@support.example.com",
            "https://support.example.com/\"onclick=",
            "help@example.com?cc=other@example.com",
        ] {
            assert_eq!(text.parse::<Support>(), Err(InvalidSupport), "{text}");
        }
    }
}

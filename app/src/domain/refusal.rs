//! Why a request was refused, in words a person can act on.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// What kind of mistake it was; decides the HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalKind {
    /// The input cannot be understood or is out of bounds: 400.
    Malformed,
    /// The input is fine, but the network is not in a state that allows it: 409.
    Conflict,
}

/// One reason, with the form field it belongs to (`""` for the form as a whole).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub field: Cow<'static, str>,
    pub kind: RefusalKind,
    pub sentence: String,
}

impl Refusal {
    pub fn malformed(field: &'static str, sentence: impl fmt::Display) -> Self {
        Self { field: field.into(), kind: RefusalKind::Malformed, sentence: sentence.to_string() }
    }

    pub fn conflict(field: &'static str, sentence: impl fmt::Display) -> Self {
        Self { field: field.into(), kind: RefusalKind::Conflict, sentence: sentence.to_string() }
    }
}

/// Every reason at once, so that a form shows each beside its field. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusals(pub Vec<Refusal>);

impl Refusals {
    /// `Ok` if nothing was refused.
    pub fn none_of(refusals: Vec<Refusal>) -> Result<(), Self> {
        if refusals.is_empty() { Ok(()) } else { Err(Self(refusals)) }
    }

    /// The first sentence for a field.
    pub fn at(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|refusal| refusal.field == field).map(|refusal| refusal.sentence.as_str())
    }

    pub fn first(&self) -> Option<&Refusal> {
        self.0.first()
    }

    /// 400 if any reason is malformed input, else 409.
    pub fn status(&self) -> u16 {
        if self.0.iter().any(|refusal| refusal.kind == RefusalKind::Malformed) { 400 } else { 409 }
    }
}

impl From<Refusal> for Refusals {
    fn from(refusal: Refusal) -> Self {
        Self(vec![refusal])
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentences: Vec<&str> = self.0.iter().map(|refusal| refusal.sentence.as_str()).collect();
        f.write_str(&sentences.join(" "))
    }
}

impl std::error::Error for Refusals {}

/// Parses the fields of a form one after the other and keeps every refusal.
///
/// ```
/// # use app::domain::{refusal::Parse, Cidr, VpcName};
/// let mut parse = Parse::default();
/// let name = parse.field::<VpcName>("name", "Alpha");
/// let cidr = parse.field::<Cidr>("cidr", "10.0.0.0/24");
/// assert!(name.is_none() && cidr.is_some());
/// assert!(parse.done().is_err());
/// ```
#[derive(Default)]
pub struct Parse(Vec<Refusal>);

impl Parse {
    pub fn field<T: std::str::FromStr<Err: fmt::Display>>(&mut self, field: &'static str, text: &str) -> Option<T> {
        self.keep(field, text.parse())
    }

    /// As [`Parse::field`], but an empty text is `None` without a refusal.
    pub fn optional<T: std::str::FromStr<Err: fmt::Display>>(&mut self, field: &'static str, text: &str) -> Option<T> {
        if text.trim().is_empty() { None } else { self.field(field, text) }
    }

    pub fn keep<T, E: fmt::Display>(&mut self, field: &'static str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.0.push(Refusal::malformed(field, error))).ok()
    }

    pub fn refuse(&mut self, refusal: Refusal) {
        self.0.push(refusal);
    }

    /// `Ok` if every field was understood.
    pub fn done(self) -> Result<(), Refusals> {
        Refusals::none_of(self.0)
    }
}

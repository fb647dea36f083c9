//! What can go wrong with a cloud, and whose it is to mend.

use std::time::Duration;

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Throttled, busy or broken for the moment: the same request later.
    Retry,
    /// The cloud could not be reached, or its answer was lost.
    Unreachable,
    /// The console's credentials are wrong, expired or revoked.
    Credentials,
    /// The credentials are good but may not do this.
    Denied,
    /// The person asked for something that cannot be: it has to be corrected on their side.
    Specification,
    /// A limit of the operator's account, or something else that only the operator can mend.
    Operator,
    /// It is not there.
    Gone,
    /// The cloud answered something that the driver does not understand.
    Unexpected,
}

/// An answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    pub class: Class,
    /// The cloud's own code, such as `RequestLimitExceeded`; `transport` if it said nothing.
    pub code: String,
    /// The cloud's own sentence, verbatim. Never holds credentials.
    pub message: String,
    /// How long the cloud asked us to wait.
    pub retry_after: Option<Duration>,
}

pub type Outcome<T> = Result<T, Failure>;

/// As many things as a sentence names.
const MOST: usize = 8;

/// What is in the way of something, for a sentence.
pub(crate) fn listed(things: &[String]) -> String {
    let named = things.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match things.len().saturating_sub(MOST) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

impl Failure {
    pub fn new(class: Class, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { class, code: code.into(), message: message.into(), retry_after: None }
    }
}

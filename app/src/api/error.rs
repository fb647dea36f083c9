//! The one error that a server function answers with.

use serde::{Deserialize, Serialize};
use server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};

use crate::domain::{Refusals, permission::Permission};

/// What went wrong, whose it is to mend, and in which words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiError {
    /// The person can fix this; shown beside the field it names. 400 or 409.
    #[error("{0}")]
    Refused(#[from] Refusals),
    /// No session, or it has ended. 401.
    #[error("Your session has ended. Sign in again; what you typed is still here.")]
    Unauthenticated,
    /// May view, may not act. 403.
    #[error("You need {permission} in {scope}.")]
    Forbidden { permission: Permission, scope: String },
    /// Not there, or not for this person to know of. 404.
    #[error("There is nothing here by that name. It may have been deleted.")]
    NotFound,
    /// Too many attempts. 429.
    #[error("Too many attempts. Try again in {seconds} s.")]
    TooMany { seconds: u64 },
    /// The body cannot be read as what the function takes. 400.
    #[error("The request could not be understood: {0}")]
    Malformed(String),
    /// Ours to fix; the log has the story under this reference. 500.
    #[error("Something went wrong on our side; nothing was changed. Give this reference to whoever runs Causeway: {0}")]
    Internal(String),
    /// The browser did not reach the console.
    #[error("The console did not answer ({0}). The network runs on without it; try again in a moment.")]
    Transport(String),
}

impl ApiError {
    pub fn status(&self) -> u16 {
        match self {
            Self::Refused(refusals) => refusals.status(),
            Self::Unauthenticated => 401,
            Self::Forbidden { .. } => 403,
            Self::NotFound => 404,
            Self::TooMany { .. } => 429,
            Self::Malformed(_) => 400,
            Self::Internal(_) => 500,
            Self::Transport(_) => 503,
        }
    }

    /// The sentence for a form field.
    pub fn at(&self, field: &str) -> Option<&str> {
        match self {
            Self::Refused(refusals) => refusals.at(field),
            _ => None,
        }
    }

    /// What belongs to the form as a whole: everything that names no field among `fields`.
    pub fn beside(&self, fields: &[&str]) -> Option<String> {
        match self {
            Self::Refused(refusals) => {
                let rest: Vec<&str> = refusals
                    .0
                    .iter()
                    .filter(|refusal| !fields.contains(&refusal.field.as_ref()))
                    .map(|refusal| refusal.sentence.as_str())
                    .collect();
                (!rest.is_empty()).then(|| rest.join(" "))
            }
            other => Some(other.to_string()),
        }
    }
}

impl From<crate::domain::Refusal> for ApiError {
    fn from(refusal: crate::domain::Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(reason)
            | ServerFnErrorErr::MissingArg(reason)
            | ServerFnErrorErr::Deserialization(reason) => Self::Malformed(reason),
            other => Self::Transport(other.to_string()),
        }
    }
}

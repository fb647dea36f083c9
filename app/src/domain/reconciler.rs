//! What the reconcilers page shows of each controller.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// One controller's last pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerStatus {
    pub name: String,
    /// What it answers for, in a sentence.
    pub purpose: String,
    /// How many things it answered for in the last pass.
    pub keys: u64,
    pub last_run: Option<Timestamp>,
    pub duration_micros: u64,
    pub runs: u64,
    /// What failed in the last pass: the key and the reason.
    pub failures: Vec<(String, String)>,
    /// When it runs by itself if nothing wakes it.
    pub next_run: Option<Timestamp>,
}

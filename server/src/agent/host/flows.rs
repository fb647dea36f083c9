//! Forgets the flows of those whose access was taken away, where the host has `conntrack`.
//!
//! Nothing depends on it: a removed peer is cut off by WireGuard itself, and the guard
//! stands before `established`. It only keeps the connection table honest.

use app::domain::Cidr;

use super::command;

/// Each range costs two runs of a tool that walks the whole table.
const AT_MOST: usize = 32;

pub async fn forget_flows(ranges: &[Cidr]) {
    for range in ranges.iter().take(AT_MOST) {
        let range = range.to_string();
        for direction in ["--orig-src", "--orig-dst"] {
            match command::run("conntrack", &["-D", direction, &range], b"").await {
                // It fails when there was nothing to delete.
                Ok(_) => {}
                Err(error) => return tracing::debug!(%error, "conntrack is not used"),
            }
        }
    }
}

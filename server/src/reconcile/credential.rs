//! An agent's credential: whose it is, for which key pair and since when, sealed with the master key.
//!
//! The database keeps its digest, and what is not there was revoked. But a database may be an
//! older copy that was put back, and must not strand the hosts that were enrolled since. Such a
//! copy can tell by the seal that this console issued the credential, and by its moment that this
//! was after anything that the copy knows of the host. What was revoked after the copy was
//! made is forgotten with everything else that happened since.

use app::domain::{PublicKey, Timestamp, host::HostId};
use serde::{Deserialize, Serialize};

use crate::seal::Sealer;

const PURPOSE: &str = "credential of an agent";

/// What a credential says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    #[serde(flatten)]
    pub host: HostId,
    /// The host's: a copy that does not know the host does not know its key either.
    pub public_key: PublicKey,
    pub issued_at: Timestamp,
}

impl Claim {
    /// A bearer token; never the same one twice.
    pub fn seal(&self, sealer: &Sealer) -> String {
        sealer.seal(PURPOSE, &serde_json::to_vec(self).expect("plain data serializes"))
    }

    /// `None`: this console did not issue it.
    pub fn open(sealer: &Sealer, credential: &str) -> Option<Self> {
        serde_json::from_slice(&sealer.open(PURPOSE, credential).ok()?).ok()
    }
}

//! The host's own key pair. The private half is made here, stays here and is never printed.

use std::{fmt, str::FromStr};

use app::domain::PublicKey;
use base64::{Engine, engine::general_purpose::STANDARD};
use x25519_dalek::{PublicKey as Point, StaticSecret};

/// A Curve25519 private key.
#[derive(Clone)]
pub struct PrivateKey(StaticSecret);

impl PrivateKey {
    pub fn random() -> Self {
        Self::from_bytes(rand::random())
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(StaticSecret::from(bytes))
    }

    pub fn public(&self) -> PublicKey {
        PublicKey::from_bytes(*Point::from(&self.0).as_bytes())
    }

    /// For WireGuard's configuration socket.
    pub fn to_hex(&self) -> String {
        self.0.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// For `wg` and for the file that keeps it.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0.as_bytes())
    }
}

impl FromStr for PrivateKey {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let bytes = STANDARD.decode(text.trim())?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| anyhow::anyhow!("a private key has 32 bytes"))?;
        Ok(Self::from_bytes(bytes))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_and_is_never_printed_by_debug() {
        let key = PrivateKey::random();
        let again: PrivateKey = key.to_base64().parse().expect("its own text");
        assert_eq!(again.public(), key.public());
        assert_eq!(format!("{key:?}"), "PrivateKey(hidden)");
    }

    #[test]
    fn the_public_half_is_what_wg_pubkey_prints() {
        let key = PrivateKey::from_bytes([0x11; 32]);
        assert_eq!(key.public().to_string(), "e06Qm75//kTEZaIgA31gjuNYl9Me+XLwf3SJLLD3PxM=");
    }
}

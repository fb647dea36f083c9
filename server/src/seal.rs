//! Secrets at rest: sealed with the master key, and bound to what they are for.
//!
//! XChaCha20-Poly1305 with a random nonce, so that nobody counts nonces. The purpose is
//! authenticated but not stored: a sealed text that is moved to another row does not open.
//! The text form starts with its version, so that another cipher can follow.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::{TryRngCore, rngs::OsRng};

const VERSION: &str = "v1.";
const NONCE: usize = 24;

/// Seals and opens with one master key.
#[derive(Clone)]
pub struct Sealer(XChaCha20Poly1305);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the sealed text was written by a newer Causeway, or is damaged")]
    Form,
    #[error(
        "the sealed text does not open: it was sealed with another master key, moved or changed. Start with the master key that this database was written with"
    )]
    Key,
}

impl Sealer {
    pub fn new(key: [u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(Key::from_slice(&key)))
    }

    /// Never the same text twice.
    pub fn seal(&self, purpose: &str, bytes: &[u8]) -> String {
        let nonce: [u8; NONCE] = random();
        let payload = Payload { msg: bytes, aad: purpose.as_bytes() };
        let sealed =
            self.0.encrypt(XNonce::from_slice(&nonce), payload).expect("a secret is far below the cipher's 256 GiB");
        format!("{VERSION}{}", URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// # Errors
    /// If the text is not of this key and purpose.
    pub fn open(&self, purpose: &str, text: &str) -> Result<Vec<u8>, SealError> {
        let text = text.strip_prefix(VERSION).ok_or(SealError::Form)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError::Form)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE).ok_or(SealError::Form)?;
        let payload = Payload { msg: sealed, aad: purpose.as_bytes() };
        self.0.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| SealError::Key)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(hidden)")
    }
}

/// Random bytes from the operating system: for keys, tokens and nonces.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes).expect("the operating system has randomness once it has started");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_with_its_key_and_purpose_only() {
        let sealer = Sealer::new([7; 32]);
        let text = sealer.seal("preshared key of laptop", b"secret");
        assert_eq!(sealer.open("preshared key of laptop", &text), Ok(b"secret".to_vec()));
        assert_eq!(sealer.open("preshared key of phone", &text), Err(SealError::Key));
        assert_eq!(Sealer::new([8; 32]).open("preshared key of laptop", &text), Err(SealError::Key));
    }

    #[test]
    fn a_sealed_text_shows_nothing_and_is_never_the_same_twice() {
        let sealer = Sealer::new([7; 32]);
        let (one, other) = (sealer.seal("p", &[1; 32]), sealer.seal("p", &[1; 32]));
        assert_ne!(one, other);
        assert!(one.starts_with("v1.") && !one.contains(&URL_SAFE_NO_PAD.encode([1; 24])));
    }

    #[test]
    fn a_damaged_text_is_refused() {
        let sealer = Sealer::new([7; 32]);
        for text in ["", "v1.", "v1.AAAA", "v2.AAAA", "v1.ä"] {
            assert_eq!(sealer.open("p", text), Err(SealError::Form), "{text}");
        }
        let mut changed = sealer.seal("p", b"secret");
        let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
        changed.push(last);
        assert!(sealer.open("p", &changed).is_err());
    }
}

//! WireGuard key pairs, made in the browser. The private half is shown to its owner and sent nowhere.

use base64::{Engine, engine::general_purpose::STANDARD};
use x25519_dalek::{PublicKey as Curve25519Public, StaticSecret};

use crate::domain::PublicKey;

/// A fresh pair: the private key in base64, clamped as wg(8) writes it, and the public key.
///
/// # Errors
/// If the browser gives no randomness.
pub fn pair() -> Result<(String, PublicKey), &'static str> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(
        |_| "This browser gives no randomness for a key. Make the pair with wg(8) and paste the public key.",
    )?;
    bytes[0] &= 248;
    bytes[31] = (bytes[31] & 127) | 64;
    let secret = StaticSecret::from(bytes);
    let public = Curve25519Public::from(&secret);
    Ok((STANDARD.encode(bytes), PublicKey::from_bytes(*public.as_bytes())))
}

/// The public half of a private key in its text form; `None` if the text is no key.
pub fn public_of(private: &str) -> Option<PublicKey> {
    let bytes: [u8; 32] = STANDARD.decode(private).ok()?.try_into().ok()?;
    Some(PublicKey::from_bytes(*Curve25519Public::from(&StaticSecret::from(bytes)).as_bytes()))
}

//! WireGuard keys in their text form: 32 bytes in base64, 44 characters (wg(8)).

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::text_newtype;

/// The text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Enter a WireGuard public key.")]
pub struct InvalidKey;

/// A Curve25519 public key. Zero is refused: WireGuard takes it for "none".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

/// 32 random bytes that both ends of a tunnel share. Shown to nobody: `Debug` hides it, and `Display` exists for files and documents only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PresharedKey([u8; 32]);

fn decode(text: &str) -> Result<[u8; 32], InvalidKey> {
    let text = text.trim();
    if text.len() != 44 {
        return Err(InvalidKey);
    }
    let bytes = STANDARD.decode(text).map_err(|_| InvalidKey)?;
    let key: [u8; 32] = bytes.try_into().map_err(|_| InvalidKey)?;
    if key == [0; 32] { Err(InvalidKey) } else { Ok(key) }
}

macro_rules! keys {
    ($($name:ident)*) => {$(
        impl $name {
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
            /// The form that WireGuard's configuration socket speaks: 64 lower-case hexadecimal digits.
            pub fn to_hex(self) -> String {
                self.0.iter().map(|byte| format!("{byte:02x}")).collect()
            }
        }
        impl FromStr for $name {
            type Err = InvalidKey;
            fn from_str(text: &str) -> Result<Self, InvalidKey> {
                decode(text).map(Self)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&STANDARD.encode(self.0))
            }
        }
        text_newtype!($name, InvalidKey);
    )*};
}

keys! { PublicKey PresharedKey }

impl PublicKey {
    /// The start of the key, enough to tell two apart in a table.
    pub fn short(self) -> String {
        let text = self.to_string();
        format!("{}…{}", &text[..12], &text[38..])
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for PresharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresharedKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";

    #[test]
    fn a_key_survives_its_text_and_its_hexadecimal_form() {
        let key: PublicKey = KEY.parse().expect("a key from wg(8)");
        assert_eq!(key.to_string(), KEY);
        assert_eq!(key.to_hex().len(), 64);
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        let zero = STANDARD.encode([0; 32]);
        for text in ["", "abc", &KEY[..43], &KEY.replace('=', "A"), &KEY.replace("Dg=", "Dh="), &zero] {
            assert_eq!(text.parse::<PublicKey>(), Err(InvalidKey), "{text}");
        }
    }

    #[test]
    fn a_preshared_key_is_never_printed_by_debug() {
        let key: PresharedKey = KEY.parse().expect("a key");
        assert!(!format!("{key:?}").contains("xTIB"));
    }
}

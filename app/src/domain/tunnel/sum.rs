//! The hash of many peers as a sum, and the one text that each thing has.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::TunnelPeer;

/// A sum of the peers' digests modulo 2^256: order does not matter, and one peer can be taken out and put in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerSum(pub(super) [u64; 4]);

impl PeerSum {
    pub fn add(&mut self, peer: &TunnelPeer) {
        let mut carry = false;
        for (limb, add) in self.0.iter_mut().zip(digest(peer)).rev() {
            let (sum, first) = limb.overflowing_add(add);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            (*limb, carry) = (sum, first || second);
        }
    }

    pub fn remove(&mut self, peer: &TunnelPeer) {
        let mut borrow = false;
        for (limb, take) in self.0.iter_mut().zip(digest(peer)).rev() {
            let (rest, first) = limb.overflowing_sub(take);
            let (rest, second) = rest.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (rest, first || second);
        }
    }
}

fn digest(peer: &TunnelPeer) -> [u64; 4] {
    let bytes = Sha256::digest(canonical(peer));
    let limb = |at: usize| u64::from_be_bytes(bytes[at * 8..at * 8 + 8].try_into().expect("eight bytes"));
    [limb(0), limb(1), limb(2), limb(3)]
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text that is hashed: fields in the order of their names, so that it does not matter in which order, or by which
/// version, they were written.
pub(super) fn canonical(value: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::new();
    write(&serde_json::to_value(value).expect("plain data serializes"), &mut text);
    text
}

fn write(value: &Value, text: &mut Vec<u8>) {
    let mut put = |value: &Value| serde_json::to_writer(&mut *text, value).expect("memory takes it");
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            let mut before = b'{';
            for (name, value) in fields {
                text.push(std::mem::replace(&mut before, b','));
                serde_json::to_writer(&mut *text, name).expect("memory takes it");
                text.push(b':');
                write(value, text);
            }
            text.extend(if before == b'{' { &b"{}"[..] } else { b"}" });
        }
        Value::Array(items) => {
            let mut before = b'[';
            for item in items {
                text.push(std::mem::replace(&mut before, b','));
                write(item, text);
            }
            text.extend(if before == b'[' { &b"[]"[..] } else { b"]" });
        }
        plain => put(plain),
    }
}

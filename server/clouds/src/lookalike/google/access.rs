//! Who calls: a service account's own signature, or a token that it got for one.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rsa::{
    RsaPrivateKey,
    pkcs1::EncodeRsaPublicKey,
    pkcs8::{EncodePrivateKey, LineEnding},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Google, KeyPair, Thing};
use crate::{
    Secret,
    lookalike::{Call, Reply, Side, World},
};

/// How long a token is good, in seconds.
const LIFE: i64 = 3_600;
/// How far a caller's clock may be off, in seconds.
const SKEW: i64 = 300;
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What the token endpoint gave out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    pub side: Side,
    pub expires_at: i64,
}

pub fn key_pair() -> KeyPair {
    let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("2048 bits are a good size");
    let private = key.to_pkcs8_pem(LineEnding::LF).expect("a key can be written");
    let public = key.to_public_key().to_pkcs1_der().expect("a key can be written");
    KeyPair { private: Secret::new(private.as_str()), public: STANDARD.encode(public.as_bytes()) }
}

pub fn caller(world: &World<Google>, call: &Call) -> Option<Side> {
    let token = call.header("authorization")?.strip_prefix("Bearer ")?;
    match world.get(&format!("token/{token}")) {
        Some(Thing::Token(token)) => Some(token.side),
        _ => signed(world, token).map(|(side, _)| side),
    }
}

/// The side whose key signed this, and what it claims.
fn signed(world: &World<Google>, token: &str) -> Option<(Side, Value)> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let part = |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    let (header, claims) = (part(header)?, part(claims)?);
    if header["alg"] != "RS256" {
        return None;
    }
    let side = Side::BOTH.into_iter().find(|side| claims["iss"] == world.account(*side).client_email)?;
    let now = world.now() / 1_000;
    let moment = |claim: &str| claims[claim].as_i64();
    if moment("exp")? < now - SKEW || moment("iat")? > now + SKEW {
        return None;
    }
    let key = STANDARD.decode(&world.account(side).public_key).ok()?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    Some((side, claims))
}

/// A token for a signed assertion.
pub fn exchange(world: &mut World<Google>, call: &Call) -> Result<Reply, Reply> {
    let form = call.form();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let refuse = |error: &str, why: &str| Reply::json(400, &json!({"error": error, "error_description": why}));
    if field("grant_type") != Some(GRANT) {
        return Err(refuse("unsupported_grant_type", "Only assertions are accepted."));
    }
    let signed = field("assertion").and_then(|assertion| signed(world, assertion));
    let Some((side, _)) = signed else {
        return Err(refuse("invalid_grant", "Invalid JWT Signature."));
    };
    let token = format!("ya29.{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    let expires_at = world.now() + LIFE * 1_000;
    world.put(format!("token/{token}"), Thing::Token(Token { side, expires_at }));
    Ok(Reply::json(200, &json!({"access_token": token, "expires_in": LIFE, "token_type": "Bearer"})))
}

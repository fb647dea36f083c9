//! Who a key belongs to, and keys that last an hour.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{
    Answer, Aws, KEY_LETTERS, Keys, Refused, SECRET_LETTERS, Thing, random,
    signature::{Doubt, Signed, timestamp},
    xml::Xml,
};
use crate::{
    Secret,
    lookalike::{Call, Reply, Side, World},
};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// For how long an expired key is told from an unknown one.
pub const REMEMBERED: i64 = 24 * 3600 * 1000;

/// Keys of an assumed role, kept under their access key id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    side: Side,
    #[serde(serialize_with = "crate::lookalike::exposed")]
    secret: Secret,
    #[serde(serialize_with = "crate::lookalike::exposed")]
    token: Secret,
    arn: String,
    pub expires_at: i64,
}

pub enum Stranger {
    UnknownKey,
    Expired,
    Doubt(Doubt),
}

/// Whose key signed this. Signatures are dated by the machine's clock, also where the simulated one is ahead.
pub fn holder(world: &World<Aws>, call: &Call, signed: &Signed) -> Result<Side, Stranger> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    let doubted = |side| move |()| side;
    for side in Side::BOTH {
        let keys = world.account(side);
        if keys.access_key_id == signed.key {
            let verified = signed.verify(call, keys.secret_access_key.expose(), None, now);
            return verified.map(doubted(side)).map_err(Stranger::Doubt);
        }
    }
    let Some(Thing::Session(session)) = world.get(&signed.key) else { return Err(Stranger::UnknownKey) };
    if call.header("x-amz-security-token") != Some(session.token.expose()) {
        return Err(Stranger::UnknownKey);
    }
    let verified = signed.verify(call, session.secret.expose(), Some(session.token.expose()), now);
    verified.map_err(Stranger::Doubt)?;
    if session.expires_at <= world.now() { Err(Stranger::Expired) } else { Ok(session.side) }
}

pub fn answer(world: &mut World<Aws>, side: Side, call: &Call) -> Answer<Reply> {
    let form = call.form();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match field("Action") {
        Some("GetCallerIdentity") => Ok(caller_identity(world, side, call)),
        Some("AssumeRole") => {
            let wanted = (field("RoleArn"), field("RoleSessionName"), field("DurationSeconds"));
            let (Some(role), Some(name)) = (wanted.0, wanted.1) else {
                return Err(Refused::new("ValidationError", "RoleArn and RoleSessionName are required"));
            };
            let seconds = wanted.2.map_or(Some(3600), |text| text.parse().ok());
            let Some(seconds @ 900..=43_200) = seconds else {
                return Err(Refused::new("ValidationError", "DurationSeconds must be between 900 and 43200"));
            };
            assume_role(world, side, role, name, seconds)
        }
        other => {
            let message = format!("Could not find operation {} for version 2011-06-15", other.unwrap_or(""));
            Err(Refused::new("InvalidAction", message))
        }
    }
}

fn caller_identity(world: &World<Aws>, side: Side, call: &Call) -> Reply {
    let keys = world.account(side);
    let key = Signed::of(call).map_or_else(|_| String::new(), |signed| signed.key);
    let arn = match world.get(&key) {
        Some(Thing::Session(session)) => session.arn.clone(),
        _ => format!("arn:aws:iam::{}:user/causeway", keys.account_id),
    };
    wrapped("GetCallerIdentity", |xml| {
        xml.text("Arn", &arn);
        xml.text("UserId", &key);
        xml.text("Account", &keys.account_id);
    })
}

/// A role of one's own account lets one in; another account's does not trust strangers.
fn assume_role(world: &mut World<Aws>, side: Side, role: &str, name: &str, seconds: i64) -> Answer<Reply> {
    let Keys { account_id, .. } = world.account(side).clone();
    let Some(role_name) = role.strip_prefix(&format!("arn:aws:iam::{account_id}:role/")) else {
        let message =
            format!("User of account {account_id} is not authorized to perform: sts:AssumeRole on resource: {role}");
        return Err(Refused { status: 403, code: "AccessDenied".into(), message });
    };
    let session = Session {
        side,
        secret: Secret::new(random(SECRET_LETTERS, 40)),
        token: Secret::new(random(SECRET_LETTERS, 200)),
        arn: format!("arn:aws:sts::{account_id}:assumed-role/{role_name}/{name}"),
        expires_at: world.now() + seconds * 1000,
    };
    let key = format!("ASIA{}", random(KEY_LETTERS, 16));
    let reply = wrapped("AssumeRole", |xml| {
        xml.within("AssumedRoleUser", |xml| {
            xml.text("AssumedRoleId", format!("AROA{}:{name}", &key[4..]));
            xml.text("Arn", &session.arn);
        });
        xml.within("Credentials", |xml| {
            xml.text("AccessKeyId", &key);
            xml.text("SecretAccessKey", session.secret.expose());
            xml.text("SessionToken", session.token.expose());
            xml.text("Expiration", timestamp(session.expires_at));
        });
    });
    world.put(key, Thing::Session(session));
    Ok(reply)
}

fn wrapped(action: &str, fill: impl FnOnce(&mut Xml)) -> Reply {
    let body = Xml::document(&format!("{action}Response"), NAMESPACE, |xml| {
        xml.within(&format!("{action}Result"), fill);
        xml.within("ResponseMetadata", |xml| xml.text("RequestId", uuid::Uuid::new_v4()));
    });
    Reply::xml(200, body)
}

pub fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body = Xml::document("ErrorResponse", NAMESPACE, |xml| {
        xml.within("Error", |xml| {
            xml.text("Type", if status < 500 { "Sender" } else { "Receiver" });
            xml.text("Code", code);
            xml.text("Message", message);
        });
        xml.text("RequestId", uuid::Uuid::new_v4());
    });
    Reply::xml(status, body)
}

//! Resource Access Manager: a transit gateway is shared with an account, which is invited and accepts.
//!
//! JSON by paths such as `/acceptresourceshareinvitation`. Shares and invitations belong to a region.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Answer, Aws, Refused, Thing,
    request::{Owned, Request, Tags},
    transit::Gateway,
};
use crate::lookalike::{Call, Reply, World};

/// An invitation waits so long for its answer.
const PATIENCE: i64 = 7 * 24 * 3_600_000;
const SHARE: &str = "share/";
const INVITATION: &str = "invitation/";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Share {
    pub owned: Owned,
    pub name: String,
    /// ARNs.
    pub resources: Vec<String>,
    /// Account ids.
    pub principals: Vec<String>,
    pub deleted: bool,
    /// When a deleted one is no longer shown.
    pub due: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invitation {
    pub share: String,
    pub region: String,
    pub sender: String,
    pub receiver: String,
    pub sent_at: i64,
    pub status: Status,
    pub due: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    Pending,
    Accepted,
    Rejected,
    Expired,
}

fn share<'a>(world: &'a World<Aws>, key: &str) -> Option<&'a Share> {
    if let Some(Thing::Share(share)) = world.get(key) { Some(share) } else { None }
}

fn share_arn(key: &str, share: &Share) -> String {
    let Owned { region, account, .. } = &share.owned;
    format!("arn:aws:ram:{region}:{account}:resource-share/{}", key.trim_start_matches(SHARE))
}

fn invitation_arn(key: &str, invitation: &Invitation) -> String {
    let Invitation { region, sender, .. } = invitation;
    format!("arn:aws:ram:{region}:{sender}:resource-share-invitation/{}", key.trim_start_matches(INVITATION))
}

fn invitations(world: &World<Aws>) -> impl Iterator<Item = (&str, &Invitation)> {
    world.under(INVITATION).filter_map(|(key, thing)| match thing {
        Thing::Invitation(one) => Some((key, one)),
        _ => None,
    })
}

/// Whether an account may use another's gateway, given by its ARN.
pub fn shares(world: &World<Aws>, gateway: &str, account: &str) -> bool {
    let accepted = invitations(world).filter(|(_, one)| one.receiver == account && one.status == Status::Accepted);
    accepted.filter_map(|(_, one)| share(world, &one.share)).any(|share| {
        let invited = share.principals.iter().any(|principal| principal == account);
        !share.deleted && invited && share.resources.iter().any(|arn| arn == gateway)
    })
}

pub fn answer(world: &mut World<Aws>, account: &str, region: &str, call: &Call) -> Answer<Reply> {
    let body = call.json().map_err(|_| Refused::new("InvalidParameterException", "The body is no JSON."))?;
    let caller = Caller { account: account.to_owned(), region: region.to_owned(), body };
    let value = match call.path.trim_matches('/') {
        "createresourceshare" => caller.create(world),
        "getresourceshares" => Ok(caller.shares(world)),
        "associateresourceshare" => caller.associate(world),
        "disassociateresourceshare" => caller.disassociate(world),
        "deleteresourceshare" => caller.delete(world, &call.parameter("resourceShareArn").unwrap_or_default()),
        "getresourceshareinvitations" => Ok(caller.invitations(world)),
        "listpendinginvitationresources" => caller.offered(world),
        "acceptresourceshareinvitation" => caller.respond(world, Status::Accepted),
        "rejectresourceshareinvitation" => caller.respond(world, Status::Rejected),
        other => Err(Refused::new("InvalidParameterException", format!("There is no operation {other}."))),
    }?;
    Ok(Reply::json(200, &value))
}

pub fn refusal(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "message": message })).with("x-amzn-errortype", code)
}

struct Caller {
    account: String,
    region: String,
    body: Value,
}

impl Caller {
    fn text(&self, name: &str) -> Answer<&str> {
        let missing = || Refused::new("InvalidParameterException", format!("The parameter {name} is missing."));
        self.body[name].as_str().ok_or_else(missing)
    }

    fn list(&self, name: &str) -> Vec<String> {
        let items = self.body[name].as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn create(&self, world: &mut World<Aws>) -> Answer<Value> {
        let (resources, principals) = (self.list("resourceArns"), self.list("principals"));
        for arn in &resources {
            self.check_resource(world, arn)?;
        }
        let owned = Owned {
            account: self.account.clone(),
            region: self.region.clone(),
            made_at: world.now(),
            tags: Tags::new(),
        };
        let name = self.text("name")?.to_owned();
        let key = format!("{SHARE}{}", uuid::Uuid::new_v4());
        let share = Share { owned, name, resources, principals: Vec::new(), deleted: false, due: None };
        let answer = json!({ "resourceShare": written(&key, &share) });
        world.put(&key, Thing::Share(share));
        for principal in principals {
            self.invite(world, &key, &principal)?;
        }
        Ok(answer)
    }

    /// Only what is one's own, and only what can be shared here.
    fn check_resource(&self, world: &World<Aws>, arn: &str) -> Answer<()> {
        let id = arn.rsplit('/').next().unwrap_or_default();
        let request = Request::new(self.account.clone(), self.region.clone(), Vec::new());
        let gateway = request.find::<Gateway>(world, id).ok();
        match gateway.filter(|gateway| gateway.owned.account == self.account && gateway.arn == arn) {
            Some(_) => Ok(()),
            None if arn.starts_with("arn:aws:") => {
                Err(Refused::new("UnknownResourceException", format!("Resource {arn} could not be found.")))
            }
            None => {
                Err(Refused::new("MalformedArnException", format!("The specified resource ARN {arn} is not valid.")))
            }
        }
    }

    fn invite(&self, world: &mut World<Aws>, share_key: &str, principal: &str) -> Answer<()> {
        if principal.len() != 12 || !principal.bytes().all(|letter| letter.is_ascii_digit()) {
            let message = format!("Principal ID {principal} is malformed. Verify the ID and try again.");
            return Err(Refused::new("InvalidParameterException", message));
        }
        let known = share(world, share_key).is_some_and(|share| share.principals.iter().any(|one| one == principal));
        if known {
            return Ok(());
        }
        world.change(share_key, |thing| {
            if let Thing::Share(share) = thing {
                share.principals.push(principal.to_owned());
            }
        });
        let invitation = Invitation {
            share: share_key.to_owned(),
            region: self.region.clone(),
            sender: self.account.clone(),
            receiver: principal.to_owned(),
            sent_at: world.now(),
            status: Status::Pending,
            due: Some(world.now() + PATIENCE),
        };
        world.put(format!("{INVITATION}{}", uuid::Uuid::new_v4()), Thing::Invitation(invitation));
        Ok(())
    }

    /// The caller's own share of this ARN.
    fn own(&self, world: &World<Aws>, arn: &str) -> Answer<String> {
        let mut all = world.under(SHARE).filter_map(|(key, thing)| match thing {
            Thing::Share(share) if share.owned.account == self.account && !share.deleted => Some((key, share)),
            _ => None,
        });
        let found = all.find(|(key, share)| share_arn(key, share) == arn).map(|(key, _)| key.to_owned());
        let message = format!("ResourceShare {arn} could not be found.");
        found.ok_or_else(|| Refused::new("UnknownResourceException", message))
    }

    fn shares(&self, world: &World<Aws>) -> Value {
        let theirs = self.body["resourceOwner"] == "OTHER-ACCOUNTS";
        let accepted = |key: &str| {
            invitations(world)
                .any(|(_, one)| one.share == key && one.receiver == self.account && one.status == Status::Accepted)
        };
        let all = world.under(SHARE).filter_map(|(key, thing)| match thing {
            Thing::Share(share) if share.owned.region == self.region => Some((key, share)),
            _ => None,
        });
        let shown = all.filter(|(key, share)| if theirs { accepted(key) } else { share.owned.account == self.account });
        json!({ "resourceShares": shown.map(|(key, share)| written(key, share)).collect::<Vec<_>>() })
    }

    fn associate(&self, world: &mut World<Aws>) -> Answer<Value> {
        let key = self.own(world, self.text("resourceShareArn")?)?;
        let resources = self.list("resourceArns");
        for arn in &resources {
            self.check_resource(world, arn)?;
        }
        world.change(&key, |thing| {
            if let Thing::Share(share) = thing {
                share.resources.extend(resources);
            }
        });
        for principal in self.list("principals") {
            self.invite(world, &key, &principal)?;
        }
        Ok(json!({ "resourceShareAssociations": [] }))
    }

    fn disassociate(&self, world: &mut World<Aws>) -> Answer<Value> {
        let key = self.own(world, self.text("resourceShareArn")?)?;
        let (resources, principals) = (self.list("resourceArns"), self.list("principals"));
        world.change(&key, |thing| {
            if let Thing::Share(share) = thing {
                share.resources.retain(|arn| !resources.contains(arn));
                share.principals.retain(|account| !principals.contains(account));
            }
        });
        Ok(json!({ "resourceShareAssociations": [] }))
    }

    fn delete(&self, world: &mut World<Aws>, arn: &str) -> Answer<Value> {
        let key = self.own(world, arn)?;
        let forgotten = world.now() + 2 * 3_600_000;
        world.change(&key, |thing| {
            if let Thing::Share(share) = thing {
                (share.deleted, share.due) = (true, Some(forgotten));
            }
        });
        Ok(json!({ "returnValue": true }))
    }

    fn invitations(&self, world: &World<Aws>) -> Value {
        let (wanted, of_shares) = (self.list("resourceShareInvitationArns"), self.list("resourceShareArns"));
        let mine = invitations(world).filter(|(_, one)| one.receiver == self.account && one.region == self.region);
        let settled = mine.filter(|(_, one)| world.settled(one.sent_at));
        let chosen = settled.filter(|(key, one)| {
            let share = share(world, &one.share).map(|share| share_arn(&one.share, share)).unwrap_or_default();
            (wanted.is_empty() || wanted.contains(&invitation_arn(key, one)))
                && (of_shares.is_empty() || of_shares.contains(&share))
        });
        let list: Vec<_> = chosen.map(|(key, one)| written_invitation(world, key, one)).collect();
        json!({ "resourceShareInvitations": list })
    }

    /// The caller's invitation, which nobody has answered yet.
    fn pending(&self, world: &World<Aws>) -> Answer<(String, Invitation)> {
        let arn = self.text("resourceShareInvitationArn")?;
        let mine = |one: &Invitation| one.receiver == self.account && one.region == self.region;
        let found = invitations(world).find(|(key, one)| mine(one) && invitation_arn(key, one) == arn);
        let Some((key, invitation)) = found.map(|(key, one)| (key.to_owned(), one.clone())) else {
            let message = format!("ResourceShareInvitation {arn} could not be found.");
            return Err(Refused::new("ResourceShareInvitationArnNotFoundException", message));
        };
        let code = match invitation.status {
            Status::Pending => return Ok((key, invitation)),
            Status::Accepted => "ResourceShareInvitationAlreadyAcceptedException",
            Status::Rejected => "ResourceShareInvitationAlreadyRejectedException",
            Status::Expired => "ResourceShareInvitationExpiredException",
        };
        Err(Refused::new(code, format!("ResourceShareInvitation {arn} was answered or has expired.")))
    }

    fn offered(&self, world: &World<Aws>) -> Answer<Value> {
        let (_, invitation) = self.pending(world)?;
        let share = share(world, &invitation.share).filter(|share| !share.deleted);
        let own = share.map(|share| share_arn(&invitation.share, share));
        let resources = share.iter().flat_map(|share| &share.resources).map(|arn| {
            json!({
                "arn": arn, "type": "ec2:TransitGateway", "resourceShareArn": own, "status": "AVAILABLE",
                "creationTime": seconds(invitation.sent_at), "lastUpdatedTime": seconds(invitation.sent_at),
                "resourceRegionScope": "REGIONAL",
            })
        });
        Ok(json!({ "resources": resources.collect::<Vec<_>>() }))
    }

    fn respond(&self, world: &mut World<Aws>, status: Status) -> Answer<Value> {
        let (key, invitation) = self.pending(world)?;
        let answered = Invitation { status, due: None, ..invitation };
        world.put(&key, Thing::Invitation(answered.clone()));
        Ok(json!({ "resourceShareInvitation": written_invitation(world, &key, &answered) }))
    }
}

fn written(key: &str, share: &Share) -> Value {
    let made_at = seconds(share.owned.made_at);
    json!({
        "resourceShareArn": share_arn(key, share),
        "name": share.name,
        "owningAccountId": share.owned.account,
        "allowExternalPrincipals": true,
        "status": if share.deleted { "DELETED" } else { "ACTIVE" },
        "creationTime": made_at,
        "lastUpdatedTime": made_at,
        "featureSet": "STANDARD",
    })
}

fn written_invitation(world: &World<Aws>, key: &str, one: &Invitation) -> Value {
    let share = share(world, &one.share);
    json!({
        "resourceShareInvitationArn": invitation_arn(key, one),
        "resourceShareName": share.map(|share| share.name.clone()),
        "resourceShareArn": share.map(|share| share_arn(&one.share, share)),
        "senderAccountId": one.sender,
        "receiverAccountId": one.receiver,
        "invitationTimestamp": seconds(one.sent_at),
        "status": one.status,
    })
}

/// As the vendor's JSON writes times.
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// What becomes of them by themselves.
pub fn ripen(world: &mut World<Aws>, id: &str) {
    match world.get(id).cloned() {
        Some(Thing::Invitation(one)) => {
            world.put(id, Thing::Invitation(Invitation { status: Status::Expired, due: None, ..one }));
        }
        _ => drop(world.remove(id)),
    }
}

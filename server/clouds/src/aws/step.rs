//! The calls that change something, and what their refusals mean where they are made.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use uuid::Uuid;

use super::{
    form::Form,
    link::Rule,
    query::Query,
    refusal::is,
    seen::{CONNECTION_TAG, VPC_TAG, ZONES_TAG},
    trail::Held,
};
use crate::{Class, Failure, Outcome, Subject, Wish};

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    CreateVpc {
        cidr: Ipv4Net,
        zones: Vec<String>,
    },
    CreateSubnet {
        vpc: String,
        zone: String,
        cidr: Ipv4Net,
    },
    CreateRouteTable {
        vpc: String,
    },
    AssociateRouteTable {
        table: String,
        subnet: String,
    },
    CreateSecurityGroup {
        vpc: String,
    },
    DisassociateRouteTable(String),
    DeleteSubnet(String),
    DeleteRouteTable(String),
    DeleteSecurityGroup(String),
    DeleteVpc(String),
    RequestPeering {
        connection: Uuid,
        vpc: String,
        account: String,
        peer: String,
        region: Option<String>,
    },
    /// Accepts the share of the transit gateway first, if there is an invitation.
    Attach {
        connection: Uuid,
        vpc: String,
        account: String,
        gateway: String,
        subnets: Vec<String>,
    },
    Tag {
        id: String,
        connection: Uuid,
    },
    /// One call a route: EC2 takes no more. Each may be repeated, and a refusal does not keep the others back.
    Route {
        put: Vec<Put>,
        remove: Vec<(String, Ipv4Net)>,
    },
    Authorize {
        group: String,
        rules: Vec<Rule>,
        connection: Uuid,
    },
    Revoke {
        group: String,
        rules: Vec<Rule>,
    },
    DeletePeering(String),
    Detach(String),
    /// Nothing is changed, only told: what could not be read, or what others put in the way.
    Tell(Failure),
}

/// A route that should be in a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Put {
    pub table: String,
    pub range: Ipv4Net,
    pub target: String,
    /// Whether the range leads elsewhere now.
    pub replace: bool,
}

impl Step {
    /// What it makes something of; `None` if making it twice is making it once.
    pub(super) fn creates(&self) -> Option<Subject> {
        match self {
            Self::CreateVpc { .. }
            | Self::CreateSubnet { .. }
            | Self::CreateRouteTable { .. }
            | Self::CreateSecurityGroup { .. } => Some(Subject::Network),
            Self::RequestPeering { connection, .. } | Self::Attach { connection, .. } => {
                Some(Subject::Connection(*connection))
            }
            _ => None,
        }
    }

    /// What is remembered once the share was accepted that an attachment needs.
    pub(super) fn share(&self) -> Option<Held> {
        match self {
            Self::Attach { account, .. } => Some(Held { call: format!("share of {account}"), creates: self.creates() }),
            _ => None,
        }
    }
}

/// How a call went.
pub(super) enum Done {
    Made,
    /// Something that had to come first was made; the call itself is still to be made.
    Prepared,
}

pub(super) async fn make(query: &Query, wish: &Wish, step: Step) -> Outcome<Done> {
    let region = &wish.region;
    // What something depends on is refused until the next look: no worker waits for it.
    let delete = async |action: &str, key: &str, id: &str| {
        let answer = query.ec2_once(region, &Form::ec2(action).with(key, id)).await;
        gone_is_done(answer)
    };
    match step {
        Step::CreateVpc { cidr, zones } => create_vpc(query, wish, cidr, &zones).await,
        Step::CreateSubnet { vpc, zone, cidr } => {
            let form = Form::ec2("CreateSubnet").with("VpcId", vpc).with("AvailabilityZone", zone);
            let form = form.with("CidrBlock", cidr).tagged("subnet", &tags(wish));
            unless(query.ec2_once(region, &form).await, "InvalidSubnet.Conflict").map_err(not_visible_yet)
        }
        Step::CreateRouteTable { vpc } => {
            let form = Form::ec2("CreateRouteTable").with("VpcId", vpc).tagged("route-table", &tags(wish));
            query.ec2_once(region, &form).await.map(drop).map_err(not_visible_yet)
        }
        Step::AssociateRouteTable { table, subnet } => {
            let form = Form::ec2("AssociateRouteTable").with("RouteTableId", table).with("SubnetId", subnet);
            unless(query.ec2(region, &form).await, "Resource.AlreadyAssociated").map_err(not_visible_yet)
        }
        Step::CreateSecurityGroup { vpc } => {
            let form = Form::ec2("CreateSecurityGroup").with("VpcId", vpc);
            let form = form.with("GroupName", format!("causeway-{}", wish.id));
            let form = form.with("GroupDescription", "What peered networks may reach");
            let form = form.tagged("security-group", &tags(wish));
            unless(query.ec2_once(region, &form).await, "InvalidGroup.Duplicate").map_err(not_visible_yet)
        }
        Step::DisassociateRouteTable(id) => delete("DisassociateRouteTable", "AssociationId", &id).await,
        Step::DeleteSubnet(id) => delete("DeleteSubnet", "SubnetId", &id).await,
        Step::DeleteRouteTable(id) => delete("DeleteRouteTable", "RouteTableId", &id).await,
        Step::DeleteSecurityGroup(id) => delete("DeleteSecurityGroup", "GroupId", &id).await,
        Step::DeleteVpc(id) => delete("DeleteVpc", "VpcId", &id).await,
        Step::DeletePeering(id) => delete("DeleteVpcPeeringConnection", "VpcPeeringConnectionId", &id).await,
        Step::Detach(id) => delete("DeleteTransitGatewayVpcAttachment", "TransitGatewayAttachmentId", &id).await,
        Step::RequestPeering { connection, vpc, account, peer, region: other } => {
            let form = Form::ec2("CreateVpcPeeringConnection").with("VpcId", vpc);
            let form = form.with("PeerOwnerId", account).with("PeerVpcId", peer);
            let form = other.iter().fold(form, |form, other| form.with("PeerRegion", other));
            let form = form.tagged("vpc-peering-connection", &[(CONNECTION_TAG, connection.to_string())]);
            query.ec2_once(region, &form).await.map(drop).map_err(peers_to_mend)
        }
        Step::Attach { connection, vpc, account, gateway, subnets } => {
            if accept_shares(query, region, &account, &gateway).await? {
                return Ok(Done::Prepared);
            }
            let form = Form::ec2("CreateTransitGatewayVpcAttachment").with("TransitGatewayId", gateway);
            let form = form.with("VpcId", vpc).list("SubnetIds", subnets);
            let tags = [(CONNECTION_TAG, connection.to_string())];
            let form = form.tagged_as("TagSpecifications", "transit-gateway-attachment", &tags);
            let answer = query.ec2_once(region, &form).await;
            unless(answer, "DuplicateTransitGatewayAttachment").map_err(gateways_to_mend)
        }
        Step::Tag { id, connection } => {
            let form = Form::ec2("CreateTags").with("ResourceId.1", id);
            let form = form.with("Tag.1.Key", CONNECTION_TAG).with("Tag.1.Value", connection);
            query.ec2(region, &form).await.map(drop)
        }
        Step::Route { put, remove } => route(query, region, &put, &remove).await,
        Step::Authorize { group, rules, connection } => {
            let described = format!("{CONNECTION_TAG}={connection}");
            let form = |rules: &[Rule]| permissions("AuthorizeSecurityGroupIngress", &group, rules, Some(&described));
            each_if_refused(query, region, &rules, form, "InvalidPermission.Duplicate").await
        }
        Step::Revoke { group, rules } => {
            let form = |rules: &[Rule]| permissions("RevokeSecurityGroupIngress", &group, rules, None);
            each_if_refused(query, region, &rules, form, "InvalidPermission.NotFound").await
        }
        Step::Tell(failure) => Err(failure),
    }
    .map(|()| Done::Made)
}

async fn create_vpc(query: &Query, wish: &Wish, cidr: Ipv4Net, zones: &[String]) -> Outcome<()> {
    if zones.is_empty() {
        let message = format!("{} has no availability zone that this account may use.", wish.region);
        return Err(Failure::new(Class::Operator, "zones", message));
    }
    let mut tags = tags(wish);
    tags.push((ZONES_TAG, zones.join(",")));
    let form = Form::ec2("CreateVpc").with("CidrBlock", cidr).tagged("vpc", &tags);
    query.ec2_once(&wish.region, &form).await.map(drop)
}

fn tags(wish: &Wish) -> Vec<(&'static str, String)> {
    vec![(VPC_TAG, wish.id.to_string()), ("Name", name_tag(&wish.name))]
}

/// What AWS takes in a tag; the name is for people only.
pub(super) fn name_tag(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric() || " _.:/=+-@".contains(*letter));
    letters.take(250).collect()
}

/// Accepts what the gateway's owner shares it by, and nothing else that this or another account offers. Whether there
/// was such an invitation.
async fn accept_shares(query: &Query, region: &str, account: &str, gateway: &str) -> Outcome<bool> {
    let invitations = match query.invitations(region).await {
        Ok(invitations) => invitations,
        // Accounts of one organization share without invitations, and their role may not read any.
        Err(failure) if matches!(failure.class, Class::Denied | Class::Unexpected | Class::Gone) => {
            tracing::debug!(code = failure.code, "could not read the invitations to shares");
            return Ok(false);
        }
        Err(failure) => return Err(failure),
    };
    let mut accepted = false;
    for invitation in &invitations {
        let arn = &invitation.resource_share_invitation_arn;
        let is_theirs = invitation.status == "PENDING" && invitation.sender_account_id == account;
        if is_theirs && holds(query, region, arn, gateway).await? {
            query.accept_invitation(region, arn).await?;
            accepted = true;
        }
    }
    Ok(accepted)
}

/// Whether the share that an invitation is to holds the gateway. Where the console may not look into it, that it is of
/// the gateway's owner has to do.
async fn holds(query: &Query, region: &str, invitation: &str, gateway: &str) -> Outcome<bool> {
    let end = format!(":transit-gateway/{gateway}");
    match query.offered(region, invitation).await {
        Ok(resources) => Ok(resources.iter().any(|arn| arn.ends_with(&end))),
        Err(failure) if matches!(failure.class, Class::Denied | Class::Unexpected) => {
            tracing::debug!(code = failure.code, "could not read what is shared");
            Ok(true)
        }
        // Withdrawn, answered or expired meanwhile.
        Err(failure) if failure.class == Class::Gone => Ok(false),
        Err(failure) => Err(failure),
    }
}

async fn route(query: &Query, region: &str, put: &[Put], remove: &[(String, Ipv4Net)]) -> Outcome<()> {
    let mut first = Ok(());
    for put in put {
        let form = |action: &str| {
            let key = if put.target.starts_with("tgw-") { "TransitGatewayId" } else { "VpcPeeringConnectionId" };
            let form = Form::ec2(action).with("RouteTableId", &put.table).with("DestinationCidrBlock", put.range);
            form.with(key, &put.target)
        };
        let (one, other) = if put.replace { ("ReplaceRoute", "CreateRoute") } else { ("CreateRoute", "ReplaceRoute") };
        let answer = match query.ec2(region, &form(one)).await {
            Err(failure) if is(&failure, "RouteAlreadyExists") || is(&failure, "InvalidRoute.NotFound") => {
                query.ec2(region, &form(other)).await
            }
            // Moto has no code of its own for a route that is not there.
            Err(failure) if put.replace && is(&failure, "InvalidParameterValue") => {
                query.ec2(region, &form(other)).await
            }
            other => other,
        };
        keep_first(&mut first, answer.map(drop).map_err(not_visible_yet))?;
    }
    for (table, range) in remove {
        let form = Form::ec2("DeleteRoute").with("RouteTableId", table).with("DestinationCidrBlock", range);
        keep_first(&mut first, gone_is_done(query.ec2(region, &form).await))?;
    }
    first
}

/// Goes on after what concerns one entry only.
fn keep_first(first: &mut Outcome<()>, answer: Outcome<()>) -> Outcome<()> {
    match answer {
        Err(failure) if matches!(failure.class, Class::Unreachable | Class::Credentials | Class::Denied) => {
            return Err(failure);
        }
        Err(failure) if first.is_ok() => *first = Err(failure),
        _ => {}
    }
    Ok(())
}

fn permissions(action: &str, group: &str, rules: &[Rule], described: Option<&str>) -> Form {
    let mut kinds: BTreeMap<_, Vec<Ipv4Net>> = BTreeMap::new();
    for rule in rules {
        kinds.entry((rule.protocol.as_str(), rule.ports)).or_default().push(rule.range);
    }
    let mut form = Form::ec2(action).with("GroupId", group);
    for (index, ((protocol, ports), ranges)) in (1..).zip(kinds) {
        let key = format!("IpPermissions.{index}");
        form = form.with(format!("{key}.IpProtocol"), protocol);
        if let Some((from, to)) = ports {
            form = form.with(format!("{key}.FromPort"), from).with(format!("{key}.ToPort"), to);
        }
        for (index, range) in (1..).zip(ranges) {
            form = form.with(format!("{key}.IpRanges.{index}.CidrIp"), range);
            if let Some(described) = described {
                form = form.with(format!("{key}.IpRanges.{index}.Description"), described);
            }
        }
    }
    form
}

/// All in one call; EC2 refuses all of them for one that is already as it should be, and then each by itself.
async fn each_if_refused(
    query: &Query,
    region: &str,
    rules: &[Rule],
    form: impl Fn(&[Rule]) -> Form,
    done: &str,
) -> Outcome<()> {
    match query.ec2(region, &form(rules)).await {
        Err(failure) if is(&failure, done) && rules.len() > 1 => {
            for rule in rules {
                unless(query.ec2(region, &form(std::slice::from_ref(rule))).await, done)?;
            }
            Ok(())
        }
        other => unless(other, done),
    }
}

/// That it is there already is what was wanted.
pub(super) fn unless(answer: Outcome<String>, code: &str) -> Outcome<()> {
    match answer {
        Err(failure) if is(&failure, code) => Ok(()),
        other => other.map(drop),
    }
}

pub(super) fn gone_is_done(answer: Outcome<String>) -> Outcome<()> {
    match answer {
        Err(failure) if failure.class == Class::Gone || is(&failure, "InvalidStateTransition") => Ok(()),
        other => other.map(drop),
    }
}

/// What the driver has just seen is not gone: another of EC2's servers does not know of it yet.
pub(super) fn not_visible_yet(mut failure: Failure) -> Failure {
    if failure.class == Class::Gone {
        failure.class = Class::Retry;
    }
    failure
}

/// EC2 found fault with the other side's account, network or gateway.
fn peers_to_mend(mut failure: Failure) -> Failure {
    let code = failure.code.to_ascii_lowercase();
    let about_the_request = failure.class == Class::Unexpected && code.starts_with("invalid");
    if failure.class == Class::Gone || about_the_request {
        failure.class = Class::Specification;
    }
    failure
}

/// The same of an attachment, which names our own VPC and subnets beside the gateway: they were just seen.
fn gateways_to_mend(failure: Failure) -> Failure {
    let code = failure.code.to_ascii_lowercase();
    let ours = ["invalidvpcid.", "invalidsubnetid."].iter().any(|ours| code.starts_with(ours));
    if ours { not_visible_yet(failure) } else { peers_to_mend(failure) }
}

/// Whether a transit gateway is unknown to this account.
pub(super) fn is_unshared(failure: &Failure) -> bool {
    failure.class == Class::Specification && failure.code.to_ascii_lowercase().starts_with("invalidtransitgatewayid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ours_that_is_not_visible_everywhere_is_no_mistake_of_the_peers() {
        let class = |code: &str| gateways_to_mend(Failure::new(Class::Gone, code, "It does not exist.")).class;
        assert_eq!(class("InvalidVpcID.NotFound"), Class::Retry);
        assert_eq!(class("InvalidSubnetID.NotFound"), Class::Retry);
        assert_eq!(class("InvalidTransitGatewayID.NotFound"), Class::Specification);
    }
}

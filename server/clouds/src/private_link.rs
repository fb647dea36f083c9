//! A private link: one service of a VPC that other accounts reach by endpoints of their own, without any routing
//! between the networks (domain 1.10, 2.6).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddrV4},
};

use ipnet::Ipv4Net;
use uuid::Uuid;

use crate::{Reference, Want};

/// A private link as it should be.
#[derive(Clone, Debug)]
pub struct LinkWish {
    /// The link's id; names and tags in the cloud are made of it, so that a lost answer is found again.
    pub id: Uuid,
    /// What people call it, for the cloud's own console.
    pub name: String,
    /// In the provider's own form, as the network's.
    pub region: String,
    /// `false`: it and everything of it should go.
    pub present: bool,
    /// The VPC that it is in, and what the driver told of it.
    pub network: Uuid,
    pub network_reference: Reference,
    /// A part of the VPC that nothing else uses, where the cloud needs one for the link (Google, Azure).
    pub range: Option<Ipv4Net>,
    /// What listens, and where it goes on to: addresses of the VPC.
    pub ports: BTreeMap<u16, BTreeSet<SocketAddrV4>>,
    /// Who may make an endpoint: principals in AWS, subscriptions in Azure, projects in Google.
    pub allowed: BTreeSet<String>,
    /// Other regions in which endpoints may be (AWS).
    pub regions: BTreeSet<String>,
    /// What was decided about connections, by [`LinkConnection::id`].
    pub verdicts: BTreeMap<String, Verdict>,
    pub reference: Reference,
    /// When it was first asked for: absence shortly afterwards is "not visible yet".
    pub asked_at: Option<i64>,
    pub now: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Approved,
    Rejected,
}

/// What a call about a link is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkPart {
    /// Load balancer and endpoint service.
    Service,
    /// Where a port leads.
    Port(u16),
    /// Who may connect.
    AllowList,
    /// Where endpoints may be.
    Regions,
    /// One endpoint, or all of them where they cannot be read.
    Connection(String),
}

impl Want for LinkWish {
    type Part = LinkPart;
    type Report = LinkReport;
}

/// What names begin with, after the console's own word.
const KIND: &str = "link";

impl LinkWish {
    /// What everything of it is called in clouds where things have names.
    pub fn named(&self) -> String {
        crate::named(KIND, self.id)
    }

    /// Whether something is called as what is made of a link, be it of one that the console has forgotten.
    pub(crate) fn is_name_of_one(name: &str) -> bool {
        name.starts_with(&crate::provide::prefix(KIND))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkStanding {
    /// The cloud has nothing of it.
    #[default]
    Absent,
    /// Something of it is missing yet, or is still there.
    Partial,
    /// Endpoints can be made.
    Ready,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkReport {
    pub standing: LinkStanding,
    /// The cloud's own words, by the names that it gives them.
    pub words: BTreeMap<String, String>,
    /// What the other side is told, such as `aws_service_name`. Filled as soon as known.
    pub identifiers: BTreeMap<String, String>,
    /// Who may make an endpoint, as the cloud has it.
    pub allowed: BTreeSet<String>,
    /// `None`: they could not be read, and nothing is known of them.
    pub connections: Option<Vec<LinkConnection>>,
    /// Asked for moments ago and not visible yet: no reason to think that it is gone.
    pub settling: bool,
    pub reference: Reference,
}

/// An endpoint that somebody made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkConnection {
    /// What the cloud knows this connection by, for as long as it is there.
    pub id: String,
    /// The cloud's own word, such as `pendingAcceptance`, `Pending`, `ACCEPTED`.
    pub state: String,
    /// Whose it is: an account, a subscription, a project.
    pub owner: Option<String>,
    /// The id of the endpoint at its owner's.
    pub endpoint: Option<String>,
    /// Its address at its owner's, where the cloud tells it.
    pub address: Option<Ipv4Addr>,
    pub dns_name: Option<String>,
    /// The cloud's own sentence, verbatim; may be empty.
    pub message: String,
}

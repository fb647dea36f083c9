//! What the console wants of a cloud, and what it learns. Plain data; all times in milliseconds since 1970.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use uuid::Uuid;

/// What a driver needs to find again what it made: ids of the cloud. Kept by the console, understood by the driver only.
pub type Reference = serde_json::Map<String, serde_json::Value>;

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Network,
    Connection(Uuid),
}

/// A VPC as it should be, with its connections.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The VPC's id; names and tags in the cloud are made of it, so that a lost answer is found again.
    pub id: Uuid,
    /// What people call it, for the cloud's own console.
    pub name: String,
    /// In the provider's own form: `eu-west-1`, `europe-west1`, `westeurope`, `de-fra1`.
    pub region: String,
    pub cidr: Ipv4Net,
    /// `false`: it and everything of it should go.
    pub present: bool,
    pub reference: Reference,
    pub connections: Vec<ConnectionWish>,
    /// What peers may reach in it.
    pub openings: Vec<Opening>,
    pub now: i64,
}

/// A protocol and ports that peers may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Opening {
    All,
    Tcp { from: u16, to: u16 },
}

const PREFIX: &str = "console-";
const DIGITS: usize = 12;

/// A peering connection as it should be.
#[derive(Clone, Debug)]
pub struct ConnectionWish {
    pub id: Uuid,
    pub peer: Peer,
    /// `false`: it should go, with its routes and openings.
    pub present: bool,
    /// Ranges to route through it beside those that the cloud tells of.
    pub ranges: Vec<Ipv4Net>,
    pub reference: Reference,
    /// When the request was first sent: absence shortly afterwards is "not visible yet".
    pub sent_at: Option<i64>,
    /// Whether it was ever active: some clouds cannot tell "not accepted yet" from "taken away".
    pub was_active: bool,
}

impl ConnectionWish {
    /// What our side of it is called in clouds where peerings have names: `console-` and the id's last twelve digits.
    /// Not its first ones: ids are made of the time, and those of one minute begin alike.
    pub fn name(&self) -> String {
        let id = self.id.simple().to_string();
        format!("{PREFIX}{}", &id[id.len() - DIGITS..])
    }
}

/// Whether it is what [`ConnectionWish::name`] gives, of whichever connection: nothing else of ours has such a name.
pub(crate) fn is_name_of_a_connection(name: &str) -> bool {
    let digits = name.strip_prefix(PREFIX);
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// The other side (domain 1.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// `region`: `None` if it is the VPC's own.
    AwsVpc {
        account: String,
        vpc: String,
        region: Option<String>,
    },
    AwsTransitGateway {
        account: String,
        gateway: String,
    },
    Google {
        project: String,
        network: String,
    },
    Azure {
        subscription: String,
        resource_group: String,
        network: String,
        tenant: String,
        app: String,
    },
    UpCloud {
        network: String,
    },
}

/// What one look told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub network: NetworkReport,
    /// Every connection of the wish, also those that the cloud does not have.
    pub connections: BTreeMap<Uuid, ConnectionReport>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkStanding {
    /// The cloud has nothing of it.
    #[default]
    Absent,
    /// Something of it is missing yet, or is still there.
    Partial,
    /// Network, subnets, router and firewall are there.
    Ready,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkReport {
    pub standing: NetworkStanding,
    pub reference: Reference,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectionReport {
    /// The cloud's own word, such as `pending-acceptance`; `None` if it has no such connection.
    pub state: Option<String>,
    /// Further words of the cloud that matter to the state, such as Azure's `peeringSyncLevel`.
    pub details: BTreeMap<String, String>,
    /// The cloud's own sentence, verbatim; may be empty.
    pub message: String,
    /// Asked for moments ago and not visible yet: no reason to think that it is gone.
    pub settling: bool,
    pub reference: Reference,
    /// The extra keys of `state_info` (domain 1.5), such as `aws_vpc_peering_connection_id`. Filled as soon as known.
    pub identifiers: BTreeMap<String, String>,
    /// The other side's ranges, as far as the cloud tells; `None` if it does not tell yet.
    pub peer_ranges: Option<Vec<Ipv4Net>>,
    /// The ranges for which routes through it are in place.
    pub routed: Vec<Ipv4Net>,
    /// The ranges that the firewall lets in.
    pub opened: Vec<Ipv4Net>,
    pub expires_at: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_connections_that_were_asked_for_at_once_have_two_names() {
        let connection = || ConnectionWish {
            id: Uuid::now_v7(),
            peer: Peer::UpCloud { network: String::new() },
            present: true,
            ranges: Vec::new(),
            reference: Reference::new(),
            sent_at: None,
            was_active: false,
        };
        assert_ne!(connection().name(), connection().name());
        assert!(is_name_of_a_connection(&connection().name()), "{}", connection().name());
        for other in ["console-access", "console-00000000000g", "console-0000000000001", "theirs"] {
            assert!(!is_name_of_a_connection(other), "{other}");
        }
    }
}

//! The hosts of a service as people ask for them, and how each stands.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::NodeState;
use crate::domain::{
    Cidr, NodeName, Refusal, Refusals, ServiceName, Timestamp, gateway::checked, host::HostFacts, refusal::Parse,
};

/// What a person says of a node: whether an agent keeps it, and the addresses that no agent reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeForm {
    /// A check box: an agent keeps its firewall.
    #[serde(default)]
    pub enforced: String,
    #[serde(default)]
    pub private_address: String,
    #[serde(default)]
    pub public_address: String,
    #[serde(default)]
    pub translated: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSettings {
    pub enforced: bool,
    /// `None`: what the agent reports.
    pub private_address: Option<Ipv4Addr>,
    pub public_address: Option<IpAddr>,
    /// The public address is translated before the host.
    pub translated: bool,
}

impl NodeForm {
    /// Fields carry the names of this struct. `vpc`: the range in which the node is; `None` in public.
    pub fn parse(&self, vpc: Option<Cidr>) -> Result<NodeSettings, Refusals> {
        let mut parse = Parse::default();
        let address = "Enter an address such as 10.0.0.4.";
        let private: Option<Ipv4Addr> = optional(&self.private_address, "private_address", address, &mut parse);
        let public: Option<IpAddr> =
            optional(&self.public_address, "public_address", "Enter an address such as 203.0.113.4.", &mut parse);
        let enforced = checked(&self.enforced);
        if let (Some(vpc), Some(private)) = (vpc, private)
            && !vpc.contains(private)
        {
            parse.refuse(Refusal::malformed("private_address", outside(private, vpc)));
        }
        if vpc.is_none() && private.is_some_and(|private| public == Some(private.into())) {
            parse.refuse(Refusal::malformed("private_address", "This is the public address."));
        }
        if !enforced && vpc.is_some() && private.is_none() && self.private_address.trim().is_empty() {
            let sentence = "No agent reports it: enter the node's address in the VPC.";
            parse.refuse(Refusal::malformed("private_address", sentence));
        }
        if !enforced && vpc.is_none() && public.is_none() && self.public_address.trim().is_empty() {
            let sentence = "No agent reports it: enter the address that clients use.";
            parse.refuse(Refusal::malformed("public_address", sentence));
        }
        parse.done()?;
        let translated = checked(&self.translated);
        Ok(NodeSettings { enforced, private_address: private, public_address: public, translated })
    }
}

fn optional<T: std::str::FromStr>(text: &str, field: &'static str, sentence: &str, parse: &mut Parse) -> Option<T> {
    if text.trim().is_empty() {
        return None;
    }
    parse.keep(field, text.trim().parse().map_err(|_| sentence))
}

fn outside(address: Ipv4Addr, vpc: Cidr) -> String {
    format!("{address} is not in {vpc}, the range of the VPC.")
}

/// The name of the next node: numbers are never used twice.
pub fn next_name<'a>(service: &ServiceName, taken: impl IntoIterator<Item = &'a NodeName>) -> NodeName {
    let number = |name: &NodeName| name.as_str().rsplit_once('-')?.1.parse::<u64>().ok();
    let highest = taken.into_iter().filter_map(number).max().unwrap_or(0);
    format!("{service}-{}", highest + 1).parse().expect("a service's name, a dash and a number")
}

/// What is known of a node's host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// An agent holds a credential for it.
    pub enrolled: bool,
    pub last_seen: Option<Timestamp>,
    /// The host has shown a document of ours.
    pub verified: bool,
    pub facts: Option<HostFacts>,
}

/// The addresses of a node: as a person declared them, else as its agent reports them.
pub fn addresses(settings: &NodeSettings, vpc: Option<Cidr>, seen: &Seen) -> (Option<Ipv4Addr>, Option<IpAddr>) {
    let facts = seen.facts.as_ref().filter(|_| settings.enforced);
    let reported_private = facts.zip(vpc).and_then(|(facts, vpc)| facts.address_in(vpc)).map(|(_, address)| address);
    let private = settings.private_address.or(reported_private);
    let reported_public = facts.and_then(HostFacts::wan_address).filter(|address| Some(*address) != private);
    (private, settings.public_address.or(reported_public.map(IpAddr::V4)))
}

/// Why the node cannot serve where it is; `None` if it can, or nothing is known yet.
pub fn misplaced(settings: &NodeSettings, vpc: Option<(&str, Cidr)>, seen: &Seen) -> Option<String> {
    seen.facts.as_ref().filter(|_| settings.enforced)?;
    match (vpc, addresses(settings, vpc.map(|(_, range)| range), seen)) {
        (Some(_), (Some(_), _)) | (None, (_, Some(_))) => None,
        (Some((name, range)), _) => Some(format!(
            "The host has no address in {range}, the range of VPC {name}. Give it one, or enrol another host."
        )),
        (None, _) => Some(
            "The host reports no public address. Enter the one that clients use, or give it a default route."
                .to_owned(),
        ),
    }
}

/// What else decides a node's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub misplaced: bool,
    pub leaving: bool,
    /// It takes over from another node that still serves.
    pub replaces: bool,
    pub silent: bool,
}

/// How a node stands (domain 1.6).
pub fn state(settings: &NodeSettings, seen: &Seen, standing: Standing) -> NodeState {
    let Standing { misplaced, leaving, replaces, silent } = standing;
    if leaving {
        return NodeState::Leaving;
    }
    if !settings.enforced {
        return if replaces { NodeState::SyncingData } else { NodeState::Unknown };
    }
    if !seen.enrolled || !seen.verified || misplaced {
        return NodeState::SettingUpVm;
    }
    if silent {
        return NodeState::TimingOut;
    }
    if replaces { NodeState::SyncingData } else { NodeState::Running }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::host::{Interface, WireGuardKind};

    const VPC: Cidr = Cidr::literal([10, 0, 0, 0], 24);

    fn form(private: &str, public: &str, enforced: &str) -> NodeForm {
        NodeForm {
            enforced: enforced.to_owned(),
            private_address: private.to_owned(),
            public_address: public.to_owned(),
            translated: String::new(),
        }
    }

    fn host(addresses: &[(&str, [u8; 4])]) -> Seen {
        let interface = |(name, address): &(&str, [u8; 4])| Interface {
            name: (*name).to_owned(),
            addresses: vec![(*address).into()],
        };
        let facts = HostFacts {
            agent_version: "1".to_owned(),
            host_name: "db1".to_owned(),
            wireguard: WireGuardKind::Recording,
            interfaces: addresses.iter().map(interface).collect(),
            wan: Some("eth0".to_owned()),
        };
        Seen { enrolled: true, last_seen: None, verified: true, facts: Some(facts) }
    }

    #[test]
    fn a_node_without_an_agent_says_its_addresses_itself() {
        let sentence = |form: NodeForm, vpc| form.parse(vpc).unwrap_err().to_string();
        let outside = "10.1.0.4 is not in 10.0.0.0/24, the range of the VPC.";
        assert_eq!(sentence(form("10.1.0.4", "", ""), Some(VPC)), outside);
        assert_eq!(sentence(form("", "", ""), Some(VPC)), "No agent reports it: enter the node's address in the VPC.");
        assert_eq!(sentence(form("", "", ""), None), "No agent reports it: enter the address that clients use.");
        assert_eq!(sentence(form("ten", "", ""), Some(VPC)), "Enter an address such as 10.0.0.4.");
        assert!(form("", "", "on").parse(Some(VPC)).is_ok(), "an agent will report them");
    }

    #[test]
    fn what_a_person_declared_counts_before_what_the_agent_reports() {
        let seen = host(&[("eth0", [203, 0, 113, 4]), ("eth1", [10, 0, 0, 4])]);
        let settings = form("", "", "on").parse(Some(VPC)).expect("a node");
        let reported = (Some([10, 0, 0, 4].into()), Some(IpAddr::from([203, 0, 113, 4])));
        assert_eq!(addresses(&settings, Some(VPC), &seen), reported);
        let declared = form("10.0.0.9", "198.51.100.9", "on").parse(Some(VPC)).expect("a node");
        let expected = (Some([10, 0, 0, 9].into()), Some(IpAddr::from([198, 51, 100, 9])));
        assert_eq!(addresses(&declared, Some(VPC), &seen), expected);
    }

    #[test]
    fn a_host_outside_of_its_vpc_does_not_serve_and_says_why() {
        let settings = form("", "", "on").parse(Some(VPC)).expect("a node");
        let stray = host(&[("eth0", [203, 0, 113, 4])]);
        let sentence = misplaced(&settings, Some(("alpha", VPC)), &stray).expect("a reason");
        assert!(sentence.starts_with("The host has no address in 10.0.0.0/24, the range of VPC alpha."), "{sentence}");
        assert_eq!(
            state(&settings, &stray, Standing { misplaced: true, ..Standing::default() }),
            NodeState::SettingUpVm
        );
        assert_eq!(misplaced(&settings, Some(("alpha", VPC)), &host(&[("eth1", [10, 0, 0, 4])])), None);
        let inside_only = host(&[("eth1", [10, 0, 0, 4])]);
        let sentence = misplaced(&settings, None, &inside_only).expect("a reason");
        assert!(sentence.starts_with("The host reports no public address."), "{sentence}");
        let declared = form("", "198.51.100.9", "on").parse(None).expect("a node");
        assert_eq!(misplaced(&declared, None, &inside_only), None);
    }

    #[test]
    fn numbers_of_nodes_are_never_used_twice() {
        let service = "orders".parse().expect("a name");
        let taken = ["orders-1", "orders-4"].map(|name| name.parse().expect("a name"));
        assert_eq!(next_name(&service, &taken).as_str(), "orders-5");
        assert_eq!(next_name(&service, []).as_str(), "orders-1");
    }
}

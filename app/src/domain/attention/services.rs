//! What services need: hosts that do not serve or do not guard, and certificates that end.

use super::{Act, Need, Severity, Snapshot, lasting, listed};
use crate::domain::{
    NodeName, Timestamp,
    certificate_authority::ServiceCertificate,
    gateway::{ConfigSync, DriftPolicy},
    service::{Node, NodeState, Service},
    standing::{Standing, Target},
};

/// A line for every node that is not as asked, and for what is to be said of a service as a whole.
pub(super) fn services<'a>(seen: &'a Snapshot<'_>) -> impl Iterator<Item = Need> + 'a {
    seen.services.iter().flat_map(|service| {
        let certificates = seen.certificates.get(&service.id).map_or(&[][..], Vec::as_slice);
        let all: Vec<Need> = if service.deleting {
            vec![leaving(service)]
        } else {
            let nodes = service.nodes.iter().filter_map(|one| node(service, one, seen.now));
            let whole = [short(service), unguarded(service)].into_iter().flatten();
            whole.chain(nodes).chain(ending(service, certificates, seen.now)).collect()
        };
        all
    })
}

fn of(service: &Service, severity: Severity, sentence: impl Into<String>, detail: impl Into<String>) -> Need {
    Need {
        severity,
        subject: service.name.to_string(),
        sentence: sentence.into(),
        detail: detail.into(),
        since: None,
        target: Target::Service(service.id),
        act: Act::Open,
    }
}

fn leaving(service: &Service) -> Need {
    of(service, Severity::Moving, "is being deleted.", "Its hosts take their firewalls off.")
}

/// Fewer nodes are there than its plan asks for.
fn short(service: &Service) -> Option<Need> {
    let (there, wanted) = (service.nodes.iter().filter(|node| node.stays()).count(), usize::from(service.node_count));
    let sentence = format!("has {there} of the {wanted} nodes that its plan asks for.");
    (there < wanted).then(|| of(service, Severity::YourTurn, sentence, "Add a node, then enrol its host."))
}

/// Its ports are open on hosts that no agent guards.
fn unguarded(service: &Service) -> Option<Need> {
    let nodes = || service.nodes.iter().filter(|node| !node.settings.enforced && node.stays());
    let names: Vec<&str> = nodes().map(|node| NodeName::as_str(&node.name)).collect();
    let sentence = match names.len() {
        0 => return None,
        1 => "is not enforced on 1 node.".to_owned(),
        many => format!("is not enforced on {many} nodes."),
    };
    let detail = format!("No agent keeps the firewall of {}: whatever its host lets in gets in.", listed(&names));
    Some(of(service, Severity::YourTurn, sentence, detail))
}

fn node(service: &Service, node: &Node, now: Timestamp) -> Option<Need> {
    let severity = Severity::of(node.standing())?;
    let silent = node.state == NodeState::TimingOut || node.sync == Some(ConfigSync::Silent);
    let (sentence, detail, since, act) = if silent {
        let silence = node.last_seen.map_or_else(
            || "has never answered.".to_owned(),
            |at| format!("has not answered for {}.", lasting(at.age_seconds(now))),
        );
        let detail = match node.removed {
            true => {
                "It was removed, and its host has not taken its firewall off. Revoke its credential if the host is gone for good."
            }
            false => "The firewall that its host was told last stays in force.",
        };
        (silence, detail.to_owned(), node.last_seen, Act::Open)
    } else if let Some(trouble) = &node.trouble {
        ("is in trouble.".to_owned(), trouble.clone(), None, Act::Open)
    } else if node.state == NodeState::SettingUpVm && node.sync.is_none() {
        let detail = format!("Run the enrolment command on a host of {}, or list it without an agent.", service.name);
        ("waits for its host.".to_owned(), detail, None, Act::Enrol)
    } else if node.sync == Some(ConfigSync::Drift) {
        let sentence = match node.drift.len() {
            0 => "has another firewall than was asked for.".to_owned(),
            1 => "has another firewall than was asked for, in 1 field.".to_owned(),
            many => format!("has another firewall than was asked for, in {many} fields."),
        };
        let detail = match service.drift_policy {
            DriftPolicy::Ask => "Someone changed the host by hand. Its agent has touched nothing and waits.",
            DriftPolicy::Repair => "Its agent is putting the host right.",
        };
        (sentence, detail.to_owned(), node.drift.iter().map(|drift| drift.since).min(), Act::Compare)
    } else {
        let sentence = match node.state {
            NodeState::Leaving => "is leaving.",
            NodeState::SyncingData => "takes over from another node.",
            _ => "is applying its firewall.",
        };
        (sentence.to_owned(), format!("A node of {}.", service.name), None, Act::Open)
    };
    Some(Need {
        severity,
        subject: node.name.to_string(),
        sentence,
        detail,
        since,
        target: Target::Node(service.id, node.id),
        act,
    })
}

/// Certificates that nobody has renewed; one line per service, about the worst.
fn ending(service: &Service, certificates: &[ServiceCertificate], now: Timestamp) -> Option<Need> {
    let due =
        |one: &&ServiceCertificate| matches!(one.standing(certificates, now), Standing::Failed | Standing::YourTurn);
    let worst = certificates.iter().filter(due).min_by_key(|one| one.not_after)?;
    let (sentence, severity) = if worst.has_ended(now) {
        let ago = lasting(worst.not_after.age_seconds(now));
        (format!("has a certificate that ended {ago} ago."), Severity::Failed)
    } else {
        let left = lasting(now.age_seconds(worst.not_after));
        (format!("has a certificate that ends in {left}."), Severity::YourTurn)
    };
    let names: Vec<&str> = worst.names.iter().map(crate::domain::certificate_authority::DnsName::as_str).collect();
    let detail = format!("It is for {}. Bring a new signing request.", listed(&names));
    Some(Need { since: None, ..of(service, severity, sentence, detail) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        attention::{Summary, needs},
        find::{Index, find},
        fixtures::{NOW, Town, harbor, minutes_ago},
        host::Drift,
        service::fixtures::{node as host, service},
    };

    /// Severity, subject and sentence of every need.
    fn said(town: &Town) -> Vec<String> {
        let needs = needs(&town.snapshot());
        needs.iter().map(|need| format!("{:?}: {} {}", need.severity, need.subject, need.sentence)).collect()
    }

    fn orders() -> Town {
        let mut town = harbor();
        let nodes = vec![host(1, Some([10, 0, 0, 4]), Some([198, 51, 100, 4])), host(2, Some([10, 0, 0, 5]), None)];
        town.services.push(Service { nodes, node_count: 2, ..service("orders") });
        town
    }

    fn certificate(days: i64) -> ServiceCertificate {
        ServiceCertificate {
            serial: days.to_string(),
            names: vec!["orders-shop.causeway.internal".parse().expect("a name")],
            not_before: NOW,
            not_after: NOW.plus_seconds(days * 86_400),
            certificate: String::new(),
        }
    }

    #[test]
    fn a_removed_host_that_does_not_answer_waits_for_a_person() {
        let mut town = orders();
        town.services[0].node_count = 1;
        let node = &mut town.services[0].nodes[1];
        (node.removed, node.state, node.sync) = (true, NodeState::Leaving, Some(ConfigSync::Pending));
        assert!(said(&town)[0].starts_with("Moving: "), "{:?}", said(&town));
        town.services[0].nodes[1].sync = Some(ConfigSync::Silent);
        assert!(said(&town)[0].starts_with("YourTurn: "), "{:?}", said(&town));
    }

    #[test]
    fn a_service_that_is_as_asked_needs_nobody_and_is_counted() {
        let town = orders();
        assert_eq!(said(&town), Vec::<String>::new());
        let summary = Summary::of(&town.snapshot(), &[]);
        assert_eq!((summary.services.count, summary.services.worst), (1, None));
        assert_eq!(summary.lead(), "All 9 are as you asked.");
    }

    #[test]
    fn a_node_that_no_agent_guards_and_one_that_drifted_need_somebody() {
        let mut town = orders();
        town.services[0].nodes[0].settings.enforced = false;
        town.services[0].nodes[0].state = NodeState::Unknown;
        let drift = Drift {
            subject: "table".into(),
            field: "rules".into(),
            wanted: "2".into(),
            found: "3".into(),
            since: minutes_ago(5),
        };
        let other = &mut town.services[0].nodes[1];
        (other.sync, other.drift) = (Some(ConfigSync::Drift), vec![drift]);
        assert_eq!(
            said(&town),
            [
                "YourTurn: orders-2 has another firewall than was asked for, in 1 field.",
                "YourTurn: orders is not enforced on 1 node.",
            ]
        );
        let summary = Summary::of(&town.snapshot(), &needs(&town.snapshot()));
        assert_eq!(summary.services.worst, Some(Severity::YourTurn));
        assert_eq!(summary.headline(), "2 things need you");
    }

    #[test]
    fn a_silent_node_is_a_failure_and_one_without_a_host_waits_for_it() {
        let mut town = orders();
        town.services[0].node_count = 3;
        let nodes = &mut town.services[0].nodes;
        (nodes[0].state, nodes[0].last_seen) = (NodeState::TimingOut, Some(minutes_ago(41)));
        (nodes[1].state, nodes[1].sync) = (NodeState::SettingUpVm, None);
        assert_eq!(
            said(&town),
            [
                "Failed: orders-1 has not answered for 41 min.",
                "YourTurn: orders has 2 of the 3 nodes that its plan asks for.",
                "YourTurn: orders-2 waits for its host.",
            ]
        );
    }

    #[test]
    fn row_48_a_certificate_that_ends_soon_is_told_until_it_is_renewed() {
        let mut town = orders();
        let id = town.services[0].id;
        town.certificates.insert(id, vec![certificate(12)]);
        assert_eq!(said(&town), ["YourTurn: orders has a certificate that ends in 12 d."]);
        town.certificates.insert(id, vec![certificate(-3)]);
        assert_eq!(said(&town), ["Failed: orders has a certificate that ended 3 d ago."]);
        town.certificates.insert(id, vec![certificate(365), certificate(12)]);
        assert_eq!(said(&town), Vec::<String>::new());
    }

    #[test]
    fn a_service_is_found_by_its_name_and_its_nodes_by_their_addresses() {
        let town = orders();
        let index = Index::of(&town.snapshot());
        let names = |text: &str| -> Vec<String> {
            let answer = find(&index, text);
            answer
                .groups
                .iter()
                .flat_map(|group| {
                    group.hits.iter().map(|hit| format!("{}: {} {}", group.title, hit.entry.name, hit.why))
                })
                .collect()
        };
        assert_eq!(names("orders")[0], "Services: orders Oslo");
        assert_eq!(names("orders-2"), ["Nodes of services: orders-2 orders"]);
        assert_eq!(names("198.51.100.4"), ["An address. It belongs to: orders-1 its public address"]);
        assert_eq!(names("10.0.0.5"), ["An address. It belongs to: orders-2 its private address"]);
        let answer = find(&index, "services");
        assert!(answer.deeds.contains(&crate::domain::find::Deed::Services));
    }
}

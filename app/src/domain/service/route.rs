//! The names and addresses by which a service is reached (domain 1.7), and the records that make the names true.

use std::{collections::BTreeSet, fmt, fmt::Write as _, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Component, ComponentName, Node};
use crate::domain::{ProjectName, Refusal, ServiceName, certificate_authority::DnsName, text_newtype};

/// An access route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    Dynamic,
    Public,
    Private,
    Privatelink,
}

impl Route {
    pub const ALL: [Self; 4] = [Self::Dynamic, Self::Public, Self::Private, Self::Privatelink];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dynamic => "dynamic",
            Self::Public => "public",
            Self::Private => "private",
            Self::Privatelink => "privatelink",
        }
    }

    /// What the switch "Access Route" says.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dynamic => "Dynamic",
            Self::Public => "Public",
            Self::Private => "Private",
            Self::Privatelink => "Privatelink",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.as_str() == text)
    }
}

/// The domain below which services have their names: `services.example.com`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("A domain is made of labels of letters, digits and dashes, such as services.example.com.")]
pub struct InvalidZone;

impl FromStr for Zone {
    type Err = InvalidZone;
    fn from_str(text: &str) -> Result<Self, InvalidZone> {
        let text = text.trim().trim_end_matches('.').to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // With a label of 63 characters before it, a name still has at most 253 (RFC 1035).
        if text.len() <= 189 && text.split('.').all(label) { Ok(Self(text)) } else { Err(InvalidZone) }
    }
}

impl Default for Zone {
    /// `.internal` is nobody's on the internet.
    fn default() -> Self {
        Self("causeway.internal".to_owned())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_newtype!(Zone, InvalidZone);

/// The most characters of a label in the DNS (RFC 1035, section 2.3.4).
const LABEL: usize = 63;
const LONGEST_PREFIX: &str = "privatelink-99-";

/// Whether every host name of a service fits into the DNS.
pub fn admit_host(service: &ServiceName, project: &ProjectName) -> Result<(), Refusal> {
    // With the dash that follows it in its host name: `public` of project `orders-shop` would be the public host of `orders`
    // of project `shop`.
    let begun = format!("{service}-");
    let own = ["public-", "private-", "privatelink-"].into_iter().find(|prefix| begun.starts_with(prefix));
    if let Some(prefix) = own {
        let word = prefix.trim_end_matches('-');
        let sentence =
            format!("{word} and names that start with {prefix} are reserved: they are host names of other services.");
        return Err(Refusal::malformed("name", sentence));
    }
    let length = format!("{LONGEST_PREFIX}{service}-{project}").len();
    if length <= LABEL {
        return Ok(());
    }
    let most = LABEL.saturating_sub(LONGEST_PREFIX.len() + 1 + project.as_str().len());
    if most == 0 {
        let sentence = format!(
            "The name of project {project} is too long for host names: no service fits below it. Use another project."
        );
        return Err(Refusal::malformed("name", sentence));
    }
    Err(Refusal::malformed(
        "name",
        format!(
            "The name becomes part of host names, and with project {project} it may have at most {most} characters."
        ),
    ))
}

/// The host name of a route; of a PrivateLink connection, with its number.
pub fn host(route: Route, service: &ServiceName, project: &ProjectName, zone: &Zone, number: u16) -> String {
    let plain = format!("{service}-{project}.{zone}");
    match route {
        Route::Dynamic => plain,
        Route::Public => format!("public-{plain}"),
        Route::Private => format!("private-{plain}"),
        Route::Privatelink => format!("privatelink-{number}-{plain}"),
    }
}

/// Every name that a certificate of the service may have: those of the routes that are switched off too, so that it
/// need not be issued anew when one is opened. No other service can ever have one of them ([`admit_host`]).
pub fn names(service: &ServiceName, project: &ProjectName, zone: &Zone) -> BTreeSet<DnsName> {
    let routes = [Route::Dynamic, Route::Public, Route::Private];
    routes.into_iter().filter_map(|route| host(route, service, project, zone, 0).parse().ok()).collect()
}

/// A way to a component, as clients use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    pub component: ComponentName,
    pub route: Route,
    pub host: String,
    pub port: u16,
    /// What the name resolves to; empty until a node serves.
    pub addresses: Vec<IpAddr>,
}

impl Access {
    /// A line to try it with (domain 6.1).
    pub fn probe(&self) -> String {
        format!("nc -zv {} {}", self.host, self.port)
    }
}

/// Every way to a service but those of PrivateLink, by component and route (domain 1.7).
pub fn accesses(
    service: &ServiceName,
    project: &ProjectName,
    zone: &Zone,
    in_vpc: bool,
    components: &[Component],
    nodes: &[Node],
) -> Vec<Access> {
    let serving: Vec<&Node> = nodes.iter().filter(|node| node.serves()).collect();
    let private: Vec<IpAddr> = serving.iter().filter_map(|node| node.private_address.map(IpAddr::V4)).collect();
    let public: Vec<IpAddr> = serving.iter().filter_map(|node| node.public_address).collect();
    let mut all = Vec::new();
    for component in components {
        let mut add = |route, addresses: &[IpAddr]| {
            let host = host(route, service, project, zone, 0);
            let (component, port) = (component.name.clone(), component.port);
            all.push(Access { component, route, host, port, addresses: addresses.to_vec() });
        };
        add(Route::Dynamic, if in_vpc { &private } else { &public });
        if in_vpc && component.public_access {
            add(Route::Public, &public);
        }
        if component.private_access {
            add(Route::Private, &private);
        }
    }
    all
}

/// How long a resolver may keep a record, in seconds: names are switched when a service moves.
const TTL: u32 = 60;

/// The records of a service for one's own DNS, as a zone file (RFC 1035, section 5).
pub fn zone_file(zone: &Zone, accesses: &[Access]) -> String {
    let mut text = format!("$ORIGIN {zone}.\n$TTL {TTL}\n");
    for record in records(accesses) {
        text.push_str(&record);
        text.push('\n');
    }
    text
}

/// One line per name and address, each once.
pub fn records(accesses: &[Access]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for access in accesses {
        for address in &access.addresses {
            let kind = if address.is_ipv4() { "A" } else { "AAAA" };
            let mut line = String::new();
            let _ = write!(line, "{}. {TTL} IN {kind} {address}", access.host);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::service::fixtures::{component, node};

    fn ways(in_vpc: bool, components: &[Component]) -> Vec<Access> {
        let nodes = [node(1, Some([10, 0, 0, 4]), Some([203, 0, 113, 4])), node(2, Some([10, 0, 0, 5]), None)];
        let (service, project) = ("orders".parse().expect("a name"), "shop".parse().expect("a name"));
        accesses(&service, &project, &Zone::default(), in_vpc, components, &nodes)
    }

    #[test]
    fn row_36_in_a_vpc_a_component_has_private_addresses_only_until_public_access_is_given() {
        let all = ways(true, &[component("pg", 5432)]);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].route, all[0].host.as_str()), (Route::Dynamic, "orders-shop.causeway.internal"));
        assert_eq!(all[0].addresses, ["10.0.0.4".parse::<IpAddr>(), "10.0.0.5".parse()].map(Result::unwrap));
        assert_eq!(all[0].probe(), "nc -zv orders-shop.causeway.internal 5432");
    }

    #[test]
    fn row_37_public_access_adds_the_public_host_of_that_component_and_of_no_other() {
        let open = Component { public_access: true, ..component("pg", 5432) };
        let all = ways(true, &[open, component("pgbouncer", 6432)]);
        let public: Vec<&Access> = all.iter().filter(|access| access.route == Route::Public).collect();
        assert_eq!(public.len(), 1);
        assert_eq!((public[0].host.as_str(), public[0].port), ("public-orders-shop.causeway.internal", 5432));
        assert_eq!(public[0].addresses, ["203.0.113.4".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn in_public_the_dynamic_name_leads_to_public_addresses_and_private_access_to_private_ones() {
        let both = Component { private_access: true, public_access: true, ..component("pg", 5432) };
        let all = ways(false, &[both]);
        let routes: Vec<Route> = all.iter().map(|access| access.route).collect();
        assert_eq!(routes, [Route::Dynamic, Route::Private], "a public service has no second public name");
        assert_eq!(all[0].addresses, ["203.0.113.4".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn the_zone_file_has_a_record_for_every_name_and_address_once() {
        let open = Component { public_access: true, ..component("pg", 5432) };
        let text = zone_file(&Zone::default(), &ways(true, &[open, component("pgbouncer", 6432)]));
        assert_eq!(
            text,
            "$ORIGIN causeway.internal.\n$TTL 60\n\
             orders-shop.causeway.internal. 60 IN A 10.0.0.4\n\
             orders-shop.causeway.internal. 60 IN A 10.0.0.5\n\
             public-orders-shop.causeway.internal. 60 IN A 203.0.113.4\n"
        );
    }

    #[test]
    fn row_49_a_certificate_may_have_the_names_of_every_route_and_no_other() {
        let own = names(&"orders".parse().expect("a name"), &"shop".parse().expect("a name"), &Zone::default());
        let own: Vec<&str> = own.iter().map(DnsName::as_str).collect();
        let expected = ["orders-shop", "private-orders-shop", "public-orders-shop"];
        assert_eq!(own, expected.map(|host| format!("{host}.causeway.internal")));
    }

    #[test]
    fn a_name_that_would_not_fit_into_the_dns_is_refused_with_the_number_that_fits() {
        let project = "shop".parse().expect("a name");
        let long: ServiceName = "s".repeat(44).parse().expect("a name");
        assert_eq!(admit_host(&"s".repeat(43).parse().expect("a name"), &project), Ok(()));
        let refusal = admit_host(&long, &project).unwrap_err();
        let sentence = "The name becomes part of host names, and with project shop it may have at most 43 characters.";
        assert_eq!(refusal.sentence, sentence);
        let longest = "p".repeat(63).parse().expect("a name");
        let refusal = admit_host(&"orders".parse().expect("a name"), &longest).unwrap_err();
        assert!(refusal.sentence.ends_with("no service fits below it. Use another project."), "{}", refusal.sentence);
        for name in ["public-orders", "public"] {
            let refusal = admit_host(&name.parse().expect("a name"), &project).unwrap_err();
            let sentence =
                "public and names that start with public- are reserved: they are host names of other services.";
            assert_eq!(refusal.sentence, sentence);
        }
    }
}

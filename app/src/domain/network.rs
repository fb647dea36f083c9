//! A snapshot of every range in a project, and the rules about them (domain 3.1 and 3.7).
//!
//! The form asks these functions while a person types, the server asks them again inside
//! the transaction that writes. Both read the same snapshot type, so they answer with the
//! same sentence.

use std::{collections::BTreeSet, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::{
    Cidr, CloudName, ConnectionId, GatewayId, GatewayName, PairId, PeerId, PeerName, PersonId, Provider, Refusal,
    Refusals, VpcId, VpcName,
    cidr::{CARRIER, PRIVATE, merge},
    connection::{ConnectionState, Peer},
    gateway::{NewGateway, TUNNEL_SPACE},
    location::{CloudOffer, Location, SERVICE_CONNECT},
    peer::{Endpoint, NewSite, PeerKind},
    peering::PlannedSide,
    vpc::VpcState,
};

/// Everything that overlap rules need to know. Holds no secrets and no road warriors: it is sent to the browser.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub locations: Vec<Location>,
    /// The clouds that have an account or a look-alike.
    pub clouds: Vec<CloudOffer>,
    pub vpcs: Vec<VpcRange>,
    pub gateways: Vec<GatewayRange>,
    /// Gateways whose hosts are still cleaning up. They hold nothing any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaving: Vec<LeavingGateway>,
    /// AllowedIPs of sites and VPC peerings.
    pub routed: Vec<RoutedRange>,
    /// Networks that the planner lists beside the project's own.
    pub planned: Vec<PlannedRange>,
    /// Peering connections of cloud VPCs that are not deleted.
    pub connections: Vec<ConnectionRange>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpcRange {
    pub id: VpcId,
    pub name: VpcName,
    pub cloud: CloudName,
    pub cidr: Cidr,
    pub state: VpcState,
    /// What the cloud calls the network, once it is there: an AWS VPC ID, an UpCloud network's UUID.
    pub cloud_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayRange {
    pub id: GatewayId,
    pub name: GatewayName,
    pub owner: PersonId,
    pub vpc: VpcId,
    pub tunnel: Cidr,
    /// Whether its status is Active.
    pub active: bool,
    /// Why not, in a sentence; empty if active.
    pub inactive_because: String,
    pub public_address: Option<Ipv4Addr>,
    pub listen_port: u16,
    /// The lowest free address for a peer; `None` if the tunnel subnet is exhausted.
    pub next_tunnel_address: Option<Ipv4Addr>,
    pub generation: u64,
}

/// A gateway that is being deleted: what is left to say of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeavingGateway {
    pub id: GatewayId,
    pub name: GatewayName,
    pub owner: PersonId,
    pub vpc: VpcId,
}

/// A range that a peer of a gateway already takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutedRange {
    pub gateway: GatewayId,
    pub peer: PeerId,
    pub peer_name: PeerName,
    pub kind: PeerKind,
    pub pair: Option<PairId>,
    /// The other gateway of a VPC peering.
    pub remote: Option<GatewayId>,
    pub cidr: Cidr,
}

/// What a cloud VPC's peering connection takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRange {
    pub id: ConnectionId,
    pub vpc: VpcId,
    pub peer: Peer,
    pub state: ConnectionState,
    /// What the cloud calls it, once it is there: `pcx-…`.
    pub cloud_id: Option<String>,
    /// The ranges that a person routes through it.
    pub user: Vec<Cidr>,
    /// The peer's own ranges, as far as the cloud has told.
    pub discovered: Vec<Cidr>,
}

impl ConnectionRange {
    /// Whether its ranges are routed, or will be: what is closed or going holds nothing.
    pub fn routes(&self) -> bool {
        self.state.is_live()
    }

    pub fn ranges(&self) -> impl Iterator<Item = Cidr> + '_ {
        let beside = self.discovered.iter().filter(|range| !self.user.contains(range));
        self.user.iter().chain(beside).copied()
    }
}

/// A network that somebody owns or plans elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRange {
    pub name: VpcName,
    pub cidr: Cidr,
}

impl Network {
    pub fn vpc(&self, id: VpcId) -> Option<&VpcRange> {
        self.vpcs.iter().find(|vpc| vpc.id == id)
    }

    pub fn gateway(&self, id: GatewayId) -> Option<&GatewayRange> {
        self.gateways.iter().find(|gateway| gateway.id == id)
    }

    pub fn location(&self, cloud: &CloudName) -> Option<&Location> {
        self.locations.iter().find(|location| location.cloud == *cloud)
    }

    /// Domain 3.1, checks 3 to 6; 1 and 2 are in the parser.
    pub fn admit_vpc(&self, name: &VpcName, cloud: &CloudName, cidr: Cidr) -> Result<(), Refusals> {
        let mut refusals = Vec::new();
        if self.vpcs.iter().any(|vpc| vpc.name == *name) {
            refusals.push(Self::name_taken(name));
        }
        refusals.extend(self.admit_cloud(cloud).err());
        refusals.extend(self.admit_vpc_cidr(cloud, cidr).err());
        Refusals::none_of(refusals)
    }

    /// Whether VPCs can be made there.
    pub fn admit_cloud(&self, cloud: &CloudName) -> Result<(), Refusal> {
        let provider = cloud.provider();
        if provider.is_cloud() {
            return self.offer(provider).map(|_| ()).ok_or_else(|| {
                let sentence = format!(
                    "{provider} is not configured. Add an account for {provider} under Cloud accounts, or choose another provider."
                );
                Refusal::conflict("cloud", sentence)
            });
        }
        self.location(cloud).map(|_| ()).ok_or_else(|| Refusal::malformed("cloud", "Choose a location."))
    }

    pub fn offer(&self, provider: Provider) -> Option<&CloudOffer> {
        self.clouds.iter().find(|offer| offer.provider == provider)
    }

    /// The connections whose ranges are routed, or will be.
    pub fn routing_connections(&self) -> impl Iterator<Item = &ConnectionRange> {
        self.connections.iter().filter(|connection| connection.routes())
    }

    pub fn name_taken(name: &VpcName) -> Refusal {
        Refusal::conflict("name", format!("A VPC named {name} already exists."))
    }

    /// The range alone, for the form before it has a name.
    pub fn admit_vpc_cidr(&self, cloud: &CloudName, cidr: Cidr) -> Result<(), Refusal> {
        let (shortest, longest) = cloud.provider().prefix_bounds();
        if !(shortest..=longest).contains(&cidr.prefix()) {
            return Err(Refusal::malformed(
                "cidr",
                format!("The prefix length must be between /{shortest} and /{longest}."),
            ));
        }
        let reserved = cidr.reserved().or(cloud.provider().reserved().filter(|range| range.overlaps(cidr)));
        if let Some(range) = reserved {
            return Err(Refusal::malformed("cidr", format!("{cidr} overlaps with the reserved range {range}.")));
        }
        if cloud.provider() == Provider::Google && cidr.overlaps(SERVICE_CONNECT) {
            return Err(Refusal::malformed(
                "cidr",
                format!("{cidr} overlaps with {SERVICE_CONNECT}, which is reserved for Private Service Connect."),
            ));
        }
        let other = self.vpcs.iter().find(|vpc| vpc.cloud == *cloud && vpc.cidr.overlaps(cidr));
        if let Some(other) = other {
            return Err(Refusal::conflict(
                "cidr",
                format!("{cidr} overlaps with VPC {} ({}) in the same region.", other.name, other.cidr),
            ));
        }
        Ok(())
    }

    /// Domain 3.1, check 7, W1 and W2: what a person should know before asking anyway.
    pub fn vpc_warnings(&self, cloud: &CloudName, cidr: Cidr) -> Vec<String> {
        let mut warnings = Vec::new();
        if !cidr.is_private() {
            warnings.push(format!(
                "{cidr} is not a private range. Hosts on the internet with these addresses become unreachable from the VPC."
            ));
        }
        let elsewhere = self.vpcs.iter().filter(|vpc| vpc.cloud != *cloud).map(|vpc| (vpc.name.to_string(), vpc.cidr));
        let planned = self.planned.iter().map(|range| (range.name.to_string(), range.cidr));
        let connected = self
            .routing_connections()
            .flat_map(|connection| connection.ranges().map(|range| (connection.peer.vpc().to_owned(), range)));
        for (name, other) in elsewhere.chain(planned).chain(connected).filter(|(_, other)| other.overlaps(cidr)) {
            warnings.push(format!(
                "{cidr} overlaps with {name} ({other}). You will not be able to peer both with the same network."
            ));
        }
        for gateway in self.gateways.iter().filter(|gateway| gateway.tunnel.overlaps(cidr)) {
            warnings.push(format!(
                "{cidr} overlaps with the tunnel subnet {} of gateway {}. The two cannot be peered.",
                gateway.tunnel, gateway.name
            ));
        }
        warnings
    }

    /// Every rule of domain 3.7 about making a gateway.
    pub fn admit_gateway(&self, new: &NewGateway, owner: PersonId) -> Result<(), Refusals> {
        let mut refusals = Vec::new();
        if self.gateways.iter().any(|gateway| gateway.owner == owner && gateway.name == new.name) {
            refusals.push(Refusal::conflict("name", format!("A gateway named {} already exists.", new.name)));
        }
        match self.vpc(new.vpc) {
            None => refusals.push(Refusal::malformed("vpc", "Choose a VPC.")),
            Some(vpc) => {
                refusals.extend(self.admit_gateway_in(vpc).err());
                refusals.extend(self.admit_tunnel(new.tunnel, Some(vpc), owner).err());
            }
        }
        Refusals::none_of(refusals)
    }

    /// Whether this VPC may get a gateway at all; the form disables the others with this sentence.
    pub fn admit_gateway_in(&self, vpc: &VpcRange) -> Result<(), Refusal> {
        if self.gateways.iter().any(|gateway| gateway.vpc == vpc.id) {
            return Err(Refusal::conflict("vpc", "This VPC already has a VPN gateway."));
        }
        if self.vpn_gateway_enabled(&vpc.cloud) {
            return Ok(());
        }
        let place = self.location(&vpc.cloud).map_or_else(|| vpc.cloud.label(), |location| location.label.clone());
        Err(Refusal::conflict("vpc", format!("VPN gateways are not enabled in {place}.")))
    }

    /// A location's own flag decides; else the flag of its cloud.
    pub fn vpn_gateway_enabled(&self, cloud: &CloudName) -> bool {
        let offered = || self.offer(cloud.provider()).is_some_and(|offer| offer.vpn_gateway_enabled);
        self.location(cloud).map_or_else(offered, |location| location.vpn_gateway_enabled)
    }

    /// Whether a tunnel subnet is free for this owner and apart from the VPC.
    pub fn admit_tunnel(&self, tunnel: Cidr, vpc: Option<&VpcRange>, owner: PersonId) -> Result<(), Refusal> {
        if vpc.is_some_and(|vpc| vpc.cidr.overlaps(tunnel)) {
            return Err(Refusal::conflict("tunnel", "The tunnel subnet overlaps with the CIDR of the VPC."));
        }
        if let Some((connection, range)) = vpc.and_then(|vpc| self.connected(vpc.id, tunnel)) {
            let sentence = format!("The tunnel subnet overlaps with {range} of connection {}.", connection.peer.vpc());
            return Err(Refusal::conflict("tunnel", sentence));
        }
        let other = self.gateways.iter().find(|other| other.owner == owner && other.tunnel.overlaps(tunnel));
        if let Some(other) = other {
            let sentence = format!("Tunnel subnet {} is already used by gateway {}.", other.tunnel, other.name);
            return Err(Refusal::conflict("tunnel", sentence));
        }
        Ok(())
    }

    /// A connection of this VPC that routes addresses of this range, and the range that it routes.
    pub fn connected(&self, vpc: VpcId, range: Cidr) -> Option<(&ConnectionRange, Cidr)> {
        self.routing_connections().filter(|connection| connection.vpc == vpc).find_map(|connection| {
            connection.ranges().find(|theirs| theirs.overlaps(range)).map(|theirs| (connection, theirs))
        })
    }

    /// A free /24 of 10.200.0.0/16 that touches no range of the project (domain 5.2).
    pub fn suggest_tunnel(&self) -> Option<Cidr> {
        (1..=255u8)
            .chain([0])
            .map(|third| Cidr::literal([10, 200, third, 0], 24))
            .find(|tunnel| TUNNEL_SPACE.covers(*tunnel) && !self.ranges().any(|range| range.overlaps(*tunnel)))
    }

    /// Every range that somebody uses, planned ones too.
    pub fn ranges(&self) -> impl Iterator<Item = Cidr> + '_ {
        let vpcs = self.vpcs.iter().map(|vpc| vpc.cidr);
        let tunnels = self.gateways.iter().map(|gateway| gateway.tunnel);
        let routed = self.routed.iter().map(|routed| routed.cidr);
        let connected = self.routing_connections().flat_map(ConnectionRange::ranges);
        vpcs.chain(tunnels).chain(routed).chain(connected).chain(self.planned.iter().map(|planned| planned.cidr))
    }

    /// What must never leave a gateway unencrypted: RFC 1918, 100.64.0.0/10 and every range of the project, public ones too.
    pub fn guarded(&self) -> Vec<Cidr> {
        merge(
            self.vpcs
                .iter()
                .map(|vpc| vpc.cidr)
                .chain(self.gateways.iter().map(|g| g.tunnel))
                .chain(self.routed.iter().map(|r| r.cidr))
                .chain(self.routing_connections().flat_map(ConnectionRange::ranges))
                .chain(PRIVATE)
                .chain([CARRIER]),
        )
    }

    /// Whether two gateways may be joined: the five checks of the feature guide in their order, then what WireGuard and the states ask.
    pub fn admit_peering(&self, a: GatewayId, b: GatewayId) -> Result<(), Refusal> {
        let refuse = |sentence: String| Err(Refusal::conflict("remote", sentence));
        if let Some(leaving) = self.leaving.iter().find(|leaving| leaving.id == a || leaving.id == b) {
            return refuse(format!("Gateway {} is being deleted.", leaving.name));
        }
        let known = |id: GatewayId| self.gateway(id).and_then(|gateway| Some((gateway, self.vpc(gateway.vpc)?)));
        let (Some((a, vpc_a)), Some((b, vpc_b))) = (known(a), known(b)) else {
            return refuse("This gateway no longer exists. Choose another one.".into());
        };
        if a.vpc == b.vpc {
            return refuse("Cannot peer gateways in the same VPC".into());
        }
        if self.peered(a.id, b.id) {
            return refuse("A peering already exists between these gateways".into());
        }
        if vpc_a.cidr.overlaps(vpc_b.cidr) {
            return refuse("The VPC CIDRs of the two gateways overlap".into());
        }
        if a.tunnel.overlaps(b.tunnel) {
            return refuse("The tunnel subnets of the two gateways overlap".into());
        }
        if a.tunnel.overlaps(vpc_b.cidr) || b.tunnel.overlaps(vpc_a.cidr) {
            return refuse("A tunnel subnet overlaps with the remote VPC CIDR".into());
        }
        if let Some(inactive) = [a, b].into_iter().find(|gateway| !gateway.active) {
            return refuse(
                format!("Both gateways must be active. {}", inactive.inactive_because).trim_end().to_owned(),
            );
        }
        if a.owner != b.owner {
            return refuse("Both gateways must belong to the same user.".into());
        }
        if let Some(unreachable) = [a, b].into_iter().find(|gateway| gateway.public_address.is_none()) {
            return refuse(format!("Gateway {} has no public address. Enter one in its settings.", unreachable.name));
        }
        for (here, remote, remote_vpc) in [(a, b, vpc_b), (b, a, vpc_a)] {
            for cidr in [remote_vpc.cidr, remote.tunnel] {
                let taken = self.routed.iter().find(|routed| routed.gateway == here.id && routed.cidr.overlaps(cidr));
                if let Some(taken) = taken {
                    return refuse(format!(
                        "{cidr} is already routed by peer {} on gateway {}.",
                        taken.peer_name, here.name
                    ));
                }
                if let Some((connection, _)) = self.connected(here.vpc, cidr) {
                    return refuse(format!("{cidr} is already routed through connection {}.", connection.peer.vpc()));
                }
            }
            if here.next_tunnel_address.is_none() {
                return refuse(format!("No free tunnel address on gateway {}.", here.name));
            }
        }
        Ok(())
    }

    /// Whether a pair joins these two, in either direction.
    pub fn peered(&self, a: GatewayId, b: GatewayId) -> bool {
        self.routed.iter().any(|routed| routed.gateway == a && routed.remote == Some(b))
    }

    /// What a VPC peering will make on both gateways, before it does.
    pub fn plan_peering(&self, a: GatewayId, b: GatewayId) -> Result<[PlannedSide; 2], Refusal> {
        self.admit_peering(a, b)?;
        let side = |here: GatewayId, there: GatewayId| {
            let (here, there) = (self.gateway(here)?, self.gateway(there)?);
            Some(PlannedSide {
                gateway: here.id,
                gateway_name: here.name.clone(),
                peer: PeerName::of_peering_with(&there.name),
                tunnel_address: here.next_tunnel_address?,
                allowed_ips: [self.vpc(there.vpc)?.cidr, there.tunnel],
                endpoint: Endpoint { address: there.public_address?, port: there.listen_port },
                generation: here.generation + 1,
            })
        };
        match (side(a, b), side(b, a)) {
            (Some(a), Some(b)) => Ok([a, b]),
            _ => Err(Refusal::conflict("remote", "Both gateways must be active.")),
        }
    }

    /// Whether the planner may list this network.
    pub fn admit_planned(&self, range: &PlannedRange) -> Result<(), Refusal> {
        if self.planned.iter().any(|planned| planned.name == range.name) {
            return Err(Refusal::conflict("name", format!("A planned network named {} already exists.", range.name)));
        }
        Ok(())
    }

    /// Whether a gateway may go without an address of its own: the other ends of its peerings must find it.
    pub fn admit_public_address(&self, gateway: GatewayId, address: Option<Ipv4Addr>) -> Result<(), Refusal> {
        let peered = self.routed.iter().any(|routed| routed.gateway == gateway && routed.remote.is_some());
        if peered && address.is_none() {
            let sentence = "The agent has reported no address, and VPC peerings need one. Enter the address that peers connect to.";
            return Err(Refusal::conflict("public_address", sentence));
        }
        Ok(())
    }

    /// Whether a site's networks are free on this gateway: apart from the VPC, the tunnel subnet and every other peer.
    pub fn admit_site(&self, gateway: GatewayId, new: &NewSite) -> Result<(), Refusals> {
        let Some(here) = self.gateway(gateway) else {
            return Err(Refusal::malformed("", "This gateway no longer exists.").into());
        };
        let mut refusals = Vec::new();
        for cidr in &new.networks {
            let vpc = self
                .vpc(here.vpc)
                .filter(|vpc| vpc.cidr.overlaps(*cidr))
                .map(|vpc| format!("VPC {} ({})", vpc.name, vpc.cidr));
            let tunnel = here.tunnel.overlaps(*cidr).then(|| format!("the tunnel subnet {}", here.tunnel));
            let peer = || {
                let taken = self.routed.iter().find(|routed| routed.gateway == gateway && routed.cidr.overlaps(*cidr));
                taken.map(|taken| format!("peer {} ({})", taken.peer_name, taken.cidr))
            };
            let connection = || {
                let (connection, range) = self.connected(here.vpc, *cidr)?;
                Some(format!("connection {} ({range})", connection.peer.vpc()))
            };
            if let Some(what) = vpc.or(tunnel).or_else(peer).or_else(connection) {
                refusals.push(Refusal::conflict("networks", format!("{cidr} overlaps with {what}.")));
            }
        }
        if let Some(endpoint) = new.endpoint
            && new.networks.iter().any(|cidr| cidr.contains(endpoint.address))
        {
            refusals.push(Refusal::malformed(
                "endpoint",
                format!(
                    "{} lies inside the site's own networks, so the tunnel would have to run through itself.",
                    endpoint.address
                ),
            ));
        }
        Refusals::none_of(refusals)
    }

    /// Where a road warrior of this gateway gets to: its VPC, the tunnel subnet, and the CIDR of every peered VPC (domain 5.7).
    pub fn reach_of(&self, gateway: GatewayId) -> Vec<Cidr> {
        let Some(here) = self.gateway(gateway) else { return Vec::new() };
        let own = self.vpc(here.vpc).map(|vpc| vpc.cidr);
        let peered = self.peered_vpcs(gateway).map(|vpc| vpc.cidr);
        let ranges: BTreeSet<Cidr> = own.into_iter().chain([here.tunnel]).chain(peered).collect();
        ranges.into_iter().collect()
    }

    /// What hosts inside the gateway's VPC route to it (domain 5.4): its tunnel subnet, and everything behind its sites and peerings.
    pub fn routes_inside(&self, gateway: GatewayId) -> Vec<Cidr> {
        let Some(here) = self.gateway(gateway) else { return Vec::new() };
        let behind = self.routed.iter().filter(|routed| routed.gateway == gateway).map(|routed| routed.cidr);
        let ranges: BTreeSet<Cidr> = behind.chain([here.tunnel]).collect();
        ranges.into_iter().collect()
    }

    /// What a site of this gateway is told to route to it (domain 5.8).
    ///
    /// Its VPC and the tunnel subnet, and never a peered VPC: the other gateway accepts exactly two ranges from this one, so
    /// that what a site sends would end there.
    pub fn reach_of_site(&self, gateway: GatewayId) -> Vec<Cidr> {
        let Some(here) = self.gateway(gateway) else { return Vec::new() };
        let ranges: BTreeSet<Cidr> = self.vpc(here.vpc).map(|vpc| vpc.cidr).into_iter().chain([here.tunnel]).collect();
        ranges.into_iter().collect()
    }

    /// The VPCs that are directly peered with this gateway's.
    pub fn peered_vpcs(&self, gateway: GatewayId) -> impl Iterator<Item = &VpcRange> {
        let remotes: BTreeSet<GatewayId> =
            self.routed.iter().filter(|routed| routed.gateway == gateway).filter_map(|routed| routed.remote).collect();
        remotes.into_iter().filter_map(|remote| self.vpc(self.gateway(remote)?.vpc))
    }
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;

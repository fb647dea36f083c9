//! Everything that the firewalls of a project's services follow from, read at one moment in a constant number of statements.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use app::domain::{
    Cidr, Network, NodeId, ProjectId, ServiceId, Timestamp, VpcId,
    gateway::ConfigSync,
    service::{
        IpFilter, Node, Place, VpcBrief,
        firewall::peered,
        member::{self, Seen, Standing},
        migration::{Migration, Side},
        placement,
    },
};

use super::{
    Result, Store, Tx,
    hosts::HostRow,
    network::Vantage,
    nodes::NodeRow,
    people::parsed,
    services::{MigrationRow, ServiceRow},
};

/// Where nobody is silent.
const ANYWHERE: Vantage<'static> =
    Vantage { now: Timestamp(0), silent_after: u64::MAX, listening_since: Timestamp(0), locations: &[] };

pub struct FirewallScene {
    /// Those that are being deleted too.
    pub services: Vec<ServiceRow>,
    /// Those that were removed too.
    pub nodes: Vec<NodeRow>,
    pub filters: HashMap<ServiceId, IpFilter>,
    pub migrations: HashMap<ServiceId, MigrationRow>,
    pub hosts: HashMap<NodeId, HostRow>,
    pub network: Network,
}

impl FirewallScene {
    pub fn range(&self, vpc: VpcId) -> Option<Cidr> {
        self.network.vpcs.iter().find(|known| known.id == vpc).map(|known| known.cidr)
    }

    /// A node as it stands, from where one looks.
    pub fn node(&self, row: &NodeRow, from: &Vantage<'_>) -> Node {
        let host = self.hosts.get(&row.id);
        let seen = Seen {
            enrolled: host.is_some_and(|host| host.enrolled),
            last_seen: host.and_then(|host| host.last_seen),
            verified: host.is_some_and(|host| host.verified > 0 && !host.cleaned),
            facts: host.and_then(|host| host.facts.clone()),
        };
        let told = host.map(|host| host.observation(row.removed).listened_to_since(from.listening_since));
        let observed = told.unwrap_or_default();
        let sync = observed.sync(from.now, from.silent_after);
        let vpc = row.place.vpc.and_then(|id| self.network.vpc(id));
        // Its VPC is not known: then it is nowhere.
        let lost = row.place.vpc.is_some() && vpc.is_none();
        let misplaced = member::misplaced(&row.settings, vpc.map(|vpc| (vpc.name.as_str(), vpc.cidr)), &seen);
        let (private_address, public_address) = member::addresses(&row.settings, vpc.map(|vpc| vpc.cidr), &seen);
        let standing = Standing {
            misplaced: misplaced.is_some() || lost,
            leaving: row.leaving_at.is_some() || row.removed,
            replaces: row.replaces.is_some(),
            silent: sync == ConfigSync::Silent,
        };
        Node {
            id: row.id,
            name: row.name.clone(),
            state: member::state(&row.settings, &seen, standing),
            place: row.place.clone(),
            settings: row.settings,
            private_address,
            public_address,
            replaces: row.replaces,
            removed: row.removed,
            sync: (row.settings.enforced && seen.enrolled).then_some(sync),
            last_seen: seen.last_seen,
            host_name: seen.facts.map(|facts| facts.host_name),
            trouble: misplaced.or_else(|| host.and_then(|host| host.apply_error.clone())),
            drift: host.map(|host| host.drift.clone()).unwrap_or_default(),
        }
    }

    /// The same for whoever asks only where packets from it come from.
    pub fn member(&self, row: &NodeRow) -> Node {
        self.node(row, &ANYWHERE)
    }

    /// The nodes of a service, those that were removed and have not cleaned up yet too.
    pub fn nodes_of(&self, service: &ServiceRow, from: &Vantage<'_>) -> Vec<Node> {
        self.nodes.iter().filter(|row| row.service == service.id).map(|row| self.node(row, from)).collect()
    }

    pub fn migration(&self, service: &ServiceRow) -> Option<Migration> {
        let moving = self.migrations.get(&service.id)?;
        let other = if service.place == moving.target {
            // A host of an earlier move may not have cleaned up yet.
            let old = self.nodes.iter().filter(|row| row.service == service.id && row.place != moving.target);
            old.min_by_key(|row| row.removed).map(|row| &row.place)
        } else {
            Some(&moving.target)
        };
        Some(Migration {
            target_label: placement::label(&self.network, &moving.target),
            target: moving.target.clone(),
            started_at: moving.started_at,
            drains_until: moving.drains_until,
            other: other.map(|place| self.side(place)),
        })
    }

    /// A place as hosts in it see it.
    pub fn side(&self, place: &Place) -> Side {
        let vpc = place.vpc.and_then(|id| self.network.vpc(id));
        Side {
            place: place.clone(),
            label: placement::label(&self.network, place),
            vpc: vpc.map(|vpc| VpcBrief { id: vpc.id, name: vpc.name.clone(), cidr: vpc.cidr, state: vpc.state }),
            peered: place.vpc.map(|vpc| peered(&self.network, vpc)).unwrap_or_default(),
        }
    }
}

impl Tx {
    pub async fn service_scene(&mut self, project: ProjectId, from: &Vantage<'_>) -> Result<FirewallScene> {
        Ok(FirewallScene {
            services: self.services(project).await?,
            nodes: self.nodes(project).await?,
            filters: self.ip_filters(project).await?,
            migrations: self.migrations(project).await?,
            hosts: self.node_hosts(project).await?,
            network: self.ranges(project, from, &HashMap::new()).await?,
        })
    }
}

impl Store {
    /// As [`Tx::service_scene`], at one moment.
    pub async fn service_scene(&self, project: ProjectId, from: &Vantage<'_>) -> Result<FirewallScene> {
        self.snapshot().await?.service_scene(project, from).await
    }

    pub async fn projects_with_services(&self) -> Result<BTreeSet<ProjectId>> {
        let rows = sqlx::query("select distinct project_id from service").fetch_all(self.pool()).await?;
        rows.iter().map(|row| parsed(row, "service", "project_id")).collect()
    }

    pub async fn firewall_scene(&self, project: ProjectId) -> Result<FirewallScene> {
        let mut tx = self.snapshot().await?;
        tx.service_scene(project, &ANYWHERE).await
    }

    /// Every node whose host is told what to do, and its project; also of those that had an agent once.
    pub async fn told_nodes(&self) -> Result<BTreeMap<NodeId, ProjectId>> {
        let rows = sqlx::query(
            "select n.id, s.project_id from node n join service s on s.id = n.service_id
             where n.enforced <> 0 or exists (select 1 from credential c where c.host_id = n.id)",
        )
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(|row| Ok((parsed(row, "node", "id")?, parsed(row, "service", "project_id")?))).collect()
    }
}

//! Service rows, with their components and IP filters. Nodes have their own file.

use std::collections::HashMap;

use app::domain::{
    CloudName, ProjectId, ServiceId, ServiceName, Timestamp, VpcId,
    gateway::DriftPolicy,
    service::{
        Component, ComponentName, IpFilter, Node, Place, Plan, ServiceState, ServiceType, form::NewService,
        ip_filter::IpFilterEntry, migration::Phase,
    },
    vpc::Tenant,
};
use sqlx::Row;

use super::{Result, StoreError, Tx, number, parsed};

/// What is stored of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRow {
    pub id: ServiceId,
    pub project: ProjectId,
    pub name: ServiceName,
    pub kind: ServiceType,
    pub plan: Plan,
    pub node_count: u16,
    pub place: Place,
    pub state: ServiceState,
    pub termination_protection: bool,
    pub static_ips: bool,
    pub drift_policy: DriftPolicy,
    /// The main one first.
    pub components: Vec<Component>,
    /// When it was deleted; its hosts have not cleaned up yet.
    pub deleting_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl ServiceRow {
    /// The state that follows from its nodes. Powered off and rebalancing are the operator's to say.
    pub fn next_state(&self, nodes: &[Node], moving: Option<Phase>) -> ServiceState {
        if matches!(self.state, ServiceState::Poweroff | ServiceState::Rebalancing) {
            return self.state;
        }
        let serving = nodes.iter().filter(|node| node.serves()).count();
        // Whatever old hosts still clean up: clients are served where they shall be.
        let arrived = matches!(moving, None | Some(Phase::Leaving { .. } | Phase::Done));
        if arrived && serving >= usize::from(self.node_count) {
            ServiceState::Running
        } else {
            ServiceState::Rebuilding
        }
    }
}

/// A migration that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationRow {
    pub target: Place,
    pub started_at: Timestamp,
    /// `None`: names were not switched yet.
    pub drains_until: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Raw {
    #[sqlx(try_from = "String")]
    id: ServiceId,
    #[sqlx(try_from = "String")]
    project_id: ProjectId,
    #[sqlx(try_from = "String")]
    name: ServiceName,
    #[sqlx(rename = "type", try_from = "String")]
    kind: ServiceType,
    plan: String,
    node_count: i64,
    #[sqlx(try_from = "String")]
    cloud: CloudName,
    vpc_id: String,
    state: String,
    termination_protection: i64,
    static_ips: i64,
    drift_policy: String,
    deleting_at: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Raw> for ServiceRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self> {
        let corrupt = |column| move |reason: &dyn std::fmt::Display| StoreError::corrupt("service", column, reason);
        let vpc = match raw.vpc_id.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|error| corrupt("vpc_id")(&error))?),
        };
        Ok(Self {
            id: raw.id,
            project: raw.project_id,
            name: raw.name,
            kind: raw.kind,
            plan: raw.plan.parse().map_err(|error| corrupt("plan")(&error))?,
            node_count: u16::try_from(raw.node_count).map_err(|error| corrupt("node_count")(&error))?,
            place: Place { cloud: raw.cloud, vpc },
            state: ServiceState::from_text(&raw.state).ok_or_else(|| corrupt("state")(&raw.state))?,
            termination_protection: raw.termination_protection != 0,
            static_ips: raw.static_ips != 0,
            drift_policy: raw.drift_policy.parse().map_err(|error| corrupt("drift_policy")(&error))?,
            components: Vec::new(),
            deleting_at: (raw.deleting_at != 0).then_some(Timestamp(raw.deleting_at)),
            created_at: Timestamp(raw.created_at),
            updated_at: Timestamp(raw.updated_at),
        })
    }
}

macro_rules! select_services {
    ($rest:literal) => {
        concat!(
            "select id, project_id, name, type, plan, node_count, cloud, vpc_id, state, termination_protection,
               static_ips, drift_policy, deleting_at, created_at, updated_at from service ",
            $rest
        )
    };
}

impl Tx {
    /// Ordered by name; those being deleted too.
    pub async fn services(&mut self, project: ProjectId) -> Result<Vec<ServiceRow>> {
        let rows: Vec<Raw> = sqlx::query_as(select_services!("where project_id = $1 order by name, id"))
            .bind(project.to_string())
            .fetch_all(self.connection())
            .await?;
        let mut components = self.components(project).await?;
        rows.into_iter()
            .map(|raw| {
                let mut row = ServiceRow::try_from(raw)?;
                row.components = components.remove(&row.id).unwrap_or_default();
                Ok(row)
            })
            .collect()
    }

    /// The services of a project by the VPC that they are in or move to; one whose host has not let go of a VPC yet is still
    /// there.
    pub async fn tenants(&mut self, project: ProjectId) -> Result<HashMap<VpcId, Vec<Tenant>>> {
        let rows = sqlx::query(
            "select s.vpc_id, s.id, s.name, s.deleting_at as leaving from service s where s.project_id = $1 and s.vpc_id <> ''
             union select m.vpc_id, s.id, s.name, s.deleting_at from service_migration m join service s on s.id = m.service_id
             where s.project_id = $1 and m.vpc_id <> '' and m.vpc_id <> s.vpc_id
             union select n.vpc_id, s.id, s.name, 1 from node n join service s on s.id = n.service_id
             left join service_migration m on m.service_id = s.id
             where s.project_id = $1 and n.vpc_id <> '' and n.vpc_id <> s.vpc_id and n.vpc_id <> coalesce(m.vpc_id, '')
             order by 3, 2",
        )
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        let mut tenants: HashMap<VpcId, Vec<Tenant>> = HashMap::new();
        for row in &rows {
            let tenant = Tenant {
                id: parsed(row, "service", "id")?,
                name: parsed(row, "service", "name")?,
                leaving: row.try_get::<i64, _>("leaving")? != 0,
            };
            tenants.entry(parsed(row, "service", "vpc_id")?).or_default().push(tenant);
        }
        Ok(tenants)
    }

    /// A live one, or one that is being deleted.
    pub async fn service(&mut self, project: ProjectId, id: ServiceId) -> Result<ServiceRow> {
        self.services(project).await?.into_iter().find(|row| row.id == id).ok_or(StoreError::NotFound)
    }

    /// Whether a service of another project has this label in front of the zone.
    pub async fn is_host_elsewhere(&mut self, project: ProjectId, label: &str) -> Result<bool> {
        let row = sqlx::query(
            "select s.id from service s join project p on p.id = s.project_id
             where s.project_id <> $1 and s.deleting_at = 0 and s.name || '-' || p.name = $2 limit 1",
        )
        .bind(project.to_string())
        .bind(label.to_owned())
        .fetch_optional(self.connection())
        .await?;
        Ok(row.is_some())
    }

    async fn components(&mut self, project: ProjectId) -> Result<HashMap<ServiceId, Vec<Component>>> {
        let rows = sqlx::query(
            "select c.service_id, c.name, c.port, c.public_access, c.private_access, c.privatelink_access
             from service_component c join service s on s.id = c.service_id where s.project_id = $1
             order by c.service_id, c.position",
        )
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        let mut all: HashMap<ServiceId, Vec<Component>> = HashMap::new();
        for row in &rows {
            let port = row.try_get::<i64, _>("port")?;
            let switch = |column: &str| Ok::<_, StoreError>(row.try_get::<i64, _>(column)? != 0);
            let component = Component {
                name: parsed::<ComponentName>(row, "service_component", "name")?,
                port: u16::try_from(port).map_err(|error| StoreError::corrupt("service_component", "port", error))?,
                public_access: switch("public_access")?,
                private_access: switch("private_access")?,
                privatelink_access: switch("privatelink_access")?,
            };
            all.entry(parsed(row, "service_component", "service_id")?).or_default().push(component);
        }
        Ok(all)
    }

    pub async fn insert_service(&mut self, project: ProjectId, id: ServiceId, new: &NewService) -> Result<()> {
        let at = self.at().0;
        sqlx::query(
            "insert into service (id, project_id, name, type, plan, node_count, cloud, vpc_id, state,
               termination_protection, static_ips, drift_policy, deleting_at, tombstone, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, 0, '', $12, $12)",
        )
        .bind(id.to_string())
        .bind(project.to_string())
        .bind(new.name.to_string())
        .bind(new.kind.as_str())
        .bind(new.plan.as_str())
        .bind(i64::from(new.node_count))
        .bind(new.place.cloud.to_string())
        .bind(vpc_text(new.place.vpc))
        .bind(ServiceState::Rebuilding.as_str())
        .bind(i64::from(new.termination_protection))
        .bind(DriftPolicy::default().as_str())
        .bind(at)
        .execute(self.connection())
        .await?;
        self.set_components(id, &new.components).await?;
        self.write_ip_filter(id, &IpFilter::default(), 0).await
    }

    /// In place of those that it had.
    pub async fn set_components(&mut self, id: ServiceId, components: &[Component]) -> Result<()> {
        sqlx::query("delete from service_component where service_id = $1")
            .bind(id.to_string())
            .execute(self.connection())
            .await?;
        for (position, component) in (0_i64..).zip(components) {
            sqlx::query(
                "insert into service_component (service_id, name, position, port, public_access, private_access,
                   privatelink_access) values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(id.to_string())
            .bind(component.name.to_string())
            .bind(position)
            .bind(i64::from(component.port))
            .bind(i64::from(component.public_access))
            .bind(i64::from(component.private_access))
            .bind(i64::from(component.privatelink_access))
            .execute(self.connection())
            .await?;
        }
        self.touch_service(id).await
    }

    pub async fn ip_filter(&mut self, id: ServiceId) -> Result<IpFilter> {
        let row = sqlx::query("select version, entries from ip_filter where service_id = $1")
            .bind(id.to_string())
            .fetch_optional(self.connection())
            .await?
            .ok_or(StoreError::NotFound)?;
        filter(row.try_get("version")?, row.try_get("entries")?)
    }

    /// The filters of all services of a project.
    pub async fn ip_filters(&mut self, project: ProjectId) -> Result<HashMap<ServiceId, IpFilter>> {
        let rows = sqlx::query(
            "select f.service_id, f.version, f.entries from ip_filter f join service s on s.id = f.service_id
             where s.project_id = $1",
        )
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        rows.iter()
            .map(|row| {
                let filter = filter(row.try_get("version")?, row.try_get("entries")?)?;
                Ok((parsed(row, "ip_filter", "service_id")?, filter))
            })
            .collect()
    }

    /// The next version of the filter. False: somebody else saved since this person looked.
    pub async fn set_ip_filter(&mut self, id: ServiceId, filter: &IpFilter) -> Result<bool> {
        if self.ip_filter(id).await?.version != filter.version {
            return Ok(false);
        }
        self.write_ip_filter(id, filter, filter.version + 1).await?;
        self.touch_service(id).await?;
        Ok(true)
    }

    async fn write_ip_filter(&mut self, id: ServiceId, filter: &IpFilter, version: u64) -> Result<()> {
        let entries = serde_json::to_string(filter.entries())
            .map_err(|error| StoreError::corrupt("ip_filter", "entries", error))?;
        sqlx::query(
            "insert into ip_filter (service_id, version, entries) values ($1, $2, $3)
             on conflict (service_id) do update set version = excluded.version, entries = excluded.entries",
        )
        .bind(id.to_string())
        .bind(number(version))
        .bind(entries)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    pub async fn set_service_state(&mut self, id: ServiceId, state: ServiceState) -> Result<()> {
        sqlx::query("update service set state = $2 where id = $1")
            .bind(id.to_string())
            .bind(state.as_str())
            .execute(self.connection())
            .await?;
        self.touch_service(id).await
    }

    pub async fn set_termination_protection(&mut self, id: ServiceId, on: bool) -> Result<()> {
        sqlx::query("update service set termination_protection = $2 where id = $1")
            .bind(id.to_string())
            .bind(i64::from(on))
            .execute(self.connection())
            .await?;
        self.touch_service(id).await
    }

    /// Where it is from now on.
    pub async fn place_service(&mut self, id: ServiceId, place: &Place) -> Result<()> {
        sqlx::query("update service set cloud = $2, vpc_id = $3 where id = $1")
            .bind(id.to_string())
            .bind(place.cloud.to_string())
            .bind(vpc_text(place.vpc))
            .execute(self.connection())
            .await?;
        self.touch_service(id).await
    }

    async fn touch_service(&mut self, id: ServiceId) -> Result<()> {
        let at = self.at().0;
        sqlx::query("update service set updated_at = $2 where id = $1")
            .bind(id.to_string())
            .bind(at)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// The migrations of a project that are under way, by service.
    pub async fn migrations(&mut self, project: ProjectId) -> Result<HashMap<ServiceId, MigrationRow>> {
        let rows = sqlx::query(
            "select m.service_id, m.cloud, m.vpc_id, m.started_at, m.drains_until from service_migration m
             join service s on s.id = m.service_id where s.project_id = $1",
        )
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        rows.iter()
            .map(|row| {
                let vpc: String = row.try_get("vpc_id")?;
                let until: i64 = row.try_get("drains_until")?;
                let vpc = if vpc.is_empty() { None } else { Some(parsed(row, "service_migration", "vpc_id")?) };
                let migration = MigrationRow {
                    target: Place { cloud: parsed(row, "service_migration", "cloud")?, vpc },
                    started_at: Timestamp(row.try_get("started_at")?),
                    drains_until: (until != 0).then_some(Timestamp(until)),
                };
                Ok((parsed(row, "service_migration", "service_id")?, migration))
            })
            .collect()
    }

    pub async fn start_migration(&mut self, id: ServiceId, target: &Place) -> Result<()> {
        let at = self.at().0;
        sqlx::query(
            "insert into service_migration (service_id, cloud, vpc_id, started_at, drains_until) values ($1, $2, $3, $4, 0)",
        )
        .bind(id.to_string())
        .bind(target.cloud.to_string())
        .bind(vpc_text(target.vpc))
        .bind(at)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    pub async fn drain_until(&mut self, id: ServiceId, until: Timestamp) -> Result<()> {
        sqlx::query("update service_migration set drains_until = $2 where service_id = $1")
            .bind(id.to_string())
            .bind(until.0)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    pub async fn end_migration(&mut self, id: ServiceId) -> Result<()> {
        sqlx::query("delete from service_migration where service_id = $1")
            .bind(id.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Its name is free at once; it stays until its hosts have cleaned up.
    pub async fn mark_service_deleting(&mut self, id: ServiceId) -> Result<()> {
        let at = self.at().0;
        sqlx::query("update service set deleting_at = $2, tombstone = id where id = $1 and deleting_at = 0")
            .bind(id.to_string())
            .bind(at)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// A deleted service that has no node any more is gone for good.
    pub async fn forget_services(&mut self) -> Result<()> {
        sqlx::query(
            "delete from service where deleting_at <> 0 and not exists (select 1 from node where node.service_id = service.id)",
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

fn filter(version: i64, entries: String) -> Result<IpFilter> {
    let corrupt = |reason: &dyn std::fmt::Display| StoreError::corrupt("ip_filter", "entries", reason);
    let entries: Vec<IpFilterEntry> = serde_json::from_str(&entries).map_err(|error| corrupt(&error))?;
    IpFilter::new(entries, version.unsigned_abs()).map_err(|error| corrupt(&error))
}

pub(super) fn vpc_text(vpc: Option<VpcId>) -> String {
    vpc.map(|vpc| vpc.to_string()).unwrap_or_default()
}

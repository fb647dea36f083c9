//! Gateway rows: what people asked for. What a host was seen to do is in its own table.
//!
//! A gateway whose host was enrolled is deleted in two steps: it is marked, which frees its
//! name, tunnel subnet and VPC and empties its document, and it is removed for good once its
//! host has cleaned up.

use std::{collections::BTreeSet, net::Ipv4Addr};

use app::domain::{
    Cidr, CloudName, GatewayId, GatewayName, PersonId, ProjectId, Timestamp, VpcId, VpcName,
    gateway::{DriftPolicy, GatewaySettings, NewGateway, own_tunnel_address},
};

use super::{Result, Store, StoreError, Tx};

/// What is stored of a gateway, with its VPC's name and place and its owner's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRow {
    pub id: GatewayId,
    pub project: ProjectId,
    pub owner: PersonId,
    pub owner_email: String,
    pub vpc: VpcId,
    pub vpc_name: VpcName,
    pub vpc_cidr: Cidr,
    pub cloud: CloudName,
    pub name: GatewayName,
    pub tunnel: Cidr,
    pub settings: GatewaySettings,
    /// How often a person asked that the host be put right.
    pub repairs: u64,
    /// When it was deleted; its host has not cleaned up yet.
    pub deleting_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Raw {
    #[sqlx(try_from = "String")]
    id: GatewayId,
    #[sqlx(try_from = "String")]
    project_id: ProjectId,
    #[sqlx(try_from = "String")]
    owner_id: PersonId,
    owner_email: String,
    #[sqlx(try_from = "String")]
    vpc_id: VpcId,
    #[sqlx(try_from = "String")]
    vpc_name: VpcName,
    #[sqlx(try_from = "String")]
    vpc_cidr: Cidr,
    #[sqlx(try_from = "String")]
    cloud: CloudName,
    #[sqlx(try_from = "String")]
    name: GatewayName,
    #[sqlx(try_from = "String")]
    tunnel: Cidr,
    public_address: String,
    listen_port: i64,
    mtu: i64,
    dns: String,
    masquerade_vpc: i64,
    internet_egress: i64,
    drift_policy: String,
    repairs: i64,
    deleting_at: i64,
    created_at: i64,
}

impl TryFrom<Raw> for GatewayRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self> {
        let corrupt = |column| move |reason: &dyn std::fmt::Display| StoreError::corrupt("gateway", column, reason);
        let port = |column, value: i64| u16::try_from(value).map_err(|error| corrupt(column)(&error));
        let public_address = match raw.public_address.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|error| corrupt("public_address")(&error))?),
        };
        let drift_policy: DriftPolicy = raw.drift_policy.parse().map_err(|error| corrupt("drift_policy")(&error))?;
        Ok(Self {
            id: raw.id,
            project: raw.project_id,
            owner: raw.owner_id,
            owner_email: raw.owner_email,
            vpc: raw.vpc_id,
            vpc_name: raw.vpc_name,
            vpc_cidr: raw.vpc_cidr,
            cloud: raw.cloud,
            name: raw.name,
            tunnel: raw.tunnel,
            settings: GatewaySettings {
                public_address,
                listen_port: port("listen_port", raw.listen_port)?,
                mtu: port("mtu", raw.mtu)?,
                dns: serde_json::from_str(&raw.dns).map_err(|error| corrupt("dns")(&error))?,
                masquerade_vpc: raw.masquerade_vpc != 0,
                internet_egress: raw.internet_egress != 0,
                drift_policy,
            },
            repairs: raw.repairs.unsigned_abs(),
            deleting_at: (raw.deleting_at != 0).then_some(Timestamp(raw.deleting_at)),
            created_at: Timestamp(raw.created_at),
        })
    }
}

/// Every column of [`Raw`]; the caller adds what it looks for.
macro_rules! select_gateways {
    ($rest:literal) => {
        concat!(
            "select g.id, g.project_id, g.owner_id, coalesce(p.email, '') as owner_email, g.vpc_id, v.name as vpc_name, v.cidr as vpc_cidr, v.cloud, g.name,
               g.tunnel, g.public_address, g.listen_port, g.mtu, g.dns, g.masquerade_vpc, g.internet_egress,
               g.drift_policy, g.repairs, g.deleting_at, g.created_at
             from gateway g join vpc v on v.id = g.vpc_id left join person p on p.id = g.owner_id ",
            $rest
        )
    };
}

impl Store {
    /// Every gateway that has a document, those being deleted too.
    pub async fn wishing_gateways(&self) -> Result<BTreeSet<GatewayId>> {
        let ids: Vec<(String,)> = sqlx::query_as("select id from gateway").fetch_all(self.pool()).await?;
        ids.into_iter().map(|(id,)| id.parse().map_err(|error| StoreError::corrupt("gateway", "id", error))).collect()
    }

    /// Whose gateway this is, what it is called, and whether it is being deleted; `None` once it is gone.
    pub async fn gateway_scope(&self, id: GatewayId) -> Result<Option<(ProjectId, GatewayName, bool)>> {
        let row: Option<Raw> = sqlx::query_as(select_gateways!("where g.id = $1"))
            .bind(id.to_string())
            .fetch_optional(self.pool())
            .await?;
        Ok(row.map(|raw| (raw.project_id, raw.name, raw.deleting_at != 0)))
    }
}

impl Tx {
    /// Ordered by name; those being deleted too.
    pub async fn gateways(&mut self, project: ProjectId) -> Result<Vec<GatewayRow>> {
        let rows: Vec<Raw> = sqlx::query_as(select_gateways!("where g.project_id = $1"))
            .bind(project.to_string())
            .fetch_all(self.connection())
            .await?;
        let mut gateways = rows.into_iter().map(GatewayRow::try_from).collect::<Result<Vec<_>>>()?;
        gateways.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(gateways)
    }

    /// # Errors
    /// [`StoreError::NotFound`] if the project has no such gateway.
    pub async fn gateway(&mut self, project: ProjectId, id: GatewayId) -> Result<GatewayRow> {
        let gateway = self.any_gateway(id).await?.filter(|gateway| gateway.project == project);
        gateway.ok_or(StoreError::NotFound)
    }

    /// Of whatever project.
    pub(in crate::store) async fn any_gateway(&mut self, id: GatewayId) -> Result<Option<GatewayRow>> {
        let row: Option<Raw> = sqlx::query_as(select_gateways!("where g.id = $1"))
            .bind(id.to_string())
            .fetch_optional(self.connection())
            .await?;
        row.map(GatewayRow::try_from).transpose()
    }

    pub async fn insert_gateway(
        &mut self,
        project: ProjectId,
        id: GatewayId,
        owner: PersonId,
        new: &NewGateway,
    ) -> Result<()> {
        let at = self.at().0;
        sqlx::query(
            "insert into gateway (id, project_id, owner_id, vpc_id, name, tunnel, tunnel_address, public_address, listen_port, mtu,
               dns, masquerade_vpc, internet_egress, drift_policy, repairs, deleting_at, tombstone, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 0, '', $15)",
        )
        .bind(id.to_string())
        .bind(project.to_string())
        .bind(owner.to_string())
        .bind(new.vpc.to_string())
        .bind(new.name.to_string())
        .bind(new.tunnel.to_string())
        .bind(number(own_tunnel_address(new.tunnel)))
        .bind(address_text(new.settings.public_address))
        .bind(i64::from(new.settings.listen_port))
        .bind(i64::from(new.settings.mtu))
        .bind(dns_text(&new.settings))
        .bind(i64::from(new.settings.masquerade_vpc))
        .bind(i64::from(new.settings.internet_egress))
        .bind(new.settings.drift_policy.as_str())
        .bind(at)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    pub async fn update_gateway(&mut self, id: GatewayId, settings: &GatewaySettings) -> Result<()> {
        sqlx::query(
            "update gateway set public_address = $2, listen_port = $3, mtu = $4, dns = $5, masquerade_vpc = $6, internet_egress = $7,
               drift_policy = $8 where id = $1",
        )
        .bind(id.to_string())
        .bind(address_text(settings.public_address))
        .bind(i64::from(settings.listen_port))
        .bind(i64::from(settings.mtu))
        .bind(dns_text(settings))
        .bind(i64::from(settings.masquerade_vpc))
        .bind(i64::from(settings.internet_egress))
        .bind(settings.drift_policy.as_str())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Asks the agent once more to put right what it found.
    pub async fn ask_repair(&mut self, id: GatewayId) -> Result<()> {
        sqlx::query("update gateway set repairs = repairs + 1 where id = $1")
            .bind(id.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Frees its name, tunnel subnet and VPC; its document becomes empty.
    pub async fn mark_gateway_deleting(&mut self, id: GatewayId) -> Result<()> {
        let at = self.at().0;
        sqlx::query("update gateway set deleting_at = $2, tombstone = id where id = $1 and tombstone = ''")
            .bind(id.to_string())
            .bind(at)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Removes a gateway for good, once its host has cleaned up or if it never had one. Its peers are gone by then.
    pub async fn remove_gateway(&mut self, id: GatewayId) -> Result<()> {
        sqlx::query("delete from gateway where id = $1").bind(id.to_string()).execute(self.connection()).await?;
        self.forget_host(id.into()).await?;
        self.forget_vpcs().await
    }
}

/// An address as a column that can be counted up.
pub(in crate::store) fn number(address: Ipv4Addr) -> i64 {
    i64::from(u32::from(address))
}

fn address_text(address: Option<Ipv4Addr>) -> String {
    address.map(|address| address.to_string()).unwrap_or_default()
}

fn dns_text(settings: &GatewaySettings) -> String {
    serde_json::to_string(&settings.dns).expect("a list of addresses serializes")
}

//! Node rows: the hosts of services as people asked for them. What a host was seen to do is in its own table.

use std::net::IpAddr;

use app::domain::{
    CloudName, NodeId, NodeName, ProjectId, ServiceId, Timestamp,
    service::{Place, member::NodeSettings},
};

use super::{Result, StoreError, Tx, services::vpc_text};

/// What is stored of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow {
    pub id: NodeId,
    pub service: ServiceId,
    pub project: ProjectId,
    pub name: NodeName,
    pub place: Place,
    pub settings: NodeSettings,
    pub replaces: Option<NodeId>,
    /// How often a person asked that the host be put right.
    pub repairs: u64,
    /// Since when names no longer lead to it.
    pub leaving_at: Option<Timestamp>,
    /// It was removed; its host has not cleaned up yet.
    pub removed: bool,
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Raw {
    #[sqlx(try_from = "String")]
    id: NodeId,
    #[sqlx(try_from = "String")]
    service_id: ServiceId,
    #[sqlx(try_from = "String")]
    project_id: ProjectId,
    #[sqlx(try_from = "String")]
    name: NodeName,
    #[sqlx(try_from = "String")]
    cloud: CloudName,
    vpc_id: String,
    enforced: i64,
    private_address: String,
    public_address: String,
    translated: i64,
    replaces_id: String,
    repairs: i64,
    leaving_at: i64,
    tombstone: String,
    created_at: i64,
}

/// '' is none.
fn optional<T: std::str::FromStr<Err: std::fmt::Display>>(column: &'static str, text: &str) -> Result<Option<T>> {
    let parse = |text: &str| text.parse().map_err(|error| StoreError::corrupt("node", column, error));
    (!text.is_empty()).then(|| parse(text)).transpose()
}

impl TryFrom<Raw> for NodeRow {
    type Error = StoreError;

    fn try_from(raw: Raw) -> Result<Self> {
        Ok(Self {
            id: raw.id,
            service: raw.service_id,
            project: raw.project_id,
            name: raw.name,
            place: Place { cloud: raw.cloud, vpc: optional("vpc_id", &raw.vpc_id)? },
            settings: NodeSettings {
                enforced: raw.enforced != 0,
                private_address: optional("private_address", &raw.private_address)?,
                public_address: optional("public_address", &raw.public_address)?,
                translated: raw.translated != 0,
            },
            replaces: optional("replaces_id", &raw.replaces_id)?,
            repairs: raw.repairs.unsigned_abs(),
            leaving_at: (raw.leaving_at != 0).then_some(Timestamp(raw.leaving_at)),
            removed: !raw.tombstone.is_empty(),
            created_at: Timestamp(raw.created_at),
        })
    }
}

impl Tx {
    /// Every node of a project by name, those that were removed and have not cleaned up yet too.
    pub async fn nodes(&mut self, project: ProjectId) -> Result<Vec<NodeRow>> {
        let rows: Vec<Raw> = sqlx::query_as(
            "select n.id, n.service_id, s.project_id, n.name, n.cloud, n.vpc_id, n.enforced, n.private_address,
               n.public_address, n.translated, n.replaces_id, n.repairs, n.leaving_at, n.tombstone, n.created_at
             from node n join service s on s.id = n.service_id where s.project_id = $1 order by n.created_at, n.id",
        )
        .bind(project.to_string())
        .fetch_all(self.connection())
        .await?;
        rows.into_iter().map(NodeRow::try_from).collect()
    }

    /// `replaces`: of a migration, the node that it takes over from.
    pub async fn insert_node(
        &mut self,
        service: ServiceId,
        id: NodeId,
        name: &NodeName,
        place: &Place,
        replaces: Option<NodeId>,
    ) -> Result<()> {
        let at = self.at().0;
        sqlx::query(
            "insert into node (id, service_id, name, cloud, vpc_id, enforced, private_address, public_address, translated,
               replaces_id, repairs, leaving_at, tombstone, created_at, credentials_from)
             values ($1, $2, $3, $4, $5, 1, '', '', 0, $6, 0, 0, '', $7, 0)",
        )
        .bind(id.to_string())
        .bind(service.to_string())
        .bind(name.to_string())
        .bind(place.cloud.to_string())
        .bind(vpc_text(place.vpc))
        .bind(replaces.map(|id| id.to_string()).unwrap_or_default())
        .bind(at)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Whoever had no agent and has one now, or the other way round, has shown nothing of what is wanted from now on.
    pub async fn forget_what_node_showed(&mut self, id: NodeId) -> Result<()> {
        sqlx::query("update host set verified = 0, cleaned = 0 where host_id = $1")
            .bind(id.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    pub async fn update_node(&mut self, id: NodeId, settings: &NodeSettings) -> Result<()> {
        let text = |address: Option<IpAddr>| address.map(|address| address.to_string()).unwrap_or_default();
        sqlx::query(
            "update node set enforced = $2, private_address = $3, public_address = $4, translated = $5 where id = $1",
        )
        .bind(id.to_string())
        .bind(i64::from(settings.enforced))
        .bind(text(settings.private_address.map(IpAddr::V4)))
        .bind(text(settings.public_address))
        .bind(i64::from(settings.translated))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// It takes over: names lead to it.
    pub async fn take_over(&mut self, id: NodeId) -> Result<()> {
        sqlx::query("update node set replaces_id = '' where id = $1")
            .bind(id.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Names no longer lead to it.
    pub async fn mark_node_leaving(&mut self, id: NodeId) -> Result<()> {
        let at = self.at().0;
        sqlx::query("update node set leaving_at = $2 where id = $1 and leaving_at = 0")
            .bind(id.to_string())
            .bind(at)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// It is no member any more; it stays until its host has cleaned up.
    pub async fn mark_node_removed(&mut self, id: NodeId) -> Result<()> {
        sqlx::query("update node set tombstone = id where id = $1")
            .bind(id.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// It is no member any more. A host that holds a credential is asked to take the firewall off first.
    pub async fn dismiss_node(&mut self, node: &NodeRow) -> Result<()> {
        let credential = sqlx::query("select digest from credential where host_id = $1 limit 1")
            .bind(node.id.to_string())
            .fetch_optional(self.connection())
            .await?;
        if credential.is_some() {
            return self.mark_node_removed(node.id).await;
        }
        self.bury_credentials(node.id).await?;
        self.remove_node(node.id).await
    }

    /// Its host has cleaned up, or never was.
    pub async fn remove_node(&mut self, id: NodeId) -> Result<()> {
        sqlx::query("delete from node where id = $1").bind(id.to_string()).execute(self.connection()).await?;
        self.forget_host(id.into()).await?;
        self.forget_services().await
    }

    /// A person asks that the host be put right.
    pub async fn ask_node_repair(&mut self, id: NodeId) -> Result<()> {
        sqlx::query("update node set repairs = repairs + 1 where id = $1")
            .bind(id.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

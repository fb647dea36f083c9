//! Enrolment tokens and the credentials that they are exchanged for. Only SHA-256 digests are kept and looked up,
//! so that neither the database nor the time of a comparison gives one away.

use app::domain::{
    PublicKey, Timestamp,
    host::{HostId, HostRole},
};
use sqlx::Row;

use super::{Result, Store, Tx, whose};

/// Whose a bearer token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// `first_use`: its predecessors are still good.
    Live {
        host: HostId,
        first_use: bool,
    },
    /// Its gateway or node was removed for good.
    Departed,
    Unknown,
}

/// What the database knows of a host whose credential it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Every credential from before this moment that counts is known.
    Since(Timestamp),
    /// Removed for good.
    Departed,
    Unknown,
}

/// What became of an enrolment token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolling {
    Taken(HostId),
    /// Unknown, used or too old: the three look alike from outside.
    Refused,
}

fn credentials_from(role: HostRole) -> &'static str {
    match role {
        HostRole::Gateway => "select credentials_from from gateway where id = $1",
        HostRole::Node => "select credentials_from from node where id = $1",
    }
}

impl Store {
    /// Whether an enrolment token could be used now. Asked before a write begins; [`Tx::take_enrolment`] decides.
    pub async fn enrolment_is_good(&self, token_digest: &str, now: Timestamp) -> Result<bool> {
        let row = sqlx::query(
            "select digest from enrolment where digest = $1 and used_at = 0 and expires_at > $2
               and epoch = (select value from counter where name = 'epoch')",
        )
        .bind(token_digest.to_owned())
        .bind(now.0)
        .fetch_optional(self.pool())
        .await?;
        Ok(row.is_some())
    }

    pub async fn bearer(&self, digest: &str) -> Result<Bearer> {
        let row = sqlx::query("select host_id, role, used_at from credential where digest = $1")
            .bind(digest.to_owned())
            .fetch_optional(self.pool())
            .await?;
        if let Some(row) = row {
            let first_use = row.try_get::<i64, _>("used_at")? == 0;
            return Ok(Bearer::Live { host: whose(&row, "credential")?, first_use });
        }
        let departed = sqlx::query("select digest from departed where digest = $1")
            .bind(digest.to_owned())
            .fetch_optional(self.pool())
            .await?;
        Ok(if departed.is_some() { Bearer::Departed } else { Bearer::Unknown })
    }

    pub async fn standing(&self, host: HostId) -> Result<Standing> {
        let row = sqlx::query(credentials_from(host.role())).bind(host.to_string()).fetch_optional(self.pool()).await?;
        if let Some(row) = row {
            return Ok(Standing::Since(Timestamp(row.try_get("credentials_from")?)));
        }
        let departed = sqlx::query("select digest from departed where host_id = $1 limit 1")
            .bind(host.to_string())
            .fetch_optional(self.pool())
            .await?;
        Ok(if departed.is_some() { Standing::Departed } else { Standing::Unknown })
    }
}

impl Tx {
    /// A new token for the host; earlier unused ones end.
    pub async fn issue_enrolment(
        &mut self,
        of: impl Into<HostId> + Send,
        token_digest: &str,
        expires: Timestamp,
    ) -> Result<()> {
        let host = of.into();
        sqlx::query("delete from enrolment where host_id = $1 and used_at = 0")
            .bind(host.to_string())
            .execute(self.connection())
            .await?;
        sqlx::query(
            "insert into enrolment (digest, host_id, role, epoch, expires_at, used_at)
             select $1, $2, $4, value, $3, 0 from counter where name = 'epoch'",
        )
        .bind(token_digest.to_owned())
        .bind(host.to_string())
        .bind(expires.0)
        .bind(host.role().as_str())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Uses up an enrolment token: of two callers with one token, one gets the host.
    pub async fn take_enrolment(&mut self, token_digest: &str) -> Result<Enrolling> {
        let now = self.at().0;
        let row = sqlx::query(
            "update enrolment set used_at = $2 where digest = $1 and used_at = 0 and expires_at > $2
               and epoch = (select value from counter where name = 'epoch') returning host_id, role",
        )
        .bind(token_digest.to_owned())
        .bind(now)
        .fetch_optional(self.connection())
        .await?;
        row.map_or(Ok(Enrolling::Refused), |row| Ok(Enrolling::Taken(whose(&row, "enrolment")?)))
    }

    /// When a credential that is issued now says that it was: later than any before it, whatever the clock says.
    pub async fn issue_moment(&mut self, host: HostId) -> Result<Timestamp> {
        let last = self.credentials_from(host).await?;
        let moment = self.at().max(Timestamp(last.0 + 1));
        self.set_credentials_from(host, moment).await?;
        Ok(moment)
    }

    /// The host's only credential from now on.
    pub async fn replace_credentials(&mut self, host: HostId, digest: &str) -> Result<()> {
        self.end_credentials(host).await?;
        let now = self.at();
        self.insert_credential(host, digest, now.0).await
    }

    /// A successor: it takes over when it is first used. An earlier successor that never was used ends.
    pub async fn add_credential(&mut self, host: HostId, digest: &str) -> Result<()> {
        sqlx::query("delete from credential where host_id = $1 and used_at = 0")
            .bind(host.to_string())
            .execute(self.connection())
            .await?;
        self.insert_credential(host, digest, 0).await
    }

    /// The host's only credential from now on, though this database did not issue it. Of several such the last one counts.
    pub async fn adopt_credential(&mut self, host: HostId, digest: &str, issued_at: Timestamp) -> Result<()> {
        self.replace_credentials(host, digest).await?;
        self.set_credentials_from(host, issued_at).await
    }

    /// A credential that is not known counts only if it was issued after this.
    pub async fn credentials_from(&mut self, host: HostId) -> Result<Timestamp> {
        let row =
            sqlx::query(credentials_from(host.role())).bind(host.to_string()).fetch_one(self.connection()).await?;
        Ok(Timestamp(row.try_get("credentials_from")?))
    }

    async fn set_credentials_from(&mut self, host: HostId, from: Timestamp) -> Result<()> {
        let statement = match host.role() {
            HostRole::Gateway => "update gateway set credentials_from = $2 where id = $1",
            HostRole::Node => "update node set credentials_from = $2 where id = $1",
        };
        sqlx::query(statement).bind(host.to_string()).bind(from.0).execute(self.connection()).await?;
        Ok(())
    }

    async fn insert_credential(&mut self, host: HostId, digest: &str, used_at: i64) -> Result<()> {
        let now = self.at().0;
        sqlx::query("insert into credential (digest, host_id, role, created_at, used_at) values ($1, $2, $5, $3, $4)")
            .bind(digest.to_owned())
            .bind(host.to_string())
            .bind(now)
            .bind(used_at)
            .bind(host.role().as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// The first use of a credential ends its predecessors.
    pub async fn use_credential(&mut self, host: HostId, digest: &str) -> Result<()> {
        let now = self.at().0;
        let used = sqlx::query("update credential set used_at = $2 where digest = $1 and used_at = 0")
            .bind(digest.to_owned())
            .bind(now)
            .execute(self.connection())
            .await?;
        if used.rows_affected() > 0 {
            sqlx::query("delete from credential where host_id = $1 and digest <> $2")
                .bind(host.to_string())
                .bind(digest.to_owned())
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// Every credential of the host ends at once, also those that an older copy of the database has forgotten.
    pub async fn revoke_credential(&mut self, of: impl Into<HostId> + Send) -> Result<()> {
        let host = of.into();
        self.end_credentials(host).await?;
        self.issue_moment(host).await.map(drop)
    }

    async fn end_credentials(&mut self, host: HostId) -> Result<()> {
        sqlx::query("delete from credential where host_id = $1")
            .bind(host.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Remembers a gateway or node that is about to be removed for good, and its credentials.
    pub async fn bury_credentials(&mut self, of: impl Into<HostId> + Send) -> Result<()> {
        let host = of.into();
        let now = self.at().0;
        // By its own name too: the host may hold a credential that an older copy of the database never knew.
        sqlx::query("insert into departed (digest, host_id, removed_at) values ($1, $1, $2)")
            .bind(host.to_string())
            .bind(now)
            .execute(self.connection())
            .await?;
        sqlx::query(
            "insert into departed (digest, host_id, removed_at) select digest, host_id, $2 from credential
             where host_id = $1",
        )
        .bind(host.to_string())
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Who else, of all gateways and peers, has this key.
    pub async fn key_is_taken(&mut self, host: HostId, key: PublicKey) -> Result<bool> {
        let row = sqlx::query(
            "select host_id from host where public_key = $2 and host_id <> $1
             union all select gateway_id from peer where public_key = $2 and remote_id <> $1 limit 1",
        )
        .bind(host.to_string())
        .bind(key.to_string())
        .fetch_optional(self.connection())
        .await?;
        Ok(row.is_some())
    }

    /// The other ends of a gateway's VPC peerings learn its new key; what was seen of the old one is forgotten.
    pub async fn rekey_mirrors(&mut self, host: HostId, key: PublicKey) -> Result<()> {
        sqlx::query(
            "delete from observed_peer where peer_id in (select id from peer where remote_id = $1 and public_key <> $2)",
        )
        .bind(host.to_string())
        .bind(key.to_string())
        .execute(self.connection())
        .await?;
        sqlx::query("update peer set public_key = $2 where remote_id = $1 and public_key <> $2")
            .bind(host.to_string())
            .bind(key.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

//! Enrolment tokens and the credentials that they are exchanged for. Only SHA-256 digests are kept and looked up,
//! so that neither the database nor the time of a comparison gives one away.

use app::domain::{GatewayId, PublicKey, Timestamp};
use sqlx::Row;

use super::{Result, Store, Tx, parsed};

/// Whose a bearer token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// `first_use`: its predecessors are still good.
    Live {
        gateway: GatewayId,
        first_use: bool,
    },
    /// Its gateway was removed for good.
    Departed,
    Unknown,
}

/// What the database knows of a gateway whose credential it does not know.
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
    Taken(GatewayId),
    /// Unknown, used or too old: the three look alike from outside.
    Refused,
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
        let row = sqlx::query("select gateway_id, used_at from credential where digest = $1")
            .bind(digest.to_owned())
            .fetch_optional(self.pool())
            .await?;
        if let Some(row) = row {
            let first_use = row.try_get::<i64, _>("used_at")? == 0;
            return Ok(Bearer::Live { gateway: parsed(&row, "credential", "gateway_id")?, first_use });
        }
        let departed = sqlx::query("select digest from departed where digest = $1")
            .bind(digest.to_owned())
            .fetch_optional(self.pool())
            .await?;
        Ok(if departed.is_some() { Bearer::Departed } else { Bearer::Unknown })
    }

    pub async fn standing(&self, gateway: GatewayId) -> Result<Standing> {
        let row = sqlx::query("select credentials_from from gateway where id = $1")
            .bind(gateway.to_string())
            .fetch_optional(self.pool())
            .await?;
        if let Some(row) = row {
            return Ok(Standing::Since(Timestamp(row.try_get("credentials_from")?)));
        }
        let departed = sqlx::query("select digest from departed where gateway_id = $1 limit 1")
            .bind(gateway.to_string())
            .fetch_optional(self.pool())
            .await?;
        Ok(if departed.is_some() { Standing::Departed } else { Standing::Unknown })
    }
}

impl Tx {
    /// A new token for the gateway; earlier unused ones end.
    pub async fn issue_enrolment(&mut self, gateway: GatewayId, token_digest: &str, expires: Timestamp) -> Result<()> {
        sqlx::query("delete from enrolment where gateway_id = $1 and used_at = 0")
            .bind(gateway.to_string())
            .execute(self.connection())
            .await?;
        sqlx::query(
            "insert into enrolment (digest, gateway_id, epoch, expires_at, used_at)
             select $1, $2, value, $3, 0 from counter where name = 'epoch'",
        )
        .bind(token_digest.to_owned())
        .bind(gateway.to_string())
        .bind(expires.0)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Uses up an enrolment token: of two callers with one token, one gets the gateway.
    pub async fn take_enrolment(&mut self, token_digest: &str) -> Result<Enrolling> {
        let now = self.at().0;
        let row = sqlx::query(
            "update enrolment set used_at = $2 where digest = $1 and used_at = 0 and expires_at > $2
               and epoch = (select value from counter where name = 'epoch') returning gateway_id",
        )
        .bind(token_digest.to_owned())
        .bind(now)
        .fetch_optional(self.connection())
        .await?;
        row.map_or(Ok(Enrolling::Refused), |row| Ok(Enrolling::Taken(parsed(&row, "enrolment", "gateway_id")?)))
    }

    /// When a credential that is issued now says that it was: later than any before it, whatever the clock says.
    pub async fn issue_moment(&mut self, gateway: GatewayId) -> Result<Timestamp> {
        let last = self.credentials_from(gateway).await?;
        let moment = self.at().max(Timestamp(last.0 + 1));
        self.set_credentials_from(gateway, moment).await?;
        Ok(moment)
    }

    /// The gateway's only credential from now on.
    pub async fn replace_credentials(&mut self, gateway: GatewayId, digest: &str) -> Result<()> {
        self.end_credentials(gateway).await?;
        let now = self.at();
        self.insert_credential(gateway, digest, now.0).await
    }

    /// A successor: it takes over when it is first used. An earlier successor that never was used ends.
    pub async fn add_credential(&mut self, gateway: GatewayId, digest: &str) -> Result<()> {
        sqlx::query("delete from credential where gateway_id = $1 and used_at = 0")
            .bind(gateway.to_string())
            .execute(self.connection())
            .await?;
        self.insert_credential(gateway, digest, 0).await
    }

    /// The gateway's only credential from now on, though this database did not issue it. Of several such the last one counts.
    pub async fn adopt_credential(&mut self, gateway: GatewayId, digest: &str, issued_at: Timestamp) -> Result<()> {
        self.replace_credentials(gateway, digest).await?;
        self.set_credentials_from(gateway, issued_at).await
    }

    /// A credential that is not known counts only if it was issued after this.
    pub async fn credentials_from(&mut self, gateway: GatewayId) -> Result<Timestamp> {
        let row = sqlx::query("select credentials_from from gateway where id = $1")
            .bind(gateway.to_string())
            .fetch_one(self.connection())
            .await?;
        Ok(Timestamp(row.try_get("credentials_from")?))
    }

    async fn set_credentials_from(&mut self, gateway: GatewayId, from: Timestamp) -> Result<()> {
        sqlx::query("update gateway set credentials_from = $2 where id = $1")
            .bind(gateway.to_string())
            .bind(from.0)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn insert_credential(&mut self, gateway: GatewayId, digest: &str, used_at: i64) -> Result<()> {
        let now = self.at().0;
        sqlx::query("insert into credential (digest, gateway_id, created_at, used_at) values ($1, $2, $3, $4)")
            .bind(digest.to_owned())
            .bind(gateway.to_string())
            .bind(now)
            .bind(used_at)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// The first use of a credential ends its predecessors.
    pub async fn use_credential(&mut self, gateway: GatewayId, digest: &str) -> Result<()> {
        let now = self.at().0;
        let used = sqlx::query("update credential set used_at = $2 where digest = $1 and used_at = 0")
            .bind(digest.to_owned())
            .bind(now)
            .execute(self.connection())
            .await?;
        if used.rows_affected() > 0 {
            sqlx::query("delete from credential where gateway_id = $1 and digest <> $2")
                .bind(gateway.to_string())
                .bind(digest.to_owned())
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// Every credential of the gateway ends at once, also those that an older copy of the database has forgotten.
    pub async fn revoke_credential(&mut self, gateway: GatewayId) -> Result<()> {
        self.end_credentials(gateway).await?;
        self.issue_moment(gateway).await.map(drop)
    }

    async fn end_credentials(&mut self, gateway: GatewayId) -> Result<()> {
        sqlx::query("delete from credential where gateway_id = $1")
            .bind(gateway.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Remembers a gateway that is about to be removed for good, and its credentials.
    pub async fn bury_credentials(&mut self, gateway: GatewayId) -> Result<()> {
        let now = self.at().0;
        // By its own name too: the host may hold a credential that an older copy of the database never knew.
        sqlx::query("insert into departed (digest, gateway_id, removed_at) values ($1, $1, $2)")
            .bind(gateway.to_string())
            .bind(now)
            .execute(self.connection())
            .await?;
        sqlx::query(
            "insert into departed (digest, gateway_id, removed_at) select digest, gateway_id, $2 from credential
             where gateway_id = $1",
        )
        .bind(gateway.to_string())
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Who else, of all gateways and peers, has this key.
    pub async fn key_is_taken(&mut self, gateway: GatewayId, key: PublicKey) -> Result<bool> {
        let row = sqlx::query(
            "select gateway_id from host where public_key = $2 and gateway_id <> $1
             union all select gateway_id from peer where public_key = $2 and remote_id <> $1 limit 1",
        )
        .bind(gateway.to_string())
        .bind(key.to_string())
        .fetch_optional(self.connection())
        .await?;
        Ok(row.is_some())
    }

    /// The other ends of a gateway's VPC peerings learn its new key; what was seen of the old one is forgotten.
    pub async fn rekey_mirrors(&mut self, gateway: GatewayId, key: PublicKey) -> Result<()> {
        sqlx::query(
            "delete from observed_peer where peer_id in (select id from peer where remote_id = $1 and public_key <> $2)",
        )
        .bind(gateway.to_string())
        .bind(key.to_string())
        .execute(self.connection())
        .await?;
        sqlx::query("update peer set public_key = $2 where remote_id = $1 and public_key <> $2")
            .bind(gateway.to_string())
            .bind(key.to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

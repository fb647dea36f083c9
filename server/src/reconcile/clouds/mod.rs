//! Makes cloud VPCs and their peering connections what people asked for, one call at a time.
//!
//! A VPC is one key: its network and connections are read by the same few calls. Nothing awaits a
//! cloud inside a transaction; what was seen is written after it, and what was asked for meanwhile is
//! seen at the next look, which is due at once.

mod accounts;
mod drivers;
mod outcome;
mod simulated;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use app::domain::{Cidr, Timestamp, VpcId, change::Topic, vpc::VpcState};
use async_trait::async_trait;
use clouds::{Class, ConnectionWish, Failure, Opening, Outcome, Pass, Peer, Subject, Wish};

use self::outcome::{Object, Setting, Verdict, judge, uuid};
pub use self::{
    accounts::Accounts,
    drivers::{Drivers, Endpoints, RealDrivers},
};
use super::{Controller, Due, Next, transitions::AUTOMATION};
use crate::{
    clock,
    store::{
        Note, Store, accounts::AccountRow, cloud_networks::CloudVpcRow, connections::ConnectionRow, network::Vantage,
        transact,
    },
};

/// How many calls one key makes in a row while each finds more to do; then the others have their turn.
const STRIDE: usize = 16;

/// How long one look with its calls may take, or one check of credentials.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A call that was made, as text, and what it was about.
type Call = (Subject, String);

/// Looks after cloud VPCs.
pub struct CloudVpcs {
    store: Store,
    drivers: Arc<dyn Drivers>,
    /// The longest time between two looks at what lives, if it was set.
    interval: Option<Duration>,
}

impl CloudVpcs {
    pub fn new(store: Store, drivers: Arc<dyn Drivers>, interval: Option<Duration>) -> Self {
        Self { store, drivers, interval }
    }

    /// One look and the calls that follow from it. Gives those after which another look at once may find more to do.
    async fn look(&self, vpc: VpcId) -> anyhow::Result<Option<(Vec<Call>, Timestamp)>> {
        let Some(read) = self.read(vpc).await? else { return Ok(None) };
        let wish = wish(&read.vpc, &read.connections, read.at);
        // A cloud that hangs must not hold what a person asks for meanwhile: the look is given up, as if the console had been killed.
        let looked = within(LONGEST_WAIT, "The cloud", self.drivers.pass(&read.account, &wish)).await;
        tell(vpc, &looked);
        let next = self.write(&read, &looked).await?;
        let made = looked.ok().filter(Pass::moved).map(|pass| pass.made);
        Ok(Some((made.unwrap_or_default(), next)))
    }

    async fn read(&self, id: VpcId) -> anyhow::Result<Option<Read>> {
        let mut tx = self.store.snapshot().await?;
        let Some(vpc) = tx.cloud_vpc(id).await? else { return Ok(None) };
        let connections = tx.connections_of(id).await?;
        let account = tx.account(vpc.account).await?.context("its cloud account is gone")?;
        Ok(Some(Read { at: tx.at(), vpc, connections, account }))
    }

    /// Judges what was seen by the rows as they are now: what was asked for meanwhile is not lost.
    async fn write(&self, read: &Read, looked: &Outcome<Pass>) -> anyhow::Result<Timestamp> {
        let (now, account) = (clock::now(), &read.account);
        let config = account.config()?;
        let identity = config.identity().unwrap_or_default();
        let interval = self.interval;
        let next = transact!(self.store, now, |tx| {
            let Some(vpc) = tx.cloud_vpc(read.vpc.id).await? else { return Ok(now) };
            let rows = tx.connections_of(vpc.id).await?;
            // What was seen answers the wish as it was: a deletion that was asked for meanwhile is the next look's, or
            // what this one has just made would count as gone.
            let (judged, rows) = read.as_asked(&vpc, &rows);
            let from = Vantage { now, silent_after: u64::MAX, listening_since: now, locations: &[] };
            let network = tx.network(vpc.project, &from).await?;
            let warnings: BTreeMap<_, _> =
                rows.iter().map(|row| (row.id, network.connection_warnings(row.id))).collect();
            let setting = Setting {
                now,
                looked_at: read.at,
                identity,
                simulated: account.simulated,
                warnings: &warnings,
                interval,
            };
            let mut verdict = judge(&judged, &rows, looked, &setting);
            if vpc.asked_at != read.vpc.asked_at {
                // Asked for while the cloud was being read: the next look is due.
                verdict.network.next_look_at = Some(now);
            }
            write(tx, &judged, &rows, &verdict).await?;
            Ok(verdict.network.next_look_at.unwrap_or(now))
        })?;
        Ok(next)
    }
}

/// What `who` answers, if it does so in time.
async fn within<T>(limit: Duration, who: &str, answer: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
        let message = format!("{who} did not answer within {} s", limit.as_secs());
        Err(Failure::new(Class::Unreachable, "timeout", message))
    })
}

/// For the log: every call that changed something, and every refusal.
fn tell(vpc: VpcId, looked: &Outcome<Pass>) {
    match looked {
        Err(failure) => {
            tracing::warn!(vpc.id = %vpc, code = failure.code, reason = failure.message, "a cloud could not be read");
        }
        Ok(pass) => {
            tracing::debug!(vpc.id = %vpc, standing = ?pass.report.network.standing, "a cloud was read");
            for (subject, call) in &pass.made {
                tracing::info!(vpc.id = %vpc, ?subject, call, "a cloud was changed");
            }
            for (subject, failure) in &pass.failed {
                let Failure { code, message, .. } = failure;
                tracing::warn!(vpc.id = %vpc, ?subject, code, reason = message, "a cloud refused a change");
            }
        }
    }
}

async fn write(
    tx: &mut crate::store::Tx,
    vpc: &CloudVpcRow,
    rows: &[ConnectionRow],
    verdict: &Verdict,
) -> crate::store::Result<()> {
    let mut changed = verdict.network.state != vpc.seen.state || verdict.network.error != vpc.seen.error;
    for row in rows {
        let Some(seen) = verdict.connections.get(&row.id) else { continue };
        changed |= shown(seen) != shown(&row.seen);
        if *seen != row.seen {
            tx.write_connection_seen(row.id, seen).await?;
        }
    }
    for news in &verdict.notes {
        let (topic, object, name) = match news.object {
            Object::Vpc(id) => (Topic::Vpcs, id.to_string(), vpc.name.to_string()),
            Object::Connection(id) => {
                let row = rows.iter().find(|row| row.id == id);
                (Topic::Connections, id.to_string(), row.map_or_else(String::new, |row| row.peer.vpc().to_owned()))
            }
        };
        let note = Note {
            actor: AUTOMATION,
            kind: news.kind,
            topic,
            project: Some(vpc.project),
            object,
            object_name: name,
            before: news.before.clone(),
            after: news.after.clone(),
        };
        tx.note(note).await?;
    }
    tx.write_cloud_network_seen(vpc.id, &verdict.network).await?;
    if changed {
        tx.touch(Topic::Vpcs);
        tx.touch(Topic::Connections);
    }
    if verdict.network.state == VpcState::Deleted {
        tx.touch(Topic::Plan);
    }
    Ok(())
}

/// What a page shows of it; the times of looks wake nobody.
fn shown(seen: &crate::store::connections::ConnectionSeen) -> impl PartialEq + use<> {
    (
        seen.state,
        seen.info.clone(),
        seen.discovered.clone(),
        seen.routed.clone(),
        seen.opened.clone(),
        seen.cloud_state.clone(),
        seen.cloud_message.clone(),
    )
}

struct Read {
    at: Timestamp,
    vpc: CloudVpcRow,
    connections: Vec<ConnectionRow>,
    account: AccountRow,
}

impl Read {
    /// The rows as they are now, with what was wanted when the cloud was read. What was asked for since is left out.
    fn as_asked(&self, vpc: &CloudVpcRow, rows: &[ConnectionRow]) -> (CloudVpcRow, Vec<ConnectionRow>) {
        let vpc = CloudVpcRow { deleting: self.vpc.deleting, ..vpc.clone() };
        let asked = |row: &ConnectionRow| {
            let then = self.connections.iter().find(|then| then.id == row.id)?;
            Some(ConnectionRow { deleting: then.deleting, ..row.clone() })
        };
        (vpc, rows.iter().filter_map(asked).collect())
    }
}

/// What the driver is asked for.
fn wish(vpc: &CloudVpcRow, connections: &[ConnectionRow], now: Timestamp) -> Wish {
    Wish {
        id: uuid(vpc.id),
        name: vpc.name.to_string(),
        region: vpc.cloud.provider_region().into_owned(),
        cidr: vpc.cidr.net(),
        present: !vpc.deleting,
        reference: vpc.seen.reference.clone(),
        connections: connections.iter().filter(|row| concerns_the_cloud(row)).map(connection_wish).collect(),
        // What runs in the VPC decides for itself which ports it answers on.
        openings: vec![Opening::All],
        now: now.0,
    }
}

/// What is closed is neither made again nor taken away before a person deletes it.
fn concerns_the_cloud(row: &ConnectionRow) -> bool {
    row.deleting || row.seen.state.is_live()
}

fn connection_wish(row: &ConnectionRow) -> ConnectionWish {
    ConnectionWish {
        id: uuid(row.id),
        peer: peer(&row.peer),
        present: !row.deleting,
        ranges: row.ranges.iter().map(Cidr::net).collect(),
        reference: row.seen.reference.clone(),
        sent_at: row.seen.sent_at.map(|at| at.0),
        was_active: row.seen.was_active,
    }
}

fn peer(peer: &app::domain::connection::Peer) -> Peer {
    use app::domain::connection::Peer as Asked;
    match peer {
        Asked::AwsVpc { account, vpc, region } => Peer::AwsVpc {
            account: account.to_string(),
            vpc: vpc.to_string(),
            region: region.as_ref().map(ToString::to_string),
        },
        Asked::AwsTransitGateway { account, gateway } => {
            Peer::AwsTransitGateway { account: account.to_string(), gateway: gateway.to_string() }
        }
        Asked::Google { project, network } => {
            Peer::Google { project: project.to_string(), network: network.to_string() }
        }
        Asked::Azure { subscription, resource_group, vnet, tenant, app } => Peer::Azure {
            subscription: subscription.to_string(),
            resource_group: resource_group.to_string(),
            network: vnet.to_string(),
            tenant: tenant.to_string(),
            app: app.to_string(),
        },
        Asked::UpCloud { network } => Peer::UpCloud { network: network.to_string() },
    }
}

#[async_trait]
impl Controller for CloudVpcs {
    type Key = VpcId;
    const NAME: &'static str = "clouds";
    const AT_ONCE: usize = 16;

    async fn keys(&self) -> anyhow::Result<BTreeSet<VpcId>> {
        Ok(self.due().await?.into_keys().collect())
    }

    /// A region that hangs keeps nobody waiting but itself.
    async fn due(&self) -> anyhow::Result<BTreeMap<VpcId, Due>> {
        let vpcs = self.store.every_cloud_vpc().await?;
        let now = clock::now();
        let due = |vpc: CloudVpcRow| {
            let lane = format!("{} {}", vpc.account, vpc.cloud.provider_region());
            (vpc.id, Due { after: until(now, vpc.due_at()), lane })
        };
        Ok(vpcs.into_iter().map(due).collect())
    }

    async fn reconcile(&self, key: &VpcId) -> anyhow::Result<Next> {
        let due = self.store.snapshot().await?.cloud_vpc(*key).await?.map(|vpc| vpc.due_at());
        let Some(due) = due else { return Ok(Next::Settled) };
        let now = clock::now();
        if due > now {
            return Ok(Next::After(until(now, due)));
        }
        let mut made = BTreeSet::new();
        for _ in 0..STRIDE {
            let Some((calls, next)) = self.look(*key).await? else { return Ok(Next::Settled) };
            let now = clock::now();
            if !are_news(&mut made, calls) && next > now {
                return Ok(Next::After(until(now, next)));
            }
        }
        Ok(Next::After(Duration::from_millis(200)))
    }
}

/// Whether one of the calls was not made before. One that has to be repeated has changed nothing that shows yet, and
/// looking again without a pause would only ask the same once more.
fn are_news(made: &mut BTreeSet<Call>, calls: Vec<Call>) -> bool {
    // Every call is remembered, also after the first that is news.
    let fresh = calls.into_iter().filter(|call| made.insert(call.clone())).count();
    fresh > 0
}

fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(then.0.saturating_sub(now.0)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_has_to_be_repeated_is_no_reason_to_look_again_at_once() {
        let call = |text: &str| (Subject::Network, text.to_owned());
        let mut made = BTreeSet::new();
        assert!(are_news(&mut made, vec![call("CreateSubnet a")]));
        assert!(are_news(&mut made, vec![call("CreateSubnet a"), call("CreateSubnet b")]));
        assert!(!are_news(&mut made, vec![call("CreateSubnet b")]));
        assert!(!are_news(&mut made, vec![call("CreateSubnet a")]), "nor if the two take turns");
        assert!(!are_news(&mut made, Vec::new()));
    }
}

//! A stage for the console's tests: a real database of its own, two people, two projects.
//!
//! Each test runs on SQLite, and on PostgreSQL where `CAUSEWAY_TEST_POSTGRES` names a server on
//! which databases may be created. `CI=true` without one fails: a test that was left out is not
//! one that passed.

#![allow(dead_code, unused_imports, reason = "each test program uses its own part of the stage")]

use std::sync::Arc;

use app::{
    api::{ApiError, lab::LabState},
    backend::{Gateways, Peerings, Peers, SharedBackend, Vpcs},
    domain::{
        GatewayId, OrganizationId, PairId, PeerId, PersonId, ProjectId, ProjectName, PublicKey, Timestamp, VpcId,
        gateway::{GatewayForm, NewGateway},
        host::{Enrol, HostFacts, Interface, WireGuardKind},
        location::{CloudName, Location},
        peer::NewRoadWarrior,
        service::route::Zone,
        tunnel::Wish,
        vpc::NewVpc,
    },
};
use async_trait::async_trait;
use server::{
    clock,
    console::{Actor, Console, EnrolmentAddress, Shared},
    lab::LabControl,
    other_side::NoOtherSides,
    reconcile::{Pulse, Statuses, enrolment::Registry},
    seal::Sealer,
    store::{
        Store,
        people::{ADMIN, Membership, Person, Scope},
    },
};
use sqlx::Row;
use tokio::sync::oneshot;
use uuid::Uuid;

/// Makes each async test `fn(Stage)` two tests: one per engine.
macro_rules! on_both_engines {
    ($($name:ident)*) => {
        mod on_sqlite {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::common::Stage::on_sqlite().await).await;
            }
        )*}
        mod on_postgres {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(stage) = super::common::Stage::on_postgres().await {
                    super::$name(stage).await;
                }
            }
        )*}
    };
}
pub(crate) use on_both_engines;

pub const SILENT_AFTER: u64 = 300;

pub struct Stage {
    pub store: Store,
    pub shared: Arc<Shared>,
    /// Ingrid administers `harbor`, where most of a test happens.
    pub ingrid: Console,
    pub harbor: ProjectName,
    pub harbor_id: ProjectId,
    /// Olaf administers `tundra` in another organization.
    pub olaf: Console,
    pub tundra: ProjectName,
    url: String,
    _folder: tempfile::TempDir,
}

struct NoLab;

fn at_once() -> oneshot::Receiver<()> {
    let (done, heard) = oneshot::channel();
    done.send(()).expect("it is listened to");
    heard
}

#[async_trait]
impl LabControl for NoLab {
    async fn state(&self) -> LabState {
        LabState::Absent
    }

    async fn build(&self, _: &ProjectName, _: SharedBackend) -> Result<oneshot::Receiver<()>, ApiError> {
        Ok(at_once())
    }

    async fn remove(&self, _: &ProjectName, _: SharedBackend) -> Result<oneshot::Receiver<()>, ApiError> {
        Ok(at_once())
    }
}

pub fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a good text")
}

impl Stage {
    pub async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite:{}?mode=rwc", folder.path().join("test.db").display());
        Self::at(&url, folder).await
    }

    /// `None` where there is no server to test on.
    pub async fn on_postgres() -> Option<Self> {
        let Ok(server) = std::env::var("CAUSEWAY_TEST_POSTGRES") else {
            let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!in_ci, "CAUSEWAY_TEST_POSTGRES names no PostgreSQL server, and in CI that is a failure");
            return None;
        };
        let database = format!("causeway_{}", Uuid::now_v7().simple());
        sqlx::any::install_default_drivers();
        let mut connection =
            <sqlx::AnyConnection as sqlx::Connection>::connect(&server).await.expect("the PostgreSQL server answers");
        let create = sqlx::AssertSqlSafe(format!("create database {database}"));
        sqlx::query(create).execute(&mut connection).await.expect("a database may be created");
        let (server, _) = server.rsplit_once('/').expect("an address ends with /DATABASE");
        Some(Self::at(&format!("{server}/{database}"), tempfile::tempdir().expect("a temporary folder")).await)
    }

    async fn at(url: &str, folder: tempfile::TempDir) -> Self {
        let store = Store::open(url).await.expect("an empty database");
        let shared = shared(&store);
        let (harbor, tundra) = (name::<ProjectName>("harbor"), name::<ProjectName>("tundra"));
        let (ingrid, harbor_id) = person(&store, "ingrid@example.com", "Tidewater", &harbor, ADMIN).await;
        let (olaf, _) = person(&store, "olaf@example.com", "Permafrost", &tundra, ADMIN).await;
        let console = |actor| Console::for_actor(shared.clone(), actor);
        let (ingrid, olaf) = (console(ingrid), console(olaf));
        Self { store, shared, ingrid, harbor, harbor_id, olaf, tundra, url: url.to_owned(), _folder: folder }
    }

    /// Somebody who is a member of `harbor` with this role.
    pub async fn colleague(&self, role: &str) -> Console {
        let person = Person {
            id: PersonId::from_uuid(Uuid::now_v7()),
            email: name(&format!("{role}@example.com")),
            is_super_admin: false,
        };
        let membership = Membership { scope: Scope::Project(self.harbor_id), role: role.to_owned() };
        let mut tx = self.store.begin(clock::now()).await.expect("a transaction");
        tx.insert_person(&person, "no hash").await.expect("a new person");
        tx.insert_membership(person.id, &membership).await.expect("a new membership");
        tx.commit(()).await.expect("a commit");
        let actor = Actor { person: person.id, email: person.email, super_admin: false, memberships: vec![membership] };
        Console::for_actor(self.shared.clone(), actor)
    }

    /// Somebody who administers a project of her own.
    pub async fn neighbour(&self, project: &str) -> (Console, ProjectName) {
        let project = name::<ProjectName>(project);
        let (actor, _) = person(&self.store, "olga@example.com", "Estuary", &project, ADMIN).await;
        (Console::for_actor(self.shared.clone(), actor), project)
    }

    /// An administrator at a console that knows nothing of this one but the database.
    pub async fn elsewhere(&self) -> Console {
        let store = Store::open(&self.url).await.expect("the database");
        Console::for_actor(shared(&store), self.super_admin("sigrun@example.com").await)
    }

    /// Somebody who may do everything on the installation.
    pub async fn administrator(&self) -> Console {
        Console::for_actor(self.shared.clone(), self.super_admin("sigrid@example.com").await)
    }

    async fn super_admin(&self, email: &str) -> Actor {
        let person = Person { id: PersonId::from_uuid(Uuid::now_v7()), email: name(email), is_super_admin: true };
        let mut tx = self.store.begin(clock::now()).await.expect("a transaction");
        tx.insert_person(&person, "no hash").await.expect("a new person");
        tx.commit(()).await.expect("a commit");
        Actor { person: person.id, email: person.email, super_admin: true, memberships: Vec::new() }
    }

    pub async fn vpc(&self, called: &str, cidr: &str) -> VpcId {
        let new = NewVpc { name: name(called), cloud: CloudName::default_local(), cidr: name(cidr) };
        self.ingrid.create_vpc(&self.harbor, new).await.expect("a new VPC")
    }

    /// A VPC `<called>` with a gateway `gw-<called>` that no host has enrolled for.
    pub async fn gateway(&self, called: &str, cidr: &str, tunnel: &str) -> GatewayId {
        let vpc = self.vpc(called, cidr).await;
        self.ingrid
            .create_gateway(&self.harbor, new_gateway(&format!("gw-{called}"), vpc, tunnel))
            .await
            .expect("a new gateway")
    }

    /// The same with a host that has applied everything.
    pub async fn active_gateway(&self, called: &str, cidr: &str, tunnel: &str) -> GatewayId {
        let id = self.gateway(called, cidr, tunnel).await;
        self.enrol(id, key_of(called)).await;
        id
    }

    pub async fn enrol(&self, gateway: GatewayId, public_key: PublicKey) {
        let enrolment = self.ingrid.issue_enrolment(&self.harbor, gateway).await.expect("an enrolment token");
        let last = 10 + public_key.as_bytes()[0] % 200;
        let interfaces = vec![Interface { name: "eth0".into(), addresses: vec![[203, 0, 113, last].into()] }];
        let facts = HostFacts {
            agent_version: "0.1.0".into(),
            host_name: format!("host-{last}"),
            wireguard: WireGuardKind::Uapi,
            interfaces,
            wan: Some("eth0".into()),
        };
        let request = Enrol { token: enrolment.token, public_key, facts };
        Registry::new(self.store.clone(), self.shared.sealer.clone())
            .enrol(&request)
            .await
            .map_err(|_| ())
            .expect("the token is good");
        let mut tx = self.store.begin(clock::now()).await.expect("a transaction");
        let mut host = tx.host(gateway).await.expect("the store answers").expect("a host");
        (host.row.applied, host.row.verified) = (1, 1);
        tx.observe_host(&host).await.expect("a host");
        tx.commit(()).await.expect("a commit");
    }

    /// `gw-alpha` and `gw-beta`, active and joined.
    pub async fn joined(&self) -> (GatewayId, GatewayId, PairId) {
        let alpha = self.active_gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
        let beta = self.active_gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
        let pair = self.ingrid.create_peering(&self.harbor, alpha, beta).await.expect("a new peering");
        (alpha, beta, pair)
    }

    pub async fn road_warrior(&self, gateway: GatewayId, called: &str) -> Result<PeerId, ApiError> {
        let new = NewRoadWarrior { name: name(called), public_key: key_of(called) };
        self.ingrid.create_road_warrior(&self.harbor, gateway, new).await
    }

    pub async fn wish(&self, gateway: GatewayId) -> Option<Wish> {
        self.store.wish(gateway, &self.shared.sealer).await.expect("the store answers")
    }

    /// Keeps a copy of what is in the database, as a backup does.
    pub async fn copy_database(&self) {
        for table in TABLES {
            self.execute(&format!("create table copy_of_{table} as select * from {table}")).await;
        }
    }

    /// Puts the copy back. Whoever remembers something of the database must be started anew.
    pub async fn put_back(&self) {
        for table in TABLES.iter().rev() {
            self.execute(&format!("delete from {table}")).await;
        }
        for table in TABLES {
            self.execute(&format!("insert into {table} select * from copy_of_{table}")).await;
        }
    }

    /// Behind the console's back.
    pub async fn execute(&self, statement: &str) {
        let mut connection =
            <sqlx::AnyConnection as sqlx::Connection>::connect(&self.url).await.expect("the database answers");
        sqlx::query("pragma busy_timeout = 10000").execute(&mut connection).await.ok();
        let done = sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// Every text of every table: what a stolen database gives away.
    pub async fn every_text(&self) -> String {
        let mut connection =
            <sqlx::AnyConnection as sqlx::Connection>::connect(&self.url).await.expect("the database answers");
        let mut texts = String::new();
        for table in [
            "vpc",
            "gateway",
            "peer",
            "peer_network",
            "change",
            "enrolment",
            "credential",
            "host",
            "document",
            "person",
            "cloud_account",
            "cloud_account_check",
            "project_ca",
            "service_certificate",
            "service",
            "service_component",
            "ip_filter",
            "node",
        ] {
            let all = sqlx::AssertSqlSafe(format!("select * from {table}"));
            for row in sqlx::query(all).fetch_all(&mut connection).await.expect("a table") {
                for column in 0..row.len() {
                    texts.push_str(&row.try_get::<String, _>(column).unwrap_or_default());
                    texts.push('\n');
                }
            }
        }
        texts
    }
}

/// What a network is made of, those first that others refer to. The counter goes on, since the store that remembers it does.
const TABLES: [&str; 12] = [
    "change",
    "vpc",
    "gateway",
    "peer",
    "peer_network",
    "document",
    "enrolment",
    "credential",
    "departed",
    "host",
    "observed_peer",
    "observed_pair",
];

/// What all consoles on a store share.
fn shared(store: &Store) -> Arc<Shared> {
    Arc::new(Shared {
        store: store.clone(),
        sealer: Sealer::new([7; 32]),
        locations: vec![
            location("local-default", true),
            location("local-bergen", true),
            location("local-attic", false),
        ],
        silent_after: SILENT_AFTER,
        listening_since: Timestamp::default(),
        statuses: Statuses::new(Pulse::new(store.feed().clone())),
        enrolment: EnrolmentAddress { console: "https://console.example:3000#sha256=00".into(), hint: None },
        lab: Arc::new(NoLab),
        other_sides: Arc::new(NoOtherSides),
        support: None,
        zone: Zone::default(),
    })
}

fn location(cloud: &str, vpn_gateway_enabled: bool) -> Location {
    Location { cloud: name(cloud), label: cloud.trim_start_matches("local-").to_owned(), vpn_gateway_enabled }
}

async fn person(
    store: &Store,
    email: &str,
    organization: &str,
    project: &ProjectName,
    role: &str,
) -> (Actor, ProjectId) {
    let ids = (OrganizationId::from_uuid(Uuid::now_v7()), ProjectId::from_uuid(Uuid::now_v7()));
    let person = Person { id: PersonId::from_uuid(Uuid::now_v7()), email: name(email), is_super_admin: false };
    let membership = Membership { scope: Scope::Project(ids.1), role: role.to_owned() };
    let mut tx = store.begin(Timestamp(1)).await.expect("a transaction");
    tx.insert_organization(ids.0, organization).await.expect("a new organization");
    tx.insert_project(ids.1, project, ids.0).await.expect("a new project");
    tx.insert_person(&person, "no hash").await.expect("a new person");
    tx.insert_membership(person.id, &membership).await.expect("a new membership");
    tx.commit(()).await.expect("a commit");
    (Actor { person: person.id, email: person.email, super_admin: false, memberships: vec![membership] }, ids.1)
}

pub fn new_gateway(called: &str, vpc: VpcId, tunnel: &str) -> NewGateway {
    let form = GatewayForm {
        name: called.to_owned(),
        vpc: vpc.to_string(),
        tunnel: tunnel.to_owned(),
        ..GatewayForm::default()
    };
    form.parse().expect("a good form")
}

/// A public key that belongs to a name.
pub fn key_of(called: &str) -> PublicKey {
    let mut bytes = [1; 32];
    for (at, byte) in called.bytes().take(32).enumerate() {
        bytes[31 - at] = byte;
    }
    bytes[0] = called.bytes().fold(1, |sum: u8, byte| sum.wrapping_mul(31).wrapping_add(byte)).max(1);
    PublicKey::from_bytes(bytes)
}

/// The sentences of a refusal.
pub fn refused<T: std::fmt::Debug>(answer: Result<T, ApiError>) -> String {
    match answer {
        Err(ApiError::Refused(refusals)) => refusals.to_string(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

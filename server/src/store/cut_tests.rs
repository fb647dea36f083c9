//! What becomes of the database's side when somebody hangs up, or nothing answers any more.
//!
//! Between the console and PostgreSQL stands a wire that can be held: what the server says then
//! stays on it, which is where a future that is dropped leaves it.

use std::{
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{AnyConnection, Connection, Row};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};
use uuid::Uuid;

use super::{Store, lock::Lock};
use crate::clock;

/// An empty database of its own, reached over a wire that can be held. `None` where there is no server to test on.
struct Wire {
    held: watch::Sender<bool>,
    /// Whether it is held as soon as a transaction is begun over it.
    watched: Arc<AtomicBool>,
    /// Over the wire.
    url: String,
    /// Past it.
    direct: String,
}

impl Wire {
    async fn to_postgres() -> Option<Self> {
        let Ok(server) = std::env::var("CAUSEWAY_TEST_POSTGRES") else {
            let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!in_ci, "CAUSEWAY_TEST_POSTGRES names no PostgreSQL server, and in CI that is a failure");
            static SAID: Once = Once::new();
            SAID.call_once(|| eprintln!("There is no PostgreSQL (CAUSEWAY_TEST_POSTGRES): nothing was tried."));
            return None;
        };
        sqlx::any::install_default_drivers();
        let database = format!("causeway_{}", Uuid::now_v7().simple());
        let mut connection = AnyConnection::connect(&server).await.expect("the PostgreSQL server answers");
        let create = sqlx::AssertSqlSafe(format!("create database {database}"));
        sqlx::query(create).execute(&mut connection).await.expect("a database may be created");
        let (server, _) = server.rsplit_once('/').expect("an address ends with /DATABASE");
        let (_, far) = server.rsplit_once(['@', '/']).expect("an address has a host");
        let near = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = near.local_addr().expect("bound").port();
        let (url, direct) = (server.replace(far, &format!("127.0.0.1:{port}")), far.to_owned());
        let (held, watched) = (watch::Sender::new(false), Arc::new(AtomicBool::new(false)));
        tokio::spawn(carry(near, direct, held.clone(), watched.clone()));
        Some(Self { held, watched, url: format!("{url}/{database}"), direct: format!("{server}/{database}") })
    }

    fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    fn hold_when_one_begins(&self) {
        self.watched.store(true, Ordering::SeqCst);
    }

    /// How many connections of the database are inside a transaction in which nothing happens.
    async fn left_inside(&self) -> i64 {
        let mut connection = AnyConnection::connect(&self.direct).await.expect("the PostgreSQL server answers");
        let count = "select count(*) as left_inside from pg_stat_activity
                     where datname = current_database() and state like 'idle in transaction%'";
        sqlx::query(count).fetch_one(&mut connection).await.expect("a count").get("left_inside")
    }
}

async fn carry(near: TcpListener, far: String, held: watch::Sender<bool>, watched: Arc<AtomicBool>) {
    while let Ok((client, _)) = near.accept().await {
        let server = TcpStream::connect(&far).await.expect("the PostgreSQL server answers");
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::spawn(ask(from_client, to_server, held.clone(), watched.clone()));
        tokio::spawn(answer(from_server, to_client, held.subscribe()));
    }
}

async fn ask(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, held: watch::Sender<bool>, watched: Arc<AtomicBool>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let begins = buffer[..read].windows(6).any(|word| word == b"begin ");
        if begins && watched.swap(false, Ordering::SeqCst) {
            held.send_replace(true);
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut held: watch::Receiver<bool>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let released = held.wait_for(|held| !held).await.is_ok();
        if !released || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn whoever_hangs_up_while_a_transaction_begins_leaves_none_open() {
    let Some(wire) = Wire::to_postgres().await else { return };
    let store = Store::open(&wire.url).await.expect("an empty database");
    for writes in [false, true] {
        wire.hold_when_one_begins();
        let begin = async || match writes {
            true => store.begin(clock::now()).await,
            false => store.snapshot().await,
        };
        let begun = tokio::time::timeout(Duration::from_millis(300), begin()).await;
        assert!(begun.is_err() && *wire.held.borrow(), "it was broken off when it had reached the server");
        wire.hold(false);
        let since = Instant::now();
        while wire.left_inside().await > 0 {
            assert!(since.elapsed() < Duration::from_secs(5), "a transaction that nobody waits for is still open");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    // Whatever the pool hands out begins anew, and the turn to write was given on.
    for _ in 0..20 {
        let writing = tokio::time::timeout(Duration::from_secs(5), store.begin(clock::now()));
        writing.await.expect("its turn comes").expect("a transaction").commit(()).await.expect("committed");
        store.snapshot().await.expect("a snapshot");
    }
}

#[tokio::test]
async fn a_lock_whose_connection_answers_no_more_is_lost_within_seconds() {
    let Some(wire) = Wire::to_postgres().await else { return };
    let mut lock = Lock::take(&wire.url).await.expect("nobody else is there");
    assert!(lock.is_held().await);
    wire.hold(true);
    let asked = Instant::now();
    let answer = tokio::time::timeout(Duration::from_secs(15), lock.is_held()).await;
    assert_eq!(answer, Ok(false), "no answer is no lock, and somebody waits for this one");
    assert!(asked.elapsed() < Duration::from_secs(8), "it took {:?}", asked.elapsed());
}

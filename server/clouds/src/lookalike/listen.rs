//! From a socket to a vendor's world and back: one call at a time, written down before it is answered.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode},
    response::Response,
};
use tokio::{net::TcpListener, sync::Mutex, task::JoinHandle};

use super::{
    Call, Clock, Effect, Fault, Reply, Side, Standing, Use, Vendor, World,
    store::{Batch, Store},
    world::Pace,
};

/// The longest request that is read.
const MOST_BYTES: usize = 4 << 20;

/// Says of every answer which cloud it only pretends to be.
pub(super) const MARK: &str = "x-causeway-simulated";

/// One vendor's look-alike, listening until this is dropped.
pub struct Running<V: Vendor> {
    stand: Arc<Stand<V>>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

struct Stand<V: Vendor> {
    world: Mutex<World<V>>,
    store: Store,
    clock: Arc<Clock>,
    /// By side; who does not sign in is nobody's.
    calls: [AtomicU64; 2],
}

/// What becomes of an answer on its way.
enum Way {
    Sent(Reply),
    Late(Reply, Duration),
    Lost,
}

impl<V: Vendor> Drop for Running<V> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<V: Vendor> Running<V> {
    pub(super) async fn start(listen: SocketAddr, pace: Pace, store: Store, clock: Arc<Clock>) -> anyhow::Result<Self> {
        anyhow::ensure!(listen.ip().is_loopback(), "{listen}: a simulated cloud listens on loopback only.");
        let mut accounts = BTreeMap::new();
        for side in Side::BOTH {
            accounts.insert(side, store.account::<V>(side).await?);
        }
        let (things, faults) = (store.things(V::NAME).await?, store.faults(V::NAME).await?);
        let world = Mutex::new(World::new(things, accounts, faults, pace));
        let stand = Stand { world, store, clock, calls: Default::default() };
        stand.found().await?;
        let stand = Arc::new(stand);
        let listener = TcpListener::bind(listen).await;
        let listener = listener.with_context(|| format!("The simulated {} cannot listen on {listen}", V::NAME))?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback(exchange::<V>).with_state(stand.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(vendor = V::NAME, %error, "a simulated cloud stopped listening");
            }
        });
        tracing::info!(vendor = V::NAME, %address, "a simulated cloud listens");
        Ok(Self { stand, address, task })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How to sign in. For the console's settings and for whoever plays the other side; never for a log.
    pub async fn account(&self, side: Side) -> V::Account {
        self.stand.world.lock().await.account(side).clone()
    }

    /// How many calls a side has made since this listens; tokens are fetched before anybody has signed in.
    pub fn calls(&self, side: Side) -> u64 {
        self.stand.calls[side as usize].load(Ordering::Relaxed)
    }

    /// Lets something go wrong from now on. Returns the rule's id.
    ///
    /// # Errors
    /// If it could not be written down.
    pub async fn add_fault(&self, fault: Fault) -> anyhow::Result<String> {
        let standing = Standing { id: uuid::Uuid::now_v7().to_string(), remaining: fault.times, fault };
        let mut world = self.stand.world.lock().await;
        self.stand.store.add_fault(V::NAME, &standing).await?;
        let id = standing.id.clone();
        world.faults.push(standing);
        Ok(id)
    }

    /// # Errors
    /// If it could not be written down.
    pub async fn remove_fault(&self, id: &str) -> anyhow::Result<()> {
        let mut world = self.stand.world.lock().await;
        self.stand.store.remove_fault(V::NAME, id).await?;
        world.faults.retain(|rule| rule.id != id);
        Ok(())
    }

    /// The rules that are not spent, oldest first.
    pub async fn faults(&self) -> Vec<Standing> {
        self.stand.world.lock().await.faults.clone()
    }

    /// The last 200 times that a rule struck, newest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn uses(&self) -> anyhow::Result<Vec<Use>> {
        self.stand.store.uses(V::NAME).await
    }

    pub(super) async fn note(&self, name: &str, value: &str) -> anyhow::Result<()> {
        self.stand.store.note(name, value).await
    }
}

impl<V: Vendor> Stand<V> {
    /// Fills a new world, once.
    async fn found(&self) -> anyhow::Result<()> {
        let done = format!("{}.founded", V::NAME);
        if self.store.fact(&done).await?.is_some() {
            return Ok(());
        }
        let mut world = self.world.lock().await;
        world.advance(self.clock.now());
        V::found(&mut world);
        self.write(&mut world).await?;
        self.store.note(&done, "1").await
    }

    async fn write(&self, world: &mut World<V>) -> anyhow::Result<()> {
        let things = world.unwritten()?;
        if !things.is_empty() || !world.unwritten_uses.is_empty() {
            let batch = Batch { things, faults: &world.faults, uses: &world.unwritten_uses };
            self.store.write(V::NAME, batch).await?;
        }
        world.written();
        Ok(())
    }

    /// Signs in, lets rules strike, carries out, writes down.
    async fn answer(&self, call: &Call) -> Way {
        let mut after = None;
        let mut world = self.world.lock().await;
        // Something is left to take back only where a call panicked half way.
        world.take_back();
        world.advance(self.clock.now());
        world.begin();
        let side = match V::authenticate(&world, call) {
            Ok(side) => side,
            Err(stranger) => return Way::Sent(stranger),
        };
        if let Some(side) = side {
            self.calls[side as usize].fetch_add(1, Ordering::Relaxed);
        }
        if let Some((effect, after_apply)) = world.strike(&V::action(call), side) {
            match effect {
                effect if after_apply => after = Some(effect),
                Effect::Delay { ms } => {
                    // Others are served meanwhile.
                    drop(world);
                    tokio::time::sleep(Duration::from_millis(u64::from(ms))).await;
                    world = self.world.lock().await;
                    world.advance(self.clock.now());
                    world.begin();
                }
                effect => {
                    let way = spoil::<V>(call, effect, None);
                    return if self.write(&mut world).await.is_ok() { way } else { Way::Lost };
                }
            }
        }
        let reply = V::answer(&mut world, side, call).unwrap_or_else(|refused| {
            world.take_back();
            refused
        });
        if let Err(error) = self.write(&mut world).await {
            tracing::error!(
                vendor = V::NAME,
                error = format!("{error:#}"),
                "a simulated cloud could not be written down"
            );
            world.take_back();
            return Way::Sent(V::refusal(call, 500, "InternalError", "The simulated cloud's database failed."));
        }
        match after {
            None => Way::Sent(reply),
            Some(effect) => spoil::<V>(call, effect, Some(reply)),
        }
    }
}

/// What a rule makes of an answer.
fn spoil<V: Vendor>(call: &Call, effect: Effect, reply: Option<Reply>) -> Way {
    match (effect, reply) {
        (Effect::Refuse { status, code, message, retry_after }, _) => {
            let reply = V::refusal(call, status, &code, &message);
            Way::Sent(match retry_after {
                Some(seconds) => reply.with("retry-after", seconds.to_string()),
                None => reply,
            })
        }
        (Effect::Delay { ms }, Some(reply)) => Way::Late(reply, Duration::from_millis(u64::from(ms))),
        (Effect::Delay { .. } | Effect::Lose, _) => Way::Lost,
    }
}

async fn exchange<V: Vendor>(State(stand): State<Arc<Stand<V>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BYTES).await else {
        return sent::<V>(Reply::empty(StatusCode::PAYLOAD_TOO_LARGE.as_u16()));
    };
    let call = Call {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    // A caller that hangs up does not stop what it asked for half way.
    let answered = tokio::spawn(async move { stand.answer(&call).await }).await;
    match answered.unwrap_or(Way::Lost) {
        Way::Sent(reply) => sent::<V>(reply),
        Way::Late(reply, wait) => {
            tokio::time::sleep(wait).await;
            sent::<V>(reply)
        }
        Way::Lost => lost(),
    }
}

fn sent<V: Vendor>(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(name, value);
        }
    }
    let mark = HeaderValue::from_str(&format!("simulated-{}", V::NAME));
    response.headers_mut().insert(MARK, mark.expect("vendors' names are plain letters"));
    response
}

/// The connection breaks off in the middle of the answer.
fn lost() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("lost on the way")) });
    Response::new(Body::from_stream(broken))
}

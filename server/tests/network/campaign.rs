//! Many edits, and processes that are killed among them.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use app::domain::{
    Cidr, GatewayId, PeerId, PublicKey,
    gateway::{ConfigSync, GatewayStatus},
    peer::Peer,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use server::agent::host::key::PrivateKey;

use super::{
    console::{Answer, Console, PROJECT, postgres_database},
    lab::Lab,
    stage::{ALPHA, BETA, Site, Stage, VM_ALPHA, VM_BETA},
};

pub fn full() -> bool {
    std::env::var("CAUSEWAY_TEST_FULL").is_ok_and(|value| value == "1")
}

fn seed() -> u64 {
    let seed = std::env::var("CAUSEWAY_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("  CAUSEWAY_TEST_SEED={seed}");
    seed
}

/// Who can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Console,
    Agent(&'static str),
}

struct Campaign {
    stage: Stage,
    gateways: [(&'static Site, GatewayId); 2],
    random: StdRng,
    number: u32,
    /// Agents that were killed and not started yet.
    dead: BTreeSet<&'static str>,
    kills: u32,
    lost: u32,
}

impl Campaign {
    fn new() -> Self {
        Self::on(Stage::new())
    }

    fn on(stage: Stage) -> Self {
        let random = StdRng::seed_from_u64(seed());
        let (stage, alpha, beta) = stage.with_both_joined("repair");
        let gateways = [(&ALPHA, alpha), (&BETA, beta)];
        Self { stage, gateways, random, number: 0, dead: BTreeSet::new(), kills: 0, lost: 0 }
    }

    /// Edits with a victim for every third of them, at some moment of it.
    fn run(&mut self, edits: usize) {
        for _ in 0..edits {
            let victim = self.random.random_bool(0.3).then(|| self.victim());
            // The console is dead at once, and an edit takes it some milliseconds.
            let longest = if victim == Some(Victim::Console) { 12_000 } else { 40_000 };
            let delay = Duration::from_micros(self.random.random_range(0..longest));
            let (function, fields) = self.edit();
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let web = self.stage.web.clone();
            let answer = scope(|threads| {
                let edit = threads.spawn(|| web.in_project(&function, &fields));
                if let Some(victim) = victim {
                    sleep(delay);
                    self.kill(victim);
                }
                edit.join().expect("a request does not panic")
            });
            self.judge(victim, &function, answer);
            if victim == Some(Victim::Console) {
                self.stage.console.begin();
            }
            if self.random.random_bool(0.5) {
                self.start_the_dead();
            }
        }
        self.start_the_dead();
    }

    fn victim(&mut self) -> Victim {
        *[Victim::Console, Victim::Agent("gw-alpha"), Victim::Agent("gw-beta")].choose(&mut self.random).expect("three")
    }

    fn kill(&mut self, victim: Victim) {
        self.kills += 1;
        match victim {
            Victim::Console => self.stage.console.kill(),
            Victim::Agent(host) => {
                self.stage.kill_agent(host);
                self.dead.insert(host);
            }
        }
    }

    fn start_the_dead(&mut self) {
        for host in std::mem::take(&mut self.dead) {
            self.stage.start_agent(host, "");
        }
    }

    /// Done, or refused with a sentence, or cut off by the console's own death: never half.
    fn judge(&mut self, victim: Option<Victim>, function: &str, answer: std::io::Result<Answer>) {
        match answer {
            Ok(answer) => {
                assert!(matches!(answer.status, 200 | 400 | 404 | 409), "{function}: {} {}", answer.status, answer.body)
            }
            Err(_) if victim == Some(Victim::Console) => self.lost += 1,
            Err(error) => panic!("{function}: {error} while nobody killed the console"),
        }
    }

    /// Something that a person might do now. May be refused.
    fn edit(&mut self) -> (String, Vec<(String, String)>) {
        self.number += 1;
        let number = self.number;
        let (site, gateway) = self.gateways[self.random.random_range(0..2)];
        let peers = self.stage.peers(gateway);
        let one = peers.choose(&mut self.random).cloned();
        let fields = |fields: &[(&str, String)]| {
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        };
        let key = PrivateKey::random().public().to_string();
        let of = |peer: &Peer| [("gateway", gateway.to_string()), ("id", peer.id.to_string())];
        match (self.random.random_range(0..10), one) {
            (0..=3, _) | (_, None) => (
                "peers/create-road-warrior".to_owned(),
                fields(&[("gateway", gateway.to_string()), ("name", format!("laptop-{number}")), ("public_key", key)]),
            ),
            (4, _) => (
                "peers/create-site".to_owned(),
                fields(&[
                    ("gateway", gateway.to_string()),
                    ("form[name]", format!("site-{number}")),
                    ("form[public_key]", key),
                    ("form[networks]", format!("192.168.{number}.0/24")),
                    ("form[preshared]", "on".to_owned()),
                ]),
            ),
            (5, Some(peer)) => {
                let [gateway, id] = of(&peer);
                ("peers/enable".to_owned(), fields(&[gateway, id, ("enabled", (!peer.enabled).to_string())]))
            }
            (6, Some(peer)) => ("peers/delete".to_owned(), fields(&of(&peer))),
            (7, _) => (
                "gateways/update".to_owned(),
                fields(&[
                    ("id", gateway.to_string()),
                    ("form[public_address]", site.public.to_owned()),
                    ("form[internet_egress]", site.egress.to_owned()),
                    ("form[mtu]", self.random.random_range(1380..=1420).to_string()),
                ]),
            ),
            _ => {
                let [(_, alpha), (_, beta)] = self.gateways;
                let pair = self.stage.peers(alpha).into_iter().find(|peer| peer.pair.is_some());
                match pair {
                    Some(row) => (
                        "peers/delete".to_owned(),
                        fields(&[("gateway", alpha.to_string()), ("id", row.id.to_string())]),
                    ),
                    None => (
                        "peerings/create".to_owned(),
                        fields(&[("gateway", alpha.to_string()), ("remote", beta.to_string())]),
                    ),
                }
            }
        }
    }

    /// Every host shows what the console says, and what the console says makes sense.
    fn converges(&self) {
        let mut pairs: BTreeMap<String, usize> = BTreeMap::new();
        for (site, gateway) in self.gateways {
            let peers = self.stage.peers(gateway);
            let addresses: BTreeSet<_> = peers.iter().map(|peer| peer.tunnel_address).collect();
            assert_eq!(addresses.len(), peers.len(), "no address is given twice on {}", site.host);
            for pair in peers.iter().filter_map(|peer| peer.pair) {
                *pairs.entry(pair.to_string()).or_default() += 1;
            }
            let wanted: Tunnels = peers
                .iter()
                .filter(|peer| peer.enabled)
                .map(|peer| (peer.public_key, peer.allowed_ips.iter().copied().collect()))
                .collect();
            self.stage.shows(gateway, 60, "in its last generation", |shown| {
                shown.status == GatewayStatus::Active
                    && shown.sync == ConfigSync::InSync
                    && shown.verified == shown.wanted
                    && shown.applied == shown.wanted
                    && on_host(&self.stage, site) == wanted
            });
        }
        assert!(pairs.values().all(|rows| *rows == 2), "a pair is never half: {pairs:?}");
        let peerings: BTreeSet<String> = self.stage.peerings().iter().map(|peering| peering.id.to_string()).collect();
        assert_eq!(peerings, pairs.into_keys().collect(), "every pair has its peering");
    }
}

type Tunnels = BTreeMap<PublicKey, BTreeSet<Cidr>>;

/// WireGuard's own word for it.
fn on_host(stage: &Stage, site: &Site) -> Tunnels {
    let listing = stage.lab.run(site.host, "wg show wg0 allowed-ips");
    let peer = |line: &str| {
        let (key, ranges) = line.split_once('\t').expect("a key and its ranges");
        let ranges = ranges.split(' ').filter(|range| *range != "(none)").map(|range| range.parse().expect("a range"));
        (key.parse().expect("a key"), ranges.collect())
    };
    listing.lines().map(peer).collect()
}

pub fn killed_at_random_moments() {
    kill_and_converge(Campaign::new());
}

pub fn killed_at_random_moments_on_postgresql() {
    let console = Console::start_on(Some(postgres_database()), &[]);
    kill_and_converge(Campaign::on(Stage::of(console, Lab::up())));
}

fn kill_and_converge(mut campaign: Campaign) {
    let began = Instant::now();
    campaign.run(if full() { 2000 } else { 200 });
    let edited = began.elapsed();
    campaign.converges();
    eprintln!(
        "  {} edits, {} kills, {} answers cut off in {:.1} s; in sync {:.1} s later",
        campaign.number,
        campaign.kills,
        campaign.lost,
        edited.as_secs_f64(),
        (began.elapsed() - edited).as_secs_f64()
    );
}

pub fn an_older_copy_of_the_database() {
    let mut campaign = Campaign::new();
    campaign.run(4);
    campaign.stage.console.kill();
    let copy = tempfile::tempdir().expect("a folder");
    campaign.stage.console.copy_database(copy.path());
    campaign.stage.console.begin();
    for (_, gateway) in campaign.gateways {
        for number in 0..3 {
            let key = PrivateKey::random().public().to_string();
            let name = format!("late-{number}");
            let fields = [("gateway", gateway.to_string()), ("name", name), ("public_key", key)];
            let _: PeerId = campaign
                .stage
                .web
                .call("peers/create-road-warrior", &fields.each_ref().map(|(name, value)| (*name, value.as_str())));
        }
    }
    campaign.converges();
    let ahead = campaign.gateways.map(|(site, _)| on_host(&campaign.stage, site).len());

    campaign.stage.console.kill();
    campaign.stage.console.put_database_back(copy.path());
    campaign.stage.console.begin();
    for (_, gateway) in campaign.gateways {
        raised(&campaign.stage, gateway);
    }
    campaign.converges();
    let back = campaign.gateways.map(|(site, _)| on_host(&campaign.stage, site).len());
    assert_eq!(back.map(|peers| peers + 3), ahead, "what the copy does not know is gone from the hosts");
    // And it goes on from there.
    campaign.run(2);
    campaign.converges();
}

/// Made before one host enrolled at all, and before the other one did anew: neither needs a person.
pub fn an_older_copy_that_knows_no_host() {
    let mut stage = Stage::new();
    let (alpha, beta) = (stage.gateway(&ALPHA, "repair"), stage.gateway(&BETA, "repair"));
    stage.enrol(&ALPHA, alpha);
    stage.in_sync(alpha);
    stage.console.kill();
    let copy = tempfile::tempdir().expect("a folder");
    stage.console.copy_database(copy.path());
    stage.console.begin();
    stage.kill_agent(ALPHA.host);
    stage.enrol(&ALPHA, alpha);
    stage.enrol(&BETA, beta);
    stage.in_sync(beta);
    stage.in_sync(alpha);
    stage.join(alpha, beta);
    stage.lab.reaches("vm-alpha", VM_BETA);

    stage.console.kill();
    assert!(stage.lab.ping("vm-alpha", VM_BETA), "the tunnels need no console");
    stage.console.put_database_back(copy.path());
    stage.console.begin();
    for gateway in [alpha, beta] {
        let shown = stage.in_sync(gateway);
        assert!(shown.public_key.is_some(), "{} has its host", shown.name);
        raised(&stage, gateway);
    }
    assert!(stage.peerings().is_empty(), "what was made since is forgotten");
    stage.lab.never_reaches("vm-alpha", VM_BETA);
    assert_eq!(stage.lab.leaks(), 0);
    // And it goes on from there, with the keys that the hosts have.
    stage.join(alpha, beta);
    stage.lab.reaches("vm-alpha", VM_BETA);
    stage.lab.reaches("vm-beta", VM_ALPHA);
}

/// The event log says that an older copy was noticed.
fn raised(stage: &Stage, gateway: GatewayId) {
    let filter =
        serde_json::json!({ "object": gateway.to_string(), "kind": null, "actor": null, "before": null, "limit": 50 });
    let question = serde_json::json!({ "project": PROJECT, "filter": filter });
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = stage.web.send_json("changes/list", &question).expect("an answer");
        if answer.body.contains("an older copy of the database was put back") {
            return;
        }
        assert!(
            Instant::now() < patience,
            "the epoch of the gateway is raised: {}\n{}",
            answer.body,
            stage.lab.words()
        );
        sleep(Duration::from_millis(200));
    }
}

pub fn a_burst_of_edits() {
    const HANDS: usize = 4;
    let edits = if full() { 4000 } else { 1000 };
    let stage = Stage::new();
    let site = Site { tunnel: "10.200.16.0/20", ..ALPHA };
    let alpha = stage.gateway(&site, "repair");
    stage.enrol(&site, alpha);
    stage.in_sync(alpha);
    let gateway = alpha.to_string();
    let began = Instant::now();
    scope(|threads| {
        for hand in 0..HANDS {
            let (web, gateway) = (stage.web.clone(), gateway.as_str());
            threads.spawn(move || {
                for number in (hand..edits).step_by(HANDS) {
                    let key = PrivateKey::random().public().to_string();
                    let name = format!("laptop-{number}");
                    let _: PeerId = web.call(
                        "peers/create-road-warrior",
                        &[("gateway", gateway), ("name", &name), ("public_key", &key)],
                    );
                }
            });
        }
    });
    let asked = began.elapsed();
    let shown = stage.shows(alpha, 60, "in sync with all", |shown| {
        shown.sync == ConfigSync::InSync && shown.verified == shown.wanted && on_host(&stage, &site).len() == edits
    });
    let peers = stage.peers(alpha);
    let addresses: BTreeSet<_> = peers.iter().map(|peer| peer.tunnel_address).collect();
    assert_eq!(addresses.len(), edits, "an address for each");
    eprintln!(
        "  {edits} edits by {HANDS} hands in {:.1} s, {} generations, in sync {:.1} s after the last",
        asked.as_secs_f64(),
        shown.wanted,
        (began.elapsed() - asked).as_secs_f64()
    );
}

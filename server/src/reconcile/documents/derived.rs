//! One document in memory: what it is, what it was before, and how it moves on.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use app::domain::{
    PeerId, PublicKey,
    peer::PeerKind,
    tunnel::{Change, Document, Hash, PeerSum, Version, Wish, WishedPeer, derive, tunnel_peer},
};

use super::PERIOD;

/// How many steps back an agent may be and still be sent changes only.
const REMEMBERED_STEPS: usize = 64;
/// Above this many peers in all remembered steps, the oldest are forgotten.
const REMEMBERED_PEERS: usize = 4000;

/// A derived document with its version and its recent past.
pub struct Derived {
    pub document: Arc<Document>,
    /// An empty hash: a new generation is due whatever the network says.
    pub version: Version,
    sum: PeerSum,
    /// The version that a change led away from, oldest first.
    steps: VecDeque<(Version, Change)>,
    road_warriors: HashMap<PeerId, PublicKey>,
    /// Whether `document` is what `version` stands for: not before the first derivation of this process.
    loaded: bool,
    /// When the last derivation from scratch began; `None` if one is due now.
    whole_since: Option<Instant>,
}

impl Derived {
    pub fn new(version: Version) -> Self {
        Self {
            document: Arc::new(Document::empty()),
            version,
            sum: PeerSum::default(),
            steps: VecDeque::new(),
            road_warriors: HashMap::new(),
            loaded: false,
            whole_since: None,
        }
    }

    pub fn is_stale(&self) -> bool {
        self.whole_since.is_none_or(|since| since.elapsed() >= PERIOD)
    }

    pub fn forget_freshness(&mut self) {
        self.whole_since = None;
    }

    pub fn has_road_warrior(&self, peer: PeerId) -> bool {
        self.road_warriors.contains_key(&peer)
    }

    pub fn remembered_hash(&self, epoch: u64, generation: u64) -> Option<Hash> {
        let is_it = |version: &&Version| (version.epoch, version.generation) == (epoch, generation);
        self.steps.iter().map(|(from, _)| from).chain([&self.version]).find(is_it).map(|version| version.hash.clone())
    }

    /// Whether the document held this key a short while ago.
    pub fn held_lately(&self, key: PublicKey) -> bool {
        self.steps.iter().any(|(_, change)| change.removed.contains(&key))
    }

    /// `None` before the first derivation of this process.
    pub fn current(&self) -> Option<Arc<Document>> {
        self.loaded.then(|| self.document.clone())
    }

    pub fn change_to(&self, new: &Document) -> Change {
        self.document.change_to(new)
    }

    /// The change that some rows make. `outline`: everything but the road warriors, if any of it may differ.
    pub fn partial_change(
        &self,
        outline: Option<&Wish>,
        road_warriors: &BTreeMap<PeerId, Option<WishedPeer>>,
    ) -> Change {
        let mut change = Change::default();
        let mut removed = BTreeSet::new();
        if let Some(wish) = outline {
            let outline = derive(wish);
            let linked = self.document.peers.values().filter(|peer| peer.kind != PeerKind::RoadWarrior);
            removed.extend(linked.map(|peer| peer.public_key).filter(|key| !outline.peers.contains_key(key)));
            change.gateway = (self.document.gateway != outline.gateway).then_some(outline.gateway);
            change.set.extend(outline.peers.into_values());
        }
        for (id, wished) in road_warriors {
            removed.extend(self.road_warriors.get(id).copied());
            if let Some(wished) = wished.as_ref().filter(|wished| wished.enabled) {
                change.set.push(tunnel_peer(wished));
            }
        }
        for peer in &change.set {
            removed.remove(&peer.public_key);
        }
        change.set.retain(|peer| self.document.peers.get(&peer.public_key) != Some(peer));
        change.removed = removed.into_iter().filter(|key| self.document.peers.contains_key(key)).collect();
        change
    }

    /// The version after a change: the same one if nothing differs.
    pub fn next_version(&self, change: &Change, epoch: u64) -> (Version, PeerSum) {
        let mut sum = self.sum;
        for key in &change.removed {
            if let Some(peer) = self.document.peers.get(key) {
                sum.remove(peer);
            }
        }
        for peer in &change.set {
            if let Some(before) = self.document.peers.get(&peer.public_key) {
                sum.remove(before);
            }
            sum.add(peer);
        }
        let gateway = change.gateway.clone().unwrap_or_else(|| self.document.gateway.clone());
        let node = change.node.clone().unwrap_or_else(|| self.document.node.clone());
        let hash = Document { gateway, node, peers: BTreeMap::new() }.hash_with(&sum);
        let epoch = epoch.max(self.version.epoch);
        let same = hash == self.version.hash && epoch == self.version.epoch;
        let generation = self.version.generation + u64::from(!same);
        (Version { epoch, generation, hash }, sum)
    }

    /// Takes a change over, once its version is committed.
    pub fn advance(&mut self, change: Change, version: Version, sum: PeerSum) {
        if version != self.version {
            if self.loaded {
                // A node's document is sent whole, and its change is as large.
                let step = if change.node.is_some() { Change::default() } else { change.clone() };
                self.steps.push_back((self.version.clone(), step));
            }
            self.version = version;
        }
        let weight = |(_, change): &(Version, Change)| change.set.len() + change.removed.len();
        while self.steps.len() > REMEMBERED_STEPS || self.steps.iter().map(weight).sum::<usize>() > REMEMBERED_PEERS {
            self.steps.pop_front();
        }
        if !change.is_empty() {
            Arc::make_mut(&mut self.document).apply(change);
        }
        self.sum = sum;
        self.loaded = true;
    }

    /// The agent has a version that we never made: the next one has a higher epoch than its.
    pub fn raise_epoch(&mut self, epoch: u64, generation: u64) {
        self.version = Version { epoch, generation, hash: Hash(String::new()) };
        self.whole_since = None;
    }

    pub fn derived_whole(&mut self, road_warriors: HashMap<PeerId, PublicKey>, since: Instant) {
        self.road_warriors = road_warriors;
        self.whole_since = Some(since);
    }

    pub fn derived_partly(&mut self, road_warriors: &BTreeMap<PeerId, Option<WishedPeer>>) {
        for (id, wished) in road_warriors {
            match wished {
                Some(wished) => self.road_warriors.insert(*id, wished.public_key),
                None => self.road_warriors.remove(id),
            };
        }
    }

    /// Everything that changed since a version that an agent has, in one change; `None` if that is not remembered, or is no less
    /// than the document. The empty document is always sent whole: JSON cannot tell "no gateway" from "the same gateway". So is
    /// a node's: there is nothing in it but what changed.
    pub fn change_since(&self, from: &Version) -> Option<Change> {
        if self.document.is_empty() || self.document.node.is_some() {
            return None;
        }
        let first = self.steps.iter().position(|(version, _)| version == from)?;
        let mut gateway = None;
        let mut touched = BTreeSet::new();
        for (_, change) in self.steps.iter().skip(first) {
            gateway = change.gateway.clone().or(gateway);
            touched.extend(change.set.iter().map(|peer| peer.public_key));
            touched.extend(change.removed.iter().copied());
        }
        if touched.len() > self.document.peers.len() / 2 + 8 {
            return None;
        }
        let (mut set, mut removed) = (Vec::new(), Vec::new());
        for key in touched {
            match self.document.peers.get(&key) {
                Some(peer) => set.push(peer.clone()),
                None => removed.push(key),
            }
        }
        Some(Change { gateway, node: None, set, removed })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use app::domain::{Cidr, GatewayId, gateway::GatewaySettings, tunnel::Role};
    use rand::{Rng, SeedableRng, rngs::StdRng};
    use uuid::Uuid;

    use super::*;

    fn peer(number: u8, enabled: bool, site: bool) -> WishedPeer {
        let address = Ipv4Addr::new(10, 200, 1, number);
        let role = match site {
            true => Role::Site { address, networks: vec![Cidr::literal([192, 168, number, 0], 24)], endpoint: None },
            false => Role::RoadWarrior { address },
        };
        WishedPeer {
            name: format!("peer-{number}").parse().expect("a name"),
            public_key: PublicKey::from_bytes([number; 32]),
            preshared_key: None,
            keepalive: 0,
            enabled,
            role,
        }
    }

    fn id(number: u8) -> PeerId {
        PeerId::from_uuid(Uuid::from_u128(u128::from(number)))
    }

    fn wish(mtu: u16, peers: Vec<WishedPeer>) -> Wish {
        Wish {
            id: GatewayId::from_uuid(Uuid::from_u128(1)),
            name: "gw-alpha".parse().expect("a name"),
            settings: GatewaySettings { mtu, ..GatewaySettings::default() },
            tunnel: Cidr::literal([10, 200, 1, 0], 24),
            vpc: Cidr::literal([172, 16, 0, 0], 16),
            repairs: 0,
            guarded: Vec::new(),
            peers,
        }
    }

    fn first() -> Derived {
        Derived::new(Version { epoch: 1, generation: 0, hash: Hash(String::new()) })
    }

    fn step(derived: &mut Derived, change: Change) {
        let (version, sum) = derived.next_version(&change, 1);
        derived.advance(change, version, sum);
    }

    fn step_to(derived: &mut Derived, wish: &Wish) {
        let change = derived.change_to(&derive(wish));
        step(derived, change);
    }

    #[test]
    fn whatever_is_edited_looking_at_some_rows_leads_where_deriving_everything_does() {
        let seed = rand::random();
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let mut rows: BTreeMap<u8, WishedPeer> = BTreeMap::new();
        let (mut derived, mut mtu) = (first(), 1420);
        let mut history: Vec<(Version, Document)> = Vec::new();
        for _ in 0..400 {
            let (mut touched, mut outline) = (BTreeMap::new(), false);
            for _ in 0..random.random_range(1..4) {
                let number = random.random_range(2..20);
                // The last three numbers are sites.
                let site = number >= 17;
                let row = random.random_bool(0.7).then(|| peer(number, random.random_bool(0.8), site));
                match &row {
                    Some(row) => rows.insert(number, row.clone()),
                    None => rows.remove(&number),
                };
                if site { outline = true } else { _ = touched.insert(id(number), row) }
            }
            if random.random_bool(0.1) {
                (mtu, outline) = (random.random_range(1280..1500), true);
            }
            let sites = rows.iter().filter(|(number, _)| **number >= 17).map(|(_, row)| row.clone()).collect();
            let outline = (outline || !derived.loaded).then(|| wish(mtu, sites));
            let change = derived.partial_change(outline.as_ref(), &touched);
            step(&mut derived, change);
            derived.derived_partly(&touched);

            let whole = derive(&wish(mtu, rows.values().cloned().collect()));
            assert_eq!(*derived.document, whole);
            assert_eq!(derived.version.hash, whole.hash());
            history.push((derived.version.clone(), whole.clone()));
            for (from, mut held) in history.iter().rev().take(20).cloned() {
                if from == derived.version {
                    continue;
                }
                if let Some(change) = derived.change_since(&from) {
                    held.apply(change);
                    assert_eq!(held, whole, "an agent that had {from:?}");
                }
            }
        }
    }

    #[test]
    fn a_key_that_moves_from_one_peer_to_another_stays_in_the_document() {
        let mut derived = first();
        step_to(&mut derived, &wish(1420, vec![peer(2, true, false)]));
        derived.derived_whole(HashMap::from([(id(2), PublicKey::from_bytes([2; 32]))]), Instant::now());
        let rows = BTreeMap::from([(id(2), None), (id(3), Some(peer(2, true, false)))]);
        assert!(derived.partial_change(None, &rows).is_empty());
    }

    #[test]
    fn an_agent_that_is_far_behind_gets_the_whole_document() {
        let mut derived = first();
        step_to(&mut derived, &wish(1420, Vec::new()));
        let old = derived.version.clone();
        for round in 0..=REMEMBERED_STEPS {
            step_to(&mut derived, &wish(1300 + u16::try_from(round).expect("small"), Vec::new()));
        }
        assert_eq!(derived.change_since(&old), None);
        assert_eq!(derived.remembered_hash(old.epoch, old.generation), None);
        assert_eq!(derived.remembered_hash(1, derived.version.generation), Some(derived.version.hash.clone()));
    }

    #[test]
    fn a_raised_epoch_asks_for_a_new_generation_of_the_same_document() {
        let mut derived = first();
        step_to(&mut derived, &wish(1420, Vec::new()));
        let hash = derived.version.hash.clone();
        derived.raise_epoch(5, 77);
        assert!(derived.is_stale());
        step(&mut derived, Change::default());
        assert_eq!(derived.version, Version { epoch: 5, generation: 78, hash });
    }
}

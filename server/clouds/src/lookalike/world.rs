//! One vendor's world in memory: what exists, when it changes next, and what to take back.
//!
//! It is changed by one call at a time and written down before that call is answered, so that what a
//! caller was told is never forgotten. Transitions are made in the order of their moments and at
//! their moments, however late somebody looks.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Call, Effect, Reply, Settings,
    clock::milliseconds,
    fault::{self, Standing, Use},
};

/// Whose account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The operator's: the console signs in with it.
    Ours,
    /// The peer's, who acts by the same API.
    Theirs,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::Ours, Self::Theirs];

    pub fn other(self) -> Self {
        if self == Self::Ours { Self::Theirs } else { Self::Ours }
    }

    pub(super) fn name(self) -> &'static str {
        if self == Self::Ours { "ours" } else { "theirs" }
    }
}

/// A cloud vendor: how it signs in, what it keeps, what it answers.
pub trait Vendor: Sized + Send + Sync + 'static {
    /// `aws`, `google`, `azure`, `upcloud`.
    const NAME: &'static str;
    /// An enum of everything that can exist.
    type Thing: Clone + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What one needs to sign in.
    type Account: Clone + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// A new account with random credentials.
    fn account(side: Side) -> Self::Account;

    /// What a new installation finds in its accounts. Called once in the life of a world.
    fn found(_world: &mut World<Self>) {}

    /// When this changes by itself next.
    fn due(thing: &Self::Thing) -> Option<i64>;

    /// Makes the change that is due at [`World::now`]. Afterwards [`Self::due`] must tell another moment or none.
    fn ripen(world: &mut World<Self>, id: &str);

    /// Who calls; `Ok(None)` where nobody has to sign in, such as a token endpoint.
    ///
    /// # Errors
    /// What to answer to a stranger.
    fn authenticate(world: &World<Self>, call: &Call) -> Result<Option<Side>, Reply>;

    /// What is called for, such as `CreateVpc`: the name that a [`super::Fault`] knows it by.
    fn action(call: &Call) -> String;

    /// Carries it out.
    ///
    /// # Errors
    /// What to answer when nothing was changed: whatever this did is taken back.
    fn answer(world: &mut World<Self>, side: Option<Side>, call: &Call) -> Result<Reply, Reply>;

    /// An error in this vendor's form.
    fn refusal(call: &Call, status: u16, code: &str, message: &str) -> Reply;
}

/// How fast things happen.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    delay: RangeInclusive<i64>,
    settle: i64,
}

impl Pace {
    pub(super) fn of(settings: &Settings) -> Self {
        let (from, to) = (milliseconds(*settings.delay.start()), milliseconds(*settings.delay.end()));
        Self { delay: from..=to.max(from), settle: milliseconds(settings.settle) }
    }
}

pub struct World<V: Vendor> {
    things: BTreeMap<String, V::Thing>,
    due: BTreeSet<(i64, String)>,
    accounts: BTreeMap<Side, V::Account>,
    pub(super) faults: Vec<Standing>,
    pace: Pace,
    now: i64,
    /// As it was before the call; `None`: it was not.
    before: BTreeMap<String, Option<V::Thing>>,
    /// Changed and not yet known to be written down.
    unwritten: BTreeSet<String>,
    pub(super) unwritten_uses: Vec<Use>,
}

impl<V: Vendor> World<V> {
    pub(super) fn new(
        things: BTreeMap<String, V::Thing>,
        accounts: BTreeMap<Side, V::Account>,
        faults: Vec<Standing>,
        pace: Pace,
    ) -> Self {
        let due = things.iter().filter_map(|(id, thing)| Some((V::due(thing)?, id.clone()))).collect();
        Self {
            things,
            due,
            accounts,
            faults,
            pace,
            now: 0,
            before: BTreeMap::new(),
            unwritten: BTreeSet::new(),
            unwritten_uses: Vec::new(),
        }
    }

    /// Milliseconds since 1970: the moment of the call, or of the transition that is being made.
    pub fn now(&self) -> i64 {
        self.now
    }

    pub fn account(&self, side: Side) -> &V::Account {
        &self.accounts[&side]
    }

    pub fn get(&self, id: &str) -> Option<&V::Thing> {
        self.things.get(id)
    }

    /// Everything whose id begins so, in the order of ids.
    pub fn under<'a>(&'a self, prefix: &str) -> impl Iterator<Item = (&'a str, &'a V::Thing)> + use<'a, V> {
        let prefix = prefix.to_owned();
        let from = self.things.range(prefix.clone()..);
        from.take_while(move |(id, _)| id.starts_with(&prefix)).map(|(id, thing)| (id.as_str(), thing))
    }

    pub fn put(&mut self, id: impl Into<String>, thing: V::Thing) {
        self.set(id.into(), Some(thing));
    }

    pub fn remove(&mut self, id: &str) -> Option<V::Thing> {
        let gone = self.things.get(id).cloned()?;
        self.set(id.to_owned(), None);
        Some(gone)
    }

    /// Changes what is there; `None` if it is not.
    pub fn change<R>(&mut self, id: &str, edit: impl FnOnce(&mut V::Thing) -> R) -> Option<R> {
        let mut thing = self.things.get(id).cloned()?;
        let result = edit(&mut thing);
        self.set(id.to_owned(), Some(thing));
        Some(result)
    }

    fn set(&mut self, id: String, thing: Option<V::Thing>) {
        let old = match &thing {
            Some(thing) => self.things.insert(id.clone(), thing.clone()),
            None => self.things.remove(&id),
        };
        if let Some(moment) = old.as_ref().and_then(V::due) {
            self.due.remove(&(moment, id.clone()));
        }
        if let Some(moment) = thing.as_ref().and_then(V::due) {
            self.due.insert((moment, id.clone()));
        }
        self.unwritten.insert(id.clone());
        self.before.entry(id).or_insert(old);
    }

    /// When a transition that begins now is over; `None`: never, because a rule holds it up.
    pub fn due(&mut self, transition: &str) -> Option<i64> {
        let drawn = rand::random_range(self.pace.delay.clone());
        match self.strike(transition, None).map(|(effect, _)| effect) {
            Some(Effect::Delay { ms }) => Some(self.now + i64::from(ms)),
            Some(Effect::Lose) => None,
            Some(Effect::Refuse { .. }) | None => Some(self.now + drawn),
        }
    }

    /// The code of a rule that makes this transition fail.
    pub fn fails(&mut self, transition: &str) -> Option<(String, String)> {
        match self.strike(transition, None)?.0 {
            Effect::Refuse { code, message, .. } => Some((code, message)),
            Effect::Delay { .. } | Effect::Lose => None,
        }
    }

    /// Whether something that was made then is known everywhere by now.
    pub fn settled(&self, made_at: i64) -> bool {
        self.now - made_at >= self.pace.settle
    }

    /// The effect of a rule that strikes here, and whether it does so after the call was carried out.
    pub(super) fn strike(&mut self, action: &str, side: Option<Side>) -> Option<(Effect, bool)> {
        let rule = fault::strike(&mut self.faults, action, side)?;
        let used = Use {
            id: uuid::Uuid::new_v4().to_string(),
            fault: rule.id.clone(),
            action: action.to_owned(),
            at: self.now,
        };
        tracing::info!(vendor = V::NAME, action, fault = used.fault, "a failure rule of a simulated cloud struck");
        let effect = (rule.fault.effect.clone(), rule.fault.after_apply);
        self.unwritten_uses.push(used);
        Some(effect)
    }

    /// Makes every transition that was due, each at its moment.
    pub(super) fn advance(&mut self, now: i64) {
        while let Some((moment, id)) = self.due.first().cloned().filter(|(moment, _)| *moment <= now) {
            self.now = self.now.max(moment);
            V::ripen(self, &id);
            if self.due.remove(&(moment, id.clone())) && self.get(&id).and_then(V::due) == Some(moment) {
                tracing::error!(vendor = V::NAME, id, "a transition of a simulated cloud did not move and is given up");
            }
        }
        self.now = self.now.max(now);
    }

    /// From here on [`Self::take_back`] keeps what has happened.
    pub(super) fn begin(&mut self) {
        self.before.clear();
    }

    pub(super) fn take_back(&mut self) {
        for (id, thing) in std::mem::take(&mut self.before) {
            self.set(id, thing);
        }
        self.before.clear();
    }

    /// What has to be written down: ids, and their things as JSON or `None` where they are gone.
    pub(super) fn unwritten(&self) -> serde_json::Result<Vec<(String, Option<String>)>> {
        let body = |id: &String| self.things.get(id).map(serde_json::to_string).transpose();
        self.unwritten.iter().map(|id| Ok((id.clone(), body(id)?))).collect()
    }

    pub(super) fn written(&mut self) {
        self.before.clear();
        self.unwritten.clear();
        self.unwritten_uses.clear();
        self.faults.retain(|rule| rule.remaining > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookalike::Fault;

    /// A cloud of eggs: each hatches once, and notes when.
    struct Farm;

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Egg {
        due: Option<i64>,
        hatched_at: Option<i64>,
    }

    impl Vendor for Farm {
        const NAME: &'static str = "farm";
        type Thing = Egg;
        type Account = ();

        fn account(_side: Side) {}

        fn due(egg: &Egg) -> Option<i64> {
            egg.due
        }

        fn ripen(world: &mut World<Self>, id: &str) {
            // A stone never hatches, whatever it promised.
            if id != "stone" {
                let now = world.now();
                world.change(id, |egg| *egg = Egg { due: None, hatched_at: Some(now) });
            }
        }

        fn authenticate(_world: &World<Self>, _call: &Call) -> Result<Option<Side>, Reply> {
            Ok(None)
        }

        fn action(_call: &Call) -> String {
            String::new()
        }

        fn answer(_world: &mut World<Self>, _side: Option<Side>, _call: &Call) -> Result<Reply, Reply> {
            Ok(Reply::empty(200))
        }

        fn refusal(_call: &Call, status: u16, _code: &str, _message: &str) -> Reply {
            Reply::empty(status)
        }
    }

    fn egg(due: i64) -> Egg {
        Egg { due: Some(due), hatched_at: None }
    }

    fn farm() -> World<Farm> {
        World::new(BTreeMap::new(), BTreeMap::new(), Vec::new(), Pace { delay: 10..=10, settle: 3 })
    }

    #[test]
    fn what_is_due_happens_at_its_moment_however_late_somebody_looks() {
        let mut world = farm();
        world.put("late", egg(70));
        world.put("early", egg(20));
        world.advance(50);
        assert_eq!(world.get("early").and_then(|egg| egg.hatched_at), Some(20));
        assert_eq!(world.get("late").and_then(|egg| egg.hatched_at), None);
        world.advance(1_000);
        assert_eq!(world.get("late").and_then(|egg| egg.hatched_at), Some(70));
        assert_eq!(world.now(), 1_000);
    }

    #[test]
    fn a_transition_that_does_not_move_stops_nobody() {
        let mut world = farm();
        world.put("stone", egg(20));
        world.put("tail", egg(30));
        world.advance(50);
        assert_eq!(world.get("tail").and_then(|egg| egg.hatched_at), Some(30));
    }

    #[test]
    fn what_a_refused_call_did_is_taken_back_and_what_the_clock_did_is_not() {
        let mut world = farm();
        world.put("old", egg(20));
        world.put("gone", egg(90));
        world.advance(50);
        world.begin();
        world.put("new", egg(60));
        world.remove("gone");
        world.change("old", |egg| egg.hatched_at = None);
        world.take_back();
        let ids: Vec<_> = world.under("").map(|(id, _)| id.to_owned()).collect();
        assert_eq!(ids, ["gone", "old"]);
        assert_eq!(world.get("old").and_then(|egg| egg.hatched_at), Some(20));
        world.advance(100);
        assert_eq!(world.get("gone").and_then(|egg| egg.hatched_at), Some(90));
    }

    #[test]
    fn a_rule_holds_a_transition_up_or_lets_it_never_come() {
        let mut world = farm();
        for effect in [Effect::Delay { ms: 500 }, Effect::Lose] {
            let fault = Fault::once("Egg/laid", effect);
            world.faults.push(Standing { id: "1".into(), remaining: 1, fault });
        }
        assert_eq!(world.due("Egg/laid"), Some(500));
        assert_eq!(world.due("Egg/laid"), None);
        assert_eq!(world.due("Egg/laid"), Some(10));
        assert_eq!(world.unwritten_uses.len(), 2);
    }

    #[test]
    fn what_was_made_becomes_known_after_a_while() {
        let mut world = farm();
        world.advance(100);
        assert!(!world.settled(98));
        assert!(world.settled(97));
    }
}

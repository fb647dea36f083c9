//! The least that a reconciler of addresses and links does: a pass, what it told kept, another pass.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime},
};

use clouds::{AddressWish, Failure, LinkWish, Provides, Reference, Want, aws::Aws, provide};
use uuid::Uuid;

/// A wish that a pass changes nothing of but what the console learns.
pub trait Kept: Want + Clone {
    fn at(&mut self, now: i64, tried: bool);
    fn learn(&mut self, report: &Self::Report);
}

impl Kept for AddressWish {
    fn at(&mut self, now: i64, tried: bool) {
        self.now = now;
        self.asked_at = self.asked_at.or(tried.then_some(now));
    }

    fn learn(&mut self, report: &Self::Report) {
        self.reference = report.reference.clone();
    }
}

impl Kept for LinkWish {
    fn at(&mut self, now: i64, tried: bool) {
        self.now = now;
        self.asked_at = self.asked_at.or(tried.then_some(now));
    }

    fn learn(&mut self, report: &Self::Report) {
        self.reference = report.reference.clone();
    }
}

pub fn address() -> AddressWish {
    AddressWish {
        id: Uuid::from_u128(rand::random()),
        name: "edge".into(),
        region: "eu-west-1".into(),
        present: true,
        instance: None,
        reference: Reference::new(),
        asked_at: None,
        now: 1_800_000_000_000,
    }
}

/// Of a service on one node, for whoever is in the list.
pub fn link(network: Uuid, reference: &Reference, allowed: &str) -> LinkWish {
    let target = "10.20.0.9:5432".parse().expect("is an address with a port");
    LinkWish {
        id: Uuid::from_u128(rand::random()),
        name: "orders".into(),
        region: "eu-west-1".into(),
        present: true,
        network,
        network_reference: reference.clone(),
        range: None,
        ports: BTreeMap::from([(5432, BTreeSet::from([target]))]),
        allowed: BTreeSet::from([allowed.to_owned()]),
        regions: BTreeSet::new(),
        verdicts: BTreeMap::new(),
        reference: Reference::new(),
        asked_at: None,
        now: 1_800_000_000_000,
    }
}

pub struct Keeper<W: Kept> {
    pub aws: Aws,
    pub wish: W,
    made: Vec<String>,
    /// What went wrong in the last pass.
    pub failed: Vec<(W::Part, Failure)>,
    /// How much later each pass thinks it is; `None`: time passes by itself.
    pace: Option<i64>,
    now: i64,
}

impl<W: Kept> Keeper<W>
where
    Aws: Provides<W>,
    W::Part: Clone,
{
    pub fn new(aws: Aws, wish: W, pace: Option<i64>) -> Self {
        Self { aws, wish, made: vec![], failed: vec![], pace, now: 1_800_000_000_000 }
    }

    /// How many calls of this kind were made.
    pub fn made(&self, call: &str) -> usize {
        self.made.iter().filter(|made| made.starts_with(call)).count()
    }

    pub async fn pass(&mut self) -> Result<W::Report, Failure> {
        match self.pace {
            Some(pace) => self.now += pace,
            None => {
                tokio::time::sleep(Duration::from_millis(40)).await;
                let since = SystemTime::UNIX_EPOCH.elapsed().expect("it is after 1970");
                self.now = i64::try_from(since.as_millis()).expect("it fits for long");
            }
        }
        self.wish.at(self.now, false);
        let provided = provide(&self.aws, &self.wish).await?;
        if std::env::var_os("TRACE").is_some() {
            eprintln!("{:?} {:?} {:?}", provided.report, provided.made, provided.failed);
        }
        self.wish.learn(&provided.report);
        self.wish.at(self.now, !provided.made.is_empty() || !provided.failed.is_empty());
        self.made.extend(provided.made.into_iter().map(|(_, call)| call));
        self.failed = provided.failed;
        Ok(provided.report)
    }

    /// Passes until it is so; failures are retried as a reconciler would.
    pub async fn until(&mut self, is_so: impl Fn(&W::Report) -> bool) -> W::Report {
        let mut last = String::new();
        for _ in 0..if self.pace.is_some() { 200 } else { 1_000 } {
            match self.pass().await {
                Ok(report) if is_so(&report) => return report,
                Ok(report) => last = format!("{report:?} {:?}", self.failed),
                Err(failure) => last = failure.to_string(),
            }
        }
        panic!("it did not come to be: {last}");
    }

    /// Nothing is left to do.
    pub async fn quiet(&mut self) {
        for _ in 0..100 {
            let before = self.made.len();
            self.pass().await.expect("the cloud can be read");
            if self.made.len() == before && self.failed.is_empty() {
                return;
            }
        }
        panic!("there is always something to do: {:?} {:?}", self.made.last(), self.failed);
    }

    /// Passes until something is refused.
    pub async fn refusal(&mut self) -> Failure {
        for _ in 0..200 {
            self.pass().await.expect("the cloud can be read");
            if let Some((_, failure)) = self.failed.first() {
                return failure.clone();
            }
        }
        panic!("nothing was refused");
    }
}

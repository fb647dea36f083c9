//! An address on its way to what is wished: passes of a driver, what they told kept, until it is so or is refused.

use std::time::Duration;

use clouds::{AddressReport, AddressWish, Failure, Provides, Reference, lookalike::Lookalikes, provide};
use uuid::Uuid;

/// By so much the clouds' clock moves before each pass: vendors want to be left alone after a change.
const PACE: Duration = Duration::from_secs(1);

pub struct Errand<C> {
    cloud: C,
    pub wish: AddressWish,
    /// What went wrong in the last pass.
    failed: Vec<Failure>,
    /// Every call that was made, as text.
    pub made: Vec<String>,
}

impl<C: Provides<AddressWish>> Errand<C> {
    pub fn new(cloud: C, region: &str) -> Self {
        let wish = AddressWish {
            id: Uuid::from_u128(rand::random()),
            name: "edge".into(),
            region: region.into(),
            present: true,
            instance: None,
            reference: Reference::new(),
            asked_at: None,
            now: 0,
        };
        Self { cloud, wish, failed: vec![], made: vec![] }
    }

    async fn pass(&mut self, clouds: &Lookalikes) -> AddressReport {
        clouds.advance(PACE).await.expect("the clock moves");
        self.wish.now = clouds.now();
        let provided = match provide(&self.cloud, &self.wish).await {
            Ok(provided) => provided,
            Err(failure) => {
                self.failed = vec![failure];
                return AddressReport::default();
            }
        };
        self.wish.reference = provided.report.reference.clone();
        self.made.extend(provided.made.into_iter().map(|(_, call)| call));
        self.failed = provided.failed.into_iter().map(|(_, failure)| failure).collect();
        provided.report
    }

    /// Passes until it is so; failures are retried as a reconciler would.
    pub async fn until(&mut self, clouds: &Lookalikes, is_so: impl Fn(&AddressReport) -> bool) -> AddressReport {
        let mut last = String::new();
        for _ in 0..500 {
            let told = self.pass(clouds).await;
            if is_so(&told) && self.failed.is_empty() {
                return told;
            }
            last = format!("{told:?} {:?}", self.failed);
        }
        panic!("it did not come to be: {last}");
    }

    /// Passes until something is refused.
    pub async fn refusal(&mut self, clouds: &Lookalikes) -> Failure {
        for _ in 0..200 {
            self.pass(clouds).await;
            if let Some(failure) = self.failed.first() {
                return failure.clone();
            }
        }
        panic!("nothing was refused");
    }
}

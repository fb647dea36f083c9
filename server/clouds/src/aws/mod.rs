//! AWS: VPCs, their peering connections and their attachments to transit gateways.
//!
//! EC2's Query API, version 2016-11-15, signed by `aws-sigv4` and read by `quick-xml`: the whole of `aws-sdk-ec2`
//! would need 8 GB of memory to compile for two dozen calls. Credentials are given keys, a role assumed with
//! them, or what `aws-config` finds in the environment.
//!
//! Everything is found again by its tags (`causeway:vpc`, `causeway:connection`), which are on it from its first
//! moment: an answer that was lost is adopted. Calls that would make a second thing are sent once per look, and
//! not again before what they may have made must be visible.

mod account;
mod address;
mod chain;
mod foreign;
mod form;
mod keyring;
mod layout;
mod link;
mod plan;
mod private_link;
mod query;
mod refusal;
mod report;
mod seen;
mod signed;
mod step;
mod trail;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

pub use self::{
    account::{AwsAccount, AwsEndpoints, AwsKeys, AwsRole},
    address::{AddressStep, SeenAddress},
    private_link::{LinkStep, SeenLink},
    seen::Seen,
    step::Step,
};

use std::time::Duration;

use serde::de::DeserializeOwned;

use self::{
    form::Form,
    query::Query,
    trail::{Held, Trail},
};
use crate::{Class, Cloud, Outcome, Report, Subject, Wish, http::Http};

/// For so long EC2 may not tell of what was made.
const SETTLE: Duration = Duration::from_secs(60);

/// One AWS account. Keep it as long as the account is used: it remembers what it asked for moments ago.
#[derive(Debug)]
pub struct Aws {
    query: Query,
    trail: Trail,
    settle: i64,
}

impl Aws {
    pub fn new(account: AwsAccount, endpoints: AwsEndpoints, http: Http) -> Self {
        Self { query: Query::new(account, endpoints, http), trail: Trail::default(), settle: SETTLE.as_millis() as i64 }
    }

    /// For clouds that are consistent sooner.
    #[must_use]
    pub fn settling(mut self, settle: Duration) -> Self {
        self.settle = i64::try_from(settle.as_millis()).unwrap_or(i64::MAX);
        self
    }

    /// Any other action of EC2: for whoever plays the other side of a simulated cloud.
    ///
    /// # Errors
    /// What EC2 refused.
    pub async fn ask(&self, region: &str, action: &str, params: &[(&str, &str)]) -> Outcome<String> {
        let form = params.iter().fold(Form::ec2(action), |form, (name, value)| form.with(*name, value));
        self.query.ec2(region, &form).await
    }

    /// One that succeeds although it refuses some of the things that it is about: for the same.
    ///
    /// # Errors
    /// What EC2 refused, be it all or a part.
    pub(crate) async fn ask_of_several(&self, region: &str, action: &str, params: &[(&str, &str)]) -> Outcome<()> {
        private_link::several(self.ask(region, action, params).await, action)
    }

    /// Every page of one of EC2's lists: for the same.
    ///
    /// # Errors
    /// What EC2 refused.
    pub(crate) async fn every<T: DeserializeOwned>(&self, region: &str, action: &str) -> Outcome<Vec<T>> {
        self.query.pages(region, Form::ec2(action)).await
    }

    /// Any other action of RAM, by its path.
    ///
    /// # Errors
    /// What RAM refused.
    pub async fn ask_ram(&self, region: &str, path: &str, body: &serde_json::Value) -> Outcome<String> {
        self.query.ram(region, path, body).await
    }
}

impl Cloud for Aws {
    type Seen = Seen;
    type Step = Step;

    async fn check(&self) -> Outcome<String> {
        self.query.caller().await
    }

    async fn observe(&self, wish: &Wish) -> Outcome<Seen> {
        let held = self.trail.held(wish.id, wish.now);
        seen::observe(&self.query, wish, held, self.settle).await
    }

    fn report(&self, wish: &Wish, seen: &Seen) -> Report {
        report::report(wish, seen)
    }

    fn plan(&self, wish: &Wish, seen: &Seen) -> Vec<(Subject, Step)> {
        plan::plan(wish, seen)
    }

    async fn step(&self, wish: &Wish, step: Step) -> Outcome<()> {
        let held = Held { call: format!("{step:?}"), creates: step.creates() };
        let share = step.share();
        self.trail.keep(wish.id, &held, wish.now, self.settle);
        let answer = step::make(&self.query, wish, step).await;
        match answer {
            Ok(step::Done::Made) => Ok(()),
            Ok(step::Done::Prepared) => {
                self.trail.forget(wish.id, &held);
                share.iter().for_each(|share| self.trail.keep(wish.id, share, wish.now, self.settle));
                Ok(())
            }
            Err(mut failure) => {
                if !(held.creates.is_some() && refusal::perhaps_applied(&failure)) {
                    self.trail.forget(wish.id, &held);
                }
                let accepted = share.is_some_and(|share| self.trail.held(wish.id, wish.now).contains(&share));
                if accepted && step::is_unshared(&failure) {
                    // The share was accepted moments ago and is not everywhere yet.
                    failure.class = Class::Retry;
                }
                Err(failure)
            }
        }
    }
}

//! The other side of the simulated clouds, for the console: what their look-alikes show is put into the domain's words.

use std::collections::BTreeMap;

use app::{
    api::ApiError,
    domain::{
        Provider, Refusal, Timestamp,
        other_side::{Deed, DeedField, FailureUse, OtherSide, Thing},
    },
};
use async_trait::async_trait;
use clouds::{
    Class, Failure,
    lookalike::theirs::{self, Theirs, Vendor},
};

/// The peer's accounts.
#[async_trait]
pub trait OtherSides: Send + Sync + 'static {
    async fn look(&self, provider: Provider, region: &str) -> Result<OtherSide, ApiError>;

    async fn act(
        &self,
        provider: Provider,
        region: &str,
        thing: &str,
        deed: &str,
        typed: &BTreeMap<String, String>,
    ) -> Result<(), ApiError>;
}

/// Where no cloud is simulated there is no other side.
pub struct NoOtherSides;

#[async_trait]
impl OtherSides for NoOtherSides {
    async fn look(&self, _: Provider, _: &str) -> Result<OtherSide, ApiError> {
        Err(ApiError::NotFound)
    }

    async fn act(&self, _: Provider, _: &str, _: &str, _: &str, _: &BTreeMap<String, String>) -> Result<(), ApiError> {
        Err(ApiError::NotFound)
    }
}

#[async_trait]
impl OtherSides for Theirs {
    async fn look(&self, provider: Provider, region: &str) -> Result<OtherSide, ApiError> {
        let vendor = vendor(provider)?;
        let scene = Theirs::look(self, vendor, region).await.map_err(|failure| refused(provider, &failure))?;
        let words = |facts: Vec<(&'static str, String)>| {
            facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Vec<_>>()
        };
        let thing = |thing: theirs::Thing| Thing {
            kind: thing.kind.to_owned(),
            id: thing.id,
            state: thing.state,
            facts: words(thing.facts),
            deeds: thing.deeds.into_iter().map(deed).collect(),
        };
        let struck = |used: clouds::lookalike::Use| FailureUse { at: Timestamp(used.at), action: used.action };
        Ok(OtherSide {
            provider,
            endpoint: scene.endpoint,
            account: words(scene.account),
            region: scene.region,
            regions: scene.regions,
            things: scene.things.into_iter().map(thing).collect(),
            deeds: scene.deeds.into_iter().map(deed).collect(),
            rules: scene.rules.into_iter().map(thing).collect(),
            rule_deeds: scene.rule_deeds.into_iter().map(deed).collect(),
            uses: scene.uses.into_iter().take(20).map(struck).collect(),
        })
    }

    async fn act(
        &self,
        provider: Provider,
        region: &str,
        thing: &str,
        deed: &str,
        typed: &BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        let acted = Theirs::act(self, vendor(provider)?, region, thing, deed, typed).await;
        acted.map_err(|failure| refused(provider, &failure))
    }
}

fn vendor(provider: Provider) -> Result<Vendor, ApiError> {
    match provider {
        Provider::Aws => Ok(Vendor::Aws),
        Provider::Google => Ok(Vendor::Google),
        Provider::Azure => Ok(Vendor::Azure),
        Provider::UpCloud => Ok(Vendor::UpCloud),
        Provider::Local => Err(ApiError::NotFound),
    }
}

fn deed(deed: theirs::Deed) -> Deed {
    let field = |field: theirs::Field| DeedField {
        name: field.name.to_owned(),
        label: field.label.to_owned(),
        suggestion: field.suggestion,
    };
    Deed {
        name: deed.name.to_owned(),
        label: deed.label.to_owned(),
        fields: deed.fields.into_iter().map(field).collect(),
    }
}

/// In the cloud's own words, as its own console would show them.
fn refused(provider: Provider, failure: &Failure) -> ApiError {
    let Failure { code, message, .. } = failure;
    let message = message.trim().trim_end_matches('.');
    let sentence = match failure.class {
        Class::Retry | Class::Unreachable => {
            format!("The simulated {provider} did not do it: {message} ({code}). Try again in a moment.")
        }
        _ => format!("The simulated {provider} refused: {message} ({code}). Correct it and try again."),
    };
    ApiError::Refused(Refusal::conflict("", sentence).into())
}

//! The other side of a peering: the second account of every simulated cloud, used as its owner would.
//!
//! It signs in with its own credentials and speaks the vendor's API over the wire, as the console's drivers do.
//! What may be done is what that API offers: no deed sets a state.

mod aws;
mod azure;
mod endpoints;
mod google;
mod rules;
mod upcloud;

use std::{collections::BTreeMap, sync::Arc};

use self::{aws::AwsSide, azure::AzureSide, google::GoogleSide, rules::Rule, upcloud::UpCloudSide};
use super::{Lookalikes, Use};
use crate::{Class, Failure, Outcome, http::Http};

/// What somebody typed for a deed, by the names of its fields.
pub type Typed = BTreeMap<String, String>;

/// One account as its owner sees it.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// Where this cloud's API listens.
    pub endpoint: String,
    /// What others need to know of the account, such as its id.
    pub account: Vec<(&'static str, String)>,
    /// Where it was looked; empty where the cloud has one place only.
    pub region: String,
    pub regions: Vec<String>,
    pub things: Vec<Thing>,
    /// What can be done in the account as a whole.
    pub deeds: Vec<Deed>,
    /// What is to fail, and what can be made to.
    pub rules: Vec<Thing>,
    pub rule_deeds: Vec<Deed>,
    /// When rules made something fail lately, newest first.
    pub uses: Vec<Use>,
}

/// Something in the account.
#[derive(Clone, Debug, Default)]
pub struct Thing {
    pub kind: &'static str,
    /// In the cloud's words; what a console asks for.
    pub id: String,
    /// In the cloud's words; empty where it has none.
    pub state: String,
    pub facts: Vec<(&'static str, String)>,
    pub deeds: Vec<Deed>,
}

/// One call of the vendor's API.
#[derive(Clone, Debug)]
pub struct Deed {
    pub name: &'static str,
    pub label: &'static str,
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    /// What stands in the field before anything is typed.
    pub suggestion: String,
}

impl Deed {
    fn plain(name: &'static str, label: &'static str) -> Self {
        Self { name, label, fields: Vec::new() }
    }

    fn asking(mut self, name: &'static str, label: &'static str, suggestion: impl Into<String>) -> Self {
        self.fields.push(Field { name, label, suggestion: suggestion.into() });
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    Aws,
    Google,
    Azure,
    UpCloud,
}

/// Signed in to the second account of every simulated cloud.
pub struct Theirs {
    clouds: Arc<Lookalikes>,
    aws: AwsSide,
    google: GoogleSide,
    azure: AzureSide,
    upcloud: UpCloudSide,
}

impl Theirs {
    /// # Errors
    /// If a client cannot be made.
    pub async fn sign_in(clouds: Arc<Lookalikes>, http: Http) -> Outcome<Self> {
        let aws = AwsSide::sign_in(&clouds, http.clone()).await;
        let google = GoogleSide::sign_in(&clouds, http.clone()).await?;
        let azure = AzureSide::sign_in(&clouds, http.clone()).await;
        let upcloud = UpCloudSide::sign_in(&clouds, http).await;
        Ok(Self { clouds, aws, google, azure, upcloud })
    }

    /// What is there. `region`: where it is looked; another than the vendor has, or none, is the first.
    ///
    /// # Errors
    /// What the cloud refused.
    pub async fn look(&self, vendor: Vendor, region: &str) -> Outcome<Scene> {
        let uses = match vendor {
            Vendor::Aws => self.clouds.aws.uses().await,
            Vendor::Google => self.clouds.google.uses().await,
            Vendor::Azure => self.clouds.azure.uses().await,
            Vendor::UpCloud => self.clouds.upcloud.uses().await,
        };
        let uses = uses.map_err(|error| Failure::new(Class::Operator, "lookalike", error.to_string()))?;
        let scene = match vendor {
            Vendor::Aws => self.aws.look(region).await?,
            Vendor::Google => self.google.look().await?,
            Vendor::Azure => self.azure.look().await?,
            Vendor::UpCloud => self.upcloud.look().await?,
        };
        let rules = match vendor {
            Vendor::Aws => self.clouds.aws.faults().await,
            Vendor::Google => self.clouds.google.faults().await,
            Vendor::Azure => self.clouds.azure.faults().await,
            Vendor::UpCloud => self.clouds.upcloud.faults().await,
        };
        Ok(Scene { uses, rules: rules.iter().map(rules::shown).collect(), rule_deeds: rules::deeds(vendor), ..scene })
    }

    /// Does one deed to a thing, or to the account if `thing` is empty.
    ///
    /// # Errors
    /// What the cloud refused.
    pub async fn act(&self, vendor: Vendor, region: &str, thing: &str, deed: &str, typed: &Typed) -> Outcome<()> {
        if let Some(rule) = rules::asked(deed, thing, typed)? {
            return self.rule(vendor, rule).await;
        }
        match vendor {
            Vendor::Aws => self.aws.act(region, thing, deed, typed).await,
            Vendor::Google => self.google.act(thing, deed, typed).await,
            Vendor::Azure => self.azure.act(thing, deed, typed).await,
            Vendor::UpCloud => self.upcloud.act(thing, deed, typed).await,
        }
    }
}

impl Theirs {
    async fn rule(&self, vendor: Vendor, rule: Rule) -> Outcome<()> {
        macro_rules! of {
            ($cloud:ident) => {
                match rule {
                    Rule::Add(fault) => self.clouds.$cloud.add_fault(fault).await.map(drop),
                    Rule::Remove(id) => self.clouds.$cloud.remove_fault(&id).await,
                }
            };
        }
        let done = match vendor {
            Vendor::Aws => of!(aws),
            Vendor::Google => of!(google),
            Vendor::Azure => of!(azure),
            Vendor::UpCloud => of!(upcloud),
        };
        done.map_err(|error| Failure::new(Class::Operator, "lookalike", error.to_string()))
    }
}

fn field<'a>(typed: &'a Typed, name: &str) -> &'a str {
    typed.get(name).map_or("", |text| text.trim())
}

fn unknown(deed: &str) -> Failure {
    Failure::new(Class::Specification, "deed", format!("This cloud has no call named {deed}."))
}

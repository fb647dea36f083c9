//! Which driver speaks for an account: always a real one. For an account of a look-alike it is pointed at loopback.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use app::domain::{AccountId, account::AccountConfig};
use async_trait::async_trait;
use clouds::{
    Class, Cloud, Failure, Outcome, Pass, Secret, Wish,
    aws::{Aws, AwsAccount, AwsEndpoints, AwsKeys, AwsRole},
    azure::{Azure, AzureAccount, AzureEndpoints},
    google::{Google, GoogleAccount, GoogleCredentials, GoogleEndpoints},
    http::Http,
    lookalike::{self, Lookalikes, Side},
    upcloud::{UpCloud, UpCloudAccount, UpCloudEndpoints},
};

use crate::{
    seal::Sealer,
    store::accounts::{AccountRow, seal_purpose},
};

/// Where STS is asked; its regional endpoints give tokens that are good in every region.
const AWS_HOME_REGION: &str = "us-east-1";

/// The clouds as the reconciler uses them.
#[async_trait]
pub trait Drivers: Send + Sync + 'static {
    /// Looks at the VPC and its connections and makes the next call for each that needs one.
    async fn pass(&self, account: &AccountRow, wish: &Wish) -> Outcome<Pass>;
    /// Who the cloud says that the credentials belong to.
    async fn check(&self, account: &AccountRow) -> Outcome<String>;
    /// Forgets the accounts that are not among these.
    fn keep(&self, accounts: &BTreeSet<AccountId>);
    /// The accounts of the look-alikes, as they would be written in the form; none where they are switched off.
    async fn simulated(&self) -> Vec<AccountConfig>;
}

/// Endpoints other than the vendors' own, from the settings only.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    pub aws: AwsEndpoints,
    pub google: GoogleEndpoints,
    pub azure: AzureEndpoints,
    pub upcloud: UpCloudEndpoints,
}

enum Driver {
    Aws(Box<Aws>),
    Google(Box<Google>),
    Azure(Box<Azure>),
    UpCloud(Box<UpCloud>),
}

/// Does the same with whichever driver it is.
macro_rules! with_driver {
    ($driver:expr, $cloud:ident => $body:expr) => {
        match $driver {
            Driver::Aws($cloud) => $body,
            Driver::Google($cloud) => $body,
            Driver::Azure($cloud) => $body,
            Driver::UpCloud($cloud) => $body,
        }
    };
}

/// The drivers of every account, each made once and kept with its tokens and connections.
pub struct RealDrivers {
    http: Http,
    endpoints: Endpoints,
    sealer: Sealer,
    lookalikes: Option<Arc<Lookalikes>>,
    made: Mutex<HashMap<AccountId, Arc<Made>>>,
}

/// A driver, and the credentials that it was made of: nothing made with former ones is used again.
struct Made {
    of: String,
    driver: Driver,
    /// Locked while the cloud is asked, so that it is asked once.
    identity: tokio::sync::Mutex<Identity>,
}

/// Who the credentials belong to.
#[derive(Clone, Debug)]
enum Identity {
    Unasked,
    /// The cloud took them and may not tell.
    Untold,
    Told(String),
}

impl Made {
    async fn check(&self) -> Outcome<String> {
        let told = with_driver!(&self.driver, cloud => cloud.check().await);
        match &told {
            Ok(identity) => *self.identity.lock().await = Identity::Told(identity.clone()),
            Err(failure) if failure.class == Class::Denied => {
                let mut known = self.identity.lock().await;
                // What was known stays known: a right that was taken away makes nobody of somebody else.
                if matches!(*known, Identity::Unasked) {
                    *known = Identity::Untold;
                }
            }
            Err(_) => {}
        }
        told
    }

    /// Whether the console may act with these credentials. Asks the cloud whose they are before the first call.
    async fn admit(&self, account: &AccountRow) -> Outcome<()> {
        let mut known = self.identity.lock().await;
        if matches!(*known, Identity::Unasked) {
            *known = match with_driver!(&self.driver, cloud => cloud.check().await) {
                Ok(identity) => Identity::Told(identity),
                Err(failure) if failure.class == Class::Denied => Identity::Untold,
                Err(failure) => return Err(failure),
            };
        }
        let Identity::Told(identity) = &*known else { return Ok(()) };
        account.admit_identity(identity).map_err(|sentence| {
            let then = "nothing is done with them until they are put right or the cloud account is edited";
            Failure::new(Class::Operator, "", format!("{sentence}; {then}"))
        })
    }
}

impl RealDrivers {
    pub fn new(http: Http, endpoints: Endpoints, sealer: Sealer, lookalikes: Option<Arc<Lookalikes>>) -> Self {
        Self { http, endpoints, sealer, lookalikes, made: Mutex::default() }
    }

    async fn made(&self, account: &AccountRow) -> Outcome<Arc<Made>> {
        let of = account.fingerprint();
        let kept = self.kept().get(&account.id).filter(|made| made.of == of).cloned();
        if let Some(made) = kept {
            return Ok(made);
        }
        let config = account.config().map_err(|error| ours(error.to_string()))?;
        let driver = match account.simulated {
            true => self.lookalike(&config).await?,
            false => self.real(account, config)?,
        };
        let mut kept = self.kept();
        // Two looks may have met here: both then use the one that is kept, with what it remembers.
        if let Some(made) = kept.get(&account.id).filter(|made| made.of == of) {
            return Ok(made.clone());
        }
        // Who these very credentials were last found to belong to: a look does not wait for the cloud's directory then.
        let told = account.check.as_ref().filter(|check| check.of == of).and_then(|check| check.outcome.clone().ok());
        let identity = told.map_or(Identity::Unasked, Identity::Told);
        let made = Arc::new(Made { of, driver, identity: tokio::sync::Mutex::new(identity) });
        kept.insert(account.id, made.clone());
        Ok(made)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<AccountId, Arc<Made>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn real(&self, account: &AccountRow, config: AccountConfig) -> Outcome<Driver> {
        let secret = if config.has_secret() {
            let opened = self.sealer.open(&seal_purpose(account.id), &account.sealed_secret);
            let bytes = opened.map_err(|error| ours(format!("its secret cannot be read: {error}")))?;
            Secret::new(String::from_utf8_lossy(&bytes).into_owned())
        } else {
            Secret::new("")
        };
        let http = self.http.clone();
        Ok(match config {
            AccountConfig::Aws { access_key_id, role_arn, .. } => {
                let keys = match access_key_id {
                    Some(access_key_id) => {
                        AwsKeys::Given { access_key_id, secret_access_key: secret, session_token: None }
                    }
                    None => AwsKeys::Environment,
                };
                let role = role_arn.map(|arn| AwsRole { arn, external_id: None });
                let account = AwsAccount { keys, role, region: AWS_HOME_REGION.to_owned() };
                Driver::Aws(Box::new(Aws::new(account, self.endpoints.aws.clone(), http)))
            }
            AccountConfig::Google { project_id, .. } => {
                let credentials = GoogleCredentials::ServiceAccount(secret);
                let account = GoogleAccount { project: project_id.to_string(), credentials };
                Driver::Google(Box::new(Google::new(account, self.endpoints.google.clone(), http)))
            }
            AccountConfig::UpCloud { username } => {
                let account = match username {
                    Some(username) => UpCloudAccount::Password { username, password: secret },
                    None => UpCloudAccount::Token(secret),
                };
                Driver::UpCloud(Box::new(UpCloud::new(account, self.endpoints.upcloud.clone(), http)))
            }
            AccountConfig::Azure { tenant_id, client_id, subscription_id, resource_group } => {
                let account = AzureAccount {
                    tenant: tenant_id.to_string(),
                    client_id: client_id.to_string(),
                    client_secret: secret,
                    subscription: subscription_id.to_string(),
                    resource_group: resource_group.to_string(),
                };
                Driver::Azure(Box::new(Azure::new(account, self.endpoints.azure.clone(), http)))
            }
        })
    }

    async fn lookalike(&self, config: &AccountConfig) -> Outcome<Driver> {
        let Some(clouds) = &self.lookalikes else {
            return Err(ours("the simulated clouds are switched off by the setting lookalike.enabled"));
        };
        let http = self.http.clone();
        let url = |text: String| url::Url::parse(&text).expect("an address on loopback parses");
        Ok(match config {
            AccountConfig::Aws { .. } => {
                let keys = clouds.aws.account(Side::Ours).await;
                let url = Some(url(clouds.aws.url()));
                let endpoints = AwsEndpoints { ec2: url.clone(), sts: url.clone(), ram: url.clone(), elb: url };
                let keys = AwsKeys::Given {
                    access_key_id: keys.access_key_id,
                    secret_access_key: keys.secret_access_key,
                    session_token: None,
                };
                let account = AwsAccount { keys, role: None, region: AWS_HOME_REGION.to_owned() };
                // Twice as long as it may take, and never nothing.
                let settle = clouds.settle() * 2 + Duration::from_secs(1);
                Driver::Aws(Box::new(Aws::new(account, endpoints, http).settling(settle)))
            }
            AccountConfig::Google { .. } => {
                let ours = clouds.google.account(Side::Ours).await;
                let credentials = GoogleCredentials::ServiceAccount(ours.key_file(&clouds.google.url()));
                let account = GoogleAccount { project: ours.project, credentials };
                let endpoints = GoogleEndpoints { compute: url(clouds.google.url()) };
                Driver::Google(Box::new(Google::new(account, endpoints, http)))
            }
            AccountConfig::UpCloud { .. } => {
                let ours = clouds.upcloud.account(Side::Ours).await;
                let endpoints = UpCloudEndpoints { api: url(format!("{}/1.3", clouds.upcloud.url())) };
                Driver::UpCloud(Box::new(UpCloud::new(UpCloudAccount::Token(ours.token), endpoints, http)))
            }
            AccountConfig::Azure { .. } => {
                let ours = clouds.azure.account(Side::Ours).await;
                let base = url(clouds.azure.url());
                let endpoints = AzureEndpoints { authority: base.clone(), arm: base.clone(), graph: base };
                let account = AzureAccount {
                    tenant: ours.tenant,
                    client_id: ours.client_id,
                    client_secret: ours.client_secret,
                    subscription: ours.subscription,
                    resource_group: ours.resource_group,
                };
                Driver::Azure(Box::new(Azure::new(account, endpoints, http)))
            }
        })
    }
}

fn ours(reason: impl Into<String>) -> Failure {
    Failure::new(Class::Operator, "account", reason)
}

#[async_trait]
impl Drivers for RealDrivers {
    async fn pass(&self, account: &AccountRow, wish: &Wish) -> Outcome<Pass> {
        let made = self.made(account).await?;
        made.admit(account).await?;
        with_driver!(&made.driver, cloud => clouds::pass(&**cloud, wish).await)
    }

    async fn check(&self, account: &AccountRow) -> Outcome<String> {
        self.made(account).await?.check().await
    }

    fn keep(&self, accounts: &BTreeSet<AccountId>) {
        self.kept().retain(|id, _| accounts.contains(id));
    }

    async fn simulated(&self) -> Vec<AccountConfig> {
        let Some(clouds) = &self.lookalikes else { return Vec::new() };
        let aws = clouds.aws.account(Side::Ours).await;
        let google = clouds.google.account(Side::Ours).await;
        let azure = clouds.azure.account(Side::Ours).await;
        let upcloud = clouds.upcloud.account(Side::Ours).await;
        let configs = [
            aws.account_id.parse().ok().map(|account_id| AccountConfig::Aws {
                account_id,
                access_key_id: Some(aws.access_key_id),
                role_arn: None,
            }),
            google
                .project
                .parse()
                .ok()
                .map(|project_id| AccountConfig::Google { project_id, client_email: google.client_email }),
            azure_config(&azure),
            Some(AccountConfig::UpCloud { username: Some(upcloud.username) }),
        ];
        configs.into_iter().flatten().collect()
    }
}

fn azure_config(account: &lookalike::azure::Account) -> Option<AccountConfig> {
    Some(AccountConfig::Azure {
        tenant_id: account.tenant.parse().ok()?,
        client_id: account.client_id.parse().ok()?,
        subscription_id: account.subscription.parse().ok()?,
        resource_group: account.resource_group.parse().ok()?,
    })
}

#[cfg(test)]
#[path = "drivers_tests.rs"]
mod tests;

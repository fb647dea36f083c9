//! Cloud accounts: how the console signs in to a cloud (domain 1.2).
//!
//! What may be shown is [`AccountConfig`]; the one secret that each account has is a [`Secret`], which is neither
//! printed nor serialized, so that no page and no log can hold it. An account is changed without typing its secret
//! again.

mod form;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::form::{AccountForm, NewAccount};
use super::{
    AccountId, Provider, Refusal, Timestamp,
    connection::field::{AwsAccountId, AzureAppId, AzureSubscriptionId, AzureTenantId, GoogleProjectId, ResourceGroup},
    standing::Standing,
};

/// The field for a service account's key file.
const GOOGLE: &str = "google_service_account";

/// A secret access key, a service account's file, a client secret, a token or a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// Who the console is in a cloud, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "lowercase")]
pub enum AccountConfig {
    Aws {
        account_id: AwsAccountId,
        /// `None`: the credentials of the console's own machine, as AWS's tools find them.
        access_key_id: Option<String>,
        /// Assumed with those credentials.
        role_arn: Option<String>,
    },
    Google {
        project_id: GoogleProjectId,
        client_email: String,
    },
    Azure {
        tenant_id: AzureTenantId,
        /// The console's application, which users grant the right to peer with their networks.
        client_id: AzureAppId,
        subscription_id: AzureSubscriptionId,
        resource_group: ResourceGroup,
    },
    UpCloud {
        /// `None`: the secret is a token.
        username: Option<String>,
    },
}

impl AccountConfig {
    pub fn provider(&self) -> Provider {
        match self {
            Self::Aws { .. } => Provider::Aws,
            Self::Google { .. } => Provider::Google,
            Self::Azure { .. } => Provider::Azure,
            Self::UpCloud { .. } => Provider::UpCloud,
        }
    }

    /// Whether the console keeps a secret for it.
    pub fn has_secret(&self) -> bool {
        !matches!(self, Self::Aws { access_key_id: None, .. })
    }

    /// Who peers are told that the console is: the AWS account that a transit gateway is shared with, the Azure
    /// application that may peer.
    pub fn identity(&self) -> Option<&str> {
        match self {
            Self::Aws { account_id, .. } => Some(account_id.as_str()),
            Self::Google { project_id, .. } => Some(project_id.as_str()),
            Self::Azure { client_id, .. } => Some(client_id.as_str()),
            Self::UpCloud { username } => username.as_deref(),
        }
    }

    /// The field that leads to other networks than this one does, if there is one.
    fn elsewhere(&self, new: &Self) -> Option<&'static str> {
        match (self, new) {
            (Self::Aws { account_id, .. }, Self::Aws { account_id: new, .. }) => {
                (account_id != new).then_some("aws_account_id")
            }
            (Self::Google { project_id, .. }, Self::Google { project_id: new, .. }) => {
                (project_id != new).then_some(GOOGLE)
            }
            (
                Self::Azure { subscription_id, resource_group, .. },
                Self::Azure { subscription_id: new_subscription, resource_group: new_group, .. },
            ) => {
                if subscription_id != new_subscription {
                    Some("azure_subscription_id")
                } else {
                    (resource_group != new_group).then_some("azure_resource_group")
                }
            }
            // A token does not say whose it is.
            _ => None,
        }
    }

    /// Whether the credentials belong to who was typed: peers are told the typed one, and its VPCs lie there.
    /// `identity`: as the cloud tells it, for AWS an ARN such as `arn:aws:iam::012345678901:user/causeway`.
    /// `known_as`: whose VPCs this account has, where nothing that was typed says it.
    pub fn admit_identity(&self, identity: &str, known_as: Option<&str>) -> Result<(), String> {
        let (what, theirs, ours) = match self {
            Self::Aws { account_id, .. } => {
                ("account", identity.split(':').nth(4).unwrap_or(identity), account_id.to_string())
            }
            Self::Google { project_id, client_email } => {
                ("service account", identity, format!("{client_email} in {project_id}"))
            }
            Self::Azure { client_id, subscription_id, .. } => {
                ("application", identity, format!("{client_id} in {subscription_id}"))
            }
            // A token does not say whose it is.
            Self::UpCloud { username } => match username.as_deref().or(known_as) {
                Some(ours) => ("user", identity, ours.to_owned()),
                None => return Ok(()),
            },
        };
        if theirs.eq_ignore_ascii_case(&ours) {
            return Ok(());
        }
        Err(format!("the credentials belong to another {} {what}, {theirs}, and not to {ours}", self.provider()))
    }

    /// Names and values for the page and the event log.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Aws { account_id, access_key_id, role_arn } => {
                let credentials = match access_key_id {
                    Some(id) => format!("access key {id}"),
                    None => "of the console's machine".to_owned(),
                };
                let role = role_arn.clone().map(|role| ("Role", role));
                let mut facts = vec![("Account ID", account_id.to_string()), ("Credentials", credentials)];
                facts.extend(role);
                facts
            }
            Self::Google { project_id, client_email } => {
                vec![("Project ID", project_id.to_string()), ("Service account", client_email.clone())]
            }
            Self::Azure { tenant_id, client_id, subscription_id, resource_group } => vec![
                ("Tenant ID", tenant_id.to_string()),
                ("Application ID", client_id.to_string()),
                ("Subscription ID", subscription_id.to_string()),
                ("Resource group", resource_group.to_string()),
            ],
            Self::UpCloud { username } => {
                vec![("Credentials", username.clone().map_or("token".to_owned(), |name| format!("user {name}")))]
            }
        }
    }
}

/// What the last check of the credentials said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub last_check_at: Timestamp,
    /// In the cloud's words; `None` if the credentials are good.
    pub last_check_error: Option<String>,
    /// Who they belong to, in the cloud's words.
    pub identity: Option<String>,
}

/// An account as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudAccount {
    pub id: AccountId,
    pub name: String,
    pub config: AccountConfig,
    /// Whether a look-alike answers for the cloud.
    pub simulated: bool,
    pub check: Option<Check>,
    /// Somebody asked for a check, or changed the account, since the last one.
    pub checking: bool,
    /// How many VPCs were made with it.
    pub vpcs: usize,
    /// The first of them, as "harbor-oslo in harbor".
    pub some_vpcs: Vec<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl CloudAccount {
    pub fn provider(&self) -> Provider {
        self.config.provider()
    }

    pub fn standing(&self) -> Standing {
        match &self.check {
            None => Standing::Moving,
            Some(_) if self.checking => Standing::Moving,
            Some(Check { last_check_error: Some(_), .. }) => Standing::Failed,
            Some(_) => Standing::AsAsked,
        }
    }

    pub fn word(&self) -> &'static str {
        match &self.check {
            None => "Not checked yet",
            Some(_) if self.checking => "Checking",
            Some(Check { last_check_error: Some(_), .. }) => "Not confirmed",
            Some(_) => "Good",
        }
    }

    pub fn sentence(&self) -> String {
        match &self.check {
            None => format!("{} has not been asked yet.", self.provider()),
            Some(_) if self.checking => format!("{} is being asked again.", self.provider()),
            Some(Check { last_check_error: Some(error), .. }) => format!(
                "The credentials could not be confirmed: {}. Until they are, VPCs in {} stand still.",
                error.trim().trim_end_matches('.'),
                self.provider()
            ),
            Some(Check { identity, .. }) => match identity {
                Some(identity) => format!("{} knows the console as {identity}.", self.provider()),
                None => format!("{} took the credentials.", self.provider()),
            },
        }
    }

    /// Why it cannot be removed now.
    pub fn deletion_refusal(&self) -> Option<Refusal> {
        let (what, them) = if self.vpcs == 1 { ("the VPC", "it") } else { ("the VPCs", "them") };
        let sentence = format!(
            "This account still has {what} {}. Delete {them} first: without the account nobody can.",
            self.vpcs_in_words()
        );
        (self.vpcs > 0).then(|| Refusal::conflict("", sentence))
    }

    /// Why it cannot become what is asked for: its VPCs lie where it leads now.
    pub fn admit_change(&self, new: &NewAccount) -> Result<(), Refusal> {
        let Some(field) = self.config.elsewhere(&new.config).filter(|_| self.vpcs > 0) else { return Ok(()) };
        let sentence = format!(
            "The VPCs of this account lie where it leads now: {}. Delete them first, or keep this.",
            self.vpcs_in_words()
        );
        Err(Refusal::conflict(field, sentence))
    }

    fn vpcs_in_words(&self) -> String {
        let more = self.vpcs.saturating_sub(self.some_vpcs.len());
        let mut names = self.some_vpcs.clone();
        if more > 0 {
            names.push(format!("{more} more"));
        }
        match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            Some((only, _)) => only.clone(),
            None => String::new(),
        }
    }

    /// One account per cloud: a VPC belongs to the account of its provider.
    pub fn already(provider: Provider) -> Refusal {
        Refusal::conflict("provider", format!("There is an account for {provider} already. Change or remove that one."))
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;

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

    /// Whether the credentials belong to who was typed, and to whose VPCs lie there: peers are told the typed one.
    /// `identity`: as the cloud tells it, for AWS an ARN such as `arn:aws:iam::012345678901:user/causeway`.
    /// `known_as`: whose VPCs this account has. Where what was typed says which account it is, that alone counts: a
    /// person may sign in there with other credentials.
    ///
    /// # Errors
    /// In a sentence without its full stop, if they belong to somebody else.
    pub fn admit_identity(&self, identity: &str, known_as: Option<&str>) -> Result<(), String> {
        let (what, theirs, ours) = match self {
            Self::Aws { account_id, .. } => {
                ("account", identity.split(':').nth(4).unwrap_or(identity), vec![account_id.to_string()])
            }
            Self::Google { project_id, client_email } => {
                ("service account", identity, vec![format!("{client_email} in {project_id}")])
            }
            Self::Azure { client_id, subscription_id, .. } => {
                ("application", identity, vec![format!("{client_id} in {subscription_id}")])
            }
            // Neither a token nor a user's name says which account it is of.
            Self::UpCloud { username } => {
                ("user", identity, known_as.map(str::to_owned).into_iter().chain(username.clone()).collect())
            }
        };
        match ours.iter().find(|ours| !ours.eq_ignore_ascii_case(theirs)) {
            None => Ok(()),
            Some(ours) => {
                let provider = self.provider();
                Err(format!("the credentials belong to another {provider} {what}, {theirs}, and not to {ours}"))
            }
        }
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

/// Why a check did not confirm the credentials, as far as it matters to the VPCs that were made with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// They are somebody else's: nothing is done with them.
    Foreign,
    /// They may not ask whose they are, which holds nothing: a right to do so is not needed for VPCs.
    Denied,
    /// The cloud does not take them.
    Refused,
    /// The cloud did not answer, or had no time.
    Unreachable,
    /// Something else, which only the reason tells.
    Unclear,
}

impl Doubt {
    const ALL: [Self; 5] = [Self::Foreign, Self::Denied, Self::Refused, Self::Unreachable, Self::Unclear];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Unclear => "unclear",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|doubt| doubt.as_str() == text)
    }
}

/// What a check that did not confirm the credentials told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unconfirmed {
    pub doubt: Doubt,
    /// In the cloud's words, or in ours where it gave an answer that we do not accept.
    pub reason: String,
    /// Whose they are, where the cloud told it.
    pub identity: Option<String>,
}

/// What the last check of the credentials said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub last_check_at: Timestamp,
    /// Who they belong to, in the cloud's words.
    pub outcome: Result<String, Unconfirmed>,
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
    /// Whose VPCs it has: who the cloud took the console for when it last confirmed the credentials.
    pub known_as: Option<String>,
    /// How many VPCs were made with it.
    pub vpcs: usize,
    /// The first of them, as "harbor-oslo in harbor".
    pub some_vpcs: Vec<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Two users of a cloud, of one account or of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dispute<'a> {
    /// Whose the credentials are.
    pub found: &'a str,
    /// Whose the VPCs are.
    pub known_as: &'a str,
}

impl CloudAccount {
    pub fn provider(&self) -> Provider {
        self.config.provider()
    }

    pub fn standing(&self) -> Standing {
        match &self.check {
            None => Standing::Moving,
            Some(_) if self.checking => Standing::Moving,
            Some(Check { outcome: Ok(_), .. }) => Standing::AsAsked,
            Some(Check { outcome: Err(Unconfirmed { doubt: Doubt::Denied, .. }), .. }) => Standing::YourTurn,
            Some(Check { outcome: Err(_), .. }) => Standing::Failed,
        }
    }

    pub fn word(&self) -> &'static str {
        match &self.check {
            None => "Not checked yet",
            Some(_) if self.checking => "Checking",
            Some(Check { outcome: Err(_), .. }) => "Not confirmed",
            Some(Check { outcome: Ok(_), .. }) => "Good",
        }
    }

    /// What the last check told, and what becomes of the account's VPCs until there is a better one.
    pub fn sentence(&self) -> String {
        let provider = self.provider();
        let Some(check) = &self.check else { return format!("{provider} has not been asked yet.") };
        if self.checking {
            return format!("{provider} is being asked again.");
        }
        let Unconfirmed { doubt, reason, .. } = match &check.outcome {
            Ok(identity) => return format!("{provider} knows the console as {identity}."),
            Err(unconfirmed) => unconfirmed,
        };
        let reason = reason.trim().trim_end_matches('.');
        match doubt {
            Doubt::Foreign => {
                let held = format!("{}. VPCs in {provider} stand still", capitalized(reason));
                match self.disputed() {
                    None => format!("{held} until they are put right."),
                    Some(Dispute { found, known_as }) => format!(
                        "{held} until they are put right, or until you say under Change that {found} and {known_as} are users of one account."
                    ),
                }
            }
            Doubt::Denied => format!(
                "{provider} did not allow the check: {reason}. That alone holds nothing: VPCs in {provider} are looked after as far as the credentials allow."
            ),
            Doubt::Unreachable => format!(
                "The credentials could not be confirmed: {reason}. {provider} is asked again by itself, and VPCs there go on as soon as it answers."
            ),
            Doubt::Refused => format!(
                "The credentials could not be confirmed: {reason}. Until they are, VPCs in {provider} stand still."
            ),
            Doubt::Unclear => format!(
                "The credentials could not be confirmed: {reason}. Until they are, VPCs in {provider} may stand still."
            ),
        }
    }

    /// Whose the credentials are and whose the VPCs, where the two differ and only a person can say whether both are
    /// users of one account. `None` where what was typed decides it.
    pub fn disputed(&self) -> Option<Dispute<'_>> {
        let AccountConfig::UpCloud { username } = &self.config else { return None };
        let check = self.check.as_ref().filter(|_| !self.checking && !self.simulated && self.vpcs > 0)?;
        let Err(Unconfirmed { doubt: Doubt::Foreign, identity: Some(found), .. }) = &check.outcome else { return None };
        let known_as = self.known_as.as_deref()?;
        let typed = username.as_deref().unwrap_or(found);
        (typed.eq_ignore_ascii_case(found) && !known_as.eq_ignore_ascii_case(found))
            .then_some(Dispute { found, known_as })
    }

    /// Whether a person may say that these credentials are the same account's: those of `identity`, which the person has read.
    ///
    /// # Errors
    /// If the cloud tells something else by now.
    pub fn admit_confirmation(&self, identity: &str) -> Result<(), Refusal> {
        if self.disputed().is_some_and(|dispute| dispute.found == identity) {
            return Ok(());
        }
        let sentence = format!(
            "{} says something else of these credentials by now. Read it again, and confirm only what you know.",
            self.provider()
        );
        Err(Refusal::conflict("", sentence))
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

fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;

//! Cloud accounts: how the console signs in to a cloud (domain 1.2).
//!
//! What may be shown is [`AccountConfig`]; the one secret that each account has is a [`Secret`], which is neither
//! printed nor serialized, so that no page and no log can hold it. An account is changed without typing its secret
//! again.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    AccountId, Provider, Refusal, Refusals, Timestamp,
    connection::field::{AwsAccountId, AzureAppId, AzureSubscriptionId, AzureTenantId, GoogleProjectId, ResourceGroup},
    refusal::Parse,
    standing::Standing,
};

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

    /// Whether the credentials belong to the account that was typed: peers are told the typed one. `identity`: as the cloud
    /// tells it, for AWS an ARN such as `arn:aws:iam::012345678901:user/causeway`.
    pub fn admit_identity(&self, identity: &str) -> Result<(), String> {
        let Self::Aws { account_id, .. } = self else { return Ok(()) };
        match identity.split(':').nth(4) {
            Some(owner) if owner == account_id.as_str() => Ok(()),
            _ => Err(format!("the credentials belong to {identity}, and not to account {account_id}")),
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

/// What a person asks for. Without a secret an existing account keeps its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    pub name: String,
    pub config: AccountConfig,
    pub secret: Option<Secret>,
}

/// The form as typed; fields of other providers are not read.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountForm {
    pub provider: String,
    pub name: String,
    pub aws_account_id: String,
    pub aws_access_key_id: String,
    pub aws_secret_access_key: String,
    pub aws_role_arn: String,
    pub google_service_account: String,
    pub azure_tenant_id: String,
    pub azure_client_id: String,
    pub azure_client_secret: String,
    pub azure_subscription_id: String,
    pub azure_resource_group: String,
    pub upcloud_username: String,
    pub upcloud_password: String,
    pub upcloud_token: String,
}

impl fmt::Debug for AccountForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountForm")
            .field("provider", &self.provider)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl NewAccount {
    /// Reads the form. `former`: the account that is changed; it keeps its provider, and its secret if none is typed.
    pub fn parse(form: &AccountForm, former: Option<&AccountConfig>) -> Result<Self, Refusals> {
        let mut parse = Parse::default();
        let name = parse.keep("name", name(&form.name));
        let provider = Provider::from_text(form.provider.trim()).filter(|provider| provider.is_cloud());
        let provider = parse.keep("provider", provider.ok_or("Choose a cloud."));
        if let (Some(former), Some(provider)) = (former, provider)
            && former.provider() != provider
        {
            parse.refuse(Refusal::malformed("provider", "An account keeps its cloud. Add another one instead."));
        }
        let read = match provider {
            Some(Provider::Aws) => form.aws(former, &mut parse),
            Some(Provider::Google) => form.google(former, &mut parse),
            Some(Provider::Azure) => form.azure(former, &mut parse),
            Some(Provider::UpCloud) => form.upcloud(former, &mut parse),
            Some(Provider::Local) | None => None,
        };
        parse.done()?;
        let (config, secret) = read.expect("nothing was refused");
        Ok(Self { name: name.expect("nothing was refused"), config, secret })
    }
}

fn name(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("Enter a name for this account."),
        text if text.chars().count() > 63 => Err("A name has at most 63 characters."),
        text if text.chars().any(is_unseen) => Err("A name has letters, digits, spaces and punctuation only."),
        text => Ok(text.to_owned()),
    }
}

/// What is not there when it is read: it could make one name look like another.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Longer than any key file.
const LONGEST_SECRET: usize = 16 * 1024;

/// The typed secret, or none if the former one stays.
fn secret(parse: &mut Parse, field: &'static str, text: &str, stays: bool, missing: &str) -> Option<Secret> {
    let text = text.trim();
    if text.len() > LONGEST_SECRET || text.contains(char::is_control) {
        parse.refuse(Refusal::malformed(field, "This is no secret of this cloud: copy it again, without line breaks."));
        return None;
    }
    if !text.is_empty() {
        return Some(Secret::new(text));
    }
    if !stays {
        parse.refuse(Refusal::malformed(field, missing));
    }
    None
}

impl AccountForm {
    fn aws(&self, former: Option<&AccountConfig>, parse: &mut Parse) -> Option<(AccountConfig, Option<Secret>)> {
        let account_id = parse.field("aws_account_id", &self.aws_account_id);
        let key = Some(self.aws_access_key_id.trim()).filter(|key| !key.is_empty()).map(str::to_owned);
        if key.as_deref().is_some_and(|key| !is_access_key(key)) {
            parse.refuse(Refusal::malformed(
                "aws_access_key_id",
                "Enter an access key ID such as AKIAIOSFODNN7EXAMPLE, or leave it empty to use the credentials of the console's machine.",
            ));
        }
        let role = Some(self.aws_role_arn.trim()).filter(|role| !role.is_empty()).map(str::to_owned);
        if role.as_deref().is_some_and(|role| !is_role(role)) {
            parse.refuse(Refusal::malformed(
                "aws_role_arn",
                "Enter a role ARN such as arn:aws:iam::012345678901:role/console.",
            ));
        }
        let typed = if key.is_some() {
            // Another key has another secret.
            let stays = matches!(former, Some(AccountConfig::Aws { access_key_id, .. }) if *access_key_id == key);
            let missing = "Enter the secret access key that belongs to this access key ID.";
            secret(parse, "aws_secret_access_key", &self.aws_secret_access_key, stays, missing)
        } else {
            if !self.aws_secret_access_key.trim().is_empty() {
                let sentence = "Enter the access key ID that this secret belongs to.";
                parse.refuse(Refusal::malformed("aws_access_key_id", sentence));
            }
            None
        };
        Some((AccountConfig::Aws { account_id: account_id?, access_key_id: key, role_arn: role }, typed))
    }

    fn google(&self, former: Option<&AccountConfig>, parse: &mut Parse) -> Option<(AccountConfig, Option<Secret>)> {
        let text = self.google_service_account.trim();
        if text.is_empty() {
            if let Some(AccountConfig::Google { .. }) = former {
                return Some((former?.clone(), None));
            }
            parse.refuse(Refusal::malformed(GOOGLE, "Paste the JSON key file of a service account."));
            return None;
        }
        let (project_id, client_email) = parse.keep(GOOGLE, service_account(text))?;
        Some((AccountConfig::Google { project_id, client_email }, Some(Secret::new(text))))
    }

    fn azure(&self, former: Option<&AccountConfig>, parse: &mut Parse) -> Option<(AccountConfig, Option<Secret>)> {
        let tenant_id = parse.field("azure_tenant_id", &self.azure_tenant_id);
        let client_id: Option<AzureAppId> = parse.field("azure_client_id", &self.azure_client_id);
        let subscription_id = parse.field("azure_subscription_id", &self.azure_subscription_id);
        let resource_group = parse.field("azure_resource_group", &self.azure_resource_group);
        let stays = matches!(
            former,
            Some(AccountConfig::Azure { client_id: former, .. }) if client_id.as_ref() == Some(former)
        );
        let missing = "Enter the client secret of the console's application.";
        let typed = secret(parse, "azure_client_secret", &self.azure_client_secret, stays, missing);
        let config = AccountConfig::Azure {
            tenant_id: tenant_id?,
            client_id: client_id?,
            subscription_id: subscription_id?,
            resource_group: resource_group?,
        };
        Some((config, typed))
    }

    fn upcloud(&self, former: Option<&AccountConfig>, parse: &mut Parse) -> Option<(AccountConfig, Option<Secret>)> {
        let username = Some(self.upcloud_username.trim()).filter(|name| !name.is_empty()).map(str::to_owned);
        let token = self.upcloud_token.trim();
        if username.is_some() && !token.is_empty() {
            let sentence = "Enter either a token, or a user name and a password.";
            parse.refuse(Refusal::malformed("upcloud_token", sentence));
            return None;
        }
        if username.as_deref().is_some_and(|name| name.len() > 64 || name.contains(|c: char| !c.is_ascii_graphic())) {
            parse.refuse(Refusal::malformed("upcloud_username", "Enter the user name of an UpCloud sub-account."));
        }
        let stays = matches!(former, Some(AccountConfig::UpCloud { username: former }) if *former == username);
        let typed = if username.is_some() {
            let missing = "Enter the password of this UpCloud user.";
            secret(parse, "upcloud_password", &self.upcloud_password, stays, missing)
        } else {
            let missing = "Enter an API token, or a user name and a password.";
            secret(parse, "upcloud_token", token, stays, missing)
        };
        Some((AccountConfig::UpCloud { username }, typed))
    }
}

const GOOGLE: &str = "google_service_account";

fn is_access_key(text: &str) -> bool {
    (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_role(text: &str) -> bool {
    let rest = text.strip_prefix("arn:aws").and_then(|rest| rest.split_once(":iam::"));
    let rest = rest.and_then(|(_, rest)| rest.split_once(":role/"));
    let named = |role: &str| (1..=512).contains(&role.len()) && role.bytes().all(|byte| byte.is_ascii_graphic());
    text.len() <= 600 && rest.is_some_and(|(account, role)| account.parse::<AwsAccountId>().is_ok() && named(role))
}

/// The project and the address in a service account's key file.
fn service_account(text: &str) -> Result<(GoogleProjectId, String), String> {
    #[derive(Deserialize)]
    struct Key {
        #[serde(rename = "type", default)]
        kind: String,
        #[serde(default)]
        project_id: String,
        #[serde(default)]
        client_email: String,
        #[serde(default)]
        private_key_id: String,
        #[serde(default)]
        private_key: String,
    }
    if text.len() > LONGEST_SECRET {
        return Err(
            "This is longer than any key file of a service account. Paste that file and nothing else.".to_owned()
        );
    }
    // The parser's own message could quote the private key.
    let key: Key = serde_json::from_str(text)
        .map_err(|_| "This is not JSON. Paste the whole key file of a service account.".to_owned())?;
    if key.kind != "service_account" {
        return Err("This is not the key of a service account: its \"type\" is not \"service_account\".".to_owned());
    }
    for (name, value) in [
        ("project_id", &key.project_id),
        ("client_email", &key.client_email),
        ("private_key_id", &key.private_key_id),
        ("private_key", &key.private_key),
    ] {
        if value.trim().is_empty() {
            return Err(format!("The key file has no \"{name}\". Make a new key for the service account."));
        }
    }
    if key.client_email.len() > 254 || !key.client_email.contains('@') || key.client_email.contains(is_unseen) {
        return Err("The key file's \"client_email\" is not the address of a service account.".to_owned());
    }
    let project = key.project_id.parse().map_err(|error: super::connection::field::InvalidField| error.to_string())?;
    Ok((project, key.client_email))
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

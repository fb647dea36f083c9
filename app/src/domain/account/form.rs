//! The form of a cloud account: typed texts in, a configuration and its secret out, or everything that is wrong with them.
//!
//! No sentence quotes what was typed: it may be a secret in the wrong field.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AccountConfig, GOOGLE, Secret};
use crate::domain::{
    Provider, Refusal, Refusals,
    connection::field::{AwsAccountId, AzureAppId, GoogleProjectId, InvalidField},
    refusal::Parse,
};

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
    let project = key.project_id.parse().map_err(|error: InvalidField| error.to_string())?;
    Ok((project, key.client_email))
}

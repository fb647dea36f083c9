//! The fields by which a console signs in, a group per cloud.

use leptos::prelude::*;

use crate::{
    api::ApiError,
    components::{Choice, Command, Field, Prose, SegmentField, TextArea},
    domain::{
        Provider,
        account::{AccountConfig, AccountForm},
    },
    pages::form::Memory,
};

/// The names of the fields, for what belongs to none of them.
pub const NAMES: &[&str] = &[
    "provider",
    "name",
    "aws_account_id",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_role_arn",
    "google_service_account",
    "azure_tenant_id",
    "azure_client_id",
    "azure_client_secret",
    "azure_subscription_id",
    "azure_resource_group",
    "upcloud_username",
    "upcloud_password",
    "upcloud_token",
];

/// One input: its name in the form, its label, what it looks like, what to know of it, and where its value is found.
struct Input {
    name: &'static str,
    label: &'static str,
    placeholder: &'static str,
    hint: &'static str,
    /// "Where do I find this?"; a command follows " Or run: ".
    find: &'static str,
    kind: Shape,
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Plain,
    /// The same, and may stay empty.
    Optional,
    /// Typed unseen, never shown again.
    Secret,
    /// The same over several lines.
    File,
}

const AWS: &[Input] = &[
    Input {
        name: "aws_account_id",
        label: "AWS account ID",
        placeholder: "123456789012",
        hint: "The operator's own account, in which VPCs are made. Users share transit gateways with it.",
        find: "AWS console: open the menu with your name at the top right; the 12 digits under it. Or run: aws sts get-caller-identity --query Account --output text",
        kind: Shape::Plain,
    },
    Input {
        name: "aws_access_key_id",
        label: "Access key ID",
        placeholder: "AKIAIOSFODNN7EXAMPLE",
        hint: "Empty: the credentials of the console's machine, as AWS's own tools find them.",
        find: "AWS console: IAM, Users, the console's own user, Security credentials, Create access key. Let it call EC2, STS and RAM only. Or run: aws iam create-access-key --user-name causeway",
        kind: Shape::Optional,
    },
    Input {
        name: "aws_secret_access_key",
        label: "Secret access key",
        placeholder: "",
        hint: "Belongs to the access key ID.",
        find: "AWS shows it once, when the access key is created. If it is lost, create another key.",
        kind: Shape::Secret,
    },
    Input {
        name: "aws_role_arn",
        label: "Role to assume",
        placeholder: "arn:aws:iam::012345678901:role/console",
        hint: "Assumed with these credentials.",
        find: "AWS console: IAM, Roles, the role, ARN in its summary. Its trust policy names who signs in here. Or run: aws iam get-role --role-name console --query Role.Arn --output text",
        kind: Shape::Optional,
    },
];

const GOOGLE: &[Input] = &[Input {
    name: "google_service_account",
    label: "Service account key",
    placeholder: "{ \"type\": \"service_account\", … }",
    hint: "The whole JSON key file. VPCs are made in the project that it names.",
    find: "Google Cloud console: IAM & Admin, Service Accounts, the console's own account, Keys, Add key, JSON. It needs the roles Compute Network Admin and Compute Security Admin in its project. Or run: gcloud iam service-accounts keys create key.json --iam-account=causeway@PROJECT.iam.gserviceaccount.com",
    kind: Shape::File,
}];

const UUID: &str = "00000000-0000-0000-0000-000000000000";

const AZURE: &[Input] = &[
    Input {
        name: "azure_tenant_id",
        label: "Tenant ID",
        placeholder: UUID,
        hint: "The tenant in which the console's application is registered.",
        find: "Azure portal: Microsoft Entra ID, Overview, Tenant ID. Or run: az account show --query tenantId --output tsv",
        kind: Shape::Plain,
    },
    Input {
        name: "azure_client_id",
        label: "Application ID",
        placeholder: UUID,
        hint: "The console's application, registered for several tenants: users grant it the right to peer with their networks.",
        find: "Azure portal: Microsoft Entra ID, App registrations, the console's application, Application (client) ID. Or run: az ad app create --display-name causeway --sign-in-audience AzureADMultipleOrgs --query appId --output tsv",
        kind: Shape::Plain,
    },
    Input {
        name: "azure_client_secret",
        label: "Client secret",
        placeholder: "",
        hint: "Of that application.",
        find: "Azure portal: the application, Certificates & secrets, New client secret; its Value, not its ID. It is shown once, and it expires. Or run: az ad app credential reset --id APPLICATION_ID --append --query password --output tsv",
        kind: Shape::Secret,
    },
    Input {
        name: "azure_subscription_id",
        label: "Subscription ID",
        placeholder: UUID,
        hint: "In which virtual networks are made.",
        find: "Azure portal: Subscriptions. Or run: az account show --query id --output tsv",
        kind: Shape::Plain,
    },
    Input {
        name: "azure_resource_group",
        label: "Resource group",
        placeholder: "causeway",
        hint: "In which virtual networks are made. It has to be there, and the application needs the role Network Contributor in it.",
        find: "Azure portal: Resource groups. Or run: az group create --name causeway --location westeurope",
        kind: Shape::Plain,
    },
];

const UPCLOUD: &[Input] = &[
    Input {
        name: "upcloud_token",
        label: "API token",
        placeholder: "",
        hint: "Or a user name and a password.",
        find: "UpCloud Control Panel: Account, API tokens, Create token. It is shown once.",
        kind: Shape::Secret,
    },
    Input {
        name: "upcloud_username",
        label: "User name",
        placeholder: "causeway",
        hint: "Of a sub-account with API access.",
        find: "UpCloud Control Panel: People, the console's own sub-account; its Permissions must allow API connections.",
        kind: Shape::Optional,
    },
    Input {
        name: "upcloud_password",
        label: "Password",
        placeholder: "",
        hint: "Of that user.",
        find: "The password of the sub-account in the UpCloud Control Panel. The console asks the API with it, nothing else.",
        kind: Shape::Secret,
    },
];

fn inputs(provider: Provider) -> &'static [Input] {
    match provider {
        Provider::Aws => AWS,
        Provider::Google => GOOGLE,
        Provider::Azure => AZURE,
        Provider::UpCloud => UPCLOUD,
        Provider::Local => &[],
    }
}

/// What an account's own values are called in its form; never a secret.
fn former(config: &AccountConfig, name: &str) -> String {
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    match (config, name) {
        (AccountConfig::Aws { account_id, .. }, "aws_account_id") => account_id.to_string(),
        (AccountConfig::Aws { access_key_id, .. }, "aws_access_key_id") => some(access_key_id),
        (AccountConfig::Aws { role_arn, .. }, "aws_role_arn") => some(role_arn),
        (AccountConfig::Azure { tenant_id, .. }, "azure_tenant_id") => tenant_id.to_string(),
        (AccountConfig::Azure { client_id, .. }, "azure_client_id") => client_id.to_string(),
        (AccountConfig::Azure { subscription_id, .. }, "azure_subscription_id") => subscription_id.to_string(),
        (AccountConfig::Azure { resource_group, .. }, "azure_resource_group") => resource_group.to_string(),
        (AccountConfig::UpCloud { username }, "upcloud_username") => some(username),
        _ => String::new(),
    }
}

/// What stands in the fields.
#[derive(Clone, Copy)]
pub struct Typed {
    pub provider: RwSignal<String>,
    pub name: RwSignal<String>,
    values: StoredValue<Vec<(&'static str, RwSignal<String>)>>,
}

impl Typed {
    /// The last try's values without its secrets, else the account's own.
    pub fn of(memory: &Memory, name: &str, config: Option<&AccountConfig>) -> Self {
        let provider = config.map_or(Provider::Aws, AccountConfig::provider);
        let value = |input: &Input| {
            let now = config.map(|config| former(config, input.name)).unwrap_or_default();
            let text = if matches!(input.kind, Shape::Plain | Shape::Optional) {
                memory.text(&format!("form[{}]", input.name), now)
            } else {
                RwSignal::new(String::new())
            };
            (input.name, text)
        };
        let values = Provider::CLOUDS.into_iter().flat_map(|provider| inputs(provider).iter().map(value)).collect();
        Self {
            provider: memory.text("form[provider]", provider.as_str()),
            name: memory.text("form[name]", name),
            values: StoredValue::new(values),
        }
    }

    fn signal(self, name: &str) -> RwSignal<String> {
        self.values.with_value(|values| {
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).expect("every input has a signal")
        })
    }

    /// After a refusal a secret is typed again, as without a script.
    pub fn forget_secrets_after(self, error: Signal<Option<ApiError>>) {
        Effect::new(move || {
            if error.with(Option::is_none) {
                return;
            }
            let all = Provider::CLOUDS.into_iter().flat_map(inputs);
            for input in all.filter(|input| matches!(input.kind, Shape::Secret | Shape::File)) {
                self.signal(input.name).set(String::new());
            }
        });
    }

    /// As the form would send it. Tracked.
    pub fn form(self) -> AccountForm {
        let get = |name: &str| self.signal(name).get();
        AccountForm {
            provider: self.provider.get(),
            name: self.name.get(),
            aws_account_id: get("aws_account_id"),
            aws_access_key_id: get("aws_access_key_id"),
            aws_secret_access_key: get("aws_secret_access_key"),
            aws_role_arn: get("aws_role_arn"),
            google_service_account: get("google_service_account"),
            azure_tenant_id: get("azure_tenant_id"),
            azure_client_id: get("azure_client_id"),
            azure_client_secret: get("azure_client_secret"),
            azure_subscription_id: get("azure_subscription_id"),
            azure_resource_group: get("azure_resource_group"),
            upcloud_username: get("upcloud_username"),
            upcloud_password: get("upcloud_password"),
            upcloud_token: get("upcloud_token"),
        }
    }

    /// Whether something was typed into a field, so that it may be judged.
    pub fn touched(form: &AccountForm, field: &str) -> bool {
        let text = match field {
            "name" => &form.name,
            "aws_account_id" => &form.aws_account_id,
            "aws_access_key_id" => &form.aws_access_key_id,
            "aws_role_arn" => &form.aws_role_arn,
            "google_service_account" => &form.google_service_account,
            "azure_tenant_id" => &form.azure_tenant_id,
            "azure_client_id" => &form.azure_client_id,
            "azure_subscription_id" => &form.azure_subscription_id,
            "azure_resource_group" => &form.azure_resource_group,
            "upcloud_username" => &form.upcloud_username,
            "upcloud_token" => &form.upcloud_token,
            _ => return false,
        };
        !text.trim().is_empty()
    }
}

/// The sentence for a field of the form.
pub type Refused = Callback<&'static str, Signal<Option<String>>>;

/// Which cloud, and the fields of the chosen one: chosen by radio buttons, so that it works without a script.
#[component]
pub fn AnyCloud(typed: Typed, refused: Refused, taken: Vec<Provider>) -> impl IntoView {
    let cloud = |provider: Provider| {
        let reason = format!("There is an account for {provider} already.");
        Choice::new(provider.as_str(), provider.label()).refused(taken.contains(&provider).then_some(reason))
    };
    let options: Vec<Choice> = Provider::CLOUDS.into_iter().map(cloud).collect();
    let group = |provider: Provider| {
        view! {
            <section data-provider=provider.as_str() aria-label=provider.label()>
                <OneCloud provider typed refused keeps=false/>
            </section>
        }
    };
    view! {
        <div class="clouds">
            <SegmentField name="form[provider]" legend="Cloud" options value=typed.provider error=refused.run("provider")/>
            {Provider::CLOUDS.into_iter().map(group).collect_view()}
        </div>
    }
}

/// The fields of one cloud. `keeps`: an empty secret keeps the former one.
#[component]
pub fn OneCloud(provider: Provider, typed: Typed, refused: Refused, keeps: bool) -> impl IntoView {
    let field = move |input: &'static Input| {
        let (name, value, error) = (format!("form[{}]", input.name), typed.signal(input.name), refused.run(input.name));
        let is_secret = matches!(input.kind, Shape::Secret | Shape::File);
        let kept = if keeps && is_secret { "Kept unless you type another. " } else { "" };
        let hint = format!("{kept}{}", input.hint);
        let (id, label, placeholder) = (input.name, input.label, input.placeholder);
        let input_view = match input.kind {
            Shape::Plain | Shape::Optional => view! {
                <Field name id label value error hint placeholder fact=true optional=input.kind == Shape::Optional/>
            }
            .into_any(),
            Shape::Secret => view! {
                <Field name id label value error hint kind="password" autocomplete="new-password" fact=true/>
            }
            .into_any(),
            Shape::File => view! {
                <TextArea name id label value error hint placeholder fact=true rows=6/>
            }
            .into_any(),
        };
        let (said, command) = match input.find.split_once(" Or run: ") {
            Some((said, command)) => (said, Some(command)),
            None => (input.find, None),
        };
        let copied = format!("the command that tells the {label}");
        view! {
            <div class="asked">
                {input_view}
                <details class="find">
                    <summary>"Where do I find this?"<span class="sr">{format!(" {label}")}</span></summary>
                    <p class="muted"><Prose text=said/></p>
                    {command.map(|text| view! { <Command text label=copied/> })}
                </details>
            </div>
        }
    };
    inputs(provider).iter().map(field).collect_view()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_form_is_asked_for_once_and_every_secret_is_typed_unseen() {
        let mut asked: Vec<&str> =
            Provider::CLOUDS.into_iter().flat_map(|provider| inputs(provider).iter().map(|input| input.name)).collect();
        asked.extend(["provider", "name"]);
        asked.sort_unstable();
        let mut names = NAMES.to_vec();
        names.sort_unstable();
        assert_eq!(asked, names);
        for name in ["aws_secret_access_key", "azure_client_secret", "upcloud_password", "upcloud_token"] {
            let found = Provider::CLOUDS.into_iter().flat_map(inputs).find(|input| input.name == name);
            assert!(found.is_some_and(|input| input.kind == Shape::Secret), "{name}");
        }
    }
}

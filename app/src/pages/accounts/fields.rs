//! The fields by which a console signs in, a group per cloud.

use leptos::prelude::*;

use crate::{
    components::{Choice, Field, SegmentField, TextArea},
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

/// One input: its name in the form, its label, what it looks like, and what to know of it.
struct Input {
    name: &'static str,
    label: &'static str,
    placeholder: &'static str,
    hint: &'static str,
    kind: Shape,
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Plain,
    /// Typed unseen, never shown again.
    Secret,
    /// The same over several lines.
    File,
}

const fn input(
    name: &'static str,
    label: &'static str,
    placeholder: &'static str,
    hint: &'static str,
    kind: Shape,
) -> Input {
    Input { name, label, placeholder, hint, kind }
}

const AWS: &[Input] = &[
    input(
        "aws_account_id",
        "AWS account ID",
        "123456789012",
        "The operator's own account, in which VPCs are made. Users share transit gateways with it.",
        Shape::Plain,
    ),
    input(
        "aws_access_key_id",
        "Access key ID",
        "AKIAIOSFODNN7EXAMPLE",
        "Empty: the credentials of the console's machine, as AWS's own tools find them.",
        Shape::Plain,
    ),
    input("aws_secret_access_key", "Secret access key", "", "Belongs to the access key ID.", Shape::Secret),
    input(
        "aws_role_arn",
        "Role to assume",
        "arn:aws:iam::012345678901:role/console",
        "Optional: assumed with these credentials.",
        Shape::Plain,
    ),
];

const GOOGLE: &[Input] = &[input(
    "google_service_account",
    "Service account key",
    "{ \"type\": \"service_account\", … }",
    "The whole JSON key file. The service account may manage networks of its project (roles/compute.networkAdmin and roles/compute.securityAdmin).",
    Shape::File,
)];

const UUID: &str = "00000000-0000-0000-0000-000000000000";

const AZURE: &[Input] = &[
    input("azure_tenant_id", "Tenant ID", UUID, "Microsoft Entra ID: Tenant ID on its overview.", Shape::Plain),
    input(
        "azure_client_id",
        "Application ID",
        UUID,
        "The console's application, registered for several tenants: users grant it the right to peer with their networks.",
        Shape::Plain,
    ),
    input("azure_client_secret", "Client secret", "", "Of that application.", Shape::Secret),
    input("azure_subscription_id", "Subscription ID", UUID, "In which virtual networks are made.", Shape::Plain),
    input(
        "azure_resource_group",
        "Resource group",
        "causeway",
        "In which virtual networks are made. It has to be there.",
        Shape::Plain,
    ),
];

const UPCLOUD: &[Input] = &[
    input("upcloud_token", "API token", "", "Or a user name and a password.", Shape::Secret),
    input("upcloud_username", "User name", "causeway", "Of a sub-account with API access.", Shape::Plain),
    input("upcloud_password", "Password", "", "Of that user.", Shape::Secret),
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
            let text = if input.kind == Shape::Plain {
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
        let hint = if keeps && input.kind != Shape::Plain {
            format!("Kept unless you type another. {}", input.hint)
        } else {
            input.hint.to_owned()
        };
        match input.kind {
            Shape::Plain => view! {
                <Field name id=input.name label=input.label value error hint placeholder=input.placeholder fact=true/>
            }
            .into_any(),
            Shape::Secret => view! {
                <Field name id=input.name label=input.label value error hint kind="password" autocomplete="new-password" fact=true/>
            }
            .into_any(),
            Shape::File => view! {
                <TextArea name id=input.name label=input.label value error hint placeholder=input.placeholder fact=true rows=6/>
            }
            .into_any(),
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

//! The fields of the form for a connection, as its cloud calls them, each with where its value is found.

use leptos::prelude::*;

use crate::{
    components::{Choice, Command, Field, Prose, Select, TextArea},
    domain::{
        Provider, catalogue,
        connection::{ConnectionForm, ConnectionType},
        guide::{AzureTyped, FormField, Guide, Part, form_fields},
    },
    pages::{form::Memory, here::query},
};

/// The names of the fields, for what belongs to none of them.
pub const NAMES: &[&str] = &[
    "peer_cloud_account",
    "peer_vpc",
    "peer_region",
    "peer_resource_group",
    "peer_azure_app_id",
    "peer_azure_tenant_id",
    "user_peer_network_cidrs",
];

/// What Azure's commands print, typed in only to fill in the commands after them: the step, the name, the label.
const AZURE: [(usize, &str, &str); 4] = [
    (0, "user_sp_id", "user_sp_id"),
    (0, "role", "ID of the role Network Contributor"),
    (1, "console_sp_id", "console_sp_id"),
    (1, "console_role_id", "console_role_id"),
];

/// What stands in the fields.
#[derive(Clone, Copy)]
pub struct Typed {
    account: RwSignal<String>,
    vpc: RwSignal<String>,
    region: RwSignal<String>,
    group: RwSignal<String>,
    app: RwSignal<String>,
    tenant: RwSignal<String>,
    cidrs: RwSignal<String>,
    azure: [RwSignal<String>; 4],
}

impl Typed {
    /// The last try's values, else those that the address carries from the button that fills in the commands.
    pub fn of(memory: &Memory, provider: Provider, region: &str) -> Self {
        let text =
            |name: &str, default: &str| memory.text(name, query::<String>(name).unwrap_or_else(|| default.to_owned()));
        let field = |name: &str| text(&format!("form[{name}]"), "");
        let region = if provider == Provider::Aws { region } else { "" };
        Self {
            account: field("peer_cloud_account"),
            vpc: field("peer_vpc"),
            region: text("form[peer_region]", region),
            group: field("peer_resource_group"),
            app: field("peer_azure_app_id"),
            tenant: field("peer_azure_tenant_id"),
            cidrs: field("user_peer_network_cidrs"),
            azure: AZURE.map(|(_, name, _)| text(name, "")),
        }
    }

    /// As the form would send it for a connection of this kind. Tracked.
    pub fn form(self, kind: ConnectionType) -> ConnectionForm {
        let has = |name: &str| form_fields(kind).iter().any(|field| field.name == name);
        let get = |name: &str| if has(name) { self.signal(name).get() } else { String::new() };
        ConnectionForm {
            peer_cloud_account: get("peer_cloud_account"),
            peer_vpc: get("peer_vpc"),
            peer_region: get("peer_region"),
            peer_resource_group: get("peer_resource_group"),
            peer_azure_app_id: get("peer_azure_app_id"),
            peer_azure_tenant_id: get("peer_azure_tenant_id"),
            user_peer_network_cidrs: get("user_peer_network_cidrs"),
        }
    }

    /// Tracked.
    pub fn azure(self) -> AzureTyped {
        let [user_sp_id, role, console_sp_id, console_role_id] = self.azure.map(|text| text.get());
        AzureTyped { user_sp_id, role, console_sp_id, console_role_id }
    }

    fn signal(self, name: &str) -> RwSignal<String> {
        match name {
            "peer_cloud_account" => self.account,
            "peer_vpc" => self.vpc,
            "peer_region" => self.region,
            "peer_resource_group" => self.group,
            "peer_azure_app_id" => self.app,
            "peer_azure_tenant_id" => self.tenant,
            _ => self.cidrs,
        }
    }
}

/// The sentence for a field of the form.
pub type Refused = Callback<&'static str, Signal<Option<String>>>;

/// The fields of the typing step `at`: those that it names, and in the last one those that no step names.
pub fn fields_of(kind: ConnectionType, guide: &Guide, at: usize) -> Vec<&'static FormField> {
    let typing = guide.typing();
    let home = |field: &FormField| {
        // Azure's first commands go on with the application that they have just made.
        if field.name == "peer_azure_app_id" {
            return 0;
        }
        let named = |part: &Part| matches!(part, Part::Value(identifier) if identifier.label == field.label);
        let named = typing.iter().position(|step| step.here.iter().any(named));
        named.unwrap_or(typing.len().saturating_sub(1))
    };
    form_fields(kind).iter().filter(|field| home(field) == at).collect()
}

/// One field with its label, its refusal and where its value is found.
#[component]
pub fn Asked(field: &'static FormField, typed: Typed, refused: Refused) -> impl IntoView {
    let (name, value, error) = (format!("form[{}]", field.name), typed.signal(field.name), refused.run(field.name));
    let input = match field.name {
        "peer_region" => {
            let option = |region: catalogue::Region| {
                let beside = (region.place != region.country).then(|| format!(", {}", region.country));
                let detail = format!("{}{}", region.place, beside.unwrap_or_default());
                Choice::new(region.name, region.name).detail(detail)
            };
            let options: Vec<Choice> = catalogue::regions(Provider::Aws).map(option).collect();
            view! { <Select name id=field.name label=field.label options value error/> }.into_any()
        }
        "user_peer_network_cidrs" => view! {
            <TextArea name id=field.name label=field.label value error hint=field.hint placeholder=field.placeholder fact=true optional=!field.required rows=3/>
        }
        .into_any(),
        _ => view! {
            <Field name id=field.name label=field.label value error placeholder=field.placeholder fact=true required=field.required/>
        }
        .into_any(),
    };
    let (said, command) = match field.find.split_once(" Or run: ") {
        Some((said, command)) => (said, Some(command)),
        None => (field.find, None),
    };
    let label = format!("the command that tells the {}", field.label);
    view! {
        <div class="asked">
            {input}
            <details class="find">
                <summary>"Where do I find this?"<span class="sr">{format!(" {}", field.label)}</span></summary>
                <p class="muted"><Prose text=said/></p>
                {command.map(|text| view! { <Command text label/> })}
            </details>
        </div>
    }
}

/// Azure's own: what a command has printed, for the commands after it.
#[component]
pub fn Printed(at: usize, typed: Typed) -> impl IntoView {
    let all = AZURE.into_iter().zip(typed.azure).filter(move |((step, ..), _)| *step == at);
    let one = |((_, name, label), value): ((usize, &'static str, &'static str), RwSignal<String>)| {
        view! { <Field name label value fact=true optional=true/> }
    };
    view! {
        {all.map(one).collect_view()}
        <p class="muted">"What the commands print goes into the commands after them. It is not kept here."</p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::guide::Ours;

    fn names(kind: ConnectionType, at: usize) -> Vec<&'static str> {
        let ours = Ours {
            cidr: "10.0.0.0/24".parse().expect("a range"),
            region: "eu-west-1".to_owned(),
            cloud_id: None,
            identity: None,
        };
        let guide = Guide::before(kind, &ConnectionForm::default(), &ours, &AzureTyped::default());
        fields_of(kind, &guide, at).iter().map(|field| field.name).collect()
    }

    #[test]
    fn every_field_of_every_cloud_is_asked_for_in_exactly_one_step() {
        for kind in ConnectionType::ALL {
            let mut asked: Vec<&str> = (0..8).flat_map(|at| names(kind, at)).collect();
            let mut all: Vec<&str> = form_fields(kind).iter().map(|field| field.name).collect();
            asked.sort_unstable();
            all.sort_unstable();
            assert_eq!(asked, all, "{kind:?}");
        }
    }

    #[test]
    fn azure_asks_for_the_application_where_it_is_made_and_a_transit_gateway_is_shared_first() {
        let azure = ConnectionType::AzureVnetPeering;
        assert_eq!(names(azure, 0), ["peer_cloud_account", "peer_azure_app_id"]);
        assert_eq!(names(azure, 1), [""; 0]);
        assert_eq!(names(ConnectionType::AwsTgwVpcAttachment, 0), [""; 0]);
        assert_eq!(names(ConnectionType::AwsTgwVpcAttachment, 1)[1], "peer_vpc");
    }
}

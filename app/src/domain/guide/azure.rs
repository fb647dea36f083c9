//! Azure: two tenants, two applications, and each grants the other the right to peer (domain 4.4).

use super::{Draft, Drawn, Identifier, Part, Stage, filled, some};

/// What the commands of the first two steps print, as typed into the wizard. The application's password is not among
/// it: it stays with the person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AzureTyped {
    /// `id` of `az ad sp create --id <user app>`.
    pub user_sp_id: String,
    /// `id` of `az role definition list --name "Network Contributor"`.
    pub role: String,
    /// `id` of `az ad sp create --id <console app>`.
    pub console_sp_id: String,
    /// `id` of `az role definition create`.
    pub console_role_id: String,
}

pub fn peering(draft: &Draft<'_>) -> Drawn {
    let (form, typed, ours) = (&draft.form, draft.typed, draft.ours);
    let to_tenant = draft.learnt("to-tenant-id");
    let to_network = draft.learnt("to-network-id").or(ours.cloud_id.as_deref());
    let console_app = ours.identity.as_deref();
    let cidr = ours.cidr.to_string();
    let identifier = |label, value: Option<&str>| Identifier { label, value: value.map(str::to_owned) };
    let identifiers = vec![
        identifier("to-tenant-id", to_tenant),
        identifier("to-network-id", to_network),
        identifier("Application ID of the console", console_app),
        identifier("VPC CIDR", Some(&cidr)),
    ];

    let (subscription, group, vnet) =
        (some(&form.peer_cloud_account), some(&form.peer_resource_group), some(&form.peer_vpc));
    let vnet_id = format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/virtualNetworks/{}",
        subscription.unwrap_or("<subscription ID>"),
        group.unwrap_or("<resource group>"),
        vnet.unwrap_or("<network name>")
    );
    let vnet_id = filled(Some(&vnet_id), "");
    let name = draft.name();
    let (quoted_name, quoted_subscription) = (filled(Some(&name), ""), filled(subscription, "subscription ID"));
    let app = filled(some(&form.peer_azure_app_id), "user_app_id");
    let tenant = filled(some(&form.peer_azure_tenant_id), "user_tenant_id");
    let sp = filled(some(&typed.user_sp_id), "user_sp_id");
    let role = filled(some(&typed.role), "id of the role Network Contributor");
    let console = filled(console_app, "application ID of the console");
    let console_sp = filled(some(&typed.console_sp_id), "console_sp_id");
    let console_role = filled(some(&typed.console_role_id), "console_role_id");
    let definition = serde_json::json!({
        "Name": name,
        "Description": "peering to vnets in scope",
        "Actions": ["Microsoft.Network/virtualNetworks/peer/action"],
        "AssignableScopes": [format!("/subscriptions/{}", subscription.unwrap_or("<subscription ID>"))],
    });
    let definition = filled(Some(&definition.to_string()), "");

    let own_app = vec![
        Part::text(
            "In your tenant, as an application administrator with the right to write role assignments on the virtual network:",
        ),
        Part::command(format!("az account clear && az login\naz account set --subscription {quoted_subscription}")),
        Part::noted(
            format!(
                "az ad app create --display-name {quoted_name} --sign-in-audience AzureADMultipleOrgs --key-type Password"
            ),
            "appId is your application ID (user_app_id)",
        ),
        Part::noted(format!("az ad sp create --id {app}"), "id is user_sp_id"),
        Part::noted(
            format!("az ad app credential reset --id {app}"),
            "password is user_app_secret; keep it, the console never asks for it",
        ),
        Part::noted("az network vnet list", "id is the virtual network's resource ID"),
        Part::noted("az role definition list --name 'Network Contributor'", "id is the role"),
        Part::command(format!("az role assignment create --role {role} --assignee-object-id {sp} --scope {vnet_id}")),
    ];
    let console_app_step = vec![
        Part::text("The console's application may peer to your virtual network, not from it:"),
        Part::noted(
            format!("az ad sp create --id {console}"),
            format!("id is console_sp_id; if it is in use already: az ad sp show --id {console}"),
        ),
        Part::noted(format!("az role definition create --role-definition {definition}"), "id is console_role_id"),
        Part::command(format!(
            "az role assignment create --role {console_role} --assignee-object-id {console_sp} --scope {vnet_id}"
        )),
        Part::noted("az account list", "tenantId is your tenant ID"),
        Part::text("A role assignment can take minutes to take effect. The console tries for 10 minutes."),
    ];
    let login =
        |tenant: &str| format!("az login --service-principal -u {app} -p \"$USER_APP_SECRET\" --tenant {tenant}");
    let peer = vec![
        Part::noted("read -rs USER_APP_SECRET", "paste user_app_secret and press Enter; so it is in no shell history"),
        Part::command(format!("az account clear\n{}\n{}", login(&tenant), login(&filled(to_tenant, "to-tenant-id")))),
        Part::noted(
            format!(
                "az network vnet peering create --name {quoted_name} --remote-vnet {} --vnet-name {} --resource-group {} --subscription {quoted_subscription} --allow-vnet-access",
                filled(to_network, "to-network-id"),
                filled(vnet, "network name"),
                filled(group, "resource group")
            ),
            "\"peeringState\": \"Connected\"",
        ),
        Part::text(
            "If authorization for virtualNetworkPeerings/write is missing: wait a minute and log in again, or redo the role assignment of step 1.",
        ),
    ];
    let steps = vec![
        draft.step(Stage::Typing, "Create your application", draft.typed(&["peer_cloud_account"]), own_app),
        draft.step(
            Stage::Typing,
            "Let the console's application peer with your network",
            vec![Part::value("Application ID of the console", console_app)],
            console_app_step,
        ),
        draft.step(
            Stage::Typing,
            "Request the peering",
            draft.typed(&[
                "peer_cloud_account",
                "peer_resource_group",
                "peer_vpc",
                "peer_azure_tenant_id",
                "peer_azure_app_id",
            ]),
            Vec::new(),
        ),
        draft.sending(),
        draft.step(
            Stage::Theirs,
            "Create the peering from your side",
            vec![Part::value("to-tenant-id", to_tenant), Part::value("to-network-id", to_network)],
            peer,
        ),
    ];
    (identifiers, steps, Vec::new())
}

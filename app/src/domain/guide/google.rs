//! Google Cloud: the same peering, once more from the other side (domain 4.3).

use super::{Draft, Drawn, Identifier, Part, Stage, filled, some};

pub fn peering(draft: &Draft<'_>) -> Drawn {
    let ours = draft.ours;
    let project = draft.learnt("to_project_id").or(ours.identity.as_deref());
    let network = draft.learnt("to_vpc_network").or(ours.cloud_id.as_deref());
    let cidr = ours.cidr.to_string();
    let identifier = |label, value: Option<&str>| Identifier { label, value: value.map(str::to_owned) };
    let link = project.zip(network).map(|(project, network)| {
        format!("https://www.googleapis.com/compute/v1/projects/{project}/global/networks/{network}")
    });
    let identifiers = vec![
        identifier("Project ID", project),
        identifier("VPC network name", network),
        identifier("VPC CIDR", Some(&cidr)),
        Identifier { label: "Self link", value: link },
    ];
    let yours = filled(some(&draft.form.peer_cloud_account), "your project ID");
    let net = filled(some(&draft.form.peer_vpc), "your VPC network name");
    let name = filled(Some(&draft.name()), "name");
    let create = format!(
        "gcloud compute networks peerings create {name} --project={yours} --network={net} --peer-project={} --peer-network={}",
        filled(project, "project ID of the console"),
        filled(network, "VPC network name of the console")
    );
    let list = format!("gcloud compute networks peerings list --project={yours} --network={net}");
    let steps = vec![
        draft.step(
            Stage::Typing,
            "Name your network",
            draft.typed(&["peer_cloud_account", "peer_vpc"]),
            vec![Part::text(
                "Find the project ID in the project picker and the network's name in VPC network, VPC networks. Google does not check them when the request is made.",
            )],
        ),
        draft.sending(),
        draft.step(
            Stage::Theirs,
            "Create the peering from your side",
            vec![Part::value("Project ID", project), Part::value("VPC network name", network)],
            vec![
                Part::text("Google Cloud console: VPC network, VPC network peering, Create peering connection. Your VPC network: your network. Peered VPC network: In another project; enter both values. Create."),
                Part::command(create),
                Part::text("If this stays pending, check that the project ID and the network name are exact."),
            ],
        ),
        draft.step(
            Stage::Finishing,
            "See that it is active",
            vec![Part::text("The badge becomes Active by itself.")],
            vec![Part::noted(list, "STATE is ACTIVE on both sides")],
        ),
    ];
    let notices = vec![
        "Subnet routes are exchanged as soon as both sides are there. Each of your networks is added one by one, and peering is not transitive.".to_owned(),
    ];
    (identifiers, steps, notices)
}

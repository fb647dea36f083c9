use super::*;
use crate::domain::{
    fixtures::{NOW, Town, harbor, minutes_ago},
    gateway::ConfigSync,
    host::Drift,
    road_warrior::Stale,
};

/// Severity, subject and sentence, then the detail, one need a line.
fn said(town: &Town) -> Vec<String> {
    needs(&town.snapshot())
        .iter()
        .map(|need| format!("{:?}: {} {} {}", need.severity, need.subject, need.sentence, need.detail))
        .collect()
}

fn silence(town: &mut Town, gateway: usize) {
    let gateway = &mut town.gateways[gateway];
    (gateway.status, gateway.sync, gateway.last_seen) =
        (GatewayStatus::Error, ConfigSync::Silent, Some(minutes_ago(41)));
}

#[test]
fn a_project_that_is_as_asked_needs_nobody() {
    let town = harbor();
    assert_eq!(said(&town), Vec::<String>::new());
    let summary = Summary::of(&town.snapshot(), &[]);
    assert_eq!(
        (summary.headline().as_str(), summary.lead().as_str()),
        ("Nothing needs you", "All 8 are as you asked.")
    );
    assert_eq!((summary.vpcs.count, summary.gateways.count, summary.peerings.count, summary.plan.count), (3, 3, 2, 6));
}

#[test]
fn an_empty_project_says_that_nothing_is_built() {
    let town = Town::default();
    assert_eq!(Summary::of(&town.snapshot(), &[]).headline(), "Nothing is built yet");
    assert_eq!(Summary::default().lead(), "");
}

#[test]
fn a_silent_gateway_names_who_cannot_reach_whom_only_if_a_neighbour_saw_it() {
    let mut town = harbor();
    silence(&mut town, 2);
    // The row may still say established; oslo's handshake is what counts.
    assert_eq!(said(&town), ["Failed: gw-lab-bergen has not answered for 41 min. Its tunnel to hq-oslo still holds."]);

    town.peerings[1].state = PeeringState::Lost;
    town.peerings[1].sides[0].handshake = Some(minutes_ago(41));
    assert_eq!(
        said(&town),
        ["Failed: gw-lab-bergen has not answered for 41 min. hq-oslo and lab-bergen cannot reach each other."]
    );

    silence(&mut town, 0);
    let lines = said(&town);
    assert_eq!(
        lines[0],
        "Failed: gw-hq-oslo has not answered for 41 min. Its tunnel to dc-hamburg still holds. Whether the others hold is not known."
    );
    assert_eq!(
        lines[1],
        "Failed: gw-lab-bergen has not answered for 41 min. Whether its tunnels still hold is not known."
    );

    town.peerings.clear();
    assert!(said(&town)[1].ends_with("It keeps what it last applied; changes wait until its agent answers."));
}

#[test]
fn a_need_carries_when_it_began_and_where_it_leads() {
    let mut town = harbor();
    silence(&mut town, 2);
    let need = &needs(&town.snapshot())[0];
    assert_eq!(
        (need.since, need.target, need.act),
        (Some(minutes_ago(41)), Target::Gateway(town.gateways[2].id), Act::Open)
    );
}

#[test]
fn a_gateway_without_a_host_waits_for_its_enrolment() {
    let mut town = harbor();
    let gateway = &mut town.gateways[1];
    (gateway.status, gateway.sync, gateway.public_key, gateway.last_seen) =
        (GatewayStatus::Provisioning, ConfigSync::Pending, None, None);
    town.peerings.clear();
    assert_eq!(
        said(&town),
        ["YourTurn: gw-dc-hamburg waits for its host. Run the enrolment command on the host that joins dc-hamburg."]
    );
    assert_eq!(needs(&town.snapshot())[0].act, Act::Enrol);
}

#[test]
fn drift_is_your_turn_under_ask_and_moves_by_itself_under_repair() {
    let mut town = harbor();
    let gateway = &mut town.gateways[1];
    let drift = |field: &str, minutes| Drift {
        subject: "route".into(),
        field: field.into(),
        wanted: "10.32.0.0/20 dev wg0".into(),
        found: "10.32.0.0/20 dev eth0".into(),
        since: minutes_ago(minutes),
    };
    gateway.drift = vec![drift("10.32.0.0/20", 8), drift("10.33.0.0/20", 9)];
    (gateway.sync, gateway.wanted) = (ConfigSync::Drift, 214);
    assert_eq!(
        said(&town),
        ["Moving: gw-dc-hamburg differs from what was asked in 2 fields. Its agent is putting the host right."]
    );
    town.gateways[1].settings.drift_policy = DriftPolicy::Ask;
    assert_eq!(
        said(&town),
        [
            "YourTurn: gw-dc-hamburg differs from what was asked in 2 fields. Someone changed the host by hand. Its agent has touched nothing; generation 214 waits."
        ]
    );
    assert_eq!(needs(&town.snapshot())[0].since, Some(minutes_ago(9)));
}

#[test]
fn a_document_that_the_host_refused_says_why() {
    let mut town = harbor();
    let gateway = &mut town.gateways[0];
    (gateway.status, gateway.sync, gateway.wanted) = (GatewayStatus::Error, ConfigSync::Failed, 7);
    gateway.apply_error = Some("nft refused the table: Operation not permitted. Give the agent CAP_NET_ADMIN.".into());
    assert_eq!(
        said(&town),
        [
            "Failed: gw-hq-oslo could not apply generation 7. nft refused the table: Operation not permitted. Give the agent CAP_NET_ADMIN."
        ]
    );
}

#[test]
fn a_gateway_on_its_way_says_how_far_it_is() {
    let mut town = harbor();
    let gateway = &mut town.gateways[0];
    (gateway.sync, gateway.wanted) = (ConfigSync::Pending, 2);
    assert_eq!(said(&town), ["Moving: gw-hq-oslo is applying generation 2. The host still has generation 1."]);
    town.gateways[0].applied = 2;
    assert_eq!(said(&town), ["Moving: gw-hq-oslo is applying generation 2. The host accepted it; reading it back."]);
}

#[test]
fn a_deleted_gateway_that_is_silent_still_has_its_tunnels() {
    let mut town = harbor();
    silence(&mut town, 1);
    town.gateways[1].status = GatewayStatus::Deleting;
    assert_eq!(
        said(&town),
        [
            "YourTurn: gw-dc-hamburg is being deleted, but its host has not answered for 41 min. It keeps its tunnels until its agent answers and cleans up."
        ]
    );
}

#[test]
fn a_recorded_gateway_is_never_as_asked() {
    let mut town = harbor();
    town.gateways[0].status = GatewayStatus::Recorded;
    assert_eq!(town.gateways[0].standing(), Standing::Off);
    assert_eq!(said(&town), Vec::<String>::new());
    assert_eq!(Summary::of(&town.snapshot(), &[]).as_asked, 7);
}

#[test]
fn a_peering_waits_moves_or_is_lost() {
    let mut town = harbor();
    let peering = &mut town.peerings[0];
    (peering.state, peering.created_at) = (PeeringState::Pending, NOW);
    peering.sides[1].applied = false;
    assert_eq!(said(&town), ["Moving: dc-hamburg – hq-oslo is being made. Waiting for gw-hq-oslo to apply it."]);

    town.peerings[0].sides[1].applied = true;
    assert_eq!(
        said(&town),
        ["Moving: dc-hamburg – hq-oslo is being made. Both gateways have applied it; waiting for the first handshake."]
    );

    town.peerings[0].created_at = minutes_ago(2);
    assert_eq!(
        said(&town),
        [
            "YourTurn: dc-hamburg – hq-oslo has no handshake yet. Both gateways have applied it. Let UDP reach 203.0.113.2:51820 and 203.0.113.1:51820."
        ]
    );

    let peering = &mut town.peerings[0];
    peering.state = PeeringState::Lost;
    peering.sides[0].handshake = Some(minutes_ago(4));
    peering.sides[1].handshake = Some(minutes_ago(5));
    assert_eq!(
        said(&town),
        [
            "Failed: dc-hamburg – hq-oslo has lost its tunnel. dc-hamburg and hq-oslo cannot reach each other. The last handshake was 4 min ago."
        ]
    );
}

#[test]
fn a_site_that_is_gone_has_failed_and_one_that_never_came_waits_for_you() {
    let mut town = harbor();
    town.site("dc-hamburg", "site-altona", "192.168.88.0/24").observed.handshake = Some(minutes_ago(7));
    assert_eq!(
        said(&town),
        ["Failed: site-altona has not been heard of for 7 min. dc-hamburg cannot reach 192.168.88.0/24."]
    );
    town.peers[0].observed.handshake = None;
    assert_eq!(
        said(&town),
        [
            "YourTurn: site-altona has never connected. Put the exported configuration on its router; gw-dc-hamburg waits for it."
        ]
    );
    silence(&mut town, 1);
    assert_eq!(said(&town).len(), 1, "a silent gateway's word about its peers is old");
    town.peers[0].enabled = false;
    assert_eq!(town.peers[0].standing(NOW), Standing::Off);
}

#[test]
fn a_road_warrior_that_is_away_is_no_failure() {
    let mut town = harbor();
    town.road_warrior("hq-oslo", "laptop-mira").observed.handshake = Some(minutes_ago(600));
    assert_eq!(said(&town), Vec::<String>::new());
}

#[test]
fn a_gateway_whose_credential_was_revoked_says_so_and_is_not_applying() {
    let mut town = harbor();
    silence(&mut town, 2);
    town.gateways[2].mute = true;
    let said = said(&town);
    assert!(
        said[0].starts_with("Failed: gw-lab-bergen may not speak for itself: its agent's credential was revoked."),
        "{said:?}"
    );
}

#[test]
fn outdated_files_are_one_line_for_each_gateway() {
    let mut town = harbor();
    town.road_warrior("hq-oslo", "laptop-mira");
    let peering = "172.28.0.0/16".parse().expect("a range");
    let forget = |peer: &mut Peer| peer.downloaded.as_mut().expect("downloaded").retain(|range| *range != peering);
    forget(&mut town.peers[0]);
    assert_eq!(said(&town), ["YourTurn: laptop-mira needs a new file. The one it has does not route 172.28.0.0/16."]);
    for name in ["laptop-jonas", "phone-jonas", "laptop-kari"] {
        forget(town.road_warrior("hq-oslo", name));
    }
    assert_eq!(
        said(&town),
        [
            "YourTurn: laptop-mira, laptop-jonas and 2 more need new files. The networks that they reach have changed since they were downloaded."
        ]
    );
    town.peers.truncate(1);
    town.peers[0].downloaded.as_mut().expect("downloaded").push("10.9.0.0/16".parse().expect("a range"));
    assert_eq!(
        said(&town),
        [
            "YourTurn: laptop-mira needs a new file. The one it has does not route 172.28.0.0/16, and still routes 10.9.0.0/16."
        ]
    );
}

#[test]
fn a_file_whose_gateway_has_moved_says_so() {
    let mut town = harbor();
    town.road_warrior("hq-oslo", "laptop-mira").stale = vec![Stale::Key, Stale::Endpoint];
    assert_eq!(said(&town), ["YourTurn: laptop-mira needs a new file. The gateway's key and address have changed."]);
}

#[test]
fn an_overlap_that_forbids_a_peering_is_your_turn_and_a_planned_one_is_not() {
    let mut town = harbor();
    town.network.planned.push(crate::domain::network::PlannedRange {
        name: "office".parse().expect("a name"),
        cidr: "172.16.0.0/12".parse().expect("a range"),
    });
    assert_eq!(said(&town), Vec::<String>::new());
    town.vpc("archive", "hamburg", "192.168.40.0/24");
    assert_eq!(
        said(&town),
        ["YourTurn: archive 192.168.40.0/24 lies inside lab-bergen 192.168.40.0/22. The two cannot be peered."]
    );
    town.vpc("archive-2", "hamburg", "192.168.42.0/24");
    assert!(said(&town)[0].ends_with("The two cannot be peered. The plan has another overlap."));
    let summary = Summary::of(&town.snapshot(), &needs(&town.snapshot()));
    assert_eq!((summary.plan.worst, summary.headline().as_str()), (Some(Severity::YourTurn), "1 thing needs you"));
}

#[test]
fn the_worst_comes_first_and_then_what_has_lasted_longest() {
    let mut town = harbor();
    town.vpc("ml-batch", "oslo", "10.32.64.0/21").state = VpcState::Approved;
    silence(&mut town, 2);
    town.road_warrior("dc-hamburg", "laptop-mira").downloaded = Some(vec![]);
    town.site("hq-oslo", "site-altona", "192.168.88.0/24").observed.handshake = Some(minutes_ago(7));
    let all = needs(&town.snapshot());
    let order: Vec<&str> = all.iter().map(|need| need.subject.as_str()).collect();
    assert_eq!(order, ["gw-lab-bergen", "site-altona", "laptop-mira", "ml-batch"]);
    let summary = Summary::of(&town.snapshot(), &all);
    assert_eq!(summary.headline(), "3 things need you");
    assert_eq!(summary.lead(), "Two failed, one waits for you, one is moving. The other 7 are as you asked.");
    assert_eq!(
        (summary.gateways.worst, summary.vpcs.worst, summary.peerings.worst),
        (Some(Severity::Failed), Some(Severity::Moving), None)
    );
}

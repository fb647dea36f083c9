use super::*;
use crate::{
    Class, Failure, Subject,
    aws::{
        link::Rule,
        plan::plan,
        seen::{ATTACHMENT, PEERING},
        step::{Put, Step},
        trail::Held,
    },
};

/// What a pass would do: the first step of each subject.
fn next(wish: &Wish, seen: &Seen) -> Vec<Step> {
    let mut subjects = vec![];
    let mut steps = vec![];
    for (subject, step) in plan(wish, seen) {
        if !subjects.contains(&subject) {
            subjects.push(subject);
            steps.push(step);
        }
    }
    steps
}

fn of(connection: Uuid, wish: &Wish, seen: &Seen) -> Vec<Step> {
    let mine = plan(wish, seen).into_iter().filter(|(subject, _)| *subject == Subject::Connection(connection));
    mine.map(|(_, step)| step).collect()
}

fn put(range: &str, target: &str, replace: bool) -> Put {
    Put { table: TABLE.into(), range: net(range), target: target.into(), replace }
}

fn https(range: &str) -> Rule {
    Rule::new(HTTPS, net(range))
}

#[test]
fn a_vpc_is_made_for_the_zones_of_its_region() {
    let zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"].map(String::from).to_vec();
    assert_eq!(next(&wish(vec![]), &nothing()), [Step::CreateVpc { cidr: net("10.20.0.0/22"), zones }]);
}

#[test]
fn a_vpc_that_was_asked_for_moments_ago_is_not_asked_for_again() {
    let mut seen = nothing();
    let step = next(&wish(vec![]), &seen).remove(0);
    seen.held = vec![Held { call: format!("{step:?}"), creates: Some(Subject::Network) }];
    assert_eq!(next(&wish(vec![]), &seen), []);
}

#[test]
fn a_network_is_built_piece_by_piece() {
    let mut seen = ready();
    seen.group = None;
    seen.tables[0].association_set.item.pop();
    seen.subnets.pop();
    let cidr = net("10.20.2.0/24");
    let subnet = Step::CreateSubnet { vpc: "vpc-1".into(), zone: "eu-west-1c".into(), cidr };
    assert_eq!(next(&wish(vec![]), &seen), [subnet]);
    let mut seen = ready();
    seen.tables[0].association_set.item.pop();
    seen.group = None;
    let associate = Step::AssociateRouteTable { table: TABLE.into(), subnet: "subnet-c".into() };
    assert_eq!(next(&wish(vec![]), &seen), [associate]);
    seen = ready();
    seen.group = None;
    assert_eq!(next(&wish(vec![]), &seen), [Step::CreateSecurityGroup { vpc: "vpc-1".into() }]);
    seen.tables.clear();
    assert_eq!(next(&wish(vec![]), &seen), [Step::CreateRouteTable { vpc: "vpc-1".into() }]);
}

#[test]
fn a_zone_that_opens_later_moves_nothing() {
    let mut seen = ready();
    seen.zones = ["eu-west-1a", "eu-west-1aa", "eu-west-1b", "eu-west-1c"].map(String::from).to_vec();
    assert_eq!(next(&wish(vec![]), &seen), []);
}

#[test]
fn a_connection_waits_for_its_network() {
    let mut seen = ready();
    seen.group = None;
    assert_eq!(of(OLDER, &wish(vec![to_vpc(OLDER)]), &seen), []);
}

#[test]
fn a_connection_is_asked_for_across_regions_only_where_they_differ() {
    let asked = |region: Option<&str>| {
        let peer =
            Peer::AwsVpc { account: "444455556666".into(), vpc: "vpc-peer1".into(), region: region.map(String::from) };
        of(OLDER, &wish(vec![ConnectionWish { peer, ..to_vpc(OLDER) }]), &ready())
    };
    let step = |region: Option<&str>| Step::RequestPeering {
        connection: OLDER,
        vpc: "vpc-1".into(),
        account: "444455556666".into(),
        peer: "vpc-peer1".into(),
        region: region.map(String::from),
    };
    assert_eq!(asked(Some("us-east-1")), [step(Some("us-east-1"))]);
    assert_eq!(asked(Some("eu-west-1")), [step(None)]);
    assert_eq!(asked(None), [step(None)]);
}

#[test]
fn a_connection_that_waits_for_the_peer_needs_nothing() {
    for state in ["initiating-request", "pending-acceptance", "provisioning"] {
        let mut seen = ready();
        seen.peerings = vec![peering(OLDER, state, &[])];
        assert_eq!(of(OLDER, &wish(vec![to_vpc(OLDER)]), &seen), [], "{state}");
    }
}

#[test]
fn an_answer_that_was_lost_is_adopted_and_tagged() {
    let mut seen = ready();
    seen.peerings = vec![Peering { tag_set: Tags::default(), ..peering(OLDER, "pending-acceptance", &[]) }];
    let tag = Step::Tag { id: "pcx-1".into(), connection: OLDER };
    assert_eq!(of(OLDER, &wish(vec![to_vpc(OLDER)]), &seen), [tag]);
}

#[test]
fn what_has_ended_between_the_same_two_is_not_adopted() {
    for state in ["failed", "rejected", "expired", "deleted", "deleting"] {
        let mut seen = ready();
        seen.peerings = vec![Peering { tag_set: Tags::default(), ..peering(OLDER, state, &[]) }];
        let steps = of(OLDER, &wish(vec![to_vpc(OLDER)]), &seen);
        assert!(matches!(steps[..], [Step::RequestPeering { .. }]), "{state}: {steps:?}");
    }
}

#[test]
fn what_once_had_an_id_and_is_gone_is_never_asked_for_again() {
    let wish = wish(vec![referring(to_vpc(OLDER), PEERING, "pcx-1")]);
    assert_eq!(of(OLDER, &wish, &ready()), []);
}

#[test]
fn an_active_connection_is_routed_then_opened_then_left_alone() {
    let wish = wish(vec![ConnectionWish { ranges: vec![net("192.168.7.0/24")], ..to_vpc(OLDER) }]);
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "active", &["10.30.0.0/16"])];
    let route = Step::Route {
        put: vec![put("10.30.0.0/16", "pcx-1", false), put("192.168.7.0/24", "pcx-1", false)],
        remove: vec![],
    };
    let open = Step::Authorize {
        group: "sg-1".into(),
        rules: vec![https("10.30.0.0/16"), https("192.168.7.0/24")],
        connection: OLDER,
    };
    assert_eq!(of(OLDER, &wish, &seen), [route, open.clone()]);
    let seen = with_route(seen, "10.30.0.0/16", "pcx-1", "active");
    let seen = with_route(seen, "192.168.7.0/24", "pcx-1", "active");
    assert_eq!(of(OLDER, &wish, &seen), [open]);
    let seen = with_https(with_https(seen, "10.30.0.0/16", OLDER), "192.168.7.0/24", OLDER);
    assert_eq!(plan(&wish, &seen), []);
}

#[test]
fn a_range_that_the_peer_gave_up_is_no_longer_routed_nor_let_in() {
    let wish = wish(vec![to_vpc(OLDER)]);
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "active", &["10.30.0.0/16"])];
    let seen = with_route(seen, "10.30.0.0/16", "pcx-1", "active");
    let seen = with_route(seen, "10.31.0.0/16", "pcx-1", "active");
    let seen = with_https(with_https(seen, "10.30.0.0/16", OLDER), "10.31.0.0/16", OLDER);
    let route = Step::Route { put: vec![], remove: vec![(TABLE.into(), net("10.31.0.0/16"))] };
    let close = Step::Revoke { group: "sg-1".into(), rules: vec![https("10.31.0.0/16")] };
    assert_eq!(of(OLDER, &wish, &seen), [route, close]);
}

#[test]
fn a_range_of_the_vpc_itself_is_never_routed_away() {
    let wish = wish(vec![ConnectionWish { ranges: vec![net("10.20.1.0/24")], ..to_vpc(OLDER) }]);
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "active", &[])];
    assert_eq!(of(OLDER, &wish, &seen), []);
}

#[test]
fn a_range_that_two_connections_claim_belongs_to_the_older() {
    let wish = wish(vec![to_vpc(YOUNGER), to_vpc(OLDER)]);
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "active", &["10.30.0.0/16"]), peering(YOUNGER, "active", &["10.30.0.0/16"])];
    let route = Step::Route { put: vec![put("10.30.0.0/16", "pcx-1", false)], remove: vec![] };
    assert_eq!(of(OLDER, &wish, &seen)[0], route);
    assert_eq!(of(YOUNGER, &wish, &seen), []);
}

#[test]
fn the_younger_gets_the_range_once_the_older_is_deleted() {
    let older = ConnectionWish { present: false, ..to_vpc(OLDER) };
    let wish = wish(vec![older, to_vpc(YOUNGER)]);
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "active", &["10.30.0.0/16"]), peering(YOUNGER, "active", &["10.30.0.0/16"])];
    let seen = with_https(with_route(seen, "10.30.0.0/16", "pcx-1", "active"), "10.30.0.0/16", OLDER);
    // The route is replaced, not deleted: nobody waits between the two.
    assert_eq!(of(OLDER, &wish, &seen), [Step::DeletePeering("pcx-1".into())]);
    let replaced = Step::Route { put: vec![put("10.30.0.0/16", "pcx-2", true)], remove: vec![] };
    assert_eq!(of(YOUNGER, &wish, &seen), [replaced]);
}

#[test]
fn a_narrower_range_is_routed_beside_a_wider_one() {
    let wish = wish(vec![to_vpc(OLDER), to_vpc(YOUNGER)]);
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "active", &["10.30.0.0/16"]), peering(YOUNGER, "active", &["10.30.4.0/24"])];
    let route = Step::Route { put: vec![put("10.30.4.0/24", "pcx-2", false)], remove: vec![] };
    assert_eq!(of(YOUNGER, &wish, &seen)[0], route);
}

#[test]
fn a_connection_is_deleted_after_its_routes_and_openings() {
    let wish = wish(vec![ConnectionWish { present: false, ..to_vpc(OLDER) }]);
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "active", &["10.30.0.0/16"])];
    let seen = with_https(with_route(seen, "10.30.0.0/16", "pcx-1", "active"), "10.30.0.0/16", OLDER);
    assert_eq!(
        of(OLDER, &wish, &seen),
        [
            Step::Route { put: vec![], remove: vec![(TABLE.into(), net("10.30.0.0/16"))] },
            Step::Revoke { group: "sg-1".into(), rules: vec![https("10.30.0.0/16")] },
            Step::DeletePeering("pcx-1".into()),
        ]
    );
}

#[test]
fn a_request_is_withdrawn_in_every_state_that_allows_it() {
    let wish = wish(vec![ConnectionWish { present: false, ..to_vpc(OLDER) }]);
    for state in ["initiating-request", "pending-acceptance", "provisioning", "active"] {
        let mut seen = ready();
        seen.peerings = vec![peering(OLDER, state, &[])];
        assert_eq!(of(OLDER, &wish, &seen), [Step::DeletePeering("pcx-1".into())], "{state}");
    }
    for state in ["failed", "rejected", "expired", "deleted", "deleting"] {
        let mut seen = ready();
        seen.peerings = vec![peering(OLDER, state, &[])];
        assert_eq!(of(OLDER, &wish, &seen), [], "{state}");
    }
}

#[test]
fn what_the_peer_deleted_leaves_neither_routes_nor_openings() {
    let wish = wish(vec![referring(to_vpc(OLDER), PEERING, "pcx-1")]);
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "deleted", &[])];
    let seen = with_https(with_route(seen, "10.30.0.0/16", "pcx-1", "blackhole"), "10.30.0.0/16", OLDER);
    let route = Step::Route { put: vec![], remove: vec![(TABLE.into(), net("10.30.0.0/16"))] };
    let close = Step::Revoke { group: "sg-1".into(), rules: vec![https("10.30.0.0/16")] };
    assert_eq!(of(OLDER, &wish, &seen), [route, close]);
}

#[test]
fn routes_into_nothing_and_openings_for_the_forgotten_are_cleared() {
    let seen = with_route(ready(), "10.30.0.0/16", "pcx-forgotten", "blackhole");
    let seen = with_https(seen, "10.30.0.0/16", Uuid::from_u128(99));
    let steps: Vec<Step> = plan(&wish(vec![]), &seen).into_iter().map(|(_, step)| step).collect();
    let route = Step::Route { put: vec![], remove: vec![(TABLE.into(), net("10.30.0.0/16"))] };
    let close = Step::Revoke { group: "sg-1".into(), rules: vec![https("10.30.0.0/16")] };
    assert_eq!(steps, [route, close]);
}

#[test]
fn a_route_of_the_operators_own_stays() {
    let seen = with_route(ready(), "10.30.0.0/16", "pcx-operator", "active");
    assert_eq!(plan(&wish(vec![]), &seen), []);
}

#[test]
fn an_opening_of_the_operators_own_stays() {
    let mut seen = with_https(ready(), "10.30.0.0/16", OLDER);
    let group = seen.group.as_mut().expect("a ready network has a group");
    group.ip_permissions.item[0].ip_ranges.item[0].description = Some("the office".into());
    assert_eq!(plan(&wish(vec![]), &seen), []);
    let group = seen.group.as_mut().expect("a ready network has a group");
    group.ip_permissions.item[0].ip_ranges.item[0].description = None;
    assert_eq!(plan(&wish(vec![]), &seen), []);
}

#[test]
fn a_second_request_of_the_same_connection_is_withdrawn() {
    let wish = wish(vec![referring(to_vpc(OLDER), PEERING, "pcx-1")]);
    let mut seen = ready();
    let second = Peering { vpc_peering_connection_id: "pcx-9".into(), ..peering(OLDER, "pending-acceptance", &[]) };
    seen.peerings = vec![peering(OLDER, "pending-acceptance", &[]), second];
    assert_eq!(of(OLDER, &wish, &seen), [Step::DeletePeering("pcx-9".into())]);
}

#[test]
fn a_transit_gateway_is_attached_with_a_subnet_of_each_zone() {
    let step = Step::Attach {
        connection: OLDER,
        vpc: "vpc-1".into(),
        account: "444455556666".into(),
        gateway: "tgw-1".into(),
        subnets: ["subnet-a", "subnet-b", "subnet-c"].map(String::from).to_vec(),
    };
    assert_eq!(of(OLDER, &wish(vec![to_gateway(OLDER, &[])]), &ready()), [step]);
}

#[test]
fn a_transit_gateway_is_routed_once_it_is_available() {
    let wish = wish(vec![to_gateway(OLDER, &["10.40.0.0/16"])]);
    for state in ["initiating", "initiatingRequest", "pending", "pendingAcceptance"] {
        let seen = Seen { attachments: Ok(vec![attachment(OLDER, state)]), ..ready() };
        assert_eq!(of(OLDER, &wish, &seen), [], "{state}");
    }
    for state in ["available", "modifying"] {
        let seen = Seen { attachments: Ok(vec![attachment(OLDER, state)]), ..ready() };
        let route = Step::Route { put: vec![put("10.40.0.0/16", "tgw-1", false)], remove: vec![] };
        assert_eq!(of(OLDER, &wish, &seen)[0], route, "{state}");
    }
}

#[test]
fn editing_the_ranges_of_a_transit_gateway_moves_routes_and_recreates_nothing() {
    let wish = wish(vec![to_gateway(OLDER, &["10.41.0.0/16"])]);
    let seen = Seen { attachments: Ok(vec![attachment(OLDER, "available")]), ..ready() };
    let seen = with_https(with_route(seen, "10.40.0.0/16", "tgw-1", "active"), "10.40.0.0/16", OLDER);
    assert_eq!(
        of(OLDER, &wish, &seen),
        [
            Step::Route {
                put: vec![put("10.41.0.0/16", "tgw-1", false)],
                remove: vec![(TABLE.into(), net("10.40.0.0/16"))]
            },
            Step::Authorize { group: "sg-1".into(), rules: vec![https("10.41.0.0/16")], connection: OLDER },
            Step::Revoke { group: "sg-1".into(), rules: vec![https("10.40.0.0/16")] },
        ]
    );
}

#[test]
fn an_attachment_is_deleted_after_its_routes() {
    let wish = wish(vec![ConnectionWish { present: false, ..to_gateway(OLDER, &["10.40.0.0/16"]) }]);
    let seen = Seen { attachments: Ok(vec![attachment(OLDER, "available")]), ..ready() };
    let seen = with_route(seen, "10.40.0.0/16", "tgw-1", "active");
    let route = Step::Route { put: vec![], remove: vec![(TABLE.into(), net("10.40.0.0/16"))] };
    assert_eq!(of(OLDER, &wish, &seen), [route, Step::Detach("tgw-attach-1".into())]);
    for state in ["deleting", "deleted", "rejected", "failed"] {
        let seen = Seen { attachments: Ok(vec![attachment(OLDER, state)]), ..ready() };
        assert_eq!(of(OLDER, &wish, &seen), [], "{state}");
    }
}

#[test]
fn attachments_that_cannot_be_read_hold_nothing_else_up() {
    let denied = Failure::new(Class::Denied, "UnauthorizedOperation", "You are not authorized.");
    let wish = wish(vec![to_gateway(OLDER, &[]), to_vpc(YOUNGER)]);
    let seen = Seen { attachments: Err(denied.clone()), ..ready() };
    assert_eq!(of(OLDER, &wish, &seen), [Step::Tell(denied)]);
    assert!(matches!(of(YOUNGER, &wish, &seen)[..], [Step::RequestPeering { .. }]));
}

#[test]
fn an_attachment_with_an_id_that_is_gone_is_never_made_again() {
    let wish = wish(vec![referring(to_gateway(OLDER, &[]), ATTACHMENT, "tgw-attach-1")]);
    assert_eq!(of(OLDER, &wish, &ready()), []);
}

#[test]
fn a_network_goes_last_and_its_vpc_last_of_all() {
    let gone = Wish { present: false, ..wish(vec![to_vpc(OLDER)]) };
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "active", &[])];
    assert_eq!(next(&gone, &seen), [Step::DeletePeering("pcx-1".into())]);
    seen.peerings = vec![peering(OLDER, "deleting", &[])];
    assert_eq!(next(&gone, &seen), []);
    seen.peerings = vec![peering(OLDER, "deleted", &[])];
    let steps: Vec<Step> = plan(&gone, &seen).into_iter().map(|(_, step)| step).collect();
    assert_eq!(
        steps,
        [
            Step::DisassociateRouteTable("rtbassoc-a".into()),
            Step::DisassociateRouteTable("rtbassoc-b".into()),
            Step::DisassociateRouteTable("rtbassoc-c".into()),
            Step::DeleteSubnet("subnet-a".into()),
            Step::DeleteSubnet("subnet-b".into()),
            Step::DeleteSubnet("subnet-c".into()),
            Step::DeleteRouteTable(TABLE.into()),
            Step::DeleteSecurityGroup("sg-1".into()),
            Step::DeleteVpc("vpc-1".into()),
        ]
    );
    assert_eq!(next(&gone, &nothing()), []);
}

#[test]
fn a_vpc_that_holds_things_of_others_stays_whole_and_says_what_they_are() {
    let gone = Wish { present: false, ..wish(vec![]) };
    let mut seen = ready();
    seen.foreign = vec!["network interface eni-1 (i-7)".into(), "subnet subnet-x (10.20.3.0/24)".into()];
    let [Step::Tell(failure)] = &next(&gone, &seen)[..] else { panic!("{:?}", next(&gone, &seen)) };
    assert_eq!(failure.class, Class::Operator);
    assert_eq!(
        failure.message,
        "The VPC vpc-1 still holds what was not made by Causeway: network interface eni-1 (i-7), subnet subnet-x \
         (10.20.3.0/24). Delete this in the AWS account 111122223333; then Causeway deletes the VPC by itself"
    );
    seen.foreign = (0..11).map(|number| format!("network interface eni-{number}")).collect();
    let [Step::Tell(failure)] = &next(&gone, &seen)[..] else { panic!("{:?}", next(&gone, &seen)) };
    assert!(failure.message.contains("network interface eni-7 and 3 more. Delete"), "{}", failure.message);
    // A connection of ours goes first, whoever else is in there.
    seen.peerings = vec![peering(OLDER, "active", &[])];
    assert_eq!(next(&gone, &seen), [Step::DeletePeering("pcx-1".into())]);
    seen.peerings.clear();
    seen.foreign.clear();
    assert_eq!(next(&gone, &seen), [Step::DisassociateRouteTable("rtbassoc-a".into())]);
}

#[test]
fn a_network_takes_the_connections_with_it_that_the_console_forgot() {
    let gone = Wish { present: false, ..wish(vec![]) };
    let mut seen = ready();
    seen.peerings = vec![peering(OLDER, "pending-acceptance", &[])];
    assert_eq!(next(&gone, &seen), [Step::DeletePeering("pcx-1".into())]);
    seen.peerings.clear();
    seen.attachments = Ok(vec![attachment(OLDER, "available")]);
    assert_eq!(next(&gone, &seen), [Step::Detach("tgw-attach-1".into())]);
    seen.attachments = Ok(vec![attachment(OLDER, "deleting")]);
    assert_eq!(next(&gone, &seen), []);
    // One of others is waited for while it leaves, and otherwise told of with all that is theirs.
    let theirs = |state: &str| Attachment { tag_set: tags(&[]), ..attachment(OLDER, state) };
    seen.attachments = Ok(vec![theirs("deleting")]);
    assert_eq!(next(&gone, &seen), []);
    seen.attachments = Ok(vec![theirs("available")]);
    seen.foreign = vec!["transit gateway attachment tgw-attach-1 (tgw-1)".into()];
    assert!(matches!(next(&gone, &seen)[..], [Step::Tell(_)]));
}

#[test]
fn a_vpc_that_was_made_twice_is_removed_once_the_other_is_ready() {
    let spare = Vpc { vpc_id: "vpc-2".into(), ..ready().vpc.expect("it is ready") };
    let seen = Seen { spare: vec![spare], ..ready() };
    assert_eq!(next(&wish(vec![]), &seen), [Step::DeleteVpc("vpc-2".into())]);
}

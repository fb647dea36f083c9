//! Many at once: each gets an address of its own, or a clear no.

use super::*;

on_both_engines! {
    sixteen_people_get_sixteen_addresses
    a_full_tunnel_subnet_refuses_the_rest
    sixteen_clicks_make_one_peering
    the_lowest_free_address_of_the_index_is_the_domains
    a_thousand_edits_are_a_thousand_numbers
    a_commit_whose_caller_hangs_up_wakes_nevertheless
}

async fn sixteen_people_get_sixteen_addresses(stage: Stage) {
    let alpha = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let names: Vec<String> = (0..16).map(|number| format!("laptop-{number}")).collect();
    let made = join_all(names.iter().map(|called| stage.road_warrior(alpha, called))).await;
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    let peers = stage.ingrid.peers(&stage.harbor, alpha).await.expect("peers");
    let addresses: BTreeSet<u8> = peers.iter().map(|peer| peer.tunnel_address.octets()[3]).collect();
    assert_eq!(addresses, (2..18).collect());
}

async fn a_full_tunnel_subnet_refuses_the_rest(stage: Stage) {
    let alpha = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/29").await;
    let names: Vec<String> = (0..16).map(|number| format!("laptop-{number}")).collect();
    let made = join_all(names.iter().map(|called| stage.road_warrior(alpha, called))).await;
    let (good, bad): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (5, 11));
    for answer in bad {
        assert_eq!(refused(answer), "No free tunnel address on gateway gw-alpha.");
    }
}

async fn sixteen_clicks_make_one_peering(stage: Stage) {
    let alpha = stage.active_gateway("alpha", "172.16.0.0/16", "10.200.1.0/24").await;
    let beta = stage.active_gateway("beta", "10.0.0.0/16", "10.200.2.0/24").await;
    let clicks = (0..16).map(|click| {
        let (here, there) = if click % 2 == 0 { (alpha, beta) } else { (beta, alpha) };
        stage.ingrid.create_peering(&stage.harbor, here, there)
    });
    let (good, bad): (Vec<_>, Vec<_>) = join_all(clicks).await.into_iter().partition(Result::is_ok);
    assert_eq!(good.len(), 1);
    for answer in bad {
        assert_eq!(refused(answer), "A peering already exists between these gateways");
    }
    assert_eq!(stage.ingrid.peerings(&stage.harbor).await.expect("peerings").len(), 1);
    for gateway in [alpha, beta] {
        assert_eq!(stage.ingrid.peers(&stage.harbor, gateway).await.expect("peers").len(), 1);
    }
}

async fn the_lowest_free_address_of_the_index_is_the_domains(stage: Stage) {
    let alpha = stage.gateway("alpha", "172.16.0.0/16", "10.200.1.0/28").await;
    let mut made: BTreeMap<u8, PeerId> = BTreeMap::new();
    for number in 0..13 {
        let id = stage.road_warrior(alpha, &format!("laptop-{number}")).await.expect("a free address");
        made.insert(number, id);
    }
    let free = async || {
        let network = stage.ingrid.network(&stage.harbor).await.expect("the network");
        let here = network.gateway(alpha).expect("the gateway").clone();
        let peers = stage.ingrid.peers(&stage.harbor, alpha).await.expect("peers");
        let taken = peers.iter().map(|peer| peer.tunnel_address).collect();
        assert_eq!(here.next_tunnel_address, free_tunnel_address(here.tunnel, &taken));
        here.next_tunnel_address.map(|address| address.octets()[3])
    };
    assert_eq!(free().await, None, "all 13 are taken");
    for (gone, lowest) in [(12, 14), (7, 9), (3, 5), (5, 5), (0, 2)] {
        stage.ingrid.delete_peer(&stage.harbor, made[&gone]).await.expect("deleted");
        assert_eq!(free().await, Some(lowest));
    }
}

async fn a_thousand_edits_are_a_thousand_numbers(stage: Stage) {
    let alpha = stage.gateway("alpha", "172.16.0.0/16", "10.200.0.0/20").await;
    let before = stage.store.last_seq().await.expect("a number");
    let edit = async |hand: u32| {
        for turn in 0..50 {
            let peer = stage.road_warrior(alpha, &format!("laptop-{hand}-{turn}")).await.expect("a road warrior");
            if turn % 2 == 0 {
                stage.ingrid.delete_peer(&stage.harbor, peer).await.expect("deleted");
            } else {
                stage.ingrid.enable_peer(&stage.harbor, peer, false).await.expect("switched off");
            }
        }
    };
    join_all((0..10).map(edit)).await;
    assert_eq!(stage.store.last_seq().await.expect("a number"), before + 1000);
    assert_eq!(stage.store.feed().now().seq, before + 1000, "whoever follows the feed has seen the last one");
    let peers = stage.ingrid.peers(&stage.harbor, alpha).await.expect("peers");
    let addresses: BTreeSet<_> = peers.iter().map(|peer| peer.tunnel_address).collect();
    assert_eq!((peers.len(), addresses.len()), (250, 250), "no address was given twice");
    assert!(peers.iter().all(|peer| peer.kind == PeerKind::RoadWarrior && !peer.enabled));
    assert!(peers.iter().all(|peer| peer.created_at > Timestamp(0)));
}

async fn a_commit_whose_caller_hangs_up_wakes_nevertheless(stage: Stage) {
    use futures::FutureExt;
    for _ in 0..20 {
        let mut tx = stage.store.begin(server::clock::now()).await.expect("a transaction");
        tx.note(sign_in()).await.expect("a note");
        let mut commit = Box::pin(tx.commit(()));
        // The browser is gone in the middle of it.
        _ = (&mut commit).now_or_never();
        drop(commit);
    }
    // The next write waits its turn, so that what was on its way has landed or was rolled back.
    stage.store.begin(server::clock::now()).await.expect("a transaction").commit(()).await.expect("a commit");
    let landed = stage.store.last_seq().await.expect("the store answers");
    assert!(landed > 0, "some commits have landed");
    assert_eq!(stage.store.feed().now().seq, landed);
}

//! What the clouds' own words mean (domain 4.1 to 4.5), table by table.

use super::{
    ConnectionState::{
        Active, ApprovedPeerRequested, DeletedByPeer, Error, InvalidSpecification, PendingPeer, RejectedByPeer,
    },
    Known, Peer, Sight, Told,
    rules::{UpCloudNetwork, overlap},
    sentence,
};
use crate::domain::Provider;

/// How long an answer may be older than the one before it. Two of the clouds say "inactive" both before the peer came
/// and after it left, and what follows from that cannot be taken back.
const STALE_SECONDS: u64 = 10;

/// What a look means for a live connection; `None` if it says nothing new.
pub fn seen(known: &Known<'_>, sight: &Sight) -> Option<Told> {
    let Some(word) = &sight.state else { return absent(known, sight) };
    let told = match known.peer {
        Peer::AwsVpc { .. } => aws(known, sight, word),
        Peer::AwsTransitGateway { .. } => transit_gateway(known, sight, word),
        Peer::Google { .. } => google(known, word),
        Peer::Azure { .. } => azure(known, sight, word),
        Peer::UpCloud { network } => upcloud(known, sight, word, network.as_str()),
    };
    match told {
        Meaning::Is(told) => Some(told),
        Meaning::Older => None,
        Meaning::Unknown => {
            let cloud = known.peer.provider();
            Some(error(&format!("{cloud} reports a state that the console does not know: {word}")))
        }
    }
}

/// Whether a look finds nothing left that could be deleted.
pub fn is_gone(peer: &Peer, sight: &Sight) -> bool {
    match (&sight.state, peer) {
        (None, _) => !sight.settling,
        // AWS shows what has ended for hours or days, and refuses to delete it.
        (Some(word), Peer::AwsVpc { .. } | Peer::AwsTransitGateway { .. }) => {
            ["deleted", "failed", "rejected", "expired"].contains(&word.as_str())
        }
        _ => false,
    }
}

enum Meaning {
    Is(Told),
    /// It was so before; what came since is newer.
    Older,
    Unknown,
}

impl From<Told> for Meaning {
    fn from(told: Told) -> Self {
        Self::Is(told)
    }
}

fn active() -> Told {
    Told::new(Active, sentence::ACTIVE)
}

fn error(reason: &str) -> Told {
    Told::new(Error, sentence::error(reason))
}

fn invalid(provider: Provider, reason: &str) -> Told {
    Told::new(InvalidSpecification, sentence::invalid(provider, reason))
}

fn deleted_by_peer() -> Told {
    Told::new(DeletedByPeer, sentence::DELETED_BY_PEER)
}

fn requested(known: &Known<'_>) -> Told {
    Told::new(ApprovedPeerRequested, sentence::requested(known.peer.provider()))
}

fn pending(known: &Known<'_>) -> Told {
    Told::new(PendingPeer, sentence::pending(known.peer, known.info))
}

/// It is not there.
fn absent(known: &Known<'_>, sight: &Sight) -> Option<Told> {
    // Never seen, or asked for moments ago: not visible yet.
    if sight.settling || !matches!(known.state, PendingPeer | Active) {
        return None;
    }
    match known.peer {
        // One object for both sides, and it was not we who deleted it.
        Peer::AwsVpc { .. } | Peer::AwsTransitGateway { .. } => Some(deleted_by_peer()),
        // Each side has its own, and ours is missing: it is made again.
        _ => Some(error(&format!("its side of the peering is missing in {}", known.peer.provider()))),
    }
}

fn aws(known: &Known<'_>, sight: &Sight, word: &str) -> Meaning {
    match word {
        // A peering connection of AWS never goes back: these are answers from before.
        "initiating-request" | "pending-acceptance" | "provisioning" if known.state == Active => Meaning::Older,
        "initiating-request" if known.state == PendingPeer => Meaning::Older,
        "initiating-request" => requested(known).into(),
        "pending-acceptance" => pending(known).into(),
        "provisioning" => Told::new(PendingPeer, sentence::ACCEPTED).into(),
        "active" => active().into(),
        "failed" => invalid(Provider::Aws, aws_reason(known, sight)).into(),
        "rejected" => Told::new(RejectedByPeer, sentence::rejected(known.peer)).into(),
        "expired" => Told::new(InvalidSpecification, sentence::EXPIRED).into(),
        "deleting" | "deleted" => deleted_by_peer().into(),
        _ => Meaning::Unknown,
    }
}

fn aws_reason<'a>(known: &Known<'_>, sight: &'a Sight) -> &'a str {
    match (sight.message.trim(), known.peer) {
        ("", Peer::AwsTransitGateway { .. }) => "the attachment could not be made, and AWS gave no reason",
        ("", _) => {
            "AWS gave no reason; the account, the VPC or its region does not exist, or the ranges of the two networks overlap"
        }
        (message, _) => message,
    }
}

fn transit_gateway(known: &Known<'_>, sight: &Sight, word: &str) -> Meaning {
    // The API writes camelCase; AWS's own documents also use hyphens.
    match word.replace('-', "").to_lowercase().as_str() {
        "initiating" | "initiatingrequest" | "pending" | "pendingacceptance" if known.state == Active => Meaning::Older,
        "initiating" | "initiatingrequest" | "pending" => requested(known).into(),
        "pendingacceptance" => pending(known).into(),
        "modifying" | "available" => active().into(),
        "rejecting" | "rejected" => Told::new(RejectedByPeer, sentence::rejected(known.peer)).into(),
        "failing" | "failed" | "rollingback" => invalid(Provider::Aws, aws_reason(known, sight)).into(),
        "deleting" | "deleted" => deleted_by_peer().into(),
        _ => Meaning::Unknown,
    }
}

/// Inactive means "not accepted yet" until it was active once, and "taken away" from then on.
fn waiting_or_left(known: &Known<'_>) -> Meaning {
    match known.was_active {
        false => pending(known).into(),
        true if known.state == Active && known.since.age_seconds(known.now) < STALE_SECONDS => Meaning::Older,
        true => deleted_by_peer().into(),
    }
}

fn google(known: &Known<'_>, word: &str) -> Meaning {
    match word {
        "INACTIVE" => waiting_or_left(known),
        "ACTIVE" => active().into(),
        _ => Meaning::Unknown,
    }
}

fn azure(known: &Known<'_>, sight: &Sight, word: &str) -> Meaning {
    match word {
        "Disconnected" => deleted_by_peer().into(),
        "Connected" => active().into(),
        "Initiated" if sight.details.get("provisioningState").is_some_and(|state| state == "Failed") => {
            let message = sight.message.trim();
            error(if message.is_empty() { "Azure could not finish the peering" } else { message }).into()
        }
        "Initiated" => pending(known).into(),
        _ => Meaning::Unknown,
    }
}

fn upcloud(known: &Known<'_>, sight: &Sight, word: &str, network: &str) -> Meaning {
    if !known.was_active
        && let Some(refusal) = UpCloudNetwork::of(network, sight).refusal(known.region, known.vpc_cidr)
    {
        return invalid(Provider::UpCloud, &refusal.sentence).into();
    }
    match word {
        // It is enabled again after somebody had disabled it.
        "provisioning" if known.state == Active => Meaning::Older,
        "provisioning" => requested(known).into(),
        "pending-peer" => waiting_or_left(known),
        "active" => active().into(),
        "conflict-subnet" => {
            let ranges = sight.peer_ranges.iter().flatten().copied();
            let sentence = ranges.into_iter().find(|range| range.overlaps(known.vpc_cidr));
            let sentence = sentence.map(|range| overlap(Provider::UpCloud, range, known.vpc_cidr));
            let sentence = sentence
                .unwrap_or_else(|| format!("the UpCloud network overlaps with the VPC range {}", known.vpc_cidr));
            invalid(Provider::UpCloud, &sentence).into()
        }
        "missing-local-router" => error("the VPC's own network has no router; the console attaches one").into(),
        "missing-peer-router" => {
            pending(known).warning("The UpCloud network has no router. Attach a router to it.").into()
        }
        "deleted-peer-network" => deleted_by_peer().into(),
        "peer-disabled" => pending(known).warning("The peering is disabled in UpCloud.").into(),
        "disabled" => error("its side of the peering was disabled in UpCloud; the console enables it").into(),
        "error" => {
            let message = sight.message.trim();
            let reason = if message.is_empty() { "UpCloud reports an error" } else { message };
            error(reason).warning("UpCloud reports an error for this peering.").into()
        }
        _ => Meaning::Unknown,
    }
}

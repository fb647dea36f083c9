//! Virtual private clouds.

mod delete;
mod detail;
mod list;
mod new;

pub use delete::VpcDelete;
pub use detail::VpcDetail;
pub use list::VpcList;
pub use new::VpcNew;

use crate::{
    components::Tone,
    domain::{
        gateway::{ConfigSync, GatewayStatus},
        peering::PeeringState,
        vpc::VpcState,
    },
};

pub(super) fn vpc_tone(state: VpcState) -> Tone {
    match state {
        VpcState::Approved | VpcState::Deleting => Tone::Move,
        VpcState::Active => Tone::Good,
        VpcState::Deleted => Tone::Off,
    }
}

pub(super) fn peering_tone(state: PeeringState) -> Tone {
    match state {
        PeeringState::Established => Tone::Good,
        PeeringState::Pending => Tone::Move,
        PeeringState::Lost => Tone::Bad,
        PeeringState::Disabled | PeeringState::Recorded => Tone::Off,
    }
}

pub(super) fn gateway_tone(status: GatewayStatus) -> Tone {
    match status {
        GatewayStatus::Active => Tone::Good,
        GatewayStatus::Provisioning => Tone::Wait,
        GatewayStatus::Deleting => Tone::Move,
        GatewayStatus::Error => Tone::Bad,
        GatewayStatus::Recorded => Tone::Off,
    }
}

pub(super) fn sync_tone(sync: ConfigSync) -> Tone {
    match sync {
        ConfigSync::InSync => Tone::Good,
        ConfigSync::Pending => Tone::Move,
        ConfigSync::Drift => Tone::Wait,
        ConfigSync::Failed | ConfigSync::Silent => Tone::Bad,
    }
}

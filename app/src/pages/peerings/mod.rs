//! VPC peerings: two gateways of one owner, joined.

mod list;
mod new;

pub use list::PeeringList;
pub use new::PeeringNew;

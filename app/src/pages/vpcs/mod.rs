//! Virtual private clouds.

mod delete;
mod detail;
mod joined;
mod list;
mod new;
mod reading;
mod regions;

pub use delete::VpcDelete;
pub use detail::{Detail, VpcDetail};
pub use list::VpcList;
pub use new::VpcNew;
pub use reading::{Reading, VpcReading, path_of, reading, simulated};

//! The pages: one lazy route each. `data()` loads, `view()` shows.

pub mod failure;
pub mod form;
pub mod frame;
mod fresh;
pub mod here;
mod route_list;
mod session;
mod tones;
mod vpcs;

pub use session::{SetUp, SignIn};
pub use vpcs::{VpcDelete, VpcDetail, VpcList, VpcNew};

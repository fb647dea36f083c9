//! The pages: one lazy route each. `data()` loads, `view()` shows.

pub mod failure;
pub mod form;
pub mod frame;
pub mod here;
mod session;
mod vpcs;

pub use session::{SetUp, SignIn};
pub use vpcs::{VpcDelete, VpcDetail, VpcList, VpcNew};

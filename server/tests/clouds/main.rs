//! A console with cloud VPCs: real drivers, simulated clouds on loopback, and a peer who acts by the vendors' APIs.

#[path = "../common/mod.rs"]
mod common;
mod faults;
mod lives;
mod town;

//! Azure: our driver against the look-alike, with and without the peer's grant, through faults and restarts, and with
//! Microsoft's own Python client on the other side.

mod addresses;
mod client;
#[path = "../stage/errand.rs"]
mod errand;
mod faults;
mod grants;
mod life;
mod neighbour;
mod operator;
mod persistence;
mod prism;
mod secrets;
mod town;

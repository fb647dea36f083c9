//! Everything of Causeway that touches the world: the console and its store, the reconcilers, the HTTP doors, the agent and the lab.

// A page is one nested type, and its layout is computed here.
#![recursion_limit = "512"]

pub mod agent;
pub mod clock;
pub mod config;
pub mod console;
pub mod crew;
pub mod http;
pub mod lab;
pub mod listen;
pub mod other_side;
pub mod reconcile;
pub mod rotation;
pub mod seal;
pub mod serve;
pub mod store;
pub mod tls;

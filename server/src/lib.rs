//! Everything of Causeway that touches the world: the console and its store, the reconcilers, the HTTP doors, the agent and the lab.

pub mod store;

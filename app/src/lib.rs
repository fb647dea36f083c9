//! Causeway's domain, API and pages: everything that browser and server share.
//!
//! - [`domain`]: plain data and pure functions, compiled into the browser, the server and the agent.
//! - [`api`]: server functions, the only way a page talks to the server.
//! - `backend`: the trait behind them, implemented by the server as a console for one actor.
//! - [`components`]: the parts of which pages are made; they know no router and no server.
//! - [`pages`]: one lazy route each.
//! - [`live`]: what wakes a page when something changed.
//! - [`routes`]: every path as a function.
//! - [`shell`]: the document, the providers and the route table.

#![recursion_limit = "512"]

pub mod api;
#[cfg(feature = "ssr")]
pub mod backend;
pub mod components;
pub mod domain;
#[cfg(feature = "hydrate")]
mod keys;
pub mod live;
pub mod pages;
pub mod routes;
mod shell;

pub use shell::{App, shell};

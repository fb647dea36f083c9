//! Causeway's domain, API and pages: everything that browser and server share.

#![recursion_limit = "512"]

pub mod domain;

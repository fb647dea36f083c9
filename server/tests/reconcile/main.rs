//! What agents are told and what they tell: documents, enrolment, reports, presence and the end of a gateway.

#[path = "../common/mod.rs"]
mod common;
mod desk;
mod documents;
mod enrolment;
mod migrations;
mod nodes;
mod presence;
mod reports;
mod restored;

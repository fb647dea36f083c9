//! The console for one actor: who asks decides what may be asked.
//!
//! Every method of every trait of [`app::backend`] is the same few steps: authorize, begin,
//! read, the domain's rule, write, note, commit. There is no console without an [`Actor`],
//! and no way around [`Actor::may`]: whoever has no role in a project is told that there is
//! no such project.

mod accounts;
pub mod actor;
pub mod attempts;
mod certificate_authority;
mod changes;
mod connections;
pub mod door;
mod failure;
mod gateways;
mod lab;
mod other_side;
pub mod password;
mod peerings;
mod peers;
mod picture;
mod planner;
mod reconcilers;
mod services;
mod session;
mod traffic;
mod vpcs;

use std::sync::Arc;

use app::{
    api::ApiError,
    domain::{
        ProjectId, ProjectName, Timestamp,
        change::{ChangeKind, Facts, Topic},
        location::Location,
        permission::Permission,
        service::route::Zone,
        support::Support,
    },
};

pub use self::actor::Actor;
use self::failure::failed;
pub(crate) use self::failure::internal;
use crate::{
    lab::LabControl,
    other_side::OtherSides,
    reconcile::Statuses,
    seal::Sealer,
    store::{Note, Store, network::Vantage, people::Project},
};

/// What all consoles share.
pub struct Shared {
    pub store: Store,
    pub sealer: Sealer,
    pub locations: Vec<Location>,
    /// Seconds after which an agent counts as silent.
    pub silent_after: u64,
    /// Since when agents can be heard.
    pub listening_since: Timestamp,
    pub statuses: Statuses,
    pub enrolment: EnrolmentAddress,
    pub lab: Arc<dyn LabControl>,
    pub other_sides: Arc<dyn OtherSides>,
    /// Where people are sent who need help.
    pub support: Option<Support>,
    /// The domain below which services have their names.
    pub zone: Zone,
}

/// What agents are told to call.
#[derive(Clone, Debug)]
pub struct EnrolmentAddress {
    /// `https://host:port#sha256=…` or `unix:PATH`.
    pub console: String,
    /// Why agents cannot reach this console as it is configured, and what to set.
    pub hint: Option<String>,
}

pub struct Console {
    shared: Arc<Shared>,
    actor: Actor,
}

impl Console {
    pub fn for_actor(shared: Arc<Shared>, actor: Actor) -> Self {
        Self { shared, actor }
    }

    fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The project, if the actor may do this in it.
    async fn enter(&self, name: &ProjectName, permission: Permission) -> Result<Project, ApiError> {
        let project = self.store().project_named(name).await.map_err(failed)?.ok_or(ApiError::NotFound)?;
        self.actor.may(permission, &project)?;
        Ok(project)
    }

    fn vantage(&self, now: Timestamp) -> Vantage<'_> {
        let Shared { silent_after, listening_since, locations, .. } = &*self.shared;
        Vantage { now, silent_after: *silent_after, listening_since: *listening_since, locations }
    }

    /// The location's name, or its key if the configuration has lost it.
    fn place(&self, cloud: &app::domain::CloudName) -> String {
        let location = self.shared.locations.iter().find(|location| location.cloud == *cloud);
        location.map_or_else(|| cloud.label(), |location| location.label.clone())
    }

    /// The start of an entry in the event log.
    fn note(
        &self,
        kind: ChangeKind,
        topic: Topic,
        project: ProjectId,
        object: impl ToString,
        name: impl ToString,
    ) -> Note<'_> {
        Note {
            actor: self.actor.email.as_str(),
            kind,
            topic,
            project: Some(project),
            object: object.to_string(),
            object_name: name.to_string(),
            before: Facts::new(),
            after: Facts::new(),
        }
    }
}

/// Fields of an entry in the event log. Never a key or a token.
fn facts<const N: usize>(fields: [(&str, String); N]) -> Facts {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Values of an entry in the event log, one after the other.
fn list<T: std::fmt::Display>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

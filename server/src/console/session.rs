use app::{
    api::ApiError,
    backend::Session,
    domain::{
        change::{ChangeKind, Facts, Topic},
        permission::Permission,
        person::Viewer,
    },
};
use async_trait::async_trait;

use super::{Console, failed};
use crate::{
    clock,
    store::{Note, transact},
};

#[async_trait]
impl Session for Console {
    async fn viewer(&self) -> Result<Viewer, ApiError> {
        let all = self.store().projects().await.map_err(failed)?;
        let mine: Vec<_> =
            all.into_iter().filter(|project| self.actor.may(Permission::NetworkingRead, project).is_ok()).collect();
        Ok(Viewer {
            person: self.actor.person,
            email: self.actor.email.clone(),
            organization: mine.first().map(|project| project.organization_name.clone()).unwrap_or_default(),
            writable: mine
                .iter()
                .filter(|project| self.actor.may(Permission::NetworkingWrite, project).is_ok())
                .map(|project| project.name.clone())
                .collect(),
            projects: mine.into_iter().map(|project| project.name).collect(),
            support: self.shared.support.clone(),
            seq: self.store().feed().now().seq,
            now: clock::now(),
        })
    }

    async fn sign_out_everywhere(&self) -> Result<(), ApiError> {
        let person = self.actor.person;
        let done = transact!(self.store(), clock::now(), |tx| {
            tx.end_sessions_of(person).await?;
            let note = Note {
                actor: self.actor.email.as_str(),
                kind: ChangeKind::SignOutEverywhere,
                topic: Topic::People,
                project: None,
                object: person.to_string(),
                object_name: self.actor.email.to_string(),
                before: Facts::new(),
                after: Facts::new(),
            };
            tx.note(note).await
        });
        done.map(|_| ()).map_err(failed)
    }
}

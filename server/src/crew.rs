//! Tasks that run for as long as the process does.
//!
//! One that ends early takes the process with it, in a sentence: a console without its
//! reconcilers or a listener looks alive and does nothing, and systemd starts it again.

use std::collections::HashMap;

use tokio::task::{Id, JoinSet};

#[derive(Default)]
pub struct Crew {
    tasks: JoinSet<()>,
    names: HashMap<Id, String>,
}

impl Crew {
    pub fn spawn(&mut self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(task).id();
        self.names.insert(id, name.into());
    }

    /// Which task has ended, and how. Never, while all run.
    pub async fn ended(&mut self) -> String {
        let name = |id: Id| self.names.get(&id).cloned().unwrap_or_default();
        match self.tasks.join_next_with_id().await {
            None => std::future::pending().await,
            Some(Ok((id, ()))) => format!("{} has ended early", name(id)),
            Some(Err(error)) => format!("{} has failed: {error}", name(error.id())),
        }
    }

    /// Waits until all have ended by themselves.
    pub async fn finish(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    pub fn abort(&mut self) {
        self.tasks.abort_all();
    }

    /// Ends all of them between two steps.
    pub async fn shutdown(&mut self) {
        self.tasks.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_early_is_named() {
        let mut crew = Crew::default();
        crew.spawn("the listener", std::future::pending());
        crew.spawn("the controller documents", async {
            tokio::task::yield_now().await;
            panic!("no such slot");
        });
        let said = crew.ended().await;
        assert!(said.starts_with("the controller documents has failed: ") && said.contains("no such slot"), "{said}");
        crew.spawn("the sweeper", async {});
        assert_eq!(crew.ended().await, "the sweeper has ended early");
    }
}

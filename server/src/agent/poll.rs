//! Asks the console for newer documents, one long question after the other.

use std::time::Duration;

use anyhow::Result;
use app::domain::{
    host::{HostRole, Offer},
    tunnel::Version,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};

use super::{
    backoff::Backoff,
    client::{Client, Trouble},
    credential::{self, Bearer},
    state::StateFolder,
};

const WAIT: Duration = Duration::from_secs(25);
/// After a document that the keeper refused.
const PAUSE: Duration = Duration::from_secs(5);
/// While the credential is not accepted.
const SLOWLY: Duration = Duration::from_secs(30);
/// How often the credential's age is looked at.
const RENEWAL: Duration = Duration::from_secs(3600);

/// What the console said.
pub enum News {
    Document(Box<Offer>, oneshot::Sender<Next>),
    /// Nothing newer, after a document that was refused.
    Nothing,
    /// The gateway or node no longer exists.
    Gone,
}

/// What to ask for next.
pub struct Next {
    pub have: Option<Version>,
    /// The last document was refused; asking again at once would bring it again.
    pub refused: bool,
}

/// Runs until the gateway or node is gone, or nobody listens.
pub async fn poll(
    mut client: Client,
    state: &StateFolder,
    role: HostRole,
    bearer: Bearer,
    mut have: Option<Version>,
    news: mpsc::Sender<News>,
) -> Result<()> {
    let mut backoff = Backoff::default();
    let mut told: Option<String> = None;
    let mut refused = false;
    credential::renew(&mut client, state, &bearer).await?;
    let mut renewed = Instant::now();
    loop {
        if renewed.elapsed() > RENEWAL {
            credential::renew(&mut client, state, &bearer).await?;
            renewed = Instant::now();
        }
        let trouble = match client.document(&bearer.get(), have.as_ref(), WAIT).await {
            Ok(answer) => {
                backoff.reset();
                if told.take().is_some() {
                    tracing::info!("the console answers again");
                }
                let Some(offer) = answer else {
                    if std::mem::take(&mut refused) {
                        let _ = news.send(News::Nothing).await;
                    }
                    continue;
                };
                let (tell, next) = oneshot::channel();
                if news.send(News::Document(Box::new(offer), tell)).await.is_err() {
                    return Ok(());
                }
                let Ok(next) = next.await else { return Ok(()) };
                have = next.have;
                refused = next.refused;
                if refused {
                    sleep(PAUSE).await;
                }
                continue;
            }
            Err(Trouble::Gone) => {
                let _ = news.send(News::Gone).await;
                return Ok(());
            }
            Err(trouble) => trouble,
        };
        // Once per reason: a console that is down for a night fills no log.
        let text = trouble.to_string();
        let first = told.as_ref() != Some(&text);
        match &trouble {
            Trouble::Unknown(_) => {
                if first {
                    tracing::error!(
                        "{text} Until then {}. If the credential was revoked, enrol this host again with a new token.",
                        role.stays()
                    );
                }
                sleep(SLOWLY.mul_f64(0.5 + rand::random::<f64>())).await;
            }
            _ => {
                if first {
                    tracing::warn!("{text}. Trying again; {} meanwhile.", role.stays());
                }
                backoff.wait().await;
            }
        }
        told = Some(text);
    }
}

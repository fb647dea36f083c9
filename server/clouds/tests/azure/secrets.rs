//! No secret and no token in a log, however much is logged, nor in what the driver prints.

use std::{
    io,
    sync::{Arc, Mutex},
};

use clouds::{
    Cloud,
    lookalike::{Fault, Side},
};

use super::town::Town;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A token of the look-alike: 64 hexadecimal digits in a row.
fn token(text: &str) -> Option<&str> {
    text.split(|letter: char| !letter.is_ascii_hexdigit()).find(|run| run.len() == 64)
}

#[tokio::test]
async fn no_secret_and_no_token_is_in_a_log_that_holds_everything() {
    let mut town = Town::new().await;
    town.neighbour.grants().await;
    for (action, status, code) in [
        ("VirtualNetworks_Get", 401, "ExpiredAuthenticationToken"),
        ("Token", 503, "temporarily_unavailable"),
        ("VirtualNetworkPeerings_CreateOrUpdate", 429, "RetryableErrorDueToAnotherOperation"),
    ] {
        town.clouds.azure.add_fault(Fault::refuse(action, status, code).for_side(Side::Ours)).await.expect("a rule");
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let id = town.connect("main");
    let pass = town.settle().await;
    town.azure.check().await.expect("good credentials");
    let printed = format!("{:?} {pass:?}", town.azure);
    drop(guard);
    assert_eq!(pass.report.connections[&id].state.as_deref(), Some("Initiated"));
    let text = String::from_utf8(log.0.lock().expect("nobody panics with it").clone()).expect("logs are text");
    assert!(text.contains("a cloud asked for patience"), "the log holds something: {text}");
    for text in [&text, &printed] {
        assert!(!text.contains(town.neighbour.console.client_secret.expose()));
        let found =
            token(text).and_then(|found| text.find(found)).map(|at| &text[text[..at].rfind('\n').unwrap_or(0)..at]);
        assert_eq!(found, None, "a token is told");
    }
}

//! The least that a reconciler does: a pass, what it told kept, another pass.

use std::time::{Duration, SystemTime};

use clouds::{ConnectionWish, Failure, Opening, Peer, Reference, Report, Subject, Wish, aws::Aws, pass};
use ipnet::Ipv4Net;
use uuid::Uuid;

pub fn net(text: &str) -> Ipv4Net {
    text.parse().expect("is a range")
}

pub struct Reconciler {
    pub aws: Aws,
    pub wish: Wish,
    /// Every call that was made, as text.
    made: Vec<String>,
    /// How much later each pass thinks it is.
    pub pace: i64,
    /// Whether time passes by itself.
    pub lives: bool,
    pub trace: bool,
}

impl Reconciler {
    pub fn new(aws: Aws) -> Self {
        let wish = Wish {
            id: Uuid::from_u128(rand::random()),
            name: "alpha".into(),
            region: "eu-west-1".into(),
            cidr: net("10.20.0.0/22"),
            present: true,
            reference: Reference::new(),
            connections: vec![],
            openings: vec![Opening::Tcp { from: 443, to: 443 }, Opening::Tcp { from: 5432, to: 5440 }],
            now: 1_800_000_000_000,
        };
        Self { aws, wish, made: vec![], pace: 1_000, lives: false, trace: std::env::var_os("TRACE").is_some() }
    }

    pub fn connect(&mut self, peer: Peer) -> Uuid {
        // In the order in which they were asked for, as the console's ids are.
        let id = Uuid::from_u128(self.wish.id.as_u128().wrapping_add(self.wish.connections.len() as u128 + 1));
        self.wish.connections.push(ConnectionWish {
            id,
            peer,
            present: true,
            ranges: vec![],
            reference: Reference::new(),
            sent_at: None,
            was_active: false,
        });
        id
    }

    /// How many calls of this kind were made.
    pub fn made(&self, call: &str) -> usize {
        self.made.iter().filter(|made| made.starts_with(call)).count()
    }

    /// A new console with what the old one had kept; what it only remembered is lost.
    pub fn restarted(self, aws: Aws) -> Self {
        Self { aws, ..self }
    }

    pub async fn pass(&mut self) -> Result<(Report, Vec<(Subject, Failure)>), Failure> {
        if self.lives {
            tokio::time::sleep(Duration::from_millis(60)).await;
            let since = SystemTime::UNIX_EPOCH.elapsed().expect("it is after 1970");
            self.wish.now = since.as_millis() as i64;
        } else {
            self.wish.now += self.pace;
        }
        let pass = pass(&self.aws, &self.wish).await?;
        if self.trace {
            eprintln!("{:?} {:?} {:?}", pass.report.network.standing, pass.made, pass.failed);
        }
        self.wish.reference = pass.report.network.reference.clone();
        for connection in &mut self.wish.connections {
            let told = &pass.report.connections[&connection.id];
            connection.reference = told.reference.clone();
            connection.was_active |= told.state.as_deref() == Some("active");
            let asked = pass.made.iter().any(|(subject, _)| *subject == Subject::Connection(connection.id));
            let asked = asked || pass.failed.iter().any(|(subject, _)| *subject == Subject::Connection(connection.id));
            connection.sent_at = connection.sent_at.or(asked.then_some(self.wish.now));
        }
        self.made.extend(pass.made.into_iter().map(|(_, call)| call));
        Ok((pass.report, pass.failed))
    }

    /// What is there, without a change.
    pub async fn look(&mut self) -> Report {
        use clouds::Cloud;
        let seen = self.aws.observe(&self.wish).await.expect("the cloud can be read");
        self.aws.report(&self.wish, &seen)
    }

    /// Passes until it is so; failures are retried as a reconciler would.
    pub async fn until(&mut self, is_so: impl Fn(&Report) -> bool) -> Report {
        let mut last = String::new();
        for _ in 0..if self.lives { 1_500 } else { 300 } {
            match self.pass().await {
                Ok((report, _)) if is_so(&report) => return report,
                Ok((report, failed)) => last = format!("{report:?} {failed:?}"),
                Err(failure) => last = failure.to_string(),
            }
        }
        panic!("it did not come to be: {last}");
    }

    /// Nothing is left to do.
    pub async fn quiet(&mut self) {
        for _ in 0..50 {
            let before = self.made.len();
            let (_, failed) = self.pass().await.expect("the cloud can be read");
            if self.made.len() == before && failed.is_empty() {
                return;
            }
        }
        panic!("there is always something to do: {:?}", &self.made[self.made.len().saturating_sub(5)..]);
    }

    pub async fn failures(&mut self) -> Vec<(Subject, Failure)> {
        self.pass().await.expect("the cloud can be read").1
    }
}

//! The least that a reconciler does: a pass, what it told kept, another pass, in real time.

use std::time::{Duration, SystemTime};

use clouds::{ConnectionWish, Opening, Peer, Reference, Report, Subject, Wish, aws::Aws, pass};
use ipnet::Ipv4Net;
use uuid::Uuid;

pub fn net(text: &str) -> Ipv4Net {
    text.parse().expect("is a range")
}

pub struct Reconciler {
    aws: Aws,
    pub wish: Wish,
}

impl Reconciler {
    pub fn new(aws: Aws) -> Self {
        let wish = Wish {
            id: Uuid::from_u128(rand::random()),
            name: "alpha".into(),
            region: super::HOME.into(),
            cidr: net("10.20.0.0/22"),
            present: true,
            reference: Reference::new(),
            connections: vec![],
            openings: vec![Opening::Tcp { from: 443, to: 443 }, Opening::Tcp { from: 5432, to: 5440 }],
            now: 0,
        };
        Self { aws, wish }
    }

    pub fn connect(&mut self, peer: Peer) -> Uuid {
        let id = Uuid::from_u128(self.wish.id.as_u128() ^ (self.wish.connections.len() as u128 + 1));
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

    /// What was seen, whether anything was done, and what went wrong.
    async fn pass(&mut self) -> Result<(Report, bool, String), clouds::Failure> {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let since = SystemTime::UNIX_EPOCH.elapsed().expect("it is after 1970");
        self.wish.now = i64::try_from(since.as_millis()).expect("it fits for long");
        let pass = pass(&self.aws, &self.wish).await?;
        self.wish.reference = pass.report.network.reference.clone();
        for connection in &mut self.wish.connections {
            let told = &pass.report.connections[&connection.id];
            connection.reference = told.reference.clone();
            connection.was_active |= told.state.as_deref() == Some("active");
            let subject = Subject::Connection(connection.id);
            let tried = pass.made.iter().map(|(one, _)| one).chain(pass.failed.iter().map(|(one, _)| one));
            if tried.into_iter().any(|one| *one == subject) {
                connection.sent_at = connection.sent_at.or(Some(self.wish.now));
            }
        }
        let moved = pass.moved();
        Ok((pass.report, moved, format!("{:?}", pass.failed)))
    }

    /// Passes until it is so; failures are retried as a reconciler would.
    pub async fn until(&mut self, is_so: impl Fn(&Report) -> bool) -> Report {
        let mut last = String::new();
        for _ in 0..700 {
            match self.pass().await {
                Ok((report, ..)) if is_so(&report) => return report,
                Ok((report, _, failed)) => last = format!("{report:?} {failed}"),
                Err(failure) => last = failure.to_string(),
            }
        }
        panic!("it did not come to be: {last}");
    }

    /// Nothing is left to do.
    pub async fn quiet(&mut self) {
        for _ in 0..100 {
            let (_, moved, failed) = self.pass().await.expect("the cloud can be read");
            if !moved && failed == "[]" {
                return;
            }
        }
        panic!("there is always something to do");
    }
}

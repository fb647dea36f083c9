//! No secret in a log, however much is logged, nor in what the driver prints or refuses.

use std::{
    io,
    sync::{Arc, Mutex},
};

use clouds::{
    Cloud, Peer, Secret,
    aws::{AwsAccount, AwsKeys, AwsRole},
};

use super::{
    OURS, THEIRS, driver,
    gate::{Fault, Gate},
    moto::{Moto, element},
    reconciler::Reconciler,
};

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

#[tokio::test]
async fn no_secret_is_in_a_log_that_holds_everything() {
    let Some(moto) = Moto::start(&[]).await else { return };
    let gate = Gate::before(&moto.base).await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);

    let account = AwsAccount {
        keys: AwsKeys::Given {
            access_key_id: "AKIAEXAMPLE".into(),
            secret_access_key: Secret::new("wJalrXUtnFEMI-first"),
            session_token: Some(Secret::new("FwoGZXIvYXdzE-first")),
        },
        role: Some(AwsRole {
            arn: format!("arn:aws:iam::{OURS}:role/causeway"),
            external_id: Some(Secret::new("springfield-external")),
        }),
        region: "eu-west-1".into(),
    };
    let mut console = Reconciler::new(driver(account, &gate.base));
    console.connect(Peer::AwsVpc { account: THEIRS.into(), vpc: "vpc-0123456789abcdef0".into(), region: None });
    for fault in [Fault::Throttle, Fault::Broken, Fault::Lost, Fault::ExpiredToken] {
        gate.once("DescribeVpcs", fault);
        let _ = console.pass().await;
    }
    console.aws.check().await.expect("moto lets everybody in");
    let printed = format!("{:?}", console.aws);
    drop(guard);

    let mut secrets =
        vec!["wJalrXUtnFEMI-first".to_owned(), "FwoGZXIvYXdzE-first".into(), "springfield-external".into()];
    for answer in gate.answers().iter().filter(|answer| answer.contains("AssumeRoleResult")) {
        secrets.extend([element(answer, "SecretAccessKey"), element(answer, "SessionToken")]);
    }
    assert!(secrets.len() >= 5, "a role was assumed");
    let text = String::from_utf8(log.0.lock().expect("nobody panics with it").clone()).expect("logs are text");
    assert!(text.contains("DescribeVpcs") || text.contains("assumed a role"), "the log holds something: {text}");
    for secret in secrets {
        let at = text.find(&secret);
        let line = at.map(|at| &text[text[..at].rfind('\n').unwrap_or(0)..at]);
        assert_eq!(line, None, "the log holds a secret");
        assert!(!printed.contains(&secret), "the driver prints a secret");
    }
}

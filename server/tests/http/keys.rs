//! `causeway key rotate` as an operator runs it: refused while the console runs, survived by every secret, killed at any moment.

use std::{path::Path, time::Instant};

use app::domain::AccountId;
use base64::{Engine, engine::general_purpose::STANDARD};
use server::{
    config::Hidden,
    rotation::Keys,
    seal::Sealer,
    store::{Store, accounts::seal_purpose},
};
use uuid::Uuid;

use super::serving::{Browser, Console, command, execute};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A console's data without its console.
struct Place {
    data: tempfile::TempDir,
    url: String,
}

impl Place {
    fn new(url: Option<String>) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let url = url.unwrap_or_else(|| format!("sqlite:{}?mode=rwc", data.path().join("causeway.db").display()));
        let key = format!("{}\n", STANDARD.encode([7; 32]));
        server::config::write_private(&data.path().join("master.key"), &key).expect("a key");
        let place = Self { data, url };
        place.with_store(async |_| ());
        place
    }

    fn on_postgres() -> Option<Self> {
        Console::postgres("keys").map(|url| Self::new(Some(url)))
    }

    fn with_store<T>(&self, work: impl AsyncFnOnce(Store) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { work(Store::open(&self.url).await.expect("the database")).await })
    }

    /// So many secrets that sealing them again takes a while.
    fn seal(&self, number: usize) {
        let sealer = Sealer::new([7; 32]);
        for chunk in (0..number).collect::<Vec<_>>().chunks(500) {
            let row = |number: &usize| {
                let id = AccountId::from_uuid(Uuid::now_v7());
                let text = sealer.seal(&seal_purpose(id), format!("secret {number}").as_bytes());
                format!("('{id}', 'org', 'upcloud', 'account {number}', '{{}}', '{text}', 0, '', 0, 0)")
            };
            let rows = chunk.iter().map(row).collect::<Vec<_>>().join(", ");
            execute(&self.url, &format!(
                "insert into cloud_account (id, organization_id, provider, name, facts, sealed_secret, simulated, tombstone,
                 created_at, updated_at) values {rows}"
            ));
        }
    }

    fn rotate(&self) -> std::process::Command {
        let mut command = command();
        command.args(["key", "rotate", "--data"]).arg(self.data.path()).env("CAUSEWAY_DATABASE_URL", &self.url);
        command
    }

    /// The key that the console would start with, and how many secrets it opens.
    fn opened(&self) -> ([u8; 32], usize) {
        let keys = Keys { data: self.data.path().to_owned(), given: None, next: None };
        self.with_store(async |store| {
            let key = keys.settled(&store).await.expect("a key");
            let sealer = Sealer::new(key);
            let sealed = store.sealed().await.expect("the store answers");
            let opens = sealed.iter().filter(|one| sealer.open(&one.purpose, &one.text).is_ok());
            (key, opens.count())
        })
    }

    fn holds(&self, name: &str) -> bool {
        self.data.path().join(name).exists()
    }
}

#[test]
fn killed_at_any_moment_every_secret_still_opens() {
    kill_again_and_again(&Place::new(None));
}

#[test]
fn killed_at_any_moment_every_secret_still_opens_on_postgresql_too() {
    if let Some(place) = Place::on_postgres() {
        kill_again_and_again(&place);
    }
}

fn kill_again_and_again(place: &Place) {
    const NUMBER: usize = 1500;
    place.seal(NUMBER);
    let started = Instant::now();
    assert!(place.rotate().output().expect("it runs").status.success());
    let whole = started.elapsed();
    let (mut former, opened) = place.opened();
    assert_eq!(opened, NUMBER);
    let (mut kept, mut changed, mut both) = (0, 0, 0);
    const TRIES: u32 = 24;
    // Spread over the whole of it, a little more for its end. A machine that is busier or calmer than it was moves the range.
    let mut most = whole * 8 / 7;
    for round in 0..4 {
        for number in 0..TRIES {
            let mut child = place.rotate().stdout(std::process::Stdio::null()).spawn().expect("it runs");
            std::thread::sleep(most * (number + 1) / TRIES);
            _ = child.kill();
            child.wait().expect("it ended");
            both += usize::from(place.holds("master.key.next"));
            let (key, opened) = place.opened();
            assert_eq!(opened, NUMBER, "killed after {number}/{TRIES} of {most:?} in round {round}");
            assert!(!place.holds("master.key.next"), "one key is left");
            if key == former {
                kept += 1
            } else {
                changed += 1
            }
            former = key;
        }
        match (kept, changed) {
            (_, 0) => most *= 2,
            (0, _) => most /= 2,
            _ => break,
        }
    }
    println!("{kept} times the former key stayed, {changed} times the new one took over, {both} times both were there");
    assert!(kept > 0 && changed > 0, "it was killed before and after the commit: {kept}, {changed}");
}

#[test]
fn a_console_that_runs_is_not_given_another_key_and_one_that_starts_again_knows_everything() {
    let mut console = Console::start();
    let mut browser = Browser::signed_in(&console);
    let fields = [
        ("project", "default"),
        ("form[provider]", "aws"),
        ("form[name]", "operations"),
        ("form[aws_account_id]", "111122223333"),
        ("form[aws_access_key_id]", "AKIAIOSFODNN7EXAMPLE"),
        ("form[aws_secret_access_key]", SECRET),
    ];
    let answer = browser.call("accounts/create", &fields);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let rotate = |data: &Path| command().args(["key", "rotate", "--data"]).arg(data).output().expect("it runs");
    let key = || std::fs::read_to_string(console.data().join("master.key")).expect("the key");
    let before = key();
    let refused = rotate(console.data());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("Another console is running on this database. Stop it first"),
        "{said}"
    );
    assert_eq!(key(), before);
    console.halt();
    let done = rotate(console.data());
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("1 secrets of cloud accounts"), "{said}");
    let after = std::fs::read_to_string(console.data().join("master.key")).expect("the key");
    assert!(after != before && !said.contains(after.trim()), "no key is printed");
    console.restart();
    let keys = Keys { data: console.data().to_owned(), given: Some(Hidden(after)), next: None };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let url = format!("sqlite:{}", console.data().join("causeway.db").display());
        let store = Store::open(&url).await.expect("the database");
        let key = keys.settled(&store).await.expect("a key");
        let sealed = store.sealed().await.expect("the store answers").remove(0);
        let opened = Sealer::new(key).open(&sealed.purpose, &sealed.text).expect("it opens");
        assert_eq!(opened, SECRET.as_bytes());
    });
    let mut browser = Browser::signed_in(&console);
    assert!(browser.call("accounts/list", &[("project", "default")]).body.contains("operations"));
    assert!(!console.stop().contains(SECRET), "and no log has it");
}

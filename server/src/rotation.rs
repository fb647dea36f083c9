//! The master key, and its rotation: every secret at rest is sealed again with a new key, in one transaction.
//!
//! The new key lies beside the former one (`master.key.next`) before anything is sealed with it, and takes its place
//! after the commit. Whatever is killed between these steps leaves both, and the database says which of them it is
//! sealed with: [`Keys::settled`] asks it, at every start of the console and of the rotation. Nothing is ever sealed
//! with a key that is not on the disk, and no key is taken away that something is sealed with.

use std::{
    fs::{self, File},
    io::ErrorKind,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use app::domain::change::{ChangeKind, Facts, Topic};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    clock,
    config::{Hidden, master_key, write_private},
    seal::{self, Sealer},
    store::{Note, Store, StoreError, lock::Lock, sealed::Column, sealed::Sealed, transact},
};

/// Where the master key comes from.
#[derive(Clone, Debug)]
pub struct Keys {
    pub data: PathBuf,
    /// By the environment or the settings file; else it is in the data folder.
    pub given: Option<Hidden<String>>,
    /// `CAUSEWAY_NEW_MASTER_KEY`: what follows a given one.
    pub next: Option<Hidden<String>>,
}

type Key = [u8; 32];

/// How many secrets of each kind were sealed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated {
    pub preshared_keys: usize,
    pub account_secrets: usize,
    pub authority_keys: usize,
}

/// Which of two keys the database is sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sealing {
    Former,
    Next,
    /// There is nothing sealed: either will do.
    Nothing,
    Neither,
}

/// What opens with the next key was sealed after it was made, and then everything was. One text that is damaged does not
/// decide.
fn sealing(sealed: &[Sealed], former: &Sealer, next: &Sealer) -> Sealing {
    let opens = |sealer: &Sealer, one: &Sealed| sealer.open(&one.purpose, &one.text).is_ok();
    let mut found = if sealed.is_empty() { Sealing::Nothing } else { Sealing::Neither };
    for one in sealed {
        if opens(next, one) {
            return Sealing::Next;
        }
        if opens(former, one) {
            found = Sealing::Former;
        }
    }
    found
}

impl Keys {
    fn path(&self) -> PathBuf {
        self.data.join("master.key")
    }

    fn next_path(&self) -> PathBuf {
        self.data.join("master.key.next")
    }

    /// The key that the database is sealed with; it is made at the first start. Ends a rotation that was killed. Only for
    /// whoever holds the database's lock.
    ///
    /// # Errors
    /// In a sentence, if there is no such key.
    pub async fn settled(&self, store: &Store) -> Result<Key> {
        let former = master_key(self.given.as_ref(), &self.data)?;
        let next = match &self.given {
            Some(_) => self.given_next()?,
            None => read(&self.next_path())?,
        };
        let Some(next) = next else { return Ok(former) };
        let found = sealing(&store.sealed_at_rest().await?, &Sealer::new(former), &Sealer::new(next));
        match (found, &self.given) {
            (Sealing::Next, None) => {
                self.take_place()?;
                tracing::info!("a change of the master key that was broken off is complete");
                Ok(next)
            }
            (Sealing::Next, Some(_)) => {
                tracing::warn!(
                    "the secrets are sealed with CAUSEWAY_NEW_MASTER_KEY: give it as CAUSEWAY_MASTER_KEY from now on"
                );
                Ok(next)
            }
            (Sealing::Former | Sealing::Nothing, None) => {
                fs::remove_file(self.next_path())
                    .and_then(|()| sync(&self.data))
                    .with_context(|| format!("{} cannot be removed", self.next_path().display()))?;
                Ok(former)
            }
            (Sealing::Former | Sealing::Nothing, Some(_)) => Ok(former),
            (Sealing::Neither, None) => bail!(
                "Neither {} nor {} opens the secrets in this database. Restore the master key that it was written with",
                self.path().display(),
                self.next_path().display()
            ),
            (Sealing::Neither, Some(_)) => bail!(
                "Neither CAUSEWAY_MASTER_KEY nor CAUSEWAY_NEW_MASTER_KEY opens the secrets in this database. Give the master key that it was written with"
            ),
        }
    }

    fn given_next(&self) -> Result<Option<Key>> {
        let Some(next) = &self.next else { return Ok(None) };
        master_key(Some(next), &self.data).map(Some).context("CAUSEWAY_NEW_MASTER_KEY cannot be used")
    }

    /// The key that shall follow, on the disk before anything is sealed with it.
    fn make_next(&self) -> Result<Key> {
        if self.given.is_some() {
            return self.given_next()?.context(
                "The master key is given by CAUSEWAY_MASTER_KEY or the setting master_key, where this command cannot write. Make the new one with `openssl rand -base64 32` and give it in CAUSEWAY_NEW_MASTER_KEY beside the former",
            );
        }
        let next = seal::random();
        write_private(&self.next_path(), &format!("{}\n", STANDARD.encode(next)))?;
        sync(&self.data).with_context(|| format!("{} cannot be written", self.data.display()))?;
        Ok(next)
    }

    fn take_place(&self) -> Result<()> {
        if self.given.is_some() {
            return Ok(());
        }
        fs::rename(self.next_path(), self.path())
            .and_then(|()| sync(&self.data))
            .with_context(|| format!("{} cannot be put in its place", self.next_path().display()))
    }

    /// A key that this user makes must be one that the console's user can read.
    fn are_ours(&self) -> Result<()> {
        if self.given.is_some() {
            return Ok(());
        }
        let path = self.path();
        let file = fs::metadata(&path)
            .with_context(|| format!("{} cannot be read. The console makes it at its first start", path.display()))?;
        ensure!(
            file.uid() == rustix::process::geteuid().as_raw(),
            "{} belongs to another user, who could not read a key that is made here. Run this as the console's user, such as `sudo -u causeway`.",
            path.display()
        );
        Ok(())
    }
}

/// `None`: there is no such file.
fn read(path: &Path) -> Result<Option<Key>> {
    match fs::read_to_string(path) {
        Ok(text) => master_key(Some(&Hidden(text)), Path::new("/"))
            .map(Some)
            .with_context(|| format!("{} does not hold 32 bytes in base64", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// A name in a folder is on the disk only when the folder is.
fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// `causeway key rotate`: a new master key for a console that does not run.
///
/// # Errors
/// In a sentence; then the former key is still the one, unless it says otherwise.
pub async fn rotate(keys: &Keys, database_url: &str) -> Result<Rotated> {
    keys.are_ours()?;
    // A console that runs would go on sealing with the former key.
    let _lock = Lock::take(database_url).await.context("The master key was not changed")?;
    let store = Store::open(database_url).await?;
    let former = keys.settled(&store).await?;
    let next = keys.make_next()?;
    ensure!(
        former != next,
        "The secrets are sealed with CAUSEWAY_NEW_MASTER_KEY already. Give it as CAUSEWAY_MASTER_KEY."
    );
    let rotated = reseal(&store, &Sealer::new(former), &Sealer::new(next)).await?;
    keys.take_place()?;
    Ok(rotated)
}

/// Seals everything again, or nothing.
///
/// # Errors
/// If one secret does not open: then it would be lost with the former key.
pub async fn reseal(store: &Store, former: &Sealer, next: &Sealer) -> Result<Rotated, StoreError> {
    transact!(store, clock::now(), |tx| {
        let mut rotated = Rotated { preshared_keys: 0, account_secrets: 0, authority_keys: 0 };
        for sealed in tx.sealed().await? {
            let secret = former.open(&sealed.purpose, &sealed.text).map_err(|error| {
                StoreError::Seal(format!("The master key was not changed. Of the {}, {error}", sealed.purpose))
            })?;
            tx.reseal(&sealed, next.seal(&sealed.purpose, &secret)).await?;
            match sealed.column {
                Column::PresharedKey => rotated.preshared_keys += 1,
                Column::AccountSecret => rotated.account_secrets += 1,
                Column::AuthorityKey => rotated.authority_keys += 1,
            }
        }
        let number = |number: usize| number.to_string();
        let after = Facts::from([
            ("preshared_keys".to_owned(), number(rotated.preshared_keys)),
            ("account_secrets".to_owned(), number(rotated.account_secrets)),
            ("authority_keys".to_owned(), number(rotated.authority_keys)),
        ]);
        tx.note(Note {
            actor: "command line",
            kind: ChangeKind::MasterKeyRotate,
            topic: Topic::People,
            project: None,
            object: String::new(),
            object_name: String::new(),
            before: Facts::new(),
            after,
        })
        .await?;
        Ok(rotated)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use app::domain::AccountId;
    use uuid::Uuid;

    use super::*;
    use crate::store::accounts::seal_purpose;

    struct Place {
        keys: Keys,
        store: Store,
        url: String,
        _folder: tempfile::TempDir,
    }

    impl Place {
        async fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let url = format!("sqlite:{}?mode=rwc", folder.path().join("causeway.db").display());
            let store = Store::open(&url).await.expect("a database");
            let keys = Keys { data: folder.path().to_owned(), given: None, next: None };
            Self { keys, store, url, _folder: folder }
        }

        /// A secret of this key.
        async fn seal(&self, key: Key) -> Sealed {
            let id = AccountId::from_uuid(Uuid::now_v7());
            let text = Sealer::new(key).seal(&seal_purpose(id), b"hunter2");
            let mut tx = self.store.begin(clock::now()).await.expect("a transaction");
            let row = crate::store::accounts::AccountRow {
                id,
                organization: app::domain::OrganizationId::from_uuid(Uuid::nil()),
                provider: app::domain::Provider::UpCloud,
                name: id.to_string(),
                facts: r#"{"provider":"upcloud","username":null}"#.to_owned(),
                sealed_secret: text,
                simulated: false,
                created_at: tx.at(),
                updated_at: tx.at(),
                check: None,
                known_as: None,
                check_asked_at: app::domain::Timestamp::default(),
                vpcs: 0,
            };
            tx.insert_account(&row).await.expect("an account");
            tx.commit(()).await.expect("a commit");
            self.store.sealed().await.expect("the store answers").remove(0)
        }

        fn write(&self, name: &str, key: Key) {
            write_private(&self.keys.data.join(name), &STANDARD.encode(key)).expect("a file");
        }

        fn has(&self, name: &str) -> bool {
            self.keys.data.join(name).exists()
        }
    }

    const OLD: Key = [1; 32];
    const NEW: Key = [2; 32];

    #[tokio::test]
    async fn killed_before_the_commit_the_former_key_is_the_one() {
        let place = Place::new().await;
        place.write("master.key", OLD);
        place.write("master.key.next", NEW);
        place.seal(OLD).await;
        assert_eq!(place.keys.settled(&place.store).await.expect("a key"), OLD);
        assert!(!place.has("master.key.next"));
    }

    #[tokio::test]
    async fn killed_after_the_commit_the_new_key_takes_its_place() {
        let place = Place::new().await;
        place.write("master.key", OLD);
        place.write("master.key.next", NEW);
        place.seal(NEW).await;
        assert_eq!(place.keys.settled(&place.store).await.expect("a key"), NEW);
        assert!(!place.has("master.key.next"));
        assert_eq!(place.keys.settled(&place.store).await.expect("a key"), NEW);
    }

    #[tokio::test]
    async fn a_database_of_a_third_key_is_not_guessed_at() {
        let place = Place::new().await;
        place.write("master.key", OLD);
        place.write("master.key.next", NEW);
        place.seal([3; 32]).await;
        let error = place.keys.settled(&place.store).await.expect_err("no key opens it").to_string();
        assert!(error.starts_with("Neither ") && error.contains("Restore the master key"), "{error}");
        assert!(place.has("master.key") && place.has("master.key.next"), "nothing is thrown away");
    }

    #[tokio::test]
    async fn a_secret_that_does_not_open_stops_the_change_and_everything_stays() {
        let place = Place::new().await;
        place.write("master.key", OLD);
        place.seal(OLD).await;
        place.seal([3; 32]).await;
        let before = place.store.sealed().await.expect("the store answers");
        let error = rotate(&place.keys, &place.url).await.expect_err("one does not open").to_string();
        assert!(error.contains("cloud account") && error.contains("was not changed"), "{error}");
        assert_eq!(place.store.sealed().await.expect("the store answers"), before);
        assert_eq!(place.keys.settled(&place.store).await.expect("a key"), OLD);
    }

    #[tokio::test]
    async fn the_new_key_is_another_one_and_only_its_owner_may_read_it() {
        let place = Place::new().await;
        place.write("master.key", OLD);
        place.seal(OLD).await;
        let rotated = rotate(&place.keys, &place.url).await.expect("a new key");
        assert_eq!(rotated, Rotated { preshared_keys: 0, account_secrets: 1, authority_keys: 0 });
        let key = place.keys.settled(&place.store).await.expect("a key");
        assert_ne!(key, OLD);
        let mode = fs::metadata(place.keys.path()).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let sealed = place.store.sealed().await.expect("the store answers").remove(0);
        assert_eq!(Sealer::new(key).open(&sealed.purpose, &sealed.text).as_deref(), Ok(b"hunter2".as_slice()));
        assert!(Sealer::new(OLD).open(&sealed.purpose, &sealed.text).is_err());
    }

    #[tokio::test]
    async fn a_given_key_is_followed_by_a_given_one_and_either_opens_until_it_is_replaced() {
        let place = Place::new().await;
        let hidden = |key: Key| Some(Hidden(STANDARD.encode(key)));
        let keys = |given, next| Keys { data: place.keys.data.clone(), given, next };
        place.seal(OLD).await;
        let alone = rotate(&keys(hidden(OLD), None), &place.url).await.expect_err("no new key").to_string();
        assert!(alone.contains("CAUSEWAY_NEW_MASTER_KEY"), "{alone}");
        let both = keys(hidden(OLD), hidden(NEW));
        assert_eq!(both.settled(&place.store).await.expect("a key"), OLD);
        rotate(&both, &place.url).await.expect("a new key");
        assert_eq!(both.settled(&place.store).await.expect("a key"), NEW);
        let again = rotate(&both, &place.url).await.expect_err("it is done").to_string();
        assert!(again.contains("already"), "{again}");
        assert_eq!(keys(hidden(NEW), None).settled(&place.store).await.expect("a key"), NEW);
        assert!(!place.has("master.key"));
    }
}

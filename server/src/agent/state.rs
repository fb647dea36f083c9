//! What an agent keeps on disk: its key, its credential, and the last document with its version.
//!
//! A host comes back after a reboot without its console. Files are replaced whole (written,
//! synced, renamed); a change to a large document is appended to a journal instead, so that
//! one peer of 10,000 costs one line. A document is on disk before it is applied: what was
//! revoked stays revoked. The folder is its owner's only, and so is each file.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use app::domain::{
    Timestamp,
    host::HostId,
    tunnel::{Change, Document, Version},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::host::key::PrivateKey;

const KEY: &str = "private-key";
const CREDENTIAL: &str = "credential.json";
const DOCUMENT: &str = "document.json";
const JOURNAL: &str = "changes.jsonl";
const APPLIED: &str = "applied.json";
const SYSCTLS: &str = "sysctls-before.json";
const LOCK: &str = "lock";

/// A journal of this size is folded into the document.
const JOURNAL_BYTES: u64 = 256 * 1024;

/// What the console knows this agent by.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credential {
    #[serde(flatten)]
    pub host: HostId,
    pub credential: String,
    /// SHA-256 of the enrolment token that it was given for: a new token means a new enrolment.
    pub token: String,
    pub issued_at: Timestamp,
}

/// A document and which one it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    pub version: Version,
    pub document: Document,
}

#[derive(Serialize, Deserialize)]
struct Entry<C> {
    from: Version,
    version: Version,
    change: C,
}

/// The folder, held by one process.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    _lock: File,
}

impl StateFolder {
    /// Makes the folder if it is not there. Refuses one that others may read, and one that another agent uses.
    pub fn open(path: &Path) -> Result<Self> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| format!("{} cannot be made. Choose another folder with --state", path.display()))?;
        let mode = fs::metadata(path)?.mode();
        if mode & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).with_context(|| {
                format!(
                    "{} can be read by others and is not ours to change. It will hold a private key",
                    path.display()
                )
            })?;
        }
        let lock = private(OpenOptions::new().create(true).append(true), &path.join(LOCK))?;
        if rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!("Another agent already uses {}. Stop it, or choose another folder with --state.", path.display());
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The host's own key; made at the first call.
    pub fn private_key(&self) -> Result<PrivateKey> {
        let path = self.path.join(KEY);
        match fs::read_to_string(&path) {
            Ok(text) => text.parse().with_context(|| {
                format!("{} does not hold a private key. Remove it and enrol this host again", path.display())
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = PrivateKey::random();
                self.replace(KEY, format!("{}\n", key.to_base64()).as_bytes())?;
                Ok(key)
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    pub fn credential(&self) -> Result<Option<Credential>> {
        self.read_json(CREDENTIAL)
    }

    pub fn set_credential(&self, credential: &Credential) -> Result<()> {
        self.replace(CREDENTIAL, &serde_json::to_vec(credential)?)
    }

    /// The last document, with every journalled change that fits it.
    pub fn document(&self) -> Result<Option<Stored>> {
        let Some(mut stored) = self.read_json::<Stored>(DOCUMENT)? else { return Ok(None) };
        let path = self.path.join(JOURNAL);
        let journal = match fs::read(&path) {
            Ok(journal) => journal,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).context("The journal of changes cannot be read"),
        };
        let mut whole = 0;
        for line in journal.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            let Ok(entry) = serde_json::from_slice::<Entry<Change>>(line) else { break };
            whole += line.len();
            if entry.from == stored.version {
                stored.document.apply(entry.change);
                stored.version = entry.version;
            }
        }
        if whole < journal.len() {
            // Cut off by a power failure: what comes after it was never applied. The rest goes, so that the next change
            // begins a line of its own and is not lost with it.
            tracing::warn!(bytes = journal.len() - whole, "the end of the journal of changes was cut off");
            let file = OpenOptions::new().write(true).open(&path);
            file.and_then(|file| file.set_len(whole as u64).and_then(|()| file.sync_data()))
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        if stored.document.hash() != stored.version.hash {
            tracing::warn!("the stored document does not have its hash; waiting for the console's");
            return Ok(None);
        }
        Ok(Some(stored))
    }

    pub fn set_document(&self, version: &Version, document: &Document) -> Result<()> {
        #[derive(Serialize)]
        struct Borrowed<'a> {
            version: &'a Version,
            document: &'a Document,
        }
        self.replace(DOCUMENT, &serde_json::to_vec(&Borrowed { version, document })?)?;
        self.remove(JOURNAL)
    }

    /// Appends a change. True: the journal has grown long, and the whole document is due.
    pub fn add_change(&self, from: &Version, version: &Version, change: &Change) -> Result<bool> {
        let mut line = serde_json::to_vec(&Entry { from: from.clone(), version: version.clone(), change })?;
        line.push(b'\n');
        let path = self.path.join(JOURNAL);
        let mut file = private(OpenOptions::new().create(true).append(true), &path)?;
        file.write_all(&line)
            .and_then(|()| file.sync_data())
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(file.metadata()?.len() > JOURNAL_BYTES)
    }

    /// The last document that the host's tools accepted.
    pub fn applied(&self) -> Result<Option<Version>> {
        self.read_json(APPLIED)
    }

    pub fn set_applied(&self, version: &Version) -> Result<()> {
        self.replace(APPLIED, &serde_json::to_vec(version)?)
    }

    /// What the sysctls were before we touched them.
    pub fn sysctls_before(&self) -> Result<BTreeMap<String, String>> {
        Ok(self.read_json(SYSCTLS)?.unwrap_or_default())
    }

    /// Remembers those that were not known yet.
    pub fn remember_sysctls(&self, found: &BTreeMap<String, String>) -> Result<()> {
        let mut known = self.sysctls_before()?;
        let before = known.len();
        for (key, value) in found {
            known.entry(key.clone()).or_insert_with(|| value.clone());
        }
        if known.len() == before { Ok(()) } else { self.replace(SYSCTLS, &serde_json::to_vec(&known)?) }
    }

    /// Another host's documents are no news for this one.
    pub fn forget_documents(&self) -> Result<()> {
        [JOURNAL, DOCUMENT, APPLIED].into_iter().try_for_each(|name| self.remove(name))
    }

    /// What the host was for is gone for ever.
    pub fn forget_everything(&self) -> Result<()> {
        self.forget_documents()?;
        [SYSCTLS, CREDENTIAL, KEY].into_iter().try_for_each(|name| self.remove(name))
    }

    fn remove(&self, name: &str) -> Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", self.path.join(name).display()))
            }
            _ => Ok(()),
        }
    }

    fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let path = self.path.join(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                // Written by another version, or by nobody of us: as good as absent.
                tracing::warn!(path = %path.display(), %error, "a file of the state folder is not understood and not used");
                Ok(None)
            }
        }
    }

    /// All or nothing, even if the power goes.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (path, new) = (self.path.join(name), self.path.join(format!("{name}.new")));
        let write = || -> Result<()> {
            let mut file = private(OpenOptions::new().create(true).write(true).truncate(true), &new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            Ok(File::open(&self.path)?.sync_all()?)
        };
        write().with_context(|| format!("{} cannot be written", path.display()))
    }
}

fn private(options: &mut OpenOptions, path: &Path) -> Result<File> {
    options.mode(0o600).open(path).with_context(|| format!("{} cannot be opened", path.display()))
}

#[cfg(test)]
mod tests {
    use app::domain::{
        Cidr, PublicKey,
        peer::PeerKind,
        tunnel::{Hash, TunnelPeer},
    };

    use super::*;

    fn version(generation: u64, document: &Document) -> Version {
        Version { epoch: 1, generation, hash: document.hash() }
    }

    fn document(peers: u8) -> Document {
        let peer = |number: u8| TunnelPeer {
            name: format!("laptop-{number}").parse().expect("a name"),
            kind: PeerKind::RoadWarrior,
            public_key: PublicKey::from_bytes([number; 32]),
            preshared_key: None,
            endpoint: None,
            keepalive: 0,
            allowed_ips: vec![Cidr::literal([10, 200, 1, number], 32)],
            unknown: Default::default(),
        };
        Document { peers: (1..=peers).map(peer).map(|peer| (peer.public_key, peer)).collect(), ..Document::empty() }
    }

    #[test]
    fn a_document_and_the_changes_after_it_come_back_after_a_crash() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateFolder::open(&folder.path().join("agent")).expect("a new folder");
        assert_eq!(state.document().expect("readable"), None);
        let (one, two, three) = (document(1), document(2), document(3));
        state.set_document(&version(1, &one), &one).expect("written");
        state.add_change(&version(1, &one), &version(2, &two), &one.change_to(&two)).expect("appended");
        state.add_change(&version(2, &two), &version(3, &three), &two.change_to(&three)).expect("appended");
        let journal = folder.path().join("agent").join(JOURNAL);
        let whole = fs::read(&journal).expect("a journal");
        assert_eq!(state.document().expect("readable").map(|stored| stored.version.generation), Some(3));
        // The power went in the middle of the last line.
        fs::write(&journal, &whole[..whole.len() - 10]).expect("written");
        assert_eq!(
            state.document().expect("readable"),
            Some(Stored { version: version(2, &two), document: two.clone() })
        );
        // A change that was appended before its document was replaced fits no longer, and does no harm.
        state.set_document(&version(3, &three), &three).expect("written");
        fs::write(&journal, &whole).expect("written");
        assert_eq!(state.document().expect("readable").map(|stored| stored.document), Some(three));
    }

    #[test]
    fn a_document_without_its_hash_is_not_booted_from() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateFolder::open(folder.path()).expect("a folder");
        let wrong = Version { epoch: 1, generation: 1, hash: Hash("0".repeat(64)) };
        state.set_document(&wrong, &document(1)).expect("written");
        assert_eq!(state.document().expect("readable"), None);
    }

    #[test]
    fn nobody_else_may_read_what_is_kept_and_one_agent_uses_it() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        let state = StateFolder::open(folder.path()).expect("a folder");
        let key = state.private_key().expect("a new key");
        assert_eq!(state.private_key().expect("the same key").public(), key.public());
        let mode = |path: &Path| fs::metadata(path).expect("there").mode() & 0o777;
        assert_eq!((mode(folder.path()), mode(&folder.path().join(KEY))), (0o700, 0o600));
        let error = StateFolder::open(folder.path()).expect_err("a second agent").to_string();
        assert!(error.starts_with("Another agent already uses"), "{error}");
    }

    #[test]
    fn sysctls_are_remembered_as_they_were_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateFolder::open(folder.path()).expect("a folder");
        for value in ["0", "1"] {
            state.remember_sysctls(&[("net/ipv4/ip_forward".to_owned(), value.to_owned())].into()).expect("written");
        }
        assert_eq!(state.sysctls_before().expect("readable")["net/ipv4/ip_forward"], "0");
        state.forget_everything().expect("removed");
        assert!(state.sysctls_before().expect("readable").is_empty());
    }
}

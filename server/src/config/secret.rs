//! Settings that nobody may see, and the key that seals secrets at rest.

use std::{fmt, fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

/// A value that is not printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Hidden<T>(pub T);

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Secrets are never arguments: those are seen by every user of the machine.
pub(super) fn from_environment(name: &str) -> Option<Hidden<String>> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(Hidden)
}

/// The master key: given, else of the file in the data folder, which is made at the first start.
///
/// # Errors
/// In a sentence, if it is not 32 bytes in base64 or the file cannot be read or made.
pub fn master_key(given: Option<&Hidden<String>>, data: &Path) -> Result<[u8; 32]> {
    if let Some(Hidden(text)) = given {
        return parse(text).context(
            "CAUSEWAY_MASTER_KEY (or master_key) must be 32 bytes in base64, as `openssl rand -base64 32` prints",
        );
    }
    let path = data.join("master.key");
    match fs::read_to_string(&path) {
        Ok(text) => parse(&text)
            .with_context(|| format!("{} does not hold 32 bytes in base64; restore it from a backup", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key: [u8; 32] = rand::random();
            write_private(&path, &format!("{}\n", STANDARD.encode(key)))?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

fn parse(text: &str) -> Result<[u8; 32]> {
    let bytes = STANDARD.decode(text.trim()).context("not base64")?;
    ensure!(bytes.len() == 32, "{} bytes", bytes.len());
    Ok(bytes.try_into().expect("just measured"))
}

/// Writes a file that only its owner may read; whole or not at all.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let cannot = || format!("{} cannot be written", path.display());
    let new = path.with_extension("new");
    let mut file =
        fs::File::options().create(true).write(true).truncate(true).mode(0o600).open(&new).with_context(cannot)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(cannot)?;
    fs::rename(&new, path).with_context(cannot)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_master_key_is_made_once_and_only_its_owner_may_read_it() {
        let data = tempfile::tempdir().expect("a folder");
        let key = master_key(None, data.path()).expect("made");
        assert_eq!(master_key(None, data.path()).expect("read"), key);
        let mode = fs::metadata(data.path().join("master.key")).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        let given = Hidden(STANDARD.encode([1; 16]));
        let error = master_key(Some(&given), Path::new("/")).expect_err("16 bytes are refused");
        assert!(error.to_string().contains("32 bytes in base64"));
    }
}

//! Brotli and gzip beside every file that gains from it, so that the server compresses nothing while it serves.
//!
//! The highest brotli quality is slow, and most files are the same as in the last build: results are kept under the
//! hash of what went in.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};

use crate::site::hash;

/// What the browser asks for by `Accept-Encoding`, as the end of the file's name.
pub const ENDINGS: [&str; 2] = ["br", "gz"];

/// Images and fonts are compressed already.
pub fn gains(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ["wasm", "js", "css", "svg", "json", "html", "txt", "webmanifest"].contains(&ending)
}

/// Compressed files from this and from earlier builds.
pub struct Cache {
    folder: PathBuf,
    used: BTreeSet<PathBuf>,
}

impl Cache {
    pub fn open(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, used: BTreeSet::new() })
    }

    /// The content in one of the `ENDINGS`' encodings.
    pub fn compressed(&mut self, content: &[u8], ending: &str) -> Result<Vec<u8>> {
        let file = self.folder.join(format!("{:016x}.{ending}", hash(content)));
        self.used.insert(file.clone());
        if let Ok(done) = fs::read(&file) {
            return Ok(done);
        }
        let done = if ending == "br" { brotli(content)? } else { gzip(content)? };
        fs::write(&file, &done)?;
        Ok(done)
    }

    /// Forgets what this build did not use.
    pub fn prune(self) -> Result<()> {
        for entry in fs::read_dir(&self.folder)?.flatten() {
            if !self.used.contains(&entry.path()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

fn brotli(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut done = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut &*content, &mut done, &parameters)?;
    Ok(done)
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

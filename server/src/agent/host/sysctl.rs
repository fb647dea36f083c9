//! Kernel settings, read and written below /proc/sys. Keys are paths, so an interface may have a dot in its name.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result};

fn path(key: &str) -> PathBuf {
    PathBuf::from("/proc/sys").join(key)
}

/// Those that exist; one of an interface does not before the interface does.
pub fn read_sysctls(keys: &[String]) -> BTreeMap<String, String> {
    let value = |key: &String| Some((key.clone(), std::fs::read_to_string(path(key)).ok()?.trim().to_owned()));
    keys.iter().filter_map(value).collect()
}

pub fn ensure_sysctl(key: &str, value: &str) -> Result<()> {
    std::fs::write(path(key), value).with_context(|| {
        format!("The kernel refused {key} = {value}. The agent needs CAP_NET_ADMIN and a writable /proc/sys/net")
    })
}

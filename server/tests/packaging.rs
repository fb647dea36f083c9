//! What is installed beside the binary, and what the binary says of it.

use std::{path::PathBuf, process::Command};

fn packaged(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../packaging").join(name)
}

#[test]
fn the_binary_prints_the_packaged_unit_of_its_agent() {
    let printed = Command::new(env!("CARGO_BIN_EXE_causeway")).args(["agent", "unit"]).output().expect("the binary");
    assert!(printed.status.success(), "{printed:?}");
    let unit = std::fs::read_to_string(packaged("systemd/causeway-agent.service")).expect("the unit");
    assert_eq!(String::from_utf8(printed.stdout).expect("text"), unit);
}

#[test]
fn an_agent_without_a_console_says_how_to_name_it() {
    let run = Command::new(env!("CARGO_BIN_EXE_causeway")).arg("agent").env_remove("CAUSEWAY_AGENT_CONSOLE").output();
    let said = run.expect("the binary");
    assert!(!said.status.success());
    assert!(String::from_utf8_lossy(&said.stderr).contains("--console"), "{said:?}");
}

#[test]
fn systemd_takes_the_packaged_units_and_their_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut units = Vec::new();
    for name in ["causeway.service", "causeway-agent.service"] {
        let unit = std::fs::read_to_string(packaged("systemd").join(name)).expect("the unit");
        let path = folder.path().join(name);
        std::fs::write(&path, unit.replace("/usr/bin/causeway", env!("CARGO_BIN_EXE_causeway"))).expect("written");
        units.push(path);
    }
    // Where systemd is not installed its tools have nothing to say.
    let Ok(verified) = Command::new("systemd-analyze").arg("verify").args(&units).output() else { return };
    assert!(verified.status.success() && verified.stderr.is_empty(), "{verified:?}");
    let user = Command::new("systemd-sysusers")
        .arg("--dry-run")
        .arg(packaged("sysusers.d/causeway.conf"))
        .output()
        .expect("installed with systemd-analyze");
    let said = String::from_utf8_lossy(&user.stderr);
    assert!(user.status.success() && !said.contains("ignoring"), "{said}");
}

//! What an operator installs beside the binary, and does with it from a shell.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

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

fn user_create(arguments: &[&str], data: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CAUSEWAY_")) {
        command.env_remove(name);
    }
    command.args(["user", "create", "--email", "ingrid@example.com", "--password-stdin"]).args(arguments);
    command.args(data.into_iter().flat_map(|data| ["--data".as_ref(), data.as_os_str()]));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
    child.stdin.take().expect("piped").write_all(b"correct horse battery staple").expect("the password");
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_person_is_made_in_the_database_that_the_settings_file_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("a data folder");
    let settings = folder.path().join("causeway.toml");
    fs::write(&settings, format!("data = {data:?}\n")).expect("written");
    let made = user_create(&["--config", settings.to_str().expect("text")], None);
    assert!(made.status.success(), "{made:?}");
    assert!(data.join("causeway.db").exists());
}

#[test]
fn a_person_is_not_made_in_a_data_folder_that_is_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("misspelled");
    let refused = user_create(&[], Some(&data));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("does not exist"), "{said}");
    assert!(!data.exists(), "nothing was made");
}

#[test]
fn root_makes_no_database_in_somebody_elses_data_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    if std::os::unix::fs::chown(folder.path(), Some(12_345), None).is_err() {
        return; // Not root: the folder could not be written to at all.
    }
    let refused = user_create(&[], Some(folder.path()));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("Start the console once"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0, "nothing was made");
}

fn lab_down(dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_causeway")).args(["lab", "down", "--dir"]).arg(dir).output().expect("the binary")
}

#[test]
fn a_folder_that_no_lab_made_is_not_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("thesis.txt");
    fs::write(&own, "years of work").expect("written");
    let refused = lab_down(folder.path());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("is no lab's folder"), "{said}");
    assert!(own.exists());
}

#[test]
fn of_a_labs_folder_only_what_the_lab_made_is_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let lab = folder.path().join("lab");
    fs::create_dir_all(lab.join("state/agent")).expect("a state folder");
    for own in [".causeway-lab", "lab.log", "agent-gw-alpha.log", "laptop.conf", "state/agent/key", "state/gw.token"] {
        fs::write(lab.join(own), "").expect("written");
    }
    fs::write(lab.join("notes.txt"), "mine").expect("written");
    assert!(lab_down(&lab).status.success());
    let left: Vec<_> = fs::read_dir(&lab).expect("it stays").map(|entry| entry.expect("a name").file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
    fs::remove_file(lab.join("notes.txt")).expect("removed");
    fs::write(lab.join(".causeway-lab"), "").expect("written");
    assert!(lab_down(&lab).status.success());
    assert!(!lab.exists());
    assert!(lab_down(&lab).status.success(), "no lab is what was asked for");
}

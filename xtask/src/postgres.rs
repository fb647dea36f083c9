//! A PostgreSQL server for one test run: its own data, a free loopback port, nothing left behind.
//!
//! A watching shell owns the server and waits for its standard input to close. However xtask ends (done, failed,
//! interrupted, killed), the pipe closes and the shell stops the server and removes its folder.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::command::{command, find, is_root};

pub struct Postgres {
    watcher: Child,
    url: String,
}

/// Arguments: the programs' folder, the data's parent folder, the port. Says `ready`, or what went wrong.
const WATCHER: &str = r#"
trap '' INT TERM HUP
bin=$1 folder=$2 port=$3
as_owner() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
finish() { as_owner "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1; rm -rf "$folder"; }
[ "$(id -u)" = 0 ] && chown postgres "$folder"
cd "$folder"
if as_owner "$bin/initdb" -D "$folder/data" -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync >"$folder/log" 2>&1 &&
   as_owner "$bin/pg_ctl" -D "$folder/data" -l "$folder/server.log" -w -t 60 \
     -o "-p $port -k $folder -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300" start >>"$folder/log" 2>&1
then echo ready; else cat "$folder/log" "$folder/server.log" 2>/dev/null | tail -n 20; fi
exec >/dev/null 2>&1
read -r _
finish
"#;

impl Postgres {
    pub fn start() -> Result<Self> {
        let programs = programs().context("PostgreSQL is not installed")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = std::env::temp_dir().join(format!("causeway-postgres-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let mut shell = command("sh");
        shell.args(["-c", WATCHER, "watcher"]).arg(&programs).arg(&folder).arg(port.to_string());
        // A process group of its own: Ctrl-C is for xtask, the watcher notices by its closed pipe.
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut watcher = shell.spawn().context("starting the watcher of PostgreSQL")?;
        let stdout = watcher.stdout.take().expect("standard output is piped");
        let said: Vec<String> = BufReader::new(stdout).lines().map_while(Result::ok).collect();
        let server = Self { watcher, url: format!("postgres://postgres@127.0.0.1:{port}/postgres") };
        if said != ["ready"] {
            bail!("PostgreSQL did not start: {}", said.join("\n"));
        }
        Ok(server)
    }

    /// Where a test may create databases of its own.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        _ = self.watcher.wait();
    }
}

/// The folder with `initdb` and `pg_ctl`: Debian's newest, else what the PATH has.
pub fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions
        .map(|version| version.path().join("bin"))
        .filter(|folder| folder.join("initdb").is_file())
        .max_by_key(|folder| version_of(folder));
    let usable = !is_root() || find("runuser").is_some();
    debian.or_else(|| Some(find("initdb")?.parent()?.to_owned())).filter(|_| usable)
}

fn version_of(folder: &Path) -> u32 {
    let version = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    version.and_then(|name| name.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::succeeds;

    #[test]
    fn a_server_answers_while_it_is_held_and_leaves_nothing() {
        let Some(programs) = programs() else { return eprintln!("skipped: PostgreSQL is not installed") };
        let server = Postgres::start().unwrap();
        let url = server.url().to_owned();
        let answers = || succeeds(command(programs.join("pg_isready")).args(["--dbname", &url]));
        assert!(answers());
        drop(server);
        assert!(!answers());
        assert!(!std::env::temp_dir().join(format!("causeway-postgres-{}", std::process::id())).exists());
    }
}

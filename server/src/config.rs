//! Every setting of the console: from the command line, else the environment (`CAUSEWAY_*`), else one TOML file, else the default.
//!
//! Whatever cannot work is refused here, before anything is opened, with a sentence that
//! names the setting. `causeway.example.toml` documents each.

mod clouds;
mod file;
mod public_url;
mod secret;

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use app::domain::{CloudName, location::Location, service::route::Zone, support::Support};
use ipnet::IpNet;

pub use self::{
    clouds::{CloudArguments, Clouds},
    file::{DEFAULT_DATA, File},
    public_url::PublicUrl,
    secret::{Hidden, master_key, write_private},
};
use crate::{listen::Listen, rotation::Keys};

/// `causeway serve`: what may be given on the command line or in the environment.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ServeArguments {
    /// The settings file; causeway.example.toml documents every setting
    #[arg(long, env = "CAUSEWAY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to listen: 127.0.0.1:3000 (http, loopback only), https://ADDRESS:PORT or unix:PATH (agents); repeatable
    #[arg(long, env = "CAUSEWAY_LISTEN", value_delimiter = ',', value_name = "ADDRESS")]
    pub listen: Vec<Listen>,
    #[command(flatten)]
    pub database: DatabaseArguments,
    /// The address by which people and agents reach this console, such as https://console.example.com
    #[arg(long, env = "CAUSEWAY_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Where people turn for help: a web address or an e-mail address
    #[arg(long, env = "CAUSEWAY_SUPPORT", value_name = "ADDRESS")]
    pub support: Option<String>,
    /// The domain below which services have their host names
    #[arg(long, env = "CAUSEWAY_SERVICES_DOMAIN", value_name = "DOMAIN")]
    pub services_domain: Option<String>,
    /// PEM file of the certificate chain; without it https listeners use a self-signed certificate that is kept in the data folder
    #[arg(long, env = "CAUSEWAY_TLS_CERTIFICATE", value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of the certificate's private key
    #[arg(long, env = "CAUSEWAY_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Further host names that a browser may use for this console
    #[arg(long, env = "CAUSEWAY_HOST_NAMES", value_delimiter = ',', value_name = "NAME")]
    pub host_names: Vec<String>,
    /// Reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, as addresses or ranges
    #[arg(long, env = "CAUSEWAY_TRUSTED_PROXIES", value_delimiter = ',', value_name = "RANGE")]
    pub trusted_proxies: Vec<String>,
    #[command(flatten)]
    pub log: LogArguments,
    /// Where VPCs can be: NAME=LABEL, or NAME=LABEL:no-gateway where none may have a VPN gateway
    #[arg(long, env = "CAUSEWAY_LOCATIONS", value_delimiter = ',', value_name = "LOCATION")]
    pub locations: Vec<String>,
    /// Seconds after which a silent agent is an error
    #[arg(long, env = "CAUSEWAY_AGENT_SILENT_AFTER", value_name = "SECONDS")]
    pub agent_silent_after: Option<u64>,
    /// Seconds without a request after which a session ends
    #[arg(long, env = "CAUSEWAY_SESSION_IDLE", value_name = "SECONDS")]
    pub session_idle: Option<u64>,
    /// Seconds after which a session ends in any case
    #[arg(long, env = "CAUSEWAY_SESSION_LIFETIME", value_name = "SECONDS")]
    pub session_lifetime: Option<u64>,
    /// Days that the event log reaches back; 0 keeps it for ever
    #[arg(long, env = "CAUSEWAY_CHANGES_KEEP_DAYS", value_name = "DAYS")]
    pub changes_keep_days: Option<u32>,
    /// A listener of their own for the Prometheus figures, such as 127.0.0.1:9090
    #[arg(long, env = "CAUSEWAY_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,
    #[command(flatten)]
    pub clouds: CloudArguments,
}

/// Where the data is: for every command that opens the database.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct DatabaseArguments {
    /// The data folder: database, master key, certificate, agents' socket
    #[arg(long, env = "CAUSEWAY_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// postgres://… or sqlite:PATH; without it SQLite in the data folder. Give one with a password by CAUSEWAY_DATABASE_URL
    #[arg(long, env = "CAUSEWAY_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
}

/// Which database a command besides `serve` works on.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct StoreArguments {
    /// The console's settings file
    #[arg(long, env = "CAUSEWAY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub database: DatabaseArguments,
}

#[derive(Clone, Debug, Default, clap::Args)]
pub struct LogArguments {
    /// Readable lines or one JSON object per line
    #[arg(long, env = "CAUSEWAY_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// Which messages, such as info or info,server::http=debug
    #[arg(long, env = "CAUSEWAY_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The settings as they hold.
#[derive(Clone, Debug)]
pub struct Config {
    /// Absolute; exists and may be written to.
    pub data: PathBuf,
    pub database_url: Hidden<String>,
    /// At least one for browsers, and a unix socket for agents.
    pub listen: Vec<Listen>,
    pub public_url: Option<PublicUrl>,
    pub support: Option<Support>,
    pub services_domain: Zone,
    /// The operator's own certificate and key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    pub host_names: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
    pub log: Log,
    /// Never empty.
    pub locations: Vec<Location>,
    pub agent_silent_after: Duration,
    pub session: SessionLifetimes,
    /// How far back the event log reaches; 0: for ever.
    pub changes_keep_days: u32,
    pub metrics_listen: Option<SocketAddr>,
    pub metrics_token: Option<Hidden<String>>,
    /// `None`: a file in the data folder.
    pub master_key: Option<Hidden<String>>,
    pub clouds: Clouds,
}

#[derive(Clone, Debug)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLifetimes {
    /// Since the last request.
    pub idle: Duration,
    /// Since sign-in.
    pub absolute: Duration,
}

impl Default for SessionLifetimes {
    fn default() -> Self {
        Self { idle: Duration::from_secs(SESSION_IDLE), absolute: Duration::from_secs(SESSION_LIFETIME) }
    }
}

const SILENT_AFTER: u64 = 300;
const SESSION_IDLE: u64 = 12 * 3600;
const SESSION_LIFETIME: u64 = 7 * 86_400;
/// A year and a month: what happened at this time last year can still be looked up.
const CHANGES_KEEP_DAYS: u32 = 400;
/// Everything at info, the database driver's and the connections' chatter left out.
pub const LOG_FILTER: &str = "info,sqlx=warn,hyper=warn,h2=warn,rustls=warn";

impl Config {
    /// Reads the file that the arguments name, merges and checks. Makes the data folder.
    ///
    /// # Errors
    /// In a sentence that names the setting.
    pub fn load(arguments: ServeArguments) -> Result<Self> {
        let file = match &arguments.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        Self::merge(arguments, file)
    }

    fn merge(arguments: ServeArguments, file: File) -> Result<Self> {
        let data = data_folder(arguments.database.data.or(file.data))?;
        let database_url = database_url(arguments.database.database_url.or(file.database_url.map(|url| url.0)), &data)?;
        let listen =
            with_an_agents_door(first(arguments.listen, file.listen), runtime_folder().as_deref().unwrap_or(&data))?;
        let public_url = arguments.public_url.or(file.public_url).as_deref().map(PublicUrl::parse).transpose()?;
        let support = arguments.support.or(file.support).as_deref().map(support).transpose()?;
        let services_domain = arguments.services_domain.or(file.services_domain).as_deref().map(zone).transpose()?;
        let certificate = match (arguments.tls_certificate.or(file.tls.certificate), arguments.tls_key.or(file.tls.key))
        {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => bail!("tls.certificate and tls.key go together: set both, or neither for a self-signed certificate."),
        };
        let trusted_proxies = first(arguments.trusted_proxies, file.trusted_proxies)
            .iter()
            .map(|text| {
                range(text).with_context(|| format!("trusted_proxies: {text} is neither an address nor a range"))
            })
            .collect::<Result<_>>()?;
        let locations = if arguments.locations.is_empty() {
            file.locations.into_iter().map(file::Place::into_location).collect::<Result<Vec<_>>>()?
        } else {
            arguments.locations.iter().map(|text| place(text)).collect::<Result<Vec<_>>>()?
        };
        let seconds = |argument: Option<u64>, file: Option<u64>, default| argument.or(file).unwrap_or(default);
        let session = SessionLifetimes {
            idle: at_least("session.idle", 60, seconds(arguments.session_idle, file.session.idle, SESSION_IDLE))?,
            absolute: at_least(
                "session.lifetime",
                60,
                seconds(arguments.session_lifetime, file.session.lifetime, SESSION_LIFETIME),
            )?,
        };
        let silent_after = seconds(arguments.agent_silent_after, file.agent.silent_after, SILENT_AFTER);
        Ok(Self {
            database_url: Hidden(database_url),
            listen,
            public_url,
            support,
            services_domain: services_domain.unwrap_or_default(),
            certificate,
            host_names: first(arguments.host_names, file.host_names)
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
            trusted_proxies,
            log: Log {
                format: arguments.log.log_format.or(file.log.format).unwrap_or_default(),
                filter: arguments.log.log.or(file.log.filter).unwrap_or_else(|| LOG_FILTER.to_owned()),
            },
            locations: if locations.is_empty() { vec![default_location()] } else { locations },
            agent_silent_after: at_least("agent.silent_after", 10, silent_after)?,
            session,
            changes_keep_days: arguments.changes_keep_days.or(file.changes.keep_days).unwrap_or(CHANGES_KEEP_DAYS),
            metrics_listen: arguments.metrics_listen.or(file.metrics.listen),
            metrics_token: secret::from_environment("CAUSEWAY_METRICS_TOKEN").or(file.metrics.token),
            master_key: secret::from_environment("CAUSEWAY_MASTER_KEY").or(file.master_key),
            clouds: Clouds::merge(
                arguments.clouds,
                clouds::Sections {
                    reconcile: file.reconcile,
                    http: file.http,
                    aws: file.aws,
                    gcp: file.gcp,
                    azure: file.azure,
                    upcloud: file.upcloud,
                    lookalike: file.lookalike,
                },
            )?,
            data,
        })
    }

    /// What a command besides `serve` needs: the console's database. Makes no folder, and no database that the console's user
    /// could not open.
    ///
    /// # Errors
    /// In a sentence that names the setting.
    pub fn database(arguments: StoreArguments) -> Result<Hidden<String>> {
        let file = match &arguments.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        let data = arguments.database.data.or(file.data).unwrap_or_else(|| DEFAULT_DATA.into());
        let data = std::path::absolute(&data).with_context(|| format!("{} is no path", data.display()))?;
        let url = database_url(arguments.database.database_url.or(file.database_url.map(|url| url.0)), &data)?;
        if let Some(path) = url.strip_prefix("sqlite:") {
            is_the_consoles(Path::new(path.split('?').next().unwrap_or(path)))?;
        }
        Ok(Hidden(url))
    }

    /// Where the master key is for a command that works on the console's database; and that database.
    ///
    /// # Errors
    /// In a sentence that names the setting.
    pub fn keys_of(arguments: StoreArguments) -> Result<(Hidden<String>, Keys)> {
        let file = match &arguments.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        let data = arguments.database.data.clone().or(file.data).unwrap_or_else(|| DEFAULT_DATA.into());
        let data = std::path::absolute(&data).with_context(|| format!("{} is no path", data.display()))?;
        let given = secret::from_environment("CAUSEWAY_MASTER_KEY").or(file.master_key);
        let keys = Keys { data, given, next: secret::from_environment("CAUSEWAY_NEW_MASTER_KEY") };
        Ok((Self::database(arguments)?, keys))
    }

    /// Where the master key is.
    pub fn keys(&self) -> Keys {
        let next = secret::from_environment("CAUSEWAY_NEW_MASTER_KEY");
        Keys { data: self.data.clone(), given: self.master_key.clone(), next }
    }

    /// The address that people are given: the public one, else the first that a browser can use.
    pub fn browser_address(&self) -> String {
        if let Some(url) = &self.public_url {
            return url.as_str().to_owned();
        }
        self.listen.iter().find_map(Listen::browser_address).unwrap_or_default()
    }
}

fn first<T>(arguments: Vec<T>, file: Vec<T>) -> Vec<T> {
    if arguments.is_empty() { file } else { arguments }
}

fn at_least(name: &str, least: u64, seconds: u64) -> Result<Duration> {
    ensure!(seconds >= least, "{name} must be at least {least} seconds, not {seconds}.");
    Ok(Duration::from_secs(seconds))
}

/// Refuses a database file that would be made here in the console's stead.
fn is_the_consoles(database: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    const ELSEWHERE: &str =
        "If the console keeps its data elsewhere, name its settings file by --config or its folder by --data.";
    let folder = database.parent().unwrap_or(database);
    let found = std::fs::metadata(folder)
        .with_context(|| format!("The data folder {} does not exist. {ELSEWHERE}", folder.display()))?;
    ensure!(
        database.exists() || found.uid() == rustix::process::geteuid().as_raw(),
        "There is no database in {} yet, and one made by this user would be closed to the console. Start the console once. {ELSEWHERE}",
        folder.display()
    );
    Ok(())
}

fn data_folder(given: Option<PathBuf>) -> Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;

    let given = given.unwrap_or_else(|| DEFAULT_DATA.into());
    let data = std::path::absolute(&given).with_context(|| format!("{} is no path", given.display()))?;
    if !data.is_dir() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&data).with_context(|| {
            format!(
                "The data folder {} cannot be made. Choose another by --data, or make it for this user",
                data.display()
            )
        })?;
    }
    let writable = rustix::fs::access(
        &data,
        rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK,
    );
    writable.with_context(|| {
        format!(
            "The data folder {} cannot be written to. Choose another by --data, or give it to this user",
            data.display()
        )
    })?;
    Ok(data)
}

fn database_url(given: Option<String>, data: &Path) -> Result<String> {
    let Some(url) = given else { return Ok(format!("sqlite:{}?mode=rwc", data.join("causeway.db").display())) };
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(url);
    }
    let Some(path) = url.strip_prefix("sqlite:") else {
        bail!("database_url must start with postgres:// or sqlite:");
    };
    ensure!(!path.contains(":memory:"), "database_url: a database in memory is lost with the process; give a path.");
    Ok(if path.contains('?') { url } else { format!("{url}?mode=rwc") })
}

/// What systemd made for the packaged unit: unlike the data folder, the console's group may enter it.
fn runtime_folder() -> Option<PathBuf> {
    let folders = std::env::var_os("RUNTIME_DIRECTORY")?;
    std::env::split_paths(&folders).find(|folder| folder.ends_with("causeway"))
}

/// Adds the default listeners: a socket in a folder of ours for agents on this machine, unless there is one elsewhere.
fn with_an_agents_door(mut listen: Vec<Listen>, folder: &Path) -> Result<Vec<Listen>> {
    if listen.is_empty() {
        listen.push(Listen::default());
    }
    ensure!(
        listen.iter().any(Listen::is_for_browsers),
        "No listener is for browsers: add one such as --listen 127.0.0.1:3000."
    );
    if !listen.iter().any(|listen| matches!(listen, Listen::Unix(_))) {
        listen.push(Listen::Unix(folder.join("agent.sock")));
    }
    Ok(listen)
}

fn zone(text: &str) -> Result<Zone> {
    text.parse().with_context(|| format!("services_domain: {text} is no domain"))
}

fn support(text: &str) -> Result<Support> {
    text.parse().with_context(|| format!("support: {text} is no address that people can turn to"))
}

fn range(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn default_location() -> Location {
    Location { cloud: CloudName::default_local(), label: "Default location".to_owned(), vpn_gateway_enabled: true }
}

/// `NAME=LABEL[:no-gateway]`.
fn place(text: &str) -> Result<Location> {
    let (name, label) =
        text.split_once('=').with_context(|| format!("locations: write {text} as NAME=LABEL, such as oslo=Oslo"))?;
    let (label, gateway) = label.strip_suffix(":no-gateway").map_or((label, true), |label| (label, false));
    file::Place { name: name.trim().to_owned(), label: label.trim().to_owned(), vpn_gateway: gateway }.into_location()
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;

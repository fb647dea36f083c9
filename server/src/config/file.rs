//! The settings file. A key that is not known is refused: a misspelled setting must not be a silent default.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result, ensure};
use app::domain::location::Location;
use serde::Deserialize;

use super::{Hidden, LogFormat, clouds};
use crate::listen::Listen;

pub const DEFAULT_DATA: &str = "/var/lib/causeway";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    pub data: Option<PathBuf>,
    pub database_url: Option<Hidden<String>>,
    pub listen: Vec<Listen>,
    pub public_url: Option<String>,
    pub support: Option<String>,
    pub services_domain: Option<String>,
    pub host_names: Vec<String>,
    pub trusted_proxies: Vec<String>,
    pub master_key: Option<Hidden<String>>,
    pub tls: Tls,
    pub log: Log,
    pub agent: Agent,
    pub session: Session,
    pub changes: Changes,
    pub metrics: Metrics,
    pub locations: Vec<Place>,
    pub reconcile: clouds::Reconcile,
    pub http: clouds::Http,
    pub aws: clouds::Aws,
    pub gcp: clouds::Gcp,
    pub azure: clouds::Azure,
    pub upcloud: clouds::UpCloud,
    pub lookalike: clouds::Lookalike,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub format: Option<LogFormat>,
    pub filter: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Agent {
    pub silent_after: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Session {
    pub idle: Option<u64>,
    pub lifetime: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Changes {
    pub keep_days: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    pub listen: Option<SocketAddr>,
    pub token: Option<Hidden<String>>,
}

/// A location of the operator's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub name: String,
    pub label: String,
    #[serde(default = "yes")]
    pub vpn_gateway: bool,
}

fn yes() -> bool {
    true
}

impl Place {
    pub fn into_location(self) -> Result<Location> {
        let cloud = format!("local-{}", self.name).parse();
        let cloud = cloud.ok().with_context(|| {
            format!(
                "locations: {:?} cannot be a name; use lower-case letters, digits and hyphens, at most 58",
                self.name
            )
        })?;
        ensure!(!self.label.is_empty(), "locations: {} needs a label, which people see.", self.name);
        Ok(Location { cloud, label: self.label, vpn_gateway_enabled: self.vpn_gateway })
    }
}

impl File {
    /// # Errors
    /// In a sentence, if it cannot be read or has a key that is no setting.
    pub fn read(path: &std::path::Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("The settings file {} cannot be read", path.display()))?;
        // The parser's own message quotes the line, and a line may hold a secret.
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].lines().count().max(1));
            let place = line.map_or_else(String::new, |line| format!(", line {line}"));
            anyhow::anyhow!("The settings file {}{place}: {}", path.display(), error.message())
        })
    }

    /// Whether every setting is set; for the test of the example file.
    #[cfg(test)]
    pub fn is_complete(&self) -> bool {
        let Self {
            data,
            database_url,
            listen,
            public_url,
            support,
            services_domain,
            host_names,
            trusted_proxies,
            master_key,
            tls,
            log,
            agent,
            session,
            changes,
            metrics,
            locations,
            reconcile,
            http,
            aws,
            gcp,
            azure,
            upcloud,
            lookalike,
        } = self;
        let Tls { certificate, key } = tls;
        let Log { format, filter } = log;
        let Metrics { listen: metrics_listen, token } = metrics;
        data.is_some()
            && database_url.is_some()
            && !listen.is_empty()
            && public_url.is_some()
            && support.is_some()
            && services_domain.is_some()
            && !host_names.is_empty()
            && !trusted_proxies.is_empty()
            && master_key.is_some()
            && certificate.is_some()
            && key.is_some()
            && format.is_some()
            && filter.is_some()
            && agent.silent_after.is_some()
            && session.idle.is_some()
            && session.lifetime.is_some()
            && changes.keep_days.is_some()
            && metrics_listen.is_some()
            && token.is_some()
            && !locations.is_empty()
            && reconcile.interval_ms.is_some()
            && http.max_attempts.is_some()
            && aws.ec2_endpoint.is_some()
            && aws.sts_endpoint.is_some()
            && aws.ram_endpoint.is_some()
            && aws.elb_endpoint.is_some()
            && gcp.endpoint.is_some()
            && azure.endpoint.is_some()
            && azure.authority.is_some()
            && azure.graph.is_some()
            && upcloud.endpoint.is_some()
            && lookalike.enabled.is_some()
            && lookalike.delay_ms.is_some()
    }
}

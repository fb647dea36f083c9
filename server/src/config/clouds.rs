//! How the console calls the clouds, and how the look-alikes behave that answer where there is no account.

use std::{ops::RangeInclusive, time::Duration};

use anyhow::{Result, ensure};
use serde::Deserialize;
use url::Url;

#[derive(Clone, Debug, Default, clap::Args)]
pub struct CloudArguments {
    /// Milliseconds between two looks at a peering connection, at most; 200 or more. Without it each state has its own time
    #[arg(long, env = "CAUSEWAY_RECONCILE_INTERVAL_MS", value_name = "MILLISECONDS")]
    pub reconcile_interval_ms: Option<u64>,
    /// How often one request to a cloud is sent at most
    #[arg(long, env = "CAUSEWAY_HTTP_MAX_ATTEMPTS", value_name = "NUMBER")]
    pub http_max_attempts: Option<u32>,
    /// Where EC2 is asked instead of at AWS
    #[arg(long, env = "CAUSEWAY_AWS_EC2_ENDPOINT", value_name = "URL")]
    pub aws_ec2_endpoint: Option<Url>,
    /// Where STS is asked instead of at AWS
    #[arg(long, env = "CAUSEWAY_AWS_STS_ENDPOINT", value_name = "URL")]
    pub aws_sts_endpoint: Option<Url>,
    /// Where RAM is asked instead of at AWS
    #[arg(long, env = "CAUSEWAY_AWS_RAM_ENDPOINT", value_name = "URL")]
    pub aws_ram_endpoint: Option<Url>,
    /// Where Elastic Load Balancing is asked instead of at AWS
    #[arg(long, env = "CAUSEWAY_AWS_ELB_ENDPOINT", value_name = "URL")]
    pub aws_elb_endpoint: Option<Url>,
    /// Where Compute Engine is asked instead of at Google
    #[arg(long, env = "CAUSEWAY_GCP_ENDPOINT", value_name = "URL")]
    pub gcp_endpoint: Option<Url>,
    /// Where Azure Resource Manager is asked instead of at Azure
    #[arg(long, env = "CAUSEWAY_AZURE_ENDPOINT", value_name = "URL")]
    pub azure_endpoint: Option<Url>,
    /// Where Azure's tokens are fetched instead of at Microsoft Entra ID
    #[arg(long, env = "CAUSEWAY_AZURE_AUTHORITY", value_name = "URL")]
    pub azure_authority: Option<Url>,
    /// Where Microsoft Graph is asked instead of at Microsoft
    #[arg(long, env = "CAUSEWAY_AZURE_GRAPH", value_name = "URL")]
    pub azure_graph: Option<Url>,
    /// Where UpCloud is asked instead of at UpCloud, with the API's version
    #[arg(long, env = "CAUSEWAY_UPCLOUD_ENDPOINT", value_name = "URL")]
    pub upcloud_endpoint: Option<Url>,
    /// Whether simulated clouds on loopback answer where there is no account
    #[arg(long, env = "CAUSEWAY_LOOKALIKE", value_name = "true|false")]
    pub lookalike: Option<bool>,
    /// How many milliseconds a change takes in the simulated clouds, as FROM-TO
    #[arg(long, env = "CAUSEWAY_LOOKALIKE_DELAY_MS", value_name = "RANGE", value_parser = range)]
    pub lookalike_delay_ms: Option<(u64, u64)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reconcile {
    pub interval_ms: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    pub max_attempts: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Aws {
    pub ec2_endpoint: Option<Url>,
    pub sts_endpoint: Option<Url>,
    pub ram_endpoint: Option<Url>,
    pub elb_endpoint: Option<Url>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gcp {
    pub endpoint: Option<Url>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Azure {
    pub endpoint: Option<Url>,
    pub authority: Option<Url>,
    pub graph: Option<Url>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpCloud {
    pub endpoint: Option<Url>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lookalike {
    pub enabled: Option<bool>,
    /// From and to.
    pub delay_ms: Option<(u64, u64)>,
}

/// The sections of the settings file.
#[derive(Debug, Default)]
pub struct Sections {
    pub reconcile: Reconcile,
    pub http: Http,
    pub aws: Aws,
    pub gcp: Gcp,
    pub azure: Azure,
    pub upcloud: UpCloud,
    pub lookalike: Lookalike,
}

/// The settings as they hold.
#[derive(Clone, Debug)]
pub struct Clouds {
    /// The longest time between two looks at what lives; `None`: each state has its own.
    pub interval: Option<Duration>,
    pub max_attempts: u32,
    /// `None`: the vendors' own.
    pub aws_ec2: Option<Url>,
    pub aws_sts: Option<Url>,
    pub aws_ram: Option<Url>,
    pub aws_elb: Option<Url>,
    pub gcp: Option<Url>,
    pub azure: Option<Url>,
    pub azure_authority: Option<Url>,
    pub azure_graph: Option<Url>,
    pub upcloud: Option<Url>,
    /// How long things take in the simulated clouds; `None`: there are none.
    pub lookalike: Option<RangeInclusive<Duration>>,
}

const MAX_ATTEMPTS: u32 = 5;
const LEAST_INTERVAL: u64 = 200;
/// How long changes take in the simulated clouds, in milliseconds: about as long as in real ones.
const DELAY: (u64, u64) = (2_000, 15_000);

impl Clouds {
    /// # Errors
    /// In a sentence that names the setting.
    pub fn merge(arguments: CloudArguments, file: Sections) -> Result<Self> {
        let interval = arguments.reconcile_interval_ms.or(file.reconcile.interval_ms);
        ensure!(
            interval.is_none_or(|interval| interval >= LEAST_INTERVAL),
            "reconcile.interval_ms must be at least {LEAST_INTERVAL}, not {}: clouds refuse who asks without pause.",
            interval.unwrap_or_default()
        );
        let max_attempts = arguments.http_max_attempts.or(file.http.max_attempts).unwrap_or(MAX_ATTEMPTS);
        ensure!((1..=20).contains(&max_attempts), "http.max_attempts must be between 1 and 20, not {max_attempts}.");
        let (from, to) = arguments.lookalike_delay_ms.or(file.lookalike.delay_ms).unwrap_or(DELAY);
        ensure!(
            from <= to,
            "lookalike.delay_ms must be written as the shortest and the longest time, not {from}, {to}."
        );
        let enabled = arguments.lookalike.or(file.lookalike.enabled).unwrap_or(true);
        let clouds = Self {
            interval: interval.map(Duration::from_millis),
            max_attempts,
            aws_ec2: arguments.aws_ec2_endpoint.or(file.aws.ec2_endpoint),
            aws_sts: arguments.aws_sts_endpoint.or(file.aws.sts_endpoint),
            aws_ram: arguments.aws_ram_endpoint.or(file.aws.ram_endpoint),
            aws_elb: arguments.aws_elb_endpoint.or(file.aws.elb_endpoint),
            gcp: arguments.gcp_endpoint.or(file.gcp.endpoint),
            azure: arguments.azure_endpoint.or(file.azure.endpoint),
            azure_authority: arguments.azure_authority.or(file.azure.authority),
            azure_graph: arguments.azure_graph.or(file.azure.graph),
            upcloud: arguments.upcloud_endpoint.or(file.upcloud.endpoint),
            lookalike: enabled.then(|| Duration::from_millis(from)..=Duration::from_millis(to)),
        };
        for (name, url) in [
            ("aws.ec2_endpoint", &clouds.aws_ec2),
            ("aws.sts_endpoint", &clouds.aws_sts),
            ("aws.ram_endpoint", &clouds.aws_ram),
            ("aws.elb_endpoint", &clouds.aws_elb),
            ("gcp.endpoint", &clouds.gcp),
            ("azure.endpoint", &clouds.azure),
            ("azure.authority", &clouds.azure_authority),
            ("azure.graph", &clouds.azure_graph),
            ("upcloud.endpoint", &clouds.upcloud),
        ] {
            if let Some(url) = url {
                endpoint(name, url)?;
            }
        }
        Ok(clouds)
    }
}

/// Credentials are sent there.
fn endpoint(name: &str, url: &Url) -> Result<()> {
    let loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    ensure!(
        url.scheme() == "https" || (url.scheme() == "http" && loopback),
        "{name} must be an https address; plain http is for loopback only, because credentials are sent there."
    );
    ensure!(
        url.username().is_empty() && url.password().is_none(),
        "{name} must not hold a password: credentials belong to the cloud account."
    );
    Ok(())
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let wrong = || format!("write the delay as FROM-TO in milliseconds, such as 2000-15000, not {text}");
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    Ok((from.trim().parse().map_err(|_| wrong())?, to.trim().parse().map_err(|_| wrong())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(arguments: CloudArguments) -> String {
        Clouds::merge(arguments, Sections::default()).expect_err("refused").to_string()
    }

    #[test]
    fn clouds_are_the_vendors_own_and_simulated_ones_answer_where_there_is_no_account() {
        let clouds = Clouds::merge(CloudArguments::default(), Sections::default()).expect("defaults work");
        assert_eq!((clouds.aws_ec2, clouds.interval, clouds.max_attempts), (None, None, 5));
        assert_eq!(clouds.lookalike, Some(Duration::from_secs(2)..=Duration::from_secs(15)));
    }

    #[test]
    fn an_endpoint_that_would_send_credentials_readable_is_refused_by_the_name_of_its_setting() {
        let to =
            |url: &str| CloudArguments { gcp_endpoint: Some(url.parse().expect("a URL")), ..CloudArguments::default() };
        assert!(refused(to("http://compute.example.com")).contains("gcp.endpoint"));
        assert!(refused(to("https://me:secret@compute.example.com")).contains("gcp.endpoint"));
        assert!(Clouds::merge(to("http://127.0.0.1:4000"), Sections::default()).is_ok());
    }

    #[test]
    fn times_that_cannot_work_are_refused_by_the_name_of_the_setting() {
        let often = CloudArguments { reconcile_interval_ms: Some(100), ..CloudArguments::default() };
        assert!(refused(often).contains("reconcile.interval_ms"));
        let backwards = CloudArguments { lookalike_delay_ms: Some((5, 1)), ..CloudArguments::default() };
        assert!(refused(backwards).contains("lookalike.delay_ms"));
        assert_eq!(range("0-200"), Ok((0, 200)));
        assert!(range("200").is_err());
    }
}

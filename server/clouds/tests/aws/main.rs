//! The AWS driver on the wire: against moto, and through a gate that loses, delays and refuses.

mod addresses;
mod faults;
mod gate;
mod keeper;
mod links;
mod lookalike;
mod moto;
mod others;
mod reconciler;
mod secrets;

use clouds::{
    Secret,
    aws::{Aws, AwsAccount, AwsEndpoints, AwsKeys},
    http::Http,
};
use reqwest::Url;

const OURS: &str = "111122223333";
const THEIRS: &str = "444455556666";

/// For whoever is not the driver.
fn client() -> reqwest::Client {
    // Whoever comes first chooses; all choose the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

fn endpoints(base: &str) -> AwsEndpoints {
    let url = Url::parse(base).expect("an address of this machine is a URL");
    AwsEndpoints { ec2: Some(url.clone()), sts: Some(url.clone()), ram: Some(url.clone()), elb: Some(url) }
}

fn keys(access_key_id: &str, secret: &str) -> AwsKeys {
    AwsKeys::Given { access_key_id: access_key_id.into(), secret_access_key: Secret::new(secret), session_token: None }
}

fn account(keys: AwsKeys) -> AwsAccount {
    AwsAccount { keys, role: None, region: "eu-west-1".into() }
}

fn driver(account: AwsAccount, base: &str) -> Aws {
    Aws::new(account, endpoints(base), Http::new(3).expect("the system's certificates can be used"))
}

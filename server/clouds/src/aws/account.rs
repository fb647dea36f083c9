//! One AWS account as the operator configured it.

use reqwest::Url;

use crate::Secret;

/// Who the console is in AWS.
#[derive(Clone, Debug)]
pub struct AwsAccount {
    pub keys: AwsKeys,
    /// Taken on with the keys, by STS.
    pub role: Option<AwsRole>,
    /// Where STS is asked; a regional endpoint gives tokens that are good in every region.
    pub region: String,
}

#[derive(Clone, Debug)]
pub enum AwsKeys {
    Given {
        access_key_id: String,
        secret_access_key: Secret,
        session_token: Option<Secret>,
    },
    /// What the SDKs look for: environment, profile, web identity, container, instance.
    Environment,
}

#[derive(Clone, Debug)]
pub struct AwsRole {
    pub arn: String,
    pub external_id: Option<Secret>,
}

/// Where the services are, if not at AWS.
#[derive(Clone, Debug, Default)]
pub struct AwsEndpoints {
    pub ec2: Option<Url>,
    pub sts: Option<Url>,
    pub ram: Option<Url>,
    pub elb: Option<Url>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Ec2,
    Sts,
    Ram,
    /// Elastic Load Balancing, its second version.
    Elb,
}

impl Service {
    /// As a signature names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Sts => "sts",
            Self::Ram => "ram",
            Self::Elb => "elasticloadbalancing",
        }
    }
}

impl AwsEndpoints {
    /// Ends with a slash, so that a path can be joined to it. `None`: the region is no name of a host.
    pub(super) fn of(&self, service: Service, region: &str) -> Option<Url> {
        let given = match service {
            Service::Ec2 => &self.ec2,
            Service::Sts => &self.sts,
            Service::Ram => &self.ram,
            Service::Elb => &self.elb,
        };
        if let Some(url) = given {
            let mut url = url.clone();
            if !url.path().ends_with('/') {
                let path = format!("{}/", url.path());
                url.set_path(&path);
            }
            return Some(url);
        }
        let plain = !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        plain.then(|| Url::parse(&format!("https://{}.{region}.{domain}/", service.name())).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_the_regions_unless_another_is_set() {
        let mut endpoints = AwsEndpoints::default();
        let of = |endpoints: &AwsEndpoints, region| endpoints.of(Service::Ec2, region).map(String::from);
        assert_eq!(of(&endpoints, "eu-west-1").as_deref(), Some("https://ec2.eu-west-1.amazonaws.com/"));
        assert_eq!(of(&endpoints, "cn-north-1").as_deref(), Some("https://ec2.cn-north-1.amazonaws.com.cn/"));
        assert_eq!(of(&endpoints, "evil.example/"), None);
        endpoints.ec2 = Url::parse("http://127.0.0.1:9000/aws/ec2").ok();
        assert_eq!(of(&endpoints, "eu-west-1").as_deref(), Some("http://127.0.0.1:9000/aws/ec2/"));
    }

    #[test]
    fn an_account_prints_no_secret() {
        let account = AwsAccount {
            keys: AwsKeys::Given {
                access_key_id: "AKIAEXAMPLE".into(),
                secret_access_key: Secret::new("wJalrXUtnFEMI"),
                session_token: Some(Secret::new("FwoGZXIvYXdzE")),
            },
            role: Some(AwsRole {
                arn: "arn:aws:iam::111122223333:role/causeway".into(),
                external_id: Some(Secret::new("springfield")),
            }),
            region: "eu-west-1".into(),
        };
        let text = format!("{account:?}");
        for secret in ["wJalrXUtnFEMI", "FwoGZXIvYXdzE", "springfield"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

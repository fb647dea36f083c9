//! What shields public addresses from floods, and what encrypts packets on each way (domain 7, rows 61 and 62).
//!
//! Only what is so: a test of the server holds [`TLS_VERSIONS`], [`TLS_CIPHERS`] and [`TLS_KEY_EXCHANGE`] against the
//! console's own listeners, and what a cloud does by itself is told apart from what somebody has to buy.

use crate::domain::Provider;

/// What the console's https listeners speak, newest first.
pub const TLS_VERSIONS: [&str; 2] = ["TLS 1.3", "TLS 1.2"];
/// With which ciphers, and no others.
pub const TLS_CIPHERS: [&str; 2] = ["AES-256-GCM", "ChaCha20-Poly1305"];
/// How session keys are agreed on: always ephemeral.
pub const TLS_KEY_EXCHANGE: [&str; 3] = ["X25519", "P-256", "P-384"];

/// What a provider does against distributed denial of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shield {
    pub provider: Provider,
    pub product: &'static str,
    /// What is on without anybody asking.
    pub always: &'static str,
    /// What can be had besides.
    pub more: &'static str,
}

pub const SHIELDS: [Shield; 5] = [
    Shield {
        provider: Provider::Aws,
        product: "AWS Shield",
        always: "Shield Standard, for every account: common floods of the network and transport layers.",
        more: "Shield Advanced, per resource: detection tuned to it, a response team, costs of an attack credited.",
    },
    Shield {
        provider: Provider::Google,
        product: "Cloud Armor",
        always: "Volumetric floods of what stands behind an external load balancer.",
        more: "Cloud Armor Enterprise: the same for hosts with public addresses and passthrough load balancers.",
    },
    Shield {
        provider: Provider::Azure,
        product: "Azure DDoS Protection",
        always: "Infrastructure protection, free: it guards the platform and is not tuned to your addresses.",
        more: "Network Protection for a whole network, or IP Protection for one address: tuned, measured, alarmed.",
    },
    Shield {
        provider: Provider::UpCloud,
        product: "none that we know of",
        always: "What UpCloud's own network filters; its API has nothing to switch on. Ask its support before you need it.",
        more: "A filtering service in front, or no public address.",
    },
    Shield {
        provider: Provider::Local,
        product: "none",
        always: "Nothing: your own line is the limit.",
        more: "What your carrier offers.",
    },
];

/// Packets on a way, and what keeps them secret there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrecy {
    pub what: &'static str,
    pub how: String,
    /// Whether a key that is stolen later opens what was recorded before.
    pub forward: &'static str,
}

pub fn secrecy() -> Vec<Secrecy> {
    let secrecy = |what, how, forward| Secrecy { what, how, forward };
    vec![
        secrecy(
            "This console: people and agents",
            format!("{}, with {}", TLS_VERSIONS.join(" or "), TLS_CIPHERS.join(" or ")),
            "Perfect forward secrecy: ephemeral keys on X25519, P-256 or P-384",
        ),
        secrecy(
            "Tunnels of VPN gateways",
            "WireGuard: ChaCha20-Poly1305, keys on Curve25519, a preshared key in every VPC peering".to_owned(),
            "Perfect forward secrecy: new session keys every two minutes",
        ),
        secrecy(
            "VPC peering, Transit Gateway, PrivateLink",
            "None by Causeway: packets stay on the cloud's own network. Use TLS to the service".to_owned(),
            "As the service's TLS has it",
        ),
        secrecy(
            "Connections to a service",
            "The service's own TLS. Its certificate can be one of the project's CA, whose PEM is in the Settings"
                .to_owned(),
            "As the service's TLS has it; ask it for TLS 1.2 or later",
        ),
        secrecy(
            "Secrets in the database",
            "XChaCha20-Poly1305 (256 bits) under the master key. Private keys of gateways and people never come here"
                .to_owned(),
            "Does not apply",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_61_every_provider_says_what_shields_it() {
        let told: Vec<(Provider, &str)> = SHIELDS.iter().map(|shield| (shield.provider, shield.product)).collect();
        assert_eq!(told.iter().map(|(provider, _)| *provider).collect::<Vec<_>>(), Provider::ALL);
        assert_eq!(
            told[..3].iter().map(|(_, name)| *name).collect::<Vec<_>>(),
            ["AWS Shield", "Cloud Armor", "Azure DDoS Protection"]
        );
    }

    #[test]
    fn row_62_the_text_names_versions_ciphers_and_forward_secrecy() {
        let text: Vec<String> = secrecy().into_iter().map(|line| format!("{} {}", line.how, line.forward)).collect();
        for word in ["TLS 1.3 or TLS 1.2", "AES-256-GCM", "ChaCha20-Poly1305", "Perfect forward secrecy"] {
            assert!(text[0].contains(word), "{word} in {}", text[0]);
        }
        for group in TLS_KEY_EXCHANGE {
            assert!(text[0].contains(group), "{group} in {}", text[0]);
        }
        assert!(text[1].contains("WireGuard") && text[2].starts_with("None by Causeway"));
    }
}

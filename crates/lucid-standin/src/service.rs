//! The 27 services: where each one answers, which others it needs before it starts, and how long starting takes.

use std::time::Duration;

use Speaks::{Http, Redis, Silence};

/// What is heard on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http,
    /// Redis' protocol, as far as `PING` goes.
    Redis,
    /// Connections are taken and nothing is said.
    Silence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    /// The first is the one that its health is read from.
    pub(crate) ports: &'static [(u16, Speaks)],
    pub(crate) metrics: u16,
    pub(crate) health: &'static str,
    /// Names of services that must be there before this one is up.
    pub(crate) needs: &'static [&'static str],
    /// Everything but health and version is for those who bring a token.
    pub(crate) checks_tokens: bool,
    pub(crate) startup: Duration,
}

const fn service(name: &'static str, ports: &'static [(u16, Speaks)], needs: &'static [&'static str]) -> Service {
    let startup = Duration::from_millis(500);
    Service { name, ports, metrics: 9464, health: "/health", needs, checks_tokens: false, startup }
}

const fn with_tokens(service: Service) -> Service {
    Service { checks_tokens: true, ..service }
}

const fn asked_at(health: &'static str, service: Service) -> Service {
    Service { health, ..service }
}

const fn starts_in(millis: u64, service: Service) -> Service {
    Service { startup: Duration::from_millis(millis), ..service }
}

#[rustfmt::skip]
pub(crate) const SERVICES: [Service; 27] = [
    starts_in(1500, service("lucid-mongodb", &[(27017, Silence)], &[])),
    service("lucid-redis", &[(6379, Redis)], &[]),
    starts_in(3000, asked_at("/_cluster/health", service("lucid-elasticsearch", &[(9200, Http), (9300, Silence)], &[]))),
    asked_at("/v1/status/leader", service("lucid-service-mesh-controller", &[(8500, Http), (8501, Http), (8502, Silence)], &[])),
    with_tokens(service("lucid-auth-service", &[(8089, Http)], &["lucid-mongodb", "lucid-redis"])),
    with_tokens(service("lucid-api-gateway", &[(8080, Http), (8081, Http)], &["lucid-auth-service", "lucid-redis"])),
    service("lucid-blockchain-engine", &[(8084, Http)], &["lucid-mongodb", "lucid-redis"]),
    service("lucid-session-anchoring", &[(8085, Http)], &["lucid-blockchain-engine"]),
    service("lucid-block-manager", &[(8086, Http)], &["lucid-blockchain-engine"]),
    service("lucid-data-chain", &[(8087, Http)], &["lucid-blockchain-engine", "lucid-mongodb"]),
    service("lucid-session-storage", &[(8020, Http)], &["lucid-mongodb", "lucid-session-anchoring"]),
    service("lucid-session-pipeline", &[(8083, Http)], &["lucid-session-storage", "lucid-redis"]),
    service("lucid-session-recorder", &[(8090, Http)], &["lucid-session-pipeline"]),
    service("lucid-chunk-processor", &[(8010, Http)], &["lucid-session-pipeline"]),
    with_tokens(service("lucid-session-api", &[(8113, Http)], &["lucid-auth-service", "lucid-mongodb", "lucid-redis", "lucid-session-storage"])),
    service("lucid-rdp-server-manager", &[(8090, Http)], &["lucid-auth-service", "lucid-mongodb", "lucid-redis"]),
    service("lucid-rdp-xrdp", &[(3389, Silence), (3350, Silence), (8250, Http)], &["lucid-rdp-server-manager"]),
    service("lucid-rdp-controller", &[(8101, Http)], &["lucid-rdp-server-manager", "lucid-session-api"]),
    service("lucid-rdp-monitor", &[(8201, Http)], &["lucid-rdp-controller"]),
    service("lucid-node-management", &[(8095, Http)], &["lucid-mongodb", "lucid-redis", "lucid-blockchain-engine"]),
    Service {
        metrics: 8100,
        ..with_tokens(service("lucid-admin-interface", &[(8083, Http)], &["lucid-api-gateway", "lucid-elasticsearch"]))
    },
    service("lucid-tron-client", &[(8091, Http)], &["lucid-mongodb", "lucid-redis"]),
    service("lucid-payout-router", &[(8092, Http)], &["lucid-tron-client"]),
    service("lucid-wallet-manager", &[(8093, Http)], &["lucid-tron-client"]),
    service("lucid-usdt-manager", &[(8094, Http)], &["lucid-tron-client"]),
    service("lucid-trx-staking", &[(8096, Http)], &["lucid-tron-client"]),
    service("lucid-payment-gateway", &[(8097, Http)], &["lucid-payout-router", "lucid-wallet-manager"]),
];

impl Service {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        SERVICES.iter().find(|service| service.name == name)
    }

    /// What a healthy one says: the databases' own words where their clients read them.
    pub(crate) fn says_healthy(&self) -> Option<&'static str> {
        match self.name {
            "lucid-elasticsearch" => Some(r#"{"cluster_name":"lucid","status":"green","timed_out":false}"#),
            "lucid-service-mesh-controller" => Some(r#""127.0.0.1:8300""#),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_needs_is_a_service_and_never_itself() {
        for service in &SERVICES {
            for need in service.needs {
                assert!(Service::named(need).is_some() && *need != service.name, "{} needs {need}", service.name);
            }
        }
    }
}

//! The 27 workloads as the architecture lists them. Written down here, not derived from the manifests: this is what they
//! are held against.

use Health::{Http, Ping, Tcp};
use Kind::{Deployment, StatefulSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Deployment,
    /// With a volume for each pod.
    StatefulSet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    Http(u16, &'static str),
    Tcp(u16),
    /// TCP from outside; inside, the database's own ping.
    Ping(u16),
}

/// One row of the table. Names lack their prefix `lucid-`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) phase: &'static str,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) replicas: u64,
    /// Where it serves others.
    pub(crate) ports: &'static [u16],
    pub(crate) metrics: u16,
    pub(crate) health: Health,
    pub(crate) needs: &'static [&'static str],
    pub(crate) calls: &'static [&'static str],
}

impl Workload {
    pub(crate) fn full_name(&self) -> String {
        format!("lucid-{}", self.name)
    }

    pub(crate) fn is_payment(&self) -> bool {
        PAYMENTS.contains(&self.name)
    }

    pub(crate) fn namespace(&self) -> &'static str {
        if self.is_payment() { "lucid-tron" } else { "lucid-system" }
    }

    /// In what an Envoy stands beside.
    pub(crate) fn has_sidecar(&self) -> bool {
        ["core", "application"].contains(&self.phase) && self.name != MESH_CONTROLLER
    }
}

/// The isolated ones.
pub(crate) const PAYMENTS: [&str; 6] =
    ["tron-client", "payout-router", "wallet-manager", "usdt-manager", "trx-staking", "payment-gateway"];

pub(crate) const DATABASES: [&str; 3] = ["mongodb", "redis", "elasticsearch"];

pub(crate) const MESH_CONTROLLER: &str = "service-mesh-controller";

/// Where the mesh controller serves the sidecars.
pub(crate) const XDS: u16 = 8502;

/// In `calls`: not workloads.
pub(crate) const API_SERVER: &str = "API server";
pub(crate) const INTERNET: &str = "internet 443";

/// What replicas of a database say to each other: (workload, ports).
pub(crate) const REPLICAS: [(&str, &[u16]); 3] =
    [("mongodb", &[27017]), ("redis", &[6379]), ("elasticsearch", &[9200, 9300])];

/// What the ingress controller calls, and the host name it does it for.
pub(crate) const INGRESS: [(&str, u16, &str); 5] = [
    ("api-gateway", 8080, "api.lucid.example"),
    ("admin-interface", 8083, "admin.lucid.example"),
    ("session-api", 8113, "sessions.lucid.example"),
    ("node-management", 8095, "nodes.lucid.example"),
    ("blockchain-engine", 8084, "chain.lucid.example"),
];

const fn row(
    phase: &'static str,
    name: &'static str,
    (kind, replicas): (Kind, u64),
    ports: &'static [u16],
    health: Health,
    needs: &'static [&'static str],
    calls: &'static [&'static str],
) -> Workload {
    Workload { phase, name, kind, replicas, ports, metrics: 9464, health, needs, calls }
}

#[rustfmt::skip]
pub(crate) const WORKLOADS: [Workload; 27] = [
    row("infrastructure", "mongodb", (StatefulSet, 1), &[27017], Ping(27017), &[], &[]),
    row("infrastructure", "redis", (StatefulSet, 1), &[6379], Ping(6379), &[], &[]),
    // 9300 is for its replicas only.
    row("infrastructure", "elasticsearch", (StatefulSet, 1), &[9200], Http(9200, "/_cluster/health"), &[], &[]),
    // 8500 and 8501 are called by none of the 27, 8502 by the sidecars.
    row("core", MESH_CONTROLLER, (Deployment, 2), &[8500, 8501, XDS], Http(8500, "/v1/status/leader"), &[], &[API_SERVER]),
    row("core", "auth-service", (Deployment, 2), &[8089], Http(8089, "/health"), &["mongodb", "redis"], &["mongodb", "redis"]),
    row("core", "api-gateway", (Deployment, 3), &[8080, 8081], Http(8080, "/health"), &["auth-service", "redis"],
        &["auth-service", "redis", "session-api", "blockchain-engine", "node-management", "rdp-controller", "payment-gateway"]),
    row("core", "blockchain-engine", (StatefulSet, 2), &[8084], Http(8084, "/health"), &["mongodb", "redis"], &["mongodb", "redis"]),
    row("core", "session-anchoring", (Deployment, 2), &[8085], Http(8085, "/health"), &["blockchain-engine"], &["blockchain-engine", "mongodb"]),
    row("core", "block-manager", (Deployment, 2), &[8086], Http(8086, "/health"), &["blockchain-engine"], &["blockchain-engine"]),
    row("core", "data-chain", (Deployment, 2), &[8087], Http(8087, "/health"), &["blockchain-engine", "mongodb"], &["blockchain-engine", "mongodb"]),
    row("application", "session-storage", (StatefulSet, 2), &[8020], Http(8020, "/health"), &["mongodb", "session-anchoring"], &["mongodb", "session-anchoring"]),
    row("application", "session-pipeline", (Deployment, 2), &[8083], Http(8083, "/health"), &["session-storage", "redis"], &["session-storage", "redis"]),
    row("application", "session-recorder", (Deployment, 2), &[8090], Http(8090, "/health"), &["session-pipeline"], &["session-pipeline"]),
    row("application", "chunk-processor", (Deployment, 2), &[8010], Http(8010, "/health"), &["session-pipeline"], &["session-pipeline", "session-storage"]),
    row("application", "session-api", (Deployment, 2), &[8113], Http(8113, "/health"), &["auth-service", "mongodb", "redis", "session-storage"],
        &["auth-service", "mongodb", "redis", "session-storage", "session-pipeline"]),
    row("application", "rdp-server-manager", (Deployment, 2), &[8090], Http(8090, "/health"), &["auth-service", "mongodb", "redis"], &["auth-service", "mongodb", "redis"]),
    row("application", "rdp-xrdp", (Deployment, 2), &[3389, 3350, 8250], Tcp(3389), &["rdp-server-manager"], &["rdp-server-manager"]),
    row("application", "rdp-controller", (Deployment, 2), &[8101], Http(8101, "/health"), &["rdp-server-manager", "session-api"], &["rdp-server-manager", "session-api"]),
    row("application", "rdp-monitor", (Deployment, 2), &[8201], Http(8201, "/health"), &["rdp-controller"], &["rdp-controller", "rdp-xrdp"]),
    row("application", "node-management", (Deployment, 2), &[8095], Http(8095, "/health"), &["mongodb", "redis", "blockchain-engine"],
        &["mongodb", "redis", "blockchain-engine", API_SERVER]),
    Workload {
        metrics: 8100,
        ..row("support", "admin-interface", (Deployment, 2), &[8083], Http(8083, "/health"), &["api-gateway", "elasticsearch"], &["api-gateway", "auth-service", "elasticsearch"])
    },
    row("support", "tron-client", (Deployment, 2), &[8091], Http(8091, "/health"), &["mongodb", "redis"], &["mongodb", "redis", INTERNET]),
    row("support", "payout-router", (Deployment, 2), &[8092], Http(8092, "/health"), &["tron-client"], &["tron-client", "mongodb"]),
    row("support", "wallet-manager", (StatefulSet, 1), &[8093], Http(8093, "/health"), &["tron-client"], &["tron-client", "mongodb"]),
    row("support", "usdt-manager", (Deployment, 2), &[8094], Http(8094, "/health"), &["tron-client"], &["tron-client"]),
    row("support", "trx-staking", (Deployment, 2), &[8096], Http(8096, "/health"), &["tron-client"], &["tron-client"]),
    row("support", "payment-gateway", (Deployment, 2), &[8097], Http(8097, "/health"), &["payout-router", "wallet-manager"],
        &["payout-router", "wallet-manager", "usdt-manager", "trx-staking"]),
];

/// The row of this name.
#[track_caller]
pub(crate) fn workload(name: &str) -> &'static Workload {
    let name = name.strip_prefix("lucid-").unwrap_or(name);
    WORKLOADS.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("{name} is none of the 27"))
}

/// The ports of a workload that a caller may open connections to.
pub(crate) fn called_ports(name: &str) -> &'static [u16] {
    match name {
        MESH_CONTROLLER => &[],
        other => workload(other).ports,
    }
}

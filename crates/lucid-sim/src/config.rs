//! What a simulated cluster consists of before anyone deploys to it.

use std::time::Duration;

use serde::Deserialize;

use crate::scenario::Scenario;

/// The cluster to simulate. The default is three good nodes in three zones, and nothing that fails.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// Fixes every choice of the run.
    pub seed: u64,
    pub nodes: Vec<NodeSpec>,
    #[serde(flatten)]
    pub scenario: Scenario,
    /// Seconds since 1970 at which the virtual clock starts.
    pub start: i64,
    /// How long each request takes on its way to the server and back.
    #[serde(with = "crate::scenario::seconds")]
    pub latency: Duration,
    /// Whether controllers, scheduler and kubelets act; without them the cluster is an API server alone.
    pub controllers: bool,
    /// How many simulated seconds go by in one real second.
    #[serde(skip)]
    pub speed: u32,
    /// The administrator's bearer token; without one, everybody is the administrator.
    #[serde(skip)]
    pub token: Option<String>,
    /// How many changes a watch can resume from before it is told 410.
    pub history: usize,
    /// Whether everything that happens is remembered, for [`crate::Sim::history`].
    pub keeps_history: bool,
}

/// A node, its size and place.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSpec {
    pub name: String,
    /// Allocatable CPU as a quantity: `2`, `2400m`.
    pub cpu: String,
    pub memory: String,
    #[serde(default = "amd64")]
    pub arch: String,
    #[serde(default = "zone")]
    pub zone: String,
}

fn amd64() -> String {
    "amd64".into()
}

fn zone() -> String {
    "zone-a".into()
}

impl Default for Config {
    fn default() -> Self {
        let node = |(i, zone): (usize, &str)| NodeSpec {
            name: format!("node-{}", i + 1),
            cpu: "16".into(),
            memory: "64Gi".into(),
            arch: amd64(),
            zone: format!("zone-{zone}"),
        };
        Self {
            seed: 1,
            nodes: ["a", "b", "c", "a", "b"].into_iter().enumerate().map(node).collect(),
            scenario: Scenario::default(),
            start: 1_767_225_600, // 2026-01-01T00:00:00Z
            latency: Duration::from_millis(2),
            controllers: true,
            speed: 1,
            token: None,
            history: 20_000,
            keeps_history: false,
        }
    }
}

//! What a simulated cluster consists of before anyone deploys to it.

use std::time::Duration;

use serde::Deserialize;

use crate::happening::Planned;
use crate::scenario::{self, Scenario};

/// The cluster to simulate. The default is three good nodes in three zones, and nothing that fails.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// Fixes every choice of the run.
    #[serde(skip)]
    pub seed: u64,
    pub nodes: Vec<NodeSpec>,
    #[serde(rename = "behaviours", deserialize_with = "scenario::behaviours")]
    pub scenario: Scenario,
    /// Whether there is somebody who measures what containers use, as metrics-server does.
    pub metrics: bool,
    /// What happens meanwhile.
    pub events: Vec<Planned>,
    /// Seconds since 1970 at which the virtual clock starts.
    #[serde(skip)]
    pub start: i64,
    /// How long each request takes on its way to the server and back.
    #[serde(with = "crate::scenario::seconds")]
    pub latency: Duration,
    /// The most by which what controllers, scheduler and kubelets know is behind, each change and each of them by itself.
    #[serde(with = "crate::scenario::seconds")]
    pub cache_lag: Duration,
    /// Whether controllers, scheduler and kubelets act; without them the cluster is an API server alone.
    #[serde(skip)]
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
    #[serde(skip)]
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

/// Why a scenario file cannot be used, and where it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadScenario {
    pub line: u64,
    pub column: u64,
    pub message: String,
}

impl Config {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// When it is no YAML, has a field that there is not, or lets something happen to a node that it does not have.
    pub fn read(text: &str) -> Result<Self, BadScenario> {
        let config: Self = serde_saphyr::from_str(text).map_err(|error| {
            let place = error.location().map_or((1, 1), |at| (at.line(), at.column()));
            let message = error.without_snippet().to_string();
            let message = message.lines().next().unwrap_or("no valid YAML").to_owned();
            BadScenario { line: place.0, column: place.1, message }
        })?;
        match config.unknown_node() {
            Some(name) => {
                let line =
                    text.lines().position(|line| line.contains("Node") && line.contains(&name)).map_or(1, |at| at + 1);
                Err(BadScenario { line: line as u64, column: 1, message: format!("there is no node {name}") })
            }
            None => Ok(config),
        }
    }

    /// A node that something happens to and that is not there.
    fn unknown_node(&self) -> Option<String> {
        let named = self.events.iter().filter_map(|planned| planned.what.node());
        named.into_iter().find(|name| self.nodes.iter().all(|node| node.name != *name)).map(str::to_owned)
    }
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
            metrics: false,
            events: Vec::new(),
            start: 1_767_225_600, // 2026-01-01T00:00:00Z
            latency: Duration::from_millis(2),
            cache_lag: Duration::from_millis(4),
            controllers: true,
            speed: 1,
            token: None,
            history: 20_000,
            keeps_history: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_file_is_read_whole() {
        let text = "
nodes:
- {name: a, cpu: '4', memory: 8Gi}
- {name: b, cpu: '4', memory: 8Gi, zone: z, arch: arm64}
latency: 20ms
behaviours:
- select: {workload: api}
  pull: notFound
events:
- {at: 5s, loseNode: b}
- {at: 65s, returnNode: b}
";
        let config = Config::read(text).unwrap();
        assert_eq!((config.nodes.len(), config.events.len()), (2, 2));
        assert_eq!(config.latency, Duration::from_millis(20));
        assert_eq!(config.scenario.behaviours.len(), 1);
        assert_eq!(Config::read("{}").unwrap().nodes.len(), 5, "what is not said is as ever");
    }

    #[test]
    fn mistakes_have_their_place() {
        for (text, line, says) in [
            ("latency: 1s\nnode: []\n", 2, "node"),
            ("events:\n- {at: 1s, looseNode: a}\n", 2, "looseNode"),
            ("events:\n- {at: 1s, loseNode: node-9}\n", 2, "there is no node node-9"),
            ("behaviours:\n- select: {workload: api}\n  pul: notFound\n", 3, "pul"),
        ] {
            let bad = Config::read(text).unwrap_err();
            assert!(bad.message.contains(says), "{bad:?}");
            assert_eq!(bad.line, line, "{bad:?}");
        }
    }
}

//! What a health check says, for people and machines: the versioned object is made of these.

use jiff::Timestamp;
use lucid_object::{Finding, ObjectRef};
use serde::Serialize;

use super::changes::SinceHealthy;
use crate::group::Group;

/// How a check ended. The order is that of importance: the worst comes last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    #[default]
    Ok,
    Warning,
    /// It could not be checked; the message says why.
    Unknown,
    Failed,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// Deployments, StatefulSets, Jobs, custom resources: whatever has a readiness of its own.
    Workloads,
    /// The health endpoints of lucid.yaml.
    Endpoints,
    Services,
    Ingresses,
    Volumes,
    Autoscalers,
    Budgets,
    Policies,
    Quotas,
    /// What only has to be there: ConfigMaps, Secrets, roles.
    Objects,
    Usage,
    Nodes,
    /// What the cluster itself runs: names, network, storage.
    System,
    Webhooks,
    Apis,
}

impl Area {
    pub const ALL: [Self; 15] = [
        Self::Workloads,
        Self::Endpoints,
        Self::Services,
        Self::Ingresses,
        Self::Volumes,
        Self::Autoscalers,
        Self::Budgets,
        Self::Policies,
        Self::Quotas,
        Self::Objects,
        Self::Usage,
        Self::Nodes,
        Self::System,
        Self::Webhooks,
        Self::Apis,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workloads => "workloads",
            Self::Endpoints => "endpoints",
            Self::Services => "services",
            Self::Ingresses => "ingresses",
            Self::Volumes => "volumes",
            Self::Autoscalers => "autoscalers",
            Self::Budgets => "budgets",
            Self::Policies => "policies",
            Self::Quotas => "quotas",
            Self::Objects => "objects",
            Self::Usage => "usage",
            Self::Nodes => "nodes",
            Self::System => "system",
            Self::Webhooks => "webhooks",
            Self::Apis => "apis",
        }
    }
}

impl std::str::FromStr for Area {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|area| area.as_str() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|area| area.as_str()).collect();
            format!("there are {}", names.join(", "))
        })
    }
}

/// One test and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub name: String,
    pub area: Area,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    pub state: State,
    /// One sentence; for [`State::Unknown`] the reason.
    pub message: String,
    pub took_ms: u64,
    pub findings: Vec<Finding>,
}

/// What a component's pods use, against what they asked for. Thousandths of a CPU, and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub cpu_milli: i64,
    pub cpu_request_milli: i64,
    pub cpu_limit_milli: i64,
    pub memory: i64,
    pub memory_request: i64,
    pub memory_limit: i64,
    /// Pods that the figures are of.
    pub pods: i64,
}

/// A component and its checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentHealth {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    pub state: State,
    pub message: String,
    /// Pods: how many are ready, of how many.
    pub ready: i64,
    pub desired: i64,
    pub restarts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    pub checks: Vec<Check>,
}

/// How many checks ended in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub ok: usize,
    pub warning: usize,
    pub failed: usize,
    pub unknown: usize,
}

impl Summary {
    pub fn of<'a>(checks: impl Iterator<Item = &'a Check>) -> Self {
        let mut summary = Self::default();
        for check in checks {
            match check.state {
                State::Ok => summary.ok += 1,
                State::Warning => summary.warning += 1,
                State::Failed => summary.failed += 1,
                State::Unknown => summary.unknown += 1,
            }
        }
        summary
    }

    pub fn total(self) -> usize {
        self.ok + self.warning + self.failed + self.unknown
    }
}

/// The health of a release at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthReport {
    pub release: String,
    pub namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    pub server_version: String,
    pub checked_at: Timestamp,
    pub took_ms: u64,
    pub state: State,
    pub summary: Summary,
    pub components: Vec<ComponentHealth>,
    /// What belongs to no component.
    pub checks: Vec<Check>,
    /// Why checks failed: each cause once, however many objects show it.
    pub causes: Vec<Group>,
    /// What follows from the causes.
    pub symptoms: Vec<Finding>,
    /// What fails nothing yet.
    pub warnings: Vec<Finding>,
    /// What changed since it was last healthy, if that was asked and is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_healthy: Option<SinceHealthy>,
}

impl HealthReport {
    /// Every check: those of the components first.
    pub fn all_checks(&self) -> impl Iterator<Item = &Check> {
        self.components.iter().flat_map(|component| &component.checks).chain(&self.checks)
    }

    /// Passes every text that someone else may have written through this: before printing, as each output escapes in
    /// its own way what it prints.
    pub fn clean(&mut self, clean: &dyn Fn(&str) -> String) {
        let own = self.components.iter_mut().flat_map(|component| {
            component.message = clean(&component.message);
            &mut component.checks
        });
        for check in own.chain(&mut self.checks) {
            check.message = clean(&check.message);
            check.findings.iter_mut().for_each(|finding| clean_finding(finding, clean));
        }
        for group in &mut self.causes {
            group.message = clean(&group.message);
            clean_finding(&mut group.example.finding, clean);
        }
        self.symptoms.iter_mut().chain(&mut self.warnings).for_each(|finding| clean_finding(finding, clean));
        for change in self.since_healthy.iter_mut().flat_map(|since| &mut since.changes) {
            change.what = clean(&change.what);
            change.by.iter_mut().for_each(|by| *by = clean(by));
        }
    }
}

fn clean_finding(finding: &mut Finding, clean: &dyn Fn(&str) -> String) {
    finding.message = clean(&finding.message);
    finding.evidence.iter_mut().chain(&mut finding.help).for_each(|text| *text = clean(text));
}

//! What one look at the cluster has shown: the input of the fold.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lucid_object::{Finding, ObjectRef};

use super::changes::SinceHealthy;
use super::report::Area;
use crate::cluster::Cluster;

/// Where a kind lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In each namespace of the release.
    Namespaces,
    /// In the namespace of what the cluster itself runs.
    System,
    Cluster,
}

/// Where a cluster runs what it needs itself: names, network, storage.
pub const SYSTEM: &str = "kube-system";

/// A kind that an area needs to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub area: Area,
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub scope: Scope,
}

const fn look(area: Area, api: [&'static str; 3], scope: Scope) -> Look {
    let [group, version, kind] = api;
    Look { area, group, version, kind, scope }
}

impl Look {
    /// Every kind that health looks at beside the release's own.
    pub const ALL: [Self; 22] = [
        look(Area::Workloads, ["", "v1", "Pod"], Scope::Namespaces),
        look(Area::Workloads, ["", "v1", "Event"], Scope::Namespaces),
        look(Area::Workloads, ["apps", "v1", "ReplicaSet"], Scope::Namespaces),
        look(Area::Services, ["", "v1", "Service"], Scope::Namespaces),
        look(Area::Services, ["discovery.k8s.io", "v1", "EndpointSlice"], Scope::Namespaces),
        look(Area::Ingresses, ["networking.k8s.io", "v1", "Ingress"], Scope::Namespaces),
        look(Area::Ingresses, ["networking.k8s.io", "v1", "IngressClass"], Scope::Cluster),
        look(Area::Ingresses, ["", "v1", "Secret"], Scope::Namespaces),
        look(Area::Volumes, ["", "v1", "PersistentVolumeClaim"], Scope::Namespaces),
        look(Area::Volumes, ["", "v1", "PersistentVolume"], Scope::Cluster),
        look(Area::Volumes, ["storage.k8s.io", "v1", "StorageClass"], Scope::Cluster),
        look(Area::Autoscalers, ["autoscaling", "v2", "HorizontalPodAutoscaler"], Scope::Namespaces),
        look(Area::Budgets, ["policy", "v1", "PodDisruptionBudget"], Scope::Namespaces),
        look(Area::Policies, ["networking.k8s.io", "v1", "NetworkPolicy"], Scope::Namespaces),
        look(Area::Quotas, ["", "v1", "ResourceQuota"], Scope::Namespaces),
        look(Area::Usage, ["metrics.k8s.io", "v1beta1", "PodMetrics"], Scope::Namespaces),
        look(Area::Nodes, ["", "v1", "Node"], Scope::Cluster),
        look(Area::System, ["apps", "v1", "Deployment"], Scope::System),
        look(Area::System, ["apps", "v1", "DaemonSet"], Scope::System),
        look(Area::Webhooks, ["admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration"], Scope::Cluster),
        look(Area::Webhooks, ["admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration"], Scope::Cluster),
        look(Area::Apis, ["apiregistration.k8s.io", "v1", "APIService"], Scope::Cluster),
    ];

    /// The area that a kind is judged in, if it is not a workload.
    pub fn area_of(group: &str, kind: &str) -> Option<Area> {
        let known = Self::ALL.iter().find(|look| look.group == group && look.kind == kind);
        known.map(|look| look.area).filter(|area| {
            !matches!(area, Area::Workloads | Area::System) && kind != "Secret" && kind != "StorageClass"
        })
    }
}

/// A kind, in a namespace or in the whole cluster, that could not be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    pub group: String,
    pub kind: String,
    pub namespace: Option<String>,
    pub reason: String,
}

/// What was listed, how long it took, and what could not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// (group, kind, namespace) → milliseconds.
    pub listed: BTreeMap<(String, String, Option<String>), u64>,
    pub unseen: Vec<Unseen>,
}

impl Coverage {
    pub(crate) fn has(&self, group: &str, kind: &str, namespace: Option<&str>) -> bool {
        self.listed.contains_key(&(group.to_owned(), kind.to_owned(), namespace.map(str::to_owned)))
    }

    pub(crate) fn why_not(&self, group: &str, kind: &str, namespace: Option<&str>) -> Option<&Unseen> {
        let is_it =
            |unseen: &&Unseen| unseen.group == group && unseen.kind == kind && unseen.namespace.as_deref() == namespace;
        self.unseen.iter().find(is_it)
    }

    /// The longest LIST of this kind.
    pub(crate) fn took(&self, group: &str, kind: &str) -> u64 {
        let of_kind = self.listed.iter().filter(|((g, k, _), _)| g == group && k == kind);
        of_kind.map(|(_, took)| *took).max().unwrap_or(0)
    }
}

/// An object of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub object: ObjectRef,
    /// It has a readiness of its own; the others only have to be there.
    pub is_watched: bool,
}

/// A component, or the shared part of the release.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    pub name: String,
    pub phase: Option<String>,
    pub is_shared: bool,
    pub parts: Vec<Part>,
    pub endpoints: Vec<Endpoint>,
}

/// A health endpoint that was asked, or was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// "GET /health on 8080".
    pub name: String,
    pub answer: Answer,
    pub took_ms: u64,
    /// What it showed, if it speaks TLS.
    pub served: Option<Served>,
}

/// A certificate that a server has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The name that was asked for.
    pub host: String,
    /// Who showed it: "port 8443 of pod edge-1", "192.0.2.7".
    pub by: String,
    pub tls: Tls,
}

impl Served {
    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        match &self.tls {
            Tls::Certificate(certificate) => Some(certificate),
            Tls::Unreadable(_) | Tls::Unseen(_) => None,
        }
    }
}

/// An address that could not be asked for its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// "192.0.2.7 of Ingress shop/door".
    pub what: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It answers; how that is known.
    Answers(String),
    Wrong(Box<Finding>),
    /// And why not.
    NotAsked(String),
}

/// What stands in a TLS Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    Certificate(Certificate),
    /// There is something, but no certificate.
    Unreadable(String),
    /// We could not look.
    Unseen(String),
}

/// The first certificate of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// Subject alternative names: DNS names and addresses.
    pub names: Vec<String>,
    /// SHA-256 of the whole, in hexadecimal.
    pub fingerprint: String,
    /// Whether the key beside it is its own; `None` when that cannot be told.
    pub key_fits: Option<bool>,
}

/// How full a volume is, as the kubelet that mounts it says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VolumeUse {
    pub bytes: u64,
    pub capacity: u64,
    pub inodes: u64,
    pub inodes_capacity: u64,
}

impl VolumeUse {
    /// Of bytes or of inodes, whichever is scarcer.
    pub(crate) fn percent(self) -> u64 {
        let share = |used: u64, of: u64| used.saturating_mul(100).checked_div(of).unwrap_or(0);
        share(self.bytes, self.capacity).max(share(self.inodes, self.inodes_capacity))
    }
}

/// One look at the cluster.
pub struct Facts<'a> {
    pub release: &'a str,
    pub namespace: &'a str,
    pub cluster_id: Option<&'a str>,
    pub server_version: &'a str,
    /// In the order of lucid.yaml.
    pub subjects: &'a [Subject],
    pub namespaces: &'a [String],
    pub cluster: &'a dyn Cluster,
    pub coverage: &'a Coverage,
    /// By the Secret that they stand in.
    pub certificates: &'a BTreeMap<ObjectRef, Tls>,
    /// What the addresses of Ingresses showed.
    pub served: &'a [Served],
    pub unreached: &'a [Unreached],
    /// By the claim; of those that a kubelet was asked for and knows.
    pub volumes: &'a BTreeMap<ObjectRef, VolumeUse>,
    pub has_metrics: bool,
    /// What changed since the release was last healthy, if that was asked.
    pub since: Option<Result<SinceHealthy, String>>,
    /// Areas that nobody wants to hear of.
    pub skip: &'a BTreeSet<Area>,
    /// Only this component.
    pub only: Option<&'a str>,
    /// Adds the place in the manifests, for a finding about a component's objects.
    pub place: &'a dyn Fn(&str, &mut Finding),
    pub now: Timestamp,
    pub took_ms: u64,
}

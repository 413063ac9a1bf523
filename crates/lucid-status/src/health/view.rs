//! The facts, with the ways in that judging needs.

use std::collections::BTreeMap;

use lucid_object::{LabelSelector, ObjectRef};
use serde_json::Value;

use super::facts::{Facts, Served, Subject};
use super::report::State;
use crate::cluster::Since;
use crate::diagnose::diagnose;
use crate::diagnosis::{Class, Diagnosis};
use crate::read::{count, items, label, labels, name, namespace, text, uid};

pub(super) struct View<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) since: Since,
    owners: BTreeMap<&'a ObjectRef, &'a Subject>,
}

/// What one object was found to be.
pub(super) struct Judged {
    pub(super) object: ObjectRef,
    pub(super) state: State,
    pub(super) message: String,
    pub(super) diagnoses: Vec<Diagnosis>,
}

impl Judged {
    pub(super) fn new(object: ObjectRef, fine: impl Into<String>, diagnoses: Vec<Diagnosis>) -> Self {
        let state = diagnoses.iter().map(state_of).max().unwrap_or_default();
        let worst = diagnoses.iter().find(|diagnosis| state_of(diagnosis) == state && state > State::Ok);
        let message = worst.map_or_else(|| fine.into(), |diagnosis| diagnosis.finding.message.clone());
        Self { object, state, message, diagnoses }
    }
}

/// What a diagnosis means for an object that has no readiness of its own. Some are normal by themselves.
pub(super) fn state_of(diagnosis: &Diagnosis) -> State {
    const NORMAL: [u16; 4] = [5009, 5210, 6003, 5116];
    match diagnosis.class {
        _ if NORMAL.contains(&diagnosis.code()) => State::Ok,
        Class::FatalNow | Class::After(_) | Class::Repeated(_) => State::Failed,
        Class::Wait | Class::Symptom | Class::Advice => State::Warning,
    }
}

impl<'a> View<'a> {
    pub(super) fn new(facts: &'a Facts<'a>) -> Self {
        let owned =
            facts.subjects.iter().flat_map(|subject| subject.parts.iter().map(move |part| (&part.object, subject)));
        Self { facts, since: Since::default(), owners: owned.collect() }
    }

    /// Every certificate that was shown: by addresses of Ingresses, and by endpoints of components.
    pub(super) fn served(&self) -> impl Iterator<Item = &'a Served> {
        let endpoints = self.facts.subjects.iter().flat_map(|subject| &subject.endpoints);
        self.facts.served.iter().chain(endpoints.filter_map(|endpoint| endpoint.served.as_ref()))
    }

    pub(super) fn diagnose(&self, object: &Value) -> Vec<Diagnosis> {
        diagnose(object, &self.since, self.facts.cluster, self.facts.now)
    }

    /// Objects of a kind in the release's namespaces.
    pub(super) fn in_namespaces(&self, group: &str, kind: &str) -> Vec<&'a Value> {
        let namespaces = self.facts.namespaces.iter();
        namespaces.flat_map(|namespace| self.facts.cluster.list(group, kind, Some(namespace))).collect()
    }

    pub(super) fn in_cluster(&self, group: &str, kind: &str) -> Vec<&'a Value> {
        self.facts.cluster.list(group, kind, None)
    }

    /// Who owns an object: the release itself, or, for a claim, the StatefulSet that it was made for.
    pub(super) fn owner(&self, object: &ObjectRef) -> Option<&'a Subject> {
        self.owners.get(object).copied().or_else(|| self.set_of_claim(object))
    }

    fn set_of_claim(&self, claim: &ObjectRef) -> Option<&'a Subject> {
        if claim.kind != "PersistentVolumeClaim" {
            return None;
        }
        let (base, _) = claim.name.rsplit_once('-').filter(|(_, ordinal)| ordinal.parse::<u32>().is_ok())?;
        let is_its_set = |set: &&&ObjectRef| {
            set.kind == "StatefulSet"
                && set.namespace == claim.namespace
                && base.strip_suffix(set.name.as_str()).is_some_and(|template| template.ends_with('-'))
        };
        let set = self.owners.keys().find(|set| is_its_set(set))?;
        self.owners.get(*set).copied()
    }

    /// Pods that a workload controls, by whatever stands between.
    pub(super) fn pods_of(&self, workload: &Value) -> Vec<&'a Value> {
        let cluster = self.facts.cluster;
        let children = if uid(workload).is_empty() { Vec::new() } else { cluster.owned_by(uid(workload)) };
        let grandchildren = children.iter().flat_map(|child| cluster.owned_by(uid(child)));
        let mut pods: Vec<&Value> = grandchildren.chain(children.iter().copied()).collect();
        pods.retain(|pod| text(pod, "/kind") == "Pod");
        pods
    }

    /// Ready addresses behind a Service; `None` when the slices of its namespace could not be listed.
    pub(super) fn ready_endpoints(&self, in_namespace: &str, service: &str) -> Option<usize> {
        const GROUP: &str = "discovery.k8s.io";
        if !self.facts.coverage.has(GROUP, "EndpointSlice", Some(in_namespace)) {
            return None;
        }
        let slices = self.facts.cluster.list(GROUP, "EndpointSlice", Some(in_namespace));
        let of_service = slices.into_iter().filter(|slice| label(slice, "kubernetes.io/service-name") == Some(service));
        // No condition means ready. Source: k8s.io/api/discovery/v1, EndpointConditions.
        let is_ready = |endpoint: &&Value| endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false));
        Some(of_service.flat_map(|slice| items(slice, "/endpoints")).filter(is_ready).count())
    }

    /// A workload in this namespace makes, or would make, pods that match.
    pub(super) fn workload_matching(&self, selector: &LabelSelector, in_namespace: &str) -> Option<&'a Value> {
        const KINDS: [(&str, &str); 4] =
            [("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"), ("batch", "Job")];
        let workloads = KINDS.iter().flat_map(|(group, kind)| self.facts.cluster.list(group, kind, Some(in_namespace)));
        let mut matching =
            workloads.filter(|workload| selector.matches(&labels(workload, "/spec/template/metadata/labels")));
        let cron_jobs = self.facts.cluster.list("batch", "CronJob", Some(in_namespace));
        let template = "/spec/jobTemplate/spec/template/metadata/labels";
        matching.next().or_else(|| cron_jobs.into_iter().find(|job| selector.matches(&labels(job, template))))
    }
}

/// How many pods a workload wants.
pub(super) fn desired(workload: &Value) -> i64 {
    match text(workload, "/kind") {
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            workload.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1)
        }
        "DaemonSet" => count(workload, "/status/desiredNumberScheduled"),
        _ => 0,
    }
}

/// And how many of them are ready.
pub(super) fn ready(workload: &Value) -> i64 {
    match text(workload, "/kind") {
        "DaemonSet" => count(workload, "/status/numberReady"),
        _ => count(workload, "/status/readyReplicas"),
    }
}

/// "Service shop/api" → its namespace, never empty.
pub(super) fn home(object: &Value) -> &str {
    namespace(object).unwrap_or("default")
}

/// For messages: kind and name.
pub(super) fn title(object: &Value) -> String {
    format!("{} {}", text(object, "/kind"), name(object))
}

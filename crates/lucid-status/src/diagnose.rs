//! The causes behind an object that is not Current, from the workload down to the node.

use jiff::Timestamp;
use serde_json::Value;

use crate::cluster::{Cluster, Scene, Since};
use crate::diagnosis::{Axis, Class, Diagnosis};
use crate::read::{group, has_condition, is_leaving, kind, text};
use crate::readiness::is_built_in;
use crate::revision::{Owned, owned};

mod config;
mod container;
mod controller;
pub(crate) mod crash;
mod custom;
mod deployment;
pub(crate) mod events;
mod image;
mod leaving;
mod network;
pub(crate) mod node;
mod operator;
mod pod;
mod policy;
pub(crate) mod probes;
pub(crate) mod refusal;
mod scheduling;
mod stateful_set;
pub(crate) mod storage;
mod volumes;

/// Causes first, deepest first; then symptoms and advice. The first cause does not depend on what else is there.
pub fn diagnose(object: &Value, since: &Since, cluster: &dyn Cluster, now: Timestamp) -> Vec<Diagnosis> {
    causes(object, &Scene { cluster, since, now })
}

/// The one pod of a StatefulSet that is broken, of an old revision, and keeps its rollout from going on.
pub fn blocking_pod<'a>(
    set: &'a Value,
    since: &'a Since,
    cluster: &'a dyn Cluster,
    now: Timestamp,
) -> Option<&'a Value> {
    stateful_set::blocking(set, &owned(set, &Scene { cluster, since, now }))
}

pub(crate) fn causes(object: &Value, scene: &Scene<'_>) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    about(object, scene, &mut found);
    let mut found: Vec<Diagnosis> = found.into_iter().map(|diagnosis| diagnosis.settled(scene)).collect();
    found.sort_by_cached_key(|diagnosis| (diagnosis.rank(scene.now), diagnosis.finding.message.clone()));
    found.dedup_by(|a, b| a.finding.code == b.finding.code && a.finding.object == b.finding.object);
    found
}

fn about(object: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    if is_leaving(object) {
        leaving::about(object, scene, found);
    }
    match (group(object), kind(object)) {
        ("apps", _) | ("batch", "Job") | ("", "ReplicationController") => workload(object, scene, found),
        ("batch", "CronJob") => controller::cron_job(object, scene, found),
        ("", "Pod") => pod::about(object, scene, found),
        ("", "PersistentVolumeClaim") => storage::claim(object, scene, found),
        ("", "Service") => network::service(object, scene, found),
        ("", "Node") => node::about(object, found),
        ("networking.k8s.io", "Ingress") => network::ingress(object, scene, found),
        ("autoscaling", "HorizontalPodAutoscaler") => policy::autoscaler(object, found),
        ("policy", "PodDisruptionBudget") => policy::budget(object, found),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => custom::definition(object, found),
        ("apiregistration.k8s.io", "APIService") => custom::api_service(object, found),
        (group, _) if is_built_in(group) => {}
        _ => custom::about(object, scene, found),
    }
}

/// A workload: what its controller says, then its pods of the new revision.
fn workload(object: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    let owned = owned(object, scene);
    controller::lag(object, scene, found);
    controller::cannot_create(object, &owned, scene, found);
    controller::overlap(object, scene, found);
    match kind(object) {
        "Deployment" => deployment::about(object, &owned, scene, found),
        "StatefulSet" => stateful_set::about(object, &owned, scene, found),
        "DaemonSet" => node::daemon_set(object, &owned, scene, found),
        "Job" => controller::job(object, &owned, found),
        _ => {}
    }
    let before = found.len();
    for pod in &owned.new {
        pod::about(pod, scene, found);
    }
    soften_what_is_replaced(object, &owned, &mut found[before..]);
    if kind(object) == "Deployment" {
        deployment::surge_deadlock(object, &owned, found, before);
    }
    if let Some(revision) = owned.replica_set.map(|set| crate::read::name(set).to_owned()) {
        for diagnosis in &mut found[before..] {
            diagnosis.shares.push((Axis::Revision, revision.clone()));
        }
    }
}

/// As many pods of one workload must fail at a node's door before we say that the next will too.
const LOST_PODS: usize = 3;

/// A controller replaces pods that failed for good, and a Job tries again: that alone is no reason to give up.
fn soften_what_is_replaced(object: &Value, owned: &Owned<'_>, found: &mut [Diagnosis]) {
    let is_retried =
        kind(object) == "Job" && !["Failed", "FailureTarget"].iter().any(|kind| has_condition(object, kind, "True"));
    let lost = owned.new.iter().filter(|pod| text(pod, "/status/phase") == "Failed").count();
    for diagnosis in found {
        let is_soft = match diagnosis.code() {
            2014 | 5011 => lost < LOST_PODS,
            5016 => is_retried || kind(object) != "Job" && lost < LOST_PODS,
            4014 | 5001..=5006 | 5212 => is_retried,
            _ => false,
        };
        if is_soft && diagnosis.is_cause() {
            *diagnosis = diagnosis.clone().class(Class::Wait);
        }
    }
}

/// True while an image is being pulled or a node added for a new pod: nobody's deadline should count then.
pub(crate) fn clock_stands_still(object: &Value, scene: &Scene<'_>) -> bool {
    let mut found = Vec::new();
    for pod in owned(object, scene).new {
        pod::about(pod, scene, &mut found);
    }
    found.iter().any(|diagnosis| matches!(diagnosis.code(), 2011 | 3011))
}

/// Makes everything a symptom that was found from here on: something deeper explains it.
pub(crate) fn demote(found: &mut [Diagnosis]) {
    for diagnosis in found {
        if diagnosis.is_cause() {
            *diagnosis = diagnosis.clone().class(Class::Symptom);
        }
    }
}

//! Readiness: one rule a kind says how far an object is, and the diagnosis says whether that will change.

use jiff::Timestamp;
use serde_json::Value;

use crate::cluster::{Cluster, Scene, Since};
use crate::diagnose::causes;
use crate::diagnosis::Diagnosis;
use crate::read::{group, int, is_leaving, kind, text};
use crate::verdict::{Status, Verdict};

mod api_service;
mod crd;
mod cron_job;
mod custom;
mod daemon_set;
mod deployment;
mod job;
mod namespace;
mod pod;
mod pvc;
mod replica_set;
mod service;
mod stateful_set;

/// Where an object stands, judged for our write.
pub fn readiness(object: &Value, since: &Since, cluster: &dyn Cluster, now: Timestamp) -> Verdict {
    let scene = Scene { cluster, since, now };
    if is_leaving(object) && kind(object) != "Namespace" {
        return explained(Verdict::new(Status::Terminating, "is being deleted"), object, &scene);
    }
    if let Some(verdict) = not_seen_yet(object, since) {
        return lagging(verdict, object, &scene);
    }
    let verdict = rule(object, &scene);
    if verdict.status == Status::Current { verdict } else { explained(verdict, object, &scene) }
}

fn rule(object: &Value, scene: &Scene<'_>) -> Verdict {
    match (group(object), kind(object)) {
        ("apps", "Deployment") => deployment::rule(object, scene),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => replica_set::rule(object),
        ("apps", "StatefulSet") => stateful_set::rule(object, scene),
        ("apps", "DaemonSet") => daemon_set::rule(object, scene),
        ("batch", "Job") => job::rule(object),
        ("batch", "CronJob") => cron_job::rule(object),
        ("", "Pod") => pod::rule(object),
        ("", "PersistentVolumeClaim") => pvc::rule(object, scene),
        ("", "Service") => service::rule(object),
        ("", "Namespace") => namespace::rule(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => crd::rule(object),
        ("apiregistration.k8s.io", "APIService") => api_service::rule(object),
        (group, _) if is_built_in(group) => Verdict::current("is there"),
        _ => custom::rule(object),
    }
}

/// Kubernetes' own groups. Their kinds without a rule (ConfigMap, HPA, PDB, Ingress …) never hold back a deploy.
pub fn is_built_in(group: &str) -> bool {
    const BARE: [&str; 5] = ["", "apps", "batch", "autoscaling", "policy"];
    const DOMAINS: [&str; 15] = [
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    ];
    BARE.contains(&group) || DOMAINS.contains(&group)
}

/// What the cache or the controller shows is older than our write.
fn not_seen_yet(object: &Value, since: &Since) -> Option<Verdict> {
    let generation = int(object, "/metadata/generation")?;
    let wanted = since.generation.unwrap_or(generation);
    if generation < wanted {
        return Some(Verdict::in_progress("the change has not been seen yet"));
    }
    // Of Kubernetes' own kinds only workloads are waited for: never an HPA or a PDB.
    if is_built_in(group(object)) && group(object) != "apps" {
        return None;
    }
    let lags = observed_generation(object)? < wanted.max(generation);
    lags.then(|| Verdict::in_progress("the controller has not looked at the change"))
}

/// `status.observedGeneration`; some controllers write it as a string. `None` for kinds that have none.
pub(crate) fn observed_generation(object: &Value) -> Option<i64> {
    let observed = object.pointer("/status/observedGeneration");
    match observed.and_then(|observed| observed.as_i64().or_else(|| observed.as_str()?.parse().ok())) {
        Some(observed) => Some(observed),
        None if group(object) == "apps" && !matches!(kind(object), "ControllerRevision") => Some(0),
        None => None,
    }
}

/// Until the controller has looked, every pod that is there is of an older revision and says nothing about ours: only the
/// lag itself can be a failure.
fn lagging(verdict: Verdict, object: &Value, scene: &Scene<'_>) -> Verdict {
    const CONTROLLER_LAG: u16 = 5103;
    let lag = causes(object, scene).into_iter().find(|cause| cause.code() == CONTROLLER_LAG);
    match lag {
        Some(lag) => with_cause(verdict, &lag, scene),
        None => verdict,
    }
}

/// Adds the first cause to a verdict; a cause that time will not repair makes it a failure.
fn explained(verdict: Verdict, object: &Value, scene: &Scene<'_>) -> Verdict {
    let causes = causes(object, scene);
    match causes.iter().find(|cause| cause.is_cause()).or(causes.first()) {
        Some(first) => with_cause(verdict, first, scene),
        None => verdict,
    }
}

fn with_cause(mut verdict: Verdict, first: &Diagnosis, scene: &Scene<'_>) -> Verdict {
    if first.is_fatal(scene.now) && matches!(verdict.status, Status::InProgress | Status::Terminating) {
        verdict.status = Status::Failed;
    }
    if !first.is_cause() && verdict.status != Status::Failed {
        return verdict;
    }
    verdict.message = format!("{}: {}{}", verdict.message, first.finding.message, countdown(first, &verdict, scene));
    verdict.finding = Some(first.finding.clone());
    verdict
}

/// How long we will be patient.
fn countdown(cause: &Diagnosis, verdict: &Verdict, scene: &Scene<'_>) -> String {
    match cause.deadline {
        Some(deadline) if verdict.status == Status::InProgress && deadline > scene.now => {
            format!(" ({} s left)", deadline.duration_since(scene.now).as_secs())
        }
        _ => String::new(),
    }
}

/// "1 pod", "3 pods".
pub(crate) fn counted(number: i64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The name of the kind, for "X is there".
pub(crate) fn api_version_and_kind(object: &Value) -> String {
    format!("{} {}", text(object, "/apiVersion"), kind(object))
}

//! The server's validation: each problem one cause of a 422.
//!
//! What an update changes is looked at first, then the whole object, as the server does.

mod address;
mod autoscaler;
mod budget;
mod claim;
mod config;
mod custom;
mod field;
mod job;
mod meta;
mod network;
mod pod;
mod rbac;
mod schedule;
mod selector;
mod service;
pub(crate) mod text;
mod workload;

use serde_json::Value;

use crate::error::{ApiError, Cause};
use crate::json::Json;
use crate::kinds::Kind;
use field::{At, Problems};

pub(crate) fn create(kind: &Kind, object: &Value) -> Result<(), ApiError> {
    let mut problems = Problems::default();
    meta::object(kind, object, &mut problems);
    whole(kind, None, object, &mut problems);
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => pod::created(object, &mut problems),
        ("batch", "Job") => job::create(object, &mut problems),
        ("batch", "CronJob") => job::cron_job(None, object, &mut problems),
        _ => {}
    }
    refuse(kind, object, problems)
}

pub(crate) fn update(kind: &Kind, subresource: &str, old: &Value, new: &Value) -> Result<(), ApiError> {
    let mut problems = Problems::default();
    meta::update(kind, subresource, old, new, &mut problems);
    if kind.is_custom() {
        custom::check(kind, subresource, Some(old), new, &mut problems);
    }
    if subresource == "status" {
        status(kind, old, new, &mut problems);
    } else {
        changes(kind, old, new, &mut problems);
        whole(kind, Some(old), new, &mut problems);
    }
    refuse(kind, new, problems)
}

/// What a new object and a changed one must both say.
fn whole(kind: &Kind, old: Option<&Value>, object: &Value, problems: &mut Problems) {
    match (kind.group.as_str(), kind.kind.as_str()) {
        _ if kind.is_custom() && old.is_none() => custom::check(kind, "", None, object, problems),
        ("", "Pod") => pod::pod(object, problems),
        ("", "ConfigMap") => config::config_map(object, problems),
        ("", "Secret") => config::secret(object, problems),
        ("", "Service") if old.is_none() => service::check(None, object, problems),
        ("", "PersistentVolumeClaim") if old.is_none() => claim::create(object, problems),
        ("apps", "Deployment") if old.is_none() => workload::deployment(object, problems),
        ("apps", "ReplicaSet") if old.is_none() => workload::replica_set(object, problems),
        ("", "ReplicationController") if old.is_none() => workload::replication_controller(object, problems),
        ("apps", "StatefulSet") if old.is_none() => workload::stateful_set(object, problems),
        ("apps", "DaemonSet") if old.is_none() => workload::daemon_set(object, problems),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler::check(old, object, problems),
        ("policy", "PodDisruptionBudget") => budget::check(object, problems),
        ("coordination.k8s.io", "Lease") => budget::lease(object, problems),
        ("networking.k8s.io", "NetworkPolicy") => network::policy(old, object, problems),
        ("networking.k8s.io", "Ingress") => network::ingress(old, object, problems),
        ("rbac.authorization.k8s.io", "Role") => rbac::role(object, true, problems),
        ("rbac.authorization.k8s.io", "ClusterRole") => rbac::role(object, false, problems),
        ("rbac.authorization.k8s.io", "RoleBinding") => rbac::binding(object, true, problems),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding") => rbac::binding(object, false, problems),
        _ => {}
    }
}

/// What cannot become what.
fn changes(kind: &Kind, old: &Value, new: &Value, problems: &mut Problems) {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => pod::update(old, new, problems),
        ("", "ConfigMap") => config::sealed(old, new, &["data", "binaryData"], problems),
        ("", "Secret") => {
            problems.immutable(&At::new("type"), old.at("type"), new.at("type"));
            config::sealed(old, new, &["data"], problems);
        }
        ("", "Service") => service::update(old, new, problems),
        ("", "PersistentVolumeClaim") => claim::update(old, new, problems),
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") => {
            workload::update(&kind.kind, old, new, problems);
        }
        ("batch", "Job") => job::update(old, new, problems),
        ("batch", "CronJob") => job::cron_job(Some(old), new, problems),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => rbac::update(old, new, problems),
        ("storage.k8s.io", "StorageClass") => {
            for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
                if old.at(field) != new.at(field) {
                    problems.forbidden(&At::new(field), &format!("updates to {field} are forbidden."));
                }
            }
        }
        _ => {}
    }
}

fn status(kind: &Kind, old: &Value, new: &Value, problems: &mut Problems) {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") => {
            workload::status(&kind.kind, old, new, problems);
        }
        ("batch", "Job") => job::status(old, new, problems),
        ("batch", "CronJob") => job::cron_job(Some(old), new, problems),
        ("", "Service") => service::status(old, new, problems),
        ("networking.k8s.io", "Ingress") => network::ingress_status(old, new, problems),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler::status(new, problems),
        ("policy", "PodDisruptionBudget") => budget::status(new, problems),
        _ => {}
    }
}

/// What is wrong with a Service's own addresses, asked before they are handed out.
pub(crate) fn cluster_addresses(service: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut problems = Problems::default();
    service::families(service, old, &mut problems);
    problems.causes
}

fn refuse(kind: &Kind, object: &Value, problems: Problems) -> Result<(), ApiError> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(kind.about(), object.name(), problems.causes))
}

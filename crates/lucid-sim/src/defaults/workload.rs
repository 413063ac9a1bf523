//! Defaults of workloads.

use serde_json::{Value, json};

use super::pod;
use crate::json::{Json, JsonMut};

pub(crate) fn deployment(object: &mut Value) {
    object.default_to("spec/replicas", 1);
    object.default_to("spec/revisionHistoryLimit", 10);
    object.default_to("spec/progressDeadlineSeconds", 600);
    object.default_to("spec/strategy/type", "RollingUpdate");
    if object.str("spec/strategy/type") == "RollingUpdate" {
        object.default_to("spec/strategy/rollingUpdate/maxUnavailable", "25%");
        object.default_to("spec/strategy/rollingUpdate/maxSurge", "25%");
    }
    template(object);
}

pub(crate) fn replica_set(object: &mut Value) {
    object.default_to("spec/replicas", 1);
    template(object);
}

/// Selector and labels are those of the template, unless they are said.
pub(crate) fn replication_controller(object: &mut Value) {
    object.default_to("spec/replicas", 1);
    let labels = object.at("spec/template/metadata/labels").clone();
    if labels.as_object().is_some_and(|labels| !labels.is_empty()) {
        for path in ["spec/selector", "metadata/labels"] {
            if object.map(path).is_none_or(serde_json::Map::is_empty) {
                object.put(path, labels.clone());
            }
        }
    }
    if object.has("spec/template") {
        template(object);
    }
}

pub(crate) fn pod_template(object: &mut Value) {
    pod::spec(object.entry("template/spec"));
}

pub(crate) fn stateful_set(object: &mut Value) {
    object.default_to("spec/replicas", 1);
    object.default_to("spec/revisionHistoryLimit", 10);
    object.default_to("spec/podManagementPolicy", "OrderedReady");
    if !object.has("spec/updateStrategy/type") {
        object.put("spec/updateStrategy/type", "RollingUpdate");
        object.default_to("spec/updateStrategy/rollingUpdate", json!({}));
    }
    if object.str("spec/updateStrategy/type") == "RollingUpdate" && object.has("spec/updateStrategy/rollingUpdate") {
        object.default_to("spec/updateStrategy/rollingUpdate/partition", 0);
        object.default_to("spec/updateStrategy/rollingUpdate/maxUnavailable", 1);
    }
    object.default_to("spec/persistentVolumeClaimRetentionPolicy/whenDeleted", "Retain");
    object.default_to("spec/persistentVolumeClaimRetentionPolicy/whenScaled", "Retain");
    for claim in object.items("spec/volumeClaimTemplates") {
        claim.put("apiVersion", "v1");
        claim.put("kind", "PersistentVolumeClaim");
        claim.default_to("spec/volumeMode", "Filesystem");
        claim.default_to("status/phase", "Pending");
    }
    template(object);
}

/// Where a DaemonSet counts the changes of its template.
pub(crate) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

pub(crate) fn daemon_set(object: &mut Value) {
    if object.annotation(TEMPLATE_GENERATION).is_empty() {
        object.annotate(TEMPLATE_GENERATION, "0");
    }
    object.default_to("spec/revisionHistoryLimit", 10);
    object.default_to("spec/updateStrategy/type", "RollingUpdate");
    if object.str("spec/updateStrategy/type") == "RollingUpdate" {
        object.default_to("spec/updateStrategy/rollingUpdate/maxUnavailable", 1);
        object.default_to("spec/updateStrategy/rollingUpdate/maxSurge", 0);
    }
    template(object);
}

pub(crate) fn job(object: &mut Value) {
    let spec = object.entry("spec");
    if !spec.has("completions") && !spec.has("parallelism") {
        spec.put("completions", 1);
    }
    spec.default_to("parallelism", 1);
    spec.default_to("backoffLimit", if spec.has("backoffLimitPerIndex") { i32::MAX } else { 6 });
    spec.default_to("completionMode", "NonIndexed");
    spec.default_to("suspend", false);
    let replacement = if spec.has("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    spec.default_to("podReplacementPolicy", replacement);
    spec.default_to("manualSelector", false);
    job_spec(object.entry("spec"));
}

/// What a Job's spec gets in a Job and in a template of one.
fn job_spec(spec: &mut Value) {
    for rule in spec.items("podFailurePolicy/rules") {
        rule.items("onPodConditions").iter_mut().for_each(|pattern| pattern.default_to("status", "True"));
    }
    pod::spec(spec.entry("template/spec"));
}

pub(crate) fn cron_job(object: &mut Value) {
    object.default_to("spec/concurrencyPolicy", "Allow");
    object.default_to("spec/suspend", false);
    object.default_to("spec/successfulJobsHistoryLimit", 3);
    object.default_to("spec/failedJobsHistoryLimit", 1);
    job_spec(object.entry("spec/jobTemplate/spec"));
}

fn template(object: &mut Value) {
    pod::spec(object.entry("spec/template/spec"));
}

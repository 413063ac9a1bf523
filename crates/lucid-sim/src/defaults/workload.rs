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

pub(crate) fn stateful_set(object: &mut Value) {
    object.default_to("spec/replicas", 1);
    object.default_to("spec/revisionHistoryLimit", 10);
    object.default_to("spec/podManagementPolicy", "OrderedReady");
    object.default_to("spec/updateStrategy/type", "RollingUpdate");
    if object.str("spec/updateStrategy/type") == "RollingUpdate" {
        object.default_to("spec/updateStrategy/rollingUpdate/partition", 0);
    }
    object.default_to("spec/persistentVolumeClaimRetentionPolicy/whenDeleted", "Retain");
    object.default_to("spec/persistentVolumeClaimRetentionPolicy/whenScaled", "Retain");
    for claim in object.items("spec/volumeClaimTemplates") {
        claim.default_to("apiVersion", "v1");
        claim.default_to("kind", "PersistentVolumeClaim");
        claim.default_to("spec/volumeMode", "Filesystem");
        claim.default_to("status", json!({"phase": "Pending"}));
    }
    template(object);
}

pub(crate) fn daemon_set(object: &mut Value) {
    object.default_to("spec/revisionHistoryLimit", 10);
    object.default_to("spec/updateStrategy/type", "RollingUpdate");
    if object.str("spec/updateStrategy/type") == "RollingUpdate" {
        object.default_to("spec/updateStrategy/rollingUpdate/maxUnavailable", 1);
        object.default_to("spec/updateStrategy/rollingUpdate/maxSurge", 0);
    }
    template(object);
}

pub(crate) fn job(object: &mut Value) {
    job_spec(object.entry("spec"));
}

fn job_spec(spec: &mut Value) {
    if !spec.has("completions") && !spec.has("parallelism") {
        spec.put("completions", 1);
        spec.put("parallelism", 1);
    }
    spec.default_to("parallelism", 1);
    spec.default_to("backoffLimit", 6);
    spec.default_to("completionMode", "NonIndexed");
    spec.default_to("suspend", false);
    spec.default_to(
        "podReplacementPolicy",
        if spec.has("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" },
    );
    spec.default_to("manualSelector", Value::Null);
    if spec.at("manualSelector").is_null() {
        spec.cut("manualSelector");
    }
    pod::spec(spec.entry("template/spec"));
}

pub(crate) fn cron_job(object: &mut Value) {
    object.default_to("spec/concurrencyPolicy", "Allow");
    object.default_to("spec/suspend", false);
    object.default_to("spec/successfulJobsHistoryLimit", 3);
    object.default_to("spec/failedJobsHistoryLimit", 1);
    pod::spec(object.entry("spec/jobTemplate/spec/template/spec"));
}

fn template(object: &mut Value) {
    pod::spec(object.entry("spec/template/spec"));
}

//! PodDisruptionBudgets and Leases.

use serde_json::Value;

use super::field::{At, Problems};
use super::selector;
use super::workload::{count_or_percent, within_whole};
use crate::json::Json;

pub(super) fn check(object: &Value, problems: &mut Problems) {
    let (spec, at) = (object.at("spec"), At::new("spec"));
    let fields = ["minAvailable", "maxUnavailable"];
    if fields.into_iter().all(|field| spec.has(field)) {
        problems.invalid(&at, spec.clone(), "minAvailable and maxUnavailable cannot be both set");
    }
    for field in fields.into_iter().filter(|field| spec.has(field)) {
        count_or_percent(spec.at(field), &at.child(field), problems);
        within_whole(spec.at(field), &at.child(field), problems);
    }
    selector::check(spec.at("selector"), &at.child("selector"), problems);
    let policy = "unhealthyPodEvictionPolicy";
    problems.one_of(&at.child(policy), spec.at(policy), &["AlwaysAllow", "IfHealthyBudget"]);
}

pub(super) fn status(object: &Value, problems: &mut Problems) {
    for field in ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] {
        problems.not_negative(&At::new("status").child(field), object.at("status").at(field));
    }
}

pub(super) fn lease(object: &Value, problems: &mut Problems) {
    let (spec, at) = (object.at("spec"), At::new("spec"));
    let duration = spec.at("leaseDurationSeconds");
    if duration.as_i64().is_some_and(|seconds| seconds <= 0) {
        problems.invalid(&at.child("leaseDurationSeconds"), duration.clone(), "must be greater than 0");
    }
    problems.not_negative(&at.child("leaseTransitions"), spec.at("leaseTransitions"));
    if !spec.str("preferredHolder").is_empty() && spec.str("strategy").is_empty() {
        problems.forbidden(&at.child("preferredHolder"), "may only be specified if `strategy` is defined");
    }
}

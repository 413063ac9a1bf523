//! Roles and bindings.
//!
//! Source: k8s.io/kubernetes/pkg/apis/rbac/validation/validation.go.

use serde_json::Value;

use super::field::{At, Problems};
use super::{selector, text};
use crate::json::Json;

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn role(object: &Value, namespaced: bool, problems: &mut Problems) {
    for (index, rule) in object.list("rules").iter().enumerate() {
        policy_rule(rule, namespaced, &At::new("rules").index(index), problems);
    }
    let aggregation = object.at("aggregationRule");
    if !aggregation.is_null() {
        let at = At::new("aggregationRule.clusterRoleSelectors");
        let selectors = aggregation.list("clusterRoleSelectors");
        if selectors.is_empty() {
            let detail = "at least one clusterRoleSelector required if aggregationRule is non-nil";
            problems.required(&at, detail);
        }
        for (index, held) in selectors.iter().enumerate() {
            selector::check(held, &at.index(index), problems);
        }
    }
}

fn policy_rule(rule: &Value, namespaced: bool, at: &At, problems: &mut Problems) {
    let none = |field: &str| rule.list(field).is_empty();
    if none("verbs") {
        problems.required(&at.child("verbs"), "");
    }
    if !none("nonResourceURLs") {
        let (shown, at) = (rule.at("nonResourceURLs"), at.child("nonResourceURLs"));
        if namespaced {
            problems.invalid(&at, shown.clone(), "namespaced rules cannot apply to non-resource URLs");
        }
        if !none("apiGroups") || !none("resources") || !none("resourceNames") {
            let detail = "rules cannot apply to both regular resources and non-resource URLs";
            problems.invalid(&at, shown.clone(), detail);
        }
        return;
    }
    if none("apiGroups") {
        problems.required(&at.child("apiGroups"), "resource rules must supply at least one api group");
    }
    if none("resources") {
        problems.required(&at.child("resources"), "resource rules must supply at least one resource");
    }
}

pub(super) fn binding(object: &Value, namespaced: bool, problems: &mut Problems) {
    let (role, at) = (object.at("roleRef"), At::new("roleRef"));
    if role.str("apiGroup") != GROUP {
        problems.unsupported(&at.child("apiGroup"), role.str("apiGroup"), &[GROUP]);
    }
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&role.str("kind")) {
        problems.unsupported(&at.child("kind"), role.str("kind"), kinds);
    }
    match role.str("name") {
        "" => problems.required(&at.child("name"), ""),
        name => problems.all_invalid(&at.child("name"), &name.into(), text::path_segment(name)),
    }
    for (index, subject) in object.list("subjects").iter().enumerate() {
        subject_of(subject, namespaced, &At::new("subjects").index(index), problems);
    }
}

fn subject_of(subject: &Value, namespaced: bool, at: &At, problems: &mut Problems) {
    let (name, group) = (subject.str("name"), subject.str("apiGroup"));
    if name.is_empty() {
        problems.required(&at.child("name"), "");
    }
    match subject.str("kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                problems.all_invalid(&at.child("name"), &name.into(), text::subdomain(name));
            }
            if !group.is_empty() {
                problems.unsupported(&at.child("apiGroup"), group, &[""]);
            }
            if !namespaced && subject.str("namespace").is_empty() {
                problems.required(&at.child("namespace"), "");
            }
        }
        "User" | "Group" => {
            if group != GROUP {
                problems.unsupported(&at.child("apiGroup"), group, &[GROUP]);
            }
        }
        other => problems.unsupported(&at.child("kind"), other, &["ServiceAccount", "User", "Group"]),
    }
}

pub(super) fn update(old: &Value, new: &Value, problems: &mut Problems) {
    problems.immutable(&At::new("roleRef"), old.at("roleRef"), new.at("roleRef"));
}

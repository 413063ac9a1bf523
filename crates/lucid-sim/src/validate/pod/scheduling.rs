//! Where pods may run: tolerations, affinity, spreading.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field::{At, Problems};
use super::super::{selector, text};
use crate::json::Json;

pub(super) fn check(spec: &Value, at: &At, problems: &mut Problems) {
    tolerations(spec.list("tolerations"), &at.child("tolerations"), problems);
    spreading(spec.list("topologySpreadConstraints"), &at.child("topologySpreadConstraints"), problems);
    let here = at.child("affinity");
    node_affinity(spec.at("affinity/nodeAffinity"), &here.child("nodeAffinity"), problems);
    for kind in ["podAffinity", "podAntiAffinity"] {
        pod_affinity(spec.at(&format!("affinity/{kind}")), &here.child(kind), problems);
    }
}

pub(super) fn tolerations(tolerations: &[Value], at: &At, problems: &mut Problems) {
    for (index, toleration) in tolerations.iter().enumerate() {
        let here = at.index(index);
        let (key, operator, value) = (toleration.str("key"), toleration.str("operator"), toleration.str("value"));
        if !key.is_empty() {
            problems.all_invalid(&here.child("key"), &key.into(), text::qualified_name(key));
        } else if operator != "Exists" {
            let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            problems.invalid(&here.child("operator"), operator, detail);
        }
        let effect = toleration.str("effect");
        if toleration.has("tolerationSeconds") && effect != "NoExecute" {
            let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            problems.invalid(&here.child("effect"), effect, detail);
        }
        match operator {
            "" | "Equal" => {
                let wrong = text::label_value(value);
                if !wrong.is_empty() {
                    problems.invalid(&here.child("operator"), value, wrong.join(";"));
                }
            }
            "Exists" if !value.is_empty() => {
                problems.invalid(&here.child("operator"), value, "value must be empty when `operator` is 'Exists'");
            }
            "Exists" => {}
            "Lt" | "Gt" => {
                if value.parse::<i64>().map(|number| number.to_string()).ok().as_deref() != Some(value) {
                    let detail = "must be a valid decimal integer in canonical form";
                    problems.invalid(&here.child("value"), value, detail);
                }
            }
            other => problems.unsupported(&here.child("operator"), other, &["Equal", "Exists"]),
        }
        if !effect.is_empty() {
            let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
            problems.one_of(&here.child("effect"), toleration.at("effect"), &known);
        }
    }
}

fn spreading(constraints: &[Value], at: &At, problems: &mut Problems) {
    let identity =
        |constraint: &Value| (constraint.str("topologyKey").to_owned(), constraint.str("whenUnsatisfiable").to_owned());
    for (index, constraint) in constraints.iter().enumerate() {
        let here = at.index(index);
        problems.positive(&here.child("maxSkew"), &constraint.int("maxSkew").into());
        let (key, action) = identity(constraint);
        if key.is_empty() {
            problems.required(&here.child("topologyKey"), "can not be empty");
        }
        let known = ["DoNotSchedule", "ScheduleAnyway"];
        problems.one_of(&here.child("whenUnsatisfiable"), &action.as_str().into(), &known);
        if constraints[index + 1..].iter().any(|other| identity(other) == identity(constraint)) {
            problems.duplicate(&here.child("{topologyKey, whenUnsatisfiable}"), format!("{{{key}, {action}}}"));
        }
        let domains = constraint.at("minDomains");
        problems.positive(&here.child("minDomains"), domains);
        if !domains.is_null() && action != "DoNotSchedule" {
            let detail = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
            problems.invalid(&here.child("minDomains"), domains.clone(), detail);
        }
        for policy in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            problems.one_of(&here.child(policy), constraint.at(policy), &["Honor", "Ignore"]);
        }
        label_keys(constraint, &["matchLabelKeys"], &here, problems);
        selector::check(constraint.at("labelSelector"), &here.child("labelSelector"), problems);
    }
}

/// Keys whose values come from the pod itself.
fn label_keys(value: &Value, lists: &[&str], at: &At, problems: &mut Problems) {
    for list in lists.iter().filter(|list| !value.list(list).is_empty()) {
        let here = at.child(list);
        if !value.has("labelSelector") {
            problems.forbidden(&here, "must not be specified when labelSelector is not set");
            continue;
        }
        for (index, key) in value.list(list).iter().enumerate() {
            let wrong = text::qualified_name(key.as_str().unwrap_or(""));
            problems.all_invalid(&here.index(index), key, wrong);
        }
    }
    let others: BTreeSet<&str> = value.list("mismatchLabelKeys").iter().filter_map(Value::as_str).collect();
    for (index, key) in value.list("matchLabelKeys").iter().filter_map(Value::as_str).enumerate() {
        if others.contains(key) && lists.len() > 1 {
            let detail = "exists in both matchLabelKeys and mismatchLabelKeys";
            problems.invalid(&at.child("matchLabelKeys").index(index), key, detail);
        }
    }
}

fn node_affinity(affinity: &Value, at: &At, problems: &mut Problems) {
    let required = affinity.at("requiredDuringSchedulingIgnoredDuringExecution");
    if !required.is_null() {
        let here = at.child("requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
        let terms = required.list("nodeSelectorTerms");
        if terms.is_empty() {
            problems.required(&here, "must have at least one node selector term");
        }
        for (index, term) in terms.iter().enumerate() {
            node_term(term, true, &here.index(index), problems);
        }
    }
    let here = at.child("preferredDuringSchedulingIgnoredDuringExecution");
    for (index, term) in affinity.list("preferredDuringSchedulingIgnoredDuringExecution").iter().enumerate() {
        weight(term, &here.index(index), problems);
        node_term(term.at("preference"), false, &here.index(index).child("preference"), problems);
    }
}

fn weight(term: &Value, at: &At, problems: &mut Problems) {
    if !(1..=100).contains(&term.int("weight")) {
        problems.invalid(&at.child("weight"), term.int("weight"), "must be in the range 1-100");
    }
}

fn node_term(term: &Value, strict: bool, at: &At, problems: &mut Problems) {
    for (index, requirement) in term.list("matchExpressions").iter().enumerate() {
        let here = at.child("matchExpressions").index(index);
        let (values, key) = (requirement.list("values"), requirement.str("key"));
        match requirement.str("operator") {
            "In" | "NotIn" if values.is_empty() => {
                problems.required(&here.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                problems.forbidden(&here.child("values"), detail);
            }
            "Gt" | "Lt" if values.len() != 1 => {
                let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
                problems.required(&here.child("values"), detail);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            other => problems.invalid(&here.child("operator"), other, "not a valid selector operator"),
        }
        problems.all_invalid(&here.child("key"), &key.into(), text::qualified_name(key));
        for (at, value) in values.iter().enumerate().filter(|_| strict) {
            let wrong = text::label_value(value.as_str().unwrap_or(""));
            problems.all_invalid(&here.child("values").index(at), value, wrong);
        }
    }
    for (index, requirement) in term.list("matchFields").iter().enumerate() {
        node_field(requirement, &at.child("matchFields").index(index), problems);
    }
}

fn node_field(requirement: &Value, at: &At, problems: &mut Problems) {
    match requirement.str("operator") {
        "In" | "NotIn" => {
            if requirement.list("values").len() != 1 {
                let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
                problems.required(&at.child("values"), detail);
            }
        }
        other => problems.invalid(&at.child("operator"), other, "not a valid selector operator"),
    }
    let key = requirement.str("key");
    if key != "metadata.name" {
        return problems.invalid(&at.child("key"), key, "not a valid field selector key");
    }
    for (index, value) in requirement.list("values").iter().enumerate() {
        let wrong = text::subdomain(value.as_str().unwrap_or(""));
        problems.all_invalid(&at.child("values").index(index), value, wrong);
    }
}

fn pod_affinity(affinity: &Value, at: &At, problems: &mut Problems) {
    let here = at.child("requiredDuringSchedulingIgnoredDuringExecution");
    for (index, term) in affinity.list("requiredDuringSchedulingIgnoredDuringExecution").iter().enumerate() {
        pod_term(term, &here.index(index), problems);
    }
    let here = at.child("preferredDuringSchedulingIgnoredDuringExecution");
    for (index, term) in affinity.list("preferredDuringSchedulingIgnoredDuringExecution").iter().enumerate() {
        weight(term, &here.index(index), problems);
        pod_term(term.at("podAffinityTerm"), &here.index(index).child("podAffinityTerm"), problems);
    }
}

fn pod_term(term: &Value, at: &At, problems: &mut Problems) {
    selector::check(term.at("labelSelector"), &at.child("labelSelector"), problems);
    selector::check(term.at("namespaceSelector"), &at.child("namespaceSelector"), problems);
    for name in term.list("namespaces") {
        problems.all_invalid(&at.child("namespace"), name, text::label(name.as_str().unwrap_or("")));
    }
    label_keys(term, &["matchLabelKeys", "mismatchLabelKeys"], at, problems);
    let key = term.str("topologyKey");
    if key.is_empty() {
        problems.required(&at.child("topologyKey"), "can not be empty");
    }
    problems.all_invalid(&at.child("topologyKey"), &key.into(), text::qualified_name(key));
}

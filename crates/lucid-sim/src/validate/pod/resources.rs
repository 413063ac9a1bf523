//! Requests and limits.

use lucid_object::Quantity;
use serde_json::Value;

use super::super::field::{At, Problems};
use super::super::text;
use crate::json::Json;

const STANDARD: [&str; 12] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "storage",
    "requests.storage",
];

/// What a pod as a whole may ask for.
pub(super) fn of_pod(spec: &Value, at: &At, problems: &mut Problems) {
    let resources = spec.at("resources");
    if resources.is_null() {
        return;
    }
    if resources.has("claims") {
        problems.forbidden(&at.child("claims"), "claims may not be set for Resources at pod-level");
    }
    amounts(resources, pod_resource, at, problems);
}

pub(super) fn check(resources: &Value, spec: &Value, at: &At, problems: &mut Problems) {
    amounts(resources, container_resource, at, problems);
    claims(resources.list("claims"), spec, &at.child("claims"), problems);
}

fn amounts(resources: &Value, resource_name: fn(&str, &At, &mut Problems), at: &At, problems: &mut Problems) {
    let limits = resources.map("limits").cloned().unwrap_or_default();
    let requests = resources.map("requests").cloned().unwrap_or_default();
    for (name, quantity) in &limits {
        let here = at.child("limits").key(name);
        resource_name(name, &here, problems);
        amount(name, quantity, &here, problems);
    }
    for (name, quantity) in &requests {
        let here = at.child("requests").key(name);
        resource_name(name, &here, problems);
        amount(name, quantity, &here, problems);
        let limit = limits.get(name);
        let (asked, most) = (read(quantity), limit.map(read));
        match most {
            Some(most) if asked != most && !overcommits(name) => {
                let detail = format!("must be equal to {name} limit of {}", text_of(limit));
                problems.invalid(&at.child("requests"), quantity.clone(), detail);
            }
            Some(most) if asked > most => {
                let detail = format!("must be less than or equal to {name} limit of {}", text_of(limit));
                problems.invalid(&at.child("requests"), quantity.clone(), detail);
            }
            None if !overcommits(name) => {
                problems.required(&at.child("limits"), "Limit must be set for non overcommitable resources");
            }
            _ => {}
        }
    }
    let any = |wanted: fn(&str) -> bool| limits.keys().chain(requests.keys()).any(|name| wanted(name));
    if any(|name| name.starts_with("hugepages-")) && !any(|name| matches!(name, "cpu" | "memory")) {
        problems.forbidden(at, "HugePages require cpu or memory");
    }
}

fn text_of(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or("")
}

fn read(value: &Value) -> i128 {
    value.as_str().and_then(Quantity::parse).map_or(0, Quantity::milli)
}

/// Kubernetes' own resources may be promised more than once; others may not.
fn overcommits(name: &str) -> bool {
    native(name) && !name.starts_with("hugepages-")
}

fn native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// Whether the name is one of a resource at all.
fn resource_name(name: &str, at: &At, problems: &mut Problems) -> bool {
    let wrong = text::qualified_name(name);
    if !wrong.is_empty() {
        problems.all_invalid(at, &name.into(), wrong);
        return false;
    }
    if !name.contains('/') && !STANDARD.contains(&name) && !name.starts_with("hugepages-") {
        problems.invalid(at, name, "must be a standard resource type or fully qualified");
        return false;
    }
    true
}

fn pod_resource(name: &str, at: &At, problems: &mut Problems) {
    if resource_name(name, at, problems) && !matches!(name, "cpu" | "memory") && !name.starts_with("hugepages-") {
        problems.unsupported(at, name, &["cpu", "hugepages-", "memory"]);
    }
}

fn container_resource(name: &str, at: &At, problems: &mut Problems) {
    resource_name(name, at, problems);
    if !name.contains('/') {
        if !matches!(name, "cpu" | "memory" | "ephemeral-storage") && !name.starts_with("hugepages-") {
            problems.invalid(at, name, "must be a standard resource for containers");
        }
    } else if !native(name)
        && (name.starts_with("requests.") || !text::qualified_name(&format!("requests.{name}")).is_empty())
    {
        problems.invalid(at, name, "doesn't follow extended resource name standard");
    }
}

fn amount(name: &str, quantity: &Value, at: &At, problems: &mut Problems) {
    let milli = read(quantity);
    if milli < 0 {
        problems.invalid(at, quantity.clone(), "must be greater than or equal to 0");
    }
    let whole = !native(name) || matches!(name, "pods");
    if whole && milli % 1000 != 0 {
        problems.invalid(at, quantity.clone(), "must be an integer");
    }
}

fn claims(claims: &[Value], spec: &Value, at: &At, problems: &mut Problems) {
    let known: Vec<&str> = spec.list("resourceClaims").iter().map(|claim| claim.str("name")).collect();
    for (index, claim) in claims.iter().enumerate() {
        let (name, here) = (claim.str("name"), at.index(index));
        if name.is_empty() {
            problems.required(&here, "");
        } else if !known.contains(&name) {
            let names = if known.is_empty() { " which is empty".into() } else { format!(": {}", known.join(", ")) };
            let detail = format!("Not found: {name:?}: must be one of the names in pod.spec.resourceClaims{names}");
            problems.push(crate::error::Cause::new("FieldValueNotFound", here.to_string(), detail));
        }
    }
}

//! HorizontalPodAutoscalers.
//!
//! Source: k8s.io/kubernetes/pkg/apis/autoscaling/validation/validation.go.

use lucid_object::Quantity;
use serde_json::Value;

use super::field::{At, Problems};
use super::text;
use crate::json::Json;

/// Which references may leave their group out, and which are not looked at.
#[derive(Clone, Copy, PartialEq)]
enum Version {
    NeedsGroup,
    AnyGroup,
    Unchecked,
}

pub(super) fn check(old: Option<&Value>, object: &Value, problems: &mut Problems) {
    let (spec, at) = (object.at("spec"), At::new("spec"));
    let (least, most) = (spec.at("minReplicas").as_i64(), spec.int("maxReplicas"));
    if let Some(least) = least.filter(|least| *least < 0) {
        problems.invalid(&at.child("minReplicas"), least, "must be greater than or equal to 0");
    }
    let most_at = at.child("maxReplicas");
    if most == 0 {
        problems.required(&most_at, "");
    } else if most < 0 {
        problems.invalid(&most_at, most, "must be greater than or equal to 1");
    }
    if least.is_some_and(|least| most < least) {
        problems.invalid(&most_at, most, "must be greater than or equal to `minReplicas`");
    }
    let target = spec.at("scaleTargetRef");
    let same = |field: &str| old.is_some_and(|old| old.at("spec/scaleTargetRef").str(field) == target.str(field));
    let version = if same("apiVersion") && same("kind") {
        Version::Unchecked
    } else if target.str("kind") == "ReplicationController" {
        Version::AnyGroup
    } else {
        Version::NeedsGroup
    };
    reference(target, version, &at.child("scaleTargetRef"), problems);
    metrics(spec, &at.child("metrics"), problems);
    for direction in ["scaleUp", "scaleDown"] {
        rules(spec.at("behavior").at(direction), &at.child("behavior").child(direction), problems);
    }
}

fn reference(reference: &Value, version: Version, at: &At, problems: &mut Problems) {
    for field in ["kind", "name"] {
        match reference.str(field) {
            "" => problems.required(&at.child(field), ""),
            value => problems.all_invalid(&at.child(field), &value.into(), text::path_segment(value)),
        }
    }
    let held = reference.str("apiVersion");
    if version == Version::Unchecked {
        return;
    }
    if held.matches('/').count() > 1 {
        let detail = format!("unexpected GroupVersion string: {held}");
        problems.invalid(&at.child("apiVersion"), held, detail);
    } else if version == Version::NeedsGroup && held.split_once('/').is_none_or(|(group, _)| group.is_empty()) {
        problems.invalid(&at.child("apiVersion"), held, "apiVersion must specify API group");
    }
}

const TYPES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];
const SOURCES: [(&str, &str); 5] = [
    ("object", "Object"),
    ("external", "External"),
    ("pods", "Pods"),
    ("resource", "Resource"),
    ("containerResource", "ContainerResource"),
];

fn metrics(spec: &Value, at: &At, problems: &mut Problems) {
    let metrics = spec.list("metrics");
    for (index, metric) in metrics.iter().enumerate() {
        metric_of(metric, &at.index(index), problems);
    }
    let outside = metrics.iter().any(|metric| matches!(metric.str("type"), "Object" | "External"));
    if spec.at("minReplicas").as_i64() == Some(0) && !outside {
        let detail = "must specify at least one Object or External metric to support scaling to zero replicas";
        problems.forbidden(at, detail);
    }
}

fn metric_of(metric: &Value, at: &At, problems: &mut Problems) {
    let kind = metric.str("type");
    if kind.is_empty() {
        problems.required(&at.child("type"), "must specify a metric source type");
    }
    if !TYPES.contains(&kind) {
        problems.unsupported(&at.child("type"), kind, &TYPES);
    }
    let present: Vec<&str> = SOURCES.iter().map(|(field, _)| *field).filter(|field| metric.has(field)).collect();
    if let Some(field) = present.first() {
        source(field, metric.at(field), &at.child(field), problems);
    }
    let expected = SOURCES.iter().find(|(_, name)| *name == kind).map(|(field, _)| *field);
    if let Some(field) = expected.filter(|field| !present.contains(field)) {
        problems.required(&at.child(field), "must populate information for the given metric source");
    }
    if present.len() != 1 {
        for field in present.iter().filter(|field| Some(**field) != expected) {
            problems.forbidden(&at.child(field), "must populate the given metric source only");
        }
    }
}

fn source(field: &str, source: &Value, at: &At, problems: &mut Problems) {
    let target = source.at("target");
    let (value, average, utilization) =
        (target.has("value"), target.has("averageValue"), target.has("averageUtilization"));
    let target_at = at.child("target");
    match field {
        "object" => {
            reference(source.at("describedObject"), Version::AnyGroup, &at.child("describedObject"), problems);
            identifier(source.at("metric"), &at.child("metric"), problems);
        }
        "external" | "pods" => identifier(source.at("metric"), &at.child("metric"), problems),
        _ => {
            if source.str("name").is_empty() {
                problems.required(&at.child("name"), "must specify a resource name");
            }
            if field == "containerResource" {
                match source.str("container") {
                    "" => problems.required(&at.child("container"), "must specify a container"),
                    name => problems.all_invalid(&at.child("container"), &name.into(), text::label(name)),
                }
            }
        }
    }
    aim(target, &target_at, problems);
    let need = |field: &str, detail: &str, problems: &mut Problems| {
        problems.required(&target_at.child(field), detail);
    };
    match field {
        "object" if !value && !average => {
            need("averageValue", "must set either a target value or averageValue", problems);
        }
        "external" if !value && !average => {
            need("averageValue", "must set either a target value for metric or a per-pod target", problems);
        }
        "external" if value && average => {
            let detail = "may not set both a target value for metric and a per-pod target";
            problems.forbidden(&target_at.child("value"), detail);
        }
        "pods" if !average => need("averageValue", "must specify a positive target averageValue", problems),
        "resource" | "containerResource" if !utilization && !average => {
            need("averageUtilization", "must set either a target raw value or a target utilization", problems);
        }
        "resource" | "containerResource" if utilization && average => {
            let detail = "may not set both a target raw value and a target utilization";
            problems.forbidden(&target_at.child("averageValue"), detail);
        }
        _ => {}
    }
}

fn aim(target: &Value, at: &At, problems: &mut Problems) {
    let kind = target.str("type");
    if kind.is_empty() {
        problems.required(&at.child("type"), "must specify a metric target type");
    }
    if !matches!(kind, "Utilization" | "Value" | "AverageValue") {
        problems.invalid(&at.child("type"), kind, "must be either Utilization, Value, or AverageValue");
    }
    for field in ["value", "averageValue"] {
        let held = target.at(field);
        if held.as_str().and_then(Quantity::parse).is_some_and(|amount| amount.milli() <= 0) {
            problems.invalid(&at.child(field), held.clone(), "must be positive");
        }
    }
    let utilization = target.at("averageUtilization");
    if utilization.as_i64().is_some_and(|percent| percent < 1) {
        problems.invalid(&at.child("averageUtilization"), utilization.clone(), "must be greater than 0");
    }
}

fn identifier(metric: &Value, at: &At, problems: &mut Problems) {
    match metric.str("name") {
        "" => problems.required(&at.child("name"), "must specify a metric name"),
        name => problems.all_invalid(&at.child("name"), &name.into(), text::path_segment(name)),
    }
}

fn rules(rules: &Value, at: &At, problems: &mut Problems) {
    if rules.is_null() {
        return;
    }
    let window = rules.at("stabilizationWindowSeconds");
    let window_at = at.child("stabilizationWindowSeconds");
    match window.as_i64() {
        Some(..0) => problems.invalid(&window_at, window.clone(), "must be greater than or equal to zero"),
        Some(3601..) => problems.invalid(&window_at, window.clone(), "must be less than or equal to 3600"),
        _ => {}
    }
    problems.one_of(&at.child("selectPolicy"), rules.at("selectPolicy"), &["Disabled", "Max", "Min"]);
    if rules.list("policies").is_empty() {
        problems.required(&at.child("policies"), "must specify at least one Policy");
    }
    for (index, policy) in rules.list("policies").iter().enumerate() {
        let at = at.child("policies").index(index);
        if !matches!(policy.str("type"), "Pods" | "Percent") {
            problems.unsupported(&at.child("type"), policy.str("type"), &["Percent", "Pods"]);
        }
        for field in ["value", "periodSeconds"].into_iter().filter(|field| policy.int(field) <= 0) {
            problems.invalid(&at.child(field), policy.int(field), "must be greater than zero");
        }
        if policy.int("periodSeconds") > 1800 {
            let detail = "must be less than or equal to 1800";
            problems.invalid(&at.child("periodSeconds"), policy.int("periodSeconds"), detail);
        }
    }
    let tolerance = rules.at("tolerance");
    if tolerance.as_str().and_then(Quantity::parse).is_some_and(|amount| amount.milli() < 0) {
        problems.invalid(&at.child("tolerance"), tolerance.clone(), "must be greater than or equal to 0");
    }
}

pub(super) fn status(object: &Value, problems: &mut Problems) {
    let at = At::new("status");
    for field in ["currentReplicas", "desiredReplicas"] {
        problems.not_negative(&at.child(field), object.at("status").at(field));
    }
}

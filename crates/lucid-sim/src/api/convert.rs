//! Between the versions of a kind that share their storage.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::defaults;
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
use crate::schema::Root;

/// The object as clients see it, in the version that was asked for.
pub(crate) fn present(kind: &Kind, object: &Arc<Value>) -> Arc<Value> {
    let external = kind.table == Table::SERVICES && object.str("spec/type") == "ExternalName";
    if external && object.has("spec/internalTrafficPolicy") {
        let mut shown = Value::clone(object);
        shown.cut("spec/internalTrafficPolicy");
        return Arc::new(shown);
    }
    let shown = in_version(kind, object);
    if let Root::Custom(schema) = &kind.schema
        && defaults::has_any(schema)
    {
        let mut shown = Value::clone(&shown);
        defaults::custom(&mut shown, schema);
        return Arc::new(shown);
    }
    shown
}

/// The object in the version that was asked for.
pub(crate) fn in_version(kind: &Kind, object: &Arc<Value>) -> Arc<Value> {
    let version = kind.api_version();
    if object.str("apiVersion") == version {
        return object.clone();
    }
    let mut out = Value::clone(object);
    out.put("apiVersion", version);
    match kind.table {
        Table::EVENTS if kind.group == "events.k8s.io" => new_event(&mut out),
        Table::AUTOSCALERS if kind.version == "v1" => autoscaler_v1(&mut out),
        _ => {}
    }
    Arc::new(out)
}

/// A client's object in the version of the storage.
pub(crate) fn store(kind: &Kind, object: &mut Value) {
    match kind.table {
        Table::EVENTS if kind.group == "events.k8s.io" => old_event(object),
        Table::AUTOSCALERS if kind.version == "v1" => autoscaler_v2(object),
        _ => {}
    }
}

const EVENT_FIELDS: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

fn rename(object: &mut Value, from: &str, to: &str) {
    if let Some(value) = object.cut(from) {
        object.put(to, value);
    }
}

fn new_event(event: &mut Value) {
    EVENT_FIELDS.iter().for_each(|(old, new)| rename(event, old, new));
}

fn old_event(event: &mut Value) {
    EVENT_FIELDS.iter().for_each(|(old, new)| rename(event, new, old));
    event.put("apiVersion", "v1");
}

fn autoscaler_v1(object: &mut Value) {
    let cpu =
        |metric: &&Value| metric.str("resource/name") == "cpu" && metric.has("resource/target/averageUtilization");
    let target =
        object.list("spec/metrics").iter().find(cpu).map(|m| m.at("resource/target/averageUtilization").clone());
    object.cut("spec/metrics");
    if let Some(target) = target {
        object.put("spec/targetCPUUtilizationPercentage", target);
    }
}

fn autoscaler_v2(object: &mut Value) {
    object.put("apiVersion", "autoscaling/v2");
    if let Some(target) = object.get_mut("spec").and_then(|spec| spec.cut("targetCPUUtilizationPercentage")) {
        let metric = json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}});
        object.put("spec/metrics", json!([metric]));
    }
}

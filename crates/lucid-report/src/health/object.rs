//! The versioned object: as JSON, as YAML, and line by line.

use lucid_object::yaml;
use lucid_status::HealthReport;
use serde_json::{Map, Value, json};

use crate::result::VERSION;

fn with_head(kind: &str, value: Value) -> Value {
    let mut object = Map::new();
    object.insert("apiVersion".into(), VERSION.into());
    object.insert("kind".into(), kind.into());
    if let Value::Object(fields) = value {
        object.extend(fields);
    }
    Value::Object(object)
}

fn whole(report: &HealthReport) -> Value {
    with_head("HealthReport", serde_json::to_value(report).expect("a report is plain data"))
}

pub(super) fn json(report: &HealthReport) -> String {
    format!("{}\n", serde_json::to_string_pretty(&whole(report)).expect("a value is JSON"))
}

pub(super) fn yaml(report: &HealthReport) -> String {
    yaml::emit(&whole(report))
}

/// Causes first, so that a reader who stops early has read what counts; then what has
/// changed, the checks, and the summary.
pub(super) fn ndjson(report: &HealthReport) -> String {
    let lines = |kind: &'static str, values: Vec<Value>| values.into_iter().map(move |value| with_head(kind, value));
    let causes = report.causes.iter().map(|cause| json!(cause)).collect();
    let checks = report.all_checks().map(|check| json!(check)).collect();
    let changes = report.since_healthy.iter().flat_map(|since| &since.changes).map(|change| json!(change)).collect();
    let summary = json!({"release": report.release, "namespace": report.namespace, "cluster": report.cluster,
        "state": report.state, "summary": report.summary, "checkedAt": report.checked_at, "tookMs": report.took_ms});
    let all = lines("HealthCause", causes)
        .chain(lines("HealthChange", changes))
        .chain(lines("HealthCheck", checks))
        .chain(lines("HealthSummary", vec![summary]));
    all.map(|line| format!("{line}\n")).collect()
}

//! Who else writes to an object, and when they did so last, from the server's own record of fields.

use std::collections::BTreeMap;

use lucid_object::Finding;
use lucid_release::names::{FENCE_MANAGER, FIELD_MANAGER, REPLICAS_MANAGER, RESTART_MANAGER};
use serde::Serialize;
use serde_json::Value;

/// The code of "a field belongs to another manager".
const CONFLICT: u16 = 1014;

/// A field manager that is not ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Manager {
    pub name: String,
    /// When it wrote last; RFC 3339, by the server's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// The managers that hold fields of what people write: not the status, and not the notes that controllers keep in
/// annotations.
pub fn others(live: &Value) -> Vec<Manager> {
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut newest: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for entry in entries.into_iter().flatten().filter(|entry| holds_content(entry)) {
        let Some(name) = entry["manager"].as_str() else { continue };
        if ![FIELD_MANAGER, REPLICAS_MANAGER, RESTART_MANAGER, FENCE_MANAGER].contains(&name) {
            let at = newest.entry(name).or_default();
            // Of one form and zone, so that the later is the larger.
            *at = (*at).max(entry["time"].as_str());
        }
    }
    let manager = |(name, at): (&str, Option<&str>)| Manager { name: name.to_owned(), at: at.map(str::to_owned) };
    newest.into_iter().map(manager).collect()
}

fn holds_content(entry: &Value) -> bool {
    let Some(fields) = entry["fieldsV1"].as_object() else { return false };
    let metadata = || fields.get("f:metadata").and_then(Value::as_object);
    fields.keys().any(|field| !matches!(field.as_str(), "f:metadata" | "f:status"))
        || metadata().is_some_and(|metadata| metadata.contains_key("f:labels"))
}

/// Adds to a conflict when those it names wrote last.
#[must_use]
pub fn date(finding: Finding, live: &Value) -> Finding {
    if finding.code.0 != CONFLICT {
        return finding;
    }
    let named: Vec<Manager> = others(live).into_iter().filter(|other| finding.message.contains(&other.name)).collect();
    named.into_iter().fold(finding, |finding, Manager { name, at }| match at {
        Some(at) => finding.seen(format!("{name} wrote last at {at}")),
        None => finding,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live() -> Value {
        let entry = |manager: &str, time: &str, fields: Value| json!({"manager": manager, "operation": "Update", "time": time, "fieldsV1": fields});
        json!({"metadata": {"managedFields": [
            entry("lucid", "2026-01-01T00:00:00Z", json!({"f:spec": {}})),
            entry("ann", "2026-01-02T00:00:00Z", json!({"f:spec": {"f:replicas": {}}})),
            entry("ann", "2026-01-03T00:00:00Z", json!({"f:metadata": {"f:labels": {}}})),
            entry("kube-controller-manager", "2026-01-04T00:00:00Z", json!({"f:status": {}, "f:metadata": {"f:annotations": {}}})),
        ]}})
    }

    #[test]
    fn controllers_notes_and_our_own_fields_are_nobody_elses() {
        assert_eq!(others(&live()), [Manager { name: "ann".into(), at: Some("2026-01-03T00:00:00Z".into()) }]);
        assert_eq!(others(&json!({})), []);
    }

    #[test]
    fn a_conflict_says_when_the_other_wrote() {
        let conflict = Finding::error(CONFLICT, "ann owns spec.replicas of Deployment n/a, which the release sets too");
        assert_eq!(date(conflict, &live()).evidence, ["ann wrote last at 2026-01-03T00:00:00Z"]);
        assert!(date(Finding::error(1001, "ann"), &live()).evidence.is_empty());
    }
}

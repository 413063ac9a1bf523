//! What has happened to objects since a moment, and who did it, as far as the objects themselves remember: the record of
//! who set which field, times of making and leaving, ends of containers, and conditions of nodes and APIs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lucid_object::ObjectRef;
use serde::Serialize;
use serde_json::Value;

use crate::read::{Condition, Event, created, int, is_leaving, items, kind, reference, text, time};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// "spec.replicas was set", without a full stop.
    pub what: String,
    /// The field manager, the controller, or the person, where the cluster knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// The time from when the release was last known to be healthy, and what came after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SinceHealthy {
    /// The run that verified it.
    pub run: u64,
    pub at: Timestamp,
    /// Newest first.
    pub changes: Vec<Change>,
    /// Older ones that are not listed.
    pub omitted: usize,
}

/// More than this nobody reads.
const LISTED: usize = 40;

impl SinceHealthy {
    pub fn new(run: u64, at: Timestamp, mut changes: Vec<Change>) -> Self {
        changes.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| (&a.object, &a.what).cmp(&(&b.object, &b.what))));
        changes.dedup();
        let omitted = changes.len().saturating_sub(LISTED);
        changes.truncate(LISTED);
        Self { run, at, changes, omitted }
    }
}

/// Kinds that controllers make and change all the time; what they follow from is told of their owners.
const ROUTINE: [&str; 7] =
    ["Event", "EndpointSlice", "Endpoints", "Lease", "PodMetrics", "ReplicaSet", "ControllerRevision"];

pub(super) fn since(object: &Value, then: Timestamp) -> Vec<Change> {
    if ROUTINE.contains(&kind(object)) {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let mut add = |at: Option<Timestamp>, what: String, by: Option<&str>| {
        if let Some(at) = at.filter(|at| *at > then) {
            let by = by.filter(|by| !by.is_empty()).map(str::to_owned);
            changes.push(Change { at, object: Some(reference(object)), what, by });
        }
    };
    if is_leaving(object) {
        add(time(object, "/metadata/deletionTimestamp"), "is to be deleted".into(), None);
    }
    match kind(object) {
        "Pod" => ends(object, &mut |at, what| add(at, what, None)),
        "Node" | "APIService" => conditions(object, &mut |at, what| add(at, what, None)),
        _ => {}
    }
    let is_owned = items(object, "/metadata/ownerReferences").next().is_some();
    if is_owned {
        return changes;
    }
    let is_new = created(object).is_some_and(|at| at > then);
    if is_new {
        add(created(object), "was created".into(), first_manager(object));
        return changes;
    }
    for entry in items(object, "/metadata/managedFields").filter(|entry| text(entry, "/subresource") != "status") {
        if let Some(what) = written(entry) {
            add(time(entry, "/time"), what, Some(text(entry, "/manager")));
        }
    }
    changes
}

/// Who scaled an object by its `scale` subresource, which leaves no time behind.
pub(super) fn untimed_scale(object: &Value) -> Option<&str> {
    let mut entries = items(object, "/metadata/managedFields");
    let entry = entries.find(|entry| text(entry, "/subresource") == "scale" && time(entry, "/time").is_none())?;
    Some(text(entry, "/manager")).filter(|manager| !manager.is_empty())
}

/// What an event says of the scaling of an object that somebody is known to have scaled.
pub(super) fn scaled(event: &Value, then: Timestamp, scaled_by: &BTreeMap<String, String>) -> Option<Change> {
    if kind(event) != "Event" || text(event, "/reason") != "ScalingReplicaSet" {
        return None;
    }
    let by = scaled_by.get(text(event, "/involvedObject/uid"))?.clone();
    let at = Event(event).last().filter(|at| *at > then)?;
    let about = |field: &str| text(event, &format!("/involvedObject/{field}"));
    let (group, _) = about("apiVersion").rsplit_once('/').unwrap_or_default();
    let object = ObjectRef::new(group, about("kind"), Some(about("namespace")), about("name"));
    let what = text(event, "/message").replacen("Scaled", "was scaled:", 1);
    Some(Change { at, object: Some(object), what, by: Some(by) })
}

fn first_manager(object: &Value) -> Option<&str> {
    let entries = items(object, "/metadata/managedFields").filter(|entry| text(entry, "/subresource").is_empty());
    entries.min_by_key(|entry| time(entry, "/time")).map(|entry| text(entry, "/manager"))
}

/// Fields that an entry names. One that was applied names all that its manager owns, changed or not.
fn written(entry: &Value) -> Option<String> {
    if text(entry, "/operation") == "Apply" {
        return Some("was applied".into());
    }
    let mut paths = Vec::new();
    walk(&entry["fieldsV1"], &mut Vec::new(), &mut paths);
    paths.retain(|path| !BOOKKEEPING.iter().any(|own| path.starts_with(own)));
    const NAMED: usize = 3;
    let more = paths.len().saturating_sub(NAMED);
    paths.truncate(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!paths.is_empty()).then(|| format!("{}{more} set", paths.join(", ")))
}

/// What controllers note on objects for themselves.
const BOOKKEEPING: [&str; 6] = [
    "status",
    "metadata.annotations.deployment.kubernetes.io",
    "metadata.annotations.deprecated.daemonset",
    "metadata.annotations.node.alpha.kubernetes.io",
    "metadata.annotations.volumes.kubernetes.io",
    "metadata.annotations.kubectl.kubernetes.io/last-applied",
];

/// Paths of the leaves of a FieldsV1: `spec.template.spec.containers[api].image`. Source: KEP-555.
fn walk(fields: &Value, path: &mut Vec<String>, paths: &mut Vec<String>) {
    let Some(fields) = fields.as_object() else { return };
    let mut inner = fields.iter().filter_map(|(key, value)| Some((step(key)?, value))).peekable();
    if inner.peek().is_none() {
        // A bare field, or an item of a list that is owned as such.
        let text = path.concat();
        if !text.is_empty() {
            paths.push(text.trim_start_matches('.').to_owned());
        }
        return;
    }
    for (step, value) in inner {
        path.push(step);
        walk(value, path, paths);
        path.pop();
    }
}

fn step(key: &str) -> Option<String> {
    match key.split_once(':')? {
        ("f", name) => Some(format!(".{name}")),
        ("k", keys) => {
            let keys: Value = serde_json::from_str(keys).ok()?;
            let named =
                keys.as_object()?.values().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            Some(format!("[{}]", named.collect::<Vec<_>>().join(",")))
        }
        ("v", value) => Some(format!("[{}]", value.trim_matches('"'))),
        _ => None,
    }
}

/// Containers that ended.
fn ends(pod: &Value, add: &mut dyn FnMut(Option<Timestamp>, String)) {
    for status in items(pod, "/status/initContainerStatuses").chain(items(pod, "/status/containerStatuses")) {
        let container = text(status, "/name");
        for end in ["/state/terminated", "/lastState/terminated"].iter().filter_map(|end| status.pointer(end)) {
            let code = int(end, "/exitCode").unwrap_or(0);
            let reason = text(end, "/reason");
            if code != 0 || reason == "OOMKilled" {
                let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
                add(time(end, "/finishedAt"), format!("container {container} ended with exit code {code}{reason}"));
            }
        }
    }
    if text(pod, "/status/phase") == "Failed" && !text(pod, "/status/reason").is_empty() {
        let at = Condition::of(pod, "Ready").and_then(Condition::since).or(created(pod));
        add(at, format!("failed: {}", text(pod, "/status/reason")));
    }
}

fn conditions(object: &Value, add: &mut dyn FnMut(Option<Timestamp>, String)) {
    for condition in Condition::all(object) {
        let status = ["True", "False", "Unknown"].into_iter().find(|status| condition.is(status)).unwrap_or("?");
        let reason = condition.reason();
        let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        add(condition.since(), format!("{} became {status}{reason}", condition.kind()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(object: Value, expect: &[(&str, Option<&str>)]) {
        let changes = since(&object, at("2026-11-24T10:00:00Z"));
        let said: Vec<(&str, Option<&str>)> =
            changes.iter().map(|change| (change.what.as_str(), change.by.as_deref())).collect();
        assert_eq!(said, expect);
    }

    const LATER: &str = "2026-11-24T10:05:00Z";
    const BEFORE: &str = "2026-11-24T09:05:00Z";

    fn entry(manager: &str, operation: &str, time: &str, subresource: &str, fields: Value) -> Value {
        json!({"manager": manager, "operation": operation, "time": time, "subresource": subresource, "fieldsV1": fields})
    }

    fn deployment(entries: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "api", "namespace": "n", "creationTimestamp": BEFORE, "managedFields": entries}})
    }

    #[test]
    fn edits_are_told_with_their_fields_and_author() {
        let image = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {
            "k:{\"name\":\"api\"}": {".": {}, "f:image": {}}}}}}});
        check(
            deployment(json!([
                entry("kubectl-edit", "Update", LATER, "", image),
                entry("kubectl", "Update", LATER, "scale", json!({"f:spec": {"f:replicas": {}}})),
                entry("lucid", "Apply", LATER, "", json!({"f:spec": {"f:replicas": {}}})),
                entry("kube-controller-manager", "Update", LATER, "status", json!({"f:status": {"f:replicas": {}}})),
                entry(
                    "kube-controller-manager",
                    "Update",
                    LATER,
                    "",
                    json!({"f:metadata": {"f:annotations": {"f:deployment.kubernetes.io/revision": {}}}})
                ),
                entry("kubectl-label", "Update", BEFORE, "", json!({"f:metadata": {"f:labels": {"f:a": {}}}})),
            ])),
            &[
                ("spec.template.spec.containers[api].image set", Some("kubectl-edit")),
                ("spec.replicas set", Some("kubectl")),
                ("was applied", Some("lucid")),
            ],
        );
        let many = json!({"f:data": {"f:a": {}, "f:b": {}, "f:c": {}, "f:d": {}}});
        check(
            deployment(json!([entry("x", "Update", LATER, "", many)])),
            &[("data.a, data.b, data.c and 1 more set", Some("x"))],
        );
    }

    #[test]
    fn what_is_new_or_leaving_is_told_once() {
        let mut object = deployment(json!([entry("helm", "Update", LATER, "", json!({"f:spec": {"f:replicas": {}}}))]));
        object["metadata"]["creationTimestamp"] = LATER.into();
        check(object.clone(), &[("was created", Some("helm"))]);
        object["metadata"]["deletionTimestamp"] = LATER.into();
        object["metadata"]["ownerReferences"] = json!([{"uid": "u"}]);
        check(object, &[("is to be deleted", None)]);
    }

    #[test]
    fn ends_of_containers_and_conditions_of_nodes() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "ownerReferences": [{"uid": "u"}]},
            "status": {"containerStatuses": [{"name": "api", "lastState": {"terminated":
                {"exitCode": 137, "reason": "OOMKilled", "finishedAt": LATER}}},
                {"name": "old", "lastState": {"terminated": {"exitCode": 1, "finishedAt": BEFORE}}}]}});
        check(pod, &[("container api ended with exit code 137 (OOMKilled)", None)]);
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "creationTimestamp": BEFORE,
            "managedFields": [entry("kubectl-cordon", "Update", LATER, "", json!({"f:spec": {"f:unschedulable": {}}}))]},
            "status": {"conditions": [
                {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "lastTransitionTime": LATER},
                {"type": "DiskPressure", "status": "False", "lastTransitionTime": BEFORE}]}});
        check(
            node,
            &[("Ready became Unknown (NodeStatusUnknown)", None), ("spec.unschedulable set", Some("kubectl-cordon"))],
        );
    }

    #[test]
    fn who_scaled_is_known_and_when_is_told_by_events() {
        let mut scale = entry("kubectl", "Update", LATER, "scale", json!({"f:spec": {"f:replicas": {}}}));
        scale.as_object_mut().unwrap().remove("time");
        let mut object = deployment(json!([scale]));
        object["metadata"]["uid"] = "u".into();
        check(object.clone(), &[]);
        assert_eq!(untimed_scale(&object), Some("kubectl"));
        let event = |at: &str| {
            json!({"kind": "Event", "reason": "ScalingReplicaSet", "lastTimestamp": at,
            "message": "Scaled up replica set api-1 from 1 to 2",
            "involvedObject": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "n", "name": "api", "uid": "u"}})
        };
        let known = BTreeMap::from([("u".to_owned(), "kubectl".to_owned())]);
        let then = self::at("2026-11-24T10:00:00Z");
        let told = scaled(&event(LATER), then, &known).unwrap();
        assert_eq!(told.object, Some(reference(&object)));
        assert_eq!(told.what, "was scaled: up replica set api-1 from 1 to 2");
        assert_eq!(scaled(&event(BEFORE), then, &known), None);
        assert_eq!(scaled(&event(LATER), then, &BTreeMap::new()), None);
    }

    #[test]
    fn the_newest_come_first_and_the_oldest_are_counted() {
        let change = |minute: usize| Change {
            at: at(&format!("2026-11-24T10:{minute:02}:00Z")),
            object: None,
            what: "x".into(),
            by: None,
        };
        let since = SinceHealthy::new(3, at(BEFORE), (0..50).map(change).collect());
        assert_eq!((since.changes.len(), since.omitted), (40, 10));
        assert!(since.changes[0].at > since.changes[1].at);
    }
}

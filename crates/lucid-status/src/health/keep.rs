//! What of each object is worth keeping while a look lasts. Ten thousand pods are mostly well, and of a pod that is well
//! little is ever asked; half of any object is the record of who set which field.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::changes::{Change, scaled, since, untimed_scale};
use crate::read::{changed, count, group, has_condition, is_leaving, items, kind, text, uid, writers_of_status};
use crate::readiness::is_built_in;

/// Takes in objects as they arrive and passes on what is needed of them.
#[derive(Debug, Default)]
pub struct Sieve {
    noting_since: Option<Timestamp>,
    /// What pods ask for is held against what they use, where that is known.
    keeps_requests: bool,
    pub changes: Vec<Change>,
    /// Who last used the scale of an object, by its uid. The record of fields keeps no time of that; events do.
    scaled_by: BTreeMap<String, String>,
    /// Uids of pods that are well: what events once said of them is over.
    well: BTreeSet<String>,
}

impl Sieve {
    /// One that also notes what changed after this moment, and keeps what pods ask for if use can be held against it.
    pub fn new(noting_since: Option<Timestamp>, keeps_requests: bool) -> Self {
        Self { noting_since, keeps_requests, ..Self::default() }
    }

    /// What is kept of the object, if anything is. Events come last.
    pub fn keep(&mut self, object: Value) -> Option<Value> {
        if let Some(then) = self.noting_since {
            self.changes.extend(since(&object, then));
            if let Some(manager) = untimed_scale(&object) {
                self.scaled_by.insert(uid(&object).to_owned(), manager.to_owned());
            }
            self.changes.extend(scaled(&object, then, &self.scaled_by));
        }
        let object = without_record(object);
        match kind(&object) {
            "Pod" if is_well(&object) => {
                self.well.insert(uid(&object).to_owned());
                Some(well_pod(&object, self.keeps_requests))
            }
            "Event" => self.event(&object),
            "EndpointSlice" => Some(slice(object)),
            "Node" => Some(node(object)),
            _ => Some(object),
        }
    }

    fn event(&self, event: &Value) -> Option<Value> {
        let about = ["/involvedObject/uid", "/regarding/uid"].map(|pointer| text(event, pointer));
        let is_over = about.iter().any(|uid| self.well.contains(*uid));
        let is_routine = text(event, "/reason") == "Scheduled" || text(event, "/reason") == "SuccessfulCreate";
        const KEPT: [&str; 15] = [
            "apiVersion",
            "kind",
            "type",
            "reason",
            "message",
            "note",
            "count",
            "series",
            "involvedObject",
            "regarding",
            "firstTimestamp",
            "lastTimestamp",
            "deprecatedFirstTimestamp",
            "deprecatedLastTimestamp",
            "eventTime",
        ];
        let mut kept = part(event, &KEPT);
        kept.insert(
            "metadata".into(),
            part(&event["metadata"], &["name", "namespace", "uid", "creationTimestamp"]).into(),
        );
        (!is_over && !is_routine).then(|| kept.into())
    }
}

/// Of the record of owners only when somebody last changed what the object shall be, which of a pod nobody does.
fn without_record(mut object: Value) -> Value {
    let changed = changed(&object).filter(|_| kind(&object) != "Pod");
    let looked_after = operators(&object);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let record = metadata.remove("managedFields");
        if let (Some(_), Some(changed)) = (record, changed) {
            let own = std::iter::once(json!({"time": changed.to_string()}));
            metadata.insert("managedFields".into(), own.chain(looked_after).collect());
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    object
}

/// Of a custom resource also who writes its status: that is its operator.
fn operators(object: &Value) -> Vec<Value> {
    if is_built_in(group(object)) {
        return Vec::new();
    }
    writers_of_status(object).map(|entry| part(entry, &["manager", "subresource"]).into()).collect()
}

/// Runs, is ready, has never been restarted, and nobody wants it to go.
fn is_well(pod: &Value) -> bool {
    const GOOD: [&str; 5] = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
    let says_nothing_else = items(pod, "/status/conditions").all(|condition| GOOD.contains(&text(condition, "/type")));
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let was_restarted = lists.iter().flat_map(|list| items(pod, list)).any(|status| count(status, "/restartCount") > 0);
    text(pod, "/status/phase") == "Running"
        && has_condition(pod, "Ready", "True")
        && says_nothing_else
        && !was_restarted
        && !is_leaving(pod)
}

fn well_pod(pod: &Value, keeps_requests: bool) -> Value {
    let containers = items(pod, "/spec/containers").map(|container| {
        let mut kept = part(container, if keeps_requests { &["name", "resources"] } else { &["name"] });
        // Services can only be held against names.
        let named = |port: &&Value| port.get("name").is_some();
        let ports: Vec<Value> =
            items(container, "/ports").filter(named).map(|port| part(port, &["name"]).into()).collect();
        kept.insert("ports".into(), ports.into());
        if container.get("readinessProbe").is_some_and(Value::is_object) {
            kept.insert("readinessProbe".into(), json!({}));
        }
        Value::from(kept)
    });
    let containers: Vec<Value> = containers.collect();
    let ready = items(pod, "/status/conditions").filter(|condition| text(condition, "/type") == "Ready");
    let ready: Vec<Value> =
        ready.map(|condition| part(condition, &["type", "status", "lastTransitionTime"]).into()).collect();
    let owners: Vec<Value> =
        items(pod, "/metadata/ownerReferences").map(|owner| part(owner, &["uid", "controller"]).into()).collect();
    let mut metadata = part(&pod["metadata"], &["name", "namespace", "uid", "labels", "creationTimestamp"]);
    metadata.insert("ownerReferences".into(), owners.into());
    let mut spec = part(&pod["spec"], &["nodeName", "restartPolicy"]);
    spec.insert("containers".into(), containers.into());
    let mut status = part(&pod["status"], &["phase", "podIP"]);
    status.insert("conditions".into(), ready.into());
    let mut kept = part(pod, &["apiVersion", "kind"]);
    kept.extend([
        ("metadata".to_owned(), metadata.into()),
        ("spec".into(), spec.into()),
        ("status".into(), status.into()),
    ]);
    kept.into()
}

/// A Service may have a thousand endpoints, and counts are all that is asked of them.
fn slice(mut slice: Value) -> Value {
    for endpoint in slice.get_mut("endpoints").and_then(Value::as_array_mut).into_iter().flatten() {
        // No condition means ready.
        let is_ready = endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false));
        *endpoint = if is_ready { json!({}) } else { json!({"conditions": {"ready": false}}) };
    }
    slice
}

/// Fifty images with all their names, and the volumes.
fn node(mut node: Value) -> Value {
    if let Some(status) = node.get_mut("status").and_then(Value::as_object_mut) {
        for field in ["images", "volumesInUse", "volumesAttached"] {
            status.remove(field);
        }
    }
    node
}

fn part(value: &Value, fields: &[&str]) -> Map<String, Value> {
    let own = |field: &&str| Some(((*field).to_owned(), value.get(*field)?.clone()));
    fields.iter().filter_map(own).collect()
}

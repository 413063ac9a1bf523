//! A small cluster made of JSON, with a Deployment, its ReplicaSet and one pod as the usual scene.

use jiff::Timestamp;
use lucid_object::ObjectRef;
use lucid_status::{Cluster, Diagnosis, Since, Verdict};
use serde_json::{Value, json};

pub(crate) const NOW: &str = "2026-11-24T10:00:00Z";
pub(crate) const APPLIED: &str = "2026-11-24T09:59:00Z";
pub(crate) const CREATED: &str = "2026-11-24T09:59:02Z";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn since() -> Since {
    Since { generation: Some(2), applied_at: Some(at(APPLIED)), ..Since::default() }
}

/// Objects; the first is the one that is judged.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) objects: Vec<Value>,
    /// What a closer look at any pod shows.
    pub(crate) log: Option<&'static str>,
    pub(crate) open: Vec<u16>,
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

pub(crate) fn reference(value: &Value) -> ObjectRef {
    let group = text(value, "/apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
    let namespace = Some(text(value, "/metadata/namespace")).filter(|namespace| !namespace.is_empty());
    ObjectRef::new(group, text(value, "/kind"), namespace, text(value, "/metadata/name"))
}

impl Cluster for World {
    fn get(&self, wanted: &ObjectRef) -> Option<&Value> {
        self.objects.iter().find(|object| &reference(object) == wanted)
    }

    fn owned_by(&self, uid: &str) -> Vec<&Value> {
        let is_owned = |object: &&Value| text(object, "/metadata/ownerReferences/0/uid") == uid;
        self.objects.iter().filter(is_owned).collect()
    }

    fn events_for(&self, uid: &str) -> Vec<&Value> {
        self.objects.iter().filter(|object| text(object, "/involvedObject/uid") == uid).collect()
    }

    fn list(&self, group: &str, kind: &str, namespace: Option<&str>) -> Vec<&Value> {
        let is_wanted = |object: &&Value| {
            let reference = reference(object);
            reference.group == group && reference.kind == kind && reference.namespace.as_deref() == namespace
        };
        self.objects.iter().filter(is_wanted).collect()
    }

    fn everywhere(&self, group: &str, kind: &str) -> Vec<&Value> {
        let is_wanted = |object: &&Value| reference(object).group == group && reference(object).kind == kind;
        self.objects.iter().filter(is_wanted).collect()
    }

    fn last_words(&self, _: &str, _: &str) -> Option<&str> {
        self.log
    }

    fn answers_inside(&self, _: &str, port: u16) -> bool {
        self.open.contains(&port)
    }
}

impl World {
    pub(crate) fn of(objects: impl IntoIterator<Item = Value>) -> Self {
        Self { objects: objects.into_iter().collect(), ..Self::default() }
    }

    pub(crate) fn with(mut self, object: Value) -> Self {
        self.objects.push(object);
        self
    }

    /// Changes the first object of this kind, by JSON merge patch.
    pub(crate) fn but(mut self, kind: &str, patch: Value) -> Self {
        let object =
            self.objects.iter_mut().find(|object| text(object, "/kind") == kind).expect("an object of that kind");
        merge(object, patch);
        self
    }

    /// An event about the first object of this kind.
    pub(crate) fn told(self, kind: &str, reason: &str, message: &str) -> Self {
        let about = self.objects.iter().find(|object| text(object, "/kind") == kind).expect("an object of that kind");
        let event = event(text(about, "/metadata/uid"), reason, message);
        self.with(event)
    }

    pub(crate) fn diagnose(&self) -> Vec<Diagnosis> {
        lucid_status::diagnose(&self.objects[0], &since(), self, at(NOW))
    }

    pub(crate) fn readiness(&self) -> Verdict {
        lucid_status::readiness(&self.objects[0], &since(), self, at(NOW))
    }
}

pub(crate) fn event(uid: &str, reason: &str, message: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("{uid}.{reason}"), "namespace": "shop"},
        "involvedObject": {"uid": uid}, "reason": reason, "message": message,
        "firstTimestamp": "2026-11-24T09:59:10Z", "lastTimestamp": "2026-11-24T09:59:50Z"})
}

/// JSON merge patch (RFC 7386).
pub(crate) fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let map = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            map.remove(&key);
        } else {
            merge(map.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// A namespaced object with a uid, of an API version and kind.
pub(crate) fn object(api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop",
        "uid": format!("{kind}-{name}"), "creationTimestamp": CREATED, "generation": 2}});
    merge(&mut object, rest);
    object
}

pub(crate) fn cluster_object(api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let mut object = object(api_version, kind, name, rest);
    object["metadata"].as_object_mut().unwrap().remove("namespace");
    object
}

pub(crate) fn owned(mut object: Value, owner: &str) -> Value {
    object["metadata"]["ownerReferences"] = json!([{"uid": owner, "controller": true}]);
    object
}

pub(crate) fn deployment(rest: Value) -> Value {
    let mut base = object(
        "apps/v1",
        "Deployment",
        "api",
        json!({"metadata": {"annotations": {"deployment.kubernetes.io/revision": "3"}},
            "spec": {"replicas": 1, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}},
            "status": {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1}}),
    );
    merge(&mut base, rest);
    base
}

pub(crate) fn replica_set(revision: u32, rest: Value) -> Value {
    let name = format!("api-{revision}");
    let mut base = object(
        "apps/v1",
        "ReplicaSet",
        &name,
        json!({"metadata": {"annotations": {"deployment.kubernetes.io/revision": revision.to_string()}}, "spec": {"replicas": 1}}),
    );
    merge(&mut base, rest);
    owned(base, "Deployment-api")
}

/// A pod on node n1 whose container `api` has not begun.
pub(crate) fn pod(name: &str, owner: &str, rest: Value) -> Value {
    let mut base = object(
        "v1",
        "Pod",
        name,
        json!({"spec": {"nodeName": "n1", "restartPolicy": "Always", "containers": [{"name": "api", "image": "r.example/api:1"}]},
            "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]}}),
    );
    merge(&mut base, rest);
    owned(base, owner)
}

/// Deployment, its ReplicaSet of revision 3, and one pod of it.
pub(crate) fn rollout(pod_rest: Value) -> World {
    World::of([deployment(json!({})), replica_set(3, json!({})), pod("api-3-a", "ReplicaSet-api-3", pod_rest)])
}

/// One pod alone, without anyone who replaces it.
pub(crate) fn bare(rest: Value) -> World {
    World::of([pod("p", "nobody", rest)])
}

/// A rollout with three pods of the same fate.
pub(crate) fn thrice(rest: &Value) -> World {
    let pods = ["b", "c"].map(|name| pod(&format!("api-3-{name}"), "ReplicaSet-api-3", rest.clone()));
    let mut world = rollout(rest.clone());
    world.objects.extend(pods);
    world
}

/// The status of container `api`.
pub(crate) fn container(state: Value) -> Value {
    let mut status = json!({"name": "api", "ready": false, "restartCount": 0, "image": "r.example/api:1"});
    merge(&mut status, state);
    json!({"status": {"containerStatuses": [status]}})
}

pub(crate) fn waiting(reason: &str, message: &str) -> Value {
    container(json!({"state": {"waiting": {"reason": reason, "message": message}}}))
}

/// Crash-looping: the last end, and how often.
pub(crate) fn crashing(times: i64, end: Value) -> Value {
    let mut end = end;
    merge(&mut end, json!({"finishedAt": "2026-11-24T09:59:40Z"}));
    container(json!({"restartCount": times, "lastState": {"terminated": end},
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container=api"}}}))
}

pub(crate) fn running() -> Value {
    container(json!({"started": true, "state": {"running": {"startedAt": "2026-11-24T09:59:05Z"}}}))
}

/// As [`running`], and ready, with the conditions of a ready pod.
pub(crate) fn ready() -> Value {
    json!({"status": {"phase": "Running", "conditions": [
        {"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-24T09:59:30Z"}],
        "containerStatuses": [{"name": "api", "ready": true, "started": true, "restartCount": 0,
            "state": {"running": {"startedAt": "2026-11-24T09:59:05Z"}}}]}})
}

/// Not placed, with the scheduler's sentence.
pub(crate) fn unscheduled(message: &str) -> Value {
    json!({"spec": {"nodeName": null}, "status": {"conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "message": message, "lastTransitionTime": "2026-11-24T09:59:03Z"}]}})
}

pub(crate) fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-11-24T09:59:20Z"})
}

/// Both, the second over the first.
pub(crate) fn and(mut first: Value, second: Value) -> Value {
    merge(&mut first, second);
    first
}

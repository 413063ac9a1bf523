//! Objects that cannot be changed into what is wanted, only deleted and made anew.
//!
//! Which they are, the server says when it tries the change ("field is immutable"); what is asked is narrowed here to
//! what may be refused for that reason. A StatefulSet keeps its pods and volumes meanwhile: they are orphaned and adopted
//! again. A Job has nothing to keep but pods that nobody would adopt, so those go with it. Everything else takes more away
//! than its own description, and is replaced only for those who have asked for it by name.

use std::collections::BTreeSet;
use std::sync::Arc;

use lucid_object::{Gvk, Object, ObjectRef};
use lucid_release::InventoryEntry;
use lucid_release::names::{FIELD_MANAGER, REPLICAS_MANAGER};
use serde_json::Value;

use crate::build::{Action, Children, Operation, Request};
use crate::intent;

/// Whether the server may refuse this update because a field cannot change.
pub fn is_suspect(operation: &Operation, live: &Value) -> bool {
    if operation.action != Action::Update {
        return false;
    }
    let Some(intent) = own_body(operation) else { return false };
    let differs = |pointer: &str| {
        let (wanted, there) = (intent.pointer(pointer), live.pointer(pointer));
        wanted.is_some_and(|wanted| there != Some(wanted))
    };
    match (operation.object.group.as_str(), operation.object.kind.as_str()) {
        ("apps", "StatefulSet") | ("batch", "Job") | ("", "PersistentVolumeClaim" | "PersistentVolume") => true,
        ("apps", _) => differs("/spec/selector"),
        ("", "ConfigMap" | "Secret") => live["immutable"] == true,
        ("", "Service") => ["/spec/clusterIP", "/spec/clusterIPs", "/spec/ipFamilies"].into_iter().any(differs),
        ("rbac.authorization.k8s.io", _) => differs("/roleRef"),
        ("storage.k8s.io" | "scheduling.k8s.io" | "node.k8s.io" | "apiextensions.k8s.io", _) => true,
        // What others define may hold rules of any kind.
        (group, _) => group.contains('.') && !group.ends_with(".k8s.io"),
    }
}

/// Nobody needs to be asked: nothing is lost but the object itself, and at most a Job's pods.
pub fn is_harmless(operation: &Operation, live: &Value) -> bool {
    match (operation.object.group.as_str(), operation.object.kind.as_str()) {
        ("batch", "Job") => true,
        ("apps", "StatefulSet") => keeps_its_selector(operation, live),
        _ => false,
    }
}

/// Its pods are still its pods afterwards.
fn keeps_its_selector(operation: &Operation, live: &Value) -> bool {
    own_body(operation).is_some_and(|intent| intent.pointer("/spec/selector") == live.pointer("/spec/selector"))
}

/// Makes an update a replacement of exactly this live object.
pub fn replace(operation: &mut Operation, live: &Value) {
    let Some(mut body) = own_body(operation).cloned() else { return };
    let children = match operation.object.kind.as_str() {
        "StatefulSet" if keeps_its_selector(operation, live) => Children::Stay,
        _ => Children::Go,
    };
    let uid = live.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        // They name the object that goes.
        metadata.remove("uid");
        metadata.remove("resourceVersion");
    }
    operation.requests = requests(body, live);
    operation.action = Action::Replace { uid, children };
}

/// A workload whose replicas an autoscaler owns comes back with as many as it has, and lets go of the number then.
fn requests(body: Value, live: &Value) -> Vec<Request> {
    let request = |manager, body| Request { manager, body: Arc::new(body), force: false };
    let replicas = live.pointer("/spec/replicas").and_then(Value::as_i64);
    let Some(replicas) = replicas.filter(|_| body.pointer("/spec/replicas").is_none() && body["spec"].is_object())
    else {
        return vec![request(FIELD_MANAGER, body)];
    };
    let mut first = body.clone();
    first["spec"]["replicas"] = replicas.into();
    let hold = intent::replicas_only(&body, Some(replicas));
    vec![request(FIELD_MANAGER, first), request(REPLICAS_MANAGER, hold), request(FIELD_MANAGER, body)]
}

/// What of an object is sent in the release's own name.
pub fn own_body(operation: &Operation) -> Option<&Value> {
    operation.requests.iter().find(|request| request.manager == FIELD_MANAGER).map(|request| &*request.body)
}

/// Pods that a StatefulSet of the inventory has left behind: it was deleted to be made anew, the run died before that,
/// and the release does not want it any more. Each with its set.
pub fn left_behind(
    inventory: &[InventoryEntry],
    is_wanted: &dyn Fn(&InventoryEntry) -> bool,
    pods: &[&Value],
) -> Vec<(ObjectRef, Operation)> {
    let is_set = |entry: &&InventoryEntry| entry.object.group == "apps" && entry.object.kind == "StatefulSet";
    let gone: BTreeSet<&ObjectRef> =
        inventory.iter().filter(is_set).filter(|entry| !is_wanted(entry)).map(|entry| &entry.object).collect();
    let set_of = |pod: &Value| gone.iter().find(|set| is_orphan_of(pod, set)).map(|set| (*set).clone());
    pods.iter().filter_map(|pod| Some((set_of(pod)?, deletion(pod)?))).collect()
}

/// `<set>-<ordinal>` with the label that only the controller of StatefulSets puts on, and without a controller.
fn is_orphan_of(pod: &Value, set: &ObjectRef) -> bool {
    let object = Object::new(pod.clone());
    let ordinal = object.name().strip_prefix(&set.name).and_then(|rest| rest.strip_prefix('-'));
    let label = pod.pointer("/metadata/labels/statefulset.kubernetes.io~1pod-name").and_then(Value::as_str);
    let owners = pod.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    object.namespace() == set.namespace.as_deref()
        && ordinal.is_some_and(|ordinal| ordinal.parse::<u32>().is_ok())
        && label == Some(object.name())
        && owners.is_none_or(Vec::is_empty)
}

fn deletion(pod: &Value) -> Option<Operation> {
    let uid = pod.pointer("/metadata/uid")?.as_str()?.to_owned();
    let object = Object::new(pod.clone()).reference();
    let gvk = Gvk::new("", "v1", "Pod");
    Some(Operation { object, gvk, action: Action::Delete { uid }, requests: Vec::new(), is_watched: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn update(body: &Value) -> Operation {
        let object = Object::new(body.clone());
        Operation {
            object: object.reference(),
            gvk: object.gvk(),
            action: Action::Update,
            requests: vec![Request { manager: FIELD_MANAGER, body: Arc::new(body.clone()), force: false }],
            is_watched: true,
        }
    }

    fn workload(kind: &str, app: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "a", "namespace": "n", "uid": "u"},
            "spec": {"selector": {"matchLabels": {"app": app}}}})
    }

    #[test]
    fn only_what_may_be_refused_is_tried() {
        let check = |wanted: &Value, live: &Value, expect: bool| assert_eq!(is_suspect(&update(wanted), live), expect);
        check(&workload("Deployment", "a"), &workload("Deployment", "a"), false);
        check(&workload("Deployment", "b"), &workload("Deployment", "a"), true);
        check(&workload("StatefulSet", "a"), &workload("StatefulSet", "a"), true);
        let map = |immutable: bool| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "immutable": immutable});
        check(&map(false), &map(false), false);
        check(&map(false), &map(true), true);
        let custom = json!({"apiVersion": "g.io/v1", "kind": "Thing", "metadata": {"name": "a"}});
        check(&custom, &custom, true);
        let mut created = update(&workload("StatefulSet", "a"));
        created.action = Action::Create;
        assert!(!is_suspect(&created, &workload("StatefulSet", "a")));
    }

    #[test]
    fn a_stateful_set_keeps_its_pods_unless_they_would_not_be_its_own() {
        let live = workload("StatefulSet", "a");
        let mut same = update(&live);
        assert!(is_harmless(&same, &live));
        replace(&mut same, &live);
        assert_eq!(same.action, Action::Replace { uid: "u".into(), children: Children::Stay });
        assert!(same.requests[0].body.pointer("/metadata/uid").is_none(), "the new object has another uid");
        let mut other = update(&workload("StatefulSet", "b"));
        assert!(!is_harmless(&other, &live));
        replace(&mut other, &live);
        assert_eq!(other.action, Action::Replace { uid: "u".into(), children: Children::Go });
        assert!(!is_harmless(&update(&workload("Deployment", "b")), &workload("Deployment", "a")));
    }

    #[test]
    fn an_autoscaled_workload_comes_back_with_as_many_pods_as_it_had() {
        let mut live = workload("StatefulSet", "a");
        live["spec"]["replicas"] = 4.into();
        let mut operation = update(&workload("StatefulSet", "a"));
        replace(&mut operation, &live);
        let sent: Vec<_> =
            operation.requests.iter().map(|r| (r.manager, r.body.pointer("/spec/replicas").cloned())).collect();
        let expect = [(FIELD_MANAGER, Some(json!(4))), (REPLICAS_MANAGER, Some(json!(4))), (FIELD_MANAGER, None)];
        assert_eq!(sent, expect);
    }

    #[test]
    fn only_orphans_of_a_set_that_is_not_wanted_are_left_behind() {
        let set = InventoryEntry {
            object: ObjectRef::new("apps", "StatefulSet", Some("n"), "db"),
            version: "v1".into(),
            component: "db".into(),
        };
        let pod = |name: &str, owned: bool| {
            let owners = if owned { json!([{"uid": "x", "controller": true}]) } else { json!([]) };
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "n", "uid": name,
                "labels": {"statefulset.kubernetes.io/pod-name": name}, "ownerReferences": owners}})
        };
        let mut foreign = pod("db-2", false);
        foreign["metadata"]["labels"] = json!({});
        let pods = [pod("db-0", false), pod("db-1", true), foreign, pod("db-x", false), pod("dbx-0", false)];
        let pods: Vec<&Value> = pods.iter().collect();
        let inventory = [set];
        let found = |wanted: bool| left_behind(&inventory, &|_| wanted, &pods).len();
        assert_eq!((found(false), found(true)), (1, 0));
        assert_eq!(left_behind(&inventory, &|_| false, &pods)[0].1.object.name, "db-0");
    }
}

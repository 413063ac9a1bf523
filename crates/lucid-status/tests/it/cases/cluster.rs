//! L70xx, and what carries kinds: nodes, APIs, definitions, namespaces, finalizers.

use lucid_status::Class::{Advice, After, FatalNow, Wait};
use serde_json::{Value, json};

use super::{Case, case};
use crate::world::{World, and, cluster_object, condition, object, rollout, running, waiting};

fn node(rest: Value) -> Value {
    cluster_object("v1", "Node", "n1", rest)
}

fn conditions(list: &[(&str, &str)]) -> Value {
    let list: Vec<Value> =
        list.iter().map(|(kind, status)| condition(kind, status, "KubeletHasReported", "words")).collect();
    json!({"status": {"conditions": list}})
}

pub(super) fn cases() -> Vec<Case> {
    let on = |rest: Value| rollout(running()).with(node(rest));
    let evicted = |rest: Value| {
        rollout(json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}})).with(node(rest))
    };
    let full = |words: &str| rollout(waiting("ContainerCreating", "")).told("Pod", "FailedMount", words);
    let mut cases = vec![
        case(7001, Wait, on(conditions(&[("Ready", "Unknown")])), on(conditions(&[("Ready", "True")]))),
        case(
            7002,
            Wait,
            evicted(conditions(&[("Ready", "True"), ("MemoryPressure", "True")])),
            evicted(conditions(&[("Ready", "True"), ("MemoryPressure", "False")])),
        ),
        case(
            7002,
            Wait,
            on(conditions(&[("Ready", "True"), ("NetworkUnavailable", "True")])),
            on(conditions(&[("Ready", "True"), ("DiskPressure", "True")])),
        ),
        case(7002, Wait, full("write /var/lib/kubelet/pods/x: no space left on device"), full("something else")),
        case(7003, Advice, World::of([node(json!({"spec": {"unschedulable": true}}))]), World::of([node(json!({}))])),
    ];
    cases.extend(daemon_set());
    cases.extend(apis());
    cases.extend(operators());
    cases.extend(leaving());
    cases
}

fn daemon_set() -> Vec<Case> {
    let set = |ready: &str| {
        let set = object(
            "apps/v1",
            "DaemonSet",
            "agent",
            json!({"status": {"observedGeneration": 2, "desiredNumberScheduled": 1}}),
        );
        World::of([
            set,
            crate::world::pod("agent-x", "DaemonSet-agent", running()),
            node(conditions(&[("Ready", ready)])),
        ])
    };
    vec![case(5107, lucid_status::Class::Symptom, set("False"), set("True"))]
}

/// A database of an operator that runs in a namespace of its own.
fn operators() -> Vec<Case> {
    let operator = |name: &str, ready: i64| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": "operators", "uid": format!("Deployment-{name}"), "generation": 1},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}}}},
            "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready, "availableReplicas": ready}})
    };
    let database = |manager: &str| {
        let record = json!([{"manager": "lucid", "operation": "Apply"},
            {"manager": manager, "operation": "Update", "subresource": "status", "time": "2026-11-24T09:00:00Z"}]);
        let status = json!({"observedGeneration": 1, "conditions": [condition("Ready", "True", "Ready", "")]});
        World::of([object(
            "db.example.com/v1",
            "Database",
            "x",
            json!({"metadata": {"generation": 2, "managedFields": record}, "status": status}),
        )])
    };
    vec![
        case(
            7009,
            After(60),
            database("db-operator").with(operator("db-operator", 0)),
            database("db-operator").with(operator("db-operator", 1)),
        ),
        // A part of it writes under a name of its own; and of two that go by the name, one runs.
        case(
            7009,
            After(60),
            database("db-operator-backups").with(operator("db-operator", 0)),
            database("db-operator-backups").with(operator("db-operator", 0)).with(operator("db-operator-backups", 1)),
        ),
        case(
            7009,
            After(60),
            database("db-operator").with(operator("db-operator", 0)),
            database("manager").with(operator("manager", 0)),
        ),
    ]
}

fn apis() -> Vec<Case> {
    let api = |status: &str| {
        World::of([cluster_object(
            "apiregistration.k8s.io/v1",
            "APIService",
            "v1beta1.metrics.k8s.io",
            json!({"status": {"conditions": [condition("Available", status, "MissingEndpoints", "endpoints for service/metrics-server have no addresses")]}}),
        )])
    };
    let crd = |established: &str, names: &str| {
        World::of([cluster_object(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            "things.example.com",
            conditions(&[("Established", established), ("NamesAccepted", names)]),
        )])
    };
    let synced = |group: &str, kind: &str, status: &str| {
        World::of([object(
            &format!("{group}/v1"),
            kind,
            "db",
            json!({"status": {"conditions": [condition("Ready", status, "SecretSyncedError", "could not get secret: permission denied")]}}),
        )])
    };
    vec![
        case(7004, After(120), api("False"), api("True")),
        case(1005, After(30), crd("False", "True"), crd("True", "True")),
        case(1005, FatalNow, crd("False", "False"), crd("True", "True")),
        case(
            7010,
            FatalNow,
            synced("external-secrets.io", "ExternalSecret", "False"),
            synced("external-secrets.io", "ExternalSecret", "True"),
        ),
        case(7010, FatalNow, synced("bitnami.com", "SealedSecret", "False"), synced("example.com", "Thing", "False")),
    ]
}

fn leaving() -> Vec<Case> {
    let gone = json!({"deletionTimestamp": "2026-11-24T09:59:10Z"});
    let namespace = |metadata: &Value| {
        let stuck = condition(
            "NamespaceFinalizersRemaining",
            "True",
            "SomeFinalizersRemain",
            "Some content has finalizers remaining: example.com/x in 2 resource instances",
        );
        World::of([cluster_object(
            "v1",
            "Namespace",
            "shop",
            json!({"metadata": metadata, "status": {"phase": "Active", "conditions": [stuck]}}),
        )])
    };
    let held = |finalizers: Value| {
        let metadata = and(json!({"finalizers": finalizers}), gone.clone());
        World::of([object("v1", "ConfigMap", "c", json!({"metadata": metadata}))])
    };
    vec![
        case(7007, FatalNow, namespace(&gone), namespace(&json!({}))),
        case(7008, After(60), held(json!(["example.com/x"])), held(json!([]))),
        // Kubernetes removes its own by itself.
        case(7008, Wait, held(json!(["foregroundDeletion"])), held(json!([]))),
    ]
}

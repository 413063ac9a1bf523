//! What is compared of a run, without what no two runs share.

use std::time::Duration;

use lucid_client::{ApiClient, ListKind, Target};
use lucid_object::Gvk;
use serde_json::Value;

/// Generations, conditions and, where there are none or the object rests, numbers: how many changes of numbers fall
/// into one is a matter of milliseconds. Hashes in names are left out.
pub(crate) fn state(object: &Value, rests: bool) -> String {
    let status = &object["status"];
    let counted = rests || object["kind"] != "Deployment" && object["kind"] != "Job";
    let mut text =
        format!("g{} o{}", object["metadata"]["generation"], status["observedGeneration"].as_i64().unwrap_or(0));
    for field in COUNTED.into_iter().filter(|_| counted) {
        if let Some(count) = status[field].as_i64().filter(|count| *count > 0) {
            text += &format!(" {field}={count}");
        }
    }
    if status["updateRevision"].is_string() {
        text += if status["updateRevision"] == status["currentRevision"] { " one revision" } else { " two revisions" };
    }
    let mut conditions: Vec<String> = status["conditions"].as_array().into_iter().flatten().map(condition).collect();
    conditions.sort();
    let text = conditions.iter().fold(text, |text, condition| text + "\n    " + condition);
    text.replace(object["metadata"]["namespace"].as_str().unwrap_or_default(), "NAMESPACE")
}

const COUNTED: [&str; 24] = [
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "currentReplicas",
    "unavailableReplicas",
    "terminatingReplicas",
    "active",
    "ready",
    "terminating",
    "succeeded",
    "failed",
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "updatedNumberScheduled",
    "numberReady",
    "numberAvailable",
    "numberUnavailable",
    "desiredReplicas",
    "disruptionsAllowed",
    "currentHealthy",
    "desiredHealthy",
    "expectedPods",
    "collisionCount",
];

fn condition(condition: &Value) -> String {
    let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
    format!("{}={} {}: {}", text("type"), text("status"), text("reason"), without_hashes(&text("message")))
}

/// `"app-5d4f8b"` becomes `"app-…"`.
fn without_hashes(message: &str) -> String {
    let plain = |name: &str| if name.starts_with("app-") { "app-…".to_owned() } else { name.to_owned() };
    message.split('"').map(plain).collect::<Vec<_>>().join("\"")
}

/// What controllers said, each sentence once; kwok has its own words for what kubelets say.
pub(crate) async fn events(client: &ApiClient, namespace: &str) -> Vec<String> {
    // Events are written in their own time.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let listed = client.list(&Target::core("Event", "events", Some(namespace)), ListKind::Full).await.expect("events");
    let of_controllers = |event: &&Value| {
        event["source"]["component"]
            .as_str()
            .is_some_and(|from| from.ends_with("-controller") || from.ends_with("-autoscaler"))
    };
    let text = |event: &Value| {
        let field = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let kind = event["involvedObject"]["kind"].as_str().unwrap_or_default();
        let message = without_names(&without_hashes(&field("message"))).replace(namespace, "NAMESPACE");
        format!("{kind}: {} {}: {message}", field("type"), field("reason"))
    };
    let mut events: Vec<String> = listed.items.iter().filter(of_controllers).map(text).collect();
    events.sort();
    events.dedup();
    events
}

/// What controllers have made, but for what is made up anew each time and for what kubelets write.
pub(crate) async fn children(client: &ApiClient, namespace: &str) -> Vec<String> {
    let mut bodies = Vec::new();
    for (group, version, kind, plural) in CHILDREN {
        let target = Target::new(Gvk::new(group, version, kind), plural, Some(namespace));
        let listed = client.list(&target, ListKind::Full).await.expect("children");
        bodies.extend(listed.items.into_iter().map(|mut item| {
            item["kind"] = kind.into();
            plain(&mut item, kind);
            serde_json::to_string_pretty(&item).expect("JSON").replace(namespace, "NAMESPACE")
        }));
    }
    bodies.sort();
    bodies
}

const CHILDREN: [(&str, &str, &str, &str); 8] = [
    ("apps", "v1", "ReplicaSet", "replicasets"),
    ("apps", "v1", "ControllerRevision", "controllerrevisions"),
    ("", "v1", "Pod", "pods"),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    ("", "v1", "Endpoints", "endpoints"),
    ("", "v1", "ServiceAccount", "serviceaccounts"),
    ("", "v1", "ConfigMap", "configmaps"),
];

/// Takes out what no two runs share: identities, times, hashes, addresses, nodes; and data of the cluster's own.
fn plain(value: &mut Value, kind: &str) {
    const DROPPED: [&str; 13] = [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
        "nodeName",
        "zone",
        "lastTransitionTime",
        "addresses",
        "ip",
        "ca.crt",
        "startTime",
        "batch.kubernetes.io/controller-uid",
        "controller-uid",
    ];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !(DROPPED.contains(&name.as_str()) || kind == "Pod" && name == "status"));
            if let Some(time) = fields.get_mut("endpoints.kubernetes.io/last-change-trigger-time") {
                *time = "then".into();
            }
            // One object is written as often as its controller likes.
            fields.retain(|name, _| !(kind == "EndpointSlice" && name == "generation"));
            // Nodes are called otherwise there.
            fields.retain(|name, _| !name.starts_with("topology.kubernetes.io/") || kind != "Pod");
            fields.values_mut().for_each(|field| plain(field, kind));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| plain(item, kind)),
        Value::String(text) => *text = made_up(text),
        _ => {}
    }
}

/// Generated names and hashes.
fn made_up(text: &str) -> String {
    let hash = |text: &str| {
        (8..=10).contains(&text.len()) && text.bytes().all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b))
    };
    if hash(text) {
        return "HASH".to_owned();
    }
    if let Some(base) = text.strip_prefix("kube-api-access-") {
        return format!("kube-api-access-{}", "x".repeat(base.len()));
    }
    without_names(&without_hashes(text))
}

/// Names that were made up, in a text without quotes around them.
fn without_names(message: &str) -> String {
    let plain = |word: &str| {
        let parts = word.split('-').count();
        if word.starts_with("app-") && (parts > 2 || word.len() > 8) { "app-…".to_owned() } else { word.to_owned() }
    };
    message.split(' ').map(plain).collect::<Vec<_>>().join(" ")
}

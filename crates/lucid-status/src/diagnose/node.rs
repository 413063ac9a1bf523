//! Nodes: what is wrong with one explains what is wrong with its pods.

use serde_json::Value;

use crate::cluster::Scene;
use crate::diagnosis::{Axis, Class, Diagnosis};
use crate::read::{Condition, is_true, label, name, reference, text};
use crate::revision::{Owned, is_ready};

fn find<'a>(name: &str, scene: &Scene<'a>) -> Option<&'a Value> {
    if name.is_empty() { None } else { scene.find("", "Node", None, name) }
}

/// True if the node is cached and not ready.
pub(crate) fn is_down(name: &str, scene: &Scene<'_>) -> bool {
    find(name, scene).and_then(|node| Condition::of(node, "Ready")).is_some_and(|ready| !ready.is("True"))
}

pub(super) fn zone<'a>(name: &str, scene: &Scene<'a>) -> &'a str {
    find(name, scene).and_then(|node| label(node, "topology.kubernetes.io/zone")).unwrap_or("")
}

/// The pod's node, if that is what is wrong with a pod that is not ready.
pub(super) fn of_pod(pod: &Value, scene: &Scene<'_>) -> Option<Diagnosis> {
    let node = find(text(pod, "/spec/nodeName"), scene)?;
    let is_evicted = text(pod, "/status/reason") == "Evicted";
    if is_ready(pod) || matches!(text(pod, "/status/phase"), "Succeeded") {
        return None;
    }
    if is_evicted {
        return pressure(node);
    }
    not_ready(node).or_else(|| network(node))
}

fn not_ready(node: &Value) -> Option<Diagnosis> {
    let ready = Condition::of(node, "Ready").filter(|ready| !ready.is("True"))?;
    let message = format!("node {} is not ready ({})", name(node), ready.reason());
    let new = Diagnosis::new(7001, reference(node), message).seen(ready.message()).since(ready.since());
    Some(new.shares(Axis::Node, name(node)))
}

fn network(node: &Value) -> Option<Diagnosis> {
    let condition = Condition::of(node, "NetworkUnavailable").filter(|condition| condition.is("True"))?;
    Some(starved(node, condition))
}

fn pressure(node: &Value) -> Option<Diagnosis> {
    let kinds = ["DiskPressure", "MemoryPressure", "PIDPressure"];
    let condition = kinds.iter().filter_map(|kind| Condition::of(node, kind)).find(|condition| condition.is("True"))?;
    Some(starved(node, condition))
}

fn starved(node: &Value, condition: Condition<'_>) -> Diagnosis {
    let message = format!("node {} has {}", name(node), condition.kind());
    Diagnosis::new(7002, reference(node), message).seen(condition.message()).since(condition.since())
}

/// A node, looked at for itself.
pub(super) fn about(node: &Value, found: &mut Vec<Diagnosis>) {
    found.extend(not_ready(node));
    found.extend(pressure(node));
    found.extend(network(node));
    if is_true(node, "/spec/unschedulable") {
        found.push(Diagnosis::new(7003, reference(node), format!("node {} takes no new pods", name(node))));
    }
}

/// A DaemonSet that waits for dead nodes waits for ever; that is a symptom of theirs.
pub(super) fn daemon_set(set: &Value, owned: &Owned<'_>, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    let pods = owned.new.iter().chain(&owned.old);
    let mut nodes: Vec<&str> = pods.filter(|pod| !is_ready(pod)).map(|pod| text(pod, "/spec/nodeName")).collect();
    nodes.retain(|node| is_down(node, scene));
    nodes.sort_unstable();
    nodes.dedup();
    if nodes.is_empty() {
        return;
    }
    let message = format!("pods on nodes that are not ready: {}", nodes.join(", "));
    found.push(Diagnosis::new(5107, reference(set), message).class(Class::Symptom));
    found.extend(nodes.iter().filter_map(|node| not_ready(find(node, scene)?)));
}

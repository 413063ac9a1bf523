//! One pod: placed, its image there, started, running, ready, in this order.

use serde_json::Value;

use super::{container, demote, events, leaving, node, probes, scheduling, volumes};
use crate::classify::classify;
use crate::cluster::Scene;
use crate::diagnosis::{Axis, Class, Diagnosis};
use crate::read::{Condition, created, has_condition, is_leaving, items, label, reference, text};
use crate::revision::is_ready;

pub(crate) fn about(pod: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    let from = found.len();
    inspect(pod, scene, found);
    // A dead node explains everything about its pods.
    if let Some(dead) = node::of_pod(pod, scene) {
        demote(&mut found[from..]);
        found.push(dead);
    }
    let zone = node::zone(text(pod, "/spec/nodeName"), scene);
    for diagnosis in &mut found[from..] {
        diagnosis.shares.push((Axis::Node, text(pod, "/spec/nodeName").to_owned()));
        diagnosis.shares.push((Axis::Zone, zone.to_owned()));
        if let Some(hash) = label(pod, "controller-revision-hash") {
            diagnosis.shares.push((Axis::Revision, hash.to_owned()));
        }
        diagnosis.shares.retain(|(_, value)| !value.is_empty());
    }
}

fn inspect(pod: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    if is_leaving(pod) {
        return leaving::pod(pod, scene, found);
    }
    if text(pod, "/status/phase") == "Failed" {
        return failed(pod, found);
    }
    if is_ready(pod) || text(pod, "/status/phase") == "Succeeded" {
        found.extend(stale_probe_failure(pod, scene));
        return conditions(pod, found);
    }
    if text(pod, "/spec/nodeName").is_empty() && !has_condition(pod, "PodScheduled", "True") {
        return scheduling::about(pod, scene, found);
    }
    let events = events::of(pod, scene);
    let from = found.len();
    container::all(pod, &events, scene, found);
    if found.len() == from {
        volumes::about(pod, &events, scene, found);
    }
    if !found[from..].iter().any(Diagnosis::is_cause) {
        probes::not_ready(pod, &events, scene, found);
    }
    conditions(pod, found);
}

/// A pod that ended for good: by its node, or by its own containers.
fn failed(pod: &Value, found: &mut Vec<Diagnosis>) {
    let (reason, message) = (text(pod, "/status/reason"), text(pod, "/status/message"));
    let since = created(pod);
    let said = |code: u16, words: &str| {
        Diagnosis::new(code, reference(pod), words).seen(format!("{reason}: {message}")).since(since)
    };
    found.push(match reason {
        "Evicted" if is_own_use(message) => said(5011, "the pod was evicted: it wrote more to its disk than it may"),
        "Evicted" => said(5010, "the node evicted the pod"),
        "NodeLost" => said(5013, "the pod's node has vanished"),
        "Preempting" | "Preempted" => said(2015, "a pod of higher priority took this pod's place"),
        _ if is_rejection(reason) => said(2014, &format!("the node refused the pod ({reason})")),
        // A container that ended is told by its own status; the Job or the user decides what it means.
        _ => {
            for status in items(pod, "/status/initContainerStatuses").chain(items(pod, "/status/containerStatuses")) {
                found.extend(super::crash::ended(pod, status));
            }
            return;
        }
    });
}

fn is_own_use(message: &str) -> bool {
    let text = message.to_lowercase();
    text.contains("exceeds the total limit")
        || text.contains("emptydir volume")
        || text.contains("exceeded its local ephemeral storage limit")
}

/// The reasons with which a kubelet refuses a pod at its door.
fn is_rejection(reason: &str) -> bool {
    const REASONS: [&str; 10] = [
        "UnexpectedAdmissionError",
        "NodeAffinity",
        "NodeName",
        "NodePorts",
        "TopologyAffinityError",
        "PodOSNotSupported",
        "InvalidNodeInfo",
        "UnsupportedWindowsHostNetworking",
        "NodeShutdown",
        "Terminated",
    ];
    reason.starts_with("OutOf") || REASONS.contains(&reason)
}

/// What else the pod's conditions say; none of it is fatal.
fn conditions(pod: &Value, found: &mut Vec<Diagnosis>) {
    for condition in Condition::all(pod).filter(|condition| condition.is("True")) {
        let advice = match (condition.kind(), condition.reason()) {
            ("PodResizePending", reason) => {
                Diagnosis::new(5014, reference(pod), format!("the resize in place is {}", reason.to_lowercase()))
            }
            ("DisruptionTarget", "PreemptionByScheduler") => {
                Diagnosis::new(2015, reference(pod), "a pod of higher priority takes this pod's place")
            }
            _ => continue,
        };
        found.push(advice.seen(condition.words()).since(condition.since()));
    }
    if is_ready(pod) {
        return;
    }
    let gates = Condition::of(pod, "Ready").filter(|ready| ready.reason() == "ReadinessGatesNotReady");
    if let Some(ready) = gates {
        let missing = open_gates(pod).join(", ");
        let message = format!("the pod is ready but for the readiness gate {missing}");
        found.push(Diagnosis::new(5008, reference(pod), message).seen(ready.words()).since(ready.since()));
    }
}

fn open_gates(pod: &Value) -> Vec<&str> {
    let gates = items(pod, "/spec/readinessGates").map(|gate| text(gate, "/conditionType"));
    gates.filter(|gate| !has_condition(pod, gate, "True")).collect()
}

/// What the event of a past failure is worth while the status says that all is well.
fn stale_probe_failure(pod: &Value, scene: &Scene<'_>) -> Option<Diagnosis> {
    let events = events::of(pod, scene);
    let failure = events::last(&events, &["Unhealthy"]).filter(|_| is_ready(pod))?;
    classify(crate::classify::probe::TABLE, failure.message())?;
    let message = "a probe failed earlier and passes now";
    Some(
        Diagnosis::new(5009, reference(pod), message)
            .class(Class::Advice)
            .seen(failure.message())
            .since(failure.first()),
    )
}

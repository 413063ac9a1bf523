//! The pod's status as the kubelet reports it.

use serde_json::{Value, json};

use crate::controllers::conditions;
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::world::{By, World};

use super::container::{Container, Ended, Role};
use super::image;
use super::pod::Pod;

pub(crate) fn write(world: &mut World, object: &Value, pod: &Pod) {
    let (now, host_ip) = (world.stamp(), host_ip(world, object));
    world.patch(Table::PODS, object.namespace(), object.name(), By::status("kubelet"), |live| {
        // Another pod of this name may have come meanwhile.
        if live.uid() == object.uid() {
            fill(live, pod, &host_ip, &now);
        }
    });
}

/// The node's own address.
pub(crate) fn host_ip(world: &World, object: &Value) -> String {
    let node = world.store.get(Table::NODES, "", object.str("spec/nodeName"));
    let addresses = node.map_or(&[][..], |node| node.list("status/addresses"));
    addresses.iter().find(|address| address.str("type") == "InternalIP").map_or("", |a| a.str("address")).to_owned()
}

fn fill(object: &mut Value, pod: &Pod, host_ip: &str, now: &str) {
    let phase = phase(object, pod);
    let generation = object.generation();
    object.put("status/phase", phase);
    object.put("status/observedGeneration", generation);
    object.put("status/hostIP", host_ip);
    object.put("status/hostIPs", json!([{"ip": host_ip}]));
    object.put("status/startTime", pod.since.clone());
    if !pod.ip.is_empty() {
        object.put("status/podIP", pod.ip.clone());
        object.put("status/podIPs", json!([{"ip": pod.ip}]));
    }
    if let Some((reason, message)) = pod.failed {
        object.put("status/reason", reason);
        object.put("status/message", message);
    }
    let initialized = pod.initialized();
    let init = pod.containers.iter().filter(|container| container.role != Role::Main);
    let init: Vec<Value> = init.map(|container| container_status(container, true)).collect();
    if !init.is_empty() {
        object.put("status/initContainerStatuses", init);
    }
    let main: Vec<Value> = pod.of_role(Role::Main).map(|container| container_status(container, initialized)).collect();
    object.put("status/containerStatuses", main);
    conditions(object, pod, phase, now);
}

fn phase(object: &Value, pod: &Pod) -> &'static str {
    let before = object.str("status/phase");
    if before == "Failed" || pod.failed.is_some() {
        return "Failed";
    }
    if before == "Succeeded" {
        return "Succeeded";
    }
    let stopped = pod.stop.is_some() && pod.containers.iter().all(Container::is_done);
    if pod.init_failed() {
        return "Failed";
    }
    let main = || pod.of_role(Role::Main);
    if main().any(|container| container.running.is_some()) {
        return "Running";
    }
    let over = main().all(|container| container.is_done() && container.ended.is_some());
    if over {
        return if main().all(Container::succeeded) { "Succeeded" } else { "Failed" };
    }
    if stopped {
        return if main().any(|container| container.ended.is_some()) { "Failed" } else { "Pending" };
    }
    let waits = main().any(|container| container.ended.is_none());
    if !pod.initialized() || waits { "Pending" } else { "Running" }
}

fn container_status(container: &Container, initialized: bool) -> Value {
    let image_seen = container.running.is_some() || container.ended.is_some();
    let (state, last) = states(container, initialized);
    let mut status = json!({
        "name": container.name, "state": state, "lastState": last, "ready": container.ready,
        "restartCount": container.restarts, "started": container.started,
        "image": if image_seen { image::canonical(&container.image) } else { container.image.clone() },
        "imageID": if image_seen { image::id(&container.image) } else { String::new() },
    });
    let id = container.running.as_ref().map(|running| &running.id).or(container.ended.as_ref().map(|ended| &ended.id));
    if let Some(id) = id {
        status.put("containerID", id.clone());
    }
    status
}

/// What it does now, and what it did before.
fn states(container: &Container, initialized: bool) -> (Value, Value) {
    let last = |ended: &Option<Ended>| ended.as_ref().map_or_else(|| json!({}), terminated);
    if let Some(waiting) = &container.waiting {
        return (json!({"waiting": {"reason": waiting.reason, "message": waiting.message}}), last(&container.ended));
    }
    if let Some(running) = &container.running {
        return (json!({"running": {"startedAt": running.started}}), last(&container.ended));
    }
    if let Some(ended) = &container.ended {
        return (terminated(ended), last(&container.previous));
    }
    let reason = if initialized && container.role == Role::Main { "ContainerCreating" } else { "PodInitializing" };
    (json!({"waiting": {"reason": reason}}), json!({}))
}

fn terminated(ended: &Ended) -> Value {
    let mut state = json!({"exitCode": ended.exit_code, "reason": ended.reason, "startedAt": ended.started,
        "finishedAt": ended.finished, "containerID": ended.id});
    if !ended.message.is_empty() {
        state.put("message", ended.message.clone());
    }
    json!({"terminated": state})
}

/// One of the kubelet's own conditions: status, reason, message.
type Row = (&'static str, bool, &'static str, String);

fn conditions(object: &mut Value, pod: &Pod, phase: &str, now: &str) {
    let over = match phase {
        "Succeeded" => Some("PodCompleted"),
        "Failed" => Some("PodFailed"),
        _ => None,
    };
    let sandbox =
        pod.is_up() && over.is_none() && !(pod.stop.is_some() && pod.containers.iter().all(Container::is_done));
    let containers_ready: Row = match (over, unready(pod)) {
        (Some(reason), _) => ("ContainersReady", false, reason, String::new()),
        (None, Some(message)) => ("ContainersReady", false, "ContainersNotReady", message),
        (None, None) => ("ContainersReady", true, "", String::new()),
    };
    let ready: Row = match (containers_ready.1, gates(object)) {
        (false, _) => ("Ready", false, containers_ready.2, containers_ready.3.clone()),
        (true, Some(message)) => ("Ready", false, "ReadinessGatesNotReady", message),
        (true, None) => ("Ready", true, "", String::new()),
    };
    let initialized: Row = match incomplete(pod) {
        _ if phase == "Succeeded" => ("Initialized", true, "PodCompleted", String::new()),
        Some(message) => ("Initialized", false, "ContainersNotInitialized", message),
        None => ("Initialized", true, "", String::new()),
    };
    let rows = [("PodReadyToStartContainers", sandbox, "", String::new()), initialized, ready, containers_ready];
    for row in rows {
        set(object, row, now);
    }
    let scheduled: Row = ("PodScheduled", true, "", String::new());
    set(object, scheduled, now);
}

fn set(object: &mut Value, (kind, is, reason, message): Row, now: &str) {
    let generation = object.generation();
    let status = if is { "True" } else { "False" };
    conditions::set(object, conditions::Condition::new(kind, status, reason, &message), now);
    let written = object.items("status/conditions").iter_mut().find(|condition| condition.str("type") == kind);
    let condition = written.expect("set above");
    condition.default_to("lastProbeTime", Value::Null);
    if !condition.as_object().is_some_and(|map| map.contains_key("lastProbeTime")) {
        condition.put("lastProbeTime", Value::Null);
    }
    condition.put("observedGeneration", generation);
    for field in ["reason", "message"] {
        if condition.str(field).is_empty() {
            condition.cut(field);
        }
    }
}

fn names(containers: impl Iterator<Item = String>) -> String {
    containers.collect::<Vec<_>>().join(" ")
}

fn unready(pod: &Pod) -> Option<String> {
    let counted = pod.containers.iter().filter(|container| container.role != Role::Init);
    let names = names(counted.filter(|container| !container.ready).map(|container| container.name.clone()));
    (!names.is_empty()).then(|| format!("containers with unready status: [{names}]"))
}

fn incomplete(pod: &Pod) -> Option<String> {
    if pod.of_role(Role::Main).any(|container| container.running.is_some() || container.ended.is_some()) {
        return None;
    }
    let lacking = pod.containers.iter().filter(|container| match container.role {
        Role::Init => !container.succeeded(),
        Role::Sidecar => !container.started,
        Role::Main => false,
    });
    let names = names(lacking.map(|container| container.name.clone()));
    (!names.is_empty()).then(|| format!("containers with incomplete status: [{names}]"))
}

fn gates(object: &Value) -> Option<String> {
    let gates = object.list("spec/readinessGates").iter();
    let problems = gates.filter_map(|gate| {
        let kind = gate.str("conditionType");
        match object.condition(kind) {
            "True" => None,
            "" => Some(format!("corresponding condition of pod readiness gate {kind:?} does not exist.")),
            status => Some(format!("the status of pod readiness gate {kind:?} is not \"True\", but {status}")),
        }
    });
    let problems: Vec<String> = problems.collect();
    (!problems.is_empty()).then(|| problems.join(", "))
}

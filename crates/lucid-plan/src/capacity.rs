//! Whether the pods of a release can fit on the nodes at all.

use std::collections::BTreeMap;

use lucid_object::{Finding, LabelSelector, Object, ObjectSet, Quantity};
use serde_json::Value;

/// CPU and memory that something asks for or has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Room {
    pub cpu: Quantity,
    pub memory: Quantity,
}

impl Room {
    fn of(map: Option<&Value>) -> Self {
        let quantity = |name: &str| match map.and_then(|map| map.get(name)) {
            Some(Value::String(text)) => Quantity::parse(text).unwrap_or_default(),
            Some(Value::Number(number)) => Quantity::parse(&number.to_string()).unwrap_or_default(),
            _ => Quantity::ZERO,
        };
        Self { cpu: quantity("cpu"), memory: quantity("memory") }
    }

    fn plus(self, other: Self) -> Self {
        Self { cpu: self.cpu + other.cpu, memory: self.memory + other.memory }
    }

    fn max(self, other: Self) -> Self {
        Self { cpu: self.cpu.max(other.cpu), memory: self.memory.max(other.memory) }
    }

    fn times(self, count: i64) -> Self {
        let times = |quantity: Quantity| Quantity::from_milli(quantity.milli() * i128::from(count));
        Self { cpu: times(self.cpu), memory: times(self.memory) }
    }

    fn fits_in(self, other: Self) -> bool {
        self.cpu <= other.cpu && self.memory <= other.memory
    }
}

/// What the scheduler reserves for one pod: its containers and sidecars together, or its largest init step.
/// Source: k8s.io/component-helpers/resource/helpers.go (PodRequests).
pub fn pod_requests(spec: &Value) -> Room {
    sum_of_pod(spec, "/resources/requests")
}

/// What a quota on limits counts of one pod.
pub fn pod_limits(spec: &Value) -> Room {
    sum_of_pod(spec, "/resources/limits")
}

fn sum_of_pod(spec: &Value, amounts: &str) -> Room {
    let list = |field: &str| spec.get(field).and_then(Value::as_array).into_iter().flatten();
    let requests = |container: &Value| Room::of(container.pointer(amounts));
    let mut sidecars = Room::default();
    let mut init_peak = Room::default();
    for container in list("initContainers") {
        if container.get("restartPolicy").and_then(Value::as_str) == Some("Always") {
            sidecars = sidecars.plus(requests(container));
            init_peak = init_peak.max(sidecars);
        } else {
            init_peak = init_peak.max(sidecars.plus(requests(container)));
        }
    }
    let running = list("containers").map(requests).fold(sidecars, Room::plus);
    running.max(init_peak).plus(Room::of(spec.get("overhead")))
}

fn replicas(object: &Object, schedulable_nodes: usize) -> i64 {
    match object.kind() {
        "DaemonSet" => i64::try_from(schedulable_nodes).unwrap_or(i64::MAX),
        "Job" => object.value().pointer("/spec/parallelism").and_then(Value::as_i64).unwrap_or(1),
        "CronJob" => 0,
        _ => object.value().pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1),
    }
}

/// Errors for pods that no node could ever hold, and a warning when the nodes are too full for all of them together.
///
/// `pods` are the pods of the whole cluster; those that `is_ours` picks are about to be replaced and do not count.
pub fn check(objects: &ObjectSet, nodes: &[&Value], pods: &[&Value], is_ours: &dyn Fn(&Value) -> bool) -> Vec<Finding> {
    let usable: Vec<&Value> =
        nodes.iter().copied().filter(|node| node.pointer("/spec/unschedulable") != Some(&Value::Bool(true))).collect();
    if usable.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut wanted = Room::default();
    for object in objects {
        let Some(spec) = object.pod_spec() else { continue };
        let requests = pod_requests(spec);
        wanted = wanted.plus(requests.times(replicas(object, usable.len())));
        findings.extend(too_large(object, spec, requests, &usable));
    }
    if findings.is_empty() {
        findings.extend(shortfall(wanted, &usable, pods, is_ours));
    }
    findings
}

fn allocatable(node: &Value) -> Room {
    Room::of(node.pointer("/status/allocatable"))
}

fn too_large(object: &Object, spec: &Value, requests: Room, nodes: &[&Value]) -> Option<Finding> {
    let selector = spec.get("nodeSelector").map(LabelSelector::from_map).unwrap_or_default();
    let labels = |node: &Value| -> BTreeMap<String, String> {
        let map = node.pointer("/metadata/labels").and_then(Value::as_object);
        map.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
    };
    let candidates: Vec<Room> =
        nodes.iter().filter(|node| selector.matches(&labels(node))).map(|node| allocatable(node)).collect();
    if candidates.iter().any(|room| requests.fits_in(*room)) {
        return None;
    }
    let largest = candidates.iter().copied().fold(Room::default(), Room::max);
    let message = format!(
        "a pod of {} requests {} CPU and {} memory; no node has more than {} and {}",
        object.reference(),
        requests.cpu,
        requests.memory,
        largest.cpu,
        largest.memory
    );
    let template = object.pod_template_pointer().unwrap_or_default();
    Some(
        Finding::error(9007, message)
            .on(object.reference())
            .at(object.position(&format!("{template}/spec/containers/0/resources")))
            .help("lower the requests, or add a node that is large enough"),
    )
}

fn shortfall(wanted: Room, nodes: &[&Value], pods: &[&Value], is_ours: &dyn Fn(&Value) -> bool) -> Option<Finding> {
    let total = nodes.iter().map(|node| allocatable(node)).fold(Room::default(), Room::plus);
    let runs =
        |pod: &&&Value| !matches!(pod.pointer("/status/phase").and_then(Value::as_str), Some("Succeeded" | "Failed"));
    let others = pods.iter().filter(runs).filter(|pod| !is_ours(pod));
    let taken = others.filter_map(|pod| pod.get("spec")).map(pod_requests).fold(Room::default(), Room::plus);
    let needed = wanted.plus(taken);
    if needed.fits_in(total) {
        return None;
    }
    let message = format!(
        "the release requests {} CPU and {} memory, other pods {} and {}, and the nodes have {} and {}: some pods may stay Pending",
        wanted.cpu, wanted.memory, taken.cpu, taken.memory, total.cpu, total.memory
    );
    Some(Finding::warning(9007, message).help("free some room, or let the cluster's autoscaler add nodes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn container(cpu: &str, memory: &str) -> Value {
        json!({"name": "c", "resources": {"requests": {"cpu": cpu, "memory": memory}}})
    }

    fn node(cpu: &str, memory: &str) -> Value {
        json!({"metadata": {"labels": {"zone": "a"}}, "status": {"allocatable": {"cpu": cpu, "memory": memory}}})
    }

    fn deployment(replicas: i64, cpu: &str) -> Object {
        Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "n"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [container(cpu, "1Gi")]}}}}))
    }

    #[track_caller]
    fn check_codes(object: Object, nodes: &[Value], pods: &[Value], expect: &[(&str, &str)]) {
        let (nodes, pods): (Vec<&Value>, Vec<&Value>) = (nodes.iter().collect(), pods.iter().collect());
        let findings = check(&[object].into_iter().collect(), &nodes, &pods, &|_| false);
        let shown: Vec<_> = findings.iter().map(|f| (format!("{:?}", f.severity), f.message.clone())).collect();
        assert_eq!(shown.len(), expect.len(), "{shown:?}");
        for ((severity, message), (want_severity, want)) in shown.iter().zip(expect) {
            assert_eq!(severity, want_severity);
            assert!(message.contains(want), "{message}");
        }
    }

    #[test]
    fn a_pod_larger_than_every_node_is_an_error() {
        check_codes(
            deployment(1, "3"),
            &[node("2", "8Gi"), node("2", "4Gi")],
            &[],
            &[("Error", "requests 3 CPU and 1Gi memory; no node has more than 2 and 8Gi")],
        );
        check_codes(deployment(1, "2"), &[node("2", "8Gi")], &[], &[]);
    }

    #[test]
    fn too_many_pods_together_are_a_warning() {
        check_codes(
            deployment(5, "1"),
            &[node("2", "8Gi"), node("2", "8Gi")],
            &[],
            &[("Warning", "requests 5 CPU and 5Gi")],
        );
        let other = json!({"spec": {"containers": [container("2", "1Gi")]}, "status": {"phase": "Running"}});
        check_codes(
            deployment(3, "1"),
            &[node("4", "8Gi")],
            std::slice::from_ref(&other),
            &[("Warning", "other pods 2 and 1Gi")],
        );
        let done = json!({"spec": {"containers": [container("2", "1Gi")]}, "status": {"phase": "Succeeded"}});
        check_codes(deployment(3, "1"), &[node("4", "8Gi")], &[done], &[]);
    }

    #[test]
    fn sidecars_add_and_init_steps_peak() {
        let mut sidecar = container("100m", "64Mi");
        sidecar["restartPolicy"] = "Always".into();
        let spec =
            json!({"initContainers": [sidecar, container("1", "32Mi")], "containers": [container("500m", "128Mi")]});
        let room = pod_requests(&spec);
        assert_eq!((room.cpu.to_string(), room.memory.to_string()), ("1100m".into(), "192Mi".into()));
    }
}

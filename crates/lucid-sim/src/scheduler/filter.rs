//! The questions that a node is asked about a pod, in the order of the real scheduler's plugins.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::json::Json;
use crate::kinds::Table;
use crate::store::Key;
use crate::world::World;

use super::affinity::{self, Term};
use super::fit::{self, Request};
use super::{occupants, spread, volumes};

/// A node with what its pods take.
pub(crate) struct Node {
    pub(crate) object: Arc<Value>,
    pub(crate) allocatable: Request,
    pub(crate) used: Request,
}

/// All nodes, and the pods on them.
pub(crate) struct Snapshot {
    pub(crate) nodes: Vec<Node>,
    pub(crate) pods: Vec<Arc<Value>>,
}

impl Snapshot {
    /// `judged` is the pod that looks for a node.
    pub(crate) fn of(world: &World, judged: &Key) -> Self {
        // A pod whose volume is still being made has its node already, although nothing says so but the claim.
        let pods: Vec<Arc<Value>> = occupants(world).cloned().chain(volumes::promised(world, judged)).collect();
        let mut used: BTreeMap<&str, Request> = BTreeMap::new();
        for pod in &pods {
            let mut request = Request::of(pod);
            request.0.insert("pods".into(), 1000);
            used.entry(pod.str("spec/nodeName")).or_default().add(&request);
        }
        let node = |object: &Arc<Value>| Node {
            allocatable: Request::of_map(object.at("status/allocatable")),
            used: used.get(object.name()).cloned().unwrap_or_default(),
            object: object.clone(),
        };
        let nodes = world.store.list(Table::NODES).map(node).collect();
        Self { nodes, pods }
    }

    /// The value of a label of the node that a pod is on.
    pub(crate) fn domain(&self, pod: &Value, topology: &str) -> Option<&str> {
        let on = pod.str("spec/nodeName");
        let node = self.nodes.iter().find(|node| node.object.name() == on)?;
        Some(node.object.label(topology)).filter(|value| !value.is_empty())
    }
}

/// Why a node does not take the pod. `for_good`: evicting other pods would not change it.
pub(crate) struct Refusal {
    pub(crate) text: String,
    pub(crate) for_good: bool,
}

fn refuse(text: impl Into<String>, for_good: bool) -> Vec<Refusal> {
    vec![Refusal { text: text.into(), for_good }]
}

/// Empty when the node takes the pod; the first plugin that refuses ends the questions.
pub(crate) fn refusals(world: &World, snapshot: &Snapshot, node: &Node, pod: &Value, wanted: &Request) -> Vec<Refusal> {
    let object = &node.object;
    if object.flag("spec/unschedulable") && !tolerates_cordon(pod) {
        return refuse("node(s) were unschedulable", true);
    }
    if affinity::untolerated(object, pod).is_some() {
        return refuse("node(s) had untolerated taint(s)", true);
    }
    if !affinity::wants_node(object, pod) {
        return refuse("node(s) didn't match Pod's node affinity/selector", true);
    }
    if ports_taken(snapshot, object.name(), pod) {
        return refuse("node(s) didn't have free ports for the requested pod ports", false);
    }
    let lacking = fit::lacking(&node.allocatable, &node.used, wanted);
    if !lacking.is_empty() {
        let for_good = fit::never_fits(&node.allocatable, wanted);
        return lacking.into_iter().map(|text| Refusal { text, for_good }).collect();
    }
    if let Some(text) = volumes::conflict(world, object, pod) {
        return refuse(text, true);
    }
    if let Some(text) = spread::refusal(snapshot, object, pod) {
        return refuse(text, false);
    }
    pod_affinity(snapshot, object, pod)
}

fn tolerates_cordon(pod: &Value) -> bool {
    let taint = serde_json::json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"});
    pod.list("spec/tolerations").iter().any(|toleration| affinity::tolerates(toleration, &taint))
}

fn host_ports(pod: &Value) -> Vec<(i64, String)> {
    let containers = pod.list("spec/containers").iter().chain(pod.list("spec/initContainers"));
    let ports = containers.flat_map(|container| container.list("ports"));
    ports
        .filter(|port| port.int("hostPort") > 0)
        .map(|port| (port.int("hostPort"), port.str("protocol").to_owned()))
        .collect()
}

fn ports_taken(snapshot: &Snapshot, node: &str, pod: &Value) -> bool {
    let wanted = host_ports(pod);
    let on_node = snapshot.pods.iter().filter(|other| other.str("spec/nodeName") == node);
    !wanted.is_empty() && on_node.flat_map(|other| host_ports(other)).any(|port| wanted.contains(&port))
}

fn pod_affinity(snapshot: &Snapshot, node: &Value, pod: &Value) -> Vec<Refusal> {
    let here = |other: &Value, topology: &str| {
        let own = node.label(topology);
        !own.is_empty() && snapshot.domain(other, topology) == Some(own)
    };
    let wants = Term::required(pod, "podAffinity");
    let met = wants.iter().all(|term| {
        let near = snapshot.pods.iter().any(|other| term.picks(other) && here(other, term.topology));
        // The first of a group that wants to be together has nobody to join yet.
        let first = term.picks(pod) && !snapshot.pods.iter().any(|other| term.picks(other));
        (near || first) && !node.label(term.topology).is_empty()
    });
    if !met {
        return refuse("node(s) didn't match pod affinity rules", true);
    }
    let shuns = Term::required(pod, "podAntiAffinity");
    if shuns.iter().any(|term| snapshot.pods.iter().any(|other| term.picks(other) && here(other, term.topology))) {
        return refuse("node(s) didn't match pod anti-affinity rules", false);
    }
    let shunned = snapshot.pods.iter().any(|other| {
        Term::required(other, "podAntiAffinity").iter().any(|term| term.picks(pod) && here(other, term.topology))
    });
    if shunned {
        return refuse("node(s) didn't satisfy existing pods anti-affinity rules", false);
    }
    Vec::new()
}

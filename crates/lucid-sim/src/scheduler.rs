//! The scheduler: finds each pending pod a node that it fits on, or says in one sentence why there is none.
//!
//! [`fit`] counts resources, [`affinity`] reads the rules about labels, [`filter`] asks a node all questions in the
//! order in which the real scheduler does.

mod affinity;
mod filter;
pub(crate) mod fit;
mod spread;
mod volumes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::controllers::conditions::{self, Condition};
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::{By, World};

pub(crate) use affinity::tolerates;
use filter::Snapshot;

const COMPONENT: &str = "default-scheduler";
const MANAGER: &str = "kube-scheduler";

/// A pod that found no place is looked at again this often although nothing changed.
const RETRY: Duration = Duration::from_secs(300);

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let pod = world.get(Table::PODS, &key.namespace, &key.name);
    let Some(pod) = pod.filter(|pod| is_ours(pod)) else {
        world.scheduling.remove(key);
        return None;
    };
    if !pod.list("spec/schedulingGates").is_empty() {
        let message = "Scheduling is blocked due to non-empty scheduling gates";
        unscheduled(world, &pod, "SchedulingGated", message);
        return None;
    }
    if volumes::awaited(world, &pod) {
        return Some(RETRY);
    }
    let snapshot = Snapshot::of(world, key);
    match place(world, &snapshot, &pod) {
        Ok(node) => bind(world, &pod, &node),
        Err(message) => {
            world.scheduling.insert(key.clone());
            world.warning(COMPONENT, &pod, "FailedScheduling", &message);
            unscheduled(world, &pod, "Unschedulable", &message);
            return Some(RETRY);
        }
    }
    None
}

fn is_ours(pod: &Value) -> bool {
    let scheduler = matches!(pod.str("spec/schedulerName"), "" | "default-scheduler");
    scheduler && pod.str("spec/nodeName").is_empty() && !pod.is_deleting()
}

/// The node for the pod, or why no node takes it.
fn place(world: &mut World, snapshot: &Snapshot, pod: &Value) -> Result<String, String> {
    if let Some(problem) = volumes::missing(world, pod) {
        return Err(format!("{problem}. preemption: {}", no_help(snapshot.nodes.len(), 0)));
    }
    let wanted = fit::Request::of(pod);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let (mut fitting, mut for_good) = (Vec::new(), 0);
    for node in &snapshot.nodes {
        match filter::refusals(world, snapshot, node, pod, &wanted) {
            refusals if refusals.is_empty() => fitting.push(node),
            refusals => {
                for_good += usize::from(refusals.iter().any(|refusal| refusal.for_good));
                for refusal in refusals {
                    *reasons.entry(refusal.text).or_default() += 1;
                }
            }
        }
    }
    if fitting.is_empty() {
        return Err(sentence(snapshot.nodes.len(), &reasons, for_good));
    }
    let free = |node: &&filter::Node| {
        let room = fit::score(&node.allocatable, &node.used, &wanted);
        room + affinity::preference(&node.object, pod) - spread::crowding(snapshot, &node.object, pod)
    };
    let best = fitting.iter().map(free).max().unwrap_or(0);
    let best: Vec<String> =
        fitting.iter().filter(|node| free(node) == best).map(|node| node.object.name().to_owned()).collect();
    let at = world.chooser.below(best.len() as u64);
    Ok(best[usize::try_from(at).expect("an index")].clone())
}

/// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). preemption: …`
fn sentence(nodes: usize, reasons: &BTreeMap<String, usize>, for_good: usize) -> String {
    if nodes == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    let mut parts: Vec<String> = reasons.iter().map(|(text, count)| format!("{count} {text}")).collect();
    parts.sort();
    format!("0/{nodes} nodes are available: {}. preemption: {}", parts.join(", "), no_help(nodes, for_good))
}

/// Pods of equal priority are never pushed out, so preemption has no victims.
fn no_help(nodes: usize, for_good: usize) -> String {
    let mut parts = Vec::new();
    if nodes > for_good {
        parts.push(format!("{} No preemption victims found for incoming pod", nodes - for_good));
    }
    if for_good > 0 {
        parts.push(format!("{for_good} Preemption is not helpful for scheduling"));
    }
    format!("0/{nodes} nodes are available: {}.", parts.join(", "))
}

fn unscheduled(world: &mut World, pod: &Value, reason: &str, message: &str) {
    let now = world.stamp();
    let uid = pod.uid();
    world.patch(Table::PODS, pod.namespace(), pod.name(), By::status(MANAGER), |pod| {
        if pod.uid() != uid {
            return;
        }
        let generation = pod.generation();
        if conditions::set(pod, Condition::new("PodScheduled", "False", reason, message), &now) {
            finish(pod, generation);
        }
    });
}

/// What pod conditions carry besides.
fn finish(pod: &mut Value, generation: i64) {
    for condition in pod.items("status/conditions") {
        condition.default_to("lastProbeTime", Value::Null);
        if generation > 0 {
            condition.put("observedGeneration", generation);
        }
    }
}

fn bind(world: &mut World, pod: &Value, node: &str) {
    if volumes::select(world, pod, node) {
        // The claims wake us when they are bound.
        world.scheduling.insert(Key::of(pod));
        return;
    }
    world.scheduling.remove(&Key::of(pod));
    if !world.live(|world| is_unbound(world, pod)) {
        return;
    }
    world.live(|world| assign(world, pod, node));
    let message = format!("Successfully assigned {}/{} to {node}", pod.namespace(), pod.name());
    world.normal(COMPONENT, pod, "Scheduled", &message);
}

/// The server binds a pod once, and none that is on its way out.
fn is_unbound(world: &World, pod: &Value) -> bool {
    let live = world.get(Table::PODS, pod.namespace(), pod.name());
    live.is_some_and(|live| live.uid() == pod.uid() && is_ours(&live))
}

/// Puts the pod on the node, as the binding subresource does: no new generation, no owner of the field, the
/// condition, and the labels that say where the node is.
pub(crate) fn assign(world: &mut World, pod: &Value, node: &str) {
    let now = world.stamp();
    let place = world.get(Table::NODES, "", node).map(|node| node.labels()).unwrap_or_default();
    let Some(old) = world.get(Table::PODS, pod.namespace(), pod.name()) else { return };
    let mut pod = Value::clone(&old);
    pod.put("spec/nodeName", node);
    pod.default_to("metadata/labels", json!({}));
    for key in ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"] {
        if let (Some(value), Some(labels)) = (place.get(key), pod.entry("metadata/labels").as_object_mut()) {
            labels.entry(key).or_insert_with(|| value.clone().into());
        }
    }
    if pod.map("metadata/labels").is_some_and(serde_json::Map::is_empty) {
        pod.cut("metadata/labels");
    }
    let generation = pod.generation();
    conditions::set(&mut pod, Condition::new("PodScheduled", "True", "", ""), &now);
    finish(&mut pod, generation);
    for condition in pod.items("status/conditions").iter_mut().filter(|c| c.str("reason").is_empty()) {
        condition.cut("reason");
        condition.cut("message");
    }
    world.commit(Table::PODS, pod);
}

/// Whether a daemon pod belongs on the node: its labels and taints, not its room.
pub(crate) fn suits(node: &Value, pod: &Value) -> bool {
    affinity::wants_node(node, pod) && affinity::untolerated(node, pod).is_none()
}

/// The pods that take room: those on a node that are not over.
fn occupants(world: &World) -> impl Iterator<Item = &Arc<Value>> {
    world
        .store
        .list(Table::PODS)
        .filter(|pod| !pod.str("spec/nodeName").is_empty() && !crate::controllers::pods::is_finished(pod))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_counts_reasons() {
        let reasons = BTreeMap::from([("Insufficient memory".to_owned(), 1), ("Insufficient cpu".to_owned(), 3)]);
        let expect = "0/3 nodes are available: 1 Insufficient memory, 3 Insufficient cpu. \
                      preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.";
        assert_eq!(sentence(3, &reasons, 0), expect);
        let expect = "0/2 nodes are available: 2 node(s) were unschedulable. \
                      preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
        assert_eq!(sentence(2, &BTreeMap::from([("node(s) were unschedulable".to_owned(), 2)]), 2), expect);
    }
}

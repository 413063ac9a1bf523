//! Nodes that fall silent, and what becomes of the pods on them.
//!
//! After [`GRACE`] without a sign of life a node's conditions become Unknown, its pods unready, and it gets two taints; the
//! one that evicts takes the pods away when they tolerate it no longer, five minutes later by default. A pod that is told to
//! go stays there until its node is back, since only its kubelet can end it.
//! Source: the controllers `nodelifecycle` and `tainteviction` of Kubernetes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::controllers::conditions::{self, Condition};
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::scheduler;
use crate::store::Key;
use crate::world::delete::DeleteOptions;
use crate::world::{Actor, By, World, routes, seed};

const COMPONENT: &str = "node-controller";
const MANAGER: &str = "kube-controller-manager";

/// `--node-monitor-grace-period` by default.
const GRACE: Duration = Duration::from_secs(50);
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";

/// The node says nothing any more.
pub(crate) fn lose(world: &mut World, name: &str) {
    if world.get(Table::NODES, "", name).is_some() && world.kubelets.lost_since(name).is_none() {
        let now = world.now();
        world.kubelets.lose(name, now);
        world.queue.push(now + GRACE, Actor::Node, Key::new("", name));
    }
}

/// Its kubelet reports again, on itself and on its pods.
pub(crate) fn regain(world: &mut World, name: &str) {
    if !world.kubelets.regain(name) {
        return;
    }
    let now = world.stamp();
    world.edit(Table::NODES, "", name, By::status("kubelet"), |node| {
        for condition in seed::node_conditions(&now).as_array().into_iter().flatten() {
            let [kind, status, reason] = ["type", "status", "reason"].map(|field| condition.str(field));
            conditions::set(node, Condition::new(kind, status, reason, ""), &now);
        }
    });
    for pod in pods_on(world, name) {
        routes::wake(world, Actor::Kubelet, pod);
    }
    routes::wake(world, Actor::Node, Key::new("", name));
}

fn pods_on(world: &World, node: &str) -> Vec<Key> {
    let pods = world.store.list(Table::PODS).filter(|pod| pod.str("spec/nodeName") == node);
    pods.map(|pod| Key::of(pod)).collect()
}

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    match world.kubelets.lost_since(&key.name).map(|since| world.now().saturating_sub(since)) {
        Some(silent) if silent < GRACE => return Some(GRACE - silent),
        Some(_) => give_up(world, &key.name),
        None => taint(world, &key.name, false),
    }
    None
}

fn give_up(world: &mut World, name: &str) {
    let Some(node) = world.get(Table::NODES, "", name) else { return };
    if node.condition("Ready") == "Unknown" {
        return;
    }
    let now = world.stamp();
    world.edit(Table::NODES, "", name, By::status(MANAGER), |node| {
        for kind in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
            let message = "Kubelet stopped posting node status.";
            conditions::set(node, Condition::new(kind, "Unknown", "NodeStatusUnknown", message), &now);
        }
    });
    world.normal(COMPONENT, &node, "NodeNotReady", &format!("Node {name} status is now: NodeNotReady"));
    for key in pods_on(world, name) {
        mark_unready(world, &key, &now);
    }
    taint(world, name, true);
}

fn mark_unready(world: &mut World, key: &Key, now: &str) {
    let Some(pod) = world.get(Table::PODS, &key.namespace, &key.name) else { return };
    if pod.condition("Ready") != "True" {
        return;
    }
    world.edit(Table::PODS, &key.namespace, &key.name, By::status(MANAGER), |pod| {
        for condition in pod.items("status/conditions").iter_mut().filter(|one| one.str("type") == "Ready") {
            condition.put("status", "False");
            condition.put("lastTransitionTime", now);
        }
    });
    world.warning(COMPONENT, &pod, "NodeNotReady", "Node is not ready");
}

fn taint(world: &mut World, name: &str, is_silent: bool) {
    let now = world.stamp();
    world.edit(Table::NODES, "", name, By::system(MANAGER), |node| {
        let mut taints = node.list("spec/taints").to_vec();
        taints.retain(|taint| taint.str("key") != UNREACHABLE);
        if is_silent {
            taints.extend(
                ["NoSchedule", "NoExecute"]
                    .map(|effect| json!({"key": UNREACHABLE, "effect": effect, "timeAdded": now})),
            );
        }
        match taints.is_empty() {
            true => drop(node.cut("spec/taints")),
            false => node.put("spec/taints", taints),
        }
    });
}

/// The taints of a node that drive pods away.
pub(crate) fn evicting(world: &World, node: &str) -> Vec<Value> {
    let node = world.store.get(Table::NODES, "", node);
    let taints = node.map_or(&[][..], |node| node.list("spec/taints"));
    taints.iter().filter(|taint| taint.str("effect") == "NoExecute").cloned().collect()
}

/// Every pod of a node whose taints have changed looks whether it may stay.
pub(crate) fn taints_changed(world: &mut World, name: &str) {
    for pod in pods_on(world, name) {
        routes::wake(world, Actor::Eviction, pod);
    }
}

/// Takes a pod away that does not tolerate its node's taints, or no longer does.
pub(crate) fn evict(world: &mut World, key: &Key) -> Option<Duration> {
    let pod = world.get(Table::PODS, &key.namespace, &key.name).filter(|pod| !pod.is_deleting());
    let Some(pod) = pod else {
        world.evictions.remove(key);
        return None;
    };
    let taints = evicting(world, pod.str("spec/nodeName"));
    let Some(patience) = patience(&pod, &taints) else {
        if world.evictions.remove(key).is_some() {
            let message = format!("Cancelling deletion of Pod {}/{}", pod.namespace(), pod.name());
            world.normal("taint-eviction-controller", &pod, "TaintManagerEviction", &message);
        }
        return None;
    };
    let now = world.now();
    let waited = now.saturating_sub(*world.evictions.entry(key.clone()).or_insert(now));
    if waited < patience {
        return Some(patience - waited);
    }
    world.evictions.remove(key);
    let message = format!("Marking for deletion Pod {}/{}", pod.namespace(), pod.name());
    world.normal("taint-eviction-controller", &pod, "TaintManagerEviction", &message);
    let stamp = world.stamp();
    world.edit(Table::PODS, &key.namespace, &key.name, By::status(MANAGER), |pod| {
        let message = "Taint manager: deleting due to NoExecute taint";
        conditions::set(pod, Condition::new("DisruptionTarget", "True", "DeletionByTaintManager", message), &stamp);
    });
    let kind = world.kinds.stored(Table::PODS).clone();
    let _ = world.delete(&kind, &key.namespace, &key.name, &DeleteOptions::default());
    None
}

/// How long the pod stays; `None`: for good.
fn patience(pod: &Value, taints: &[Value]) -> Option<Duration> {
    let tolerations = pod.list("spec/tolerations");
    let mut shortest: Option<u64> = None;
    for taint in taints {
        let Some(toleration) = tolerations.iter().find(|toleration| scheduler::tolerates(toleration, taint)) else {
            return Some(Duration::ZERO);
        };
        if toleration.has("tolerationSeconds") {
            let seconds = u64::try_from(toleration.int("tolerationSeconds")).unwrap_or(0);
            shortest = Some(shortest.map_or(seconds, |other| other.min(seconds)));
        }
    }
    shortest.map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::controllers::testing::{Stage, conditions, pod, workload};
    use crate::happening::{self, Happening, Planned};

    fn happens(stage: &mut Stage, what: Happening) {
        let at = stage.world.now();
        happening::plan(&mut stage.world, Planned { at, what });
    }

    /// One pod of a Deployment, and the node it runs on.
    fn placed(stage: &mut Stage) -> String {
        stage.create(workload("Deployment", "web", 1, "app:1"));
        stage.until("ready", 20, |s| s.get(Table::DEPLOYMENTS, "web").int("status/readyReplicas") == 1);
        stage.list(Table::PODS)[0].str("spec/nodeName").to_owned()
    }

    #[test]
    fn a_silent_node_loses_its_pods_after_five_minutes() {
        let mut stage = Stage::new(json!({}));
        let node = placed(&mut stage);
        let old = stage.list(Table::PODS)[0].clone();
        happens(&mut stage, Happening::LoseNode(node.clone()));
        stage.advance(49);
        assert_eq!(stage.get(Table::NODES, &node).condition("Ready"), "True");
        stage.advance(2);
        let lost = stage.get(Table::NODES, &node);
        assert_eq!(
            conditions(&lost),
            ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"]
                .map(|kind| format!("{kind}=Unknown NodeStatusUnknown"))
        );
        let taints: Vec<&str> = lost.list("spec/taints").iter().map(|taint| taint.str("effect")).collect();
        assert_eq!(taints, ["NoSchedule", "NoExecute"]);
        assert_eq!(stage.get(Table::PODS, old.name()).condition("Ready"), "False");
        assert_eq!(stage.get(Table::DEPLOYMENTS, "web").int("status/readyReplicas"), 0);
        stage.advance(290);
        assert!(!stage.get(Table::PODS, old.name()).is_deleting());
        stage.until("a new pod elsewhere", 40, |s| s.get(Table::DEPLOYMENTS, "web").int("status/readyReplicas") == 1);
        let left = stage.get(Table::PODS, old.name());
        assert!(left.is_deleting(), "only its kubelet can end it");
        assert_eq!(left.condition("DisruptionTarget"), "True");
        let events = stage.events(old.name());
        assert!(events.contains(&"Warning NodeNotReady: Node is not ready".to_owned()), "{events:?}");
        assert!(
            events.contains(&format!("Normal TaintManagerEviction: Marking for deletion Pod default/{}", old.name())),
            "{events:?}"
        );
        happens(&mut stage, Happening::ReturnNode(node.clone()));
        stage.until("the old pod is gone", 40, |s| !s.names(Table::PODS).contains(&old.name().to_owned()));
        assert!(stage.get(Table::NODES, &node).list("spec/taints").is_empty());
        assert_eq!(stage.get(Table::NODES, &node).condition("Ready"), "True");
    }

    #[test]
    fn a_node_that_comes_back_in_time_has_lost_nothing() {
        let mut stage = Stage::new(json!({}));
        let node = placed(&mut stage);
        let old = stage.list(Table::PODS)[0].clone();
        happens(&mut stage, Happening::LoseNode(node.clone()));
        stage.advance(120);
        assert_eq!(stage.get(Table::PODS, old.name()).condition("Ready"), "False");
        happens(&mut stage, Happening::ReturnNode(node.clone()));
        stage.until("ready again", 5, |s| s.get(Table::DEPLOYMENTS, "web").int("status/readyReplicas") == 1);
        stage.advance(400);
        assert_eq!(stage.names(Table::PODS), [old.name()]);
        let events = stage.events(old.name());
        assert!(events.iter().any(|event| event.contains("Cancelling deletion")), "{events:?}");
    }

    #[test]
    fn nothing_starts_on_a_silent_node() {
        let mut stage = Stage::new(json!({}));
        happens(&mut stage, Happening::LoseNode("node-1".into()));
        let mut pinned = pod("pinned", "app:1");
        pinned["spec"]["nodeName"] = "node-1".into();
        stage.create(pinned);
        stage.advance(30);
        assert_eq!(stage.get(Table::PODS, "pinned").str("status/phase"), "Pending");
        happens(&mut stage, Happening::ReturnNode("node-1".into()));
        stage.until("running", 20, |s| s.get(Table::PODS, "pinned").str("status/phase") == "Running");
    }

    #[test]
    fn a_taint_by_hand_evicts_who_does_not_tolerate_it() {
        let mut stage = Stage::new(json!({}));
        let node = placed(&mut stage);
        let old = stage.names(Table::PODS);
        stage
            .edit(Table::NODES, &node, |node| node.put("spec/taints", json!([{"key": "gone", "effect": "NoExecute"}])));
        stage.until("moved", 60, |s| s.names(Table::PODS) != old && s.names(Table::PODS).len() == 1);
        stage.until("ready", 20, |s| s.get(Table::DEPLOYMENTS, "web").int("status/readyReplicas") == 1);
        assert_ne!(stage.list(Table::PODS)[0].str("spec/nodeName"), node);
    }
}

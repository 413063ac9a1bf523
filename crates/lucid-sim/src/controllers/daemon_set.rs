//! DaemonSets: one pod on each node that takes it, replaced node by node.

#[cfg(test)]
mod tests;
mod update;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::scheduler;
use crate::store::Key;
use crate::world::{By, World};

use super::{owners, pods, revisions};

const MANAGER: &str = "kube-controller-manager";
const COMPONENT: &str = "daemonset-controller";

/// Taints that daemons live with whatever they say.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];
/// Only for daemons on the node's own network.
const NO_NETWORK: (&str, &str) = ("node.kubernetes.io/network-unavailable", "NoSchedule");
/// A pod that was refused is tried again after this.
const RETRY: Duration = Duration::from_secs(10);
const GENERATION: &str = "deprecated.daemonset.template.generation";

/// The pods of each node, whether the node should have one or not.
type ByNode = BTreeMap<String, (bool, Vec<Arc<Value>>)>;

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let set = world.get(Table::DAEMON_SETS, &key.namespace, &key.name)?;
    let history = revisions::of(world, &set);
    let update = revisions::update(world, &set, &history)?;
    let hash = update.label(revisions::LABEL).to_owned();
    let claimed = owners::claimed(world, Table::PODS, &set, MANAGER);
    let by_node = by_node_of(world, &set, &claimed);
    let mut retry = None;
    if !set.is_deleting() {
        retry = manage(world, &set, &by_node, &hash);
        update::roll(world, &set, &by_node, &hash);
    }
    // What was made and deleted just now counts if the cache is quick.
    let quick = world.chooser.below(2) == 0;
    let claimed = if quick { owners::claimed(world, Table::PODS, &set, MANAGER) } else { claimed };
    let by_node = if quick { by_node_of(world, &set, &claimed) } else { by_node };
    status(world, &set, &by_node, &hash);
    let live: Vec<String> =
        claimed.iter().map(|pod| format!("{}-{}", set.name(), pod.label(revisions::LABEL))).collect();
    let mut live: Vec<&str> = live.iter().map(String::as_str).collect();
    live.push(update.name());
    revisions::clean(world, &set, &live);
    let now = world.seconds();
    let waits = claimed.iter().filter_map(|pod| pods::available_in(pod, set.int("spec/minReadySeconds"), now));
    waits.filter(|left| !left.is_zero()).chain(retry).min()
}

fn by_node_of(world: &World, set: &Value, claimed: &[Arc<Value>]) -> ByNode {
    let probe = pod_for(set, "", "");
    let mut by_node: ByNode = world
        .store
        .list(Table::NODES)
        .map(|node| (node.name().to_owned(), (scheduler::suits(node, &probe), Vec::new())))
        .collect();
    for pod in claimed {
        let node = node_of(pod);
        by_node.entry(node).or_insert((false, Vec::new())).1.push(pod.clone());
    }
    by_node
}

/// Where the pod is, or where it is meant to go.
fn node_of(pod: &Value) -> String {
    let on = pod.str("spec/nodeName");
    if !on.is_empty() {
        return on.to_owned();
    }
    let terms = pod.list("spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms");
    let fields = terms.first().map_or(&[][..], |term| term.list("matchFields"));
    let values =
        fields.iter().find(|field| field.str("key") == "metadata.name").map_or(&[][..], |field| field.list("values"));
    values.first().and_then(Value::as_str).unwrap_or("").to_owned()
}

fn pod_for(set: &Value, node: &str, hash: &str) -> Value {
    let mut pod = pods::of_template(set.at("spec/template"), set, &format!("{}-", set.name()));
    pod.put("metadata/namespace", set.namespace());
    pod.put(&format!("metadata/labels/{}", revisions::LABEL), hash);
    if !set.annotation(GENERATION).is_empty() {
        pod.put("metadata/labels/pod-template-generation", set.annotation(GENERATION));
    }
    let mut tolerations = pod.list("spec/tolerations").to_vec();
    let near = TOLERATED.into_iter().chain(pod.flag("spec/hostNetwork").then_some(NO_NETWORK));
    let wanted = near.map(|(key, effect)| json!({"key": key, "operator": "Exists", "effect": effect}));
    tolerations.extend(wanted.filter(|one| !pod.list("spec/tolerations").contains(one)));
    pod.put("spec/tolerations", tolerations);
    if !node.is_empty() {
        let field = json!({"key": "metadata.name", "operator": "In", "values": [node]});
        let path = "spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
        let mut terms = pod.list(path).to_vec();
        if terms.is_empty() {
            terms.push(json!({}));
        }
        for term in &mut terms {
            term.put("matchFields", json!([field]));
        }
        pod.put(path, terms);
    }
    pod
}

/// Pods where they are missing, none where they should not be; failed ones are replaced. `Some`: one was refused.
fn manage(world: &mut World, set: &Value, by_node: &ByNode, hash: &str) -> Option<Duration> {
    let mut retry = None;
    for (node, (wanted, on_node)) in by_node {
        let failed = on_node.iter().filter(|pod| pod.str("status/phase") == "Failed" && !pod.is_deleting());
        for pod in failed {
            let message = format!(
                "Found failed daemon pod {}/{} on node {node}, will try to kill it",
                set.namespace(),
                pod.name()
            );
            world.warning(COMPONENT, set, "FailedDaemonPod", &message);
            pods::delete(world, pod, set, COMPONENT);
        }
        let alive: Vec<&Arc<Value>> = on_node.iter().filter(|pod| pods::is_active(pod)).collect();
        if *wanted && on_node.is_empty() {
            if pods::create(world, pod_for(set, node, hash), set, COMPONENT).is_err() {
                retry = Some(RETRY);
            }
        } else if !wanted {
            alive.into_iter().for_each(|pod| pods::delete(world, pod, set, COMPONENT));
        }
    }
    retry
}

fn status(world: &mut World, set: &Value, by_node: &ByNode, hash: &str) {
    let (now, min_ready) = (world.seconds(), set.int("spec/minReadySeconds"));
    let on_wanted = |holds: &dyn Fn(&Value) -> bool| {
        by_node.values().filter(|(wanted, pods)| *wanted && pods.iter().any(|pod| holds(pod))).count()
    };
    let desired = by_node.values().filter(|(wanted, _)| *wanted).count();
    let available = on_wanted(&|pod| !pod.is_deleting() && pods::is_available(pod, min_ready, now));
    let misplaced = by_node.values().filter(|(wanted, pods)| !*wanted && !pods.is_empty()).count();
    let mut status = json!({"currentNumberScheduled": on_wanted(&|_| true), "numberMisscheduled": misplaced,
        "desiredNumberScheduled": desired, "numberReady": on_wanted(&|pod| pods::is_ready(pod)),
        "observedGeneration": set.generation()});
    let rows = [
        ("updatedNumberScheduled", on_wanted(&|pod| pod.label(revisions::LABEL) == hash)),
        ("numberAvailable", available),
        ("numberUnavailable", desired - available),
    ];
    for (field, count) in rows.into_iter().filter(|(_, count)| *count > 0) {
        status.put(field, count);
    }
    world.edit(Table::DAEMON_SETS, set.namespace(), set.name(), By::status(MANAGER), |set| set.put("status", status));
}

//! Claims of a pod: missing, unbound, or bound to a volume that another zone holds.

use std::sync::Arc;

use serde_json::Value;

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::{By, World};

use super::affinity;

const SELECTED: &str = "volume.kubernetes.io/selected-node";

/// The names of the claims that the pod mounts, generic ephemeral volumes among them.
fn claims(pod: &Value) -> Vec<String> {
    let volumes = pod.list("spec/volumes").iter();
    let claim = |volume: &Value| {
        if volume.has("ephemeral") {
            return Some(format!("{}-{}", pod.name(), volume.str("name")));
        }
        volume.has("persistentVolumeClaim").then(|| volume.str("persistentVolumeClaim/claimName").to_owned())
    };
    volumes.filter_map(claim).collect()
}

fn waits_for_consumer(world: &World, claim: &Value) -> bool {
    let class = world.store.get(Table::STORAGE_CLASSES, "", claim.str("spec/storageClassName"));
    class.is_some_and(|class| class.str("volumeBindingMode") == "WaitForFirstConsumer")
}

/// What keeps the pod from any node.
pub(crate) fn missing(world: &World, pod: &Value) -> Option<String> {
    let nodes = world.store.list(Table::NODES).count();
    for name in claims(pod) {
        let Some(claim) = world.store.get(Table::CLAIMS, pod.namespace(), &name) else {
            return Some(format!("0/{nodes} nodes are available: persistentvolumeclaim {name:?} not found"));
        };
        if claim.is_deleting() {
            return Some(format!("0/{nodes} nodes are available: persistentvolumeclaim {name:?} is being deleted"));
        }
        if claim.str("spec/volumeName").is_empty() && !waits_for_consumer(world, claim) {
            return Some(format!("0/{nodes} nodes are available: pod has unbound immediate PersistentVolumeClaims"));
        }
    }
    None
}

/// Whether a bound volume can be reached from the node.
pub(crate) fn conflict(world: &World, node: &Value, pod: &Value) -> Option<&'static str> {
    let bound = claims(pod).into_iter().filter_map(|name| {
        let claim = world.store.get(Table::CLAIMS, pod.namespace(), &name)?;
        world.store.get(Table::VOLUMES, "", claim.str("spec/volumeName"))
    });
    let reachable = |volume: &Arc<Value>| {
        let required = volume.at("spec/nodeAffinity/required");
        let asked = serde_json::json!({"spec": {"affinity": {"nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": required}}}});
        required.is_null() || affinity::wants_node(node, &asked)
    };
    let mut volumes = bound;
    volumes.any(|volume| !reachable(volume)).then_some("node(s) didn't match PersistentVolume's node affinity")
}

/// Whether a provisioner is at work for the pod.
pub(crate) fn awaited(world: &World, pod: &Value) -> bool {
    unbound(world, pod).iter().any(|claim| !claim.annotation(SELECTED).is_empty())
}

/// Other pods that were given a node and wait for their volume there, or for the binding, as if they were on it.
pub(crate) fn promised(world: &World, except: &Key) -> Vec<Arc<Value>> {
    let others = world.scheduling.iter().filter(|key| *key != except);
    let waiting = others.filter_map(|key| world.get(Table::PODS, &key.namespace, &key.name));
    let promise = |pod: Arc<Value>| {
        let names = claims(&pod).into_iter();
        let mut all = names.filter_map(|name| world.get(Table::CLAIMS, pod.namespace(), &name));
        let claim = all.find(|claim| !claim.annotation(SELECTED).is_empty())?;
        let mut placed = (*pod).clone();
        placed.put("spec/nodeName", claim.annotation(SELECTED));
        Some(Arc::new(placed))
    };
    waiting.filter(|pod| pod.str("spec/nodeName").is_empty()).filter_map(promise).collect()
}

fn unbound(world: &World, pod: &Value) -> Vec<Arc<Value>> {
    let claims = claims(pod).into_iter().filter_map(|name| world.get(Table::CLAIMS, pod.namespace(), &name));
    claims.filter(|claim| claim.str("spec/volumeName").is_empty()).collect()
}

/// Tells the provisioner where the first consumer of each claim goes. `false`: all claims are bound.
pub(crate) fn select(world: &mut World, pod: &Value, node: &str) -> bool {
    let unbound = unbound(world, pod);
    for claim in &unbound {
        world.edit(Table::CLAIMS, pod.namespace(), claim.name(), By::system("kube-scheduler"), |claim| {
            claim.annotate(SELECTED, node)
        });
    }
    !unbound.is_empty()
}

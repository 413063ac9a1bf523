//! The kubelets of all nodes: one state machine a pod, moved on by the virtual clock.
//!
//! [`pod`] is the pod as a whole (volumes, sandbox, order of containers, end), [`container`] one container from image
//! to exit, [`probe`] its probes, [`image`] the pulls, [`config`] what a container needs from ConfigMaps and Secrets,
//! [`status`] what of all this stands in the pod's status, [`stop`] the graceful end.

mod back_off;
mod config;
mod container;
mod duration;
mod image;
mod mounts;
mod pod;
mod probe;
mod status;
mod stop;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::controllers::pods;
use crate::json::Json;
use crate::kinds::Table;
use crate::store::Key;
use crate::world::World;

use pod::Pod;
pub(crate) use pod::behaviour;
pub(crate) use status::host_ip;

/// All kubelets of the cluster: the pods that they look after, and the images on their disks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kubelets {
    pods: BTreeMap<String, Pod>,
    images: BTreeSet<(String, String)>,
    /// Nodes that say nothing, and since when.
    lost: BTreeMap<String, Duration>,
}

impl Kubelets {
    pub(crate) fn lose(&mut self, node: &str, now: Duration) {
        self.lost.insert(node.to_owned(), now);
    }

    /// `false` when it was never lost.
    pub(crate) fn regain(&mut self, node: &str) -> bool {
        self.lost.remove(node).is_some()
    }

    pub(crate) fn lost_since(&self, node: &str) -> Option<Duration> {
        self.lost.get(node).copied()
    }

    /// The lines that a container wrote; `None` when it never ran.
    pub(crate) fn log(&self, uid: &str, container: &str, previous: bool) -> Option<Vec<String>> {
        self.pods.get(uid)?.container(container)?.log(previous)
    }

    /// Whether the application in a container serves (`Some(false)`: it answers that it does not); `None`: nobody listens.
    pub(crate) fn answer(&self, pod: &Value, container: &str, now: Duration) -> Option<bool> {
        if self.lost.contains_key(pod.str("spec/nodeName")) {
            return None;
        }
        self.pods.get(pod.uid())?.container(container)?.answer(now)
    }
}

/// Moves one pod on to the present; `Some` says when its next moment is.
pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let object = world.get(Table::PODS, &key.namespace, &key.name);
    let Some(object) = object.filter(|pod| !pod.str("spec/nodeName").is_empty()) else {
        forget(world);
        return None;
    };
    // A node that does not exist has no kubelet; one that is lost has, and goes on when it is back.
    let node = object.str("spec/nodeName");
    world.get(Table::NODES, "", node)?;
    if world.kubelets.lost_since(node).is_some() {
        return None;
    }
    let known = world.kubelets.pods.remove(object.uid());
    if known.is_none() && pods::is_finished(&object) && !object.is_deleting() {
        return None;
    }
    let mut pod = known.unwrap_or_else(|| Pod::new(world, &object));
    let gone = pod.step(world, &object);
    if gone {
        return None;
    }
    let now = world.now();
    let next = pod.next().map(|at| at.saturating_sub(now).max(Duration::from_millis(1)));
    world.kubelets.pods.insert(object.uid().to_owned(), pod);
    next
}

/// Lets go of pods that were removed from the API behind the kubelet's back.
fn forget(world: &mut World) {
    let gone: Vec<String> =
        world.kubelets.pods.keys().filter(|uid| world.store.by_uid(uid).is_none()).cloned().collect();
    for uid in gone {
        world.kubelets.pods.remove(&uid);
    }
}

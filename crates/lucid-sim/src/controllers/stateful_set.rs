//! StatefulSets: pods with a number, made in order, replaced from the top, each with its own volumes.
//!
//! [`identity`] is what makes a pod the one with its number, [`claims`] its volumes, [`order`] the invariants of
//! scaling, [`update`] the move to another revision. Follows k8s.io/kubernetes/pkg/controller/statefulset.

mod claims;
mod identity;
mod order;
#[cfg(test)]
mod tests;
mod update;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::{By, World};

use super::{owners, pods, revisions};

const MANAGER: &str = "kube-controller-manager";
const COMPONENT: &str = "statefulset-controller";

/// What a look at the set works with.
struct Set {
    object: Arc<Value>,
    current: Arc<Value>,
    update: Arc<Value>,
    /// The pods of the set at the start, with their numbers, in order.
    pods: Vec<(i64, Arc<Value>)>,
}

impl Set {
    fn range(&self) -> std::ops::Range<i64> {
        let start = self.object.int("spec/ordinals/start");
        start..start + self.object.int("spec/replicas")
    }

    fn is_ordered(&self) -> bool {
        self.object.str("spec/podManagementPolicy") != "Parallel"
    }

    fn min_ready(&self) -> i64 {
        self.object.int("spec/minReadySeconds")
    }

    fn partition(&self) -> i64 {
        self.object.int("spec/updateStrategy/rollingUpdate/partition")
    }

    fn is_available(&self, pod: &Value, now: i64) -> bool {
        pods::is_running_and_ready(pod) && pods::is_available(pod, self.min_ready(), now)
    }
}

fn revision_of(pod: &Value) -> &str {
    pod.label(revisions::LABEL)
}

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let object = world.get(Table::STATEFUL_SETS, &key.namespace, &key.name)?;
    let history = revisions::of(world, &object);
    let update = revisions::update(world, &object, &history)?;
    let current = history.iter().find(|one| one.name() == object.str("status/currentRevision"));
    let current = current.cloned().unwrap_or_else(|| update.clone());
    let pods = numbered(world, &object);
    let set = Set { object, current, update, pods };
    let mut status = status(world, &set);
    claims::keep_policy(world, &set);
    if !set.object.is_deleting() && order::establish(world, &set) {
        let deleted = update::roll(world, &set);
        if deleted > 0 {
            status.put("currentReplicas", status.int("currentReplicas") - deleted);
        }
    }
    write(world, &set, status);
    let mut live = vec![set.current.name(), set.update.name()];
    live.extend(set.pods.iter().map(|(_, pod)| revision_of(pod)));
    revisions::clean(world, &set.object, &live);
    let now = world.seconds();
    let waits = set.pods.iter().filter_map(|(_, pod)| pods::available_in(pod, set.min_ready(), now));
    waits.filter(|left| !left.is_zero()).min()
}

/// The pods that are the set's by selector, owner and name.
fn numbered(world: &mut World, object: &Value) -> Vec<(i64, Arc<Value>)> {
    let claimed = owners::claimed(world, Table::PODS, object, MANAGER);
    let mut pods: Vec<(i64, Arc<Value>)> =
        claimed.into_iter().filter_map(|pod| Some((identity::ordinal(object, pod.name())?, pod))).collect();
    pods.sort_by_key(|(ordinal, _)| *ordinal);
    pods
}

/// The status as the pods stand at the start of a look; what the look makes is counted at the next one.
fn status(world: &World, set: &Set) -> Value {
    let now = world.seconds();
    let count = |holds: &dyn Fn(&Value) -> bool| set.pods.iter().filter(|(_, pod)| holds(pod)).count();
    let of = |revision: &str| count(&|pod| !pod.is_deleting() && revision_of(pod) == revision);
    let mut status = json!({"observedGeneration": set.object.generation(), "replicas": set.pods.len(),
        "availableReplicas": count(&|pod| set.is_available(pod, now)),
        "currentRevision": set.current.name(), "updateRevision": set.update.name(),
        "collisionCount": set.object.int("status/collisionCount")});
    let rows = [
        ("readyReplicas", count(&|pod| pods::is_running_and_ready(pod))),
        ("currentReplicas", of(set.current.name())),
        ("updatedReplicas", of(set.update.name())),
    ];
    for (field, count) in rows.into_iter().filter(|(_, count)| *count > 0) {
        status.put(field, count);
    }
    if set.object.has("status/conditions") {
        status.put("conditions", set.object.at("status/conditions").clone());
    }
    status
}

/// When every pod is of the update revision and ready, that revision is the current one.
fn complete(object: &Value, status: &mut Value) {
    let wanted = object.int("spec/replicas");
    let rolling = object.str("spec/updateStrategy/type") == "RollingUpdate";
    let all = ["updatedReplicas", "readyReplicas", "replicas"].iter().all(|field| status.int(field) == wanted);
    if rolling && all {
        let (count, revision) = (status.at("updatedReplicas").clone(), status.at("updateRevision").clone());
        if !count.is_null() {
            status.put("currentReplicas", count);
        }
        status.put("currentRevision", revision);
    }
}

fn write(world: &mut World, set: &Set, mut status: Value) {
    complete(&set.object, &mut status);
    if status.int("currentReplicas") == 0 {
        status.cut("currentReplicas");
    }
    world.edit(Table::STATEFUL_SETS, set.object.namespace(), set.object.name(), By::status(MANAGER), |object| {
        object.put("status", status);
    });
}

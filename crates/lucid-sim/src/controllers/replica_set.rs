//! ReplicaSets and ReplicationControllers: as many pods as wanted, the best ones kept.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::{By, World};

use super::{conditions, owners, pods};

const MANAGER: &str = "kube-controller-manager";

/// Which of the two kinds.
#[derive(Clone, Copy)]
struct Which {
    table: Table,
    component: &'static str,
}

const SETS: Which = Which { table: Table::REPLICA_SETS, component: "replicaset-controller" };
const CONTROLLERS: Which = Which { table: Table::CONTROLLERS, component: "replication-controller" };

/// Failed creations are tried again after a while that doubles up to this.
const RETRY_LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    step(world, key, SETS)
}

pub(crate) fn reconcile_controller(world: &mut World, key: &Key) -> Option<Duration> {
    step(world, key, CONTROLLERS)
}

fn step(world: &mut World, key: &Key, which: Which) -> Option<Duration> {
    let set = world.get(which.table, &key.namespace, &key.name)?;
    let claimed = owners::claimed(world, Table::PODS, &set, MANAGER);
    let active: Vec<Arc<Value>> = claimed.iter().filter(|pod| pods::is_active(pod)).cloned().collect();
    let wanted = usize::try_from(set.int("spec/replicas")).unwrap_or(0);
    let mut failure = None;
    if !set.is_deleting() {
        if active.len() < wanted {
            failure = grow(world, &set, which, wanted - active.len());
        } else if active.len() > wanted {
            shrink(world, &set, which, &active, active.len() - wanted);
        }
    }
    let retry = failure.as_ref().map(|_| retry_after(world, &set));
    let next = status(world, &set, which, &active, &claimed, failure.as_deref());
    [retry, next].into_iter().flatten().min()
}

/// Starts with one and doubles, so that a refusal costs one request.
fn grow(world: &mut World, set: &Value, which: Which, missing: usize) -> Option<String> {
    let mut left = missing.min(500);
    let mut batch = 1;
    while left > 0 {
        let mut failure = None;
        for _ in 0..batch.min(left) {
            let pod = pods::of_template(set.at("spec/template"), set, &format!("{}-", set.name()));
            if let Err(error) = pods::create(world, pod, set, which.component) {
                failure.get_or_insert(error.message);
            }
        }
        if failure.is_some() {
            return failure;
        }
        left -= batch.min(left);
        batch *= 2;
    }
    None
}

fn shrink(world: &mut World, set: &Value, which: Which, active: &[Arc<Value>], surplus: usize) {
    let now = world.seconds();
    let mut ranked: Vec<&Arc<Value>> = active.iter().collect();
    ranked.sort_by_key(|pod| rank(pod, active, now));
    for pod in ranked.into_iter().take(surplus) {
        pods::delete(world, pod, set, which.component);
    }
}

type Rank = (bool, u8, bool, i64, Reverse<usize>, Reverse<i64>, Reverse<i64>, Reverse<i64>, String);

/// The order in which pods are given up: not scheduled, pending, not ready, cheap ones, crowded nodes, ready for a
/// short time, restarted often, young.
fn rank(pod: &Value, all: &[Arc<Value>], _now: i64) -> Rank {
    let node = pod.str("spec/nodeName");
    let phase = match pod.str("status/phase") {
        "Pending" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let cost = pod.annotation("controller.kubernetes.io/pod-deletion-cost").parse().unwrap_or(0);
    let neighbours = all.iter().filter(|other| other.str("spec/nodeName") == node).count();
    let created = crate::time::parse_seconds(pod.str("metadata/creationTimestamp")).unwrap_or(0);
    let ready = pods::ready_since(pod).unwrap_or(0);
    (
        !node.is_empty(),
        phase,
        pods::is_ready(pod),
        cost,
        Reverse(neighbours),
        Reverse(ready),
        Reverse(pods::restarts(pod)),
        Reverse(created),
        pod.name().to_owned(),
    )
}

fn retry_after(world: &World, set: &Value) -> Duration {
    let failing = conditions::find(set, "ReplicaFailure")
        .map_or(Duration::ZERO, |condition| world.since(condition.str("lastTransitionTime")));
    failing.clamp(Duration::from_secs(1), RETRY_LIMIT)
}

fn status(
    world: &mut World,
    set: &Value,
    which: Which,
    active: &[Arc<Value>],
    claimed: &[Arc<Value>],
    failure: Option<&str>,
) -> Option<Duration> {
    let (now, seconds) = (world.stamp(), world.seconds());
    let min_ready = set.int("spec/minReadySeconds");
    let template = set.strings("spec/template/metadata/labels");
    let labelled = active.iter().filter(|pod| {
        let labels = pod.labels();
        template.iter().all(|(key, value)| labels.get(key) == Some(value))
    });
    let labelled = labelled.count();
    let ready = active.iter().filter(|pod| pods::is_ready(pod)).count();
    let available = active.iter().filter(|pod| pods::is_available(pod, min_ready, seconds)).count();
    let terminating = claimed.iter().filter(|pod| pod.is_deleting() && !pods::is_finished(pod)).count();
    let generation = set.generation();
    let shrinking = active.len() > usize::try_from(set.int("spec/replicas")).unwrap_or(0);
    world.edit(which.table, set.namespace(), set.name(), By::status(MANAGER), |set| {
        let kept = set.at("status/conditions").clone();
        set.put("status", json!({"replicas": active.len(), "observedGeneration": generation}));
        for (field, count) in
            [("fullyLabeledReplicas", labelled), ("readyReplicas", ready), ("availableReplicas", available)]
        {
            if count > 0 {
                set.put(&format!("status/{field}"), count);
            }
        }
        if which.table == Table::REPLICA_SETS {
            set.put("status/terminatingReplicas", terminating);
        }
        if !kept.is_null() {
            set.put("status/conditions", kept);
        }
        match failure {
            Some(message) if conditions::find(set, "ReplicaFailure").is_none() => {
                let reason = if shrinking { "FailedDelete" } else { "FailedCreate" };
                let condition = conditions::Condition::new("ReplicaFailure", "True", reason, message);
                conditions::set(set, condition, &now);
            }
            Some(_) => {}
            None if conditions::find(set, "ReplicaFailure").is_some() => conditions::remove(set, "ReplicaFailure"),
            None => {}
        }
    });
    let waits =
        active.iter().filter_map(|pod| pods::available_in(pod, min_ready, seconds)).filter(|left| !left.is_zero());
    waits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, node: &str, phase: &str, ready: Option<&str>) -> Arc<Value> {
        let conditions: Vec<Value> =
            ready.into_iter().map(|at| json!({"type": "Ready", "status": "True", "lastTransitionTime": at})).collect();
        Arc::new(
            json!({"metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"nodeName": node},
            "status": {"phase": phase, "conditions": conditions}}),
        )
    }

    #[test]
    fn the_least_useful_pod_goes_first() {
        let all = [
            pod("ready-long", "n1", "Running", Some("2026-01-01T00:00:01Z")),
            pod("ready-short", "n1", "Running", Some("2026-01-01T00:09:00Z")),
            pod("unready", "n1", "Running", None),
            pod("pending", "n2", "Pending", None),
            pod("unscheduled", "", "Pending", None),
        ];
        let mut ranked: Vec<&Arc<Value>> = all.iter().collect();
        ranked.sort_by_key(|pod| rank(pod, &all, 0));
        let names: Vec<&str> = ranked.into_iter().map(|pod| pod.name()).collect();
        assert_eq!(names, ["unscheduled", "pending", "unready", "ready-short", "ready-long"]);
    }
}

//! The condition `Progressing`: created, found, progressing, complete, timed out, paused.

use std::time::Duration;

use serde_json::Value;

use crate::controllers::conditions;
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::time;
use crate::world::{By, World};

use super::status::{self, Row};
use super::{COMPONENT, MANAGER, REVISION, Set, sets};

const PROGRESSING: &str = "Progressing";
const COMPLETE: &str = "NewReplicaSetAvailable";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";

/// No deadline, or the largest number, means that progress is not judged.
fn deadline(deployment: &Value) -> Option<i64> {
    let seconds = deployment.int("spec/progressDeadlineSeconds");
    (seconds > 0 && seconds != i64::from(i32::MAX)).then_some(seconds)
}

fn edit(world: &mut World, deployment: &Value, change: impl FnOnce(&mut Value, &str)) {
    let now = world.stamp();
    world.edit(Table::DEPLOYMENTS, deployment.namespace(), deployment.name(), By::status(MANAGER), |deployment| {
        change(deployment, &now);
    });
}

/// A paused Deployment does not run out of time.
pub(crate) fn pause(world: &mut World, deployment: &Value) {
    let reason = conditions::find(deployment, PROGRESSING).map_or("", |condition| condition.str("reason"));
    if deadline(deployment).is_none() || reason == TIMED_OUT {
        return;
    }
    let row: Row<'_> = match (deployment.flag("spec/paused"), reason == "DeploymentPaused") {
        (true, false) => (PROGRESSING, "Unknown", "DeploymentPaused", "Deployment is paused"),
        (false, true) => (PROGRESSING, "Unknown", "DeploymentResumed", "Deployment is resumed"),
        _ => return,
    };
    edit(world, deployment, |deployment, now| status::set(deployment, row, now));
}

pub(crate) fn created(world: &mut World, deployment: &Value, set: &Value) {
    let message = format!("Created new replica set {:?}", set.name());
    let (judged, revision) = (deadline(deployment).is_some(), sets::revision(set).to_string());
    edit(world, deployment, |deployment, now| {
        deployment.annotate(REVISION, &revision);
        if judged {
            status::set(deployment, (PROGRESSING, "True", "NewReplicaSetCreated", &message), now);
        }
    });
}

pub(crate) fn found(world: &mut World, deployment: &Value, set: &Value) {
    let message = format!("Found new replica set {:?}", set.name());
    let judged = deadline(deployment).is_some() && conditions::find(deployment, PROGRESSING).is_none();
    let revision = sets::revision(set).to_string();
    if !judged && deployment.annotation(REVISION) == revision {
        return;
    }
    edit(world, deployment, |deployment, now| {
        deployment.annotate(REVISION, &revision);
        if judged {
            status::set(deployment, (PROGRESSING, "True", "FoundNewReplicaSet", &message), now);
        }
    });
}

pub(crate) fn not_created(world: &mut World, deployment: &Value, name: &str, why: &str) {
    let message = format!("Failed to create new replica set {name:?}: {why}");
    world.warning(COMPONENT, deployment, "ReplicaSetCreateError", &message);
    if deadline(deployment).is_some() {
        edit(world, deployment, |deployment, now| {
            status::set(deployment, (PROGRESSING, "False", "ReplicaSetCreateError", &message), now);
        });
    }
}

/// Writes the status in the middle of a rollout; `Some` says when to look for the deadline.
pub(crate) fn sync(world: &mut World, deployment: &Value, all: &[Set], new: Option<&Set>) -> Option<Duration> {
    let now = world.stamp();
    let all: Vec<Set> = all.iter().filter_map(|set| super::again(world, Table::REPLICA_SETS, set)).collect();
    let new = new.and_then(|new| all.iter().find(|set| set.uid() == new.uid()));
    let mut computed = status::computed(deployment, &all, new, &now);
    judge(deployment, &mut computed, new, world.seconds(), &now);
    replica_failure(&mut computed, &all, new, &now);
    status::write(world, &computed);
    remaining(&computed, world.seconds())
}

fn judge(old: &Value, computed: &mut Value, new: Option<&Set>, seconds: i64, now: &str) {
    let Some(deadline) = deadline(old) else { return conditions::remove(computed, PROGRESSING) };
    let current = conditions::find(old, PROGRESSING).cloned().unwrap_or_default();
    let settled =
        computed.int("status/replicas") == computed.int("status/updatedReplicas") && current.str("reason") == COMPLETE;
    if settled {
        return;
    }
    let who = new.map_or_else(|| format!("Deployment {:?}", old.name()), |new| format!("ReplicaSet {:?}", new.name()));
    if status::is_complete(old, computed) {
        let message = format!("{who} has successfully progressed.");
        status::set(computed, (PROGRESSING, "True", COMPLETE, &message), now);
    } else if has_moved(old, computed) {
        let message = format!("{who} is progressing.");
        status::force(computed, (PROGRESSING, "True", "ReplicaSetUpdated", &message), now);
    } else if timed_out(computed, deadline, seconds) {
        let message = format!("{who} has timed out progressing.");
        status::set(computed, (PROGRESSING, "False", TIMED_OUT, &message), now);
    }
}

/// More pods updated, ready or available, or fewer old ones.
fn has_moved(old: &Value, new: &Value) -> bool {
    let of = |object: &Value, field: &str| object.int(&format!("status/{field}"));
    let outdated = |object: &Value| of(object, "replicas") - of(object, "updatedReplicas");
    let more = ["updatedReplicas", "readyReplicas", "availableReplicas"];
    more.iter().any(|field| of(new, field) > of(old, field)) || outdated(new) < outdated(old)
}

fn timed_out(computed: &Value, deadline: i64, seconds: i64) -> bool {
    let Some(condition) = conditions::find(computed, PROGRESSING) else { return false };
    match condition.str("reason") {
        COMPLETE => false,
        TIMED_OUT => true,
        _ => time::parse_seconds(condition.str("lastUpdateTime")).is_some_and(|from| from + deadline < seconds),
    }
}

fn replica_failure(computed: &mut Value, all: &[Set], new: Option<&Set>, now: &str) {
    let of = |set: &Set| conditions::find(set, "ReplicaFailure").cloned();
    match new.and_then(of).or_else(|| all.iter().find_map(of)) {
        Some(failure) => {
            let row = ("ReplicaFailure", failure.str("status"), failure.str("reason"), failure.str("message"));
            status::set(computed, row, now);
        }
        None => conditions::remove(computed, "ReplicaFailure"),
    }
}

fn remaining(computed: &Value, seconds: i64) -> Option<Duration> {
    let deadline = deadline(computed)?;
    let condition = conditions::find(computed, PROGRESSING)?;
    if status::is_complete(computed, computed) || matches!(condition.str("reason"), TIMED_OUT) {
        return None;
    }
    let from = time::parse_seconds(condition.str("lastUpdateTime"))?;
    Some(Duration::from_secs(u64::try_from(from + deadline - seconds).unwrap_or(0) + 1))
}

//! Jobs: pods until enough of them have succeeded, or too many failed.
//!
//! [`tally`] counts what has ended, [`verdict`] judges it, [`fleet`] makes and deletes pods, [`finish`] is what comes
//! after the end. Follows k8s.io/kubernetes/pkg/controller/job.

mod finish;
mod fleet;
mod tally;
#[cfg(test)]
mod tests;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::{By, World};

use super::{conditions, owners, pods};
use tally::Tally;
use verdict::Verdict;

const MANAGER: &str = "kube-controller-manager";
const COMPONENT: &str = "job-controller";
const FINALIZER: &str = "batch.kubernetes.io/job-tracking";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let Some(job) = world.get(Table::JOBS, &key.namespace, &key.name) else {
        finish::free_orphans(world, key);
        return None;
    };
    let claimed = owners::claimed(world, Table::PODS, &job, MANAGER);
    if job.is_deleting() {
        claimed.iter().for_each(|pod| tally::free(world, pod));
        return None;
    }
    if is_finished(&job) {
        claimed.iter().for_each(|pod| tally::free(world, pod));
        return finish::expire(world, &job);
    }
    let job = begin(world, &job)?;
    let tally = Tally::of(world, &job, &claimed);
    let verdict = verdict::of(world, &job, &tally, &claimed);
    let next = match &verdict {
        Verdict::Suspended | Verdict::Failed { .. } | Verdict::Succeeded { .. } => {
            fleet::stop(world, &job, &claimed);
            None
        }
        Verdict::Open => fleet::manage(world, &job, &tally, &claimed),
    };
    write(world, &job, &tally, &verdict);
    let deadline = deadline_in(world, &job);
    [next, deadline].into_iter().flatten().min()
}

fn is_finished(job: &Value) -> bool {
    conditions::is_true(job, "Complete") || conditions::is_true(job, "Failed")
}

fn is_indexed(job: &Value) -> bool {
    job.str("spec/completionMode") == "Indexed"
}

/// Stamps the start; a suspended Job has none.
fn begin(world: &mut World, job: &Value) -> Option<Arc<Value>> {
    if !job.has("status/startTime") && !job.flag("spec/suspend") {
        let now = world.stamp();
        world.edit(Table::JOBS, job.namespace(), job.name(), By::status(MANAGER), |job| {
            job.put("status/startTime", now)
        });
    }
    world.get(Table::JOBS, job.namespace(), job.name())
}

/// How long until `activeDeadlineSeconds` is over.
fn deadline_in(world: &World, job: &Value) -> Option<Duration> {
    let limit = Duration::from_secs(u64::try_from(job.int("spec/activeDeadlineSeconds")).ok().filter(|s| *s > 0)?);
    if !job.has("status/startTime") || job.flag("spec/suspend") || is_finished(job) {
        return None;
    }
    Some(limit.saturating_sub(world.since(job.str("status/startTime"))).max(Duration::from_millis(10)))
}

/// Type, status, reason, message; with the time of the probe, which only Jobs write.
fn set_condition(job: &mut Value, kind: &str, status: &str, reason: &str, message: &str, now: &str) {
    let changed = conditions::set(job, conditions::Condition::new(kind, status, reason, message), now);
    if changed {
        for condition in job.items("status/conditions").iter_mut().filter(|condition| condition.str("type") == kind) {
            condition.put("lastProbeTime", now);
        }
    }
}

fn write(world: &mut World, job: &Value, tally: &Tally, verdict: &Verdict) {
    let now = world.stamp();
    // A verdict is announced first and final once no pod is left.
    let announced = verdict.announced(job);
    let ended = announced && tally.active == 0 && tally.terminating == 0;
    let active = count(world, job, pods::is_active);
    let terminating = count(world, job, |pod| pod.is_deleting() && !pods::is_finished(pod));
    world.edit(Table::JOBS, job.namespace(), job.name(), By::status(MANAGER), |job| {
        for (field, count) in [("active", active), ("failed", tally.failed), ("succeeded", tally.succeeded)] {
            match count {
                0 => drop(job.cut(&format!("status/{field}"))),
                count => job.put(&format!("status/{field}"), count),
            }
        }
        job.put("status/ready", if verdict.is_open() { tally.ready } else { tally.ready.min(active) });
        job.put("status/terminating", terminating);
        job.put("status/uncountedTerminatedPods", json!({}));
        if is_indexed(job) {
            match tally.completed_indexes().as_str() {
                "" => drop(job.cut("status/completedIndexes")),
                indexes => job.put("status/completedIndexes", indexes),
            }
        }
        verdict.announce(job, &now);
        if ended {
            verdict.conclude(job, &now);
        }
    });
    if !announced {
        verdict.report(world, job);
    }
    if ended {
        finish::report(world, job, verdict);
    }
}

/// How many of the Job's pods it holds for, as they are now.
fn count(world: &World, job: &Value, holds: impl Fn(&Value) -> bool) -> i64 {
    let pods = world.store.owned_in(Table::PODS, job.uid());
    i64::try_from(pods.iter().filter(|pod| holds(pod)).count()).unwrap_or(i64::MAX)
}

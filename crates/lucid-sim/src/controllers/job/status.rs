//! The status of a Job, written in two strokes: pods that have ended are noted before they are counted.

use serde_json::{Value, json};

use crate::controllers::{conditions, pods};
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::world::{By, World};

use super::tally::{self, Tally};
use super::verdict::Verdict;
use super::{MANAGER, finish, is_indexed};

pub(crate) fn write(world: &mut World, job: &Value, tally: &Tally, verdict: &Verdict) {
    let now = world.stamp();
    let announced = verdict.announced(job);
    let (active, terminating) = note(world, job, tally, verdict, &now);
    tally.ended.iter().for_each(|pod| tally::free(world, pod));
    // The verdict is final once no pod is left.
    let ended = !matches!(verdict, Verdict::Open | Verdict::Suspended) && active == 0 && terminating == 0;
    world.edit(Table::JOBS, job.namespace(), job.name(), By::status(MANAGER), |job| {
        count(job, "succeeded", tally.succeeded);
        count(job, "failed", tally.failed);
        if is_indexed(job) {
            for (field, indexes) in
                [("completedIndexes", tally.completed_indexes()), ("failedIndexes", tally.failed_indexes())]
            {
                match indexes.as_str() {
                    "" => drop(job.cut(&format!("status/{field}"))),
                    indexes => job.put(&format!("status/{field}"), indexes),
                }
            }
        }
        job.put("status/uncountedTerminatedPods", json!({}));
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

/// The first stroke: who runs, who has ended, and what that means. Returns how many run and how many are ending.
fn note(world: &mut World, job: &Value, tally: &Tally, verdict: &Verdict, now: &str) -> (i64, i64) {
    let alive = world.store.owned_in(Table::PODS, job.uid());
    let number = |holds: &dyn Fn(&Value) -> bool| {
        i64::try_from(alive.iter().filter(|pod| holds(pod)).count()).unwrap_or(i64::MAX)
    };
    let active = number(&pods::is_active);
    let terminating = number(&|pod| pod.is_deleting() && !pods::is_finished(pod));
    let uncounted = tally.uncounted();
    world.edit(Table::JOBS, job.namespace(), job.name(), By::status(MANAGER), |job| {
        if !job.has("status/startTime") && *verdict != Verdict::Suspended {
            job.put("status/startTime", now);
        }
        count(job, "active", active);
        job.put("status/ready", tally.ready.min(active));
        job.put("status/terminating", terminating);
        job.put("status/uncountedTerminatedPods", uncounted);
        verdict.announce(job, now);
    });
    (active, terminating)
}

/// Zero is left out.
fn count(job: &mut Value, field: &str, count: i64) {
    match count {
        0 => drop(job.cut(&format!("status/{field}"))),
        count => job.put(&format!("status/{field}"), count),
    }
}

/// Sets a condition; with the time of the probe, which only Jobs write.
pub(crate) fn set_condition(job: &mut Value, kind: &str, status: &str, reason: &str, message: &str, now: &str) {
    let changed = conditions::set(job, conditions::Condition::new(kind, status, reason, message), now);
    if changed {
        for condition in job.items("status/conditions").iter_mut().filter(|condition| condition.str("type") == kind) {
            condition.put("lastProbeTime", now);
        }
    }
}

//! Jobs: pods until enough of them have succeeded, or too many failed.
//!
//! [`tally`] counts what has ended, [`verdict`] judges it, [`fleet`] makes and deletes pods, [`status`] writes it all
//! down, [`finish`] is what comes after the end. Follows k8s.io/kubernetes/pkg/controller/job.

mod finish;
mod fleet;
mod status;
mod tally;
#[cfg(test)]
mod tests;
mod verdict;

use std::time::Duration;

use serde_json::Value;

use crate::json::Json;
use crate::kinds::Table;
use crate::store::Key;
use crate::world::World;

use super::{conditions, owners};
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
    let tally = Tally::of(&job, &claimed);
    let verdict = verdict::of(world, &job, &tally, &claimed);
    let next = match &verdict {
        Verdict::Open => fleet::manage(world, &job, &tally, &claimed),
        _ => fleet::stop(world, &job, &claimed),
    };
    status::write(world, &job, &tally, &verdict);
    let job = world.get(Table::JOBS, &key.namespace, &key.name)?;
    let deadline = deadline_in(world, &job);
    [next, deadline].into_iter().flatten().min()
}

fn is_finished(job: &Value) -> bool {
    conditions::is_true(job, "Complete") || conditions::is_true(job, "Failed")
}

fn is_indexed(job: &Value) -> bool {
    job.str("spec/completionMode") == "Indexed"
}

/// How long until `activeDeadlineSeconds` is over.
fn deadline_in(world: &World, job: &Value) -> Option<Duration> {
    let limit = Duration::from_secs(u64::try_from(job.int("spec/activeDeadlineSeconds")).ok().filter(|s| *s > 0)?);
    if !job.has("status/startTime") || job.flag("spec/suspend") || is_finished(job) {
        return None;
    }
    Some(limit.saturating_sub(world.since(job.str("status/startTime"))).max(Duration::from_millis(10)))
}

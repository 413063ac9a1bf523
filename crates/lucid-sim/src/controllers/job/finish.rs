//! After the end of a Job: its event, its time to live, and pods that it left behind.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::controllers::conditions;
use crate::json::Json;
use crate::kinds::Table;
use crate::store::Key;
use crate::world::World;
use crate::world::delete::{DeleteOptions, Propagation};

use super::verdict::Verdict;
use super::{COMPONENT, tally};

pub(crate) fn report(world: &mut World, job: &Value, verdict: &Verdict) {
    match verdict {
        Verdict::Succeeded { .. } => world.normal(COMPONENT, job, "Completed", "Job completed"),
        Verdict::Failed { reason, message } => world.warning(COMPONENT, job, reason, message),
        Verdict::Open | Verdict::Suspended => {}
    }
}

/// Deletes the Job once `ttlSecondsAfterFinished` is over; `Some` says when to look.
pub(crate) fn expire(world: &mut World, job: &Value) -> Option<Duration> {
    let ttl = Duration::from_secs(u64::try_from(job.at("spec/ttlSecondsAfterFinished").as_i64()?).ok()?);
    let ended = ["Complete", "Failed"].iter().find_map(|kind| conditions::find(job, kind))?;
    let left = ttl.saturating_sub(world.since(ended.str("lastTransitionTime")));
    if !left.is_zero() {
        return Some(left);
    }
    let kind = world.kinds.stored(Table::JOBS).clone();
    let options = DeleteOptions {
        uid: Some(job.uid().to_owned()),
        propagation: Some(Propagation::Foreground),
        ..DeleteOptions::default()
    };
    // A Job that is gone already needs no deletion.
    let _ = world.delete(&kind, job.namespace(), job.name(), &options);
    None
}

/// The Job is gone: nobody counts its pods any more.
pub(crate) fn free_orphans(world: &mut World, key: &Key) {
    let of_job = |pod: &&Arc<Value>| {
        pod.controller().is_some_and(|owner| owner.str("kind") == "Job" && owner.str("name") == key.name)
    };
    let left: Vec<Arc<Value>> = world.store.list_in(Table::PODS, &key.namespace).filter(of_job).cloned().collect();
    left.iter().for_each(|pod| tally::free(world, pod));
}

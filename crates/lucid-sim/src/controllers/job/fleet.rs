//! The pods of a Job: as many as may run, later after failures.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::controllers::pods;
use crate::json::{Json, JsonMut};
use crate::time;
use crate::world::World;

use super::tally::{self, Tally};
use super::{COMPONENT, FINALIZER, INDEX, is_indexed};

/// After a failure a new pod waits this long, doubled with each further one.
const BACK_OFF: i64 = 10;
const BACK_OFF_LIMIT: i64 = 600;

pub(crate) fn manage(world: &mut World, job: &Value, tally: &Tally, claimed: &[Arc<Value>]) -> Option<Duration> {
    let wanted = wanted(job, tally);
    let active: Vec<&Arc<Value>> = claimed.iter().filter(|pod| pods::is_active(pod)).collect();
    let surplus = tally.active - wanted;
    if surplus > 0 {
        for pod in active.iter().take(usize::try_from(surplus).unwrap_or(0)) {
            pods::delete(world, pod, job, COMPONENT);
        }
        return None;
    }
    // Pods that end are replaced at once unless only failed ones may be.
    let waiting = if job.str("spec/podReplacementPolicy") == "Failed" { tally.terminating } else { 0 };
    let missing = wanted - tally.active - waiting;
    if missing <= 0 {
        return None;
    }
    if let Some(wait) = back_off(claimed, world.seconds()) {
        return Some(wait);
    }
    let used: BTreeSet<i64> = active.iter().map(|pod| tally::index(pod)).collect();
    let free =
        (0..).filter(|index| !used.contains(index) && !tally.completed.contains(index) && !tally.lost.contains(index));
    for index in free.take(usize::try_from(missing).unwrap_or(0)) {
        let pod = pod_for(job, is_indexed(job).then_some(index));
        if pods::create(world, pod, job, COMPONENT).is_err() {
            return Some(Duration::from_secs(10));
        }
    }
    None
}

fn wanted(job: &Value, tally: &Tally) -> i64 {
    let parallelism = if job.has("spec/parallelism") { job.int("spec/parallelism") } else { 1 };
    match job.at("spec/completions").as_i64() {
        Some(completions) => {
            let lost = i64::try_from(tally.lost.len()).unwrap_or(i64::MAX);
            (completions - tally.succeeded - lost).clamp(0, parallelism)
        }
        None if tally.succeeded > 0 => tally.active,
        None => parallelism,
    }
}

/// How long a new pod has to wait after the failures since the last success.
fn back_off(claimed: &[Arc<Value>], now: i64) -> Option<Duration> {
    let success =
        claimed.iter().filter(|pod| pod.str("status/phase") == "Succeeded").map(|pod| finished(pod)).max().unwrap_or(0);
    let failures: Vec<i64> =
        claimed.iter().filter(|pod| pod.str("status/phase") == "Failed").map(|pod| finished(pod)).collect();
    let failures: Vec<i64> = failures.into_iter().filter(|at| *at >= success).collect();
    let last = failures.iter().max()?;
    let left = last + delay(failures.len()) - now;
    (left > 0).then(|| Duration::from_secs(left.unsigned_abs()))
}

fn delay(failures: usize) -> i64 {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    (BACK_OFF << doublings).min(BACK_OFF_LIMIT)
}

/// When the last container of a pod ended, or the pod was deleted.
fn finished(pod: &Value) -> i64 {
    let statuses = pod.list("status/containerStatuses").iter();
    let ends = statuses.filter_map(|status| time::parse_seconds(status.str("state/terminated/finishedAt")));
    let deleted = time::parse_seconds(pod.str("metadata/deletionTimestamp"));
    ends.max().or(deleted).unwrap_or(0)
}

fn pod_for(job: &Value, index: Option<i64>) -> Value {
    let base = index.map_or_else(|| format!("{}-", job.name()), |index| format!("{}-{index}-", job.name()));
    let mut pod = pods::of_template(job.at("spec/template"), job, &base);
    let mut finalizers = pod.list("metadata/finalizers").to_vec();
    finalizers.push(FINALIZER.into());
    pod.put("metadata/finalizers", finalizers);
    if let Some(index) = index {
        number(&mut pod, job, index);
    }
    pod
}

fn number(pod: &mut Value, job: &Value, index: i64) {
    pod.annotate(INDEX, &index.to_string());
    pod.default_to("metadata/labels", json!({}));
    if let Some(labels) = pod.entry("metadata/labels").as_object_mut() {
        labels.insert(INDEX.to_owned(), index.to_string().into());
    }
    pod.put("spec/hostname", format!("{}-{index}", job.name()));
    let variable = json!({"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {
        "apiVersion": "v1", "fieldPath": format!("metadata.labels['{INDEX}']")}}});
    for list in ["spec/initContainers", "spec/containers"] {
        for container in pod.items(list) {
            let mut env = container.list("env").to_vec();
            env.push(variable.clone());
            container.put("env", env);
        }
    }
}

/// Deletes all that still runs; there is nothing to come back for.
pub(crate) fn stop(world: &mut World, job: &Value, claimed: &[Arc<Value>]) -> Option<Duration> {
    for pod in claimed.iter().filter(|pod| pods::is_active(pod)) {
        pods::delete(world, pod, job, COMPONENT);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_waited_for() {
        assert_eq!([1, 2, 3, 7, 50].map(delay), [10, 20, 40, 600, 600]);
    }
}

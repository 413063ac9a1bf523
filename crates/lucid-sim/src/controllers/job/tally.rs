//! Counting pods that have ended: each once, after which its finalizer goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::controllers::pods;
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::world::{By, World};

use super::{FINALIZER, INDEX, MANAGER, is_indexed};

/// What the pods add up to, those of earlier looks included.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) active: i64,
    pub(crate) ready: i64,
    pub(crate) terminating: i64,
    pub(crate) succeeded: i64,
    pub(crate) failed: i64,
    /// Indexes that have succeeded.
    pub(crate) completed: BTreeSet<i64>,
    /// Indexes that have failed more often than each of them may.
    pub(crate) lost: BTreeSet<i64>,
    /// Pods that are counted here for the first time.
    pub(crate) ended: Vec<Arc<Value>>,
}

impl Tally {
    /// Counts the pods that are held by our finalizer and have ended.
    pub(crate) fn of(job: &Value, claimed: &[Arc<Value>]) -> Self {
        let indexed = is_indexed(job);
        let mut tally = Self { failed: job.int("status/failed"), ..Self::default() };
        tally.completed = parse_indexes(job.str("status/completedIndexes"));
        tally.succeeded = job.int("status/succeeded");
        for pod in claimed {
            let failed = has_failed(pod);
            let succeeded = pod.str("status/phase") == "Succeeded";
            tally.active += i64::from(pods::is_active(pod));
            tally.ready += i64::from(pods::is_active(pod) && pods::is_ready(pod));
            tally.terminating += i64::from(pod.is_deleting() && !pods::is_finished(pod));
            if !is_held(pod) || !(failed || succeeded) {
                continue;
            }
            if failed {
                tally.failed += 1;
            } else if indexed {
                tally.completed.insert(index(pod));
            } else {
                tally.succeeded += 1;
            }
            tally.ended.push(pod.clone());
        }
        if indexed {
            let completions = job.int("spec/completions");
            tally.completed.retain(|index| *index < completions);
            tally.lost = lost(job, claimed);
            tally.succeeded = i64::try_from(tally.completed.len()).unwrap_or(i64::MAX);
        }
        tally
    }

    /// The uids of the pods that are being counted, as the status notes them.
    pub(crate) fn uncounted(&self) -> Value {
        let uids = |failed: bool| -> Vec<&str> {
            self.ended.iter().filter(|pod| has_failed(pod) == failed).map(|pod| pod.uid()).collect()
        };
        let mut uncounted = json!({});
        for (field, uids) in [("succeeded", uids(false)), ("failed", uids(true))] {
            if !uids.is_empty() {
                uncounted[field] = json!(uids);
            }
        }
        uncounted
    }

    pub(crate) fn completed_indexes(&self) -> String {
        runs(&self.completed)
    }

    pub(crate) fn failed_indexes(&self) -> String {
        runs(&self.lost)
    }
}

/// With `backoffLimitPerIndex` each index has failures of its own.
fn lost(job: &Value, claimed: &[Arc<Value>]) -> BTreeSet<i64> {
    let mut lost = parse_indexes(job.str("status/failedIndexes"));
    let Some(limit) = job.at("spec/backoffLimitPerIndex").as_u64() else { return lost };
    let mut failures: BTreeMap<i64, u64> = BTreeMap::new();
    for pod in claimed.iter().filter(|pod| has_failed(pod)) {
        *failures.entry(index(pod)).or_default() += 1;
    }
    lost.extend(failures.into_iter().filter(|(_, count)| *count > limit).map(|(index, _)| index));
    lost
}

/// `0-2,5`.
fn runs(indexes: &BTreeSet<i64>) -> String {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for &index in indexes {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => runs.push((index, index)),
        }
    }
    let text = |(first, last): (i64, i64)| match last - first {
        0 => first.to_string(),
        1 => format!("{first},{last}"),
        _ => format!("{first}-{last}"),
    };
    runs.into_iter().map(text).collect::<Vec<_>>().join(",")
}

fn parse_indexes(text: &str) -> BTreeSet<i64> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<i64>().ok()?..=last.parse::<i64>().ok()?)
    };
    text.split(',').filter_map(range).flatten().collect()
}

pub(crate) fn index(pod: &Value) -> i64 {
    pod.annotation(INDEX).parse().unwrap_or(-1)
}

/// A pod on its way out counts as failed at once, so that it is replaced.
pub(crate) fn has_failed(pod: &Value) -> bool {
    let phase = pod.str("status/phase");
    phase == "Failed" || pod.is_deleting() && phase != "Succeeded"
}

fn is_held(pod: &Value) -> bool {
    pod.list("metadata/finalizers").iter().any(|one| one == FINALIZER)
}

/// Takes our finalizer off.
pub(crate) fn free(world: &mut World, pod: &Value) {
    if !is_held(pod) {
        return;
    }
    world.edit(Table::PODS, pod.namespace(), pod.name(), By::system(MANAGER), |pod| {
        let kept = pod.list("metadata/finalizers").iter().filter(|one| *one != FINALIZER);
        let kept: Vec<Value> = kept.cloned().collect();
        pod.put("metadata/finalizers", kept);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, count: usize) {
        let tally = Tally { completed: parse_indexes(text), ..Tally::default() };
        assert_eq!((tally.completed.len(), tally.completed_indexes().as_str()), (count, text));
    }

    #[test]
    fn indexes_are_written_as_runs() {
        check("", 0);
        check("3", 1);
        check("0,1", 2);
        check("0-2,5", 4);
        check("1,3-6,9,10", 7);
    }
}

//! The rolling update: outdated pods are deleted from the top, and made again by the invariants.

use std::sync::Arc;

use serde_json::Value;

use crate::json::Json;
use crate::world::World;

use super::{Set, order, revision_of};

/// Returns how many pods it deleted.
pub(crate) fn roll(world: &mut World, set: &Set) -> i64 {
    if set.object.str("spec/updateStrategy/type") == "OnDelete" {
        return 0;
    }
    let (range, now) = (set.range(), world.seconds());
    let least = range.start + set.partition();
    let pods: Vec<(i64, Arc<Value>)> =
        set.pods.iter().filter(|(ordinal, _)| range.contains(ordinal)).cloned().collect();
    let is_unavailable = |pod: &Value| pod.is_deleting() || !set.is_available(pod, now);
    let unavailable = pods.iter().filter(|(_, pod)| is_unavailable(pod)).count();
    let budget = max_unavailable(set).saturating_sub(unavailable);
    let outdated = |pod: &Value| revision_of(pod) != set.update.name() && !pod.is_deleting();
    let targets = pods.iter().rev().filter(|(ordinal, pod)| *ordinal >= least && outdated(pod)).cloned();
    // In parallel, what does not work anyway is replaced without asking the budget.
    let (broken, good): (Vec<_>, Vec<_>) = targets.partition(|(_, pod)| !set.is_ordered() && is_unavailable(pod));
    let doomed: Vec<(i64, Arc<Value>)> = broken.into_iter().chain(good.into_iter().take(budget)).collect();
    doomed.iter().for_each(|(_, pod)| order::delete(world, set, pod));
    i64::try_from(doomed.len()).unwrap_or(i64::MAX)
}

/// One, unless the set allows more.
fn max_unavailable(set: &Set) -> usize {
    let value = set.object.at("spec/updateStrategy/rollingUpdate/maxUnavailable");
    let total = set.object.int("spec/replicas");
    let percent =
        |text: &str| text.strip_suffix('%').and_then(|digits| digits.parse::<i64>().ok()).map(|p| total * p / 100);
    let number = value.as_i64().or_else(|| value.as_str().and_then(percent)).unwrap_or(1);
    usize::try_from(number.max(1)).unwrap_or(1)
}

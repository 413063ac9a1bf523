//! The rolling update: node by node, the old pod first or, with a surge, the new one.

use std::sync::Arc;

use serde_json::Value;

use crate::controllers::{pods, revisions};
use crate::json::Json;
use crate::world::World;

use super::{ByNode, COMPONENT, pod_for};

pub(crate) fn roll(world: &mut World, set: &Value, by_node: &ByNode, hash: &str) {
    if set.str("spec/updateStrategy/type") == "OnDelete" {
        return;
    }
    let rolling = set.at("spec/updateStrategy/rollingUpdate");
    let total = by_node.values().filter(|(wanted, _)| *wanted).count();
    match number(rolling.at("maxSurge"), total, 0) {
        0 => replace(world, set, by_node, hash, number(rolling.at("maxUnavailable"), total, 1).max(1)),
        surge => surge_over(world, set, by_node, hash, surge),
    }
}

fn number(value: &Value, total: usize, default: usize) -> usize {
    let percent = |text: &str| {
        text.strip_suffix('%').and_then(|digits| digits.parse::<usize>().ok()).map(|p| (total * p).div_ceil(100))
    };
    let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
    number.or_else(|| value.as_str().and_then(percent)).unwrap_or(default)
}

fn works(set: &Value, pod: &Value, now: i64) -> bool {
    !pod.is_deleting() && pods::is_available(pod, set.int("spec/minReadySeconds"), now)
}

fn is_outdated(pod: &Value, hash: &str) -> bool {
    pod.label(revisions::LABEL) != hash && !pod.is_deleting()
}

/// Outdated pods go as far as the budget of unavailable ones allows; those that do not work go anyway.
fn replace(world: &mut World, set: &Value, by_node: &ByNode, hash: &str, most: usize) {
    let now = world.seconds();
    let wanted: Vec<&Vec<Arc<Value>>> = by_node.values().filter(|(wanted, _)| *wanted).map(|(_, pods)| pods).collect();
    let unavailable = wanted.iter().filter(|pods| !pods.iter().any(|pod| works(set, pod, now))).count();
    let mut budget = most.saturating_sub(unavailable);
    for pod in wanted.into_iter().flatten().filter(|pod| is_outdated(pod, hash)) {
        if works(set, pod, now) {
            if budget == 0 {
                continue;
            }
            budget -= 1;
        }
        pods::delete(world, pod, set, COMPONENT);
    }
}

/// An outdated pod goes when its successor works; where it does not work itself, the successor waits for no budget.
fn surge_over(world: &mut World, set: &Value, by_node: &ByNode, hash: &str, surge: usize) {
    let now = world.seconds();
    let wanted = || by_node.iter().filter(|(_, (wanted, _))| *wanted).map(|(node, (_, pods))| (node, pods));
    let is_new = |pod: &Arc<Value>| !is_outdated(pod, hash) && !pod.is_deleting();
    let both = wanted().filter(|(_, pods)| pods.iter().any(is_new) && pods.iter().any(|pod| is_outdated(pod, hash)));
    let mut budget = surge.saturating_sub(both.count());
    for (node, on_node) in wanted() {
        let Some(old) = on_node.iter().find(|pod| is_outdated(pod, hash)) else { continue };
        match on_node.iter().find(|pod| is_new(pod)) {
            Some(new) if works(set, new, now) => pods::delete(world, old, set, COMPONENT),
            Some(_) => {}
            None if works(set, old, now) && budget == 0 => {}
            None => {
                budget -= usize::from(works(set, old, now));
                // A refusal is reported there; the next change or look tries again.
                let _ = pods::create(world, pod_for(set, node, hash), set, COMPONENT);
            }
        }
    }
}

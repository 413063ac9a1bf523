//! A change of `spec.replicas`, and paused Deployments: sizes move, the revision does not.

use serde_json::Value;

use crate::json::Json;
use crate::kinds::Table;
use crate::world::World;

use super::{DESIRED, MAXIMUM, Set, again, arithmetic, available, replicas, sets, status};

/// Whether a set with pods was last sized for another number.
pub(crate) fn is_event(deployment: &Value, all: &[Set]) -> bool {
    let active = all.iter().filter(|set| replicas(set) > 0);
    active.filter_map(|set| desired(set)).any(|desired| desired != replicas(deployment))
}

fn desired(set: &Value) -> Option<i64> {
    set.annotation(DESIRED).parse().ok()
}

pub(crate) fn sync(world: &mut World, deployment: &Value, all: &[Set]) {
    let Some((new, old)) = sets::current(world, deployment, all, false) else { return };
    let Some(deployment) = again(world, Table::DEPLOYMENTS, deployment) else { return };
    scale(world, &deployment, new.as_ref(), &old);
    if deployment.flag("spec/paused") {
        sets::clean(world, &deployment, &old);
    }
    let every: Vec<Set> = old.iter().chain(&new).filter_map(|set| again(world, Table::REPLICA_SETS, set)).collect();
    let new = new.and_then(|new| again(world, Table::REPLICA_SETS, &new));
    status::sync(world, &deployment, &every, new.as_ref());
}

fn scale(world: &mut World, deployment: &Value, new: Option<&Set>, old: &[Set]) {
    let wanted = replicas(deployment);
    let active: Vec<&Set> = old.iter().chain(new).filter(|set| replicas(set) > 0).collect();
    let only = match active.as_slice() {
        [] => new.or_else(|| old.iter().max_by_key(|set| sets::revision(set))),
        [only] => Some(*only),
        _ => None,
    };
    if let Some(only) = only {
        if replicas(only) != wanted || desired(only) != Some(wanted) {
            sets::scale(world, deployment, only, wanted);
        }
        return;
    }
    let saturated =
        new.is_some_and(|new| replicas(new) == wanted && desired(new) == Some(wanted) && available(new) == wanted);
    if saturated {
        for set in old.iter().filter(|set| replicas(set) > 0) {
            sets::scale(world, deployment, set, 0);
        }
    } else if !active.is_empty() {
        share(world, deployment, active);
    }
}

/// Each set gets its share of the difference; the largest one what rounding leaves.
fn share(world: &mut World, deployment: &Value, mut active: Vec<&Set>) {
    let wanted = replicas(deployment);
    let surge = arithmetic::max_surge(deployment);
    let allowed = if wanted > 0 { wanted + surge } else { 0 };
    let to_add = allowed - active.iter().map(|set| replicas(set)).sum::<i64>();
    active.sort_by(|a, b| {
        let by_age = sets::age_rank(a).cmp(&sets::age_rank(b));
        replicas(b).cmp(&replicas(a)).then(if to_add > 0 { by_age.reverse() } else { by_age })
    });
    let mut added = 0;
    let mut sizes = Vec::new();
    for set in &active {
        let before = set.annotation(MAXIMUM).parse().unwrap_or_else(|_| deployment.int("status/replicas"));
        let part = arithmetic::proportion(replicas(set), before, wanted + surge, wanted, to_add, added);
        added += part;
        sizes.push(replicas(set) + part);
    }
    if to_add != 0
        && let Some(first) = sizes.first_mut()
    {
        *first = (*first + to_add - added).max(0);
    }
    for (set, size) in active.into_iter().zip(sizes) {
        sets::scale(world, deployment, set, size);
    }
}

//! The rolling update: the new set grows into the surge, the old ones shrink as pods become available.

use std::time::Duration;

use serde_json::Value;

use crate::kinds::Table;
use crate::world::World;

use super::{Set, again, arithmetic, available, progress, replicas, sets, status};

pub(crate) fn roll(world: &mut World, deployment: &Value, all: &[Set]) -> Option<Duration> {
    let (new, old) = sets::current(world, deployment, all, true)?;
    let deployment = again(world, Table::DEPLOYMENTS, deployment)?;
    let new = new?;
    let every: Vec<Set> = old.iter().cloned().chain([new.clone()]).collect();
    if grow(world, &deployment, &every, &new) || shrink(world, &deployment, &every, &old, &new) {
        return progress::sync(world, &deployment, &every, Some(&new));
    }
    if status::is_complete(&deployment, &deployment) {
        sets::clean(world, &deployment, &old);
    }
    progress::sync(world, &deployment, &every, Some(&new))
}

fn grow(world: &mut World, deployment: &Value, every: &[Set], new: &Set) -> bool {
    let (wanted, own) = (replicas(deployment), replicas(new));
    if own == wanted {
        return false;
    }
    let all = every.iter().map(|set| replicas(set)).sum();
    let size = if own > wanted { wanted } else { arithmetic::new_size(deployment, all, own) };
    sets::scale(world, deployment, new, size)
}

/// Broken pods of old sets go first: they serve nobody.
fn shrink(world: &mut World, deployment: &Value, every: &[Set], old: &[Set], new: &Set) -> bool {
    if old.iter().all(|set| replicas(set) == 0) {
        return false;
    }
    let all: i64 = every.iter().map(|set| replicas(set)).sum();
    let least = replicas(deployment) - arithmetic::max_unavailable(deployment);
    let most_down = all - least - (replicas(new) - available(new));
    if most_down <= 0 {
        return false;
    }
    let (old, cleaned) = clean_unhealthy(world, deployment, old, most_down);
    let every: Vec<Set> = old.iter().cloned().chain([new.clone()]).collect();
    let served: i64 = every.iter().map(|set| available(set)).sum();
    let mut left = served - least;
    let mut scaled = 0;
    for set in &old {
        if left <= 0 {
            break;
        }
        let down = replicas(set).min(left);
        if down > 0 {
            sets::scale(world, deployment, set, replicas(set) - down);
            left -= down;
            scaled += down;
        }
    }
    cleaned + scaled > 0
}

fn clean_unhealthy(world: &mut World, deployment: &Value, old: &[Set], most: i64) -> (Vec<Set>, i64) {
    let mut total = 0;
    let mut after = Vec::new();
    for set in old {
        let broken = replicas(set) - available(set);
        let down = broken.min(most - total);
        if replicas(set) > 0 && down > 0 {
            sets::scale(world, deployment, set, replicas(set) - down);
            total += down;
        }
        after.extend(again(world, Table::REPLICA_SETS, set));
    }
    (after, total)
}

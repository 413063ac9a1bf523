//! The strategy `Recreate`: nothing of the new revision before all of the old one is gone.

use std::time::Duration;

use serde_json::Value;

use crate::controllers::pods;
use crate::json::Json;
use crate::kinds::Table;
use crate::world::World;

use super::{Set, again, progress, replicas, sets, status};

pub(crate) fn roll(world: &mut World, deployment: &Value, all: &[Set]) -> Option<Duration> {
    let (new, old) = sets::current(world, deployment, all, false)?;
    let deployment = again(world, Table::DEPLOYMENTS, deployment)?;
    let mut scaled = false;
    for set in old.iter().filter(|set| replicas(set) > 0) {
        scaled |= sets::scale(world, &deployment, set, 0);
    }
    let every: Vec<Set> = old.iter().chain(&new).cloned().collect();
    if scaled || old.iter().any(|set| has_pods(world, set)) {
        return progress::sync(world, &deployment, &every, new.as_ref());
    }
    let new = match new {
        Some(new) => new,
        None => sets::current(world, &deployment, all, true)?.0?,
    };
    let deployment = again(world, Table::DEPLOYMENTS, &deployment)?;
    let every: Vec<Set> = old.iter().cloned().chain([new.clone()]).collect();
    if replicas(&new) != replicas(&deployment) {
        sets::scale(world, &deployment, &new, replicas(&deployment));
        return progress::sync(world, &deployment, &every, Some(&new));
    }
    if status::is_complete(&deployment, &deployment) {
        sets::clean(world, &deployment, &old);
    }
    progress::sync(world, &deployment, &every, Some(&new))
}

/// Pods that end still hold what the new ones need; those that are over do not.
fn has_pods(world: &World, set: &Value) -> bool {
    let pods = world.store.owned_in(Table::PODS, set.uid());
    pods.iter().any(|pod| !pods::is_finished(pod))
}

//! The invariants of the set: pods are made from the bottom and taken away from the top, one at a time when ordered.

use serde_json::Value;

use crate::controllers::pods;
use crate::json::Json;
use crate::kinds::Table;
use crate::world::World;
use crate::world::delete::DeleteOptions;

use super::{COMPONENT, MANAGER, Set, claims, identity};

/// `true` when all pods that should be there are, and nothing stands in the way of an update.
pub(crate) fn establish(world: &mut World, set: &Set) -> bool {
    let mut open = true;
    for ordinal in set.range() {
        let stop = replica(world, set, ordinal);
        if stop && set.is_ordered() {
            return false;
        }
        open &= !stop;
    }
    if !open {
        return false;
    }
    let range = set.range();
    let condemned: Vec<&(i64, _)> = set.pods.iter().filter(|(ordinal, _)| !range.contains(ordinal)).rev().collect();
    for (_, pod) in condemned {
        if condemn(world, set, pod) && set.is_ordered() {
            return false;
        }
    }
    true
}

/// `true` when one has to wait.
fn replica(world: &mut World, set: &Set, ordinal: i64) -> bool {
    let Some((_, pod)) = set.pods.iter().find(|(number, _)| *number == ordinal) else {
        return make(world, set, ordinal);
    };
    if pods::is_finished(pod) {
        if !pod.is_deleting() {
            delete(world, set, pod);
        }
        return true;
    }
    if pod.str("status/phase") == "Pending" && claims::make(world, set, ordinal).is_err() {
        return true;
    }
    let now = world.seconds();
    set.is_ordered() && (pod.is_deleting() || !set.is_available(pod, now))
}

/// Makes the pod and its claims; `true` unless the next may be made at once.
fn make(world: &mut World, set: &Set, ordinal: i64) -> bool {
    let name = format!("{}-{ordinal}", set.object.name());
    let about = format!("Create Pod {name} in StatefulSet {}", set.object.name());
    match claims::make(world, set, ordinal) {
        Ok(true) => {}
        Ok(false) => return true,
        Err(why) => {
            world.warning(COMPONENT, &set.object, "FailedCreate", &format!("{about} failed error: {why}"));
            return true;
        }
    }
    match world.make(Table::PODS, set.object.namespace(), identity::pod(set, ordinal), MANAGER) {
        Ok(_) => {
            world.normal(COMPONENT, &set.object, "SuccessfulCreate", &format!("{about} successful"));
            set.is_ordered()
        }
        Err(error) if error.reason == "AlreadyExists" => {
            world.try_again();
            true
        }
        Err(error) => {
            world.warning(COMPONENT, &set.object, "FailedCreate", &format!("{about} failed error: {}", error.message));
            true
        }
    }
}

/// The lowest pod that is not well; it alone may be taken away although it is not.
fn first_unhealthy(set: &Set) -> Option<&Value> {
    let (range, unhealthy) = (set.range(), |pod: &Value| !pods::is_running_and_ready(pod) || pod.is_deleting());
    let wanted = set.pods.iter().find(|(ordinal, pod)| range.contains(ordinal) && unhealthy(pod));
    let any = wanted.or_else(|| set.pods.iter().find(|(_, pod)| unhealthy(pod)));
    any.map(|(_, pod)| &**pod)
}

fn condemn(world: &mut World, set: &Set, pod: &Value) -> bool {
    if pod.is_deleting() {
        return true;
    }
    let now = world.seconds();
    let first = first_unhealthy(set).is_some_and(|first| first.uid() == pod.uid());
    if set.is_ordered() && !set.is_available(pod, now) && !first {
        return true;
    }
    delete(world, set, pod);
    true
}

pub(crate) fn delete(world: &mut World, set: &Set, pod: &Value) {
    let kind = world.kinds.stored(Table::PODS).clone();
    let options = DeleteOptions { uid: Some(pod.uid().to_owned()), ..DeleteOptions::default() };
    if world.delete(&kind, pod.namespace(), pod.name(), &options).is_ok() {
        let message = format!("Delete Pod {} in StatefulSet {} successful", pod.name(), set.object.name());
        world.normal(COMPONENT, &set.object, "SuccessfulDelete", &message);
    }
}

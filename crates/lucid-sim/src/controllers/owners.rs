//! Who owns what: owner references, adoption and release by selector.

use std::sync::Arc;

use lucid_object::LabelSelector;
use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::world::{By, World};

/// The reference that a controller writes into what it makes.
pub(crate) fn reference(owner: &Value) -> Value {
    json!({"apiVersion": owner.str("apiVersion"), "kind": owner.str("kind"), "name": owner.name(), "uid": owner.uid(),
        "controller": true, "blockOwnerDeletion": true})
}

/// Which pods are a workload's own; none that would be all of them.
pub(crate) fn selector(owner: &Value) -> Option<LabelSelector> {
    let wanted = owner.at("spec/selector");
    // The oldest of the controllers selects by a map.
    let selector = match owner.str("kind") {
        "ReplicationController" => Some(LabelSelector::from_map(wanted)),
        _ => LabelSelector::from_value(wanted),
    };
    selector.filter(|selector| !selector.is_empty())
}

/// The objects of a table that the owner controls. Orphans that its selector picks are adopted, children that it
/// no longer picks are let go.
pub(crate) fn claimed(world: &mut World, table: Table, owner: &Value, manager: &str) -> Vec<Arc<Value>> {
    let Some(selector) = selector(owner) else { return Vec::new() };
    let (adopt, keep): (Vec<_>, Vec<_>) = world
        .store
        .list_in(table, owner.namespace())
        .filter(|object| match object.controller() {
            Some(found) => found.str("uid") == owner.uid(),
            None => selector.matches(&object.labels()) && !object.is_deleting() && !owner.is_deleting(),
        })
        .cloned()
        .partition(|object| object.controller().is_none());
    let mut claimed = Vec::new();
    for object in keep {
        if selector.matches(&object.labels()) || owner.is_deleting() {
            claimed.push(object);
        } else {
            release(world, table, &object, owner, manager);
        }
    }
    for object in adopt {
        world.edit(table, object.namespace(), object.name(), By::system(manager), |object| {
            let mut owners = object.list("metadata/ownerReferences").to_vec();
            owners.push(reference(owner));
            object.put("metadata/ownerReferences", owners);
        });
        claimed.extend(world.get(table, object.namespace(), object.name()));
    }
    claimed.sort_by(|a, b| a.name().cmp(b.name()));
    claimed
}

fn release(world: &mut World, table: Table, object: &Value, owner: &Value, manager: &str) {
    world.edit(table, object.namespace(), object.name(), By::system(manager), |object| {
        let kept = object.list("metadata/ownerReferences").iter().filter(|found| found.str("uid") != owner.uid());
        let kept: Vec<Value> = kept.cloned().collect();
        object.put("metadata/ownerReferences", kept);
    });
}

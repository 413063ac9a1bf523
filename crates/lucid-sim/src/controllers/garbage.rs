//! The garbage collector: what has lost all owners goes, what is deleted in the foreground waits for its dependents.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::delete::{DeleteOptions, Propagation};
use crate::world::{By, World};

const MANAGER: &str = "kube-controller-manager";
const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// The key's name is the uid of an object, or of one that was.
pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let uid = &key.name;
    let Some((table, object)) = world.store.by_uid(uid).map(|(table, object)| (table, object.clone())) else {
        for (table, dependent) in world.store.owned_by(uid) {
            collect(world, table, &dependent);
        }
        return None;
    };
    let held = |finalizer: &str| object.list("metadata/finalizers").iter().any(|one| one == finalizer);
    if !object.is_deleting() {
        collect(world, table, &object);
    } else if held(ORPHAN) {
        orphan(world, &object);
        release(world, table, &object, ORPHAN);
    } else if held(FOREGROUND) {
        foreground(world, table, &object);
    }
    None
}

/// Whether the owner that a reference names is there, in the right place.
fn owner(world: &World, dependent: &Value, reference: &Value) -> Option<Arc<Value>> {
    let (_, owner) = world.store.by_uid(reference.str("uid"))?;
    let near = owner.namespace().is_empty() || owner.namespace() == dependent.namespace();
    (near && owner.name() == reference.str("name")).then(|| owner.clone())
}

fn waits_for_dependents(owner: &Value) -> bool {
    owner.is_deleting() && owner.list("metadata/finalizers").iter().any(|one| one == FOREGROUND)
}

/// Deletes an object without a living owner; strikes dead owners out where there is another one.
fn collect(world: &mut World, table: Table, dependent: &Value) {
    let references = dependent.list("metadata/ownerReferences");
    if references.is_empty() || dependent.is_deleting() {
        return;
    }
    let owners: Vec<Option<Arc<Value>>> = references.iter().map(|one| owner(world, dependent, one)).collect();
    let solid = owners.iter().flatten().any(|owner| !waits_for_dependents(owner));
    let waiting = owners.iter().flatten().any(|owner| waits_for_dependents(owner));
    if solid {
        let kept: Vec<Value> = references
            .iter()
            .zip(&owners)
            .filter(|(_, owner)| owner.as_ref().is_some_and(|o| !waits_for_dependents(o)))
            .map(|(r, _)| r.clone())
            .collect();
        if kept.len() < references.len() {
            let (namespace, name) = (dependent.namespace(), dependent.name());
            world.edit(table, namespace, name, By::system(MANAGER), |object| {
                object.put("metadata/ownerReferences", kept)
            });
        }
        return;
    }
    let below = world.store.owned_by(dependent.uid());
    let has_dependents = !below.is_empty();
    // In a circle everybody would wait for everybody.
    if waiting && below.iter().any(|(_, one)| waits_for_dependents(one)) {
        world.edit(table, dependent.namespace(), dependent.name(), By::system(MANAGER), |object| {
            for owner in object.items("metadata/ownerReferences") {
                owner.put("blockOwnerDeletion", false);
            }
        });
    }
    let propagation = if waiting && has_dependents { Propagation::Foreground } else { Propagation::Background };
    delete(world, table, dependent, propagation);
}

fn delete(world: &mut World, table: Table, object: &Value, propagation: Propagation) {
    let kind = world.kinds.stored(table).clone();
    // Finalizers that were put there by an earlier deletion say how to go on.
    let held = object.list("metadata/finalizers").iter().any(|one| one == ORPHAN || one == FOREGROUND);
    let options = DeleteOptions {
        uid: Some(object.uid().to_owned()),
        propagation: (!held).then_some(propagation),
        ..DeleteOptions::default()
    };
    // One that is gone or replaced already needs no deletion.
    let _ = world.delete(&kind, object.namespace(), object.name(), &options);
}

fn orphan(world: &mut World, owner: &Value) {
    for (table, dependent) in world.store.owned_by(owner.uid()) {
        world.edit(table, dependent.namespace(), dependent.name(), By::system(MANAGER), |dependent| {
            let kept = dependent.list("metadata/ownerReferences").iter().filter(|one| one.str("uid") != owner.uid());
            let kept: Vec<Value> = kept.cloned().collect();
            dependent.put("metadata/ownerReferences", kept);
        });
    }
}

/// Dependents that block are deleted first; the owner goes with the last of them.
fn foreground(world: &mut World, table: Table, owner: &Value) {
    let mut blocked = false;
    for (table, dependent) in world.store.owned_by(owner.uid()) {
        collect(world, table, &dependent);
        let blocks = |one: &Value| one.str("uid") == owner.uid() && one.flag("blockOwnerDeletion");
        let still = world
            .store
            .by_uid(dependent.uid())
            .is_some_and(|(_, now)| now.list("metadata/ownerReferences").iter().any(blocks));
        blocked |= still;
    }
    if !blocked {
        release(world, table, owner, FOREGROUND);
    }
}

fn release(world: &mut World, table: Table, object: &Value, finalizer: &str) {
    world.edit(table, object.namespace(), object.name(), By::system(MANAGER), |object| {
        let kept = object.list("metadata/finalizers").iter().filter(|one| *one != finalizer);
        let kept: Vec<Value> = kept.cloned().collect();
        object.put("metadata/finalizers", kept);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::testing::{Stage, workload};
    use serde_json::json;

    fn deployed() -> Stage {
        let mut stage = Stage::new(json!({}));
        stage.create(workload("Deployment", "web", 2, "nginx:1"));
        stage.until("pods", 5, |s| s.names(Table::PODS).len() == 2);
        stage.advance(3);
        stage
    }

    fn by(propagation: Propagation) -> DeleteOptions {
        DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() }
    }

    #[test]
    fn in_the_background_the_owner_goes_first() {
        let mut stage = deployed();
        stage.delete(Table::DEPLOYMENTS, "web", &by(Propagation::Background));
        assert!(stage.names(Table::DEPLOYMENTS).is_empty());
        stage.until("all gone", 5, |s| s.names(Table::REPLICA_SETS).is_empty() && s.names(Table::PODS).is_empty());
    }

    #[test]
    fn in_the_foreground_the_owner_goes_last() {
        let mut stage = deployed();
        stage.delete(Table::DEPLOYMENTS, "web", &by(Propagation::Foreground));
        stage.until("pods gone", 5, |s| {
            assert!(s.names(Table::PODS).is_empty() || s.names(Table::DEPLOYMENTS) == ["web"]);
            s.names(Table::PODS).is_empty()
        });
        stage.until("all gone", 1, |s| {
            s.names(Table::REPLICA_SETS).is_empty() && s.names(Table::DEPLOYMENTS).is_empty()
        });
    }

    #[test]
    fn orphans_stay_and_are_adopted_again() {
        let mut stage = deployed();
        let pods = stage.names(Table::PODS);
        stage.delete(Table::DEPLOYMENTS, "web", &by(Propagation::Orphan));
        stage.advance(2);
        assert!(stage.names(Table::DEPLOYMENTS).is_empty());
        assert!(stage.list(Table::REPLICA_SETS)[0].controller().is_none());
        stage.create(workload("Deployment", "web", 2, "nginx:1"));
        stage.advance(3);
        assert!(stage.list(Table::REPLICA_SETS)[0].controller().is_some());
        assert_eq!((stage.names(Table::REPLICA_SETS).len(), stage.names(Table::PODS)), (1, pods));
    }

    #[test]
    fn a_circle_of_owners_does_not_wait_for_itself() {
        let mut stage = Stage::new(json!({}));
        let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        for name in ["a", "b", "c"] {
            stage.create(map(name));
        }
        for (name, owner) in [("a", "c"), ("b", "a"), ("c", "b")] {
            let uid = stage.get(Table::CONFIG_MAPS, owner).uid().to_owned();
            let reference = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid, "controller": true, "blockOwnerDeletion": true});
            stage.edit(Table::CONFIG_MAPS, name, |map| map.put("metadata/ownerReferences", json!([reference])));
        }
        stage.delete(Table::CONFIG_MAPS, "a", &by(Propagation::Foreground));
        stage.until("all gone", 5, |s| s.names(Table::CONFIG_MAPS) == ["kube-root-ca.crt"]);
    }

    #[test]
    fn an_object_of_a_dead_owner_does_not_live() {
        let mut stage = Stage::new(json!({}));
        let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "no-such-uid"});
        stage.create(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "child", "ownerReferences": [owner]}}),
        );
        stage.advance(1);
        assert_eq!(stage.names(Table::CONFIG_MAPS), ["kube-root-ca.crt"]);
    }
}

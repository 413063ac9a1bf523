//! CustomResourceDefinitions: names accepted, established, and the end of their objects.

use std::time::Duration;

use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::delete::DeleteOptions;
use crate::world::{By, World};

use super::conditions::{self, Condition};

const MANAGER: &str = "kube-apiserver";
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let definition = world.get(Table::DEFINITIONS, "", &key.name)?;
    if definition.is_deleting() {
        return clean(world, &definition);
    }
    hold(world, &definition);
    let clash = clash(world, &definition);
    let now = world.stamp();
    world.edit(Table::DEFINITIONS, "", &key.name, By::status(MANAGER), |definition| {
        accept(definition, clash.as_deref(), &now);
    });
    None
}

/// The objects of the kind are deleted before the definition goes.
fn hold(world: &mut World, definition: &Value) {
    let has = definition.list("metadata/finalizers").iter().any(|finalizer| finalizer == CLEANUP);
    if !has {
        world.edit(Table::DEFINITIONS, "", definition.name(), By::system(MANAGER), |definition| {
            let mut finalizers = definition.list("metadata/finalizers").to_vec();
            finalizers.push(CLEANUP.into());
            definition.put("metadata/finalizers", finalizers);
        });
    }
}

/// Why a name that the definition wants belongs to somebody else.
fn clash(world: &World, definition: &Value) -> Option<String> {
    let group = definition.str("spec/group");
    let names = definition.at("spec/names");
    let others = world.store.list(Table::DEFINITIONS).filter(|other| {
        other.str("spec/group") == group
            && other.name() != definition.name()
            && other.condition("Established") == "True"
    });
    others.into_iter().find_map(|other| {
        let taken = other.at("status/acceptedNames");
        ["plural", "singular", "kind", "listKind"].iter().find_map(|field| {
            let name = names.str(field);
            (!name.is_empty() && name == taken.str(field)).then(|| format!("{name:?} is already in use"))
        })
    })
}

fn accept(definition: &mut Value, clash: Option<&str>, now: &str) {
    if let Some(clash) = clash {
        conditions::set(definition, Condition::new("NamesAccepted", "False", "NameConflict", clash), now);
        if definition.condition("Established") != "True" {
            let established = Condition::new("Established", "False", "NotAccepted", "not all names are accepted");
            conditions::set(definition, established, now);
        }
        definition.default_to("status/acceptedNames", json!({"plural": "", "kind": ""}));
    } else {
        let accepted = Condition::new("NamesAccepted", "True", "NoConflicts", "no conflicts found");
        conditions::set(definition, accepted, now);
        let established =
            Condition::new("Established", "True", "InitialNamesAccepted", "the initial names have been accepted");
        conditions::set(definition, established, now);
        let names = definition.at("spec/names").clone();
        definition.put("status/acceptedNames", names);
    }
    let stored = definition.list("spec/versions").iter().find(|version| version.flag("storage"));
    let stored: Value = stored.map(|version| version.at("name").clone()).unwrap_or_default();
    let mut versions = definition.list("status/storedVersions").to_vec();
    if !stored.is_null() && !versions.contains(&stored) {
        versions.push(stored);
    }
    definition.put("status/storedVersions", versions);
}

fn clean(world: &mut World, definition: &Value) -> Option<Duration> {
    let served = definition.list("spec/versions").iter().find(|version| version.flag("served"));
    let version = served.map(|version| version.str("name").to_owned()).unwrap_or_default();
    let kind =
        world.kinds.by_path(definition.str("spec/group"), &version, definition.str("spec/names/plural")).cloned();
    let now = world.stamp();
    let mut left = 0;
    if let Some(kind) = kind {
        let objects: Vec<Key> = world.store.list(kind.table).map(|object| Key::of(object)).collect();
        for key in objects {
            // What disappeared meanwhile needs no deletion.
            let _ = world.delete(&kind, &key.namespace, &key.name, &DeleteOptions::default());
        }
        left = world.store.list(kind.table).count();
    }
    world.edit(Table::DEFINITIONS, "", definition.name(), By::status(MANAGER), |definition| {
        let condition = match left {
            0 => Condition::new("Terminating", "False", "InstanceDeletionCompleted", "removed all instances"),
            _ => Condition::new(
                "Terminating",
                "True",
                "InstanceDeletionInProgress",
                "CustomResource deletion is in progress",
            ),
        };
        conditions::set(definition, condition, &now);
    });
    if left > 0 {
        return Some(Duration::from_secs(5));
    }
    world.edit(Table::DEFINITIONS, "", definition.name(), By::system(MANAGER), |definition| {
        let kept = definition.list("metadata/finalizers").iter().filter(|finalizer| *finalizer != CLEANUP);
        let kept: Vec<Value> = kept.cloned().collect();
        definition.put("metadata/finalizers", kept);
    });
    None
}

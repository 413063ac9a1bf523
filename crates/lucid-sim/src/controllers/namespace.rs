//! Namespaces: what each one needs at its start, and the emptying of one that is deleted.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::delete::DeleteOptions;
use crate::world::{By, World};

use super::conditions::{self, Condition};
use super::service_account;

const MANAGER: &str = "kube-controller-manager";

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let namespace = world.get(Table::NAMESPACES, "", &key.name)?;
    if !namespace.is_deleting() {
        service_account::populate(world, &key.name);
        return None;
    }
    if namespace.list("spec/finalizers").is_empty() {
        return None;
    }
    empty(world, &key.name);
    report(world, &key.name);
    if world.store.tables_in(&key.name).is_empty() {
        finalize(world, &key.name);
        return None;
    }
    // Each object that goes wakes us; this is for those that were written meanwhile.
    Some(Duration::from_secs(5))
}

/// Deletes all that is in the namespace and not on its way out yet; pods get their own time to end.
fn empty(world: &mut World, namespace: &str) {
    let mut tables = world.store.tables_in(namespace);
    // Pods go first: what they use must still be there when they end.
    if tables.contains(&Table::PODS) {
        tables = vec![Table::PODS];
    }
    for table in tables {
        let kind = world.kinds.stored(table).clone();
        let waiting = world.store.list_in(table, namespace).filter(|object| !object.is_deleting());
        let names: Vec<String> = waiting.map(|object| object.name().to_owned()).collect();
        for name in names {
            // What disappeared meanwhile needs no deletion.
            let _ = world.delete(&kind, namespace, &name, &DeleteOptions::default());
        }
    }
}

/// What is still there, by kind and by finalizer, as conditions.
fn report(world: &mut World, namespace: &str) {
    let mut kinds = Vec::new();
    let mut finalizers: BTreeMap<String, usize> = BTreeMap::new();
    for table in world.store.tables_in(namespace) {
        let kind = world.kinds.stored(table);
        let name =
            if kind.group.is_empty() { format!("{}.", kind.plural) } else { format!("{}.{}", kind.plural, kind.group) };
        kinds.push(format!("{name} has {} resource instances", world.store.list_in(table, namespace).count()));
        for finalizer in world.store.list_in(table, namespace).flat_map(|object| object.list("metadata/finalizers")) {
            *finalizers.entry(finalizer.as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    let held: Vec<String> =
        finalizers.iter().map(|(name, count)| format!("{name} in {count} resource instances")).collect();
    let remaining = format!("Some resources are remaining: {}", kinds.join(", "));
    let held_by = format!("Some content in the namespace has finalizers remaining: {}", held.join(", "));
    let now = world.stamp();
    let rows = [
        Condition::new(
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        Condition::new(
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        Condition::new(
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        match kinds.is_empty() {
            true => Condition::new(
                "NamespaceContentRemaining",
                "False",
                "ContentRemoved",
                "All content successfully removed",
            ),
            false => Condition::new("NamespaceContentRemaining", "True", "SomeResourcesRemain", &remaining),
        },
        match held.is_empty() {
            true => Condition::new(
                "NamespaceFinalizersRemaining",
                "False",
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            ),
            false => Condition::new("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", &held_by),
        },
    ];
    world.edit(Table::NAMESPACES, "", namespace, By::status(MANAGER), |namespace| {
        namespace.put("status/phase", "Terminating");
        for row in rows {
            conditions::set(namespace, row, &now);
        }
    });
}

/// Takes away the namespace's own finalizer, which ends it unless somebody else holds it.
fn finalize(world: &mut World, name: &str) {
    let Some(namespace) = world.get(Table::NAMESPACES, "", name) else { return };
    let mut namespace = serde_json::Value::clone(&namespace);
    namespace.put("spec", json!({}));
    let object = world.commit(Table::NAMESPACES, namespace);
    if object.list("metadata/finalizers").is_empty() {
        world.erase(Table::NAMESPACES, "", name);
    }
}

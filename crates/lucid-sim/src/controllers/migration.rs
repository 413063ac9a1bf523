//! StorageVersionMigrations: every object of a resource is written anew in the version that is stored.
//!
//! Nothing here is stored in any other version, so that such a write is none; what is left is what people wait for: the
//! revision that the migration is about, and the conditions. Follows k8s.io/kubernetes/pkg/controller/storageversionmigrator.

use std::time::Duration;

use serde_json::Value;

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::{By, World};

use super::conditions::{self, Condition};

const MANAGER: &str = "kube-controller-manager";
/// How long a resource that nobody serves is waited for: its definition may be on the way.
const PATIENCE: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_secs(5);

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let migration = world.get(Table::MIGRATIONS, "", &key.name)?;
    if ["Succeeded", "Failed"].into_iter().any(|end| conditions::is_true(&migration, end)) {
        return None;
    }
    let wanted = migration.at("spec/resource");
    let is_served =
        world.kinds.iter().any(|kind| kind.group == wanted.str("group") && kind.plural == wanted.str("resource"));
    if !is_served && world.since(migration.str("metadata/creationTimestamp")) < PATIENCE {
        return Some(AGAIN);
    }
    let revision = world.store.revision().to_string();
    if is_served {
        tell(world, key, |migration, now| {
            migration.put("status/resourceVersion", revision);
            enter(migration, "Running", "StorageVersionMigrationInProgress", "", now);
        });
        tell(world, key, |migration, now| enter(migration, "Succeeded", "StorageVersionMigrationSucceeded", "", now));
    } else {
        let message = "migration encountered unhandled error: unable to obtain GVR from discovery";
        tell(world, key, |migration, now| {
            migration.put("status/resourceVersion", revision);
            enter(migration, "Failed", "StorageVersionMigrationFailed", message, now);
        });
    }
    None
}

fn tell(world: &mut World, key: &Key, change: impl FnOnce(&mut Value, &str)) {
    let now = world.stamp();
    world.edit(Table::MIGRATIONS, "", &key.name, By::status(MANAGER), |migration| change(migration, &now));
}

/// One of its states holds, and the one before it no longer.
fn enter(migration: &mut Value, kind: &str, reason: &str, message: &str, now: &str) {
    if let Some(running) = conditions::find(migration, "Running").filter(|_| kind != "Running").cloned() {
        let over = Condition::new("Running", "False", running.str("reason"), running.str("message"));
        conditions::set(migration, over, now);
    }
    conditions::set(migration, Condition::new(kind, "True", reason, message), now);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::controllers::testing::{Stage, conditions};

    fn migration(resource: &str) -> Value {
        json!({"apiVersion": "storagemigration.k8s.io/v1", "kind": "StorageVersionMigration", "metadata": {"name": resource},
            "spec": {"resource": {"group": "", "resource": resource}}})
    }

    #[test]
    fn what_is_served_is_migrated_and_what_is_not_fails_after_a_minute() {
        let mut stage = Stage::new(json!({}));
        stage.create(migration("secrets"));
        stage.create(migration("nothing"));
        stage.advance(10);
        let done = stage.get(Table::MIGRATIONS, "secrets");
        assert_eq!(
            conditions(&done),
            ["Running=False StorageVersionMigrationInProgress", "Succeeded=True StorageVersionMigrationSucceeded"]
        );
        assert!(done.str("status/resourceVersion").parse::<u64>().is_ok());
        assert_eq!(conditions(&stage.get(Table::MIGRATIONS, "nothing")), Vec::<String>::new());
        stage.advance(60);
        assert_eq!(conditions(&stage.get(Table::MIGRATIONS, "nothing")), ["Failed=True StorageVersionMigrationFailed"]);
    }
}

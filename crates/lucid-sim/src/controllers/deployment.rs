//! Deployments: a ReplicaSet for each revision of the template, moved from one to the next as the strategy says.
//!
//! [`arithmetic`] holds the rules about numbers, [`sets`] finds and makes ReplicaSets, [`rolling`], [`recreate`] and
//! [`scaling`] move them, [`progress`] and [`status`] report. Follows k8s.io/kubernetes/pkg/controller/deployment.

mod arithmetic;
mod progress;
mod recreate;
mod rolling;
mod scaling;
mod sets;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::json::Json;
use crate::kinds::Table;
use crate::store::Key;
use crate::world::World;

use super::owners;

pub(crate) const MANAGER: &str = "kube-controller-manager";
pub(crate) const COMPONENT: &str = "deployment-controller";
pub(crate) const REVISION: &str = "deployment.kubernetes.io/revision";
pub(crate) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub(crate) const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
pub(crate) const HASH: &str = "pod-template-hash";

type Set = Arc<Value>;

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let deployment = world.get(Table::DEPLOYMENTS, &key.namespace, &key.name)?;
    let all = owners::claimed(world, Table::REPLICA_SETS, &deployment, MANAGER);
    if deployment.is_deleting() {
        let (new, _) = sets::split(&deployment, &all);
        status::sync(world, &deployment, &all, new.as_ref());
        return None;
    }
    progress::pause(world, &deployment);
    let deployment = world.get(Table::DEPLOYMENTS, &key.namespace, &key.name)?;
    if deployment.flag("spec/paused") || scaling::is_event(&deployment, &all) {
        scaling::sync(world, &deployment, &all);
        return None;
    }
    match deployment.str("spec/strategy/type") {
        "Recreate" => recreate::roll(world, &deployment, &all),
        _ => rolling::roll(world, &deployment, &all),
    }
}

/// The object as it is now; the caller holds one that it has changed since.
fn again(world: &World, table: Table, object: &Value) -> Option<Arc<Value>> {
    world.get(table, object.namespace(), object.name()).filter(|now| now.uid() == object.uid())
}

fn replicas(object: &Value) -> i64 {
    object.int("spec/replicas")
}

fn available(object: &Value) -> i64 {
    object.int("status/availableReplicas")
}

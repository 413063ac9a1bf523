//! The controllers of the control plane. Each file holds one: it looks at the store as it knows it and makes one step.
//!
//! [`act`] is the only entry: the queue of the world says who looks at which object when. [`conditions`], [`owners`],
//! [`pods`] and [`template`] hold what several controllers need.

mod autoscaler;
#[cfg(test)]
mod behind;
mod budget;
mod claim;
pub(crate) mod conditions;
mod cron;
mod cron_job;
mod daemon_set;
mod definition;
mod deployment;
mod endpoints;
pub(crate) mod expiry;
mod garbage;
mod job;
mod migration;
mod namespace;
pub(crate) mod node;
mod owners;
pub(crate) mod pods;
pub(crate) mod quota;
mod replica_set;
mod revisions;
mod service_account;
mod stateful_set;
mod template;
#[cfg(test)]
pub(crate) mod testing;

use std::time::Duration;

use crate::store::Key;
use crate::world::{Actor, World};
use crate::{happening, kubelet, scheduler};

/// Lets an actor look at one object; `Some` says after how long it wants to look again.
pub(crate) fn act(world: &mut World, actor: Actor, key: &Key) -> Option<Duration> {
    match actor {
        Actor::Namespace => namespace::reconcile(world, key),
        Actor::ServiceAccount => service_account::reconcile(world, key),
        Actor::Definition => definition::reconcile(world, key),
        Actor::Deployment => deployment::reconcile(world, key),
        Actor::ReplicaSet => replica_set::reconcile(world, key),
        Actor::StatefulSet => stateful_set::reconcile(world, key),
        Actor::DaemonSet => daemon_set::reconcile(world, key),
        Actor::Job => job::reconcile(world, key),
        Actor::CronJob => cron_job::reconcile(world, key),
        Actor::Claim => claim::reconcile(world, key),
        Actor::Endpoints => endpoints::reconcile(world, key),
        Actor::Budget => budget::reconcile(world, key),
        Actor::Autoscaler => autoscaler::reconcile(world, key),
        Actor::Expiry => expiry::reconcile(world, key),
        Actor::ReplicationController => replica_set::reconcile_controller(world, key),
        Actor::Quota => quota::reconcile(world, key),
        Actor::Garbage => garbage::reconcile(world, key),
        Actor::Scheduler => scheduler::reconcile(world, key),
        Actor::Kubelet => kubelet::reconcile(world, key),
        Actor::Node => node::reconcile(world, key),
        Actor::Migration => migration::reconcile(world, key),
        Actor::Eviction => node::evict(world, key),
        Actor::Script => {
            happening::play(world, key);
            None
        } // No Ingress controller is installed.
    }
}

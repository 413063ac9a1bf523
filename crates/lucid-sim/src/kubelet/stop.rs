//! The graceful end of a pod: main containers first, sidecars after them, then the object.

use std::time::Duration;

use serde_json::Value;

use crate::json::Json;
use crate::kinds::Table;
use crate::world::World;
use crate::world::delete::DeleteOptions;

use super::container::{Around, Container, Role};
use super::pod::Pod;

#[derive(Debug, Clone)]
pub(crate) struct Stop {
    /// The hard end.
    until: Duration,
    /// Nothing is taken off the node before this.
    tidy: Duration,
    told_main: bool,
    told_sidecars: bool,
    /// Nothing more to do but to wait for others.
    settled: bool,
}

impl Stop {
    /// A pod without a process takes a moment too.
    pub(crate) fn new(world: &mut World, grace: Duration) -> Self {
        let now = world.now();
        let moment = world.chooser.between(Duration::from_millis(50), Duration::from_millis(100));
        Self {
            until: now + grace,
            tidy: now + moment.min(grace),
            told_main: false,
            told_sidecars: false,
            settled: false,
        }
    }

    /// Grace can be cut, never lengthened.
    pub(crate) fn shorten(&mut self, now: Duration, grace: Duration) {
        self.until = self.until.min(now + grace);
        self.tidy = self.tidy.min(self.until);
    }

    pub(crate) fn next(&self, pod: &Pod) -> Option<Duration> {
        (!self.settled && pod.containers.iter().all(Container::is_done)).then_some(self.tidy)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.settled
    }

    pub(crate) fn step(&mut self, world: &mut World, object: &Value, pod: &mut Pod) {
        let now = world.now();
        let ip = pod.ip.clone();
        let around = Around { pod: object, ip: &ip, stopping: true };
        let grace = self.until.saturating_sub(now);
        if !self.told_main {
            self.told_main = true;
            for container in pod.containers.iter_mut().filter(|container| container.role != Role::Sidecar) {
                container.stop(world, around, grace);
            }
        }
        let others_are_done =
            pod.containers.iter().filter(|container| container.role != Role::Sidecar).all(Container::is_done);
        if others_are_done && !self.told_sidecars {
            self.told_sidecars = true;
            for container in pod.containers.iter_mut().rev().filter(|container| container.role == Role::Sidecar) {
                container.stop(world, around, grace);
            }
        }
        for container in &mut pod.containers {
            if self.told_sidecars || container.role != Role::Sidecar {
                container.hurry(self.until);
            }
            container.step(world, around);
        }
        self.settled = now >= self.tidy && pod.containers.iter().all(Container::is_done);
    }
}

/// Takes the object off the API server; `true` when it is gone, `false` when a finalizer holds it.
pub(crate) fn remove(world: &mut World, object: &Value) -> bool {
    let kind = world.kinds.stored(Table::PODS).clone();
    let options =
        DeleteOptions { grace_seconds: Some(0), uid: Some(object.uid().to_owned()), ..DeleteOptions::default() };
    // Somebody else may have removed it already.
    let _ = world.delete(&kind, object.namespace(), object.name(), &options);
    world.store.by_uid(object.uid()).is_none()
}

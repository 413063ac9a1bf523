//! One pod on its node: volumes, sandbox, the order of its containers, its end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::json::Json;
use crate::kinds::Table;
use crate::recorder::Severity;
use crate::scenario::{Behaviour, Subject};
use crate::world::World;

use super::back_off::BackOff;
use super::container::{Around, Container, Role};
use super::stop::Stop;
use super::{mounts, status};

/// What stands before the first container.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Setup {
    Volumes { at: Duration },
    Sandbox { until: Duration },
    Up,
}

#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) since: String,
    began: Duration,
    setup: Setup,
    mount_retries: BackOff,
    mount_deadline: Duration,
    pub(crate) ip: String,
    pub(crate) containers: Vec<Container>,
    pub(crate) stop: Option<Stop>,
    /// Reason and message of a pod that the kubelet itself ended.
    pub(crate) failed: Option<(&'static str, &'static str)>,
}

/// After this the kubelet reports volumes that are still missing once more.
const MOUNT_WAIT: Duration = Duration::from_secs(123);

impl Pod {
    pub(crate) fn new(world: &mut World, object: &Value) -> Self {
        let now = world.now();
        let moment = world.chooser.between(Duration::from_millis(50), Duration::from_millis(200));
        Self {
            since: world.stamp(),
            began: now,
            setup: Setup::Volumes { at: now + moment },
            mount_retries: BackOff::new(Duration::from_millis(500), Duration::from_secs(122)),
            mount_deadline: now + MOUNT_WAIT,
            ip: String::new(),
            containers: containers(world, object),
            stop: None,
            failed: None,
        }
    }

    pub(crate) fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|container| container.name == name)
    }

    pub(crate) fn is_up(&self) -> bool {
        self.setup == Setup::Up
    }

    pub(crate) fn of_role(&self, role: Role) -> impl Iterator<Item = &Container> {
        self.containers.iter().filter(move |container| container.role == role)
    }

    pub(crate) fn next(&self) -> Option<Duration> {
        let setup = match &self.setup {
            _ if self.stop.is_some() => None,
            Setup::Volumes { at } => Some(*at),
            Setup::Sandbox { until } => Some(*until),
            Setup::Up => None,
        };
        let stop = self.stop.as_ref().and_then(|stop| stop.next(self));
        self.containers.iter().filter_map(Container::next).chain(setup).chain(stop).min()
    }

    /// Does all that is due and writes the status; `true` when the pod is gone from the API.
    pub(crate) fn step(&mut self, world: &mut World, object: &Arc<Value>) -> bool {
        self.notice_end(world, object);
        if self.stop.is_none() {
            self.set_up(world, object);
        }
        self.run(world, object);
        self.finish_sidecars(world, object);
        if let Some(mut stop) = self.stop.take() {
            stop.step(world, object, self);
            self.stop = Some(stop);
        }
        status::write(world, object, self);
        let over = self.stop.as_ref().is_some_and(Stop::is_over);
        object.is_deleting() && over && super::stop::remove(world, object)
    }

    /// Whether somebody or the pod's own deadline ends it.
    fn notice_end(&mut self, world: &mut World, object: &Value) {
        let now = world.now();
        if object.is_deleting() {
            let grace =
                Duration::from_secs(u64::try_from(object.int("metadata/deletionGracePeriodSeconds")).unwrap_or(0));
            match &mut self.stop {
                Some(stop) => stop.shorten(now, grace),
                None => self.stop = Some(Stop::new(world, grace)),
            }
            return;
        }
        let deadline = object.int("spec/activeDeadlineSeconds");
        let age = now.saturating_sub(self.began).as_secs();
        if self.stop.is_none() && deadline > 0 && age >= deadline.unsigned_abs() {
            let message = "Pod was active on the node longer than the specified deadline";
            world.event("kubelet", object, Severity::Normal, "DeadlineExceeded", message, "");
            self.failed = Some(("DeadlineExceeded", message));
            self.stop = Some(Stop::new(
                world,
                Duration::from_secs(object.int("spec/terminationGracePeriodSeconds").unsigned_abs()),
            ));
        }
    }

    fn set_up(&mut self, world: &mut World, object: &Value) {
        let now = world.now();
        if let Setup::Volumes { at } = self.setup
            && at <= now
        {
            match mounts::missing(world, object) {
                Some(missing) => {
                    world.warning("kubelet", object, "FailedMount", &missing.message);
                    let unmounted = "Unable to attach or mount volumes: unmounted volumes";
                    if now >= self.mount_deadline {
                        let name = missing.volume;
                        let message = format!(
                            "{unmounted}=[{name}], unattached volumes=[], failed to process volumes=[]: context deadline exceeded"
                        );
                        world.warning("kubelet", object, "FailedMount", &message);
                        self.mount_deadline = now + MOUNT_WAIT;
                    }
                    self.setup = Setup::Volumes { at: now + self.mount_retries.next(now) };
                }
                None => {
                    let moment = world.chooser.between(Duration::from_millis(50), Duration::from_millis(200));
                    self.setup = Setup::Sandbox { until: now + moment };
                }
            }
        }
        if let Setup::Sandbox { until } = self.setup
            && until <= now
        {
            self.setup = Setup::Up;
            self.ip =
                if object.flag("spec/hostNetwork") { status::host_ip(world, object) } else { world.addresses.pod() };
        }
    }

    /// Init containers one after another, then all others.
    fn run(&mut self, world: &mut World, object: &Value) {
        if !self.is_up() {
            return;
        }
        let (now, stopping) = (world.now(), self.stop.is_some());
        let ip = self.ip.clone();
        let mut open = true;
        for container in &mut self.containers {
            if open && !stopping {
                container.begin(now);
            }
            container.step(world, Around { pod: object, ip: &ip, stopping });
            let passed = match container.role {
                Role::Init => container.succeeded(),
                Role::Sidecar => container.started || container.restarts > 0,
                Role::Main => true,
            };
            open = open && passed;
        }
    }

    /// Sidecars end when there is nothing left to accompany.
    fn finish_sidecars(&mut self, world: &mut World, object: &Value) {
        let finished = self.of_role(Role::Main).all(Container::is_done) || self.init_failed();
        let accompanied = self.of_role(Role::Sidecar).any(|sidecar| !sidecar.is_done());
        if finished && accompanied && self.stop.is_none() && self.is_up() {
            let grace = Duration::from_secs(object.int("spec/terminationGracePeriodSeconds").unsigned_abs());
            self.stop = Some(Stop::new(world, grace));
        }
    }

    pub(crate) fn init_failed(&self) -> bool {
        self.of_role(Role::Init)
            .any(|container| container.is_done() && container.ended.as_ref().is_some_and(|e| e.exit_code != 0))
    }

    /// All init containers have done their part.
    pub(crate) fn initialized(&self) -> bool {
        self.of_role(Role::Init).all(Container::succeeded)
            && self
                .of_role(Role::Sidecar)
                .all(|sidecar| sidecar.started || sidecar.restarts > 0 || sidecar.ended.is_some())
    }
}

fn containers(world: &World, object: &Value) -> Vec<Container> {
    let of_job = is_of_job(object);
    let make = |spec: &Value, role: Role| Container::new(spec, role, behaviour(world, object, spec), of_job);
    let init = object.list("spec/initContainers").iter().map(|spec| {
        let role = if spec.str("restartPolicy") == "Always" { Role::Sidecar } else { Role::Init };
        make(spec, role)
    });
    let main = object.list("spec/containers").iter().map(|spec| make(spec, Role::Main));
    init.chain(main).collect()
}

/// What the scenario says of a container.
pub(crate) fn behaviour<'w>(world: &'w World, object: &Value, container: &Value) -> Option<&'w Behaviour> {
    let subject = Subject {
        namespace: object.namespace(),
        workload: &workload(world, object),
        container: container.str("name"),
        image: container.str("image"),
        labels: &object.labels(),
        node: object.str("spec/nodeName"),
    };
    world.config.scenario.behaviour(&subject)
}

fn is_of_job(object: &Value) -> bool {
    object.controller().is_some_and(|owner| owner.str("kind") == "Job")
}

/// The workload that people think of: the Deployment behind a ReplicaSet, or the pod itself.
fn workload(world: &World, object: &Value) -> String {
    let Some(owner) = object.controller() else { return object.name().to_owned() };
    let set = world.store.get(Table::REPLICA_SETS, object.namespace(), owner.str("name"));
    let above = set.and_then(|set| set.controller()).map(|deployment| deployment.str("name").to_owned());
    above.unwrap_or_else(|| owner.str("name").to_owned())
}

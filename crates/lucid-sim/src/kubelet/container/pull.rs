//! From an image reference to a container that can be created.

use std::time::Duration;

use crate::json::Json;
use crate::recorder::Severity;
use crate::scenario::PullOutcome;
use crate::world::World;

use super::{Around, Container, Stage, Waiting};
use crate::kubelet::duration::go;
use crate::kubelet::{config, image};

/// A pod that could not go on is looked at again after this.
const SYNC: Duration = Duration::from_secs(10);

impl Container {
    pub(super) fn outcome(&self) -> PullOutcome {
        self.behaviour.pull.clone().unwrap_or(PullOutcome::Ok { takes: Duration::ZERO })
    }

    pub(super) fn pull(&mut self, world: &mut World, around: Around<'_>) {
        let now = world.now();
        let outcome = self.outcome();
        let bad_name = (outcome == PullOutcome::InvalidName).then(|| image::failure(&outcome, &self.image)).flatten();
        if let Some(why) = bad_name.or_else(|| image::invalid(&self.image)) {
            let message =
                format!("Failed to apply default image tag {:?}: couldn't parse image name {0:?}: {why}", self.image);
            self.event(world, around, Severity::Warning, "InspectFailed", &message);
            self.fail(world, around, "InvalidImageName", message);
            self.stage = Stage::Retry { at: now + SYNC };
            return;
        }
        let policy = self.spec.str("imagePullPolicy").to_owned();
        let node = around.pod.str("spec/nodeName").to_owned();
        let present = world.kubelets.images.contains(&(node, image::canonical(&self.image)));
        let would_fail = image::failure(&outcome, &self.image).is_some();
        if policy == "Never" && would_fail && !present {
            let message = format!("Container image {:?} is not present with pull policy of Never", self.image);
            self.event(world, around, Severity::Warning, "ErrImageNeverPull", &message);
            self.fail(world, around, "ErrImageNeverPull", message);
            self.stage = Stage::Retry { at: now + SYNC };
        } else if policy != "Always" && (present || policy == "Never") {
            let message =
                format!("Container image {:?} already present on machine and can be accessed by the pod", self.image);
            self.event(world, around, Severity::Normal, "Pulled", &message);
            self.create(world, around);
        } else {
            self.event(world, around, Severity::Normal, "Pulling", &format!("Pulling image {:?}", self.image));
            let takes = match outcome {
                PullOutcome::Ok { takes } => takes,
                PullOutcome::Unreachable => Duration::from_secs(5),
                _ => world.chooser.between(Duration::from_millis(200), Duration::from_millis(900)),
            };
            self.stage = Stage::Pulling { until: now + takes, began: now };
        }
    }

    pub(super) fn pulled(&mut self, world: &mut World, around: Around<'_>, began: Duration) {
        let now = world.now();
        if let Some(why) = image::failure(&self.outcome(), &self.image) {
            let message = format!("Failed to pull image {:?}: {why}", self.image);
            self.event(world, around, Severity::Warning, "Failed", &message);
            self.fail(world, around, "ErrImagePull", why.clone());
            self.pull_error = why;
            self.pulls.next(now);
            self.stage = Stage::PullFailed {
                until: now + world.chooser.between(Duration::from_millis(500), Duration::from_millis(1500)),
            };
            return;
        }
        let took = go(now - began);
        let size = 10_000_000 + u64::from_str_radix(&image::pseudo_hex(&self.image)[..6], 16).unwrap_or(0);
        let message = format!(
            "Successfully pulled image {:?} in {took} ({took} including waiting). Image size: {size} bytes.",
            self.image
        );
        self.event(world, around, Severity::Normal, "Pulled", &message);
        world.kubelets.images.insert((around.pod.str("spec/nodeName").to_owned(), image::canonical(&self.image)));
        self.create(world, around);
    }

    pub(super) fn pull_back_off(&mut self, world: &mut World, around: Around<'_>) {
        let message = format!("Back-off pulling image {:?}", self.image);
        self.event(world, around, Severity::Normal, "BackOff", &message);
        self.fail(world, around, "ImagePullBackOff", format!("{message}: ErrImagePull: {}", self.pull_error));
        let jitter = world.chooser.between(Duration::ZERO, Duration::from_secs(4));
        self.stage = Stage::PullBackOff { until: world.now() + self.pulls.delay() + jitter };
    }

    /// The image is there; the configuration may not be.
    pub(super) fn create(&mut self, world: &mut World, around: Around<'_>) {
        let now = world.now();
        if let Some(problem) = config::problem(world, around.pod, &self.spec) {
            self.event(world, around, Severity::Warning, "Failed", &format!("Error: {problem}"));
            self.waiting = Some(Waiting { reason: "CreateContainerConfigError", message: problem });
            let jitter = world.chooser.between(Duration::ZERO, Duration::from_secs(5));
            self.stage = Stage::Retry { at: now + SYNC + jitter };
            return;
        }
        let millis = Duration::from_millis;
        let (from, to) = if self.scripted { (millis(500), millis(3000)) } else { (millis(200), millis(1000)) };
        let takes = self.behaviour.start.unwrap_or_else(|| world.chooser.between(from, to));
        self.stage = Stage::Creating { until: now + takes };
    }
}

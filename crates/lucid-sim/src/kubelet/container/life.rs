//! A container that runs: what its application does, what its probes see.

use std::time::Duration;

use crate::json::Json;
use crate::recorder::Severity;
use crate::scenario::Fate;
use crate::world::World;

use super::end::reason;
use super::{Around, Container, Running, Stage};
use crate::kubelet::image;
use crate::kubelet::probe::{App, Kind, Probe};

impl Container {
    pub(super) fn start(&mut self, world: &mut World, around: Around<'_>) {
        let now = world.now();
        self.event(world, around, Severity::Normal, "Created", "Container created");
        self.event(world, around, Severity::Normal, "Started", "Container started");
        if let Some(ended) = &self.ended {
            self.restarts += 1;
            self.previous = Some(ended.clone());
        }
        let id = format!(
            "containerd://{}",
            image::pseudo_hex(&format!("{}/{}/{}", around.pod.uid(), self.name, self.restarts))
        );
        let first = now + world.chooser.between(Duration::from_millis(50), Duration::from_millis(950));
        let kinds = [Kind::Startup, Kind::Readiness, Kind::Liveness];
        let probes: Vec<Probe> = kinds.into_iter().filter_map(|kind| Probe::of(&self.spec, kind, now, first)).collect();
        self.started = probes.iter().all(|probe| probe.kind != Kind::Startup);
        self.ready = self.started && probes.iter().all(|probe| probe.kind != Kind::Readiness);
        self.running = Some(Running { id, started: world.stamp(), since: now, exit: self.fate(now), probes });
        self.waiting = None;
        self.stage = Stage::Running;
    }

    /// When and how the process will end by itself.
    pub(super) fn fate(&self, now: Duration) -> Option<(Duration, i32, &'static str)> {
        match self.behaviour.then {
            Fate::Run => self.one_shot.map(|after| (now + after, 0, "Completed")),
            Fate::Crash { after, exit_code } => Some((now + after, exit_code, reason(exit_code))),
            Fate::Oom { after } => Some((now + after, 137, "OOMKilled")),
            Fate::Complete { after } => Some((now + after, 0, "Completed")),
            Fate::NeverReady | Fate::Flap { .. } | Fate::Hang { .. } => None,
        }
    }

    pub(super) fn app(&self, running: &Running, now: Duration) -> App {
        let age = now.saturating_sub(running.since);
        let Some(serving) = age.checked_sub(self.behaviour.ready_after.unwrap_or_default()) else {
            return App::Starting;
        };
        match self.behaviour.then {
            Fate::NeverReady => App::Unready,
            Fate::Flap { up, down } => {
                let cycle = (up + down).as_millis().max(1);
                if serving.as_millis() % cycle < up.as_millis() { App::Serving } else { App::Unready }
            }
            Fate::Hang { after } if age >= after => App::Hung,
            _ => App::Serving,
        }
    }

    /// An exit or a probe is due.
    pub(super) fn live(&mut self, world: &mut World, around: Around<'_>) {
        let now = world.now();
        let Some(mut running) = self.running.take() else { return };
        if let Some((_, code, why)) = running.exit.filter(|(at, ..)| *at <= now) {
            self.end(world, around, &running, code, why);
            return;
        }
        let due: Vec<Kind> =
            self.due_probes(&running).filter(|probe| probe.next <= now).map(|probe| probe.kind).collect();
        for kind in due {
            self.probe(world, around, &mut running, kind);
        }
        self.running = Some(running);
    }

    pub(super) fn probe(&mut self, world: &mut World, around: Around<'_>, running: &mut Running, kind: Kind) {
        let (now, app) = (world.now(), self.app(running, world.now()));
        let Some(probe) = running.probes.iter_mut().find(|probe| probe.kind == kind) else { return };
        let failure = probe.ask(app, around.ip, &self.spec);
        let result = probe.result;
        if let Some(text) = failure {
            self.event(
                world,
                around,
                Severity::Warning,
                "Unhealthy",
                &format!("{} probe failed: {text}", kind.title()),
            );
        }
        match (kind, result) {
            (Kind::Startup, Some(true)) => self.begin_serving(running, now),
            (Kind::Readiness, Some(ready)) => self.ready = ready,
            (Kind::Startup | Kind::Liveness, Some(false)) if running.exit.is_none_or(|(at, ..)| at > now) => {
                let what = kind.title().to_lowercase();
                let message = format!("Container {} failed {what} probe, will be restarted", self.name);
                self.event(world, around, Severity::Normal, "Killing", &message);
                let grace = around.pod.int("spec/terminationGracePeriodSeconds");
                let own = self.spec.int(&format!("{}/terminationGracePeriodSeconds", kind.field()));
                let grace = Duration::from_secs(u64::try_from(if own > 0 { own } else { grace }).unwrap_or(0));
                self.terminate(world, running, grace);
            }
            _ => {}
        }
    }

    /// The startup probe has passed: the others begin.
    pub(super) fn begin_serving(&mut self, running: &mut Running, now: Duration) {
        self.started = true;
        self.ready = running.probes.iter().all(|probe| probe.kind != Kind::Readiness);
        for probe in running.probes.iter_mut().filter(|probe| probe.kind != Kind::Startup) {
            probe.next = probe.next.max(now + Duration::from_millis(10));
        }
    }
}

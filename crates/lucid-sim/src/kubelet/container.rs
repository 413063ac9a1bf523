//! One container: image, creation, life, probes, exit, restart.
//!
//! This file holds what it is and when it is due; [`pull`], [`life`] and [`end`] are its three parts.

mod end;
mod life;
mod pull;

use std::time::Duration;

use serde_json::Value;

use crate::json::Json;
use crate::recorder::Severity;
use crate::scenario::Behaviour;
use crate::world::World;

use super::back_off::BackOff;
use super::probe::{App, Kind, Probe};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Init,
    /// An init container that stays: `restartPolicy: Always`.
    Sidecar,
    Main,
}

/// Why a container is not running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// A process that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) exit_code: i32,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) started: String,
    pub(crate) finished: String,
    pub(crate) id: String,
}

/// A process that runs.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub(crate) id: String,
    pub(crate) started: String,
    since: Duration,
    exit: Option<(Duration, i32, &'static str)>,
    probes: Vec<Probe>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// Not its turn yet.
    Idle,
    Pull {
        at: Duration,
    },
    Pulling {
        until: Duration,
        began: Duration,
    },
    /// The error is shown for a moment before the back-off is.
    PullFailed {
        until: Duration,
    },
    PullBackOff {
        until: Duration,
    },
    /// Looked at again in full: a bad name, a missing ConfigMap.
    Retry {
        at: Duration,
    },
    Creating {
        until: Duration,
    },
    Running,
    Ended {
        decide: Duration,
    },
    BackOff {
        until: Duration,
    },
    Done,
}

/// What a container has to know of its pod.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) pod: &'a Value,
    pub(crate) ip: &'a str,
    pub(crate) stopping: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) role: Role,
    pub(crate) spec: Value,
    behaviour: Behaviour,
    scripted: bool,
    /// Ends by itself, and well, unless its scenario says otherwise.
    one_shot: Option<Duration>,
    stage: Stage,
    pub(crate) waiting: Option<Waiting>,
    pub(crate) running: Option<Running>,
    pub(crate) ended: Option<Ended>,
    pub(crate) previous: Option<Ended>,
    pub(crate) restarts: i64,
    pub(crate) started: bool,
    pub(crate) ready: bool,
    pull_error: String,
    pulls: BackOff,
    crashes: BackOff,
}

impl Container {
    pub(crate) fn new(spec: &Value, role: Role, behaviour: Option<&Behaviour>, of_job: bool) -> Self {
        let one_shot = match role {
            Role::Init => Some(Duration::from_millis(300)),
            Role::Main if of_job => Some(Duration::from_secs(1)),
            _ => None,
        };
        Self {
            name: spec.str("name").to_owned(),
            image: spec.str("image").to_owned(),
            role,
            spec: spec.clone(),
            behaviour: behaviour.cloned().unwrap_or_default(),
            scripted: behaviour.is_some(),
            one_shot,
            stage: Stage::Idle,
            waiting: None,
            running: None,
            ended: None,
            previous: None,
            restarts: 0,
            started: false,
            ready: false,
            pull_error: String::new(),
            pulls: BackOff::of_containers(),
            crashes: BackOff::of_containers(),
        }
    }

    /// It is its turn; does nothing when it has begun already.
    pub(crate) fn begin(&mut self, now: Duration) {
        if self.stage == Stage::Idle {
            self.stage = Stage::Pull { at: now };
        }
    }

    /// Will not run again.
    pub(crate) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    pub(crate) fn succeeded(&self) -> bool {
        self.running.is_none() && self.ended.as_ref().is_some_and(|ended| ended.exit_code == 0)
    }

    pub(crate) fn next(&self) -> Option<Duration> {
        match &self.stage {
            Stage::Idle | Stage::Done => None,
            Stage::Pull { at } | Stage::Retry { at } => Some(*at),
            Stage::Pulling { until, .. }
            | Stage::PullFailed { until }
            | Stage::PullBackOff { until }
            | Stage::Creating { until }
            | Stage::BackOff { until } => Some(*until),
            Stage::Ended { decide } => Some(*decide),
            Stage::Running => {
                let running = self.running.as_ref()?;
                let exit = running.exit.map(|(at, ..)| at);
                self.due_probes(running).map(|probe| probe.next).chain(exit).min()
            }
        }
    }

    /// Readiness and liveness wait for the startup probe.
    fn due_probes<'r>(&self, running: &'r Running) -> impl Iterator<Item = &'r Probe> {
        let started = self.started;
        running.probes.iter().filter(move |probe| match probe.kind {
            Kind::Startup => !started && probe.result != Some(false),
            Kind::Readiness => started,
            Kind::Liveness => started && probe.result != Some(false),
        })
    }

    /// Does all that is due.
    pub(crate) fn step(&mut self, world: &mut World, around: Around<'_>) {
        let now = world.now();
        while self.next().is_some_and(|at| at <= now) {
            match self.stage.clone() {
                Stage::Pull { .. } | Stage::Retry { .. } | Stage::PullBackOff { .. } => self.pull(world, around),
                Stage::Pulling { began, .. } => self.pulled(world, around, began),
                Stage::PullFailed { .. } => self.pull_back_off(world, around),
                Stage::Creating { .. } => self.start(world, around),
                Stage::Running => self.live(world, around),
                Stage::Ended { .. } => self.again(world, around),
                Stage::BackOff { .. } => self.restart(now),
                Stage::Idle | Stage::Done => return,
            }
        }
    }

    fn event(&self, world: &mut World, around: Around<'_>, severity: Severity, reason: &str, message: &str) {
        let list = if self.role == Role::Main { "containers" } else { "initContainers" };
        world.event("kubelet", around.pod, severity, reason, message, &format!("spec.{list}{{{}}}", self.name));
    }

    fn fail(&mut self, world: &mut World, around: Around<'_>, reason: &'static str, message: String) {
        self.event(world, around, Severity::Warning, "Failed", &format!("Error: {reason}"));
        self.waiting = Some(Waiting { reason, message });
    }

    pub(crate) fn log(&self, previous: bool) -> Option<Vec<String>> {
        let has = match (previous, &self.running) {
            (false, running) => running.is_some() || self.ended.is_some(),
            (true, Some(_)) => self.ended.is_some(),
            (true, None) => self.previous.is_some(),
        };
        has.then(|| self.behaviour.log.clone())
    }

    pub(crate) fn answer(&self, now: Duration) -> Option<bool> {
        match self.app(self.running.as_ref()?, now) {
            App::Serving => Some(true),
            App::Unready => Some(false),
            App::Starting | App::Hung => None,
        }
    }
}

//! One container: image, creation, life, probes, exit, restart.

use std::time::Duration;

use serde_json::Value;

use crate::json::Json;
use crate::recorder::Severity;
use crate::scenario::{Behaviour, Fate, PullOutcome};
use crate::world::World;

use super::back_off::BackOff;
use super::probe::{App, Kind, Probe};
use super::{config, image};

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

const SYNC: Duration = Duration::from_secs(10);

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

    fn outcome(&self) -> PullOutcome {
        self.behaviour.pull.clone().unwrap_or(PullOutcome::Ok { takes: Duration::ZERO })
    }

    fn pull(&mut self, world: &mut World, around: Around<'_>) {
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

    fn pulled(&mut self, world: &mut World, around: Around<'_>, began: Duration) {
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
        let took = go_duration(now - began);
        let size = 10_000_000 + u64::from_str_radix(&image::pseudo_hex(&self.image)[..6], 16).unwrap_or(0);
        let message = format!(
            "Successfully pulled image {:?} in {took} ({took} including waiting). Image size: {size} bytes.",
            self.image
        );
        self.event(world, around, Severity::Normal, "Pulled", &message);
        world.kubelets.images.insert((around.pod.str("spec/nodeName").to_owned(), image::canonical(&self.image)));
        self.create(world, around);
    }

    fn pull_back_off(&mut self, world: &mut World, around: Around<'_>) {
        let message = format!("Back-off pulling image {:?}", self.image);
        self.event(world, around, Severity::Normal, "BackOff", &message);
        self.fail(world, around, "ImagePullBackOff", format!("{message}: ErrImagePull: {}", self.pull_error));
        let jitter = world.chooser.between(Duration::ZERO, Duration::from_secs(4));
        self.stage = Stage::PullBackOff { until: world.now() + self.pulls.delay() + jitter };
    }

    /// The image is there; the configuration may not be.
    fn create(&mut self, world: &mut World, around: Around<'_>) {
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

    fn start(&mut self, world: &mut World, around: Around<'_>) {
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
    fn fate(&self, now: Duration) -> Option<(Duration, i32, &'static str)> {
        match self.behaviour.then {
            Fate::Run => self.one_shot.map(|after| (now + after, 0, "Completed")),
            Fate::Crash { after, exit_code } => Some((now + after, exit_code, reason(exit_code))),
            Fate::Oom { after } => Some((now + after, 137, "OOMKilled")),
            Fate::Complete { after } => Some((now + after, 0, "Completed")),
            Fate::NeverReady | Fate::Flap { .. } | Fate::Hang { .. } => None,
        }
    }

    fn app(&self, running: &Running, now: Duration) -> App {
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
    fn live(&mut self, world: &mut World, around: Around<'_>) {
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

    fn probe(&mut self, world: &mut World, around: Around<'_>, running: &mut Running, kind: Kind) {
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
    fn begin_serving(&mut self, running: &mut Running, now: Duration) {
        self.started = true;
        self.ready = running.probes.iter().all(|probe| probe.kind != Kind::Readiness);
        for probe in running.probes.iter_mut().filter(|probe| probe.kind != Kind::Startup) {
            probe.next = probe.next.max(now + Duration::from_millis(10));
        }
    }

    /// The hook, the signal, and at the end of the grace the hard way.
    fn terminate(&self, world: &mut World, running: &mut Running, grace: Duration) {
        let now = world.now();
        let app = self.app(running, now);
        let hook = pre_stop(&self.spec);
        let leaves = hook + world.chooser.between(Duration::from_millis(100), Duration::from_millis(600));
        let polite = app != App::Hung && (leaves <= grace || grace.is_zero() && hook.is_zero());
        let (after, code) = match polite {
            true if app == App::Serving
                && self.one_shot.is_none()
                && !matches!(self.behaviour.then, Fate::Crash { .. }) =>
            {
                (leaves, 0)
            }
            true if app == App::Unready => (leaves, 0),
            true => (leaves, 143),
            false => (grace, 137),
        };
        let exit = (now + after, code, reason(code));
        running.exit = Some(running.exit.filter(|(at, ..)| *at <= exit.0).unwrap_or(exit));
    }

    /// Stops a container of a pod that ends. What does not run yet never will.
    pub(crate) fn stop(&mut self, world: &mut World, around: Around<'_>, grace: Duration) {
        if let Some(mut running) = self.running.take() {
            self.event(world, around, Severity::Normal, "Killing", &format!("Stopping container {}", self.name));
            self.terminate(world, &mut running, grace);
            self.ready = false;
            running.probes.retain(|probe| probe.kind == Kind::Readiness);
            self.running = Some(running);
        } else {
            self.stage = Stage::Done;
        }
    }

    /// A shorter grace than the one it was told to stop with.
    pub(crate) fn hurry(&mut self, until: Duration) {
        if let Some(running) = &mut self.running
            && running.exit.is_none_or(|(at, ..)| at > until)
        {
            running.exit = Some((until, 137, "Error"));
        }
    }

    fn end(&mut self, world: &mut World, around: Around<'_>, running: &Running, code: i32, why: &'static str) {
        let now = world.now();
        let tell = code != 0 && self.spec.str("terminationMessagePolicy") == "FallbackToLogsOnError";
        let message = if tell { self.behaviour.log.join("\n") } else { String::new() };
        let (started, id) = (running.started.clone(), running.id.clone());
        self.ended = Some(Ended { exit_code: code, reason: why, message, started, finished: world.stamp(), id });
        self.running = None;
        self.started = false;
        self.ready = false;
        if around.stopping || !self.restarts_after(code, around.pod) {
            self.ready = self.role == Role::Init && code == 0;
            self.stage = Stage::Done;
        } else {
            let moment = world.chooser.between(Duration::from_millis(300), Duration::from_millis(1000));
            self.stage = Stage::Ended { decide: now + moment };
        }
    }

    fn restarts_after(&self, code: i32, pod: &Value) -> bool {
        let policy = pod.str("spec/restartPolicy");
        match self.role {
            Role::Sidecar => true,
            Role::Init => code != 0 && policy != "Never",
            Role::Main => policy == "Always" || policy == "OnFailure" && code != 0,
        }
    }

    /// Restarts at once, or after the back-off when it did so before.
    fn again(&mut self, world: &mut World, around: Around<'_>) {
        let now = world.now();
        let Stage::Ended { decide } = self.stage else { return };
        let Some(until) = self.crashes.until(decide, now) else { return self.restart(now) };
        let pod = around.pod;
        let about = format!("{}_{}({})", pod.name(), pod.namespace(), pod.uid());
        let message = format!("Back-off restarting failed container {} in pod {about}", self.name);
        self.event(world, around, Severity::Warning, "BackOff", &message);
        let delay = go_back_off(self.crashes.delay());
        let message = format!("back-off {delay} restarting failed container={} pod={about}", self.name);
        self.waiting = Some(Waiting { reason: "CrashLoopBackOff", message });
        self.stage = Stage::BackOff { until };
    }

    fn restart(&mut self, now: Duration) {
        self.crashes.next(now);
        self.stage = Stage::Pull { at: now };
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

fn reason(code: i32) -> &'static str {
    if code == 0 { "Completed" } else { "Error" }
}

/// How long a preStop hook takes: a sleep its time, anything else a moment.
fn pre_stop(container: &Value) -> Duration {
    let hook = container.at("lifecycle/preStop");
    if hook.is_null() {
        return Duration::ZERO;
    }
    if hook.has("sleep") {
        return Duration::from_secs(u64::try_from(hook.int("sleep/seconds")).unwrap_or(0));
    }
    let text: Vec<&str> = hook.list("exec/command").iter().filter_map(Value::as_str).collect();
    let text = text.join(" ");
    let mut words = text.split_whitespace().skip_while(|word| *word != "sleep").skip(1);
    let seconds = words.next().and_then(|word| word.trim_end_matches([';', '&', 's']).parse().ok());
    seconds.map_or(Duration::from_millis(100), Duration::from_secs)
}

/// `10s`, `2m40s`.
fn go_back_off(delay: Duration) -> String {
    go_duration(delay)
}

/// A duration as Go prints it, to the millisecond.
pub(crate) fn go_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis < 1000 {
        return if millis == 0 { "0s".to_owned() } else { format!("{millis}ms") };
    }
    let (minutes, rest) = (millis / 60_000, millis % 60_000);
    let seconds = if rest % 1000 == 0 {
        (rest / 1000).to_string()
    } else {
        format!("{}.{:03}", rest / 1000, rest % 1000).trim_end_matches('0').to_owned()
    };
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn durations_read_as_in_go() {
        let check = |millis, expect: &str| assert_eq!(go_duration(Duration::from_millis(millis)), expect);
        check(0, "0s");
        check(42, "42ms");
        check(1234, "1.234s");
        check(10_000, "10s");
        check(160_000, "2m40s");
        check(300_000, "5m0s");
    }

    #[test]
    fn hooks_take_their_time() {
        let check =
            |hook: Value, expect| assert_eq!(pre_stop(&json!({"lifecycle": {"preStop": hook}})).as_millis(), expect);
        check(json!({"sleep": {"seconds": 5}}), 5000);
        check(json!({"exec": {"command": ["/bin/sh", "-c", "sleep 7; true"]}}), 7000);
        check(json!({"httpGet": {"port": 80}}), 100);
        check(Value::Null, 0);
    }
}

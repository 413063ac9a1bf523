//! The end of a process: told to stop, killed or by itself; and whether it starts again.

use std::time::Duration;

use serde_json::Value;

use crate::json::Json;
use crate::recorder::Severity;
use crate::scenario::Fate;
use crate::world::World;

use super::{Around, Container, Ended, Role, Running, Stage, Waiting};
use crate::kubelet::duration::go;
use crate::kubelet::probe::{App, Kind};

impl Container {
    /// The hook, the signal, and at the end of the grace the hard way.
    pub(super) fn terminate(&self, world: &mut World, running: &mut Running, grace: Duration) {
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

    pub(super) fn end(
        &mut self,
        world: &mut World,
        around: Around<'_>,
        running: &Running,
        code: i32,
        why: &'static str,
    ) {
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

    pub(super) fn restarts_after(&self, code: i32, pod: &Value) -> bool {
        let policy = pod.str("spec/restartPolicy");
        match self.role {
            Role::Sidecar => true,
            Role::Init => code != 0 && policy != "Never",
            Role::Main => policy == "Always" || policy == "OnFailure" && code != 0,
        }
    }

    /// Restarts at once, or after the back-off when it did so before.
    pub(super) fn again(&mut self, world: &mut World, around: Around<'_>) {
        let now = world.now();
        let Stage::Ended { decide } = self.stage else { return };
        let Some(until) = self.crashes.until(decide, now) else { return self.restart(now) };
        let pod = around.pod;
        let about = format!("{}_{}({})", pod.name(), pod.namespace(), pod.uid());
        let message = format!("Back-off restarting failed container {} in pod {about}", self.name);
        self.event(world, around, Severity::Warning, "BackOff", &message);
        let delay = go(self.crashes.delay());
        let message = format!("back-off {delay} restarting failed container={} pod={about}", self.name);
        self.waiting = Some(Waiting { reason: "CrashLoopBackOff", message });
        self.stage = Stage::BackOff { until };
    }

    pub(super) fn restart(&mut self, now: Duration) {
        self.crashes.next(now);
        self.stage = Stage::Pull { at: now };
    }
}

pub(super) fn reason(code: i32) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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

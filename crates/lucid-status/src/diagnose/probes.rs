//! Containers that run and are not ready: what the probe got, and how long the pod itself allows.

use serde_json::Value;

use super::events;
use crate::classify::{classify, probe};
use crate::cluster::Scene;
use crate::diagnosis::{Axis, Certainty, Class, Diagnosis};
use crate::read::{Condition, Event, int, is_true, items, reference, text, time, uid};

/// Without a startup probe nobody knows how long a start may take: this long, then.
const FLOOR_SECONDS: u32 = 120;

pub(super) fn not_ready<'a>(pod: &'a Value, events: &[Event<'a>], scene: &Scene<'a>, found: &mut Vec<Diagnosis>) {
    for status in items(pod, "/status/containerStatuses") {
        let is_running = status.pointer("/state/running").is_some();
        if !is_running || is_true(status, "/ready") {
            continue;
        }
        let name = text(status, "/name");
        let Some(spec) = items(pod, "/spec/containers").find(|spec| text(spec, "/name") == name) else { continue };
        found.extend(waiting(pod, spec, status, events, scene));
    }
    still_initialising(pod, scene, found);
}

/// All run, and yet the pod is not ready, without a container to blame: the kubelet is about to say more.
fn still_initialising(pod: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    let Some(ready) = Condition::of(pod, "Ready").filter(|ready| ready.reason() == "PodCompleted") else { return };
    if text(pod, "/spec/restartPolicy") != "Always" || !scene.since.covers(ready.since()) {
        return;
    }
    found.push(
        Diagnosis::new(5006, reference(pod), "the pod's containers ended although they should go on running")
            .class(Class::FatalNow),
    );
}

fn waiting(pod: &Value, spec: &Value, status: &Value, events: &[Event<'_>], scene: &Scene<'_>) -> Option<Diagnosis> {
    let name = text(status, "/name");
    let started = time(status, "/state/running/startedAt");
    let is_started = !has_probe(spec, "startup") || is_true(status, "/started");
    let which = if is_started { "readiness" } else { "startup" };
    let failures = events
        .iter()
        .rev()
        .filter(|event| event.reason() == "Unhealthy" && event.container().is_none_or(|about| about == name));
    let mut failures = failures.filter(|event| events::is_after(**event, started));
    let code = if is_started { 5007 } else { 5004 };
    let failure = failures.find(|event| classify(probe::TABLE, event.message()) == Some(code));
    if failure.is_none() && !has_probe(spec, which) {
        return None;
    }
    let refused = failure.filter(|event| is_refused(event.message())).zip(port(pod, spec, which));
    if let Some((event, port)) = refused.filter(|(_, port)| scene.cluster.answers_inside(uid(pod), *port)) {
        let message = format!("container {name} listens on its loopback address only: nobody else reaches port {port}");
        let new =
            Diagnosis::new(5214, reference(pod), message).since(started).shares(Axis::Image, text(spec, "/image"));
        return Some(new.seen(event.message()).seen(format!("by port-forward, port {port} answers")));
    }
    let (sentence, certainty) = match failure {
        Some(event) => (probe::meaning(event.message()), Certainty::Proven),
        None => ("it has not passed yet", Certainty::Likely),
    };
    let message = format!("the {which} probe of container {name} does not pass: {sentence}");
    let new = Diagnosis::new(code, reference(pod), message).certainty(certainty).since(started);
    let new = new.seen(failure.map_or("", |event| event.message())).seen(described(spec, which));
    // While a startup probe runs the kubelet itself ends the wait, by a restart that is counted.
    let new = new.class(if is_started { Class::After(patience(spec)) } else { Class::Wait });
    Some(new.shares(Axis::Image, text(spec, "/image")))
}

/// What a kubelet says of a port on which nobody listens at the pod's address.
pub(crate) fn is_refused(message: &str) -> bool {
    message.contains("connection refused")
}

/// The port that a probe asks, by number or by the name that a container gives it.
pub(crate) fn port(pod: &Value, spec: &Value, which: &str) -> Option<u16> {
    let probe = spec.get(format!("{which}Probe"))?;
    let port = ["/httpGet/port", "/tcpSocket/port", "/grpc/port"].iter().find_map(|at| probe.pointer(at))?;
    let named = |name: &str| {
        let ports =
            items(spec, "/ports").chain(items(pod, "/spec/containers").flat_map(|other| items(other, "/ports")));
        ports.into_iter().find(|port| text(port, "/name") == name).and_then(|port| int(port, "/containerPort"))
    };
    let number = port.as_i64().or_else(|| named(port.as_str()?))?;
    u16::try_from(number).ok()
}

fn has_probe(spec: &Value, which: &str) -> bool {
    spec.get(format!("{which}Probe")).is_some()
}

/// Seconds from the container's start until its probes must have passed.
fn patience(spec: &Value) -> u32 {
    let readiness = budget(spec.get("readinessProbe"));
    let grace = startup_seconds(spec).saturating_add(readiness.saturating_mul(2));
    if has_probe(spec, "startup") { grace.max(60) } else { grace.max(FLOOR_SECONDS) }
}

pub(super) fn startup_seconds(spec: &Value) -> u32 {
    budget(spec.get("startupProbe"))
}

/// initialDelay + failureThreshold × period + timeout, with the API's defaults.
fn budget(probe: Option<&Value>) -> u32 {
    let Some(probe) = probe else { return 0 };
    let number = |pointer: &str, default: i64| int(probe, pointer).unwrap_or(default).clamp(0, 1_000_000);
    let rounds = number("/failureThreshold", 3) * number("/periodSeconds", 10);
    let seconds = number("/initialDelaySeconds", 0) + rounds + number("/timeoutSeconds", 1);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// "readiness probe: GET /health on port 8080, every 10 s, 3 failures allowed".
pub(super) fn described(spec: &Value, which: &str) -> String {
    let Some(probe) = spec.get(format!("{which}Probe")) else { return String::new() };
    let port = |pointer: &str| {
        probe.pointer(pointer).map(|port| port.as_str().map_or(port.to_string(), str::to_owned)).unwrap_or_default()
    };
    let what = if probe.get("httpGet").is_some() {
        let path = Some(text(probe, "/httpGet/path")).filter(|path| !path.is_empty()).unwrap_or("/");
        format!("GET {path} on port {}", port("/httpGet/port"))
    } else if probe.get("tcpSocket").is_some() {
        format!("connect to port {}", port("/tcpSocket/port"))
    } else if probe.get("grpc").is_some() {
        format!("gRPC health on port {}", port("/grpc/port"))
    } else {
        "a command".to_owned()
    };
    let (period, failures) = (int(probe, "/periodSeconds").unwrap_or(10), int(probe, "/failureThreshold").unwrap_or(3));
    format!("{which} probe: {what}, every {period} s, {failures} failures allowed")
}

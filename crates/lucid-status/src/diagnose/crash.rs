//! Containers that ended: how often since our write, and by whose hand.

use serde_json::Value;

use super::container::{Role, View};
use super::{config, events};
use crate::classify::{probe, saying};
use crate::diagnosis::{Axis, Certainty, Class, Diagnosis};
use crate::read::{count, int, items, reference, text, time, uid};

/// As often must a container end before we say that it will go on ending.
const PATIENCE: i64 = 2;

/// The last end of a container that is restarted, if it was since our write.
pub(super) fn looping(view: &View<'_, '_>) -> Option<Diagnosis> {
    let ended_now = view.status.pointer("/state/terminated");
    if view.role == Role::Init && ended_now.is_some_and(|end| int(end, "/exitCode") == Some(0)) {
        return None;
    }
    let end = ended_now.or_else(|| view.status.pointer("/lastState/terminated"));
    let restarts = view.scene.since.restarts_of(view.pod, view.status);
    let times = restarts + i64::from(ended_now.is_some());
    let Some(end) = end else {
        let is_backing_off = text(view.status, "/state/waiting/reason") == "CrashLoopBackOff";
        return is_backing_off.then(|| of_unknown_end(view, times));
    };
    // Quiet since our write: what it did before is not about us.
    if times == 0 {
        return None;
    }
    // It runs well again.
    if view.status.pointer("/state/running").is_some() && is_settled(view) {
        return None;
    }
    Some(counted(judge(view, end), view, times))
}

fn is_settled(view: &View<'_, '_>) -> bool {
    view.status.get("ready") == Some(&Value::Bool(true))
}

fn of_unknown_end(view: &View<'_, '_>, times: i64) -> Diagnosis {
    let code = config::code_for_role(view, 5005);
    let new = view.says(code, format!("{} ends again and again", view.title())).certainty(Certainty::Likely);
    counted(new.seen(text(view.status, "/state/waiting/message")), view, times)
}

/// Fatal once it happened often enough, or at once for what no restart repairs.
fn counted(new: Diagnosis, view: &View<'_, '_>, times: i64) -> Diagnosis {
    let is_sure = matches!(new.code(), 4010..=4012);
    let is_fatal = is_sure || times >= PATIENCE;
    let end = ["/state/terminated/finishedAt", "/lastState/terminated/finishedAt"]
        .iter()
        .find_map(|at| time(view.status, at));
    let new = new
        .since(end)
        .seen(format!("ended {times} × since the change, {} × in all", count(view.status, "/restartCount").max(times)));
    if new.code() == 4017 {
        return new;
    }
    new.class(if is_fatal { Class::FatalNow } else { Class::Wait })
}

fn judge(view: &View<'_, '_>, end: &Value) -> Diagnosis {
    let (reason, message) = (text(end, "/reason"), text(end, "/message"));
    let exit = int(end, "/exitCode").unwrap_or(-1);
    let title = view.title();
    if reason == "OOMKilled" {
        return view.says(5001, format!("{title} uses more memory than its limit{}", limit(view))).seen("OOMKilled");
    }
    if matches!(reason, "StartError" | "ContainerCannotRun") || message.contains("exec format error") {
        return start_failed(view, reason, message, exit);
    }
    if reason == "ContainerStatusUnknown" {
        return view.says(5013, format!("what became of {title} is not known")).seen(message);
    }
    if let Some(killed) = killed_by_probe(view, exit) {
        return killed;
    }
    if is_its_own(exit)
        && let Some(unresolved) = unresolved(view, message)
    {
        return unresolved.seen(format!("{reason}, exit code {exit}"));
    }
    let code = match exit {
        126 | 127 => 4010,
        137 => 5002,
        0 => 5006,
        _ => 5005,
    };
    let words = match code {
        4010 => format!("the command of {title} cannot be run (exit code {exit})"),
        5002 => format!("{title} was killed (exit code 137), perhaps for memory"),
        5006 => format!("{title} ends without an error although it should go on running"),
        _ => format!("{title} exits with code {exit}: {}", exit_meaning(exit)),
    };
    let certainty = if code == 5002 { Certainty::Possible } else { Certainty::Proven };
    let new = view.says(config::code_for_role(view, code), words).certainty(certainty);
    new.seen(format!("{reason} {message}").trim())
}

/// An error of the program's own: it ran, and nobody killed it.
pub(crate) fn is_its_own(exit: i64) -> bool {
    !matches!(exit, 0 | 126 | 127 | 137)
}

/// The last words of the container are about a name: in its status, if it writes them there, or in its log.
fn unresolved(view: &View<'_, '_>, message: &str) -> Option<Diagnosis> {
    let log = view.scene.cluster.last_words(uid(view.pod), view.name()).unwrap_or("");
    let found = saying::unresolved(log).or_else(|| saying::unresolved(message))?;
    let name = found.name.unwrap_or("a name");
    let new = view.says(5212, format!("{} cannot resolve {name}, and ends", view.title()));
    Some(new.certainty(Certainty::Likely).seen(format!("the last it wrote: {}", found.words)))
}

/// Exit 128 is the runtime's own trouble (krane's experience), unless its words say otherwise.
fn start_failed(view: &View<'_, '_>, reason: &str, message: &str, exit: i64) -> Diagnosis {
    let new = config::by_words(view, reason, message);
    if new.code() == 4000 && exit == 128 {
        return view.says(4017, format!("the node's container runtime could not start {}", view.title())).seen(message);
    }
    new
}

fn killed_by_probe(view: &View<'_, '_>, exit: i64) -> Option<Diagnosis> {
    if !matches!(exit, 137 | 143 | 0 | 1 | 2) {
        return None;
    }
    let killing = events::last_of(view.events, view.name(), &["Killing"]);
    let code = crate::classify::classify(probe::TABLE, killing?.message())?;
    let failures = view.events.iter().rev().filter(|event| event.reason() == "Unhealthy");
    let failure = failures
        .map(|event| event.message())
        .find(|words| crate::classify::classify(probe::TABLE, words) == Some(code));
    let which = if code == 5004 { "startup" } else { "liveness" };
    let why = probe::meaning(failure.unwrap_or(""));
    let new = view.says(code, format!("the {which} probe of {} fails and it is restarted: {why}", view.title()));
    Some(new.seen(failure.unwrap_or("")).seen(killing?.message()).seen(super::probes::described(view.spec, which)))
}

fn limit(view: &View<'_, '_>) -> String {
    match text(view.spec, "/resources/limits/memory") {
        "" => String::new(),
        limit => format!(" of {limit}"),
    }
}

fn exit_meaning(exit: i64) -> &'static str {
    match exit {
        1 => "an error of the application's own",
        2 => "wrong use or a panic",
        64 => "wrong command line",
        78 => "wrong configuration",
        134 => "it aborted",
        139 => "it touched memory that it must not (segmentation fault)",
        143 => "it was asked to stop",
        255 => "an error of the application's own",
        _ if exit > 128 => "it was ended by a signal",
        _ => "see its log",
    }
}

/// A container of a pod that has failed for good.
pub(super) fn ended(pod: &Value, status: &Value) -> Option<Diagnosis> {
    let end = status.pointer("/state/terminated").filter(|end| int(end, "/exitCode") != Some(0))?;
    let spec = items(pod, "/spec/containers").chain(items(pod, "/spec/initContainers"));
    let spec = spec.into_iter().find(|spec| text(spec, "/name") == text(status, "/name"));
    let exit = int(end, "/exitCode").unwrap_or(-1);
    let (name, reason) = (text(status, "/name"), text(end, "/reason"));
    let code = if reason == "OOMKilled" { 5001 } else { 5016 };
    let words = match code {
        5001 => format!("container {name} used more memory than its limit"),
        _ => format!("container {name} ended with code {exit}: {}", exit_meaning(exit)),
    };
    let image = spec.map_or("", |spec| text(spec, "/image"));
    let new = Diagnosis::new(code, reference(pod), words).class(Class::FatalNow).shares(Axis::Image, image);
    Some(new.seen(format!("{reason} {}", text(end, "/message")).trim()).since(time(end, "/finishedAt")))
}

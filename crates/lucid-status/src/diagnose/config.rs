//! Containers that cannot be created or started, by what kubelet and runtime say.

use serde_json::Value;

use super::container::{Role, View};
use super::events;
use crate::classify::{classify, start::TABLE};
use crate::clean::between;
use crate::diagnosis::{Axis, Certainty, Diagnosis};
use crate::read::{keys, namespace, text};

pub(super) fn cannot_start(view: &View<'_, '_>) -> Diagnosis {
    let reason = text(view.status, "/state/waiting/reason");
    let mut message = text(view.status, "/state/waiting/message");
    if message.is_empty() {
        message = events::last_of(view.events, view.name(), &["Failed"]).map_or("", |event| event.message());
    }
    if reason == "PostStartHookError" {
        return view.says(4013, format!("the postStart hook of {} failed", view.title())).seen(message);
    }
    by_words(view, reason, message)
}

/// A start that failed, wherever its words were found: in a waiting reason or in the last end.
pub(super) fn by_words(view: &View<'_, '_>, reason: &str, message: &str) -> Diagnosis {
    let Some(code) = classify(TABLE, message) else {
        let new = view.says(4000, format!("{} cannot be created", view.title())).certainty(Certainty::Possible);
        return new.seen(format!("{reason}: {message}"));
    };
    let new = view.says(code, sentence(code, view, message)).seen(message);
    match code {
        4002 => with_keys(new, view, message),
        4001 => shared_reference(new, message),
        4010 => new.seen(command(view)),
        _ => new,
    }
}

fn sentence(code: u16, view: &View<'_, '_>, message: &str) -> String {
    let title = view.title();
    match code {
        4001 => missing(message).map_or(format!("{title} uses an object that does not exist"), |(kind, name)| {
            format!("{kind} {name} does not exist, and {title} uses it")
        }),
        4002 => missing_key(message).map_or(format!("{title} asks for a key that does not exist"), |(key, owner)| {
            format!("key {key} is not in {owner}, and {title} asks for it")
        }),
        4003 => format!("the node has not read what {title} uses yet"),
        4004 => format!("{title} must not run as root, and its image does"),
        4010 => format!("the command of {title} cannot be run"),
        4011 => format!("the program of {title} is built for another CPU"),
        4012 => format!("a path or profile that {title} needs is not on the node"),
        4017 => format!("the node's container runtime could not start {title}"),
        5001 => format!("{title} does not even start within its memory limit"),
        _ => format!("{title} cannot start"),
    }
}

/// `secret "worker-db" not found` → (Secret, worker-db).
pub(super) fn missing(message: &str) -> Option<(&'static str, &str)> {
    let secret = between(message, "secret \"", "\"").map(|name| ("Secret", name));
    secret.or_else(|| between(message, "configmap \"", "\"").map(|name| ("ConfigMap", name)))
}

/// `couldn't find key K in Secret ns/name` → (K, "Secret ns/name").
fn missing_key(message: &str) -> Option<(&str, String)> {
    let (key, rest) = message.split_once("find key ")?.1.split_once(" in ")?;
    let owner: Vec<&str> = rest.split_whitespace().take(2).collect();
    (owner.len() == 2).then(|| (key, owner.join(" ")))
}

fn shared_reference(new: Diagnosis, message: &str) -> Diagnosis {
    match missing(message) {
        Some(("Secret", name)) => new.shares(Axis::Secret, name),
        _ => new,
    }
}

/// The keys there are (names, never values), and the nearest of them.
fn with_keys(new: Diagnosis, view: &View<'_, '_>, message: &str) -> Diagnosis {
    let Some((key, owner)) = missing_key(message) else { return new };
    let Some((kind, full)) = owner.split_once(' ') else { return new };
    let name = full.rsplit('/').next().unwrap_or(full);
    let Some(object) = view.scene.find("", kind, namespace(view.pod), name) else { return new };
    let known = known_keys(object);
    let nearest = known.iter().min_by_key(|known| distance(known, key)).filter(|known| distance(known, key) <= 3);
    let new = if known.is_empty() { new } else { new.seen(format!("{owner} has: {}", known.join(", "))) };
    match nearest {
        Some(nearest) => new.help(format!("did you mean `{nearest}`?")),
        None => new,
    }
}

fn known_keys(object: &Value) -> Vec<&str> {
    let mut known: Vec<&str> =
        ["/data", "/stringData", "/binaryData"].into_iter().flat_map(|at| keys(object, at)).collect();
    known.sort_unstable();
    known
}

fn command(view: &View<'_, '_>) -> String {
    let words = |pointer| view.spec.pointer(pointer).map(Value::to_string).unwrap_or_default();
    match (words("/command"), words("/args")) {
        (command, args) if command.is_empty() && args.is_empty() => "the image's own entrypoint".into(),
        (command, args) if args.is_empty() => format!("command: {command}"),
        (command, args) if command.is_empty() => format!("args: {args}"),
        (command, args) => format!("command: {command}, args: {args}"),
    }
}

/// Edit distance of two short words.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let change = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Init containers hide behind one code of their own, unless their words say something sharper.
pub(super) fn code_for_role(view: &View<'_, '_>, code: u16) -> u16 {
    if view.role == Role::Init && matches!(code, 5005 | 5002) { 4014 } else { code }
}

//! Pods that have a node and wait for volumes or for their network.

use serde_json::Value;

use super::config::missing;
use super::{events, scheduling};
use crate::classify::{classify, mount::TABLE};
use crate::cluster::Scene;
use crate::diagnosis::{Axis, Diagnosis};
use crate::read::{Event, created, items, namespace, reference, text};

/// Only while a container is still being created: events outlive what they tell of.
pub(super) fn about(pod: &Value, events: &[Event<'_>], scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    if !is_being_created(pod) {
        return;
    }
    let reasons =
        ["FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox", "FailedCreatePodContainer"];
    if let Some(event) = events::last(events, &reasons) {
        found.push(by_event(pod, event, scene));
    }
    for claim in scheduling::claim_names(pod) {
        if let Some(claim) = scene.find("", "PersistentVolumeClaim", namespace(pod), &claim) {
            super::storage::claim(claim, scene, found);
        }
    }
}

fn is_being_created(pod: &Value) -> bool {
    let mut statuses =
        items(pod, "/status/initContainerStatuses").chain(items(pod, "/status/containerStatuses")).peekable();
    let nothing_yet = statuses.peek().is_none();
    nothing_yet
        || statuses
            .any(|status| matches!(text(status, "/state/waiting/reason"), "ContainerCreating" | "PodInitializing"))
}

fn by_event(pod: &Value, event: Event<'_>, scene: &Scene<'_>) -> Diagnosis {
    let message = event.message();
    if event.reason().starts_with("FailedCreatePod") {
        let new = Diagnosis::new(4009, reference(pod), "the node cannot set up the pod's network");
        return new.seen(message).since(event.first());
    }
    let code = classify(TABLE, message).unwrap_or(4008);
    let new = Diagnosis::new(code, reference(pod), sentence(code, message)).seen(message);
    let new = new.since(event.first().or(created(pod)));
    match (code, missing(message)) {
        (4005, Some((kind, name))) => {
            let known = scene.lacks("", kind, namespace(pod), name);
            let new = if known == Some(false) { new.seen("it exists by now") } else { new };
            if kind == "Secret" { new.shares(Axis::Secret, name) } else { new }
        }
        _ => new,
    }
}

fn sentence(code: u16, message: &str) -> String {
    let volume =
        crate::clean::between(message, "volume \"", "\"").map(|volume| format!(" {volume}")).unwrap_or_default();
    match code {
        4002 => format!("a key that volume{volume} asks for does not exist"),
        4003 => format!("the node has not read what volume{volume} is made of yet"),
        4005 => missing(message).map_or("a volume's source does not exist".into(), |(kind, name)| {
            format!("{kind} {name} does not exist, and volume{volume} is made of it")
        }),
        4006 => format!("volume{volume} is still attached to another node"),
        4007 => format!("the driver of volume{volume} does not run on the node"),
        4012 => format!("the path of volume{volume} is not as the pod needs it"),
        7002 => "the node's disk is full".to_owned(),
        _ => format!("volume{volume} does not get mounted"),
    }
}

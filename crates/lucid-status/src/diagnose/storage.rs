//! Volume claims: bound, waiting as they should, or waiting for what will not come.

use serde_json::Value;

use super::events;
use crate::cluster::Scene;
use crate::diagnosis::{Class, Diagnosis};
use crate::read::{Condition, annotation, created, has_condition, name, namespace, reference, text};

pub(crate) fn claim(claim: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    match text(claim, "/status/phase") {
        "Bound" => found.extend(resize(claim)),
        "Lost" => {
            let message = format!("claim {} has lost its volume {}", name(claim), text(claim, "/spec/volumeName"));
            found.push(Diagnosis::new(6004, reference(claim), message));
        }
        _ => found.push(pending(claim, scene)),
    }
}

fn pending(claim: &Value, scene: &Scene<'_>) -> Diagnosis {
    let new = |code: u16, words: String| Diagnosis::new(code, reference(claim), words).since(created(claim));
    let class = class_name(claim);
    let is_absent = |class: &&str| scene.lacks("storage.k8s.io", "StorageClass", None, class) == Some(true);
    if let Some(class) = class.filter(|class| !class.is_empty()).filter(is_absent) {
        let message = format!("claim {} asks for storage class {class}, which does not exist", name(claim));
        return new(6001, message).seen(classes(scene));
    }
    let events = events::of(claim, scene);
    let told = events::last(
        &events,
        &[
            "ProvisioningFailed",
            "FailedBinding",
            "WaitForFirstConsumer",
            "ExternalProvisioning",
            "Provisioning",
            "WaitForPodScheduled",
        ],
    );
    match told.map(|event| (event.reason(), event.message(), event)) {
        Some(("ProvisioningFailed", message, _))
            if message.contains("storageclass") && message.contains("not found") =>
        {
            new(6001, format!("the storage class of claim {} does not exist", name(claim))).seen(message)
        }
        Some(("ProvisioningFailed", message, event)) => {
            new(6002, format!("the volume of claim {} cannot be made", name(claim))).seen(message).since(event.first())
        }
        Some(("FailedBinding", message, _)) if message.contains("no storage class is set") => {
            new(6001, format!("claim {} names no storage class, and none is the default", name(claim))).seen(message)
        }
        Some(("WaitForFirstConsumer" | "WaitForPodScheduled", message, _)) => wait(claim).seen(message),
        _ if waits_for_consumer(claim, scene) => wait(claim),
        _ => new(6008, format!("claim {} is not bound to a volume", name(claim)))
            .seen(told.map_or("", |event| event.message())),
    }
}

fn wait(claim: &Value) -> Diagnosis {
    let message = format!("claim {} waits for its first pod", name(claim));
    Diagnosis::new(6003, reference(claim), message).since(created(claim))
}

fn class_name(claim: &Value) -> Option<&str> {
    claim
        .pointer("/spec/storageClassName")
        .and_then(Value::as_str)
        .or_else(|| annotation(claim, "volume.beta.kubernetes.io/storage-class"))
}

fn classes(scene: &Scene<'_>) -> String {
    let mut names: Vec<&str> =
        scene.cluster.list("storage.k8s.io", "StorageClass", None).into_iter().map(name).collect();
    names.sort_unstable();
    format!("storage classes there are: {}", names.join(", "))
}

/// The class binds when a pod comes. Known from the class, or from the event that the controller writes.
pub(crate) fn waits_for_consumer(claim: &Value, scene: &Scene<'_>) -> bool {
    const MODE: &str = "WaitForFirstConsumer";
    let default = || {
        let classes = scene.cluster.list("storage.k8s.io", "StorageClass", None);
        classes
            .into_iter()
            .find(|class| annotation(class, "storageclass.kubernetes.io/is-default-class") == Some("true"))
    };
    let class = match class_name(claim) {
        Some(class) => scene.find("storage.k8s.io", "StorageClass", None, class),
        None => default(),
    };
    let by_class = class.map(|class| text(class, "/volumeBindingMode") == MODE);
    by_class.unwrap_or_else(|| {
        events::last(&events::of(claim, scene), &[MODE, "FailedBinding", "ProvisioningFailed"])
            .is_some_and(|event| event.reason() == MODE)
    })
}

fn resize(claim: &Value) -> Option<Diagnosis> {
    let kinds = ["FileSystemResizePending", "ControllerResizeError", "NodeResizeError", "Resizing"];
    let condition =
        kinds.iter().filter_map(|kind| Condition::of(claim, kind)).find(|condition| condition.is("True"))?;
    if condition.kind() == "Resizing" && !has_condition(claim, "ControllerResizeError", "True") {
        return None;
    }
    let message = format!("the expansion of claim {} is not finished ({})", name(claim), condition.kind());
    Some(Diagnosis::new(6006, reference(claim), message).seen(condition.message()).since(condition.since()))
}

/// A claim that a pod names and nobody made.
pub(super) fn missing(pod: &Value, claim: &str) -> Diagnosis {
    let message = format!(
        "claim {claim} does not exist in namespace {}, and the pod uses it",
        namespace(pod).unwrap_or("default")
    );
    Diagnosis::new(6007, reference(pod), message).since(created(pod)).class(Class::After(20))
}

//! Images: why they cannot be pulled, and that they are being pulled.

use serde_json::Value;

use super::container::View;
use super::events;
use crate::classify::{classify, image::TABLE};
use crate::cluster::Scene;
use crate::diagnosis::{Axis, Certainty, Class, Diagnosis};
use crate::read::{items, text};

pub(super) fn cannot_pull(view: &View<'_, '_>) -> Diagnosis {
    let reason = text(view.status, "/state/waiting/reason");
    let message = text(view.status, "/state/waiting/message");
    let image = view.image();
    match reason {
        "InvalidImageName" => return view.says(3007, format!("{image:?} is no valid image reference")).seen(message),
        "ErrImageNeverPull" => {
            return view.says(3008, format!("image {image} is not on the node and must not be pulled")).seen(message);
        }
        "SignatureValidationFailed" => {
            return view.says(3009, format!("the signature of image {image} is not accepted")).seen(message);
        }
        _ => {}
    }
    // While backing off, older kubelets say only that they do: the reason is then in the event (krane#124).
    let told = events::last_of(view.events, view.name(), &["Failed"]).filter(|event| event.message().contains(image));
    let candidates = [Some((message, Certainty::Proven)), told.map(|event| (event.message(), Certainty::Proven))];
    let known = candidates.iter().flatten().find_map(|(text, sure)| Some((classify(TABLE, text)?, *text, *sure)));
    let by_reason = (reason == "RegistryUnavailable").then_some((3005, message, Certainty::Proven));
    let Some((code, words, certainty)) = known.or(by_reason) else {
        let new = view.says(3000, format!("image {image} cannot be pulled")).certainty(Certainty::Possible);
        return new.seen(format!("{reason}: {message}")).seen(told.map_or("", |event| event.message()));
    };
    let new = view.says(code, sentence(code, image)).certainty(certainty).seen(words);
    match code {
        3003 => with_pull_secrets(new, view.pod, view.scene),
        _ => new,
    }
}

fn sentence(code: u16, image: &str) -> String {
    match code {
        3001 => format!("image {image} does not exist for the node's CPU"),
        3002 => format!("image {image} does not exist"),
        3003 => format!("the registry refuses the credentials for image {image}"),
        3004 => format!("the registry limits pulls of image {image}"),
        3005 => format!("the node cannot reach the registry of image {image}"),
        3006 => format!("the node does not trust the registry of image {image}"),
        3007 => format!("{image:?} is no valid image reference"),
        3010 => format!("the node's disk is full, image {image} does not fit"),
        _ => format!("image {image} cannot be pulled"),
    }
}

/// Which credentials were tried: that is what has to be repaired.
fn with_pull_secrets(new: Diagnosis, pod: &Value, scene: &Scene<'_>) -> Diagnosis {
    let namespace = crate::read::namespace(pod);
    let names: Vec<&str> = items(pod, "/spec/imagePullSecrets").map(|secret| text(secret, "/name")).collect();
    if names.is_empty() {
        return new.seen("the pod names no imagePullSecrets");
    }
    names.iter().fold(new, |new, name| {
        let missing = scene.lacks("", "Secret", namespace, name) == Some(true);
        let words = if missing { "which does not exist" } else { "which was tried" };
        new.seen(format!("pull secret {name}, {words}")).shares(Axis::Secret, name)
    })
}

/// Pulling is not progress for the deployment controller, but it is for us.
pub(super) fn being_pulled(view: &View<'_, '_>) -> Option<Diagnosis> {
    let event = events::last_of(view.events, view.name(), &["Pulling", "Pulled", "Failed"])?;
    if event.reason() != "Pulling" {
        return None;
    }
    let seconds = event.last().map_or(0, |since| view.scene.seconds_since(since));
    let message = format!("image {} is being pulled, for {seconds} s", view.image());
    Some(view.says(3011, message).class(Class::Wait).seen(event.message()).since(event.last()))
}

//! The containers of a pod in the order in which they start: the first that is stuck is the cause.

use serde_json::Value;

use super::{config, crash, image};
use crate::cluster::Scene;
use crate::diagnosis::Diagnosis;
use crate::read::{Event, created, is_true, items, reference, text, time};

/// One container, with everything about it in reach.
pub(crate) struct View<'a, 's> {
    pub(crate) pod: &'a Value,
    pub(crate) status: &'a Value,
    pub(crate) spec: &'a Value,
    pub(crate) events: &'s [Event<'a>],
    pub(crate) scene: &'s Scene<'a>,
    pub(crate) role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Init,
    /// An init container that goes on running.
    Sidecar,
    Main,
}

impl<'a> View<'a, '_> {
    pub(crate) fn name(&self) -> &'a str {
        text(self.status, "/name")
    }

    pub(crate) fn image(&self) -> &'a str {
        Some(text(self.spec, "/image")).filter(|image| !image.is_empty()).unwrap_or(text(self.status, "/image"))
    }

    /// "container api", "init container migrate".
    pub(crate) fn title(&self) -> String {
        match self.role {
            Role::Init => format!("init container {}", self.name()),
            Role::Sidecar => format!("sidecar {}", self.name()),
            Role::Main => format!("container {}", self.name()),
        }
    }

    pub(crate) fn says(&self, code: u16, message: impl Into<String>) -> Diagnosis {
        let image = self.image();
        Diagnosis::new(code, reference(self.pod), message)
            .since(created(self.pod))
            .shares(crate::diagnosis::Axis::Image, image)
    }
}

/// Looks at init containers before containers: what stands first in line explains what waits behind it.
pub(crate) fn all<'a>(pod: &'a Value, events: &[Event<'a>], scene: &Scene<'a>, found: &mut Vec<Diagnosis>) {
    let from = found.len();
    for status in items(pod, "/status/initContainerStatuses") {
        let spec = spec_of(pod, "/spec/initContainers", status);
        let role = if text(spec, "/restartPolicy") == "Always" { Role::Sidecar } else { Role::Init };
        one(&View { pod, status, spec, events, scene, role }, found);
        if found[from..].iter().any(Diagnosis::is_cause) {
            return;
        }
    }
    for status in items(pod, "/status/containerStatuses") {
        let spec = spec_of(pod, "/spec/containers", status);
        one(&View { pod, status, spec, events, scene, role: Role::Main }, found);
    }
}

fn spec_of<'a>(pod: &'a Value, list: &str, status: &Value) -> &'a Value {
    const NONE: &Value = &Value::Null;
    items(pod, list).find(|spec| text(spec, "/name") == text(status, "/name")).unwrap_or(NONE)
}

fn one(view: &View<'_, '_>, found: &mut Vec<Diagnosis>) {
    match text(view.status, "/state/waiting/reason") {
        "" => running_or_ended(view, found),
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "SignatureValidationFailed"
        | "RegistryUnavailable"
        | "ImageInspectError" => found.push(image::cannot_pull(view)),
        "CreateContainerConfigError"
        | "CreateContainerError"
        | "RunContainerError"
        | "PreStartHookError"
        | "PostStartHookError"
        | "StartError" => found.push(config::cannot_start(view)),
        "CrashLoopBackOff" => found.extend(crash::looping(view)),
        "ContainerCreating" | "PodInitializing" => {
            // A restart passes through here too: the last end says more than the new beginning.
            found.extend(crash::looping(view));
            found.extend(image::being_pulled(view));
        }
        _ => found.push(config::cannot_start(view)),
    }
}

fn running_or_ended(view: &View<'_, '_>, found: &mut Vec<Diagnosis>) {
    if view.status.pointer("/state/terminated").is_some() {
        return found.extend(crash::looping(view));
    }
    if view.status.pointer("/state/running").is_none() {
        return;
    }
    let crash = crash::looping(view);
    let crashed = crash.is_some();
    found.extend(crash);
    if crashed || is_true(view.status, "/ready") && view.role == Role::Main {
        return;
    }
    let since = time(view.status, "/state/running/startedAt");
    match view.role {
        Role::Init => found.push(view.says(4015, format!("{} is still running", view.title())).since(since)),
        Role::Sidecar if !is_true(view.status, "/started") => {
            let message = format!("{} has not started, and the others wait for it", view.title());
            let grace = crate::diagnose::probes::startup_seconds(view.spec).max(60);
            found.push(view.says(4016, message).class(crate::diagnosis::Class::After(grace)).since(since));
        }
        _ => {}
    }
}

//! Pods that must start anew because what they read at their start changes back under them.

use std::collections::BTreeSet;
use std::sync::Arc;

use lucid_object::{Object, ObjectRef};
use lucid_release::names::{RESTART_MANAGER, RESTARTED_ANNOTATION};
use serde_json::{Value, json};

use crate::build::{Action, Input, Operation, Request};
use crate::references;

/// Turns unchanged workloads into restarted ones where a ConfigMap or Secret that their pods name is written.
///
/// The annotation has a field manager of its own, so that it is no part of what the release says.
pub(crate) fn readers(input: &Input<'_>, operations: &mut [Operation]) {
    let written: BTreeSet<ObjectRef> = operations
        .iter()
        .filter(|operation| operation.action != Action::Unchanged)
        .filter(|operation| matches!(operation.object.kind.as_str(), "ConfigMap" | "Secret"))
        .map(|operation| operation.object.clone())
        .collect();
    for (object, operation) in input.objects.iter().zip(operations) {
        if operation.action == Action::Unchanged && is_restarted_by_template(object) && reads(object, &written) {
            operation.action = Action::Update;
            operation.requests = vec![restart(object, input.epoch)];
        }
    }
}

fn is_restarted_by_template(object: &Object) -> bool {
    object.group() == "apps" && matches!(object.kind(), "Deployment" | "StatefulSet" | "DaemonSet")
}

fn reads(object: &Object, written: &BTreeSet<ObjectRef>) -> bool {
    let references = object.pod_spec().map(references::of_pod_spec).unwrap_or_default();
    references
        .iter()
        .any(|reference| written.contains(&ObjectRef::new("", reference.kind, object.namespace(), &reference.name)))
}

fn restart(object: &Object, epoch: Option<u64>) -> Request {
    let mut body: Value = json!({
        "apiVersion": object.value()["apiVersion"], "kind": object.kind(), "metadata": {"name": object.name()},
        "spec": {"template": {"metadata": {"annotations": {RESTARTED_ANNOTATION: epoch.unwrap_or(0).to_string()}}}},
    });
    if let Some(namespace) = object.namespace() {
        body["metadata"]["namespace"] = namespace.into();
    }
    Request { manager: RESTART_MANAGER, body: Arc::new(body), force: false }
}

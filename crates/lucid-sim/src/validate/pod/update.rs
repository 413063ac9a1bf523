//! What of a pod can change.

use serde_json::Value;

use super::super::field::{At, Problems};
use crate::json::Json;

pub(crate) fn update(old: &Value, new: &Value, problems: &mut Problems) {
    let at = At::new("spec");
    let (old, new) = (old.at("spec"), new.at("spec"));
    for list in ["containers", "initContainers"] {
        if containers(old.list(list), new.list(list), &at.child(list), problems) {
            return;
        }
    }
    if deadline(old, new, &at.child("activeDeadlineSeconds"), problems) {
        return;
    }
    tolerations(old.list("tolerations"), new.list("tolerations"), &at.child("tolerations"), problems);
    let had: Vec<&str> = old.list("schedulingGates").iter().map(|gate| gate.str("name")).collect();
    let gates = new.list("schedulingGates");
    for (index, gate) in gates.iter().enumerate() {
        let name = gate.str("name");
        // Of a gate that is named twice, the last is meant.
        let last = gates.iter().rposition(|other| other.str("name") == name) == Some(index);
        if last && !had.contains(&name) {
            let detail = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            problems.forbidden(&at.child("schedulingGates").index(index).child("name"), &detail);
        }
    }
    if fixed(old) != fixed(new) {
        let detail = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        problems.forbidden(&at, detail);
    }
}

/// Whether nothing else need be looked at.
fn containers(old: &[Value], new: &[Value], at: &At, problems: &mut Problems) -> bool {
    if old.len() != new.len() {
        problems.forbidden(at, "pod updates may not add or remove containers");
        return true;
    }
    for (index, container) in new.iter().enumerate() {
        let (image, at) = (container.str("image"), at.index(index).child("image"));
        if image.is_empty() {
            problems.required(&at, "");
        } else if image.trim() != image {
            problems.invalid(&at, image, "must not have leading or trailing whitespace");
        }
    }
    false
}

fn deadline(old: &Value, new: &Value, at: &At, problems: &mut Problems) -> bool {
    let (before, after) = (old.at("activeDeadlineSeconds").as_i64(), new.at("activeDeadlineSeconds").as_i64());
    match (before, after) {
        (_, Some(after)) if !(0..=i64::from(i32::MAX)).contains(&after) => {
            problems.invalid(at, after, super::super::text::range(0, i32::MAX.into()));
            true
        }
        (Some(before), Some(after)) if before < after => {
            problems.invalid(at, after, "must be less than or equal to previous value");
            true
        }
        (Some(_), None) => {
            problems.invalid(at, Value::Null, "must not update from a positive integer to nil value");
            false
        }
        _ => false,
    }
}

fn tolerations(old: &[Value], new: &[Value], at: &At, problems: &mut Problems) {
    let rest = |toleration: &Value| {
        let mut rest = toleration.clone();
        rest.as_object_mut().map(|map| map.remove("tolerationSeconds"));
        rest
    };
    let kept = |toleration: &Value| new.iter().any(|other| rest(other) == rest(toleration));
    if !old.iter().all(kept) {
        problems.forbidden(at, "existing toleration can not be modified except its tolerationSeconds");
    }
}

/// The spec without what may change.
fn fixed(spec: &Value) -> Value {
    let mut spec = spec.clone();
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            container.as_object_mut().map(|map| map.remove("image"));
        }
    }
    if let Some(map) = spec.as_object_mut() {
        for open in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
            map.remove(open);
        }
    }
    spec
}

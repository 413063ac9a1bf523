//! Facts about pods that controllers decide by, and making and deleting pods.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::time;
use crate::world::World;
use crate::world::delete::DeleteOptions;

use super::conditions;
use super::owners;

pub(crate) fn is_finished(pod: &Value) -> bool {
    matches!(pod.str("status/phase"), "Succeeded" | "Failed")
}

/// Neither finished nor on its way out.
pub(crate) fn is_active(pod: &Value) -> bool {
    !is_finished(pod) && !pod.is_deleting()
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    conditions::is_true(pod, "Ready")
}

pub(crate) fn is_running_and_ready(pod: &Value) -> bool {
    pod.str("status/phase") == "Running" && is_ready(pod)
}

/// Seconds since 1970 at which the pod became ready.
pub(crate) fn ready_since(pod: &Value) -> Option<i64> {
    let ready = conditions::find(pod, "Ready").filter(|condition| condition.str("status") == "True")?;
    time::parse_seconds(ready.str("lastTransitionTime"))
}

/// How long until a ready pod counts as available; `None` when it is not ready, zero when it is available.
pub(crate) fn available_in(pod: &Value, min_ready_seconds: i64, now: i64) -> Option<Duration> {
    let since = ready_since(pod)?;
    let left = if min_ready_seconds == 0 { 0 } else { since + min_ready_seconds - now };
    Some(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
}

pub(crate) fn is_available(pod: &Value, min_ready_seconds: i64, now: i64) -> bool {
    available_in(pod, min_ready_seconds, now) == Some(Duration::ZERO)
}

pub(crate) fn restarts(pod: &Value) -> i64 {
    pod.list("status/containerStatuses").iter().map(|status| status.int("restartCount")).max().unwrap_or(0)
}

/// A pod of a template, as the template's owner makes it; `base` is the `generateName`.
pub(crate) fn of_template(template: &Value, owner: &Value, base: &str) -> Value {
    let mut pod = json!({"metadata": {}, "spec": template.at("spec").clone()});
    for field in ["labels", "annotations", "finalizers"] {
        let path = format!("metadata/{field}");
        if template.has(&path) {
            pod.put(&path, template.at(&path).clone());
        }
    }
    // Names are cut so that five random characters fit.
    let base: String = base.chars().take(253 - 5).collect();
    pod.put("metadata/generateName", base);
    pod.put("metadata/ownerReferences", json!([owners::reference(owner)]));
    pod
}

/// Creates a pod for its owner, with the events that go with it.
pub(crate) fn create(world: &mut World, pod: Value, owner: &Value, component: &str) -> Result<Arc<Value>, ApiError> {
    let made = world.make(Table::PODS, owner.namespace(), pod, "kube-controller-manager");
    match &made {
        Ok(pod) => world.normal(component, owner, "SuccessfulCreate", &format!("Created pod: {}", pod.name())),
        Err(error) if !is_namespace_terminating(error) => {
            world.warning(component, owner, "FailedCreate", &format!("Error creating: {}", error.message));
        }
        Err(_) => {}
    }
    made
}

fn is_namespace_terminating(error: &ApiError) -> bool {
    let causes = error.details.as_ref().map_or(&[][..], |details| details.list("causes"));
    causes.iter().any(|cause| cause.str("reason") == "NamespaceTerminating")
}

/// Deletes a pod for its owner; a pod that is gone or replaced already is let be.
pub(crate) fn delete(world: &mut World, pod: &Value, owner: &Value, component: &str) {
    let kind = world.kinds.stored(Table::PODS).clone();
    let options = DeleteOptions { uid: Some(pod.uid().to_owned()), ..DeleteOptions::default() };
    if world.delete(&kind, pod.namespace(), pod.name(), &options).is_ok() {
        world.normal(component, owner, "SuccessfulDelete", &format!("Deleted pod: {}", pod.name()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(at: &str) -> Value {
        json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": at}]}})
    }

    #[test]
    fn availability_needs_its_time() {
        let pod = ready("1970-01-01T00:01:40Z");
        assert_eq!(available_in(&pod, 0, 100), Some(Duration::ZERO));
        assert_eq!(available_in(&pod, 10, 104), Some(Duration::from_secs(6)));
        assert!(is_available(&pod, 10, 110) && !is_available(&pod, 10, 109));
        assert_eq!(available_in(&json!({}), 0, 100), None);
    }
}

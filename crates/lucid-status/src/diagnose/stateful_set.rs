//! What only StatefulSets have: order, a governing Service, and rollouts that a broken old pod blocks.

use serde_json::Value;

use super::deployment::min_ready;
use crate::cluster::Scene;
use crate::diagnosis::{Class, Diagnosis};
use crate::read::{count, int, is_leaving, label, name, namespace, reference, text};
use crate::revision::{Owned, is_ready, ordinal, partition};

pub(super) fn about(set: &Value, owned: &Owned<'_>, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    found.extend(blocked_by_old_pod(set, owned));
    found.extend(ordered(set, owned));
    found.extend(service(set, scene));
    found.extend(min_ready(set, owned, scene));
    if text(set, "/spec/updateStrategy/type") == "OnDelete" && !owned.old.is_empty() {
        let message = format!("{} pods of the old revision stay until they are deleted", owned.old.len());
        found.push(Diagnosis::new(5118, reference(set), message));
    }
}

fn blocked_by_old_pod(set: &Value, owned: &Owned<'_>) -> Option<Diagnosis> {
    let pod = blocking(set, owned)?;
    let update = text(set, "/status/updateRevision");
    let message = format!(
        "pod {} of the old revision {} is broken and blocks the rollout of {update}",
        name(pod),
        label(pod, "controller-revision-hash").unwrap_or("?"),
    );
    let help = format!(
        "delete that one pod: `kubectl delete pod {} -n {}`; it comes back with the new revision",
        name(pod),
        namespace(pod).unwrap_or("default")
    );
    Some(Diagnosis::new(5104, reference(set), message).help(help))
}

/// kubernetes#67250: the lowest pod that is broken and of an old revision is never replaced by itself.
pub(crate) fn blocking<'a>(set: &Value, owned: &Owned<'a>) -> Option<&'a Value> {
    let is_rolling = matches!(text(set, "/spec/updateStrategy/type"), "" | "RollingUpdate");
    let is_ordered = text(set, "/spec/podManagementPolicy") != "Parallel";
    let update = text(set, "/status/updateRevision");
    if !is_rolling
        || !is_ordered
        || update.is_empty()
        || text(set, "/status/currentRevision") == update && owned.old.is_empty()
    {
        return None;
    }
    let mut broken: Vec<&Value> = owned.old.iter().copied().filter(|pod| !is_ready(pod) && !is_leaving(pod)).collect();
    broken.retain(|pod| ordinal(pod) >= partition(set) && is_broken(pod));
    broken.into_iter().min_by_key(|pod| ordinal(pod))
}

/// Starting is not broken: it must have ended, or be unable to begin.
fn is_broken(pod: &Value) -> bool {
    let statuses = crate::read::items(pod, "/status/initContainerStatuses")
        .chain(crate::read::items(pod, "/status/containerStatuses"));
    let mut statuses = statuses.peekable();
    let is_unplaced = statuses.peek().is_none() && crate::read::has_condition(pod, "PodScheduled", "False");
    is_unplaced
        || text(pod, "/status/phase") == "Failed"
        || statuses.any(|status| {
            let waiting = text(status, "/state/waiting/reason");
            !matches!(waiting, "" | "ContainerCreating" | "PodInitializing") || count(status, "/restartCount") > 0
        })
}

/// One pod at a time: the first that is not ready holds up the rest.
fn ordered(set: &Value, owned: &Owned<'_>) -> Option<Diagnosis> {
    if text(set, "/spec/podManagementPolicy") == "Parallel" {
        return None;
    }
    let wanted = int(set, "/spec/replicas").unwrap_or(1);
    let there = i64::try_from(owned.new.len() + owned.old.len()).unwrap_or(i64::MAX);
    let first = owned.new.iter().chain(&owned.old).filter(|pod| !is_ready(pod)).min_by_key(|pod| ordinal(pod))?;
    if there >= wanted {
        return None;
    }
    let message = format!("{} pods are not made before {} is ready", wanted - there, name(first));
    Some(Diagnosis::new(5105, reference(set), message))
}

/// Absent only if Services are cached there and this one is not among them.
fn service(set: &Value, scene: &Scene<'_>) -> Option<Diagnosis> {
    let wanted = Some(text(set, "/spec/serviceName")).filter(|name| !name.is_empty())?;
    let new = |words: String| Diagnosis::new(5106, reference(set), words).since(crate::read::changed(set));
    match scene.find("", "Service", namespace(set), wanted) {
        Some(service) if text(service, "/spec/clusterIP") == "None" => None,
        // Works without names of single pods, so it is no reason to fail.
        Some(_) => Some(
            new(format!("its Service {wanted} is not headless, so its pods have no names of their own"))
                .class(Class::Advice),
        ),
        None if scene.lacks("", "Service", namespace(set), wanted) == Some(true) => {
            Some(new(format!("its Service {wanted} does not exist")))
        }
        None => None,
    }
}

//! Objects that are being deleted and do not go.

use jiff::SignedDuration;
use serde_json::Value;

use super::node;
use crate::cluster::Scene;
use crate::diagnosis::{Class, Diagnosis};
use crate::read::{Condition, int, items, kind, reference, text, time};

pub(super) fn about(object: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    if kind(object) == "Namespace" {
        return namespace(object, found);
    }
    let finalizers: Vec<&str> = items(object, "/metadata/finalizers").filter_map(Value::as_str).collect();
    if kind(object) == "Pod" || finalizers.is_empty() {
        return;
    }
    // Kubernetes' own garbage collection removes these by itself once the dependents are gone.
    let own = ["foregroundDeletion", "orphan", "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"];
    let is_ours = finalizers.iter().all(|finalizer| own.contains(finalizer));
    let since = time(object, "/metadata/deletionTimestamp");
    let age = since.map_or(0, |since| scene.seconds_since(since));
    let message =
        format!("{} is being deleted, for {age} s, and held by {}", reference(object).short(), finalizers.join(", "));
    let new = Diagnosis::new(7008, reference(object), message).since(since);
    found.push(if is_ours { new.class(Class::Wait) } else { new });
}

fn namespace(namespace: &Value, found: &mut Vec<Diagnosis>) {
    let reasons = [
        "NamespaceDeletionDiscoveryFailure",
        "NamespaceDeletionGroupVersionParsingFailure",
        "NamespaceDeletionContentFailure",
        "NamespaceContentRemaining",
        "NamespaceFinalizersRemaining",
    ];
    let told =
        reasons.iter().filter_map(|kind| Condition::of(namespace, kind)).filter(|condition| condition.is("True"));
    let message = format!("namespace {} is being deleted, nothing new can be made in it", crate::read::name(namespace));
    let new = Diagnosis::new(7007, reference(namespace), message).since(time(namespace, "/metadata/deletionTimestamp"));
    found.push(told.fold(new, |new, condition| new.seen(condition.message())));
}

/// `deletionTimestamp` is when the grace period ends.
pub(super) fn pod(pod: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    let Some(end) = time(pod, "/metadata/deletionTimestamp") else { return };
    if end + SignedDuration::from_secs(5) > scene.now {
        return;
    }
    let node = text(pod, "/spec/nodeName");
    let finalizers: Vec<&str> = items(pod, "/metadata/finalizers").filter_map(Value::as_str).collect();
    let why = match (finalizers.is_empty(), node::is_down(node, scene)) {
        (false, _) => format!("finalizer {} holds it", finalizers.join(", ")),
        (true, true) => format!("its node {node} does not answer"),
        (true, false) => "its containers do not end".to_owned(),
    };
    let late = scene.seconds_since(end);
    let grace = int(pod, "/metadata/deletionGracePeriodSeconds").unwrap_or(30);
    let message = format!("the pod should have gone {late} s ago (grace period {grace} s): {why}");
    found.push(Diagnosis::new(5012, reference(pod), message).since(Some(end)));
}

//! Which pods are of the new revision: only those say anything about our write.

use serde_json::Value;

use crate::cluster::Scene;
use crate::read::{annotation, count, created, group, int, items, kind, label, name, text, uid};

/// What a workload owns, split by revision.
#[derive(Debug, Default)]
pub(crate) struct Owned<'a> {
    /// The new ReplicaSet of a Deployment.
    pub(crate) replica_set: Option<&'a Value>,
    pub(crate) new: Vec<&'a Value>,
    pub(crate) old: Vec<&'a Value>,
}

/// What this object owns, as far as it is cached. A Pod owns itself.
pub(crate) fn owned<'a>(object: &'a Value, scene: &Scene<'a>) -> Owned<'a> {
    match (group(object), kind(object)) {
        ("apps", "Deployment") => of_deployment(object, scene),
        ("apps", "StatefulSet") => by_hash(object, scene, Some(text(object, "/status/updateRevision"))),
        ("apps", "DaemonSet") => of_daemon_set(object, scene),
        ("apps", "ReplicaSet") | ("batch", "Job") | ("", "ReplicationController") => {
            Owned { new: pods(object, scene), ..Owned::default() }
        }
        ("", "Pod") => Owned { new: vec![object], ..Owned::default() },
        _ => Owned::default(),
    }
}

fn pods<'a>(owner: &Value, scene: &Scene<'a>) -> Vec<&'a Value> {
    let mut pods = scene.cluster.owned_by(uid(owner));
    pods.retain(|child| kind(child) == "Pod");
    pods.sort_by(|a, b| name(a).cmp(name(b)));
    pods
}

/// The ReplicaSet whose revision is the Deployment's, as the deployment controller marks them.
fn of_deployment<'a>(deployment: &Value, scene: &Scene<'a>) -> Owned<'a> {
    const REVISION: &str = "deployment.kubernetes.io/revision";
    let mut sets = scene.cluster.owned_by(uid(deployment));
    sets.retain(|child| kind(child) == "ReplicaSet");
    sets.sort_by_key(|set| (created(set), name(set)));
    let newest = match annotation(deployment, REVISION) {
        Some(revision) => sets.iter().rposition(|set| annotation(set, REVISION) == Some(revision)),
        None => sets.len().checked_sub(1),
    };
    let Some(newest) = newest else {
        return Owned { old: sets.iter().flat_map(|set| pods(set, scene)).collect(), ..Owned::default() };
    };
    let replica_set = sets.remove(newest);
    let old = sets.iter().flat_map(|set| pods(set, scene)).collect();
    Owned { replica_set: Some(replica_set), new: pods(replica_set, scene), old }
}

fn by_hash<'a>(object: &Value, scene: &Scene<'a>, hash: Option<&str>) -> Owned<'a> {
    let hash = hash.filter(|hash| !hash.is_empty());
    let is_new = |pod: &&Value| hash.is_none() || label(pod, "controller-revision-hash") == hash;
    let (new, old) = pods(object, scene).into_iter().partition(is_new);
    Owned { replica_set: None, new, old }
}

/// A DaemonSet does not tell its newest revision in its status: its newest ControllerRevision does, and where those are
/// not cached, the template generation that its pods are labelled with.
fn of_daemon_set<'a>(set: &Value, scene: &Scene<'a>) -> Owned<'a> {
    let children = scene.cluster.owned_by(uid(set));
    let revisions = children.iter().filter(|child| kind(child) == "ControllerRevision");
    let newest = revisions.max_by_key(|revision| count(revision, "/revision"));
    if let Some(hash) = newest.and_then(|revision| label(revision, "controller-revision-hash")) {
        return by_hash(set, scene, Some(hash));
    }
    let generation = annotation(set, "deprecated.daemonset.template.generation");
    let is_new = |pod: &&Value| generation.is_none() || label(pod, "pod-template-generation") == generation;
    let (new, old) = pods(set, scene).into_iter().partition(is_new);
    Owned { replica_set: None, new, old }
}

/// The number at the end of a StatefulSet pod's name.
pub(crate) fn ordinal(pod: &Value) -> i64 {
    name(pod).rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

/// The ordinal from which on a StatefulSet updates.
pub(crate) fn partition(set: &Value) -> i64 {
    int(set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0).max(0)
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    crate::read::has_condition(pod, "Ready", "True")
}

/// Every container of a pod spec, init containers first, as kubelet starts them.
pub(crate) fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    items(pod, "/spec/initContainers").chain(items(pod, "/spec/containers"))
}

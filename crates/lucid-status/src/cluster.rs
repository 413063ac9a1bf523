//! What is known around an object: the caller's view of the cluster, and since when we judge.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use lucid_object::ObjectRef;
use serde_json::Value;

use crate::read::{count, created, items, name, time, uid};

/// Everything the API shows around one object: raw API objects, borrowed from the caller's watch cache.
///
/// What is not cached is simply absent, so absence proves nothing unless [`Cluster::list`] shows that the kind is
/// there at all.
pub trait Cluster {
    fn get(&self, reference: &ObjectRef) -> Option<&Value>;
    /// By the uid of the controlling owner: ReplicaSets of a Deployment, pods of a ReplicaSet, StatefulSet, Job.
    fn owned_by(&self, uid: &str) -> Vec<&Value>;
    /// Events by the uid of the object that they are about.
    fn events_for(&self, uid: &str) -> Vec<&Value>;
    /// All cached objects of a kind; `None` for the cluster-scoped ones.
    fn list(&self, group: &str, kind: &str, namespace: Option<&str>) -> Vec<&Value>;
    /// All cached objects of a kind, wherever they are.
    fn everywhere(&self, _group: &str, _kind: &str) -> Vec<&Value> {
        Vec::new()
    }
    /// The end of a container's log, where somebody took the closer look that [`crate::closer`] asks for.
    fn last_words(&self, _pod_uid: &str, _container: &str) -> Option<&str> {
        None
    }
    /// True for a port that answered within the pod's own network.
    fn answers_inside(&self, _pod_uid: &str, _port: u16) -> bool {
        false
    }
}

/// From when on we judge. The default judges what is there, whoever wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Since {
    /// `metadata.generation` from the answer to our write; nothing older counts.
    pub generation: Option<i64>,
    pub applied_at: Option<Timestamp>,
    /// Restarts before our write, by [`Since::key`].
    pub restarts: BTreeMap<String, i64>,
}

/// Our clock and the server's may differ a little, and the server's times have whole seconds.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_secs(2);

impl Since {
    /// Names a container across lists: pod uid and container name.
    pub fn key(pod_uid: &str, container: &str) -> String {
        format!("{pod_uid}/{container}")
    }

    /// Remembers how often the containers of these pods had been restarted before we came.
    pub fn remember_restarts<'a>(&mut self, pods: impl IntoIterator<Item = &'a Value>) {
        for pod in pods {
            for list in ["/status/initContainerStatuses", "/status/containerStatuses"] {
                for status in items(pod, list) {
                    let key = Self::key(uid(pod), status.get("name").and_then(Value::as_str).unwrap_or(""));
                    self.restarts.insert(key, count(status, "/restartCount"));
                }
            }
        }
    }

    /// True for what happened after our write, or if we did not write.
    pub(crate) fn covers(&self, at: Option<Timestamp>) -> bool {
        match (self.applied_at, at) {
            (Some(applied), Some(at)) => at + CLOCK_SLACK >= applied,
            _ => true,
        }
    }

    /// How often a container ended since our write.
    pub(crate) fn restarts_of(&self, pod: &Value, status: &Value) -> i64 {
        let total = count(status, "/restartCount");
        let key = Self::key(uid(pod), status.get("name").and_then(Value::as_str).unwrap_or(""));
        if let Some(before) = self.restarts.get(&key) {
            return (total - before).max(0);
        }
        // A pod older than our write that goes on crashing is as broken as it was; one that is quiet since is not.
        let last_end = time(status, "/lastState/terminated/finishedAt");
        if self.covers(created(pod)) || self.covers(last_end) && last_end.is_some() { total } else { 0 }
    }
}

/// A view of the cluster, the moment, and since when we judge: what every rule needs.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) cluster: &'a dyn Cluster,
    pub(crate) since: &'a Since,
    pub(crate) now: Timestamp,
}

impl<'a> Scene<'a> {
    /// Seconds since then, never negative.
    pub(crate) fn seconds_since(&self, then: Timestamp) -> i64 {
        self.now.duration_since(then).as_secs().max(0)
    }

    pub(crate) fn find(&self, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<&'a Value> {
        self.cluster.get(&ObjectRef::new(group, kind, namespace, name))
    }

    /// Absence can be told from ignorance: `Some(true)` if the kind is cached there and this name is not.
    pub(crate) fn lacks(&self, group: &str, kind: &str, namespace: Option<&str>, wanted: &str) -> Option<bool> {
        if self.find(group, kind, namespace, wanted).is_some() {
            return Some(false);
        }
        let known = self.cluster.list(group, kind, namespace);
        if known.is_empty() { None } else { Some(!known.iter().any(|object| name(object) == wanted)) }
    }
}

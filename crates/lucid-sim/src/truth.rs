//! What really runs: the judge of rehearsals. It asks the kubelets, never a status.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::json::Json;
use crate::kinds::Table;
use crate::world::World;

/// The pods of the cluster by the workload that they belong to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    pub workloads: BTreeMap<WorkloadId, Vec<PodTruth>>,
}

/// A Deployment, StatefulSet, DaemonSet, Job, CronJob, or a pod that nobody controls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkloadId {
    pub namespace: String,
    pub kind: String,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodTruth {
    pub name: String,
    pub node: String,
    /// The controller's mark of the template that the pod was made from; empty for Jobs and bare pods.
    pub revision: String,
    pub is_terminating: bool,
    pub containers: Vec<ContainerTruth>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerTruth {
    pub name: String,
    pub image: String,
    /// What a request to it gets: an answer, a refusal (`Some(false)`), or nobody to talk to.
    pub answers: Option<bool>,
}

impl Truth {
    pub fn pods(&self, namespace: &str, kind: &str, name: &str) -> &[PodTruth] {
        let id = WorkloadId { namespace: namespace.into(), kind: kind.into(), name: name.into() };
        self.workloads.get(&id).map_or(&[], Vec::as_slice)
    }

    /// How many pods of the workload serve, by the images of their containers.
    pub fn serving(&self, namespace: &str, kind: &str, name: &str) -> BTreeMap<Vec<&str>, usize> {
        let mut counts = BTreeMap::new();
        for pod in self.pods(namespace, kind, name).iter().filter(|pod| pod.serves()) {
            let images = pod.containers.iter().map(|container| container.image.as_str()).collect();
            *counts.entry(images).or_default() += 1;
        }
        counts
    }
}

impl PodTruth {
    /// Every container answers, and nobody has told the pod to go.
    pub fn serves(&self) -> bool {
        !self.is_terminating && self.containers.iter().all(|container| container.answers == Some(true))
    }
}

pub(crate) fn of(world: &World) -> Truth {
    let mut truth = Truth::default();
    for pod in world.store.list(Table::PODS) {
        truth.workloads.entry(workload(world, pod)).or_default().push(pod_truth(world, pod));
    }
    truth
}

fn pod_truth(world: &World, pod: &Value) -> PodTruth {
    let container = |container: &Value| ContainerTruth {
        name: container.str("name").into(),
        image: container.str("image").into(),
        answers: world.kubelets.answer(pod, container.str("name"), world.now()),
    };
    let revisions = ["pod-template-hash", "controller-revision-hash"];
    let revision = revisions.into_iter().map(|key| pod.label(key)).find(|value| !value.is_empty());
    PodTruth {
        name: pod.name().into(),
        node: pod.str("spec/nodeName").into(),
        revision: revision.unwrap_or_default().into(),
        is_terminating: pod.is_deleting(),
        containers: pod.list("spec/containers").iter().map(container).collect(),
    }
}

/// Follows the owners up: pod, ReplicaSet, Deployment.
fn workload(world: &World, pod: &Value) -> WorkloadId {
    let (mut kind, mut name) = ("Pod", pod.name());
    let mut at = pod;
    while let Some(owner) = at.controller() {
        (kind, name) = (owner.str("kind"), owner.str("name"));
        match world.store.by_uid(owner.str("uid")) {
            Some((_, found)) => at = found,
            None => break,
        }
    }
    WorkloadId { namespace: pod.namespace().into(), kind: kind.into(), name: name.into() }
}

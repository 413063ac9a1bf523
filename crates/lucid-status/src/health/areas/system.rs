//! What the cluster itself runs: when names or the network are broken, everything seems to be.

use serde_json::Value;

use crate::diagnosis::Diagnosis;
use crate::health::facts::SYSTEM;
use crate::health::view::{Judged, View, desired, ready, title};
use crate::read::reference;
use crate::readiness::readiness;
use crate::verdict::Status;

pub(super) fn judge(view: &View<'_>) -> Vec<Judged> {
    let kinds = ["Deployment", "DaemonSet"].into_iter();
    let all = kinds.flat_map(|kind| view.facts.cluster.list("apps", kind, Some(SYSTEM)));
    // The release may have workloads of its own there; they are judged with their components.
    let foreign = all.filter(|workload| view.owner(&reference(workload)).is_none());
    foreign.map(|workload| one(workload, view)).collect()
}

fn one(workload: &Value, view: &View<'_>) -> Judged {
    let verdict = readiness(workload, &view.since, view.facts.cluster, view.facts.now);
    let is_well = verdict.status == Status::Current;
    let (ready, desired) = (ready(workload), desired(workload));
    let words = format!("{} of the cluster itself: {ready} of {desired} pods are ready", title(workload));
    let trouble = Diagnosis::new(7006, reference(workload), words).seen(verdict.message);
    Judged::new(reference(workload), "runs", if is_well { Vec::new() } else { vec![trouble] })
}

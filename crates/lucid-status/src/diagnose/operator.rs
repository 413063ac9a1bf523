//! Who should look after a custom resource, and whether it runs.

use serde_json::Value;

use crate::cluster::Scene;
use crate::diagnosis::{Certainty, Diagnosis};
use crate::read::{count, int, name, reference, text, writers_of_status};
use crate::readiness::readiness;
use crate::verdict::Status;

/// Names that many programs go by, and that therefore name none.
const ANYBODY: [&str; 5] = ["manager", "controller", "operator", "main", "unknown"];

/// The Deployment of the program that last wrote the status, if it does not run.
pub(super) fn down(object: &Value, scene: &Scene<'_>) -> Option<Diagnosis> {
    let managers = managers_of_status(object);
    let is_it = |deployment: &&&Value| managers.iter().any(|manager| is_named_after(manager, name(deployment)));
    let deployments = scene.cluster.everywhere("apps", "Deployment");
    // Several may go by that name; if one of them runs, nothing is known.
    let (up, down): (Vec<&Value>, Vec<&Value>) =
        deployments.iter().filter(is_it).copied().partition(|deployment| runs(deployment, scene));
    let operator = down.first().filter(|_| up.is_empty())?;
    let (ready, desired) = (count(operator, "/status/readyReplicas"), int(operator, "/spec/replicas").unwrap_or(1));
    let title = reference(operator);
    let message = format!("its operator, {title}, does not run: {ready} of {desired} pods are ready");
    let new = Diagnosis::new(7009, reference(object), message).certainty(Certainty::Likely);
    Some(new.seen(format!("{} last wrote the status", managers.join(" and "))).since(scene.since.applied_at))
}

fn runs(deployment: &Value, scene: &Scene<'_>) -> bool {
    let wanted = int(deployment, "/spec/replicas").unwrap_or(1);
    wanted > 0 && readiness(deployment, &crate::Since::default(), scene.cluster, scene.now).status == Status::Current
}

/// Programs that own fields of the status, by the name under which they write.
fn managers_of_status(object: &Value) -> Vec<&str> {
    let managers = writers_of_status(object).map(|entry| text(entry, "/manager"));
    managers.filter(|manager| !manager.is_empty() && !ANYBODY.contains(manager)).collect()
}

/// `cert-manager-certificates-issuing` is a part of `cert-manager`.
fn is_named_after(manager: &str, deployment: &str) -> bool {
    !ANYBODY.contains(&deployment)
        && manager.strip_prefix(deployment).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

//! Autoscalers and disruption budgets: advice, never a reason to hold back a deploy.

use serde_json::Value;

use crate::diagnosis::Diagnosis;
use crate::read::{Condition, count, int, name, reference};

pub(super) fn autoscaler(hpa: &Value, found: &mut Vec<Diagnosis>) {
    let states = [("AbleToScale", "False", 5114), ("ScalingActive", "False", 5112), ("ScalingLimited", "True", 5113)];
    for (kind, status, code) in states {
        let Some(condition) = Condition::of(hpa, kind).filter(|condition| condition.is(status)) else { continue };
        let message = match (code, condition.reason()) {
            (5114, _) => format!("autoscaler {} finds no target", name(hpa)),
            (5112, "ScalingDisabled") => continue,
            (5112, _) => format!("autoscaler {} cannot read its metric", name(hpa)),
            (_, "TooManyReplicas") => {
                format!("autoscaler {} is at its maximum of {}", name(hpa), count(hpa, "/spec/maxReplicas"))
            }
            _ => continue,
        };
        found.push(Diagnosis::new(code, reference(hpa), message).seen(condition.words()).since(condition.since()));
    }
}

pub(super) fn budget(pdb: &Value, found: &mut Vec<Diagnosis>) {
    if int(pdb, "/status/disruptionsAllowed") != Some(0) || count(pdb, "/status/expectedPods") == 0 {
        return;
    }
    let (healthy, desired) = (count(pdb, "/status/currentHealthy"), count(pdb, "/status/desiredHealthy"));
    let why = if healthy < desired { "pods are unhealthy" } else { "it asks for all of them" };
    let message = format!("PodDisruptionBudget {} allows no disruption: {why}", name(pdb));
    let expected = count(pdb, "/status/expectedPods");
    found.push(
        Diagnosis::new(5115, reference(pdb), message)
            .seen(format!("{healthy} of {expected} healthy, {desired} wanted")),
    );
}

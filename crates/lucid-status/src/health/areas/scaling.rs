//! Autoscalers and disruption budgets: what they say of themselves.

use crate::health::view::{Judged, View};
use crate::read::{count, reference};

pub(super) fn autoscalers(view: &View<'_>) -> Vec<Judged> {
    let all = view.in_namespaces("autoscaling", "HorizontalPodAutoscaler").into_iter();
    all.map(|scaler| {
        let replicas = |field: &str| count(scaler, &format!("/status/{field}"));
        let fine = format!("{} of {} replicas wanted", replicas("currentReplicas"), replicas("desiredReplicas"));
        Judged::new(reference(scaler), fine, view.diagnose(scaler))
    })
    .collect()
}

pub(super) fn budgets(view: &View<'_>) -> Vec<Judged> {
    let all = view.in_namespaces("policy", "PodDisruptionBudget").into_iter();
    all.map(|budget| {
        let fine = format!(
            "{} of {} pods may go",
            count(budget, "/status/disruptionsAllowed"),
            count(budget, "/status/expectedPods")
        );
        Judged::new(reference(budget), fine, view.diagnose(budget))
    })
    .collect()
}

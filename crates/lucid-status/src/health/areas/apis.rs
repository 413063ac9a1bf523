//! Aggregated APIs: those that another server answers for.

use crate::health::view::{Judged, View};
use crate::read::{reference, text};

pub(super) fn judge(view: &View<'_>) -> Vec<Judged> {
    let mut services = view.in_cluster("apiregistration.k8s.io", "APIService");
    services.retain(|service| !text(service, "/spec/service/name").is_empty());
    services.into_iter().map(|service| Judged::new(reference(service), "answers", view.diagnose(service))).collect()
}

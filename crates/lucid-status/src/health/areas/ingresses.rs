//! Ingresses: class, backends, and the certificates that they serve.

use serde_json::Value;

use super::certificate;
use crate::health::view::{Judged, View};
use crate::read::{items, reference};

pub(super) fn judge(view: &View<'_>) -> Vec<Judged> {
    let all = view.in_namespaces("networking.k8s.io", "Ingress").into_iter();
    all.map(|ingress| about(ingress, view)).collect()
}

fn about(ingress: &Value, view: &View<'_>) -> Judged {
    let mut diagnoses = view.diagnose(ingress);
    let served = items(ingress, "/spec/tls");
    diagnoses.extend(served.flat_map(|tls| certificate::about(ingress, tls, view)));
    let rules = items(ingress, "/spec/rules").count();
    Judged::new(
        reference(ingress),
        format!("{rules} rule{}, each with its backend", if rules == 1 { "" } else { "s" }),
        diagnoses,
    )
}

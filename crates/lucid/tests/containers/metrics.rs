//! A real metrics-server in the cluster, for as long as it is held.

use std::time::Duration;

use crate::harness::{apply, get, kubectl, kubectl_command, wait_for};

const HOME: &str = "kube-system";

/// The objects of its own manifests, on an image that `xtask` has written.
pub(crate) struct Metrics(());

impl Metrics {
    pub(crate) fn start() -> Self {
        apply(HOME, &serde_json::from_str(include_str!("metrics.json")).expect("JSON"));
        Self(())
    }

    /// Stops it; its API is then one that does not answer.
    pub(crate) fn stop(&self) {
        kubectl(&["scale", "-n", HOME, "deployment/metrics-server", "--replicas=0"]);
        wait_for("an API that is gone", Duration::from_secs(30), || (!is_available()).then_some(()));
    }
}

fn is_available() -> bool {
    let service = get(HOME, &["apiservice", "v1beta1.metrics.k8s.io"]);
    let conditions = service["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.iter().any(|condition| condition["type"] == "Available" && condition["status"] == "True")
}

/// An API that does not answer would hold every namespace that is being deleted.
impl Drop for Metrics {
    fn drop(&mut self) {
        for object in ["apiservice/v1beta1.metrics.k8s.io", "deployment/metrics-server"] {
            let _ = kubectl_command().args(["delete", "--ignore-not-found", "-n", HOME, object]).output();
        }
    }
}

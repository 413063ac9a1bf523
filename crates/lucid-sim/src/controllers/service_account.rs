//! What each namespace is given: the `default` ServiceAccount and the cluster's root certificate.

use std::time::Duration;

use serde_json::json;

use crate::json::Json;
use crate::kinds::Table;
use crate::store::Key;
use crate::world::World;

const MANAGER: &str = "kube-controller-manager";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVk\n-----END CERTIFICATE-----\n";

/// A `default` account that was deleted comes back.
pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    if key.name == "default" {
        populate(world, &key.namespace);
    }
    None
}

pub(crate) fn populate(world: &mut World, namespace: &str) {
    if world.get(Table::NAMESPACES, "", namespace).is_none_or(|namespace| namespace.is_deleting()) {
        return;
    }
    if world.get(Table::SERVICE_ACCOUNTS, namespace, "default").is_none() {
        let account = json!({"metadata": {"name": "default"}});
        // A quota may refuse it; the next look at the namespace tries again.
        let _ = world.make(Table::SERVICE_ACCOUNTS, namespace, account, MANAGER);
    }
    if world.get(Table::CONFIG_MAPS, namespace, "kube-root-ca.crt").is_none() {
        let annotation = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
        let map = json!({"metadata": {"name": "kube-root-ca.crt", "annotations": {"kubernetes.io/description": annotation}},
            "data": {"ca.crt": CERTIFICATE}});
        let _ = world.make(Table::CONFIG_MAPS, namespace, map, MANAGER);
    }
}

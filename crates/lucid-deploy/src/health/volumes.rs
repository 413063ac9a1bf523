//! How full the claims' volumes are. Only the kubelets know, and few may ask them: who may not is told nothing new.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use lucid_client::ApiClient;
use lucid_object::ObjectRef;
use lucid_status::health::{Area, VolumeUse};
use serde_json::Value;

use super::HealthRequest;
use crate::cache::Cache;

/// Kubelets that are asked at most; each answers for all pods of its node.
const NODES: usize = 50;
const AT_ONCE: usize = 8;
/// A kubelet that does not answer by then is no reason to wait.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn used(
    client: &ApiClient,
    cache: &Cache,
    namespaces: &[String],
    request: &HealthRequest<'_>,
) -> BTreeMap<ObjectRef, VolumeUse> {
    let mut used = BTreeMap::new();
    if request.skip.contains(&Area::Volumes) {
        return used;
    }
    let patience = request.patience.min(PATIENCE);
    let nodes = nodes(cache, namespaces);
    let mut nodes = nodes.into_iter().take(NODES);
    // The first answer shows whether we may ask at all.
    let Some(first) = nodes.next() else { return used };
    let ask = |node: String| async move {
        let asked = tokio::time::timeout(patience, client.node_stats(&node)).await;
        asked.ok().and_then(Result::ok)
    };
    let Some(summary) = ask(first).await else { return used };
    note(&summary, namespaces, &mut used);
    let mut others = stream::iter(nodes.map(ask)).buffer_unordered(AT_ONCE);
    while let Some(summary) = others.next().await {
        note(&summary.unwrap_or_default(), namespaces, &mut used);
    }
    used
}

/// Nodes of the pods in namespaces with claims: which of these pods mount one is not kept of a pod that is well.
fn nodes(cache: &Cache, namespaces: &[String]) -> BTreeSet<String> {
    let with_claims = namespaces
        .iter()
        .filter(|namespace| cache.of_kind("", "PersistentVolumeClaim", Some(namespace)).next().is_some());
    let pods = with_claims.flat_map(|namespace| cache.of_kind("", "Pod", Some(namespace)));
    pods.filter_map(|pod| pod.pointer("/spec/nodeName")?.as_str().map(str::to_owned)).collect()
}

fn note(summary: &Value, namespaces: &[String], used: &mut BTreeMap<ObjectRef, VolumeUse>) {
    let pods = summary.get("pods").and_then(Value::as_array).into_iter().flatten();
    for volume in pods.filter_map(|pod| pod.get("volume")?.as_array()).flatten() {
        let text = |pointer: &str| volume.pointer(pointer).and_then(Value::as_str);
        let (Some(name), Some(namespace)) = (text("/pvcRef/name"), text("/pvcRef/namespace")) else { continue };
        if !namespaces.iter().any(|ours| ours == namespace) {
            continue;
        }
        let number = |field: &str| volume.get(field).and_then(Value::as_u64).unwrap_or(0);
        let seen = VolumeUse {
            bytes: number("usedBytes"),
            capacity: number("capacityBytes"),
            inodes: number("inodesUsed"),
            inodes_capacity: number("inodes"),
        };
        used.insert(ObjectRef::new("", "PersistentVolumeClaim", Some(namespace), name), seen);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn claims_of_ours_are_read_from_a_kubelets_summary() {
        let volume = |namespace: &str| {
            json!({"name": "data", "pvcRef": {"name": "data-db-0", "namespace": namespace},
            "usedBytes": 9, "capacityBytes": 10, "inodesUsed": 1, "inodes": 100})
        };
        let summary = json!({"node": {}, "pods": [
            {"podRef": {"name": "db-0"}, "volume": [{"name": "token", "usedBytes": 1}, volume("ours")]},
            {"podRef": {"name": "x"}, "volume": [volume("theirs")]},
            {"podRef": {"name": "y"}},
        ]});
        let mut used = BTreeMap::new();
        note(&summary, &["ours".to_owned()], &mut used);
        let claim = ObjectRef::new("", "PersistentVolumeClaim", Some("ours"), "data-db-0");
        let expect = VolumeUse { bytes: 9, capacity: 10, inodes: 1, inodes_capacity: 100 };
        assert_eq!(used, BTreeMap::from([(claim, expect)]));
        note(&json!("garbage"), &["ours".to_owned()], &mut used);
        assert_eq!(used.len(), 1);
    }
}

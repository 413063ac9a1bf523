//! What a fresh cluster is furnished with: nodes, the default StorageClass and volumes to be claimed.

use serde_json::{Value, json};

use super::components::ADDRESS;
use super::options::Options;
use crate::tools::KUBERNETES;

pub(crate) fn all(options: &Options) -> Value {
    // The kubelet makes its own.
    let count = if options.containers { 0 } else { options.nodes };
    let nodes = (0..count).map(|i| node(i, options));
    let folder = options.containers.then(|| super::layout::Layout::new(&options.name).text("volumes"));
    let volumes = (0..options.volumes).map(|i| volume(i, folder.as_deref()));
    let items: Vec<Value> = nodes.chain([storage_class()]).chain(volumes).collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// A hostname spread is unschedulable on a node without these labels.
fn node(index: usize, options: &Options) -> Value {
    let name = format!("node-{index}");
    let capacity = json!({
        "cpu": options.node_cpu,
        "memory": options.node_memory,
        "ephemeral-storage": "200Gi",
        "pods": options.node_pods.to_string(),
    });
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/region": "test",
                "topology.kubernetes.io/zone": format!("zone-{}", index % 3),
            },
        },
        "status": {
            "capacity": capacity,
            "allocatable": capacity,
            "addresses": [{"type": "InternalIP", "address": ADDRESS}, {"type": "Hostname", "address": name}],
            "nodeInfo": {
                "architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": format!("v{KUBERNETES}"),
                "bootID": "", "machineID": "", "systemUUID": "", "kernelVersion": "", "osImage": "",
                "containerRuntimeVersion": "kwok", "kubeProxyVersion": "",
            },
        },
    })
}

const CLASS: &str = "standard";

/// A claim binds at once to a volume made beforehand: kwok provisions none.
fn storage_class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": true,
    })
}

/// `folder` is where they are, when there are containers that may write to them.
fn volume(index: usize, folder: Option<&str>) -> Value {
    let path = folder.map_or("/nonexistent".to_owned(), |folder| format!("{folder}/{index:03}"));
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": format!("volume-{index:03}")},
        "spec": {
            "capacity": {"storage": "500Gi"},
            "accessModes": ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
            "hostPath": {"path": path},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_stand_in_three_zones_and_carry_what_was_asked_for() {
        let options = Options { nodes: 4, volumes: 2, node_cpu: "2900m".to_owned(), ..Options::default() };
        let list = all(&options);
        let items = list["items"].as_array().expect("items");
        assert_eq!(items.len(), 4 + 1 + 2);
        assert_eq!(items[0]["status"]["allocatable"]["cpu"], "2900m");
        let zone = |i: usize| items[i]["metadata"]["labels"]["topology.kubernetes.io/zone"].clone();
        assert_eq!([zone(0), zone(1), zone(2), zone(3)], ["zone-0", "zone-1", "zone-2", "zone-0"]);
    }
}

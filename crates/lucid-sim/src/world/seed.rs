//! What a fresh cluster holds: namespaces, nodes, a default StorageClass, priority classes.

use serde_json::{Value, json};

use crate::api::rbac;
use crate::config::NodeSpec;
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::world::{By, World};

const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

pub(crate) fn populate(world: &mut World) {
    for name in NAMESPACES {
        make(world, Table::NAMESPACES, "", json!({"metadata": {"name": name}}));
    }
    for (name, value) in [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)] {
        make(world, Table::PRIORITY_CLASSES, "", json!({"metadata": {"name": name}, "value": value}));
    }
    for role in rbac::bootstrap() {
        let kind = world.kinds.by_kind("rbac.authorization.k8s.io/v1", role.str("kind")).cloned();
        make(world, kind.expect("a built-in kind").table, "", role);
    }
    make(world, Table::STORAGE_CLASSES, "", storage_class());
    make(world, Table::SERVICES, "default", kubernetes_service());
    world.addresses.claim_service(0x0a60_0001);
    for spec in world.config.nodes.clone() {
        make(world, Table::NODES, "", node(&spec, &world.stamp()));
        status(world, &spec);
    }
}

fn make(world: &mut World, table: Table, namespace: &str, object: Value) {
    world.make(table, namespace, object, "kube-apiserver").expect("the seed is sound");
}

fn storage_class() -> Value {
    json!({
        "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "sim.lucid.dev/volumes", "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": true,
    })
}

fn kubernetes_service() -> Value {
    json!({
        "metadata": {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"],
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]},
    })
}

fn node(spec: &NodeSpec, _now: &str) -> Value {
    json!({"metadata": {"name": spec.name, "labels": {
        "kubernetes.io/hostname": spec.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": spec.arch,
        "topology.kubernetes.io/zone": spec.zone, "topology.kubernetes.io/region": "sim",
    }}})
}

/// What the kubelet of a node that is well says of it.
pub(crate) fn node_conditions(now: &str) -> Value {
    let condition = |kind: &str, status: &str, reason: &str| json!({"type": kind, "status": status, "reason": reason, "message": "", "lastHeartbeatTime": now, "lastTransitionTime": now});
    json!([
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID"),
        condition("Ready", "True", "KubeletReady")
    ])
}

fn status(world: &mut World, spec: &NodeSpec) {
    let now = world.stamp();
    let sizes = json!({"cpu": spec.cpu, "memory": spec.memory, "pods": "110", "ephemeral-storage": "100Gi"});
    let value = json!({
        "capacity": sizes, "allocatable": sizes,
        "conditions": node_conditions(&now),
        "addresses": [{"type": "InternalIP", "address": "172.18.0.2"}, {"type": "Hostname", "address": spec.name}],
        "nodeInfo": {"architecture": spec.arch, "operatingSystem": "linux", "kubeletVersion": "v1.37.2",
            "kubeProxyVersion": "", "kernelVersion": "6.1.0", "osImage": "Debian GNU/Linux 12 (bookworm)",
            "containerRuntimeVersion": "containerd://2.1.0", "machineID": "", "systemUUID": "", "bootID": ""},
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
    });
    world.edit(Table::NODES, "", &spec.name, By::status("kubelet"), |node| node.put("status", value));
}

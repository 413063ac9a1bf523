//! The objects of one workload, as they are applied.

use serde_json::{Value, json};

use crate::release::Workload;

pub(crate) const NAMESPACE: &str = "bench";
pub(crate) const PORT: u16 = 8080;

/// ConfigMap, Service and Deployment, each of which may be there before the next.
pub(crate) fn of(workload: &Workload) -> [Value; 3] {
    [config_map(workload), service(workload), deployment(workload)]
}

fn metadata(workload: &Workload) -> Value {
    json!({"name": workload.name, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/name": workload.name}})
}

fn config_map(workload: &Workload) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(workload),
        "data": {"layer": workload.layer.to_string(), "delay": millis(workload)},
    })
}

fn service(workload: &Workload) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(workload),
        "spec": {
            "selector": {"app.kubernetes.io/name": workload.name},
            "ports": [{"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}],
        },
    })
}

fn deployment(workload: &Workload) -> Value {
    let container = json!({
        "name": "app",
        // By digest, as the Lucid release has it; nothing is ever pulled.
        "image": format!("registry.test/{}@sha256:{}", workload.name, "0123456789abcdef".repeat(4)),
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "envFrom": [{"configMapRef": {"name": workload.name}}],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "16Mi"}},
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}},
    });
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(workload),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app.kubernetes.io/name": workload.name}},
            "template": {
                "metadata": {
                    "labels": {"app.kubernetes.io/name": workload.name},
                    "annotations": {"lucid.dev/test-ready-delay": millis(workload)},
                },
                "spec": {"containers": [container]},
            },
        },
    })
}

fn millis(workload: &Workload) -> String {
    format!("{}ms", workload.delay.as_millis())
}

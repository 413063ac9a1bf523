//! The objects of one workload, as they are applied.

use serde_json::{Value, json};

use crate::release::Workload;

pub(crate) const PORT: u16 = 8080;

/// The Deployment last: what stands before it may be there first.
pub(crate) fn of(workload: &Workload, namespace: &str) -> Vec<Value> {
    let companions = [config_map(workload), service(workload)].into_iter().filter(|_| !workload.alone);
    companions.chain([deployment(workload)]).map(|object| in_namespace(object, namespace)).collect()
}

fn in_namespace(mut object: Value, namespace: &str) -> Value {
    object["metadata"]["namespace"] = namespace.into();
    object
}

fn metadata(workload: &Workload) -> Value {
    json!({"name": workload.name, "labels": {"app.kubernetes.io/name": workload.name}})
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
    let mut container = json!({
        "name": "app",
        "image": image(workload),
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        // So little that thousands of pods fit on a few nodes.
        "resources": {"requests": {"cpu": "1m", "memory": "4Mi"}, "limits": {"memory": "4Mi"}},
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}},
    });
    if !workload.alone {
        container["envFrom"] = json!([{"configMapRef": {"name": workload.name}}]);
    }
    let mut annotations = json!({"lucid.dev/test-ready-delay": millis(workload)});
    if workload.broken {
        annotations["lucid.dev/test-fail"] = "image-not-found".into();
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(workload),
        "spec": {
            "replicas": workload.replicas,
            "selector": {"matchLabels": {"app.kubernetes.io/name": workload.name}},
            "template": {
                "metadata": {"labels": {"app.kubernetes.io/name": workload.name}, "annotations": annotations},
                "spec": {"containers": [container]},
            },
        },
    })
}

/// By digest, as the Lucid release has it; nothing is ever pulled.
pub(crate) fn image(workload: &Workload) -> String {
    format!("registry.test/{}@sha256:{:08x}{}", workload.name, workload.version, "89abcdef".repeat(7))
}

fn millis(workload: &Workload) -> String {
    format!("{}ms", workload.delay.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Release;

    fn kinds(objects: &[Value]) -> Vec<&str> {
        objects.iter().filter_map(|object| object["kind"].as_str()).collect()
    }

    #[test]
    fn a_workload_alone_is_a_deployment_that_refers_to_nothing() {
        let mut workload = Release::flat(1).workloads.remove(0);
        assert_eq!(kinds(&of(&workload, "here")), ["ConfigMap", "Service", "Deployment"]);
        workload.alone = true;
        let objects = of(&workload, "here");
        assert_eq!(kinds(&objects), ["Deployment"]);
        assert_eq!(objects[0]["metadata"]["namespace"], "here");
        assert!(objects[0]["spec"]["template"]["spec"]["containers"][0].get("envFrom").is_none());
    }

    #[test]
    fn another_version_is_another_digest_of_the_same_length() {
        let release = Release::flat(1);
        let (old, new) = (image(&release.workloads[0]), image(&release.changed(&[0]).workloads[0]));
        assert_ne!(old, new);
        assert_eq!(new.split("sha256:").nth(1).map(str::len), Some(64));
    }
}

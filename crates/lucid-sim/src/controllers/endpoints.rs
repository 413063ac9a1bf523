//! EndpointSlices and Endpoints of Services: which pods stand behind them, and which of those serve.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lucid_object::LabelSelector;
use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::world::delete::DeleteOptions;
use crate::world::{By, World};

use super::{owners, pods};

const MANAGER: &str = "kube-controller-manager";
/// When the change began that the endpoints show.
const TRIGGER: &str = "endpoints.kubernetes.io/last-change-trigger-time";
const SLICE_MANAGER: &str = "endpointslice-controller.k8s.io";

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let Some(service) = world.get(Table::SERVICES, &key.namespace, &key.name) else {
        remove(world, key);
        return None;
    };
    let selector = LabelSelector::from_map(service.at("spec/selector"));
    if selector.is_empty() || service.str("spec/type") == "ExternalName" || service.is_deleting() {
        return None;
    }
    let picked = world.store.list_in(Table::PODS, &key.namespace).filter(|pod| selector.matches(&pod.labels()));
    let picked: Vec<Arc<Value>> =
        picked.filter(|pod| !pod.str("status/podIP").is_empty() && !pods::is_finished(pod)).cloned().collect();
    let nodes = world.store.list(Table::NODES).cloned().collect::<Vec<_>>();
    write_slice(world, &service, &picked, &nodes);
    write_endpoints(world, &service, &picked);
    None
}

fn remove(world: &mut World, key: &Key) {
    // The slices go by their owner; Endpoints have none, only the name.
    let kind = world.kinds.stored(Table::ENDPOINTS).clone();
    let _ = world.delete(&kind, &key.namespace, &key.name, &DeleteOptions::default());
}

/// Port name and number for a pod; a named target port is looked up in its containers.
fn ports(service: &Value, pod: Option<&Value>) -> Vec<Value> {
    let number = |port: &Value| match port.at("targetPort") {
        Value::Number(number) => number.as_i64(),
        Value::String(name) => pod.and_then(|pod| container_port(pod, name)),
        _ => Some(port.int("port")),
    };
    let one = |port: &Value| {
        let mut row = json!({"name": port.str("name"), "port": number(port)?, "protocol": port.str("protocol")});
        if port.has("appProtocol") {
            row.put("appProtocol", port.at("appProtocol").clone());
        }
        Some(row)
    };
    service.list("spec/ports").iter().filter_map(one).collect()
}

fn container_port(pod: &Value, name: &str) -> Option<i64> {
    let containers = pod.list("spec/containers").iter().chain(pod.list("spec/initContainers"));
    let mut ports = containers.flat_map(|container| container.list("ports"));
    ports.find(|port| port.str("name") == name).map(|port| port.int("containerPort"))
}

fn write_slice(world: &mut World, service: &Value, picked: &[Arc<Value>], nodes: &[Arc<Value>]) {
    let publish = service.flag("spec/publishNotReadyAddresses");
    let endpoints: Vec<Value> = picked.iter().map(|pod| endpoint(service, pod, nodes, publish)).collect();
    let ports = ports(service, picked.first().map(|pod| &**pod));
    let mut labels = labels(service);
    labels.insert("kubernetes.io/service-name".into(), service.name().to_owned());
    labels.insert("endpointslice.kubernetes.io/managed-by".into(), SLICE_MANAGER.into());
    let ours = |slice: &Arc<Value>| slice.label("endpointslice.kubernetes.io/managed-by") == SLICE_MANAGER;
    let slices = world.store.owned_in(Table::ENDPOINT_SLICES, service.uid());
    let now = world.stamp();
    match slices.iter().find(|slice| ours(slice)) {
        Some(slice) => {
            world.edit(Table::ENDPOINT_SLICES, slice.namespace(), slice.name(), By::system(MANAGER), |slice| {
                if *slice.at("endpoints") != json!(endpoints) {
                    slice.annotate(TRIGGER, &now);
                }
                slice.put("endpoints", endpoints);
                slice.put("ports", ports);
                slice.put("metadata/labels", json!(labels));
            });
        }
        None => {
            let mut slice = json!({"metadata": {"generateName": format!("{}-", service.name()), "labels": labels,
                    "ownerReferences": [owners::reference(service)]},
                "addressType": "IPv4", "endpoints": endpoints, "ports": ports});
            slice.annotate(TRIGGER, &now);
            // A namespace on its way out takes no slices; nobody asks for them either.
            let _ = world.make(Table::ENDPOINT_SLICES, service.namespace(), slice, MANAGER);
        }
    }
}

/// The Service's own labels, and the mark of those without an address.
fn labels(service: &Value) -> BTreeMap<String, String> {
    let mut labels = service.labels();
    if service.str("spec/clusterIP") == "None" {
        labels.insert("service.kubernetes.io/headless".into(), String::new());
    }
    labels
}

fn endpoint(service: &Value, pod: &Value, nodes: &[Arc<Value>], publish: bool) -> Value {
    let serving = pods::is_ready(pod);
    let ready = publish || serving && !pod.is_deleting();
    let node = pod.str("spec/nodeName");
    let zone = nodes.iter().find(|one| one.name() == node).map_or("", |node| node.label("topology.kubernetes.io/zone"));
    let mut endpoint = json!({"addresses": [pod.str("status/podIP")],
        "conditions": {"ready": ready, "serving": serving, "terminating": pod.is_deleting()},
        "nodeName": node, "targetRef": target(pod)});
    if !zone.is_empty() {
        endpoint.put("zone", zone);
    }
    let named = !pod.str("spec/hostname").is_empty() && pod.str("spec/subdomain") == service.name();
    if named {
        endpoint.put("hostname", pod.str("spec/hostname"));
    }
    endpoint
}

fn target(pod: &Value) -> Value {
    json!({"kind": "Pod", "namespace": pod.namespace(), "name": pod.name(), "uid": pod.uid()})
}

/// The older form: ready addresses and others, in one subset.
fn write_endpoints(world: &mut World, service: &Value, picked: &[Arc<Value>]) {
    let publish = service.flag("spec/publishNotReadyAddresses");
    let address = |pod: &Arc<Value>| json!({"ip": pod.str("status/podIP"), "nodeName": pod.str("spec/nodeName"), "targetRef": target(pod)});
    let (ready, rest): (Vec<_>, Vec<_>) =
        picked.iter().filter(|pod| publish || !pod.is_deleting()).partition(|pod| publish || pods::is_ready(pod));
    let mut subset = json!({"ports": ports(service, picked.first().map(|pod| &**pod))});
    for (field, pods) in [("addresses", &ready), ("notReadyAddresses", &rest)] {
        if !pods.is_empty() {
            subset.put(field, pods.iter().map(|pod| address(pod)).collect::<Vec<_>>());
        }
    }
    for port in subset.items("ports").iter_mut().filter(|port| port.str("name").is_empty()) {
        port.cut("name");
    }
    let subsets = if ready.is_empty() && rest.is_empty() { Value::Null } else { json!([subset]) };
    let mut labels = labels(service);
    labels.insert("endpoints.kubernetes.io/managed-by".into(), "endpoint-controller".into());
    let now = world.stamp();
    if world.get(Table::ENDPOINTS, service.namespace(), service.name()).is_none() {
        let mut endpoints = json!({"metadata": {"name": service.name(), "labels": labels}});
        endpoints.annotate(TRIGGER, &now);
        // As for slices.
        let _ = world.make(Table::ENDPOINTS, service.namespace(), endpoints, MANAGER);
    }
    world.edit(Table::ENDPOINTS, service.namespace(), service.name(), By::system(MANAGER), |endpoints| {
        if *endpoints.at("subsets") != subsets {
            endpoints.annotate(TRIGGER, &now);
        }
        endpoints.put("metadata/labels", json!(labels));
        match subsets {
            Value::Null => drop(endpoints.cut("subsets")),
            subsets => endpoints.put("subsets", subsets),
        };
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::testing::{Stage, workload};

    fn serving() -> Stage {
        let mut stage = Stage::new(json!({}));
        let mut web = workload("Deployment", "web", 2, "nginx:1");
        web["spec"]["template"]["spec"]["containers"][0]["ports"] = json!([{"name": "http", "containerPort": 8080}]);
        stage.create(web);
        stage.create(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}}));
        stage
    }

    fn slice(stage: &Stage) -> Arc<Value> {
        let slices = stage.list(Table::ENDPOINT_SLICES);
        slices.iter().find(|slice| slice.label("kubernetes.io/service-name") == "web").expect("a slice").clone()
    }

    #[test]
    fn ready_pods_become_endpoints() {
        let mut stage = serving();
        stage.advance(5);
        let slice = slice(&stage);
        assert_eq!(slice.list("ports")[0].int("port"), 8080);
        assert!(slice.list("endpoints").iter().all(|endpoint| endpoint.flag("conditions/ready")));
        assert_eq!(stage.get(Table::ENDPOINTS, "web").list("subsets")[0].list("addresses").len(), 2);
    }

    #[test]
    fn a_pod_that_ends_still_serves_but_is_not_ready() {
        let mut stage = serving();
        stage.edit(Table::DEPLOYMENTS, "web", |web| {
            web.put("spec/replicas", 1);
            web.items("spec/template/spec/containers")[0].put("lifecycle/preStop/sleep/seconds", 5);
        });
        stage.advance(10);
        let pod = stage.names(Table::PODS)[0].clone();
        stage.delete(Table::PODS, &pod, &DeleteOptions::default());
        stage.until("terminating", 2, |s| {
            slice(s).list("endpoints").iter().any(|e| e.flag("conditions/terminating") && !e.flag("conditions/ready"))
        });
    }

    #[test]
    fn endpoints_go_with_the_service() {
        let mut stage = serving();
        stage.advance(5);
        stage.delete(Table::SERVICES, "web", &DeleteOptions::default());
        stage.advance(2);
        assert!(
            stage.list(Table::ENDPOINT_SLICES).iter().all(|slice| slice.label("kubernetes.io/service-name") != "web")
        );
        assert!(!stage.names(Table::ENDPOINTS).contains(&"web".to_owned()));
    }
}

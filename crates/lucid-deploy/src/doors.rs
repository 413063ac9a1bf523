//! The addresses where what comes from outside enters: those of Ingresses and Gateways.

use std::time::Duration;

use futures::future::join_all;
use lucid_client::{ApiClient, Target};
use lucid_object::{Gvk, ObjectRef};
use lucid_status::Cluster as _;
use serde_json::Value;

use crate::cache::Cache;

/// Of the Ingresses and Gateways among these objects, each once.
pub(crate) fn addresses(cache: &Cache, objects: &[ObjectRef]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for address in objects.iter().filter_map(|object| cache.get(object)).flat_map(of) {
        if !found.iter().any(|known| known == address) {
            found.push(address.to_owned());
        }
    }
    found
}

/// How long a controller may take to give a new Ingress its address, and how often it is looked for.
const MOMENT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(300);

/// The addresses of Ingresses that had none when they were last seen. Where nobody serves their class there will be none.
pub(crate) async fn awaited(client: &ApiClient, objects: &[ObjectRef]) -> Vec<String> {
    let ingresses = objects.iter().filter(|object| object.group == GROUP && object.kind == "Ingress");
    let asked = ingresses.map(|ingress| async { tokio::time::timeout(MOMENT, of_one(client, ingress)).await });
    join_all(asked).await.into_iter().filter_map(Result::ok).flatten().collect()
}

async fn of_one(client: &ApiClient, ingress: &ObjectRef) -> Vec<String> {
    let own = Target::new(Gvk::new(GROUP, "v1", "Ingress"), "ingresses", ingress.namespace.as_deref());
    let mut is_served = None;
    loop {
        let Ok(seen) = client.get(&own, &ingress.name).await else { return Vec::new() };
        let addresses: Vec<String> = of(&seen).map(str::to_owned).collect();
        if !addresses.is_empty() {
            return addresses;
        }
        if is_served.is_none() {
            is_served = Some(has_class(client, &seen).await);
        }
        if is_served == Some(false) {
            return Vec::new();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn has_class(client: &ApiClient, ingress: &Value) -> bool {
    let classes = Target::new(Gvk::new(GROUP, "v1", "IngressClass"), "ingressclasses", None);
    match ingress.pointer("/spec/ingressClassName").and_then(Value::as_str) {
        Some(name) => client.get(&classes, name).await.is_ok(),
        None => false,
    }
}

const GROUP: &str = "networking.k8s.io";

/// As the controller that serves the object has written them.
pub(crate) fn of(object: &Value) -> impl Iterator<Item = &str> {
    let (list, fields): (&str, &[&str]) = match object["kind"].as_str() {
        Some("Ingress") => ("/status/loadBalancer/ingress", &["/ip", "/hostname"]),
        Some("Gateway") => ("/status/addresses", &["/value"]),
        _ => ("", &[]),
    };
    let points = object.pointer(list).and_then(Value::as_array).into_iter().flatten();
    points.filter_map(|point| fields.iter().find_map(|field| point.pointer(field)?.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_ingresses_and_gateways_each_once() {
        let mut cache = Cache::default();
        let object = |kind: &str, group: &str, name: &str, status: Value| {
            json!({"apiVersion": format!("{group}/v1"), "kind": kind,
                "metadata": {"name": name, "namespace": "n"}, "status": status})
        };
        let net = "networking.k8s.io";
        cache.set(object(
            "Ingress",
            net,
            "a",
            json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}, {"hostname": "lb"}]}}),
        ));
        cache.set(object("Ingress", net, "b", json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}})));
        let gateway = "gateway.networking.k8s.io";
        cache.set(object("Gateway", gateway, "g", json!({"addresses": [{"type": "IPAddress", "value": "192.0.2.9"}]})));
        let key = |group: &str, kind: &str, name: &str| ObjectRef::new(group, kind, Some("n"), name);
        let all = [
            key(net, "Ingress", "a"),
            key(net, "Ingress", "b"),
            key(gateway, "Gateway", "g"),
            key("", "Service", "not-there"),
        ];
        assert_eq!(addresses(&cache, &all), ["192.0.2.7", "lb", "192.0.2.9"]);
    }
}

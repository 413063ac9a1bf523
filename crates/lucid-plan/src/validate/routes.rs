//! Ingresses and routes of the Gateway API: backends that are there, each host and path once, TLS Secrets that can serve.

use std::collections::BTreeMap;

use lucid_object::{Finding, Object, Position};
use lucid_release::load::nearest;
use serde_json::Value;

use super::scene::{Scene, Source, list, text};

const ROUTES: [&str; 5] = ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"];

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let mut claimed = BTreeMap::new();
    for ingress in scene.of("networking.k8s.io", "Ingress") {
        let default = ingress.value().pointer("/spec/defaultBackend");
        if let Some(backend) = default {
            found.extend(ingress_backend(scene, ingress, "/spec/defaultBackend", backend));
        }
        for (rule, value) in list(ingress.value(), "/spec/rules") {
            for (path, value_of_path) in list(value, "/http/paths") {
                let backend = format!("{rule}{path}/backend");
                found.extend(ingress_backend(scene, ingress, &backend, &value_of_path["backend"]));
                let key = route_key(ingress, value, value_of_path);
                found.extend(claim(&mut claimed, key, ingress, &format!("{rule}{path}")));
            }
        }
        for (pointer, tls) in list(ingress.value(), "/spec/tls") {
            found.extend(certificate(scene, ingress, &pointer, tls));
        }
    }
    for kind in ROUTES {
        for route in scene.of("gateway.networking.k8s.io", kind) {
            for (rule, value) in list(route.value(), "/spec/rules") {
                for (backend, value) in list(value, "/backendRefs") {
                    found.extend(route_backend(scene, route, &format!("{rule}{backend}"), value));
                }
            }
        }
    }
}

fn ingress_backend(scene: &Scene<'_>, ingress: &Object, pointer: &str, backend: &Value) -> Option<Finding> {
    let service = backend.get("service")?;
    let name = text(service, "name")?;
    let port = &service["port"];
    let wanted = port.get("number").or(port.get("name"));
    let place = (ingress, format!("{pointer}/service"), "port");
    to_service(scene, &place, ingress.namespace(), name, wanted)
}

fn route_backend(scene: &Scene<'_>, route: &Object, pointer: &str, backend: &Value) -> Option<Finding> {
    let is_service =
        text(backend, "kind").is_none_or(|kind| kind == "Service") && text(backend, "group").is_none_or(str::is_empty);
    let name = text(backend, "name").filter(|_| is_service)?;
    let namespace = text(backend, "namespace").or(route.namespace());
    to_service(scene, &(route, pointer.to_owned(), "port"), namespace, name, backend.get("port"))
}

/// A Service and a port of it, by number or by name.
fn to_service(
    scene: &Scene<'_>,
    (object, pointer, port_field): &(&Object, String, &str),
    namespace: Option<&str>,
    name: &str,
    port: Option<&Value>,
) -> Option<Finding> {
    let at = |finding: Finding, field: &str| {
        finding.on(object.reference()).at(object.position(&format!("{pointer}/{field}")))
    };
    let Some(service) = scene.find("", "Service", namespace, name) else {
        // Another namespace is another release's, unless this one fills it.
        if namespace != object.namespace() && !namespace.is_some_and(|namespace| scene.uses_namespace(namespace)) {
            return None;
        }
        let message = format!("{} routes to the Service {name}, which is not in the release", object.reference());
        let help = nearest(name, scene.names("", "Service", namespace));
        let help = help.unwrap_or_else(|| "add the Service, or remove the route".into());
        return Some(at(scene.absent(5206, message), "name").help(help));
    };
    let wanted = port?;
    let is_it = |port: &Value| match wanted {
        Value::String(name) => text(port, "name") == Some(name),
        number => port.get("port") == Some(number),
    };
    let ports: Vec<&Value> = list(service.value(), "/spec/ports").map(|(_, port)| port).collect();
    if ports.iter().any(|port| is_it(port)) {
        return None;
    }
    let shown = |port: &&Value| match text(port, "name") {
        Some(name) => format!("{name} ({})", port["port"]),
        None => port["port"].to_string(),
    };
    let wanted = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
    let message =
        format!("{} routes to port {wanted} of {}, which it does not have", object.reference(), service.reference());
    let there = ports.iter().map(shown).collect::<Vec<_>>().join(", ");
    Some(at(Finding::error(5206, message), port_field).help(format!("its ports are: {there}")))
}

type RouteKey = (String, String, String, String);

/// Ingresses of one class that claim one host and path.
fn route_key(ingress: &Object, rule: &Value, path: &Value) -> RouteKey {
    let class = ingress.str_at("/spec/ingressClassName").unwrap_or_default().to_owned();
    let class = ingress.annotations().remove("kubernetes.io/ingress.class").unwrap_or(class);
    let part = |value: &Value, field: &str, default: &str| text(value, field).unwrap_or(default).to_owned();
    (class, part(rule, "host", "*"), part(path, "path", "/"), part(path, "pathType", ""))
}

fn claim<'a>(
    claimed: &mut BTreeMap<RouteKey, (&'a Object, Option<Position>)>,
    key: RouteKey,
    ingress: &'a Object,
    pointer: &str,
) -> Option<Finding> {
    let (host, path) = (key.1.clone(), key.2.clone());
    let (first, position) = claimed.insert(key, (ingress, ingress.position(pointer)))?;
    let message = format!("{} and {} both claim {host}{path}", first.reference(), ingress.reference());
    let mut finding = Finding::warning(1018, message).on(ingress.reference()).at(ingress.position(pointer));
    if let Some(position) = position {
        finding = finding.seen(format!("the other claim is at {position}"));
    }
    Some(finding.help("which of them serves is up to the controller: remove one"))
}

fn certificate(scene: &Scene<'_>, ingress: &Object, pointer: &str, tls: &Value) -> Option<Finding> {
    let name = text(tls, "secretName")?;
    let at = |finding: Finding| finding.on(ingress.reference()).at(ingress.position(&format!("{pointer}/secretName")));
    if let Some(secret) = scene.find("", "Secret", ingress.namespace(), name) {
        let missing: Vec<&str> = ["tls.crt", "tls.key"].into_iter().filter(|key| !has_key(secret, key)).collect();
        if missing.is_empty() {
            return None;
        }
        let message = format!(
            "{} serves TLS from {}, which has no {}",
            ingress.reference(),
            secret.reference(),
            missing.join(" and no ")
        );
        return Some(at(Finding::error(5207, message)).help("make it a Secret of type kubernetes.io/tls"));
    }
    if scene.asks_cluster {
        return None;
    }
    let annotations = ingress.annotations();
    let is_issued =
        annotations.keys().any(|key| key.starts_with("cert-manager.io/") || key == "kubernetes.io/tls-acme");
    if is_issued || super::outside::comes_from_outside(scene, ingress.namespace(), name).is_some() {
        return None;
    }
    let message = format!("{} serves TLS from the Secret {name}, which is not in the release", ingress.reference());
    let help = match scene.source {
        Source::ReleaseFile => "declare it in `secrets` of lucid.yaml, or add a Certificate",
        Source::Folder => "it must be in the cluster before the Ingress serves",
    };
    Some(at(scene.absent(5207, message)).help(help))
}

fn has_key(secret: &Object, key: &str) -> bool {
    ["data", "stringData"].iter().any(|field| secret.value().get(field).is_some_and(|data| data.get(key).is_some()))
}

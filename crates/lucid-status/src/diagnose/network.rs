//! Services and Ingresses: whether anything stands behind them.

use lucid_object::LabelSelector;
use serde_json::Value;

use super::{config::distance, events};
use crate::cluster::Scene;
use crate::diagnosis::{Certainty, Class, Diagnosis};
use crate::read::{annotation, changed, items, keys, labels, name, namespace, reference, text};
use crate::revision::is_ready;

pub(super) fn service(service: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    if text(service, "/spec/type") == "ExternalName" {
        return;
    }
    found.extend(no_address(service, scene));
    if keys(service, "/spec/selector").next().is_none() {
        return;
    }
    let pods = scene.cluster.list("", "Pod", namespace(service));
    let selector = LabelSelector::from_map(&service["spec"]["selector"]);
    let selected: Vec<&Value> =
        pods.iter().copied().filter(|pod| selector.matches(&labels(pod, "/metadata/labels"))).collect();
    if selected.is_empty() {
        return found.extend((!pods.is_empty()).then(|| selects_nothing(service, &pods)));
    }
    if !selected.iter().any(|pod| is_ready(pod)) {
        let message = format!("Service {} has no ready pod behind it", name(service));
        found.push(Diagnosis::new(5202, reference(service), message));
    }
    found.extend(items(service, "/spec/ports").filter_map(|port| wrong_port(service, port, &selected)));
}

fn no_address(service: &Value, scene: &Scene<'_>) -> Option<Diagnosis> {
    let is_balanced = text(service, "/spec/type") == "LoadBalancer";
    if !is_balanced
        || items(service, "/status/loadBalancer/ingress").next().is_some()
        || items(service, "/spec/externalIPs").next().is_some()
    {
        return None;
    }
    let events = events::of(service, scene);
    let told = events::last(&events, &["SyncLoadBalancerFailed", "EnsuringLoadBalancer", "EnsuredLoadBalancer"]);
    let message = format!("the load balancer of Service {} has no address", name(service));
    let new = Diagnosis::new(5204, reference(service), message).since(changed(service));
    Some(new.seen(told.map_or("", |event| event.message())))
}

/// Nothing carries the labels; the nearest pod shows which one differs.
fn selects_nothing(service: &Value, pods: &[&Value]) -> Diagnosis {
    let selector = service.pointer("/spec/selector").and_then(Value::as_object);
    let wanted: Vec<(&str, &str)> =
        selector.into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str().unwrap_or(""))).collect();
    let far = |pod: &Value| {
        wanted.iter().map(|(key, value)| distance(crate::read::label(pod, key).unwrap_or(""), value)).sum::<usize>()
    };
    let message = format!("Service {} selects no pod", name(service));
    let new = Diagnosis::new(5201, reference(service), message).since(changed(service));
    let Some(nearest) = pods.iter().min_by_key(|pod| (far(pod), name(pod))) else { return new };
    wanted.iter().fold(new, |new, (key, value)| match crate::read::label(nearest, key) {
        Some(has) if has == *value => new,
        Some(has) => new.seen(format!("nearest pod {} has {key}={has}, not {value}", name(nearest))),
        None => new.seen(format!("nearest pod {} has no label {key}", name(nearest))),
    })
}

fn wrong_port(service: &Value, port: &Value, pods: &[&Value]) -> Option<Diagnosis> {
    let wanted = Some(text(port, "/targetPort")).filter(|name| !name.is_empty())?;
    let pod = pods.first()?;
    let names = crate::revision::containers(pod)
        .flat_map(|container| items(container, "/ports"))
        .map(|port| text(port, "/name"));
    let mut known: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    if known.contains(&wanted) {
        return None;
    }
    known.sort_unstable();
    let message = format!("Service {} sends to port {wanted:?}, which its pods do not have", name(service));
    Some(Diagnosis::new(5203, reference(service), message).seen(format!(
        "named ports of {}: {}",
        name(pod),
        known.join(", ")
    )))
}

pub(super) fn ingress(ingress: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    found.extend(class(ingress, scene));
    for backend in backends(ingress) {
        found.extend(wrong_backend(ingress, backend, scene));
    }
    for tls in items(ingress, "/spec/tls") {
        found.extend(tls_secret(ingress, text(tls, "/secretName"), scene));
    }
    if items(ingress, "/status/loadBalancer/ingress").next().is_none() {
        let message = format!("Ingress {} shows no address", name(ingress));
        found.push(Diagnosis::new(5210, reference(ingress), message));
    }
}

fn class(ingress: &Value, scene: &Scene<'_>) -> Option<Diagnosis> {
    let classes = scene.cluster.list("networking.k8s.io", "IngressClass", None);
    let named = Some(text(ingress, "/spec/ingressClassName"))
        .filter(|name| !name.is_empty())
        .or_else(|| annotation(ingress, "kubernetes.io/ingress.class"));
    let known: Vec<&str> = classes.iter().map(|class| name(class)).collect();
    let has_default =
        classes.iter().any(|class| annotation(class, "ingressclass.kubernetes.io/is-default-class") == Some("true"));
    let message = match named {
        _ if classes.is_empty() => return None,
        Some(named) if known.contains(&named) => return None,
        Some(named) => format!("Ingress {} asks for class {named}, which does not exist", name(ingress)),
        None if has_default => return None,
        None => format!("Ingress {} names no class, and none is the default", name(ingress)),
    };
    Some(Diagnosis::new(5205, reference(ingress), message).seen(format!("classes there are: {}", known.join(", "))))
}

fn backends(ingress: &Value) -> impl Iterator<Item = &Value> {
    let paths = items(ingress, "/spec/rules").flat_map(|rule| items(rule, "/http/paths"));
    let of_paths = paths.filter_map(|path| path.pointer("/backend/service"));
    ingress.pointer("/spec/defaultBackend/service").into_iter().chain(of_paths)
}

fn wrong_backend(ingress: &Value, backend: &Value, scene: &Scene<'_>) -> Option<Diagnosis> {
    let wanted = text(backend, "/name");
    let new = |words: String| Diagnosis::new(5206, reference(ingress), words);
    let Some(service) = scene.find("", "Service", namespace(ingress), wanted) else {
        let is_missing = scene.lacks("", "Service", namespace(ingress), wanted) == Some(true);
        return is_missing
            .then(|| new(format!("Ingress {} routes to Service {wanted}, which does not exist", name(ingress))));
    };
    let (number, port_name) = (backend.pointer("/port/number"), text(backend, "/port/name"));
    let fits = |port: &Value| {
        number.is_some() && port.get("port") == number || !port_name.is_empty() && text(port, "/name") == port_name
    };
    if items(service, "/spec/ports").any(fits) {
        return None;
    }
    let wanted_port = number.map_or(port_name.to_owned(), Value::to_string);
    Some(new(format!(
        "Ingress {} routes to port {wanted_port} of Service {wanted}, which it does not have",
        name(ingress)
    )))
}

/// Secrets may be cached as metadata only: then their type cannot be seen, and is not judged.
fn tls_secret(ingress: &Value, secret: &str, scene: &Scene<'_>) -> Option<Diagnosis> {
    if secret.is_empty() {
        return None;
    }
    let new = |words: String| {
        Diagnosis::new(5207, reference(ingress), words).class(Class::Advice).certainty(Certainty::Likely)
    };
    match scene.find("", "Secret", namespace(ingress), secret) {
        Some(found) => {
            let kind = text(found, "/type");
            let is_wrong = !kind.is_empty() && kind != "kubernetes.io/tls";
            is_wrong.then(|| {
                new(format!("Secret {secret} of Ingress {} is of type {kind}, not kubernetes.io/tls", name(ingress)))
            })
        }
        None if scene.lacks("", "Secret", namespace(ingress), secret) == Some(true) => {
            Some(new(format!("Secret {secret} of Ingress {} does not exist", name(ingress))))
        }
        None => None,
    }
}

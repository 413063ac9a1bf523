//! NetworkPolicies and Ingresses.
//!
//! Source: k8s.io/kubernetes/pkg/apis/networking/validation/validation.go.

use serde_json::Value;

use super::field::{At, Problems};
use super::{address, selector, service, text};
use crate::json::Json;

pub(super) fn policy(old: Option<&Value>, object: &Value, problems: &mut Problems) {
    let (spec, at) = (object.at("spec"), At::new("spec"));
    selector::check(spec.at("podSelector"), &at.child("podSelector"), problems);
    let old = old.map(blocks).unwrap_or_default();
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (index, rule) in spec.list(direction).iter().enumerate() {
            let at = at.child(direction).index(index);
            for (index, port) in rule.list("ports").iter().enumerate() {
                policy_port(port, &at.child("ports").index(index), problems);
            }
            for (index, one) in rule.list(peers).iter().enumerate() {
                peer(one, &old, &at.child(peers).index(index), problems);
            }
        }
    }
    let (types, types_at) = (spec.list("policyTypes"), at.child("policyTypes"));
    if types.len() > 2 {
        return problems.invalid(&types_at, types.to_vec(), "may not specify more than two policyTypes");
    }
    for (index, kind) in types.iter().enumerate() {
        problems.one_of(&types_at.index(index), kind, &["Ingress", "Egress"]);
    }
}

/// The blocks that an object has held: they may stay as they are.
fn blocks(object: &Value) -> Vec<Value> {
    let mut out = Vec::new();
    for (direction, peers) in [("spec/ingress", "from"), ("spec/egress", "to")] {
        for peer in object.list(direction).iter().flat_map(|rule| rule.list(peers)) {
            out.push(peer.at("ipBlock/cidr").clone());
            out.extend(peer.list("ipBlock/except").iter().cloned());
        }
    }
    out
}

fn policy_port(port: &Value, at: &At, problems: &mut Problems) {
    problems.one_of(&at.child("protocol"), port.at("protocol"), &["TCP", "UDP", "SCTP"]);
    let (number, number_at, end_at) = (port.at("port"), at.child("port"), at.child("endPort"));
    let end = port.at("endPort").as_i64();
    match (number.as_i64(), number.as_str()) {
        (Some(first), _) => {
            problems.all_invalid(&number_at, number, text::port_number(first));
            if let Some(end) = end {
                if end < first {
                    problems.invalid(&end_at, end, "must be greater than or equal to `port`");
                }
                problems.all_invalid(&end_at, &end.into(), text::port_number(end));
            }
        }
        (None, Some(name)) => {
            if let Some(end) = end {
                problems.invalid(&end_at, end, "may not be specified when `port` is non-numeric");
            }
            problems.all_invalid(&number_at, number, text::port_name(name));
        }
        (None, None) => {
            if let Some(end) = end {
                problems.invalid(&end_at, end, "may not be specified when `port` is not specified");
            }
        }
    }
}

fn peer(peer: &Value, old: &[Value], at: &At, problems: &mut Problems) {
    for field in ["podSelector", "namespaceSelector"] {
        selector::check(peer.at(field), &at.child(field), problems);
    }
    let selects = peer.has("podSelector") || peer.has("namespaceSelector");
    if peer.has("ipBlock") {
        ip_block(peer.at("ipBlock"), old, &at.child("ipBlock"), problems);
        if selects {
            problems.forbidden(at, "may not specify both ipBlock and another peer");
        }
    } else if !selects {
        problems.required(at, "must specify a peer");
    }
}

fn ip_block(block: &Value, old: &[Value], at: &At, problems: &mut Problems) {
    let range = block.str("cidr");
    if range.is_empty() {
        return problems.required(&at.child("cidr"), "");
    }
    address::block(&at.child("cidr"), range, old, problems);
    let Some(outer) = address::parse_block(range) else { return };
    for (index, except) in block.list("except").iter().enumerate() {
        let (at, except) = (at.child("except").index(index), except.as_str().unwrap_or(""));
        address::block(&at, except, old, problems);
        if address::parse_block(except).is_some_and(|inner| !address::is_strictly_within(inner, outer)) {
            problems.invalid(&at, except, "must be a strict subset of `cidr`");
        }
    }
}

pub(super) fn ingress(old: Option<&Value>, object: &Value, problems: &mut Problems) {
    let (spec, at) = (object.at("spec"), At::new("spec"));
    let (rules, default) = (spec.list("rules"), spec.at("defaultBackend"));
    if rules.is_empty() && default.is_null() {
        let detail = "either `defaultBackend` or `rules` must be specified";
        problems.invalid(&at, spec.at("rules").clone(), detail);
    }
    if !default.is_null() {
        backend(default, &at.child("defaultBackend"), problems);
    }
    for (index, rule) in rules.iter().enumerate() {
        let at = at.child("rules").index(index);
        host(rule.str("host"), &at.child("host"), problems);
        http(rule.at("http"), &at.child("http"), problems);
    }
    for (index, tls) in spec.list("tls").iter().enumerate() {
        let at = at.child("tls").index(index);
        for (index, name) in tls.list("hosts").iter().enumerate() {
            let (name, at) = (name.as_str().unwrap_or(""), at.child("hosts").index(index));
            let form = if name.contains('*') { text::wildcard_subdomain } else { text::subdomain };
            problems.all_invalid(&at, &name.into(), form(name));
        }
        let secret = tls.str("secretName");
        if !secret.is_empty() {
            problems.all_invalid(&at.child("secretName"), &secret.into(), text::subdomain(secret));
        }
    }
    if let Some(class) = spec.at("ingressClassName").as_str() {
        problems.all_invalid(&at.child("ingressClassName"), &class.into(), text::subdomain(class));
        let noted = object.annotation("kubernetes.io/ingress.class");
        if old.is_none() && !noted.is_empty() && noted != class {
            let at = At::new("annotations.kubernetes.io/ingress.class");
            problems.invalid(&at, noted, "must match `ingressClassName` when both are specified");
        }
    }
}

fn host(name: &str, at: &At, problems: &mut Problems) {
    if name.contains('*') {
        problems.all_invalid(at, &name.into(), text::wildcard_subdomain(name));
    } else {
        service::host(name, at, problems);
    }
}

fn http(http: &Value, at: &At, problems: &mut Problems) {
    if http.is_null() {
        return;
    }
    if http.list("paths").is_empty() {
        problems.required(&at.child("paths"), "");
    }
    for (index, path) in http.list("paths").iter().enumerate() {
        http_path(path, &at.child("paths").index(index), problems);
    }
}

fn http_path(path: &Value, at: &At, problems: &mut Problems) {
    let (text, text_at) = (path.str("path"), at.child("path"));
    match path.at("pathType").as_str() {
        None => return problems.required(&at.child("pathType"), "pathType must be specified"),
        Some("Exact" | "Prefix") => {
            if !text.starts_with('/') {
                problems.invalid(&text_at, text, "must be an absolute path");
            }
            for part in ["//", "/./", "/../", "%2f", "%2F"].into_iter().filter(|part| text.contains(part)) {
                problems.invalid(&text_at, text, format!("must not contain '{part}'"));
            }
            for end in ["/..", "/."].into_iter().filter(|end| text.ends_with(end)) {
                problems.invalid(&text_at, text, format!("cannot end with '{end}'"));
            }
        }
        Some("ImplementationSpecific") => {
            if !text.is_empty() && !text.starts_with('/') {
                problems.invalid(&text_at, text, "must be an absolute path");
            }
        }
        Some(other) => {
            let known = ["Exact", "ImplementationSpecific", "Prefix"];
            problems.unsupported(&at.child("pathType"), other, &known);
        }
    }
    backend(path.at("backend"), &at.child("backend"), problems);
}

fn backend(backend: &Value, at: &At, problems: &mut Problems) {
    match (backend.at("resource"), backend.at("service")) {
        (Value::Null, Value::Null) => problems.invalid(at, "", "resource or service backend is required"),
        (Value::Null, service) => service_backend(service, at, problems),
        (resource, Value::Null) => {
            let at = at.child("resource");
            if let Some(group) = resource.at("apiGroup").as_str() {
                problems.all_invalid(&at.child("apiGroup"), &group.into(), text::subdomain(group));
            }
            for field in ["kind", "name"] {
                match resource.str(field) {
                    "" => problems.required(&at.child(field), ""),
                    value => problems.all_invalid(&at.child(field), &value.into(), text::path_segment(value)),
                }
            }
        }
        _ => problems.invalid(at, "", "cannot set both resource and service backends"),
    }
}

fn service_backend(service: &Value, at: &At, problems: &mut Problems) {
    let inner = at.child("service");
    match service.str("name") {
        "" => problems.required(&inner.child("name"), ""),
        name => problems.all_invalid(&inner.child("name"), &name.into(), text::label(name)),
    }
    match (service.str("port/name"), service.int("port/number")) {
        ("", 0) => problems.required(at, "port name or number is required"),
        ("", number) => problems.all_invalid(&inner.child("port.number"), &number.into(), text::port_number(number)),
        (name, 0) => problems.all_invalid(&inner.child("port.name"), &name.into(), text::port_name(name)),
        _ => problems.invalid(at, "", "cannot set both port name & port number"),
    }
}

pub(super) fn ingress_status(old: &Value, new: &Value, problems: &mut Problems) {
    let path = "status/loadBalancer/ingress";
    let before: Vec<Value> = old.list(path).iter().map(|one| one.at("ip").clone()).collect();
    for (index, one) in new.list(path).iter().enumerate() {
        let at = At::new("status.loadBalancer.ingress").index(index);
        if !one.str("ip").is_empty() {
            address::ip(&at.child("ip"), one.str("ip"), &before, problems);
        }
        service::host(one.str("hostname"), &at.child("hostname"), problems);
    }
}

//! Services.
//!
//! Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.

mod families;

use std::collections::BTreeSet;

use serde_json::Value;

use super::field::{At, Problems};
use super::{address, meta, text};
use crate::json::Json;
use crate::strategy::service::{accessible, has_health_port};

pub(super) use families::check as families;

const RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

fn headless(service: &Value) -> bool {
    service.list("spec/clusterIPs").first().is_some_and(|first| first == "None")
}

fn balanced(service: &Value) -> bool {
    service.str("spec/type") == "LoadBalancer"
}

pub(super) fn check(old: Option<&Value>, service: &Value, problems: &mut Problems) {
    let (spec, at) = (service.at("spec"), At::new("spec"));
    topology(service, problems);
    let kind = spec.str("type");
    if spec.list("ports").is_empty() && !headless(service) && kind != "ExternalName" {
        problems.required(&at.child("ports"), "");
    }
    match kind {
        "LoadBalancer" | "NodePort" if headless(service) => {
            let detail = format!("may not be set to 'None' for {kind} services");
            problems.invalid(&at.child("clusterIPs").index(0), "None", detail);
        }
        "ExternalName" => external_name(spec, &at, problems),
        _ => {}
    }
    ports(spec, &at.child("ports"), problems);
    meta::labels(spec.at("selector"), &at.child("selector"), problems);
    affinity(spec, &at, problems);
    families(service, old, problems);
    let before = old.map_or(&[][..], |old| old.list("spec/externalIPs"));
    for (index, ip) in spec.list("externalIPs").iter().enumerate() {
        let (at, ip) = (at.child("externalIPs").index(index), ip.as_str().unwrap_or(""));
        if address::ip(&at, ip, before, problems) {
            address::endpoint(&at, ip, problems);
        }
    }
    match kind {
        "" => problems.required(&at.child("type"), ""),
        _ => {
            let known = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
            problems.one_of(&at.child("type"), spec.at("type"), &known);
        }
    }
    port_clashes(spec, kind, &at.child("ports"), problems);
    source_ranges(old, service, problems);
    balancer(service, &at, problems);
    class(service, &at, problems);
    traffic(service, &at, problems);
}

fn topology(service: &Value, problems: &mut Problems) {
    let (mode, hints) = ("service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints");
    let annotations = service.strings("metadata/annotations");
    if let (Some(one), Some(other)) = (annotations.get(mode), annotations.get(hints))
        && one != other
    {
        let at = At::new("metadata.annotations").key(mode);
        problems.invalid(&at, one.as_str(), format!("must match annotations[{hints}] when both are specified"));
    }
}

fn external_name(spec: &Value, at: &At, problems: &mut Problems) {
    for (field, there) in [
        ("clusterIPs", !spec.list("clusterIPs").is_empty()),
        ("ipFamilies", !spec.list("ipFamilies").is_empty()),
        ("ipFamilyPolicy", spec.has("ipFamilyPolicy")),
    ] {
        if there {
            problems.forbidden(&at.child(field), "may not be set for ExternalName services");
        }
    }
    let name = spec.str("externalName");
    match name.strip_suffix('.').unwrap_or(name) {
        "" => problems.required(&at.child("externalName"), ""),
        name => problems.all_invalid(&at.child("externalName"), &name.into(), text::subdomain(name)),
    }
}

fn ports(spec: &Value, at: &At, problems: &mut Problems) {
    let ports = spec.list("ports");
    let mut names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let at = at.index(index);
        let name = port.str("name");
        if name.is_empty() {
            if ports.len() > 1 {
                problems.required(&at.child("name"), "");
            }
        } else {
            problems.all_invalid(&at.child("name"), &name.into(), text::label(name));
            if !names.insert(name) {
                problems.duplicate(&at.child("name"), name);
            }
        }
        let number = port.int("port");
        problems.all_invalid(&at.child("port"), &number.into(), text::port_number(number));
        match port.str("protocol") {
            "" => problems.required(&at.child("protocol"), ""),
            _ => problems.one_of(&at.child("protocol"), port.at("protocol"), &["SCTP", "TCP", "UDP"]),
        }
        let (target, target_at) = (port.at("targetPort"), at.child("targetPort"));
        match target.as_str() {
            Some(name) => problems.all_invalid(&target_at, target, text::port_name(name)),
            None => {
                let number = target.as_i64().unwrap_or(0);
                problems.all_invalid(&target_at, &number.into(), text::port_number(number));
            }
        }
        if let Some(protocol) = port.at("appProtocol").as_str() {
            problems.all_invalid(&at.child("appProtocol"), &protocol.into(), text::qualified_name(protocol));
        }
    }
}

fn port_clashes(spec: &Value, kind: &str, at: &At, problems: &mut Problems) {
    let ports = spec.list("ports");
    for (index, port) in ports.iter().enumerate() {
        if kind == "ClusterIP" && port.int("nodePort") != 0 {
            let detail = "may not be used when `type` is 'ClusterIP'";
            problems.forbidden(&at.index(index).child("nodePort"), detail);
        }
    }
    let clashes = |index: usize, field: &str| {
        let key = |port: &Value| (port.str("protocol").to_owned(), port.int(field));
        ports[..index].iter().any(|port| key(port) == key(&ports[index]))
    };
    for (index, port) in ports.iter().enumerate() {
        if port.int("nodePort") != 0 && clashes(index, "nodePort") {
            problems.duplicate(&at.index(index).child("nodePort"), port.int("nodePort"));
        }
    }
    for (index, port) in ports.iter().enumerate() {
        if clashes(index, "port") {
            problems.duplicate(&at.index(index), port.clone());
        }
    }
}

fn affinity(spec: &Value, at: &At, problems: &mut Problems) {
    let (config, config_at) = (spec.at("sessionAffinityConfig"), at.child("sessionAffinityConfig"));
    match spec.str("sessionAffinity") {
        "" => problems.required(&at.child("sessionAffinity"), ""),
        "ClientIP" => {
            let needed = "when session affinity type is ClientIP";
            let seconds_at = config_at.child("clientIP.timeoutSeconds");
            match (config, config.at("clientIP"), config.at("clientIP/timeoutSeconds").as_i64()) {
                (Value::Null, _, _) => problems.required(&config_at, needed),
                (_, Value::Null, _) => problems.required(&config_at.child("clientIP"), needed),
                (_, _, None) => problems.required(&seconds_at, needed),
                (_, _, Some(seconds)) if !(1..=86_400).contains(&seconds) => {
                    problems.invalid(&seconds_at, seconds, "must be greater than 0 and less than 86400");
                }
                _ => {}
            }
        }
        "None" if !config.is_null() => {
            problems.forbidden(&config_at, "must not be set when session affinity is None");
        }
        "None" => {}
        other => problems.unsupported(&at.child("sessionAffinity"), other, &["ClientIP", "None"]),
    }
}

fn source_ranges(old: Option<&Value>, service: &Value, problems: &mut Problems) {
    let only = "may only be used when `type` is 'LoadBalancer'";
    let ranges = service.list("spec/loadBalancerSourceRanges");
    if !ranges.is_empty() {
        // The field's name begins with a capital in the server's answer.
        let at = At::new("spec.LoadBalancerSourceRanges");
        if !balanced(service) {
            problems.forbidden(&at, only);
        }
        let before = old.map_or(&[][..], |old| old.list("spec/loadBalancerSourceRanges"));
        let before: Vec<Value> = before.iter().filter_map(Value::as_str).map(|range| range.trim().into()).collect();
        for (index, range) in ranges.iter().enumerate() {
            address::block(&at.index(index), range.as_str().unwrap_or("").trim(), &before, problems);
        }
    } else if let Some(value) = service.strings("metadata/annotations").get(RANGES) {
        let at = At::new("metadata.annotations").key(RANGES);
        if !balanced(service) {
            problems.forbidden(&at, only);
        }
        if old.is_none_or(|old| old.annotation(RANGES) != value) && !value.trim().is_empty() {
            value.trim().split(',').for_each(|range| address::block(&at, range.trim(), &[], problems));
        }
    }
}

fn balancer(service: &Value, at: &At, problems: &mut Problems) {
    match (balanced(service), service.has("spec/allocateLoadBalancerNodePorts")) {
        (false, true) => {
            let detail = "may only be used when `type` is 'LoadBalancer'";
            problems.forbidden(&at.child("allocateLoadBalancerNodePorts"), detail);
        }
        (true, false) => problems.required(&At::new("allocateLoadBalancerNodePorts"), ""),
        _ => {}
    }
}

fn class(service: &Value, at: &At, problems: &mut Problems) {
    let at = at.child("loadBalancerClass");
    if let Some(class) = service.at("spec/loadBalancerClass").as_str() {
        if balanced(service) {
            problems.all_invalid(&at, &class.into(), text::qualified_name(class));
        } else {
            problems.forbidden(&at, "may only be used when `type` is 'LoadBalancer'");
        }
    }
}

fn traffic(service: &Value, at: &At, problems: &mut Problems) {
    let (policy, policy_at) = (service.str("spec/externalTrafficPolicy"), at.child("externalTrafficPolicy"));
    match (accessible(service), policy) {
        (false, "") | (true, "Cluster" | "Local") => {}
        (false, _) => problems.invalid(&policy_at, policy, "may only be set for externally-accessible services"),
        (true, "") => problems.required(&policy_at, ""),
        (true, _) => problems.unsupported(&policy_at, policy, &["Cluster", "Local"]),
    }
    let (port, port_at) = (service.int("spec/healthCheckNodePort"), at.child("healthCheckNodePort"));
    // A port that is missing is handed out before the server validates.
    if port != 0 && has_health_port(service) {
        problems.all_invalid(&port_at, &port.into(), text::port_number(port));
    } else if port != 0 {
        let detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        problems.invalid(&port_at, port, detail);
    }
    let internal_at = at.child("internalTrafficPolicy");
    let inside = matches!(service.str("spec/type"), "NodePort" | "LoadBalancer" | "ClusterIP");
    match service.at("spec/internalTrafficPolicy").as_str() {
        None if inside => problems.required(&internal_at, ""),
        Some(other) if !matches!(other, "Cluster" | "Local") => {
            problems.unsupported(&internal_at, other, &["Cluster", "Local"]);
        }
        _ => {}
    }
    let known = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    problems.one_of(&at.child("trafficDistribution"), service.at("spec/trafficDistribution"), &known);
}

pub(super) fn update(old: &Value, new: &Value, problems: &mut Problems) {
    families::change(old, new, problems);
    let class = "spec/loadBalancerClass";
    if balanced(old) && balanced(new) && old.at(class) != new.at(class) {
        problems.invalid(&At::new("spec.loadBalancerClass"), new.at(class).clone(), "may not change once set");
    }
    let port = "spec/healthCheckNodePort";
    if has_health_port(old) && has_health_port(new) && old.at(port) != new.at(port) {
        problems.forbidden(&At::new("spec.healthCheckNodePort"), "field is immutable");
    }
    check(Some(old), new, problems);
}

pub(super) fn status(old: &Value, new: &Value, problems: &mut Problems) {
    let at = At::new("status.loadBalancer.ingress");
    let ingress = new.list("status/loadBalancer/ingress");
    if !balanced(new) && !ingress.is_empty() {
        return problems.forbidden(&at, "may only be used when `spec.type` is 'LoadBalancer'");
    }
    let before: Vec<Value> = old.list("status/loadBalancer/ingress").iter().map(|one| one.at("ip").clone()).collect();
    for (index, one) in ingress.iter().enumerate() {
        let at = at.index(index);
        let (ip, mode) = (one.str("ip"), one.at("ipMode"));
        if !ip.is_empty() {
            address::ip(&at.child("ip"), ip, &before, problems);
        }
        match (mode, ip) {
            (Value::Null, "") => {}
            (Value::Null, _) => problems.required(&at.child("ipMode"), "must be specified when `ip` is set"),
            (_, "") => problems.forbidden(&at.child("ipMode"), "may not be specified when `ip` is not set"),
            _ => problems.one_of(&at.child("ipMode"), mode, &["Proxy", "VIP"]),
        }
        host(one.str("hostname"), &at.child("hostname"), problems);
    }
}

/// A balancer's name, if it has one.
pub(super) fn host(name: &str, at: &At, problems: &mut Problems) {
    if name.is_empty() {
        return;
    }
    problems.all_invalid(at, &name.into(), text::subdomain(name));
    if address::is_ip(name) {
        problems.invalid(at, name, "must be a DNS name, not an IP address");
    }
}

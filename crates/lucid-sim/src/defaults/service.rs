//! Defaults of Services and NetworkPolicies.

use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::strategy::service::accessible;

pub(crate) fn service(object: &mut Value) {
    object.default_to("spec/sessionAffinity", "None");
    match object.str("spec/sessionAffinity") {
        "None" => drop(object.cut("spec/sessionAffinityConfig")),
        "ClientIP" if !object.has("spec/sessionAffinityConfig/clientIP/timeoutSeconds") => {
            object.put("spec/sessionAffinityConfig", json!({"clientIP": {"timeoutSeconds": 10_800}}));
        }
        _ => {}
    }
    object.default_to("spec/type", "ClusterIP");
    for port in object.items("spec/ports") {
        port.default_to("protocol", "TCP");
        if matches!(port.at("targetPort"), Value::Null) || port["targetPort"] == 0 || port["targetPort"] == "" {
            let number = port.int("port");
            port.put("targetPort", number);
        }
    }
    if accessible(object) {
        object.default_to("spec/externalTrafficPolicy", "Cluster");
    }
    let kind = object.str("spec/type").to_owned();
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        object.default_to("spec/internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        object.default_to("spec/allocateLoadBalancerNodePorts", true);
        for ingress in object.items("status/loadBalancer/ingress").iter_mut().filter(|one| one.has("ip")) {
            ingress.default_to("ipMode", "VIP");
        }
    }
}

pub(crate) fn network_policy(object: &mut Value) {
    for (list, ports) in [("spec/ingress", "ports"), ("spec/egress", "ports")] {
        for rule in object.items(list) {
            rule.items(ports).iter_mut().for_each(|port| port.default_to("protocol", "TCP"));
        }
    }
    if object.list("spec/policyTypes").is_empty() {
        let types =
            if object.list("spec/egress").is_empty() { json!(["Ingress"]) } else { json!(["Ingress", "Egress"]) };
        object.put("spec/policyTypes", types);
    }
}

//! Defaults of Services and NetworkPolicies.

use serde_json::{Value, json};

use crate::json::{Json, JsonMut};

pub(crate) fn service(object: &mut Value) {
    object.default_to("spec/sessionAffinity", "None");
    if object.str("spec/sessionAffinity") == "ClientIP" {
        object.default_to("spec/sessionAffinityConfig/clientIP/timeoutSeconds", 10_800);
    }
    object.default_to("spec/type", "ClusterIP");
    for port in object.items("spec/ports") {
        port.default_to("protocol", "TCP");
        let number = port.at("port").clone();
        port.default_to("targetPort", number);
    }
    let kind = object.str("spec/type").to_owned();
    if kind != "ExternalName" {
        object.default_to("spec/internalTrafficPolicy", "Cluster");
        object.default_to("spec/ipFamilyPolicy", "SingleStack");
        object.default_to("spec/ipFamilies", json!(["IPv4"]));
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        object.default_to("spec/externalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        object.default_to("spec/allocateLoadBalancerNodePorts", true);
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

//! Service: there; a load balancer has an address as well.

use serde_json::Value;

use crate::read::{items, text};
use crate::verdict::Verdict;

pub(super) fn rule(service: &Value) -> Verdict {
    let is_balanced = text(service, "/spec/type") == "LoadBalancer";
    let has_address = items(service, "/status/loadBalancer/ingress").next().is_some();
    let has_own_addresses = items(service, "/spec/externalIPs").next().is_some();
    if !is_balanced || has_own_addresses {
        return Verdict::current("is there");
    }
    match has_address {
        true => Verdict::current("has an address"),
        false => Verdict::in_progress("the load balancer has no address"),
    }
}

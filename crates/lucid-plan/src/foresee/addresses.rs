//! Addresses and ports that Services pin: in the cluster's range, and nobody else's.

use std::net::IpAddr;

use lucid_object::{Finding, Object, ObjectSet};
use serde_json::Value;

use super::ground::{Ground, items, text};

/// Whether a Service asks for an address or a node port of its own choice.
pub(super) fn is_pinned(object: &Object) -> bool {
    object.kind() == "Service" && (address(object.value()).is_some() || node_ports(object.value()).next().is_some())
}

fn address(service: &Value) -> Option<IpAddr> {
    text(service, "/spec/clusterIP").parse().ok()
}

fn node_ports(service: &Value) -> impl Iterator<Item = i64> + use<'_> {
    items(service, "/spec/ports").filter_map(|port| port.get("nodePort")?.as_i64()).filter(|port| *port > 0)
}

pub(super) fn check(objects: &ObjectSet, ground: &Ground<'_>) -> Vec<Finding> {
    let pinned = objects.iter().filter(|object| is_pinned(object));
    pinned.flat_map(|object| out_of_range(object, ground).into_iter().chain(taken(object, ground))).collect()
}

fn out_of_range(object: &Object, ground: &Ground<'_>) -> Option<Finding> {
    let address = address(object.value())?;
    let ranges = ground.list("networking.k8s.io", "ServiceCIDR", None)?;
    let cidrs: Vec<&str> =
        ranges.iter().flat_map(|range| items(range, "/spec/cidrs")).filter_map(Value::as_str).collect();
    if cidrs.is_empty() || cidrs.iter().any(|cidr| contains(cidr, address)) {
        return None;
    }
    let message = format!(
        "{} pins clusterIP {address}, which is outside of the cluster's {}",
        object.reference(),
        cidrs.join(", ")
    );
    let at = object.position("/spec/clusterIP");
    Some(
        Finding::error(8210, message)
            .on(object.reference())
            .at(at)
            .help("leave `clusterIP` out, or take one of that range"),
    )
}

fn taken(object: &Object, ground: &Ground<'_>) -> Vec<Finding> {
    let all = ground.list("", "Service", None).unwrap_or_default();
    let own = object.reference();
    let others: Vec<&Value> =
        all.into_iter().filter(|other| Object::new((*other).clone()).reference() != own).collect();
    let complain = |what: String, other: &Value, pointer: &str| {
        let holder = Object::new(other.clone()).reference();
        let message = format!("{own} wants {what}, which {holder} has");
        let finding = Finding::error(1017, message).on(own.clone()).at(object.position(pointer));
        finding.help("leave it out, so that the cluster chooses one, or free it in the other Service")
    };
    let mut findings = Vec::new();
    if let Some(wanted) = address(object.value())
        && let Some(other) = others.iter().find(|other| address(other) == Some(wanted))
    {
        findings.push(complain(format!("clusterIP {wanted}"), other, "/spec/clusterIP"));
    }
    for port in node_ports(object.value()) {
        if let Some(other) = others.iter().find(|other| node_ports(other).any(|taken| taken == port)) {
            findings.push(complain(format!("nodePort {port}"), other, "/spec/ports"));
        }
    }
    findings
}

fn contains(cidr: &str, address: IpAddr) -> bool {
    let Some((base, length)) = cidr.split_once('/') else { return false };
    let (Ok(base), Ok(length)) = (base.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
    match (base, address) {
        (IpAddr::V4(base), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length)).unwrap_or(0);
            u32::from(base) & mask == u32::from(address) & mask
        }
        (IpAddr::V6(base), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length)).unwrap_or(0);
            u128::from(base) & mask == u128::from(address) & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::foresee::ground::tests::{check, inside, wide};

    fn service(name: &str, spec: Value) -> Value {
        inside("Service", name, json!({"spec": spec}))
    }

    #[test]
    fn an_address_outside_of_the_range_or_in_use() {
        let range =
            wide("networking.k8s.io/v1", "ServiceCIDR", "kubernetes", json!({"spec": {"cidrs": ["10.96.0.0/16"]}}));
        let other = service("other", json!({"clusterIP": "10.96.0.7", "ports": [{"nodePort": 30080}]}));
        let there = [range, other];
        check(&[service("a", json!({"clusterIP": "10.96.3.9"}))], &there, &[]);
        check(&[service("a", json!({"clusterIP": "None"}))], &there, &[]);
        check(
            &[service("a", json!({"clusterIP": "10.97.0.1"}))],
            &there,
            &["E8210 Service shop/a pins clusterIP 10.97.0.1, which is outside of the cluster's 10.96.0.0/16"],
        );
        check(
            &[service("a", json!({"clusterIP": "10.96.0.7", "ports": [{"nodePort": 30080}]}))],
            &there,
            &[
                "E1017 Service shop/a wants clusterIP 10.96.0.7, which Service shop/other has",
                "E1017 Service shop/a wants nodePort 30080, which Service shop/other has",
            ],
        );
        check(&[service("other", json!({"clusterIP": "10.96.0.7"}))], &there, &[]);
    }

    #[test]
    fn prefixes() {
        for (cidr, address, expect) in [
            ("0.0.0.0/0", "1.2.3.4", true),
            ("10.0.0.8/29", "10.0.0.15", true),
            ("10.0.0.8/29", "10.0.0.16", false),
            ("fd00::/112", "fd00::ffff", true),
            ("fd00::/112", "10.0.0.1", false),
            ("nonsense", "10.0.0.1", false),
        ] {
            assert_eq!(contains(cidr, address.parse().unwrap()), expect, "{cidr} {address}");
        }
    }
}

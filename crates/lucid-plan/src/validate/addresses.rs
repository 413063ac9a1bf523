//! Addresses and ports that only one Service can have.

use std::collections::BTreeMap;

use lucid_object::{Finding, Object};

use super::scene::{Scene, list, text};

/// What `--service-node-port-range` is unless someone sets it.
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30000..=32767;

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let (mut addresses, mut node_ports) = (BTreeMap::new(), BTreeMap::new());
    for service in scene.of("", "Service") {
        let address = service.str_at("/spec/clusterIP").filter(|address| !address.is_empty() && *address != "None");
        if let Some(address) = address {
            let at = |finding: Finding| finding.on(service.reference()).at(service.position("/spec/clusterIP"));
            match addresses.insert(address.to_owned(), service) {
                Some(first) => found.push(at(taken(&format!("the address {address}"), first, service))),
                None => {
                    let message = format!("{} pins the address {address}", service.reference());
                    found.push(
                        at(Finding::warning(8210, message)).help(
                            "leave `clusterIP` out: the address must lie in the range of the cluster, and be free",
                        ),
                    );
                }
            }
        }
        for (pointer, port) in list(service.value(), "/spec/ports") {
            let Some(number) = port.get("nodePort").and_then(serde_json::Value::as_i64).filter(|n| *n != 0) else {
                continue;
            };
            let at =
                |finding: Finding| finding.on(service.reference()).at(service.position(&format!("{pointer}/nodePort")));
            let protocol = text(port, "protocol").unwrap_or("TCP").to_owned();
            if !NODE_PORTS.contains(&number) {
                let message = format!("{} wants the node port {number}, outside of 30000-32767", service.reference());
                found.push(at(Finding::warning(1017, message)).help("choose one in the range, or leave it out"));
            }
            if let Some(first) = node_ports.insert((number, protocol), service) {
                found.push(at(taken(&format!("the node port {number}"), first, service)));
            }
        }
    }
}

fn taken(what: &str, first: &Object, second: &Object) -> Finding {
    let message = format!("{} and {} both claim {what}", first.reference(), second.reference());
    Finding::error(1017, message).help("leave it out of one of them")
}

//! Services: addresses and node ports that the cluster hands out, keeps through updates, and takes back.

use serde_json::{Value, json};

use crate::error::{ApiError, Cause};
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
use crate::world::World;
use crate::world::addresses::{self, Addresses, NODE_PORTS};
use crate::world::metadata::restore;

fn external(service: &Value) -> bool {
    service.str("spec/type") == "ExternalName"
}

fn has_node_ports(service: &Value) -> bool {
    match service.str("spec/type") {
        "NodePort" => true,
        "LoadBalancer" => service.at("spec/allocateLoadBalancerNodePorts").as_bool() != Some(false),
        _ => false,
    }
}

/// Refuses an address or a port that cannot be had.
pub(crate) fn check_create(world: &World, kind: &Kind, object: &Value) -> Result<(), ApiError> {
    if kind.table != Table::SERVICES || external(object) {
        return Ok(());
    }
    check_address(world, kind, object)?;
    check_ports(world, kind, None, object)
}

/// An update that leaves the allocated values out keeps them; then as for a new object.
pub(crate) fn check_update(world: &World, kind: &Kind, old: &Value, new: &mut Value) -> Result<(), ApiError> {
    if kind.table != Table::SERVICES {
        return Ok(());
    }
    keep(old, new);
    if external(new) {
        return Ok(());
    }
    if external(old) {
        check_address(world, kind, new)?;
    }
    check_ports(world, kind, Some(old), new)
}

fn check_address(world: &World, kind: &Kind, object: &Value) -> Result<(), ApiError> {
    let address = object.str("spec/clusterIP");
    let Some(number) = addresses::parse(address) else { return Ok(()) };
    let refuse = |detail: String| {
        let cause = Cause::invalid("spec.clusterIPs", &json!([address]), &detail);
        Err(ApiError::invalid(kind.about(), object.name(), vec![cause]))
    };
    if !Addresses::in_service_range(number) {
        return refuse(format!(
            "failed to allocate IP {address}: the provided IP ({address}) is not in the valid range. The range of valid IPs is {}",
            addresses::SERVICE_RANGE
        ));
    }
    if world.addresses.has_service(number) {
        return refuse(format!("failed to allocate IP {address}: provided IP is already allocated"));
    }
    Ok(())
}

fn check_ports(world: &World, kind: &Kind, old: Option<&Value>, object: &Value) -> Result<(), ApiError> {
    if !has_node_ports(object) {
        return Ok(());
    }
    let had: Vec<i64> =
        old.map(|old| old.list("spec/ports").iter().map(|p| p.int("nodePort")).collect()).unwrap_or_default();
    for (at, port) in object.list("spec/ports").iter().enumerate() {
        let wanted = port.int("nodePort");
        if wanted == 0 || had.contains(&wanted) {
            continue;
        }
        let problem = match u16::try_from(wanted).ok().filter(|port| NODE_PORTS.contains(port)) {
            None => Some("provided port is not in the valid range. The range of valid ports is 30000-32767"),
            Some(number) => world.addresses.has_port(number).then_some("provided port is already allocated"),
        };
        if let Some(problem) = problem {
            let cause = Cause::invalid(format!("spec.ports[{at}].nodePort"), &wanted.into(), problem);
            return Err(ApiError::invalid(kind.about(), object.name(), vec![cause]));
        }
    }
    Ok(())
}

fn keep(old: &Value, new: &mut Value) {
    if !external(old) && !external(new) {
        if new.str("spec/clusterIP").is_empty() {
            restore(old, new, "spec/clusterIP");
            restore(old, new, "spec/clusterIPs");
        } else if new.list("spec/clusterIPs").is_empty() && new.at("spec/clusterIP") == old.at("spec/clusterIP") {
            restore(old, new, "spec/clusterIPs");
        }
    }
    if !has_node_ports(old) || !has_node_ports(new) {
        return;
    }
    let ports = old.list("spec/ports").to_vec();
    let used: Vec<i64> = new.list("spec/ports").iter().map(|port| port.int("nodePort")).collect();
    for port in new.items("spec/ports").iter_mut().filter(|port| port.int("nodePort") == 0) {
        let same = |old: &&Value| {
            old.at("port") == port.at("port")
                && old.at("protocol") == port.at("protocol")
                && !used.contains(&old.int("nodePort"))
        };
        if let Some(number) = ports.iter().find(same).map(|old| old.int("nodePort")).filter(|number| *number != 0) {
            port.put("nodePort", number);
        }
    }
}

/// Hands out what the object asks for; what was asked for by number has been checked.
pub(crate) fn allocate(world: &mut World, kind: &Kind, old: Option<&Value>, object: &mut Value, dry_run: bool) {
    if kind.table != Table::SERVICES {
        return;
    }
    allocate_address(world, old, object, dry_run);
    if has_node_ports(object) {
        allocate_ports(world, object, dry_run);
    }
    if let Some(old) = old.filter(|_| !dry_run) {
        release_unused(world, old, object);
    }
}

fn allocate_address(world: &mut World, old: Option<&Value>, object: &mut Value, dry_run: bool) {
    let kept = old.is_some_and(|old| !external(old));
    if external(object) || kept {
        return;
    }
    let asked = object.str("spec/clusterIP").to_owned();
    if asked.is_empty() {
        let draw = world.chooser.next();
        let address = world.addresses.service(draw, dry_run);
        object.put("spec/clusterIP", address.clone());
        object.put("spec/clusterIPs", json!([address]));
        return;
    }
    object.default_to("spec/clusterIPs", json!([asked]));
    if let Some(number) = addresses::parse(&asked).filter(|_| !dry_run) {
        world.addresses.claim_service(number);
    }
}

fn allocate_ports(world: &mut World, object: &mut Value, dry_run: bool) {
    for port in object.items("spec/ports") {
        let wanted = port.int("nodePort");
        if wanted == 0 {
            let draw = world.chooser.next();
            port.put("nodePort", world.addresses.node_port(draw, dry_run));
        } else if !dry_run && let Ok(number) = u16::try_from(wanted) {
            world.addresses.claim_port(number);
        }
    }
}

fn release_unused(world: &mut World, old: &Value, new: &Value) {
    if external(new) && !external(old) {
        world.addresses.release_service(old.str("spec/clusterIP"));
    }
    let used: Vec<i64> = new.list("spec/ports").iter().map(|port| port.int("nodePort")).collect();
    for number in old.list("spec/ports").iter().map(|port| port.int("nodePort")).filter(|n| !used.contains(n)) {
        world.addresses.release_port(u16::try_from(number).unwrap_or(0));
    }
}

/// Takes back what a removed object held.
pub(crate) fn release(world: &mut World, table: Table, object: &Value) {
    if table == Table::SERVICES {
        world.addresses.release_service(object.str("spec/clusterIP"));
        for port in object.list("spec/ports") {
            world.addresses.release_port(u16::try_from(port.int("nodePort")).unwrap_or(0));
        }
    }
}

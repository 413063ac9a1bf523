//! Services: address families, addresses and node ports that the cluster hands out, keeps through updates, and takes back.
//!
//! Source: k8s.io/kubernetes/pkg/registry/core/service (strategy.go, storage/storage.go, storage/alloc.go). The simulated
//! cluster has IPv4 only.

use serde_json::{Value, json};

use crate::error::{ApiError, Cause};
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
use crate::validate;
use crate::world::World;
use crate::world::addresses::{self, Addresses, NODE_PORTS};

fn external(service: &Value) -> bool {
    service.str("spec/type") == "ExternalName"
}

fn headless(service: &Value) -> bool {
    service.str("spec/clusterIP") == "None"
}

fn has_node_ports(service: &Value) -> bool {
    match service.str("spec/type") {
        "NodePort" => true,
        "LoadBalancer" => service.at("spec/allocateLoadBalancerNodePorts").as_bool() != Some(false),
        _ => false,
    }
}

pub(crate) fn has_health_port(service: &Value) -> bool {
    service.str("spec/type") == "LoadBalancer" && service.str("spec/externalTrafficPolicy") == "Local"
}

/// Fills in what follows from other fields, and refuses what cannot be had.
pub(crate) fn begin_create(world: &World, kind: &Kind, object: &mut Value) -> Result<(), ApiError> {
    if kind.table != Table::SERVICES {
        return Ok(());
    }
    normalize_addresses(None, object);
    families(kind, None, object)?;
    check_addresses(world, kind, object)?;
    check_ports(world, kind, None, object)
}

/// As for a new object; an update that leaves the allocated values out keeps them.
pub(crate) fn begin_update(world: &World, kind: &Kind, old: &Value, new: &mut Value) -> Result<(), ApiError> {
    if kind.table != Table::SERVICES {
        return Ok(());
    }
    keep(old, new);
    normalize_addresses(Some(old), new);
    families(kind, Some(old), new)?;
    if external(old) {
        check_addresses(world, kind, new)?;
    }
    check_ports(world, kind, Some(old), new)
}

/// `clusterIP` and the first of `clusterIPs` say the same; the one that was changed counts.
fn normalize_addresses(old: Option<&Value>, new: &mut Value) {
    let single = new.str("spec/clusterIP").to_owned();
    let Some(old) = old else {
        if !single.is_empty() && new.list("spec/clusterIPs").is_empty() {
            new.put("spec/clusterIPs", json!([single]));
        }
        return;
    };
    let before = old.str("spec/clusterIP");
    if single == before {
        if new.list("spec/clusterIPs").is_empty() && old.has("spec/clusterIPs") {
            new.put("spec/clusterIPs", old.at("spec/clusterIPs").clone());
        }
    } else if new.list("spec/clusterIPs") == old.list("spec/clusterIPs") {
        if single.is_empty() {
            new.cut("spec/clusterIPs");
        } else {
            new.put("spec/clusterIPs", json!([single]));
        }
    }
}

/// The policy and the list of address families.
fn families(kind: &Kind, old: Option<&Value>, service: &mut Value) -> Result<(), ApiError> {
    if external(service) {
        return Ok(());
    }
    let bare = headless(service) && service.map("spec/selector").is_none_or(serde_json::Map::is_empty);
    if !service.has("spec/ipFamilyPolicy") {
        let before = old.map_or("", |old| old.str("spec/ipFamilyPolicy"));
        let policy = match before {
            "" if bare => "RequireDualStack",
            "" => "SingleStack",
            kept => kept,
        };
        service.put("spec/ipFamilyPolicy", policy);
    }
    let refuse = |causes: Vec<Cause>| match causes.is_empty() {
        true => Ok(()),
        false => Err(ApiError::invalid(kind.about(), service_name(service), causes)),
    };
    refuse(validate::cluster_addresses(service, old))?;
    let policy = service.str("spec/ipFamilyPolicy").to_owned();
    refuse(contradictions(old, service, &policy))?;
    if old.is_some() && policy == "SingleStack" {
        for list in ["spec/clusterIPs", "spec/ipFamilies"] {
            let same = old.is_some_and(|old| old.at(list) == service.at(list));
            if same && service.list(list).len() > 1 {
                let first = service.list(list)[0].clone();
                service.put(list, json!([first]));
            }
        }
    }
    infer_families(service);
    if service.list("spec/ipFamilies").is_empty() {
        service.put("spec/ipFamilies", json!(["IPv4"]));
    }
    if bare {
        if service.list("spec/ipFamilies").len() < 2 && policy != "SingleStack" {
            let first = service.list("spec/ipFamilies")[0].clone();
            let other = if first == "IPv4" { "IPv6" } else { "IPv4" };
            service.put("spec/ipFamilies", json!([first, other]));
        }
        return Ok(());
    }
    let service: &Value = service;
    let mut causes = Vec::new();
    if policy == "RequireDualStack" {
        let detail = "this cluster is not configured for dual-stack services";
        causes.push(Cause::invalid("spec.ipFamilyPolicy", &policy.clone().into(), detail));
    }
    for (at, family) in service.list("spec/ipFamilies").iter().enumerate().filter(|(_, family)| *family != "IPv4") {
        let detail = "not configured on this cluster";
        causes.push(Cause::invalid(format!("spec.ipFamilies[{at}]"), family, detail));
    }
    match causes.is_empty() {
        true => Ok(()),
        false => Err(ApiError::invalid(kind.about(), service.name(), causes)),
    }
}

fn service_name(service: &Value) -> &str {
    service.name()
}

/// A policy that does not fit the number of addresses and families.
fn contradictions(old: Option<&Value>, service: &Value, policy: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut say = |detail: &str| causes.push(Cause::invalid("spec.ipFamilyPolicy", &policy.into(), detail));
    let count = |object: &Value, list: &str| object.list(list).len();
    if policy == "SingleStack" {
        if old.is_none_or(|old| old.at("spec/clusterIPs") != service.at("spec/clusterIPs"))
            && count(service, "spec/clusterIPs") == 2
        {
            say("must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified");
        }
        if old.is_none_or(|old| old.at("spec/ipFamilies") != service.at("spec/ipFamilies"))
            && count(service, "spec/ipFamilies") == 2
        {
            say("must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified");
        }
    } else if let Some(old) = old {
        let reduced = |list: &str| {
            let (before, after) = (count(old, list), count(service, list));
            after != 0 && after < before && old.list(list)[..after] == service.list(list)[..]
        };
        if reduced("spec/clusterIPs") {
            say("must be 'SingleStack' to release the secondary cluster IP");
        }
        if reduced("spec/ipFamilies") {
            say("must be 'SingleStack' to release the secondary IP family");
        }
    }
    causes
}

/// Families that the addresses show.
fn infer_families(service: &mut Value) {
    let mut families = service.list("spec/ipFamilies").to_vec();
    for (at, address) in service.list("spec/clusterIPs").iter().filter_map(Value::as_str).enumerate() {
        if address == "None" {
            break;
        }
        if at >= families.len() {
            families.push(if address.contains(':') { "IPv6" } else { "IPv4" }.into());
        }
    }
    if !families.is_empty() {
        service.put("spec/ipFamilies", families);
    }
}

fn check_addresses(world: &World, kind: &Kind, object: &Value) -> Result<(), ApiError> {
    if external(object) || headless(object) {
        return Ok(());
    }
    for address in object.list("spec/clusterIPs").iter().filter_map(Value::as_str) {
        let Some(number) = addresses::parse(address) else { continue };
        let problem = if !Addresses::in_service_range(number) {
            format!("failed to allocate IP {address}: the provided network does not match the current range")
        } else if world.addresses.has_service(number) {
            format!("failed to allocate IP {address}: provided IP is already allocated")
        } else {
            continue;
        };
        let cause = Cause::invalid("spec.clusterIPs", object.at("spec/clusterIPs"), &problem);
        return Err(ApiError::invalid(kind.about(), object.name(), vec![cause]));
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
            let kept = old.at("spec/clusterIP").clone();
            new.put("spec/clusterIP", kept);
        }
        if new.list("spec/clusterIPs").is_empty() && !old.list("spec/clusterIPs").is_empty() {
            let kept = old.at("spec/clusterIPs").clone();
            new.put("spec/clusterIPs", kept);
        }
    }
    if has_node_ports(old) && has_node_ports(new) {
        keep_node_ports(old, new);
    }
    if has_health_port(old) && has_health_port(new) && new.int("spec/healthCheckNodePort") == 0 {
        let kept = old.at("spec/healthCheckNodePort").clone();
        new.put("spec/healthCheckNodePort", kept);
    }
}

/// Ports keep their node ports by name.
fn keep_node_ports(old: &Value, new: &mut Value) {
    let numbers =
        |service: &Value| -> Vec<i64> { service.list("spec/ports").iter().map(|p| p.int("nodePort")).collect() };
    let (before, after) = (numbers(old), numbers(new));
    let used = |number: i64| before.contains(&number) && after.contains(&number);
    let ports = old.list("spec/ports").to_vec();
    for port in new.items("spec/ports").iter_mut().filter(|port| port.int("nodePort") == 0) {
        let same = ports.iter().rfind(|old| old.str("name") == port.str("name")).map(|old| old.int("nodePort"));
        if let Some(number) = same.filter(|number| *number != 0 && !used(*number)) {
            port.put("nodePort", number);
        }
    }
}

/// A change of type drops the fields that belonged to the old one, unless the request changed them too.
pub(crate) fn drop_dependent_fields(old: &Value, new: &mut Value) {
    let same = |new: &Value, path: &str| old.at(path) == new.at(path);
    if !external(old) && external(new) {
        if same(new, "spec/clusterIP") && same(new, "spec/clusterIPs") {
            new.cut("spec/clusterIP");
            new.cut("spec/clusterIPs");
        }
        for field in ["spec/ipFamilies", "spec/ipFamilyPolicy"] {
            if same(new, field) {
                new.cut(field);
            }
        }
    }
    let typed = |service: &Value| matches!(service.str("spec/type"), "NodePort" | "LoadBalancer");
    let numbers = |service: &Value| -> Vec<i64> {
        service.list("spec/ports").iter().map(|p| p.int("nodePort")).filter(|number| *number != 0).collect()
    };
    let before = numbers(old);
    if typed(old) && !typed(new) && numbers(new).iter().all(|number| before.contains(number)) {
        new.items("spec/ports").iter_mut().for_each(|port| drop(port.cut("nodePort")));
    }
    if has_health_port(old) && !has_health_port(new) && same(new, "spec/healthCheckNodePort") {
        new.cut("spec/healthCheckNodePort");
    }
    let balanced = |service: &Value| service.str("spec/type") == "LoadBalancer";
    if balanced(old) && !balanced(new) {
        for field in ["spec/allocateLoadBalancerNodePorts", "spec/loadBalancerClass"] {
            if same(new, field) {
                new.cut(field);
            }
        }
    }
    if accessible(old) && !accessible(new) && same(new, "spec/externalTrafficPolicy") {
        new.cut("spec/externalTrafficPolicy");
    }
    if !balanced(new) {
        new.put("status", json!({"loadBalancer": {}}));
    }
}

/// Reachable from outside of the cluster.
pub(crate) fn accessible(service: &Value) -> bool {
    match service.str("spec/type") {
        "NodePort" | "LoadBalancer" => true,
        "ClusterIP" => !service.list("spec/externalIPs").is_empty(),
        _ => false,
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
    if has_health_port(object) && object.int("spec/healthCheckNodePort") == 0 {
        let draw = world.chooser.next();
        object.put("spec/healthCheckNodePort", world.addresses.node_port(draw, dry_run));
    }
    if let Some(old) = old.filter(|_| !dry_run) {
        release_unused(world, old, object);
    }
}

fn allocate_address(world: &mut World, old: Option<&Value>, object: &mut Value, dry_run: bool) {
    let kept = old.is_some_and(|old| !external(old));
    if external(object) || headless(object) || kept {
        return;
    }
    let asked = object.str("spec/clusterIP").to_owned();
    if asked.is_empty() {
        let draw = world.chooser.next();
        let address = world.addresses.service(draw, dry_run);
        object.put("spec/clusterIP", address.clone());
        object.put("spec/clusterIPs", json!([address]));
    } else if let Some(number) = addresses::parse(&asked).filter(|_| !dry_run) {
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

//! What is particular to kinds when they are written: status, generation, addresses.

use serde_json::{Value, json};

use crate::error::{ApiError, Cause};
use crate::fields::set::FieldSet;
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
use crate::world::World;
use crate::world::addresses::{self, Addresses, NODE_PORTS};
use crate::world::metadata::restore;

/// Kinds whose `metadata.generation` counts changes of the wish.
pub(crate) fn has_generation(kind: &Kind) -> bool {
    kind.is_custom()
        || matches!(
            (kind.group.as_str(), kind.kind.as_str()),
            ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
                | ("batch", "Job" | "CronJob")
                | ("policy", "PodDisruptionBudget")
                | ("networking.k8s.io", "Ingress" | "NetworkPolicy" | "IngressClass")
                | ("", "Pod" | "ReplicationController")
                | ("discovery.k8s.io", "EndpointSlice")
                | ("apiextensions.k8s.io", "CustomResourceDefinition")
                | ("scheduling.k8s.io", "PriorityClass")
                | ("flowcontrol.apiserver.k8s.io", _)
                | ("admissionregistration.k8s.io", _)
        )
}

pub(crate) fn prepare_create(kind: &Kind, object: &mut Value) {
    if kind.has_status() && kind.table != Table::NODES {
        object.cut("status");
    }
    match kind.table {
        Table::PODS => object.put("status", json!({"phase": "Pending"})),
        Table::NAMESPACES => {
            object.put("status", json!({"phase": "Active"}));
            object.put("spec/finalizers", json!(["kubernetes"]));
            let name = object.name().to_owned();
            labels(object).insert("kubernetes.io/metadata.name".into(), name.into());
        }
        Table::CLAIMS => object.put("status", json!({"phase": "Pending"})),
        Table::VOLUMES => object.put("status", json!({"phase": "Pending"})),
        Table::SERVICES => object.put("status", json!({"loadBalancer": {}})),
        Table::DEPLOYMENTS | Table::DAEMON_SETS | Table::JOBS | Table::CRON_JOBS => {
            object.put("status", empty_status(kind));
        }
        Table::REPLICA_SETS | Table::STATEFUL_SETS => object.put("status", empty_status(kind)),
        _ => empty_of_others(kind, object),
    }
}

/// Statuses whose counters the server's types always print.
fn empty_status(kind: &Kind) -> Value {
    match kind.table {
        Table::REPLICA_SETS => json!({"replicas": 0}),
        Table::STATEFUL_SETS => json!({"replicas": 0, "availableReplicas": 0}),
        Table::DAEMON_SETS => {
            json!({"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0})
        }
        _ => json!({}),
    }
}

fn empty_of_others(kind: &Kind, object: &mut Value) {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("networking.k8s.io", "Ingress") => object.put("status", json!({"loadBalancer": {}})),
        ("autoscaling", _) => object.put("status", json!({"desiredReplicas": 0, "currentMetrics": null})),
        ("policy", "PodDisruptionBudget") => object.put(
            "status",
            json!({"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}),
        ),
        ("", "ResourceQuota") => object.put("status", json!({})),
        _ => {}
    }
    if kind.group == "autoscaling" {
        object.cut("status/currentMetrics");
    }
}

fn labels(object: &mut Value) -> &mut serde_json::Map<String, Value> {
    let labels = object.entry("metadata/labels");
    if !labels.is_object() {
        *labels = json!({});
    }
    labels.as_object_mut().expect("made an object above")
}

/// The main resource cannot change the status, and the status resource can change nothing else.
pub(crate) fn prepare_update(kind: &Kind, subresource: &str, old: &Value, new: &mut Value) {
    if subresource == "status" {
        let status = new.cut("status");
        let metadata = new.cut("metadata");
        *new = old.clone();
        if let Some(status) = status {
            new.put("status", status);
        }
        let metadata = metadata.unwrap_or_default();
        for field in ["annotations", "finalizers", "managedFields", "ownerReferences", "labels"] {
            let kept = field == "labels" && kind.table == Table::DEPLOYMENTS || field == "ownerReferences";
            if !kept {
                restore(&json!({"metadata": metadata}), new, &format!("metadata/{field}"));
            }
        }
    } else if kind.has_status() {
        restore(old, new, "status");
    }
    if kind.table == Table::NAMESPACES {
        restore(old, new, "spec/finalizers");
        let name = old.name().to_owned();
        labels(new).insert("kubernetes.io/metadata.name".into(), name.into());
    }
    if matches!(kind.table, Table::SERVICES) && subresource.is_empty() {
        keep_addresses(old, new);
    }
}

/// An update that leaves the allocated addresses out keeps them.
fn keep_addresses(old: &Value, new: &mut Value) {
    if new.str("spec/type") == "ExternalName" {
        return;
    }
    if new.str("spec/clusterIP").is_empty() && old.str("spec/type") != "ExternalName" {
        restore(old, new, "spec/clusterIP");
        restore(old, new, "spec/clusterIPs");
    }
    if new.list("spec/clusterIPs").is_empty() && new.str("spec/clusterIP") == old.str("spec/clusterIP") {
        restore(old, new, "spec/clusterIPs");
    }
    let ports = old.list("spec/ports").to_vec();
    if matches!(new.str("spec/type"), "NodePort" | "LoadBalancer") {
        for port in new.items("spec/ports").iter_mut().filter(|port| !port.has("nodePort")) {
            let same = |old: &&Value| old.at("port") == port.at("port") && old.at("protocol") == port.at("protocol");
            if let Some(number) = ports.iter().find(same).map(|old| old.at("nodePort").clone()).filter(|n| !n.is_null())
            {
                port.put("nodePort", number);
            }
        }
    }
}

pub(crate) fn bump_generation(kind: &Kind, old: &Value, new: &mut Value) {
    if !has_generation(kind) {
        return;
    }
    let changed = if kind.is_custom() {
        custom_changed(kind, old, new)
    } else {
        let annotations =
            kind.table == Table::DEPLOYMENTS && old.at("metadata/annotations") != new.at("metadata/annotations");
        annotations || wish(old) != wish(new)
    };
    if changed {
        new.put("metadata/generation", old.generation() + 1);
    }
}

/// Everything of a built-in object but metadata and status.
fn wish(object: &Value) -> Vec<(&String, &Value)> {
    let fields = object.as_object().into_iter().flatten();
    fields.filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status" | "apiVersion" | "kind")).collect()
}

fn custom_changed(kind: &Kind, old: &Value, new: &Value) -> bool {
    let part = |object: &Value| {
        let mut object = object.clone();
        object.cut("metadata");
        if kind.has_status() {
            object.cut("status");
        }
        object
    };
    part(old) != part(new)
}

/// Fields that a way of writing cannot change, and that its managers therefore never own.
pub(crate) fn ignored_fields(kind: &Kind, subresource: &str) -> FieldSet {
    match subresource {
        "status" if kind.table == Table::DEPLOYMENTS => FieldSet::of(&[&["f:spec"], &["f:metadata", "f:labels"]]),
        "status" if kind.is_custom() => FieldSet::of(&[&["f:spec"]]),
        "status" => FieldSet::of(&[&["f:spec"]]),
        "" if kind.has_status() => FieldSet::of(&[&["f:status"]]),
        _ => FieldSet::default(),
    }
}

/// Whether an object without finalizers disappears at the update that freed it.
pub(crate) fn gone_when_unheld(kind: &Kind, object: &Value) -> bool {
    match kind.table {
        Table::PODS => object.int("metadata/deletionGracePeriodSeconds") == 0,
        Table::NAMESPACES => object.list("spec/finalizers").is_empty(),
        _ => true,
    }
}

/// Hands out what the cluster allocates: Service addresses and node ports.
pub(crate) fn allocate(
    world: &mut World,
    kind: &Kind,
    old: Option<&Value>,
    object: &mut Value,
) -> Result<(), ApiError> {
    if kind.table != Table::SERVICES {
        return Ok(());
    }
    let was = old.map_or("", |old| old.str("spec/clusterIP"));
    if object.str("spec/type") != "ExternalName" && object.str("spec/clusterIP") != was {
        take_address(world, kind, object)?;
    } else if object.str("spec/type") != "ExternalName" && was.is_empty() {
        let draw = world.chooser.next();
        let address = world.addresses.service(draw);
        object.put("spec/clusterIP", address.clone());
        object.put("spec/clusterIPs", json!([address]));
    }
    if matches!(object.str("spec/type"), "NodePort" | "LoadBalancer") {
        take_ports(world, kind, old, object)?;
    }
    Ok(())
}

fn take_address(world: &mut World, kind: &Kind, object: &mut Value) -> Result<(), ApiError> {
    let address = object.str("spec/clusterIP").to_owned();
    object.default_to("spec/clusterIPs", json!([address]));
    if address == "None" || address.is_empty() {
        return Ok(());
    }
    let refuse = |detail: &str| {
        let cause = Cause::invalid("spec.clusterIPs", &json!([address]), detail);
        ApiError::invalid(kind.about(), object.name(), vec![cause])
    };
    let Some(number) = addresses::parse(&address) else {
        return Err(refuse("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
    };
    if !Addresses::in_service_range(number) {
        let detail = format!("failed to allocate IP {address}: the provided network does not match the current range");
        return Err(refuse(&detail));
    }
    if !world.addresses.claim_service(number) {
        return Err(refuse(&format!("failed to allocate IP {address}: provided IP is already allocated")));
    }
    Ok(())
}

fn take_ports(world: &mut World, kind: &Kind, old: Option<&Value>, object: &mut Value) -> Result<(), ApiError> {
    let had: Vec<i64> =
        old.map(|old| old.list("spec/ports").iter().map(|p| p.int("nodePort")).collect()).unwrap_or_default();
    let name = object.name().to_owned();
    for (at, port) in object.items("spec/ports").iter_mut().enumerate() {
        let wanted = port.int("nodePort");
        if wanted == 0 {
            let draw = world.chooser.next();
            port.put("nodePort", world.addresses.node_port(draw));
        } else if !had.contains(&wanted) {
            let number = u16::try_from(wanted).ok().filter(|port| NODE_PORTS.contains(port));
            let problem = match number {
                None => Some("provided port is not in the valid range. The range of valid ports is 30000-32767"),
                Some(number) => (!world.addresses.claim_port(number)).then_some("provided port is already allocated"),
            };
            if let Some(problem) = problem {
                let cause = Cause::invalid(format!("spec.ports[{at}].nodePort"), &wanted.into(), problem);
                return Err(ApiError::invalid(kind.about(), &name, vec![cause]));
            }
        }
    }
    Ok(())
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

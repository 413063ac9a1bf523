//! What containers use of CPU and memory, and metrics-server's API that tells it: `metrics.k8s.io/v1beta1`.
//!
//! It is served when the scenario says `metrics: true`, as it is on a cluster where metrics-server is installed. How much
//! a container uses stands in its behaviour (`uses`); without one it is half of what it requests.

use lucid_object::Quantity;
use serde_json::{Value, json};

use crate::api::path::Target;
use crate::api::select::Selection;
use crate::api::{Reply, Request};
use crate::controllers::pods;
use crate::error::ApiError;
use crate::json::Json;
use crate::kinds::{Kind, Table};
use crate::kubelet;
use crate::world::World;

pub(crate) const GROUP: &str = "metrics.k8s.io";
pub(crate) const VERSION: &str = "v1beta1";

/// Of a container that requests nothing.
const IDLE: Usage = Usage { cpu: 5, memory: 32 << 20 };

/// Thousandths of a core, and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    cpu: i128,
    memory: i128,
}

impl Usage {
    /// Of one resource, in thousandths of its unit.
    pub(crate) fn milli(self, resource: &str) -> i128 {
        if resource == "memory" { self.memory * 1000 } else { self.cpu }
    }

    fn to_json(self) -> Value {
        json!({"cpu": format!("{}n", self.cpu * 1_000_000), "memory": format!("{}Ki", self.memory / 1024)})
    }
}

/// What each container of a pod uses; nothing of a pod that does not run.
pub(crate) fn of_pod(world: &World, pod: &Value) -> Vec<(String, Usage)> {
    if !is_measured(pod) {
        return Vec::new();
    }
    let runs = |name: &str| {
        let mut statuses = pod.list("status/containerStatuses").iter();
        statuses.any(|status| status.str("name") == name && status.has("state/running"))
    };
    let running = pod.list("spec/containers").iter().filter(|container| runs(container.str("name")));
    running.map(|container| (container.str("name").to_owned(), of_container(world, pod, container))).collect()
}

fn is_measured(pod: &Value) -> bool {
    pod.str("status/phase") == "Running" && pods::is_active(pod)
}

fn of_container(world: &World, pod: &Value, container: &Value) -> Usage {
    let uses = kubelet::behaviour(world, pod, container).and_then(|behaviour| behaviour.uses);
    let shares = if uses.is_some_and(|uses| uses.shared) { siblings(world, pod).max(1) } else { 1 };
    let amount = |told: Option<i128>, resource: &str| {
        told.map(|milli| milli / shares).or_else(|| request(container, resource).map(|milli| milli / 2))
    };
    let cpu = amount(uses.and_then(|uses| uses.cpu), "cpu");
    let memory = amount(uses.and_then(|uses| uses.memory), "memory");
    Usage { cpu: cpu.unwrap_or(IDLE.cpu), memory: memory.map_or(IDLE.memory, |milli| milli / 1000) }
}

/// How many pods share the load of a workload.
fn siblings(world: &World, pod: &Value) -> i128 {
    let owner = |pod: &Value| pod.controller().map(|owner| owner.str("uid").to_owned());
    let own = owner(pod);
    let pods = world.store.list(Table::PODS).filter(|other| is_measured(other) && owner(other) == own);
    i128::try_from(pods.count()).unwrap_or(1)
}

/// What a container requests, in thousandths.
pub(crate) fn request(container: &Value, resource: &str) -> Option<i128> {
    Some(Quantity::parse(container.str(&format!("resources/requests/{resource}")))?.milli())
}

/// GET and LIST of what is used.
pub(crate) fn serve(world: &World, kind: &Kind, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    if !matches!(request.method.as_str(), "GET" | "HEAD") || request.query.flag("watch") {
        return Err(ApiError::method_not_allowed());
    }
    let selection = Selection::of(kind, target, &request.query)?;
    let table = if kind.namespaced { Table::PODS } else { Table::NODES };
    let of_one = |object: &Value| if kind.namespaced { pod(world, object) } else { node(world, object) };
    let found: Vec<Value> = world
        .store
        .list(table)
        .filter(|object| selection.matches(object))
        .filter_map(|object| of_one(object))
        .collect();
    if target.name.is_empty() {
        let list = json!({"kind": kind.list_kind, "apiVersion": kind.api_version(), "metadata": {}, "items": found});
        return Ok(Reply::json(200, &list));
    }
    let mut one = found.into_iter().next().ok_or_else(|| ApiError::not_found(kind.about(), &target.name))?;
    one["kind"] = kind.kind.clone().into();
    one["apiVersion"] = kind.api_version().into();
    Ok(Reply::json(200, &one))
}

fn pod(world: &World, pod: &Value) -> Option<Value> {
    let containers = of_pod(world, pod);
    let shown = containers.iter().map(|(name, usage)| json!({"name": name, "usage": usage.to_json()}));
    let mut measured = head(world, pod);
    measured["metadata"]["namespace"] = pod.namespace().into();
    measured["containers"] = shown.collect();
    (!containers.is_empty()).then_some(measured)
}

fn node(world: &World, node: &Value) -> Option<Value> {
    if node.condition("Ready") != "True" {
        return None;
    }
    let pods = world.store.list(Table::PODS).filter(|pod| pod.str("spec/nodeName") == node.name());
    let used = pods.flat_map(|pod| of_pod(world, pod)).fold(Usage::default(), |sum, (_, usage)| Usage {
        cpu: sum.cpu + usage.cpu,
        memory: sum.memory + usage.memory,
    });
    let mut measured = head(world, node);
    measured["usage"] = used.to_json();
    Some(measured)
}

fn head(world: &World, object: &Value) -> Value {
    let mut metadata = json!({"name": object.name(), "creationTimestamp": world.stamp()});
    if object.has("metadata/labels") {
        metadata["labels"] = object.at("metadata/labels").clone();
    }
    json!({"metadata": metadata, "timestamp": world.stamp(), "window": "15s"})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::controllers::testing::{Stage, workload};

    #[test]
    fn half_of_the_request_unless_it_is_told() {
        let stage = |behaviours: Value| {
            let mut stage = Stage::of(Config {
                scenario: serde_json::from_value(json!({"behaviours": behaviours})).unwrap(),
                metrics: true,
                ..Config::default()
            });
            let mut deployment = workload("Deployment", "web", 2, "nginx:1");
            deployment["spec"]["template"]["spec"]["containers"][0]["resources"] =
                json!({"requests": {"cpu": "200m", "memory": "64Mi"}});
            stage.create(deployment);
            stage.advance(30);
            let used: Vec<Usage> = stage
                .list(Table::PODS)
                .iter()
                .flat_map(|pod| of_pod(&stage.world, pod))
                .map(|(_, usage)| usage)
                .collect();
            used
        };
        assert_eq!(stage(json!([])), [Usage { cpu: 100, memory: 32 << 20 }; 2]);
        let told = json!([{"select": {"workload": "web"}, "uses": {"cpu": "1500m"}}]);
        assert_eq!(stage(told), [Usage { cpu: 1500, memory: 32 << 20 }; 2]);
        let shared = json!([{"select": {"workload": "web"}, "uses": {"cpu": "1", "memory": "1Gi", "shared": true}}]);
        assert_eq!(stage(shared), [Usage { cpu: 500, memory: 512 << 20 }; 2]);
    }
}

//! ResourceQuotas: what a namespace may hold, what it holds, and the refusal of what would be too much.
//!
//! The refusal counts what is there now; the status follows a moment later, as the real one does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
use crate::quantity;
use crate::scheduler::fit::Request;
use crate::store::Key;
use crate::world::{By, World};

use super::pods;

const MANAGER: &str = "kube-controller-manager";

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let quota = world.get(Table::QUOTAS, &key.namespace, &key.name)?;
    let used = used(world, &quota);
    let hard = quota.at("spec/hard").clone();
    let spelt: BTreeMap<String, String> = hard
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, limit)| (name.clone(), spell(used.get(name), limit)))
        .collect();
    world.edit(Table::QUOTAS, &key.namespace, &key.name, By::status(MANAGER), |quota| {
        quota.put("status/hard", hard);
        quota.put("status/used", json!(spelt));
    });
    None
}

/// An amount in the spelling of its limit.
fn spell(milli: i128, limit: &Value) -> String {
    quantity::spell(milli, limit.as_str().unwrap_or(""))
}

/// Refuses an object that its namespace has no room for.
pub(crate) fn admit(world: &World, kind: &Kind, object: &Value) -> Result<(), ApiError> {
    let name = if object.name().is_empty() { object.str("metadata/generateName") } else { object.name() };
    for quota in world.store.list_in(Table::QUOTAS, object.namespace()) {
        if !in_scope(quota, kind.table, object) {
            continue;
        }
        let hard = Request::of_map(quota.at("spec/hard"));
        if let Some(missing) = unstated(&hard, kind.table, object) {
            let why = format!("failed quota: {}: must specify {missing}", quota.name());
            return Err(ApiError::forbidden(kind.about(), name, &why));
        }
        let (wanted, used) = (weight(kind, object), used(world, quota));
        let over = |resource: &&String| {
            wanted.get(resource) > 0 && used.get(resource) + wanted.get(resource) > hard.get(resource)
        };
        let over: Vec<&String> = hard.0.keys().filter(over).collect();
        if !over.is_empty() {
            let limit = |resource: &str| quota.at("spec/hard").get(resource).cloned().unwrap_or_default();
            let list = |amounts: &Request| {
                let one = |resource: &&String| format!("{resource}={}", spell(amounts.get(resource), &limit(resource)));
                over.iter().map(one).collect::<Vec<_>>().join(",")
            };
            let why = format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                quota.name(),
                list(&wanted),
                list(&used),
                list(&hard)
            );
            return Err(ApiError::forbidden(kind.about(), name, &why));
        }
    }
    Ok(())
}

/// Everything in the namespace that the quota counts.
fn used(world: &World, quota: &Value) -> Request {
    let mut used = Request::default();
    for table in world.store.tables_in(quota.namespace()) {
        let kind = world.kinds.stored(table);
        let counted = |object: &&Arc<Value>| {
            in_scope(quota, table, object) && !(table == Table::PODS && pods::is_finished(object))
        };
        for object in world.store.list_in(table, quota.namespace()).filter(counted) {
            used.add(&weight(kind, object));
        }
    }
    used
}

/// What one object counts for.
fn weight(kind: &Kind, object: &Value) -> Request {
    let suffix = if kind.group.is_empty() { String::new() } else { format!(".{}", kind.group) };
    let mut weight = Request(BTreeMap::from([(format!("count/{}{suffix}", kind.plural), 1000)]));
    if kind.group.is_empty() {
        weight.0.insert(kind.plural.clone(), 1000);
    }
    match kind.table {
        Table::PODS => pod(object, &mut weight),
        Table::CLAIMS => {
            let storage = Request::of_map(object.at("spec/resources/requests")).get("storage");
            let class = object.str("spec/storageClassName");
            weight.0.insert("requests.storage".into(), storage);
            weight.0.insert(format!("{class}.storageclass.storage.k8s.io/requests.storage"), storage);
            weight.0.insert(format!("{class}.storageclass.storage.k8s.io/persistentvolumeclaims"), 1000);
        }
        Table::SERVICES => {
            let ports = i128::try_from(object.list("spec/ports").len()).unwrap_or(0) * 1000;
            match object.str("spec/type") {
                "NodePort" => drop(weight.0.insert("services.nodeports".into(), ports)),
                "LoadBalancer" => {
                    weight.0.insert("services.nodeports".into(), ports);
                    weight.0.insert("services.loadbalancers".into(), 1000);
                }
                _ => {}
            }
        }
        _ => {}
    }
    weight
}

fn pod(object: &Value, weight: &mut Request) {
    for (name, amount) in Request::of(object).0 {
        weight.0.insert(format!("requests.{name}"), amount);
        if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") {
            weight.0.insert(name, amount);
        }
    }
    let mut limits = object.clone();
    for list in ["spec/initContainers", "spec/containers"] {
        for container in limits.items(list) {
            let own = container.at("resources/limits").clone();
            container.put("resources/requests", own);
        }
    }
    for (name, amount) in Request::of(&limits).0 {
        weight.0.insert(format!("limits.{name}"), amount);
    }
}

/// Compute resources that a quota limits have to be stated by every container.
fn unstated(hard: &Request, table: Table, object: &Value) -> Option<String> {
    if table != Table::PODS {
        return None;
    }
    let stated = |container: &Value, resource: &str| match resource.split_once('.') {
        Some((list @ ("requests" | "limits"), name)) => container.has(&format!("resources/{list}/{name}")),
        _ => container.has(&format!("resources/requests/{resource}")),
    };
    let computes = |resource: &&String| {
        let name = resource.trim_start_matches("requests.").trim_start_matches("limits.");
        matches!(name, "cpu" | "memory")
    };
    let containers = || object.list("spec/initContainers").iter().chain(object.list("spec/containers"));
    let missing = hard.0.keys().filter(computes).filter_map(|resource| {
        let mut names: Vec<&str> =
            containers().filter(|one| !stated(one, resource)).map(|one| one.str("name")).collect();
        names.sort_unstable();
        (!names.is_empty()).then(|| format!("{resource} for: {}", names.join(",")))
    });
    let missing: Vec<String> = missing.collect();
    (!missing.is_empty()).then(|| missing.join("; "))
}

/// Scopes narrow a quota down to some pods.
fn in_scope(quota: &Value, table: Table, object: &Value) -> bool {
    let best_effort = || {
        let containers = object.list("spec/initContainers").iter().chain(object.list("spec/containers"));
        containers.into_iter().all(|container| {
            ["requests", "limits"]
                .iter()
                .all(|list| container.map(&format!("resources/{list}")).is_none_or(serde_json::Map::is_empty))
        })
    };
    let scopes: Vec<&str> = quota.list("spec/scopes").iter().filter_map(Value::as_str).collect();
    scopes.iter().all(|scope| {
        table == Table::PODS
            && match *scope {
                "Terminating" => object.int("spec/activeDeadlineSeconds") > 0,
                "NotTerminating" => object.int("spec/activeDeadlineSeconds") == 0,
                "BestEffort" => best_effort(),
                "NotBestEffort" => !best_effort(),
                _ => true,
            }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::testing::{Stage, conditions, workload};

    fn limited(hard: Value) -> Stage {
        let mut stage = Stage::new(json!({}));
        stage.create(
            json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": hard}}),
        );
        stage.advance(1);
        stage
    }

    fn web(cpu: &str) -> Value {
        let mut web = workload("Deployment", "web", 2, "nginx:1");
        web["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": cpu}});
        web
    }

    #[test]
    fn what_is_used_is_counted() {
        let mut stage =
            limited(json!({"pods": "5", "requests.cpu": "2", "count/deployments.apps": "3", "configmaps": "9"}));
        stage.create(web("250m"));
        stage.advance(5);
        let quota = stage.get(Table::QUOTAS, "q");
        let expect = json!({"pods": "2", "requests.cpu": "500m", "count/deployments.apps": "1", "configmaps": "1"});
        assert_eq!(*quota.at("status/used"), expect);
    }

    #[test]
    fn a_surge_that_does_not_fit_waits_for_old_pods_to_go() {
        let mut stage = limited(json!({"requests.cpu": "1"}));
        stage.create(web("500m"));
        stage.until("available", 10, |s| s.get(Table::DEPLOYMENTS, "web").int("status/availableReplicas") == 2);
        stage.edit(Table::DEPLOYMENTS, "web", |web| {
            web.items("spec/template/spec/containers")[0].put("image", "nginx:2")
        });
        stage.advance(5);
        let web = stage.get(Table::DEPLOYMENTS, "web");
        assert!(conditions(&web).contains(&"ReplicaFailure=True FailedCreate".to_owned()), "{:?}", conditions(&web));
        let failure = web.list("status/conditions").iter().find(|c| c.str("type") == "ReplicaFailure").unwrap();
        let expect = "exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=1, limited: requests.cpu=1";
        assert!(failure.str("message").ends_with(expect), "{failure}");
        stage.edit(Table::DEPLOYMENTS, "web", |web| {
            web.put("spec/strategy/rollingUpdate", json!({"maxSurge": 0, "maxUnavailable": 1}));
        });
        stage.until("rolled", 120, |s| s.get(Table::DEPLOYMENTS, "web").int("status/updatedReplicas") == 2);
    }

    #[test]
    fn compute_quota_demands_requests() {
        let mut stage = limited(json!({"limits.memory": "1Gi"}));
        stage.create(web("100m"));
        stage.advance(2);
        let set = stage.names(Table::REPLICA_SETS)[0].clone();
        let event = stage.events(&set)[0].clone();
        assert!(event.ends_with("is forbidden: failed quota: q: must specify limits.memory for: app"), "{event}");
    }
}

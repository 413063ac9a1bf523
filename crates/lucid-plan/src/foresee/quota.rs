//! Whether the namespace's quotas hold the release: its pods, the one more that an update needs, and what a quota demands to
//! be named.

use std::collections::BTreeMap;

use lucid_object::{Finding, LabelSelector, Object, ObjectSet, Quantity};
use serde_json::Value;

use super::ground::{Ground, in_pod, items, text};
use super::limits::with_defaults;
use super::rollout::Rollout;
use crate::capacity::{Room, pod_limits, pod_requests};

/// Thousandths of each resource that a quota counts.
type Amounts = BTreeMap<&'static str, i128>;

const COUNTED: [&str; 7] = ["pods", "requests.cpu", "cpu", "requests.memory", "memory", "limits.cpu", "limits.memory"];

pub(super) fn check(objects: &ObjectSet, ground: &Ground<'_>) -> Vec<Finding> {
    let mut namespaces: Vec<&str> =
        objects.iter().filter(|object| object.pod_spec().is_some()).filter_map(Object::namespace).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    namespaces.into_iter().flat_map(|namespace| in_namespace(namespace, objects, ground)).collect()
}

/// A workload with what one of its pods takes.
struct Asking<'a> {
    object: &'a Object,
    rollout: Rollout,
    spec: Value,
    one: Amounts,
}

fn in_namespace(namespace: &str, objects: &ObjectSet, ground: &Ground<'_>) -> Vec<Finding> {
    // Those for a class of pods only are too fine for arithmetic.
    let is_plain =
        |quota: &&Value| quota.pointer("/spec/scopes").is_none() && quota.pointer("/spec/scopeSelector").is_none();
    let quotas = ground.list("", "ResourceQuota", Some(namespace)).unwrap_or_default();
    let quotas: Vec<&Value> = quotas.into_iter().filter(is_plain).collect();
    if quotas.is_empty() {
        return Vec::new();
    }
    let ranges = ground.list("", "LimitRange", Some(namespace)).unwrap_or_default();
    let asking = |object| {
        let spec = with_defaults(Object::pod_spec(object)?, &ranges);
        let one = amounts(&spec);
        Some(Asking { object, rollout: Rollout::of(object), spec, one })
    };
    let here = objects.iter().filter(|object| object.namespace() == Some(namespace));
    let workloads: Vec<Asking<'_>> = here.filter_map(asking).collect();
    let live = ours(&workloads, namespace, ground);
    let one_quota = |quota: &Value| -> Vec<Finding> {
        let unnamed = workloads.iter().filter_map(|workload| unnamed(quota, workload));
        let full = COUNTED.iter().filter_map(|resource| full(quota, resource, &workloads, &live, ground));
        unnamed.chain(full).collect()
    };
    quotas.into_iter().flat_map(one_quota).collect()
}

fn amounts(spec: &Value) -> Amounts {
    let (requests, limits) = (pod_requests(spec), pod_limits(spec));
    let of = |room: Room| (room.cpu.milli(), room.memory.milli());
    let ((cpu, memory), (cpu_limit, memory_limit)) = (of(requests), of(limits));
    BTreeMap::from([
        ("pods", 1000),
        ("requests.cpu", cpu),
        ("cpu", cpu),
        ("requests.memory", memory),
        ("memory", memory),
        ("limits.cpu", cpu_limit),
        ("limits.memory", memory_limit),
    ])
}

/// What the pods take that are there already: the new ones come in their place.
fn ours(workloads: &[Asking<'_>], namespace: &str, ground: &Ground<'_>) -> Amounts {
    let mut sum = Amounts::new();
    let selectors: Vec<LabelSelector> = workloads
        .iter()
        .filter_map(|workload| workload.object.pod_labels())
        .filter(|labels| !labels.is_empty())
        .map(|labels| LabelSelector::from_labels(&labels))
        .collect();
    for pod in ground.list("", "Pod", Some(namespace)).unwrap_or_default() {
        let is_over = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
        let labels = Object::new(pod.clone()).labels();
        if !is_over && selectors.iter().any(|selector| selector.matches(&labels)) {
            for (resource, amount) in amounts(&pod["spec"]) {
                *sum.entry(resource).or_default() += amount;
            }
        }
    }
    sum
}

/// A quota on a resource makes naming it mandatory.
fn unnamed(quota: &Value, workload: &Asking<'_>) -> Option<Finding> {
    let hard = quota.pointer("/spec/hard")?.as_object()?;
    for (key, list, resource) in [
        ("requests.cpu", "requests", "cpu"),
        ("cpu", "requests", "cpu"),
        ("requests.memory", "requests", "memory"),
        ("memory", "requests", "memory"),
        ("limits.cpu", "limits", "cpu"),
        ("limits.memory", "limits", "memory"),
    ] {
        if !hard.contains_key(key) {
            continue;
        }
        for (index, container) in items(&workload.spec, "/containers").enumerate() {
            if container.pointer(&format!("/resources/{list}/{resource}")).is_some() {
                continue;
            }
            let object = workload.object;
            let message = format!(
                "quota {} demands {list}.{resource}, which container {} of {} does not name",
                text(quota, "/metadata/name"),
                text(container, "/name"),
                object.reference()
            );
            let at = object.position(&in_pod(object, &format!("/containers/{index}")));
            let finding = Finding::error(1011, message).on(object.reference()).at(at);
            return Some(finding.help("set it, or give the namespace a LimitRange with defaults"));
        }
    }
    None
}

fn full(
    quota: &Value,
    resource: &'static str,
    workloads: &[Asking<'_>],
    live: &Amounts,
    ground: &Ground<'_>,
) -> Option<Finding> {
    let amount = |list: &str| {
        let value = quota.pointer(list)?.get(resource)?;
        value.as_str().map_or_else(|| Quantity::parse(&value.to_string()), Quantity::parse).map(Quantity::milli)
    };
    let hard = amount("/spec/hard")?;
    let used = amount("/status/used").unwrap_or(0);
    let others = (used - live.get(resource).copied().unwrap_or(0)).max(0);
    let wanted: i128 = workloads.iter().map(|one| one.one[resource] * i128::from(one.rollout.replicas)).sum();
    let room = hard - others;
    // An update that spares no replica needs one pod more; all others have what they want then.
    let surging = workloads.iter().filter(|one| one.rollout.must_surge() && ground.find(one.object).is_some());
    let surging = surging.max_by_key(|one| one.one[resource]);
    let show = |milli: i128| Quantity::from_milli(milli).to_string();
    let (code, workload, message) = if wanted > room {
        let first = workloads.iter().max_by_key(|one| one.one[resource] * i128::from(one.rollout.replicas))?;
        (1010, first, format!("the release wants {} {resource}", show(wanted)))
    } else {
        let first = surging.filter(|one| wanted + one.one[resource] > room)?;
        let name = first.object.reference();
        let words = format!(
            "the release wants {} {resource}, and {} more for an update of {name}",
            show(wanted),
            show(first.one[resource])
        );
        (5109, first, words)
    };
    let message = format!(
        "{message}; quota {} has {}, of which others use {}",
        text(quota, "/metadata/name"),
        show(hard),
        show(others)
    );
    let object = workload.object;
    let finding = Finding::error(code, message).on(object.reference()).at(object.position("/spec/replicas"));
    Some(finding.help("raise the quota, lower requests or replicas, or use `maxSurge: 0` with `maxUnavailable: 1`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::foresee::ground::tests::{check, deployment, inside};

    fn quota(hard: Value, used: Value) -> Value {
        inside("ResourceQuota", "q", json!({"spec": {"hard": hard}, "status": {"hard": hard, "used": used}}))
    }

    fn asking(cpu: &str) -> Value {
        deployment(json!({"containers": [{"name": "main", "resources": {"requests": {"cpu": cpu}}}]}))
    }

    #[test]
    fn what_others_leave_must_be_enough() {
        let one = quota(json!({"requests.cpu": "1"}), json!({"requests.cpu": "700m"}));
        check(&[asking("150m")], std::slice::from_ref(&one), &[]);
        check(
            &[asking("200m")],
            std::slice::from_ref(&one),
            &["E1010 the release wants 400m requests.cpu; quota q has 1, of which others use 700m"],
        );
        // Pods of its own are replaced, not added to.
        let own = inside(
            "Pod",
            "api-1",
            json!({"metadata": {"labels": {"app": "api"}}, "status": {"phase": "Running"},
            "spec": {"containers": [{"resources": {"requests": {"cpu": "200m"}}}]}}),
        );
        check(&[asking("200m")], &[one, own], &[]);
    }

    #[test]
    fn an_update_needs_one_pod_more() {
        let full = quota(json!({"pods": "2"}), json!({"pods": "0"}));
        check(&[asking("1m")], std::slice::from_ref(&full), &[]);
        let live = asking("1m");
        check(
            &[asking("2m")],
            &[full.clone(), live.clone()],
            &[
                "E5109 the release wants 2 pods, and 1 more for an update of Deployment shop/api; quota q has 2, of which others use 0",
            ],
        );
        let mut spares = asking("2m");
        spares["spec"]["strategy"] = json!({"rollingUpdate": {"maxUnavailable": 1}});
        check(&[spares], &[full, live], &[]);
    }

    #[test]
    fn what_a_quota_demands_must_be_named() {
        let one = quota(json!({"limits.memory": "4Gi"}), json!({}));
        check(
            &[asking("1m")],
            std::slice::from_ref(&one),
            &["E1011 quota q demands limits.memory, which container main of Deployment shop/api does not name"],
        );
        let range = inside(
            "LimitRange",
            "r",
            json!({"spec": {"limits": [{"type": "Container", "default": {"memory": "1Gi"}}]}}),
        );
        check(&[asking("1m")], &[one, range], &[]);
    }
}

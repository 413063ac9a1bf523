//! LimitRanges: what containers ask for when they do not say, and what pods, containers and claims may ask for.
//!
//! Source: kubernetes/plugin/pkg/admission/limitranger.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::json::{Json, JsonMut};
use crate::kinds::{Kind, Table};
use crate::quantity;
use crate::scheduler::fit::Request;
use crate::world::World;

/// A LimitRange says what follows from what it says.
pub(crate) fn complete(range: &mut Value) {
    for item in range.items("spec/limits").iter_mut().filter(|item| item.str("type") == "Container") {
        for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
            let known: Vec<(String, Value)> =
                item.map(from).into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
            for (resource, amount) in known {
                let held = item.entry(to);
                if !held.is_object() {
                    *held = json!({});
                }
                held.as_object_mut().expect("made an object above").entry(resource).or_insert(amount);
            }
        }
    }
}

fn ranges(world: &World, namespace: &str) -> Vec<Arc<Value>> {
    world.store.list_in(Table::LIMIT_RANGES, namespace).cloned().collect()
}

/// Gives containers the requests and limits that they leave out.
pub(crate) fn mutate(world: &World, kind: &Kind, pod: &mut Value) {
    if kind.table != Table::PODS {
        return;
    }
    let mut notes = Vec::new();
    for range in ranges(world, pod.namespace()) {
        for limit in range.list("spec/limits").iter().filter(|limit| limit.str("type") == "Container") {
            for (list, prefix) in [("spec/initContainers", "init container"), ("spec/containers", "container")] {
                for container in pod.items(list) {
                    let name = container.str("name").to_owned();
                    for (to, from, word) in [("requests", "defaultRequest", "request"), ("limits", "default", "limit")]
                    {
                        let set = fill(container, to, limit.at(from));
                        if !set.is_empty() {
                            notes.push(format!("{} {word} for {prefix} {name}", set.join(", ")));
                        }
                    }
                }
            }
        }
    }
    if !notes.is_empty() {
        pod.annotate("kubernetes.io/limit-ranger", &format!("LimitRanger plugin set: {}", notes.join("; ")));
    }
}

fn fill(container: &mut Value, to: &str, from: &Value) -> Vec<String> {
    let mut set = Vec::new();
    for (resource, amount) in from.as_object().into_iter().flatten() {
        let path = format!("resources/{to}");
        if container.at(&path).get(resource).is_none() {
            let held = container.entry(&path);
            if !held.is_object() {
                *held = json!({});
            }
            held.as_object_mut().expect("made an object above").insert(resource.clone(), amount.clone());
            set.push(resource.clone());
        }
    }
    set
}

/// Refuses what asks for less or more than a range allows.
pub(crate) fn validate(world: &World, kind: &Kind, object: &Value) -> Result<(), ApiError> {
    if !matches!(kind.table, Table::PODS | Table::CLAIMS) {
        return Ok(());
    }
    let mut problems = Vec::new();
    for range in ranges(world, object.namespace()) {
        for limit in range.list("spec/limits") {
            match (kind.table, limit.str("type")) {
                (Table::CLAIMS, "PersistentVolumeClaim") => claim(limit, object, &mut problems),
                (Table::PODS, "Container") => {
                    for list in ["spec/containers", "spec/initContainers"] {
                        for container in object.list(list) {
                            let asked = Asked::of(container.at("resources"));
                            check(limit, "Container", &asked, &mut problems);
                        }
                    }
                }
                (Table::PODS, "Pod") => check(limit, "Pod", &Asked::of_pod(object), &mut problems),
                _ => {}
            }
        }
    }
    let why = match problems.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    let name = if object.name().is_empty() { object.str("metadata/generateName") } else { object.name() };
    Err(ApiError::forbidden(kind.about(), name, &why))
}

/// What is asked for, in thousandths; absent where it is not said.
struct Asked {
    requests: BTreeMap<String, i128>,
    limits: BTreeMap<String, i128>,
}

impl Asked {
    fn of(resources: &Value) -> Self {
        Self {
            requests: Request::of_map(resources.at("requests")).0,
            limits: Request::of_map(resources.at("limits")).0,
        }
    }

    /// The sum over containers, or the largest init container where that is more.
    fn of_pod(pod: &Value) -> Self {
        let sum = |list: &str| {
            let mut total: BTreeMap<String, i128> = BTreeMap::new();
            for container in pod.list("spec/containers") {
                for (name, amount) in Request::of_map(container.at("resources").at(list)).0 {
                    *total.entry(name).or_default() += amount;
                }
            }
            for container in pod.list("spec/initContainers") {
                for (name, amount) in Request::of_map(container.at("resources").at(list)).0 {
                    let held = total.entry(name).or_default();
                    *held = amount.max(*held);
                }
            }
            total
        };
        Self { requests: sum("requests"), limits: sum("limits") }
    }
}

fn check(limit: &Value, of: &str, asked: &Asked, problems: &mut Vec<String>) {
    let amounts = |field: &str| -> Vec<(String, i128, String)> {
        let map = limit.map(field).into_iter().flatten();
        let bound = |(name, value): (&String, &Value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), Request::of_map(&json!({name: value})).get(name), text)
        };
        map.map(bound).collect()
    };
    for (name, least, shown) in amounts("min") {
        let (request, upper) = (asked.requests.get(&name), asked.limits.get(&name));
        let begin = format!("minimum {name} usage per {of} is {shown}");
        match (request, upper) {
            (None, _) => problems.push(format!("{begin}.  No request is specified")),
            (Some(request), _) if *request < least => {
                problems.push(format!("{begin}, but request is {}", spell(*request, &shown)));
            }
            (_, Some(upper)) if *upper < least => {
                problems.push(format!("{begin}, but limit is {}", spell(*upper, &shown)));
            }
            _ => {}
        }
    }
    for (name, most, shown) in amounts("max") {
        let (request, upper) = (asked.requests.get(&name), asked.limits.get(&name));
        let begin = format!("maximum {name} usage per {of} is {shown}");
        match (request, upper) {
            (_, None) => problems.push(format!("{begin}.  No limit is specified")),
            (_, Some(upper)) if *upper > most => {
                problems.push(format!("{begin}, but limit is {}", spell(*upper, &shown)));
            }
            (Some(request), _) if *request > most => {
                problems.push(format!("{begin}, but request is {}", spell(*request, &shown)));
            }
            _ => {}
        }
    }
    for (name, ratio, shown) in amounts("maxLimitRequestRatio") {
        let begin = format!("{name} max limit to request ratio per {of} is {shown}");
        let positive = |map: &BTreeMap<String, i128>| map.get(&name).copied().filter(|amount| *amount > 0);
        match (positive(&asked.requests), positive(&asked.limits)) {
            (None, _) => problems.push(format!("{begin}, but no request is specified or request is 0")),
            (_, None) => problems.push(format!("{begin}, but no limit is specified or limit is 0")),
            (Some(request), Some(upper)) if upper * 1000 > ratio * request => {
                problems.push(format!("{begin}, but provided ratio is {:.6}", upper as f64 / request as f64));
            }
            _ => {}
        }
    }
}

fn claim(limit: &Value, claim: &Value, problems: &mut Vec<String>) {
    let asked = Request::of_map(claim.at("spec/resources/requests")).get("storage");
    let bound = |field: &str| {
        let value = limit.at(field).at("storage");
        value.as_str().map(|text| (Request::of_map(limit.at(field)).get("storage"), text.to_owned()))
    };
    if let Some((least, shown)) = bound("min").filter(|(least, _)| asked < *least) {
        let _ = least;
        problems.push(format!(
            "minimum storage usage per PersistentVolumeClaim is {shown}, but request is {}",
            spell(asked, &shown)
        ));
    }
    if let Some((most, shown)) = bound("max").filter(|(most, _)| asked > *most) {
        let _ = most;
        problems.push(format!(
            "maximum storage usage per PersistentVolumeClaim is {shown}, but request is {}",
            spell(asked, &shown)
        ));
    }
}

fn spell(milli: i128, like: &str) -> String {
    quantity::spell(milli, like)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range() -> Value {
        let mut range = json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "2", "memory": "1Gi"},
            "min": {"cpu": "100m", "memory": "64Mi"}, "default": {"cpu": "500m"}}]}});
        complete(&mut range);
        range
    }

    #[test]
    fn a_range_completes_itself() {
        let range = range();
        let item = &range.list("spec/limits")[0];
        assert_eq!(*item.at("default"), json!({"cpu": "500m", "memory": "1Gi"}));
        assert_eq!(*item.at("defaultRequest"), json!({"cpu": "500m", "memory": "1Gi"}));
    }

    #[track_caller]
    fn refused(resources: Value, expect: &[&str]) {
        let range = range();
        let mut problems = Vec::new();
        check(&range.list("spec/limits")[0], "Container", &Asked::of(&resources), &mut problems);
        assert_eq!(problems, expect);
    }

    #[test]
    fn bounds() {
        let memory = json!("128Mi");
        let ask = |cpu: &str, limit: &str| json!({"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": limit, "memory": memory}});
        refused(ask("200m", "1"), &[]);
        refused(ask("50m", "1"), &["minimum cpu usage per Container is 100m, but request is 50m"]);
        refused(ask("1", "3"), &["maximum cpu usage per Container is 2, but limit is 3"]);
    }
}

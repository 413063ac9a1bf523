//! Requests of pods against what nodes have left.

use std::collections::BTreeMap;

use lucid_object::Quantity;
use serde_json::Value;

use crate::json::Json;

/// Resource amounts in thousandths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request(pub(crate) BTreeMap<String, i128>);

impl Request {
    /// What a pod needs at its worst moment: all containers with the sidecars, or one init container with the sidecars
    /// that were started before it.
    pub(crate) fn of(pod: &Value) -> Self {
        let mut sidecars = Self::default();
        let mut peak = Self::default();
        for container in pod.list("spec/initContainers") {
            let mut own = Self::of_map(container.at("resources/requests"));
            if container.str("restartPolicy") == "Always" {
                sidecars.add(&own);
            } else {
                own.add(&sidecars);
                peak.raise(&own);
            }
        }
        let mut total = sidecars;
        for container in pod.list("spec/containers") {
            total.add(&Self::of_map(container.at("resources/requests")));
        }
        total.raise(&peak);
        let whole = Self::of_map(pod.at("spec/resources/requests"));
        total.0.extend(whole.0);
        total.add(&Self::of_map(pod.at("spec/overhead")));
        total
    }

    pub(crate) fn of_map(map: &Value) -> Self {
        let entries = map.as_object().into_iter().flatten();
        Self(entries.filter_map(|(name, value)| Some((name.clone(), milli(value)?))).collect())
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            *self.0.entry(name.clone()).or_default() += amount;
        }
    }

    fn raise(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            let own = self.0.entry(name.clone()).or_default();
            *own = (*own).max(*amount);
        }
    }

    pub(crate) fn get(&self, name: &str) -> i128 {
        self.0.get(name).copied().unwrap_or(0)
    }
}

fn milli(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => Some(Quantity::parse(text)?.milli()),
        Value::Number(number) => Some(Quantity::parse(&number.to_string())?.milli()),
        _ => None,
    }
}

/// Which resources do not fit, in the words of the scheduler. `used` counts `pods` too.
pub(crate) fn lacking(allocatable: &Request, used: &Request, wanted: &Request) -> Vec<String> {
    let mut lacking = Vec::new();
    if used.get("pods") + 1000 > allocatable.get("pods") {
        lacking.push("Too many pods".to_owned());
    }
    for (name, amount) in wanted.0.iter().filter(|(_, amount)| **amount > 0) {
        if used.get(name) + amount > allocatable.get(name) {
            lacking.push(format!("Insufficient {name}"));
        }
    }
    lacking
}

/// Whether an empty node of this size would be too small already.
pub(crate) fn never_fits(allocatable: &Request, wanted: &Request) -> bool {
    wanted.0.iter().any(|(name, amount)| *amount > allocatable.get(name))
}

/// The emptier the node would be left, the higher; 0 to 100.
pub(crate) fn score(allocatable: &Request, used: &Request, wanted: &Request) -> i64 {
    let shares = ["cpu", "memory", "pods"].map(|name| {
        let (all, one) = (allocatable.get(name), if name == "pods" { 1000 } else { wanted.get(name) });
        if all == 0 { 0 } else { ((all - used.get(name) - one) * 100 / all).clamp(0, 100) }
    });
    i64::try_from(shares.iter().sum::<i128>() / 3).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn requests(pod: &Value) -> (i128, i128) {
        let request = Request::of(pod);
        (request.get("cpu"), request.get("memory") / 1000)
    }

    fn container(cpu: &str, policy: Option<&str>) -> Value {
        let mut container = json!({"resources": {"requests": {"cpu": cpu, "memory": "1Ki"}}});
        if let Some(policy) = policy {
            container["restartPolicy"] = policy.into();
        }
        container
    }

    #[test]
    fn containers_add_up() {
        let pod = json!({"spec": {"containers": [container("100m", None), container("0.2", None)]}});
        assert_eq!(requests(&pod), (300, 2048));
    }

    #[test]
    fn init_containers_count_one_at_a_time() {
        let pod = json!({"spec": {"initContainers": [container("1", None), container("2", None)], "containers": [container("500m", None)]}});
        assert_eq!(requests(&pod), (2000, 1024));
    }

    #[test]
    fn sidecars_count_with_both() {
        let init = [container("1", Some("Always")), container("3", None)];
        let pod = json!({"spec": {"initContainers": init, "containers": [container("500m", None)]}});
        assert_eq!(requests(&pod), (4000, 2048));
    }

    #[test]
    fn what_is_lacking() {
        let map = |cpu: &str, pods: &str| Request::of_map(&json!({"cpu": cpu, "pods": pods}));
        assert_eq!(lacking(&map("2", "10"), &map("1500m", "2"), &map("600m", "0")), ["Insufficient cpu"]);
        assert_eq!(lacking(&map("2", "10"), &map("1500m", "10"), &map("500m", "0")), ["Too many pods"]);
        assert!(lacking(&map("2", "10"), &map("1500m", "9"), &map("500m", "0")).is_empty());
        assert!(never_fits(&map("2", "10"), &map("3", "0")));
    }
}

//! The most that the pods of a namespace have asked for at one time: what a quota has to bear while old and new run together.

use std::collections::BTreeMap;
use std::sync::Arc;

use lucid_object::{ObjectSet, Quantity};
use lucid_plan::capacity::pod_requests;
use lucid_sim::History;
use serde_json::{Value, json};

/// Each of the three at its own moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Peak {
    pub(super) pods: usize,
    pub(super) cpu: Quantity,
    pub(super) memory: Quantity,
}

impl Peak {
    /// As much as before, less what went and more what came.
    fn moved(self, went: Self, came: Self) -> Self {
        Self {
            pods: self.pods + came.pods - went.pods,
            cpu: self.cpu + came.cpu - went.cpu,
            memory: self.memory + came.memory - went.memory,
        }
    }

    fn raise(&mut self, other: Self) {
        self.pods = self.pods.max(other.pods);
        self.cpu = self.cpu.max(other.cpu);
        self.memory = self.memory.max(other.memory);
    }
}

/// By namespace.
pub(super) type Peaks = BTreeMap<String, Peak>;

pub(super) fn raise(peaks: &mut Peaks, others: &Peaks) {
    for (namespace, peak) in others {
        peaks.entry(namespace.clone()).or_default().raise(*peak);
    }
}

/// Of everything that has happened in a cluster since it had these objects.
pub(super) fn of(before: &[Arc<Value>], history: &History) -> Peaks {
    let mut now: Peaks = BTreeMap::new();
    for pod in before.iter().filter(|object| object["kind"] == "Pod") {
        let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
        let sum = now.entry(namespace.to_owned()).or_default();
        *sum = sum.moved(Peak::default(), asks(Some(pod)));
    }
    let mut peaks = now.clone();
    for commit in history.commits.iter().filter(|commit| commit.resource == "pods") {
        let namespace = commit.object()["metadata"]["namespace"].as_str().unwrap_or_default();
        let sum = now.entry(namespace.to_owned()).or_default();
        *sum = sum.moved(asks(commit.old.as_deref()), asks(commit.new.as_deref()));
        peaks.entry(namespace.to_owned()).or_default().raise(*sum);
    }
    peaks
}

/// A pod that is over asks for nothing.
fn asks(pod: Option<&Value>) -> Peak {
    let Some(pod) = pod else { return Peak::default() };
    if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return Peak::default();
    }
    let room = pod_requests(&pod["spec"]);
    Peak { pods: 1, cpu: room.cpu, memory: room.memory }
}

/// A line for each namespace, with what the release's own quota allows there.
pub(super) fn lines(peaks: &Peaks, objects: &ObjectSet) -> Vec<String> {
    let line = |(namespace, peak): (&String, &Peak)| {
        let hard =
            |keys: [&str; 2]| hard(objects, namespace, keys).map_or_else(String::new, |hard| format!(" of {hard}"));
        format!(
            "{namespace}: {} pods{}, {} CPU{}, {} memory{}",
            peak.pods,
            hard(["pods", "count/pods"]),
            peak.cpu,
            hard(["requests.cpu", "cpu"]),
            peak.memory,
            hard(["requests.memory", "memory"])
        )
    };
    peaks.iter().map(line).collect()
}

fn hard(objects: &ObjectSet, namespace: &str, keys: [&str; 2]) -> Option<Quantity> {
    let quotas =
        objects.iter().filter(|object| object.kind() == "ResourceQuota" && object.namespace() == Some(namespace));
    let amounts = quotas.flat_map(|quota| keys.map(|key| quota.value()["spec"]["hard"][key].clone()));
    let amount = |value: Value| match value {
        Value::String(text) => Quantity::parse(&text),
        Value::Number(number) => Quantity::parse(&number.to_string()),
        _ => None,
    };
    amounts.filter_map(amount).min()
}

pub(super) fn to_json(peaks: &Peaks) -> Value {
    let one = |(namespace, peak): (&String, &Peak)| json!({"namespace": namespace, "pods": peak.pods, "cpu": peak.cpu.to_string(), "memory": peak.memory.to_string()});
    peaks.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lucid_object::yaml::parse_documents;
    use lucid_sim::Commit;

    use super::*;

    fn pod(phase: &str, cpu: &str) -> Option<Arc<Value>> {
        let requests = json!({"cpu": cpu, "memory": "64Mi"});
        Some(Arc::new(json!({"metadata": {"namespace": "shop"}, "status": {"phase": phase},
            "spec": {"containers": [{"name": "main", "resources": {"requests": requests}}]}})))
    }

    fn commit(old: Option<Arc<Value>>, new: Option<Arc<Value>>) -> Commit {
        Commit { revision: 1, at: Duration::ZERO, client: None, resource: "pods".into(), old, new }
    }

    #[test]
    fn old_and_new_together_are_the_peak() {
        let commits = vec![
            commit(pod("Pending", "100m"), pod("Running", "100m")),
            commit(None, pod("Pending", "300m")),
            commit(pod("Running", "100m"), None),
            commit(pod("Pending", "300m"), pod("Succeeded", "300m")),
            commit(None, pod("Pending", "200m")),
        ];
        let before = Value::clone(&pod("Pending", "100m").unwrap());
        let before = [Arc::new(json!({"kind": "Pod", "metadata": before["metadata"], "spec": before["spec"]}))];
        let peaks = of(&before, &History { commits, requests: Vec::new() });
        let quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: shop}\nspec: {hard: {pods: 4, requests.cpu: '1'}}\n";
        let objects: ObjectSet = parse_documents(quota, "q.yaml").unwrap().into_iter().collect();
        assert_eq!(lines(&peaks, &objects), ["shop: 2 pods of 4, 400m CPU of 1, 128Mi memory"]);
        assert_eq!(to_json(&peaks), json!([{"namespace": "shop", "pods": 2, "cpu": "400m", "memory": "128Mi"}]));
    }
}

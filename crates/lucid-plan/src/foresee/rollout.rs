//! How many pods a rolling update adds and spares, and updates that can never finish because both revisions want what only
//! one pod can have.

use lucid_object::{Finding, LabelSelector, Object, ObjectSet};
use serde_json::Value;

use super::ground::{Ground, in_pod, items, text};
use super::placement::usable_nodes;

/// Pods of a workload in steady state, and while a new revision takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rollout {
    pub(super) replicas: i64,
    /// Pods that may be there beside the replicas.
    pub(super) surge: i64,
    /// Replicas that may be missing: with none, a surge pod must come first.
    pub(super) spare: i64,
}

impl Rollout {
    /// Source: k8s.io/kubernetes/pkg/controller/deployment/util (ResolveFenceposts).
    pub(super) fn of(object: &Object) -> Self {
        let spec = &object.value()["spec"];
        let replicas = spec.get("replicas").and_then(Value::as_i64).unwrap_or(1);
        if object.kind() != "Deployment" {
            let replicas = match object.kind() {
                "Job" => spec.get("parallelism").and_then(Value::as_i64).unwrap_or(1),
                "CronJob" | "DaemonSet" => 0,
                "Pod" => 1,
                _ => replicas,
            };
            return Self { replicas, surge: 0, spare: 1 };
        }
        if text(spec, "/strategy/type") == "Recreate" {
            return Self { replicas, surge: 0, spare: replicas };
        }
        let share = |field: &str, rounds_up: bool| {
            let value = spec.pointer(&format!("/strategy/rollingUpdate/{field}"));
            share_of(replicas, value, rounds_up)
        };
        let (surge, spare) = (share("maxSurge", true), share("maxUnavailable", false));
        Self { replicas, surge, spare: if surge == 0 && spare == 0 { 1 } else { spare } }
    }

    /// Whether each step of the update needs room for one pod more.
    pub(super) fn must_surge(self) -> bool {
        self.spare == 0 && self.surge > 0 && self.replicas > 0
    }
}

/// `3`, `"25%"`, or the default of a quarter.
fn share_of(replicas: i64, value: Option<&Value>, rounds_up: bool) -> i64 {
    let percent = |text: &str| text.trim_end_matches('%').parse::<i64>().unwrap_or(0);
    let percent = match value {
        Some(Value::Number(number)) => return number.as_i64().unwrap_or(0),
        Some(Value::String(text)) => percent(text),
        _ => 25,
    };
    let hundredths = replicas * percent;
    if rounds_up { (hundredths + 99) / 100 } else { hundredths / 100 }
}

pub(super) fn check(objects: &ObjectSet, ground: &Ground<'_>) -> Vec<Finding> {
    objects.iter().filter(|object| object.kind() == "Deployment").filter_map(|object| stuck(object, ground)).collect()
}

/// One finding is enough to choose another strategy.
fn stuck(object: &Object, ground: &Ground<'_>) -> Option<Finding> {
    let (spec, rollout) = (object.pod_spec()?, Rollout::of(object));
    if !rollout.must_surge() {
        return None;
    }
    let (why, pointer) = single_writer(object, spec, ground).or_else(|| one_a_node(object, spec, rollout, ground))?;
    let message = format!("a rolling update of {} cannot finish: {why}", object.reference());
    let at = object.position(&pointer);
    let help = "use `maxSurge: 0` with `maxUnavailable: 1`, or `strategy: Recreate`";
    Some(Finding::warning(5109, message).on(object.reference()).at(at).help(help))
}

/// A volume that one node, or one pod, may use at a time. On the same node two pods may share it, so this is likely only.
fn single_writer(object: &Object, spec: &Value, ground: &Ground<'_>) -> Option<(String, String)> {
    let claims = ground.list("", "PersistentVolumeClaim", object.namespace())?;
    for (index, volume) in items(spec, "/volumes").enumerate() {
        let name = text(volume, "/persistentVolumeClaim/claimName");
        let claim = claims.iter().find(|claim| !name.is_empty() && text(claim, "/metadata/name") == name);
        let Some(claim) = claim else { continue };
        let modes: Vec<&str> = items(claim, "/spec/accessModes").filter_map(Value::as_str).collect();
        if !modes.is_empty() && modes.iter().all(|mode| mode.starts_with("ReadWriteOnce")) {
            let why = format!(
                "claim {name} can be used by one node at a time ({}), and the old pod holds it",
                modes.join(", ")
            );
            return Some((why, in_pod(object, &format!("/volumes/{index}"))));
        }
    }
    None
}

/// A host port, or a rule that keeps the pods on different nodes: the surge pod needs a node without one of them.
fn one_a_node(object: &Object, spec: &Value, rollout: Rollout, ground: &Ground<'_>) -> Option<(String, String)> {
    let nodes = usable_nodes(object, spec, ground)?;
    let (what, pointer) = spreads(object, spec)?;
    let count = i64::try_from(nodes.len()).ok()?;
    (rollout.replicas >= count && count > 0).then(|| {
        let why = format!("{what}, and {} replicas take all {count} nodes that it may run on", rollout.replicas);
        (why, in_pod(object, &pointer))
    })
}

pub(super) fn spreads(object: &Object, spec: &Value) -> Option<(String, String)> {
    for (index, container) in items(spec, "/containers").enumerate() {
        let ports = items(container, "/ports").filter_map(|port| port.get("hostPort")?.as_i64());
        if let Some(port) = ports.into_iter().find(|port| *port > 0) {
            return Some((format!("each node has host port {port} once"), format!("/containers/{index}/ports")));
        }
    }
    let labels = object.pod_labels()?;
    let pointer = "/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    let against_itself = items(spec, pointer).any(|term| {
        text(term, "/topologyKey") == "kubernetes.io/hostname"
            && term.get("labelSelector").and_then(LabelSelector::from_value).is_some_and(|rule| rule.matches(&labels))
    });
    against_itself.then(|| ("its pod anti-affinity allows one pod a node".to_owned(), pointer.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::foresee::ground::tests::{check, deployment, inside, wide};

    #[track_caller]
    fn numbers(spec: Value, expect: (i64, i64, i64)) {
        let object = Object::new(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": spec}),
        );
        let rollout = Rollout::of(&object);
        assert_eq!((rollout.replicas, rollout.surge, rollout.spare), expect);
    }

    #[test]
    fn a_quarter_unless_told_otherwise() {
        numbers(json!({}), (1, 1, 0));
        numbers(json!({"replicas": 10}), (10, 3, 2));
        numbers(
            json!({"replicas": 4, "strategy": {"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": 0}}}),
            (4, 2, 0),
        );
        numbers(
            json!({"replicas": 2, "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "10%"}}}),
            (2, 0, 1),
        );
        numbers(json!({"replicas": 3, "strategy": {"type": "Recreate"}}), (3, 0, 3));
    }

    fn nodes(count: usize) -> Vec<Value> {
        let node = |number| {
            wide(
                "v1",
                "Node",
                &format!("n{number}"),
                json!({"status": {"allocatable": {"cpu": "8", "memory": "8Gi", "pods": "110"}}}),
            )
        };
        (0..count).map(node).collect()
    }

    #[test]
    fn a_surge_pod_that_finds_no_node_of_its_own() {
        let labels = json!({"matchLabels": {"app": "api"}});
        let apart = json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": labels}]}}});
        let said = [
            "W5109 a rolling update of Deployment shop/api cannot finish: its pod anti-affinity allows one pod a node, and 2 replicas take all 2 nodes that it may run on",
        ];
        check(&[deployment(apart.clone())], &nodes(2), &said);
        check(&[deployment(apart)], &nodes(3), &[]);
        let port = json!({"containers": [{"name": "main", "ports": [{"containerPort": 80, "hostPort": 80}]}]});
        let mut object = deployment(port);
        assert_eq!(crate::foresee::ground::tests::said(std::slice::from_ref(&object), &nodes(2)).len(), 1);
        object["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}});
        check(&[object], &nodes(2), &[]);
    }

    #[test]
    fn a_disk_that_the_old_pod_holds() {
        let claim = |mode: &str| inside("PersistentVolumeClaim", "data", json!({"spec": {"accessModes": [mode]}}));
        let uses = deployment(json!({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}));
        let mut one = uses;
        one["spec"]["replicas"] = 1.into();
        check(
            std::slice::from_ref(&one),
            &[claim("ReadWriteOnce")],
            &[
                "W5109 a rolling update of Deployment shop/api cannot finish: claim data can be used by one node at a time (ReadWriteOnce), and the old pod holds it",
            ],
        );
        check(&[one], &[claim("ReadWriteMany")], &[]);
    }
}

//! Whether any node takes a pod: by labels, by taints, by its being cordoned. An autoscaler may bring nodes that are not
//! there yet, so all of it is a warning.

use std::collections::BTreeMap;

use lucid_object::{Finding, LabelSelector, Object, ObjectSet};
use serde_json::{Value, json};

use super::ground::{Ground, in_pod, items, text};
use super::rollout::{Rollout, spreads};

pub(super) fn check(objects: &ObjectSet, ground: &Ground<'_>) -> Vec<Finding> {
    let Some(nodes) = ground.list("", "Node", None).filter(|nodes| !nodes.is_empty()) else { return Vec::new() };
    objects.iter().filter_map(|object| homeless(object, object.pod_spec()?, &nodes, ground)).collect()
}

/// Nodes that would take a pod of this workload, as far as labels and taints go; `None` when nodes were not listed.
pub(super) fn usable_nodes<'a>(object: &Object, spec: &Value, ground: &Ground<'a>) -> Option<Vec<&'a Value>> {
    let nodes = ground.list("", "Node", None)?;
    let is_daemon = object.kind() == "DaemonSet";
    Some(nodes.into_iter().filter(|node| is_chosen(spec, node) && rejection(spec, node, is_daemon).is_none()).collect())
}

fn homeless(object: &Object, spec: &Value, nodes: &[&Value], ground: &Ground<'_>) -> Option<Finding> {
    let chosen: Vec<&&Value> = nodes.iter().filter(|node| is_chosen(spec, node)).collect();
    let warn = |code: u16, words: String, pointer: &str, help: String| {
        let at = object.position(&in_pod(object, pointer));
        Finding::warning(code, words).on(object.reference()).at(at).help(help)
    };
    if chosen.is_empty() {
        let pointer = if spec.get("nodeSelector").is_some() { "/nodeSelector" } else { "/affinity/nodeAffinity" };
        let words =
            format!("none of the {} nodes carries the labels that {} asks for", nodes.len(), object.reference());
        let help = absent_label(spec, nodes).unwrap_or_else(|| "label a node, or correct the selector".into());
        return Some(warn(2005, words, pointer, help));
    }
    let is_daemon = object.kind() == "DaemonSet";
    let rejections: Vec<String> = chosen.iter().filter_map(|node| rejection(spec, node, is_daemon)).collect();
    if rejections.len() == chosen.len() {
        let words = format!("every node that {} may run on turns it away: {}", object.reference(), rejections[0]);
        return Some(warn(2004, words, "/tolerations", "add the toleration, or repair the nodes".into()));
    }
    let (rollout, usable) = (Rollout::of(object), usable_nodes(object, spec, ground)?);
    let room = i64::try_from(usable.len()).ok()?;
    let (what, pointer) = spreads(object, spec).filter(|_| rollout.replicas > room)?;
    let words = format!("{} wants {} pods on {room} nodes, and {what}", object.reference(), rollout.replicas);
    Some(warn(2006, words, &pointer, "use preferred anti-affinity, fewer replicas, or add nodes".into()))
}

fn labels(node: &Value) -> BTreeMap<String, String> {
    let map = node.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
    map.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// By `nodeSelector` and required node affinity; terms are alternatives, the expressions of one hold together.
fn is_chosen(spec: &Value, node: &Value) -> bool {
    let own = labels(node);
    let selector = spec.get("nodeSelector").map(LabelSelector::from_map).unwrap_or_default();
    let terms: Vec<&Value> =
        items(spec, "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms")
            .collect();
    let holds = |term: &&Value| {
        // `Gt`, `Lt` and fields are not judged.
        let is_plain = term.get("matchFields").is_none();
        let rule = LabelSelector::from_value(&json!({"matchExpressions": term.get("matchExpressions")}));
        !is_plain || rule.is_none_or(|rule| rule.matches(&own))
    };
    selector.matches(&own) && (terms.is_empty() || terms.iter().any(holds))
}

/// Which label of the selector no node has at all.
fn absent_label(spec: &Value, nodes: &[&Value]) -> Option<String> {
    let wanted = spec.get("nodeSelector")?.as_object()?;
    let (key, value) = wanted
        .iter()
        .find(|(key, value)| !nodes.iter().any(|node| labels(node).get(*key).map(String::as_str) == value.as_str()))?;
    let mut there: Vec<String> = nodes.iter().filter_map(|node| labels(node).remove(key)).collect();
    there.sort();
    there.dedup();
    let there =
        if there.is_empty() { "no node has it at all".into() } else { format!("nodes have {}", there.join(", ")) };
    Some(format!("no node has {key}={}; {there}", value.as_str().unwrap_or("?")))
}

/// Why a node takes no such pod. The taints of passing trouble are no reason: they go, or the node does.
fn rejection(spec: &Value, node: &Value, is_daemon: bool) -> Option<String> {
    let taint = items(node, "/spec/taints").find(|taint| {
        let key = text(taint, "/key");
        matches!(text(taint, "/effect"), "NoSchedule" | "NoExecute")
            && !(is_daemon && key.starts_with("node.kubernetes.io/"))
            && !items(spec, "/tolerations").any(|toleration| tolerates(toleration, taint))
    });
    taint.map(|taint| {
        let value = text(taint, "/value");
        let value = if value.is_empty() { String::new() } else { format!("={value}") };
        format!(
            "node {} has the taint {}{value}:{}",
            text(node, "/metadata/name"),
            text(taint, "/key"),
            text(taint, "/effect")
        )
    })
}

/// Source: k8s.io/component-helpers/scheduling/corev1 (ToleratesTaint).
fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let same = |field: &str| text(toleration, field) == text(taint, field);
    let open = |field: &str| text(toleration, field).is_empty();
    (open("/effect") || same("/effect"))
        && (open("/key") || same("/key"))
        && match text(toleration, "/operator") {
            "Exists" => true,
            _ => !open("/key") && same("/value"),
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foresee::ground::tests::{check, deployment, wide};

    fn node(name: &str, zone: &str, taints: Value) -> Value {
        wide("v1", "Node", name, json!({"metadata": {"labels": {"zone": zone}}, "spec": {"taints": taints}}))
    }

    #[test]
    fn labels_that_no_node_has() {
        let nodes = [node("a", "east", json!([])), node("b", "west", json!([]))];
        let said = ["W2005 none of the 2 nodes carries the labels that Deployment shop/api asks for"];
        check(&[deployment(json!({"nodeSelector": {"zone": "nroth"}}))], &nodes, &said);
        check(&[deployment(json!({"nodeSelector": {"zone": "east"}}))], &nodes, &[]);
        let affinity = |operator: &str| {
            json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": operator, "values": ["east", "west"]}]}]}}}})
        };
        check(&[deployment(affinity("NotIn"))], &nodes, &said);
        check(&[deployment(affinity("In"))], &nodes, &[]);
        let refs: Vec<&Value> = nodes.iter().collect();
        assert_eq!(
            absent_label(&json!({"nodeSelector": {"zone": "nroth"}}), &refs).unwrap(),
            "no node has zone=nroth; nodes have east, west"
        );
    }

    #[test]
    fn taints_on_every_node() {
        let gpu = json!([{"key": "pool", "value": "gpu", "effect": "NoSchedule"}]);
        let nodes = [node("a", "east", gpu.clone()), node("b", "east", gpu)];
        check(
            &[deployment(json!({}))],
            &nodes,
            &[
                "W2004 every node that Deployment shop/api may run on turns it away: node a has the taint pool=gpu:NoSchedule",
            ],
        );
        for fits in [
            json!({"key": "pool", "value": "gpu"}),
            json!({"key": "pool", "operator": "Exists"}),
            json!({"operator": "Exists"}),
        ] {
            check(&[deployment(json!({"tolerations": [fits]}))], &nodes, &[]);
        }
        let said = crate::foresee::ground::tests::said(
            &[deployment(json!({"tolerations": [{"key": "pool", "value": "cpu"}]}))],
            &nodes,
        );
        assert_eq!(said.len(), 1);
    }
}

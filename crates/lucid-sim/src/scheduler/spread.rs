//! Topology spread: constraints that must hold, and the wish to keep siblings apart.

use std::collections::BTreeMap;

use lucid_object::LabelSelector;
use serde_json::Value;

use crate::json::Json;

use super::affinity;
use super::filter::Snapshot;

/// Why the node would leave the pods too uneven.
pub(crate) fn refusal(snapshot: &Snapshot, node: &Value, pod: &Value) -> Option<&'static str> {
    let constraints = pod.list("spec/topologySpreadConstraints").iter();
    constraints.filter(|constraint| constraint.str("whenUnsatisfiable") == "DoNotSchedule").find_map(|constraint| {
        let own = node.label(constraint.str("topologyKey"));
        if own.is_empty() {
            return Some("node(s) didn't match pod topology spread constraints (missing required label)");
        }
        let domains = domains(snapshot, constraint, pod);
        let least = domains.values().min().copied().unwrap_or(0);
        let few = domains.len() < usize::try_from(constraint.int("minDomains")).unwrap_or(0);
        let least = if few { 0 } else { least };
        let after =
            domains.get(own).copied().unwrap_or(0) + i64::from(selector(constraint, pod).matches(&pod.labels()));
        (after - least > constraint.int("maxSkew")).then_some("node(s) didn't match pod topology spread constraints")
    })
}

/// How much the pod's siblings crowd the node and its zone; the real scheduler spreads them over both by default.
pub(crate) fn crowding(snapshot: &Snapshot, node: &Value, pod: &Value) -> i64 {
    let Some(owner) = pod.controller().map(|owner| owner.str("uid")) else { return 0 };
    let siblings =
        snapshot.pods.iter().filter(|other| other.controller().is_some_and(|found| found.str("uid") == owner));
    let zone = "topology.kubernetes.io/zone";
    let weight = |other: &std::sync::Arc<Value>| {
        let near = i64::from(snapshot.domain(other, zone) == Some(node.label(zone)));
        100 * i64::from(other.str("spec/nodeName") == node.name()) + 20 * near
    };
    siblings.map(weight).sum()
}

/// How many matching pods each domain holds; only nodes that the pod could go to make a domain.
fn domains<'s>(snapshot: &'s Snapshot, constraint: &Value, pod: &Value) -> BTreeMap<&'s str, i64> {
    let topology = constraint.str("topologyKey");
    let eligible = snapshot.nodes.iter().filter(|node| {
        let taints =
            constraint.str("nodeTaintsPolicy") != "Honor" || affinity::untolerated(&node.object, pod).is_none();
        let wanted = constraint.str("nodeAffinityPolicy") == "Ignore" || affinity::wants_node(&node.object, pod);
        taints && wanted && !node.object.label(topology).is_empty()
    });
    let eligible: Vec<&Value> = eligible.map(|node| &*node.object).collect();
    let mut domains: BTreeMap<&str, i64> = eligible.iter().map(|node| (node.label(topology), 0)).collect();
    let selector = selector(constraint, pod);
    for other in snapshot.pods.iter().filter(|other| other.namespace() == pod.namespace() && !other.is_deleting()) {
        let on = other.str("spec/nodeName");
        if let Some(node) = eligible.iter().find(|node| node.name() == on)
            && selector.matches(&other.labels())
        {
            *domains.entry(node.label(topology)).or_default() += 1;
        }
    }
    domains
}

fn selector(constraint: &Value, pod: &Value) -> LabelSelector {
    let mut selector = LabelSelector::from_value(constraint.at("labelSelector")).unwrap_or_default();
    let labels = pod.labels();
    for key in constraint.list("matchLabelKeys").iter().filter_map(Value::as_str) {
        if let Some(value) = labels.get(key) {
            let own = LabelSelector::from_labels(&BTreeMap::from([(key.to_owned(), value.clone())]));
            selector.requirements.extend(own.requirements);
        }
    }
    selector
}

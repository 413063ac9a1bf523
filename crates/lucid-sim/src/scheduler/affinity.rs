//! Node selectors, affinity of nodes and pods, taints.

use std::collections::BTreeMap;

use lucid_object::LabelSelector;
use serde_json::Value;

use crate::json::Json;

/// `nodeSelector` and the required terms of `nodeAffinity`.
pub(crate) fn wants_node(node: &Value, pod: &Value) -> bool {
    let labels = node.labels();
    let selected = pod.strings("spec/nodeSelector").iter().all(|(key, value)| labels.get(key) == Some(value));
    let required = pod.at("spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution");
    selected
        && (required.is_null()
            || required.list("nodeSelectorTerms").iter().any(|term| term_matches(term, node, &labels)))
}

/// A term without any requirement matches nothing.
fn term_matches(term: &Value, node: &Value, labels: &BTreeMap<String, String>) -> bool {
    let (expressions, fields) = (term.list("matchExpressions"), term.list("matchFields"));
    let by_field = BTreeMap::from([("metadata.name".to_owned(), node.name().to_owned())]);
    let all = expressions.iter().all(|expression| holds(expression, labels))
        && fields.iter().all(|field| holds(field, &by_field));
    all && !(expressions.is_empty() && fields.is_empty())
}

fn holds(expression: &Value, labels: &BTreeMap<String, String>) -> bool {
    let own = labels.get(expression.str("key"));
    let listed = |value: &String| expression.list("values").iter().any(|one| one.as_str() == Some(value));
    let number = |text: &str| text.parse::<i64>().ok();
    let bound = expression.list("values").first().and_then(Value::as_str).and_then(number);
    match expression.str("operator") {
        "In" => own.is_some_and(listed),
        "NotIn" => !own.is_some_and(listed),
        "Exists" => own.is_some(),
        "DoesNotExist" => own.is_none(),
        "Gt" => own.and_then(|value| number(value)).zip(bound).is_some_and(|(own, bound)| own > bound),
        "Lt" => own.and_then(|value| number(value)).zip(bound).is_some_and(|(own, bound)| own < bound),
        _ => false,
    }
}

/// The weight of preferred node terms that hold.
pub(crate) fn preference(node: &Value, pod: &Value) -> i64 {
    let labels = node.labels();
    let terms = pod.list("spec/affinity/nodeAffinity/preferredDuringSchedulingIgnoredDuringExecution");
    let held = terms.iter().filter(|term| term_matches(term.at("preference"), node, &labels));
    held.map(|term| term.int("weight")).sum()
}

/// The first taint that keeps the pod off the node.
pub(crate) fn untolerated<'n>(node: &'n Value, pod: &Value) -> Option<&'n Value> {
    let keeps_off = |taint: &&Value| matches!(taint.str("effect"), "NoSchedule" | "NoExecute");
    let tolerated = |taint: &Value| pod.list("spec/tolerations").iter().any(|toleration| tolerates(toleration, taint));
    node.list("spec/taints").iter().filter(keeps_off).find(|taint| !tolerated(taint))
}

pub(crate) fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let effect = matches!(toleration.str("effect"), "") || toleration.str("effect") == taint.str("effect");
    let key = toleration.str("key").is_empty() || toleration.str("key") == taint.str("key");
    let value = toleration.str("operator") == "Exists" || toleration.str("value") == taint.str("value");
    effect && key && value
}

/// One required term of pod (anti-)affinity.
pub(crate) struct Term<'a> {
    selector: LabelSelector,
    namespaces: Vec<&'a str>,
    all_namespaces: bool,
    pub(crate) topology: &'a str,
}

impl<'a> Term<'a> {
    pub(crate) fn required(pod: &'a Value, kind: &str) -> Vec<Self> {
        let path = format!("spec/affinity/{kind}/requiredDuringSchedulingIgnoredDuringExecution");
        pod.list(&path).iter().filter_map(|term| Self::of(term, pod)).collect()
    }

    fn of(term: &'a Value, pod: &'a Value) -> Option<Self> {
        let mut namespaces: Vec<&str> = term.list("namespaces").iter().filter_map(Value::as_str).collect();
        if namespaces.is_empty() && !term.has("namespaceSelector") {
            namespaces.push(pod.namespace());
        }
        let selector = LabelSelector::from_value(term.at("labelSelector")).filter(|_| term.has("labelSelector"))?;
        Some(Self {
            selector,
            namespaces,
            all_namespaces: term.has("namespaceSelector"),
            topology: term.str("topologyKey"),
        })
    }

    pub(crate) fn picks(&self, pod: &Value) -> bool {
        (self.all_namespaces || self.namespaces.contains(&pod.namespace())) && self.selector.matches(&pod.labels())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(affinity: Value, expect: bool) {
        let node = json!({"metadata": {"name": "n", "labels": {"zone": "a", "cores": "8"}}});
        let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": affinity}});
        let pod = json!({"spec": {"affinity": {"nodeAffinity": required}}});
        assert_eq!(wants_node(&node, &pod), expect, "{affinity}");
    }

    #[test]
    fn terms_are_alternatives_and_expressions_are_not() {
        let zone = json!({"key": "zone", "operator": "In", "values": ["a", "b"]});
        let cores = json!({"key": "cores", "operator": "Gt", "values": ["8"]});
        check(json!([{"matchExpressions": [zone]}]), true);
        check(json!([{"matchExpressions": [zone, cores]}]), false);
        check(json!([{"matchExpressions": [cores]}, {"matchExpressions": [zone]}]), true);
        check(json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}]), true);
        check(json!([{}]), false);
        check(json!([{"matchExpressions": [{"key": "gpu", "operator": "NotIn", "values": ["x"]}]}]), true);
    }

    #[test]
    fn taints_and_tolerations() {
        let taint = json!({"key": "dedicated", "value": "db", "effect": "NoSchedule"});
        let node = json!({"spec": {"taints": [taint]}});
        let with = |toleration: Value| json!({"spec": {"tolerations": [toleration]}});
        assert!(untolerated(&node, &json!({})).is_some());
        assert!(untolerated(&node, &with(json!({"operator": "Exists"}))).is_none());
        assert!(untolerated(&node, &with(json!({"key": "dedicated", "value": "db"}))).is_none());
        assert!(untolerated(&node, &with(json!({"key": "dedicated", "value": "web"}))).is_some());
        assert!(
            untolerated(&node, &with(json!({"key": "dedicated", "operator": "Exists", "effect": "NoExecute"})))
                .is_some()
        );
    }
}

//! What a namespace allows one container to ask for, and what it fills in.

use lucid_object::{Finding, Object, ObjectSet, Quantity};
use serde_json::{Map, Value};

use super::ground::{Ground, in_pod, items, text};

pub(super) fn check(objects: &ObjectSet, ground: &Ground<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for object in objects {
        let (Some(spec), Some(namespace)) = (object.pod_spec(), object.namespace()) else { continue };
        for range in ground.list("", "LimitRange", Some(namespace)).unwrap_or_default() {
            for limit in items(range, "/spec/limits").filter(|limit| text(limit, "/type") == "Container") {
                let filled = with_defaults(spec, &[range]);
                findings.extend(outside(object, &filled, range, limit));
            }
        }
    }
    findings
}

fn outside(object: &Object, spec: &Value, range: &Value, limit: &Value) -> Option<Finding> {
    for (index, container) in items(spec, "/containers").enumerate() {
        let amount = |list: &str, resource: &str| quantity(container.pointer("/resources")?.get(list)?.get(resource)?);
        let bounds = |bound: &'static str, list: &'static str| {
            let map = limit.get(bound).and_then(Value::as_object).into_iter().flatten();
            map.filter_map(move |(resource, value)| {
                let (asked, allowed) = (amount(list, resource)?, quantity(value)?);
                let is_outside = if bound == "max" { asked > allowed } else { asked < allowed };
                is_outside.then(|| format!("its {resource} {list} are {asked}, the {bound}imum is {allowed}"))
            })
        };
        let Some(why) = bounds("max", "limits").chain(bounds("min", "requests")).next() else { continue };
        let message = format!(
            "container {} of {} is outside of what LimitRange {} allows",
            text(container, "/name"),
            object.reference(),
            text(range, "/metadata/name")
        );
        let at = object.position(&in_pod(object, &format!("/containers/{index}/resources")));
        let finding = Finding::error(1012, message).on(object.reference()).at(at).seen(why);
        return Some(finding.help("stay within the range, or change the LimitRange"));
    }
    None
}

fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => Quantity::parse(text),
        Value::Number(number) => Quantity::parse(&number.to_string()),
        _ => None,
    }
}

/// The pod spec as admission would leave it: requests follow limits, and LimitRanges fill in what is missing.
/// Source: k8s.io/kubernetes/plugin/pkg/admission/limitranger (mergeContainerResources).
pub(super) fn with_defaults(spec: &Value, ranges: &[&Value]) -> Value {
    let mut spec = spec.clone();
    for list in ["initContainers", "containers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let mut resources = container.get("resources").and_then(Value::as_object).cloned().unwrap_or_default();
            let own = resources.get("limits").cloned();
            fill(&mut resources, "requests", own.as_ref());
            let defaults = ranges.iter().flat_map(|range| items(range, "/spec/limits"));
            for limit in defaults.filter(|limit| text(limit, "/type") == "Container") {
                fill(&mut resources, "limits", limit.get("default"));
                fill(&mut resources, "requests", limit.get("defaultRequest"));
            }
            container["resources"] = resources.into();
        }
    }
    spec
}

fn fill(resources: &mut Map<String, Value>, list: &str, defaults: Option<&Value>) {
    let Some(defaults) = defaults.and_then(Value::as_object) else { return };
    let own = resources.entry(list.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    for (resource, amount) in defaults {
        if own.get(resource).is_none() {
            own[resource] = amount.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::foresee::ground::tests::{check, deployment, inside};

    fn asking(resources: Value) -> Value {
        deployment(json!({"containers": [{"name": "main", "resources": resources}]}))
    }

    #[test]
    fn a_container_stays_within_its_range() {
        let range = inside(
            "LimitRange",
            "range",
            json!({"spec": {"limits": [
            {"type": "Container", "max": {"memory": "1Gi"}, "min": {"cpu": "50m"}}]}}),
        );
        let one = std::slice::from_ref(&range);
        check(&[asking(json!({"limits": {"memory": "1Gi"}, "requests": {"cpu": "50m"}}))], one, &[]);
        let said = ["E1012 container main of Deployment shop/api is outside of what LimitRange range allows"];
        check(&[asking(json!({"limits": {"memory": "2Gi"}}))], one, &said);
        check(&[asking(json!({"requests": {"cpu": "10m"}}))], one, &said);
    }

    #[test]
    fn what_is_missing_is_filled_in_as_admission_does() {
        let range = json!({"spec": {"limits": [{"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}, "defaultRequest": {"cpu": "100m"}}]}});
        let filled = |resources: Value| {
            let spec = json!({"containers": [{"resources": resources}]});
            with_defaults(&spec, &[&range])["containers"][0]["resources"].clone()
        };
        assert_eq!(filled(json!({})), json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}}));
        let own = with_defaults(&json!({"containers": [{"resources": {"limits": {"cpu": "2"}}}]}), &[]);
        assert_eq!(own["containers"][0]["resources"]["requests"], json!({"cpu": "2"}));
    }
}

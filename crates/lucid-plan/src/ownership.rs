//! Which component an object belongs to.

use std::collections::BTreeMap;

use lucid_object::{Finding, LabelSelector, Object, ObjectRef, ObjectSet};
use lucid_release::ReleaseFile;
use serde_json::Value;

/// For each object, in the order of the set, the index of its component; `None` is `(shared)`.
pub struct Ownership {
    pub owners: Vec<Option<usize>>,
    pub findings: Vec<Finding>,
}

/// An object belongs to the component that selects it by its own or its pods' labels, or to the one whose object it
/// targets.
pub fn assign(release: &ReleaseFile, objects: &ObjectSet) -> Ownership {
    let mut findings = Vec::new();
    let selectors: Vec<LabelSelector> =
        release.spec.components.iter().map(|component| LabelSelector::from_labels(&component.select)).collect();
    let mut owners: Vec<Option<usize>> =
        objects.iter().map(|object| by_labels(release, &selectors, object, &mut findings)).collect();
    let by_reference: BTreeMap<ObjectRef, Option<usize>> =
        objects.iter().zip(&owners).map(|(object, owner)| (object.reference(), *owner)).collect();
    for (index, object) in objects.iter().enumerate() {
        if owners[index].is_none() {
            owners[index] = by_target(object, objects, &owners, &by_reference);
        }
    }
    Ownership { owners, findings }
}

fn by_labels(
    release: &ReleaseFile,
    selectors: &[LabelSelector],
    object: &Object,
    findings: &mut Vec<Finding>,
) -> Option<usize> {
    let (own, pod) = (object.labels(), object.pod_labels());
    let is_selected = |selector: &LabelSelector| {
        selector.matches(&own) || pod.as_ref().is_some_and(|labels| selector.matches(labels))
    };
    let owners: Vec<usize> =
        selectors.iter().enumerate().filter(|(_, selector)| is_selected(selector)).map(|(index, _)| index).collect();
    if let [first, second, ..] = owners[..] {
        let name = |index: usize| &release.spec.components[index].name;
        let message = format!("{} belongs to two components, {} and {}", object.reference(), name(first), name(second));
        let finding = Finding::error(8111, message).on(object.reference()).at(object.position("/metadata/labels"));
        findings.push(finding.help("make the `select` of one of them narrower"));
    }
    owners.first().copied()
}

fn by_target(
    object: &Object,
    objects: &ObjectSet,
    owners: &[Option<usize>],
    by_reference: &BTreeMap<ObjectRef, Option<usize>>,
) -> Option<usize> {
    match (object.group(), object.kind()) {
        ("autoscaling" | "keda.sh", _) => {
            let target = object.value().pointer("/spec/scaleTargetRef")?;
            let field = |name: &str| target.get(name).and_then(Value::as_str).unwrap_or("");
            let group = field("apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
            *by_reference.get(&ObjectRef::new(group, field("kind"), object.namespace(), field("name")))?
        }
        ("policy", "PodDisruptionBudget") => {
            by_pods(object, object.value().pointer("/spec/selector")?, objects, owners)
        }
        ("networking.k8s.io", "NetworkPolicy") => {
            by_pods(object, object.value().pointer("/spec/podSelector")?, objects, owners)
        }
        _ => None,
    }
}

/// The one component whose pods this selector picks; none when it picks several components' pods, or all.
fn by_pods(object: &Object, selector: &Value, objects: &ObjectSet, owners: &[Option<usize>]) -> Option<usize> {
    let selector = LabelSelector::from_value(selector)?;
    if selector.is_empty() {
        return None;
    }
    let is_target = |other: &Object| {
        other.namespace() == object.namespace() && other.pod_labels().is_some_and(|labels| selector.matches(&labels))
    };
    let mut targets = objects.iter().zip(owners).filter(|(other, _)| is_target(other)).map(|(_, owner)| *owner);
    let first = targets.next()??;
    targets.all(|owner| owner == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn release() -> ReleaseFile {
        let text = "apiVersion: lucid.dev/v1alpha1\nkind: Release\nmetadata: {name: r}\nspec:\n  source: x\n  namespace: n\n  components:\n  - {name: a, select: {app: a}}\n  - {name: b, select: {app: b}}\n";
        lucid_release::load(text, "lucid.yaml").unwrap()
    }

    #[track_caller]
    fn check(objects: &[Value], expect: &[Option<&str>]) {
        let release = release();
        let objects: ObjectSet = objects.iter().cloned().map(Object::new).collect();
        let assigned = assign(&release, &objects);
        let names: Vec<_> =
            assigned.owners.iter().map(|owner| owner.map(|i| release.spec.components[i].name.as_str())).collect();
        assert_eq!(names, expect);
    }

    fn deployment(app: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": app, "namespace": "n"},
            "spec": {"template": {"metadata": {"labels": {"app": app}}}}})
    }

    #[test]
    fn by_own_labels_pod_labels_and_target() {
        check(
            &[
                deployment("a"),
                json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n", "labels": {"app": "b"}}}),
                json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h", "namespace": "n"},
                    "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}}}),
                json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "p", "namespace": "n"},
                    "spec": {"selector": {"matchLabels": {"app": "a"}}}}),
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}),
            ],
            &[Some("a"), Some("b"), Some("a"), Some("a"), None],
        );
    }

    #[test]
    fn a_policy_over_several_components_is_shared() {
        let policy = |selector: Value| {
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "n"},
                "spec": {"podSelector": selector}})
        };
        let either = json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]});
        check(
            &[
                deployment("a"),
                deployment("b"),
                policy(json!({})),
                policy(either),
                policy(json!({"matchLabels": {"app": "b"}})),
            ],
            &[Some("a"), Some("b"), None, None, Some("b")],
        );
    }

    #[test]
    fn two_owners_are_a_finding() {
        let mut both = deployment("a");
        both["metadata"]["labels"] = json!({"app": "b"});
        let assigned = assign(&release(), &[Object::new(both)].into_iter().collect());
        assert_eq!(assigned.findings[0].message, "Deployment n/a belongs to two components, a and b");
    }
}

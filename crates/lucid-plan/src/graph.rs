//! The order between lanes: who waits for whom, and how much waits behind each.

use std::collections::{BTreeMap, BTreeSet};

use lucid_object::{Finding, Object, ObjectRef, ObjectSet};
use lucid_release::ReleaseFile;
use lucid_release::load::find_cycle;

use crate::references;

/// kustomize's and cli-utils' annotation for an order between two objects.
const DEPENDS_ON: &str = "config.kubernetes.io/depends-on";

/// For each component, the components that it waits for.
pub struct Needs {
    pub of: Vec<Vec<usize>>,
    pub findings: Vec<Finding>,
}

/// Edges between components: `needs` (or the phase before), the depends-on annotation, and what pods refer to by name.
pub fn needs(release: &ReleaseFile, objects: &ObjectSet, owners: &[Option<usize>]) -> Needs {
    let index: BTreeMap<&str, usize> =
        release.spec.components.iter().enumerate().map(|(index, component)| (component.name.as_str(), index)).collect();
    let mut of: Vec<Vec<usize>> = release
        .spec
        .components
        .iter()
        .map(|component| release.needs_of(component).iter().filter_map(|name| index.get(name).copied()).collect())
        .collect();
    let by_reference: BTreeMap<ObjectRef, usize> =
        objects.iter().zip(owners).filter_map(|(object, owner)| Some((object.reference(), (*owner)?))).collect();
    let mut findings = Vec::new();
    for (object, owner) in objects.iter().zip(owners) {
        let Some(owner) = *owner else { continue };
        of[owner].extend(annotated(object, &by_reference, &mut findings));
        of[owner].extend(referred(object, &by_reference));
    }
    for (own, list) in of.iter_mut().enumerate() {
        list.sort_unstable();
        list.dedup();
        list.retain(|need| *need != own);
    }
    findings.extend(cycle(release, &of));
    Needs { of, findings }
}

fn annotated(object: &Object, owners: &BTreeMap<ObjectRef, usize>, findings: &mut Vec<Finding>) -> Vec<usize> {
    let annotations = object.annotations();
    let Some(text) = annotations.get(DEPENDS_ON) else { return Vec::new() };
    let mut needs = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        match parse_depends_on(entry).map(|reference| owners.get(&reference).copied()) {
            Some(Some(owner)) => needs.push(owner),
            // An object of the shared part: applied before every component anyway.
            Some(None) => {}
            None => findings.push(
                Finding::error(8112, format!("{entry:?} is not an object reference"))
                    .on(object.reference())
                    .at(object.position("/metadata/annotations/config.kubernetes.io~1depends-on"))
                    .help("write group/namespaces/NAMESPACE/KIND/NAME, or group/KIND/NAME for a cluster-scoped object"),
            ),
        }
    }
    needs
}

/// `apps/namespaces/default/Deployment/a`, `/namespaces/default/Service/a` (core) or `group/Kind/name`.
fn parse_depends_on(entry: &str) -> Option<ObjectRef> {
    match entry.split('/').collect::<Vec<_>>()[..] {
        [group, "namespaces", namespace, kind, name] => Some(ObjectRef::new(group, kind, Some(namespace), name)),
        [group, kind, name] => Some(ObjectRef::new(group, kind, None, name)),
        _ => None,
    }
}

fn referred<'a>(object: &'a Object, owners: &'a BTreeMap<ObjectRef, usize>) -> impl Iterator<Item = usize> + use<'a> {
    let references = object.pod_spec().map(references::of_pod_spec).unwrap_or_default();
    references.into_iter().filter_map(|reference| {
        owners.get(&ObjectRef::new("", reference.kind, object.namespace(), &reference.name)).copied()
    })
}

fn cycle(release: &ReleaseFile, needs: &[Vec<usize>]) -> Option<Finding> {
    let name = |index: usize| release.spec.components[index].name.as_str();
    let edges: BTreeMap<&str, Vec<&str>> = needs
        .iter()
        .enumerate()
        .map(|(own, list)| (name(own), list.iter().map(|need| name(*need)).collect()))
        .collect();
    let cycle = find_cycle(&edges)?;
    let path = cycle.iter().chain([&cycle[0]]).copied().collect::<Vec<_>>().join(" → ");
    let finding = Finding::error(8109, format!("components need each other in a circle: {path}"));
    Some(finding.help("the objects refer to each other by name or by depends-on: remove one of these edges"))
}

/// For each lane, the number of lanes on the longest chain that waits behind it. Where requests queue, the lane with
/// the most behind it goes first.
pub fn weights(needs: &[Vec<usize>]) -> Vec<u32> {
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (lane, list) in needs.iter().enumerate() {
        list.iter().for_each(|need| behind[*need].push(lane));
    }
    let mut weights = vec![None; needs.len()];
    for lane in 0..needs.len() {
        weigh(lane, &behind, &mut weights);
    }
    weights.into_iter().map(Option::unwrap_or_default).collect()
}

fn weigh(lane: usize, behind: &[Vec<usize>], weights: &mut [Option<u32>]) -> u32 {
    if let Some(weight) = weights[lane] {
        return weight;
    }
    let weight = behind[lane].iter().map(|next| weigh(*next, behind, weights) + 1).max().unwrap_or(0);
    weights[lane] = Some(weight);
    weight
}

/// A component and everything that waits for it, directly or through others.
pub fn with_dependents(component: usize, needs: &[Vec<usize>]) -> BTreeSet<usize> {
    (0..needs.len()).filter(|other| with_needs(*other, needs).contains(&component)).collect()
}

/// A component and everything it needs, directly or not.
pub fn with_needs(start: usize, needs: &[Vec<usize>]) -> Vec<usize> {
    let mut found = vec![start];
    let mut next = 0;
    while next < found.len() {
        for need in &needs[found[next]] {
            if !found.contains(need) {
                found.push(*need);
            }
        }
        next += 1;
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn release(components: &str) -> ReleaseFile {
        let head = "apiVersion: lucid.dev/v1alpha1\nkind: Release\nmetadata: {name: r}\nspec:\n  source: x\n  namespace: n\n  components:\n";
        lucid_release::load(&format!("{head}{components}"), "lucid.yaml").unwrap()
    }

    fn deployment(name: &str, annotations: Value, spec: Value) -> Object {
        Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": "n", "annotations": annotations}, "spec": {"template": {"spec": spec}}}))
    }

    const THREE: &str = "  - {name: a, select: {app: a}, needs: []}\n  - {name: b, select: {app: b}, needs: [a]}\n  - {name: c, select: {app: c}, needs: []}\n";

    #[test]
    fn edges_come_from_needs_annotations_and_references() {
        let objects: ObjectSet = [
            Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm", "namespace": "n"}})),
            deployment("b", json!({}), json!({})),
            deployment(
                "c",
                json!({DEPENDS_ON: "apps/namespaces/n/Deployment/b"}),
                json!({"volumes": [{"name": "v", "configMap": {"name": "cm"}}]}),
            ),
        ]
        .into_iter()
        .collect();
        let needs = needs(&release(THREE), &objects, &[Some(0), Some(1), Some(2)]);
        assert_eq!(needs.of, [vec![], vec![0], vec![0, 1]]);
        assert!(needs.findings.is_empty());
    }

    #[test]
    fn a_circle_through_an_annotation_is_found() {
        let objects: ObjectSet = [
            deployment("b", json!({}), json!({})),
            deployment("a", json!({DEPENDS_ON: "apps/namespaces/n/Deployment/b"}), json!({})),
        ]
        .into_iter()
        .collect();
        let needs = needs(&release(THREE), &objects, &[Some(1), Some(0)]);
        assert_eq!(needs.findings[0].message, "components need each other in a circle: a → b → a");
    }

    #[test]
    fn a_reference_that_is_none_is_reported() {
        let objects: ObjectSet = [deployment("a", json!({DEPENDS_ON: "b"}), json!({}))].into_iter().collect();
        assert_eq!(
            needs(&release(THREE), &objects, &[Some(0)]).findings[0].message,
            "\"b\" is not an object reference"
        );
    }

    #[test]
    fn the_longest_chain_behind_counts() {
        assert_eq!(weights(&[vec![], vec![0], vec![1], vec![0], vec![]]), [2, 1, 0, 0, 0]);
    }

    #[test]
    fn everything_needed_directly_or_not() {
        let chain = [vec![], vec![0], vec![1], vec![]];
        assert_eq!(with_needs(2, &chain), [0, 1, 2]);
        assert_eq!(with_dependents(1, &chain), BTreeSet::from([1, 2]));
    }
}

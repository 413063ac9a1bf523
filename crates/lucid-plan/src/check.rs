//! Mistakes in a set of objects that are found before anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use lucid_object::{Finding, Object, ObjectRef, ObjectSet};
use lucid_release::ReleaseFile;
use lucid_release::load::nearest;

use crate::references::{self, Reference};

/// Two objects with one identity.
pub fn identities(objects: &ObjectSet) -> Vec<Finding> {
    let mut seen: BTreeMap<ObjectRef, &Object> = BTreeMap::new();
    let mut findings = Vec::new();
    for object in objects {
        if let Some(first) = seen.insert(object.reference(), object) {
            let mut finding = Finding::error(8110, format!("{} is in the release twice", object.reference()))
                .on(object.reference())
                .at(object.position(""))
                .help("remove one of them, or give it another name");
            if let Some(position) = first.position("") {
                finding = finding.seen(format!("the first one is at {position}"));
            }
            findings.push(finding);
        }
    }
    findings
}

/// Components that select no object at all.
pub fn empty_components(release: &ReleaseFile, owners: &[Option<usize>], file: &str) -> Vec<Finding> {
    let owned: BTreeSet<usize> = owners.iter().flatten().copied().collect();
    let components = release.spec.components.iter().enumerate().filter(|(index, _)| !owned.contains(index));
    components
        .map(|(_, component)| {
            let select = component.select.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",");
            Finding::error(8113, format!("component {} selects no object of the release ({select})", component.name))
                .seen(format!("`select` of {} in {file}", component.name))
                .help("correct its `select`, or remove the component")
        })
        .collect()
}

/// What is known of a Secret or ConfigMap outside the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    Absent,
    /// It exists; its keys were not looked at.
    Present,
    PresentWith(BTreeSet<String>),
}

/// References of pods to what is neither in the release nor in the cluster.
pub fn references(objects: &ObjectSet, known: &dyn Fn(&ObjectRef) -> Known) -> Vec<Finding> {
    let own: BTreeMap<ObjectRef, BTreeSet<String>> =
        objects.iter().map(|object| (object.reference(), keys_of(object))).collect();
    let mut findings = Vec::new();
    for object in objects {
        let Some(spec) = object.pod_spec() else { continue };
        let mut told = BTreeSet::new();
        for reference in references::of_pod_spec(spec).into_iter().filter(|reference| !reference.optional) {
            let target = ObjectRef::new("", reference.kind, object.namespace(), &reference.name);
            let state = match own.get(&target) {
                Some(keys) => Known::PresentWith(keys.clone()),
                None if is_made_by_the_cluster(object, &target) => Known::Present,
                None => known(&target),
            };
            if told.insert((target.clone(), reference.key.clone())) {
                findings.extend(complain(object, &reference, &target, state, &own));
            }
        }
    }
    findings
}

fn complain(
    object: &Object,
    reference: &Reference,
    target: &ObjectRef,
    state: Known,
    own: &BTreeMap<ObjectRef, BTreeSet<String>>,
) -> Option<Finding> {
    let pointer = format!("{}/spec{}", object.pod_template_pointer().unwrap_or_default(), reference.pointer);
    let at = |finding: Finding| finding.on(object.reference()).at(object.position(&pointer));
    match (state, &reference.key) {
        (Known::Absent, _) => {
            let same_kind = own.keys().filter(|other| other.kind == target.kind && other.namespace == target.namespace);
            let help = nearest(&reference.name, same_kind.map(|other| other.name.as_str()));
            let advice = match target.kind.as_str() {
                "Secret" => "create it, or let `lucid secrets init` make the ones that may be generated",
                _ => "add it to the release, or create it first",
            };
            let message =
                format!("{} uses {target}, which is neither in the release nor in the cluster", object.reference());
            Some(at(Finding::error(9006, message)).help(help.unwrap_or_else(|| advice.to_owned())))
        }
        (Known::PresentWith(keys), Some(key)) if !keys.contains(key) => {
            let message = format!("{} uses the key {key} of {target}, which has no such key", object.reference());
            let keys = keys.into_iter().collect::<Vec<_>>().join(", ");
            Some(
                at(Finding::error(4002, message))
                    .help(format!("its keys are: {}", if keys.is_empty() { "none" } else { &keys })),
            )
        }
        _ => None,
    }
}

/// The default ServiceAccount and the CA bundle of every namespace, and the claims a StatefulSet makes.
pub(crate) fn is_made_by_the_cluster(object: &Object, target: &ObjectRef) -> bool {
    match target.kind.as_str() {
        "ServiceAccount" => target.name == "default",
        "ConfigMap" => target.name == "kube-root-ca.crt",
        "PersistentVolumeClaim" => object.kind() == "StatefulSet",
        _ => false,
    }
}

pub(crate) fn keys_of(object: &Object) -> BTreeSet<String> {
    let fields = ["data", "binaryData", "stringData"];
    let maps = fields.iter().filter_map(|field| object.value().get(field)?.as_object());
    maps.flat_map(|map| map.keys().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(spec: Value) -> Object {
        Object::new(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": spec}),
        )
    }

    fn config_map(name: &str) -> Object {
        Object::new(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}, "data": {"k": "v"}}),
        )
    }

    #[track_caller]
    fn check(objects: Vec<Object>, known: Known, expect: &[&str]) {
        let findings = references(&objects.into_iter().collect(), &|_| known.clone());
        let shown: Vec<_> = findings
            .iter()
            .map(|f| format!("{} {} ({})", f.code, f.message, f.help.as_deref().unwrap_or("")))
            .collect();
        assert_eq!(shown, expect);
    }

    #[test]
    fn duplicates_are_named() {
        let twice = [config_map("a"), config_map("a")].into_iter().collect();
        assert_eq!(identities(&twice)[0].message, "ConfigMap n/a is in the release twice");
    }

    #[test]
    fn a_reference_to_nothing_suggests_the_near_name() {
        let uses = pod(json!({"volumes": [{"name": "v", "configMap": {"name": "setings"}}]}));
        check(
            vec![uses, config_map("settings")],
            Known::Absent,
            &[
                "L9006 Pod n/p uses ConfigMap n/setings, which is neither in the release nor in the cluster (did you mean settings?)",
            ],
        );
    }

    #[test]
    fn a_missing_key_lists_those_there_are() {
        let uses = pod(
            json!({"containers": [{"name": "c", "env": [{"name": "E", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "x"}}}]}]}),
        );
        check(
            vec![uses, config_map("a")],
            Known::Absent,
            &["L4002 Pod n/p uses the key x of ConfigMap n/a, which has no such key (its keys are: k)"],
        );
    }

    #[test]
    fn what_the_cluster_has_or_makes_is_fine() {
        let spec = json!({"serviceAccountName": "default", "volumes": [{"name": "v", "secret": {"secretName": "s"}}]});
        check(vec![pod(spec)], Known::Present, &[]);
        let optional = json!({"volumes": [{"name": "v", "secret": {"secretName": "s", "optional": true}}]});
        check(vec![pod(optional)], Known::Absent, &[]);
    }
}

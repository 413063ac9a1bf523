//! Claims that nothing will ever fulfil: their class is not there, and no volume is ready for them.

use lucid_object::{Finding, Object, ObjectSet};
use lucid_release::load::nearest;
use serde_json::Value;

use super::ground::{Ground, storage_claims, text};

pub(super) fn check(objects: &ObjectSet, ground: &Ground<'_>) -> Vec<Finding> {
    let claims = objects.iter().filter(|object| ground.find(object).is_none());
    claims
        .flat_map(|object| {
            storage_claims(object)
                .into_iter()
                .filter_map(move |(pointer, claim)| unfulfilled(object, &pointer, claim, objects, ground))
        })
        .collect()
}

fn unfulfilled(
    object: &Object,
    pointer: &str,
    claim: &Value,
    objects: &ObjectSet,
    ground: &Ground<'_>,
) -> Option<Finding> {
    const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
    let classes = ground.list("storage.k8s.io", "StorageClass", None)?;
    let volumes = ground.list("", "PersistentVolume", None)?;
    let own = objects.iter().filter(|object| object.kind() == "StorageClass").map(Object::value);
    let classes: Vec<&Value> = classes.into_iter().chain(own).collect();
    let names: Vec<&str> = classes.iter().map(|class| text(class, "/metadata/name")).collect();
    let is_default = |class: &&Value| class.pointer("/metadata/annotations").is_some_and(|all| all[DEFAULT] == "true");
    let wanted = claim.pointer("/spec/storageClassName").and_then(Value::as_str);
    let waits_for_it = |class: &str| {
        let is_free = |volume: &&Value| {
            text(volume, "/spec/storageClassName") == class
                && matches!(text(volume, "/status/phase"), "Available" | "Bound")
        };
        volumes.iter().any(is_free) || objects.iter().any(|object| object.kind() == "PersistentVolume")
    };
    let whose = match pointer {
        "" => object.reference().to_string(),
        _ => format!("claim {} of {}", text(claim, "/metadata/name"), object.reference()),
    };
    let (words, help) = match wanted {
        // Only volumes that were made beforehand.
        Some("") => return None,
        Some(name) if names.contains(&name) || waits_for_it(name) => return None,
        Some(name) => (
            format!("{whose} names StorageClass {name}, which is not there"),
            nearest(name, names.iter().copied()).unwrap_or_else(|| format!("name one that is there: {}", list(&names))),
        ),
        None if classes.iter().any(is_default) || waits_for_it("") => return None,
        None => (
            format!("{whose} names no StorageClass, and the cluster has no default one"),
            format!("name one that is there: {}", list(&names)),
        ),
    };
    let at = object.position(&format!("{pointer}/spec/storageClassName")).or_else(|| object.position(pointer));
    Some(Finding::error(6001, words).on(object.reference()).at(at).help(help))
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::foresee::ground::tests::{check, inside, wide};

    fn claim(class: Value) -> Value {
        inside("PersistentVolumeClaim", "data", json!({"spec": {"storageClassName": class}}))
    }

    fn class(name: &str, is_default: &str) -> Value {
        wide(
            "storage.k8s.io/v1",
            "StorageClass",
            name,
            json!({"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": is_default}}}),
        )
    }

    #[test]
    fn a_class_that_is_not_there() {
        let fast = class("fast", "false");
        check(&[claim("fast".into())], std::slice::from_ref(&fast), &[]);
        check(
            &[claim("fats".into())],
            std::slice::from_ref(&fast),
            &["E6001 PersistentVolumeClaim shop/data names StorageClass fats, which is not there"],
        );
        check(&[claim("".into())], &[], &[]);
        let made = wide(
            "v1",
            "PersistentVolume",
            "v",
            json!({"spec": {"storageClassName": "local"}, "status": {"phase": "Available"}}),
        );
        check(&[claim("local".into())], &[made], &[]);
        // It is there already, and bound to whatever it may be.
        check(&[claim("fats".into())], &[claim("fats".into())], &[]);
    }

    #[test]
    fn no_class_and_no_default() {
        let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "shop"},
            "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {}}]}});
        check(
            std::slice::from_ref(&set),
            &[class("slow", "false")],
            &["E6001 claim data of StatefulSet shop/db names no StorageClass, and the cluster has no default one"],
        );
        check(&[set], &[class("slow", "true")], &[]);
    }
}

//! What is known of the cluster, and what of it a release gives reason to ask.

use std::collections::BTreeSet;

use lucid_object::{Gvk, Object, ObjectRef, ObjectSet};
use lucid_status::Cluster;
use serde_json::Value;

/// The cluster as it was listed.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    pub cluster: &'a dyn Cluster,
    /// Whether the kind could be listed there; `None` stands for the whole cluster.
    pub is_seen: &'a dyn Fn(&str, &str, Option<&str>) -> bool,
}

impl<'a> Ground<'a> {
    /// `None` when the kind could not be listed.
    pub(super) fn list(&self, group: &str, kind: &str, namespace: Option<&str>) -> Option<Vec<&'a Value>> {
        (self.is_seen)(group, kind, namespace).then(|| self.cluster.list(group, kind, namespace))
    }

    pub(super) fn find(&self, object: &Object) -> Option<&'a Value> {
        self.cluster.get(&object.reference())
    }

    /// Whether a cluster-scoped object of this name is neither there nor part of the release.
    pub(super) fn lacks(&self, objects: &ObjectSet, group: &str, kind: &str, name: &str) -> Option<bool> {
        let there = self.list(group, kind, None)?.iter().any(|object| text(object, "/metadata/name") == name);
        Some(!there && objects.get(&ObjectRef::new(group, kind, None, name)).is_none())
    }
}

/// A kind to be listed: in a namespace, or in the whole cluster.
pub type Need = (Gvk, Option<String>);

/// What has to be listed to foresee the fate of these objects, beside their own kinds.
pub fn needs(objects: &ObjectSet) -> BTreeSet<Need> {
    let mut needs = BTreeSet::new();
    let mut wide = |group: &str, version: &str, kind: &str| {
        needs.insert((Gvk::new(group, version, kind), None));
    };
    let any = |is_so: &dyn Fn(&Object) -> bool| objects.iter().any(is_so);
    let names = |field: &'static str| {
        move |object: &Object| object.pod_spec().is_some_and(|spec| spec.get(field).and_then(Value::as_str).is_some())
    };
    if objects.is_empty() {
        return needs;
    }
    wide("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration");
    wide("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration");
    if any(&|object| object.pod_spec().is_some()) {
        wide("", "v1", "Namespace");
        wide("", "v1", "Node");
    }
    if any(&|object| !storage_claims(object).is_empty()) {
        wide("storage.k8s.io", "v1", "StorageClass");
        wide("", "v1", "PersistentVolume");
    }
    if any(&|object| object.kind() == "Ingress") {
        wide("networking.k8s.io", "v1", "IngressClass");
    }
    if any(&names("priorityClassName")) {
        wide("scheduling.k8s.io", "v1", "PriorityClass");
    }
    if any(&names("runtimeClassName")) {
        wide("node.k8s.io", "v1", "RuntimeClass");
    }
    if any(&super::addresses::is_pinned) {
        wide("networking.k8s.io", "v1", "ServiceCIDR");
        wide("", "v1", "Service");
    }
    for namespace in objects.iter().filter(|object| object.pod_spec().is_some()).filter_map(Object::namespace) {
        for kind in ["ResourceQuota", "LimitRange", "Pod"] {
            needs.insert((Gvk::new("", "v1", kind), Some(namespace.to_owned())));
        }
    }
    needs
}

/// Claims that an object is, or makes: with the pointer to each.
pub(super) fn storage_claims(object: &Object) -> Vec<(String, &Value)> {
    if object.kind() == "PersistentVolumeClaim" {
        return vec![(String::new(), object.value())];
    }
    let templates = object.value().pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    let of_set = templates.into_iter().flatten().enumerate();
    of_set.map(|(index, claim)| (format!("/spec/volumeClaimTemplates/{index}"), claim)).collect()
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

pub(super) fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// The field of an object's pod spec, for positions.
pub(super) fn in_pod(object: &Object, pointer: &str) -> String {
    format!("{}/spec{pointer}", object.pod_template_pointer().unwrap_or_default())
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// A cluster that shows everything.
    #[derive(Default)]
    pub(in crate::foresee) struct Fake(pub(in crate::foresee) Vec<Value>);

    impl Cluster for Fake {
        fn get(&self, reference: &ObjectRef) -> Option<&Value> {
            self.0.iter().find(|value| &Object::new((*value).clone()).reference() == reference)
        }

        fn owned_by(&self, _: &str) -> Vec<&Value> {
            Vec::new()
        }

        fn events_for(&self, _: &str) -> Vec<&Value> {
            Vec::new()
        }

        fn list(&self, group: &str, kind: &str, namespace: Option<&str>) -> Vec<&Value> {
            let is_it = |value: &&Value| {
                let reference = Object::new((*value).clone()).reference();
                reference.group == group
                    && reference.kind == kind
                    && (namespace.is_none() || reference.namespace.as_deref() == namespace)
            };
            self.0.iter().filter(is_it).collect()
        }
    }

    /// "E1010 message" for errors, W and A for the lesser ones.
    pub(in crate::foresee) fn said(objects: &[Value], cluster: &[Value]) -> Vec<String> {
        let set: ObjectSet = objects.iter().cloned().map(Object::new).collect();
        let fake = Fake(cluster.to_vec());
        let findings = super::super::foresee(&set, &Ground { cluster: &fake, is_seen: &|_, _, _| true });
        assert!(findings.iter().all(|finding| finding.object.is_some() && finding.help.is_some()), "{findings:#?}");
        let letter = |finding: &lucid_object::Finding| format!("{:?}", finding.severity).remove(0);
        findings.iter().map(|finding| format!("{}{:04} {}", letter(finding), finding.code.0, finding.message)).collect()
    }

    #[track_caller]
    pub(in crate::foresee) fn check(objects: &[Value], cluster: &[Value], expect: &[&str]) {
        assert_eq!(said(objects, cluster), expect);
    }

    pub(in crate::foresee) fn deployment(spec: Value) -> Value {
        let mut all =
            json!({"serviceAccountName": "default", "containers": [{"name": "main", "image": "r.example/a:1"}]});
        for (key, value) in spec.as_object().unwrap() {
            all[key] = value.clone();
        }
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "namespace": "shop"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "api"}},
                "template": {"metadata": {"labels": {"app": "api"}}, "spec": all}}})
    }

    pub(in crate::foresee) fn wide(api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
        let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
        for (key, value) in rest.as_object().unwrap() {
            match (key.as_str(), value.as_object()) {
                ("metadata", Some(more)) => object["metadata"].as_object_mut().unwrap().extend(more.clone()),
                _ => object[key] = value.clone(),
            }
        }
        object
    }

    pub(in crate::foresee) fn inside(kind: &str, name: &str, rest: Value) -> Value {
        let mut object = wide("v1", kind, name, rest);
        object["metadata"]["namespace"] = "shop".into();
        object
    }

    #[test]
    fn nothing_is_said_of_what_could_not_be_seen() {
        let set: ObjectSet =
            [Object::new(deployment(json!({"priorityClassName": "none", "nodeSelector": {"a": "b"}})))]
                .into_iter()
                .collect();
        let findings = super::super::foresee(&set, &Ground { cluster: &Fake::default(), is_seen: &|_, _, _| false });
        assert_eq!(findings, []);
    }

    #[test]
    fn only_what_matters_is_listed() {
        let kinds = |object: Value| -> Vec<String> {
            let set: ObjectSet = [Object::new(object)].into_iter().collect();
            needs(&set).into_iter().map(|(gvk, _)| gvk.kind).collect()
        };
        let always = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
        assert_eq!(kinds(inside("ConfigMap", "c", json!({}))), always);
        assert!(kinds(deployment(json!({"priorityClassName": "p"}))).contains(&"PriorityClass".to_owned()));
        assert!(
            kinds(inside("Service", "s", json!({"spec": {"clusterIP": "10.0.0.9"}})))
                .contains(&"ServiceCIDR".to_owned())
        );
    }
}

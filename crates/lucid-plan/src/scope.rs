//! What the cluster serves, and which kinds live in namespaces.

use std::collections::BTreeMap;

use lucid_object::{Finding, Gvk, Object, ObjectSet};

/// How a kind is addressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub plural: String,
    pub namespaced: bool,
}

/// The kinds that can be applied: what the cluster serves, and what the release itself defines.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    served: BTreeMap<Gvk, Resource>,
    /// Kinds that come with the release: their requests wait for the definition.
    defined: BTreeMap<Gvk, Resource>,
}

impl Resources {
    pub fn new(served: BTreeMap<Gvk, Resource>) -> Self {
        Self { served, defined: BTreeMap::new() }
    }

    /// What every cluster serves, for those who ask none.
    pub fn builtin() -> Self {
        let stored = lucid_schema::resources().iter().filter(|resource| resource.is_stored());
        let resource = |kind: &lucid_schema::Resource| {
            (kind.gvk(), Resource { plural: kind.plural.to_owned(), namespaced: kind.namespaced })
        };
        Self::new(stored.map(resource).collect())
    }

    /// Adds the kinds of the CustomResourceDefinitions among these objects.
    pub fn define(&mut self, objects: &ObjectSet) {
        for object in objects.iter().filter(|object| object.kind() == "CustomResourceDefinition") {
            self.defined.extend(definitions(object));
        }
    }

    pub fn get(&self, gvk: &Gvk) -> Option<&Resource> {
        self.served.get(gvk).or_else(|| self.defined.get(gvk))
    }

    /// The kinds of the server that live in namespaces.
    pub fn namespaced(&self) -> impl Iterator<Item = (&Gvk, &Resource)> {
        self.served.iter().filter(|(_, resource)| resource.namespaced)
    }

    pub fn is_served(&self, gvk: &Gvk) -> bool {
        self.served.contains_key(gvk)
    }

    /// Other versions in which the same kind is served, for the hint of an error.
    fn alternatives(&self, gvk: &Gvk) -> Vec<String> {
        let same = |other: &&Gvk| other.kind == gvk.kind;
        self.served.keys().filter(same).map(Gvk::api_version).collect()
    }
}

fn definitions(crd: &Object) -> Vec<(Gvk, Resource)> {
    let field = |pointer: &str| crd.str_at(pointer).unwrap_or_default().to_owned();
    let resource = Resource { plural: field("/spec/names/plural"), namespaced: field("/spec/scope") == "Namespaced" };
    let versions = crd.value().pointer("/spec/versions").and_then(|versions| versions.as_array());
    let names = versions.into_iter().flatten().filter_map(|version| version.get("name")?.as_str());
    names
        .map(|version| (Gvk::new(field("/spec/group"), version, field("/spec/names/kind")), resource.clone()))
        .collect()
}

/// Puts objects that name no namespace into the release's, takes the namespace off cluster-scoped ones, and reports
/// every kind that the cluster does not serve.
pub fn place(objects: &mut ObjectSet, namespace: &str, resources: &Resources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for object in objects.iter_mut() {
        match resources.get(&object.gvk()) {
            None => findings.push(unknown_kind(object, resources)),
            Some(resource) if resource.namespaced && object.namespace().is_none() => {
                object.value_mut()["metadata"]["namespace"] = namespace.into();
            }
            Some(resource) if !resource.namespaced => {
                if let Some(metadata) = object.value_mut()["metadata"].as_object_mut() {
                    metadata.remove("namespace");
                }
            }
            Some(_) => {}
        }
    }
    findings
}

fn unknown_kind(object: &Object, resources: &Resources) -> Finding {
    let gvk = object.gvk();
    let help = match resources.alternatives(&gvk).as_slice() {
        [] => {
            format!("install the CustomResourceDefinition of {} first, or take the object out of the release", gvk.kind)
        }
        others => format!("the cluster serves {} as {}", gvk.kind, others.join(", ")),
    };
    Finding::error(1003, format!("the cluster does not serve {gvk}"))
        .on(object.reference())
        .at(object.position("/apiVersion"))
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn served() -> Resources {
        let kinds = [
            ("", "v1", "ConfigMap", true),
            ("", "v1", "Namespace", false),
            ("policy", "v1", "PodDisruptionBudget", true),
        ];
        Resources::new(
            kinds
                .iter()
                .map(|(g, v, k, namespaced)| {
                    (Gvk::new(*g, *v, *k), Resource { plural: k.to_lowercase(), namespaced: *namespaced })
                })
                .collect(),
        )
    }

    fn set(values: &[serde_json::Value]) -> ObjectSet {
        values.iter().cloned().map(Object::new).collect()
    }

    #[test]
    fn namespaces_are_given_and_taken() {
        let mut objects = set(&[
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b", "namespace": "other"}}),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "namespace": "wrong"}}),
        ]);
        assert!(place(&mut objects, "home", &served()).is_empty());
        let namespaces: Vec<_> = objects.iter().map(Object::namespace).collect();
        assert_eq!(namespaces, [Some("home"), Some("other"), None]);
    }

    #[test]
    fn the_kinds_of_every_cluster_are_known_without_one() {
        let builtin = Resources::builtin();
        let namespaced =
            |group: &str, kind: &str| builtin.get(&Gvk::new(group, "v1", kind)).map(|kind| kind.namespaced);
        assert_eq!(namespaced("apps", "Deployment"), Some(true));
        assert_eq!(namespaced("", "Namespace"), Some(false));
        assert_eq!(namespaced("g.io", "Thing"), None);
    }

    #[test]
    fn a_removed_version_names_the_one_that_is_served() {
        let mut objects =
            set(&[json!({"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "a"}})]);
        let findings = place(&mut objects, "home", &served());
        assert_eq!(findings[0].message, "the cluster does not serve policy/v1beta1 PodDisruptionBudget");
        assert_eq!(findings[0].help.as_deref(), Some("the cluster serves PodDisruptionBudget as policy/v1"));
    }

    #[test]
    fn a_kind_may_come_with_the_release() {
        let mut resources = served();
        let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "x"},
            "spec": {"group": "g.io", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"}, "versions": [{"name": "v1"}]}});
        resources.define(&set(&[crd]));
        let thing = Gvk::new("g.io", "v1", "Thing");
        assert!(resources.get(&thing).unwrap().namespaced && !resources.is_served(&thing));
    }
}

//! A release without a release file: every workload is a component of its own, and the edges are those that the objects
//! themselves tell.

use std::collections::BTreeMap;

use lucid_object::{LabelSelector, Object, ObjectSet};
use lucid_release::file::{Metadata, ReleaseFile, Spec};
use lucid_release::{Component, Images, OnFailure, Span, Strategy};

/// Components from workloads: each is selected by the labels of its selector. Workloads with the same selector are one
/// component.
pub fn release(name: &str, namespace: &str, objects: &ObjectSet) -> ReleaseFile {
    let mut components: Vec<Component> = Vec::new();
    for object in objects {
        let Some(select) = selector_of(object) else { continue };
        if components.iter().any(|component| component.select == select) {
            continue;
        }
        components.push(Component {
            name: unused_name(object.name(), &components),
            phase: None,
            select,
            needs: Some(Vec::new()),
            health: Vec::new(),
            strategy: Strategy::Rolling,
        });
    }
    ReleaseFile {
        api_version: "lucid.dev/v1alpha1".into(),
        kind: "Release".into(),
        metadata: Metadata { name: name.into() },
        spec: Spec {
            overlays: BTreeMap::new(),
            source: Some(".".into()),
            namespace: namespace.into(),
            phases: Vec::new(),
            deadline: Span(std::time::Duration::from_secs(15 * 60)),
            on_failure: OnFailure::Stop,
            history_limit: 20,
            images: Images::default(),
            secrets: Vec::new(),
            notifications: Vec::new(),
            components,
        },
    }
}

/// The labels that pick the workload's pods and nobody else's.
fn selector_of(object: &Object) -> Option<BTreeMap<String, String>> {
    let pod = object.pod_labels().filter(|labels| !labels.is_empty())?;
    let wanted = object.value().pointer("/spec/selector/matchLabels").map(LabelSelector::from_map);
    let select: BTreeMap<String, String> = match wanted {
        Some(selector) if !selector.is_empty() => {
            pod.into_iter().filter(|(key, value)| selector.matches_pair(key, value)).collect()
        }
        _ => pod,
    };
    (!select.is_empty()).then_some(select)
}

/// A StatefulSet and a Deployment may share a name; components may not.
fn unused_name(name: &str, components: &[Component]) -> String {
    let is_used = |name: &str| components.iter().any(|component| component.name == name);
    if !is_used(name) {
        return name.to_owned();
    }
    (2..).map(|number| format!("{name}-{number}")).find(|name| !is_used(name)).expect("numbers do not end")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workload(kind: &str, name: &str, app: &str) -> Object {
        Object::new(json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "n"},
            "spec": {"selector": {"matchLabels": {"app": app}},
                "template": {"metadata": {"labels": {"app": app, "version": "1"}}}}}))
    }

    #[test]
    fn every_workload_is_a_component() {
        let objects: ObjectSet = [
            workload("Deployment", "web", "web"),
            workload("StatefulSet", "web", "db"),
            workload("Deployment", "web-canary", "web"),
            Object::new(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}})),
        ]
        .into_iter()
        .collect();
        let release = release("shop", "n", &objects);
        let shown: Vec<_> =
            release.spec.components.iter().map(|c| (c.name.as_str(), c.select["app"].as_str())).collect();
        assert_eq!(shown, [("web", "web"), ("web-2", "db")]);
        assert!(!release.spec.components[0].select.contains_key("version"));
    }
}

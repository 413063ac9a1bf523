//! What lucid sends: the manifest, marked as the release's own, without the fields that others own.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lucid_object::{Object, ObjectRef, ObjectSet};
use lucid_release::names::{COMPONENT_LABEL, RELEASE_LABEL, RELEASE_NAMESPACE_LABEL};
use serde_json::{Map, Value};

/// The marks of ownership.
#[derive(Debug, Clone)]
pub struct Marks<'a> {
    pub release: &'a str,
    pub namespace: &'a str,
}

impl Marks<'_> {
    /// The object as it is applied: with ownership labels, without server-made fields.
    pub fn put_on(&self, object: &Object, component: Option<&str>) -> Value {
        let mut intent = object.value().clone();
        if let Some(top) = intent.as_object_mut() {
            top.remove("status");
        }
        if object.group().is_empty() && object.kind() == "Secret" {
            encode_strings(&mut intent);
        }
        let metadata = map_in(&mut intent, "metadata");
        for made_by_the_server in
            ["creationTimestamp", "managedFields", "resourceVersion", "uid", "generation", "selfLink"]
        {
            metadata.remove(made_by_the_server);
        }
        let labels = map_in(metadata.entry("labels").or_insert_with(|| Value::Object(Map::new())), "");
        labels.insert(RELEASE_LABEL.into(), self.release.into());
        labels.insert(RELEASE_NAMESPACE_LABEL.into(), self.namespace.into());
        if let Some(component) = component {
            labels.insert(COMPONENT_LABEL.into(), component.into());
        }
        intent
    }

    /// Whether a live object carries this release's marks.
    pub fn are_on(&self, live: &Value) -> bool {
        let label = |name: &str| live.pointer("/metadata/labels").and_then(|labels| labels.get(name)?.as_str());
        label(RELEASE_LABEL) == Some(self.release) && label(RELEASE_NAMESPACE_LABEL) == Some(self.namespace)
    }
}

/// `stringData` into `data`, as the server does it: it keeps and owns only `data`, and a comparison needs what it keeps.
fn encode_strings(secret: &mut Value) {
    let Some(Value::Object(strings)) = secret.as_object_mut().and_then(|top| top.remove("stringData")) else { return };
    let data = map_in(secret, "data");
    for (key, value) in strings {
        let text = value.as_str().unwrap_or_default();
        data.insert(key, STANDARD.encode(text).into());
    }
}

/// The map in a field, made if it is missing or null; with an empty name, the value itself.
fn map_in<'a>(value: &'a mut Value, field: &str) -> &'a mut Map<String, Value> {
    let slot = if field.is_empty() { value } else { &mut value[field] };
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut().expect("made an object just above")
}

/// Workloads whose replicas an autoscaler of the release owns, with its lower bound.
pub fn autoscaled(objects: &ObjectSet) -> BTreeMap<ObjectRef, i64> {
    let scalers = objects.iter().filter(|object| matches!(object.kind(), "HorizontalPodAutoscaler" | "ScaledObject"));
    scalers.filter_map(|scaler| Some((target_of(scaler)?, lower_bound(scaler)))).collect()
}

fn target_of(scaler: &Object) -> Option<ObjectRef> {
    let target = scaler.value().pointer("/spec/scaleTargetRef")?;
    let text = |field: &str| target.get(field).and_then(Value::as_str);
    // KEDA's default target is a Deployment of apps/v1.
    let group = text("apiVersion").unwrap_or("apps/v1").rsplit_once('/').map_or("", |(group, _)| group);
    Some(ObjectRef::new(group, text("kind").unwrap_or("Deployment"), scaler.namespace(), text("name")?))
}

fn lower_bound(scaler: &Object) -> i64 {
    let fields = ["/spec/minReplicas", "/spec/minReplicaCount"];
    fields.iter().find_map(|field| scaler.value().pointer(field)?.as_i64()).unwrap_or(1).max(1)
}

/// Takes `spec.replicas` out of an intent and returns it.
pub fn give_up_replicas(intent: &mut Value) -> Option<i64> {
    intent.get_mut("spec")?.as_object_mut()?.remove("replicas")?.as_i64()
}

/// The least object that a manager needs to apply to own `spec.replicas` and nothing else, or nothing at all.
pub fn replicas_only(intent: &Value, replicas: Option<i64>) -> Value {
    let mut small = serde_json::json!({
        "apiVersion": intent["apiVersion"], "kind": intent["kind"],
        "metadata": {"name": intent["metadata"]["name"]},
    });
    if let Some(replicas) = replicas {
        small["spec"] = serde_json::json!({"replicas": replicas});
    }
    if let Some(namespace) = intent.pointer("/metadata/namespace") {
        small["metadata"]["namespace"] = namespace.clone();
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn marks_are_put_on_and_recognised() {
        let marks = Marks { release: "shop", namespace: "home" };
        let object = Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "creationTimestamp": null, "labels": {"x": "y"}}, "status": {}}));
        let intent = marks.put_on(&object, Some("web"));
        assert_eq!(
            intent["metadata"],
            json!({"name": "a", "labels": {"x": "y", "lucid.dev/release": "shop",
                "lucid.dev/release-namespace": "home", "lucid.dev/component": "web"}})
        );
        assert!(intent.get("status").is_none());
        assert!(marks.are_on(&intent));
        assert!(!Marks { release: "shop", namespace: "other" }.are_on(&intent));
        assert!(!marks.are_on(object.value()));
    }

    #[test]
    fn strings_of_a_secret_are_encoded_and_win_over_data() {
        let marks = Marks { release: "shop", namespace: "home" };
        let secret = Object::new(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
            "data": {"a": "b2xk", "b": "Yg=="}, "stringData": {"a": "new"}}));
        let intent = marks.put_on(&secret, None);
        assert_eq!(intent["data"], json!({"a": "bmV3", "b": "Yg=="}));
        assert!(intent.get("stringData").is_none());
    }

    #[test]
    fn an_autoscaler_owns_the_replicas_of_its_target() {
        let objects: ObjectSet = [Object::new(json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "h", "namespace": "n"},
            "spec": {"minReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}}))]
        .into_iter()
        .collect();
        let web = ObjectRef::new("apps", "Deployment", Some("n"), "web");
        assert_eq!(autoscaled(&objects), BTreeMap::from([(web, 3)]));
        let mut intent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "n"}, "spec": {"replicas": 2, "paused": false}});
        assert_eq!(give_up_replicas(&mut intent), Some(2));
        assert_eq!(intent["spec"], json!({"paused": false}));
        assert_eq!(replicas_only(&intent, Some(3))["spec"], json!({"replicas": 3}));
    }
}

//! The defaults that the server writes into objects, kind by kind.
//!
//! Source of the values: the `zz_generated.defaults.go` and `defaults.go` files of k8s.io/kubernetes/pkg/apis.

mod autoscaler;
mod pod;
mod service;
pub(crate) mod workload;

use serde_json::{Value, json};

use crate::admission::{limits, policy};
use crate::json::{Json, JsonMut};
use crate::kinds::Kind;

pub(crate) fn apply(kind: &Kind, object: &mut Value) {
    object.put("apiVersion", kind.api_version());
    object.put("kind", kind.kind.clone());
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => {
            pod::spec(object.entry("spec"));
            pod::pod(object);
        }
        ("apps", "Deployment") => workload::deployment(object),
        ("apps", "ReplicaSet") => workload::replica_set(object),
        ("apps", "StatefulSet") => workload::stateful_set(object),
        ("apps", "DaemonSet") => workload::daemon_set(object),
        ("", "ReplicationController") => workload::replication_controller(object),
        ("", "PodTemplate") => workload::pod_template(object),
        ("", "LimitRange") => limits::complete(object),
        ("admissionregistration.k8s.io", _) => policy::defaults(kind, object),
        ("batch", "Job") => workload::job(object),
        ("batch", "CronJob") => workload::cron_job(object),
        ("", "Service") => service::service(object),
        ("", "Secret") => secret(object),
        ("", "PersistentVolumeClaim") => {
            object.default_to("spec/volumeMode", "Filesystem");
            object.default_to("status/phase", "Pending");
        }
        ("", "PersistentVolume") => {
            object.default_to("spec/volumeMode", "Filesystem");
            object.default_to("spec/persistentVolumeReclaimPolicy", "Retain");
        }
        ("networking.k8s.io", "NetworkPolicy") => service::network_policy(object),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => bindings(object),
        ("storage.k8s.io", "StorageClass") => {
            object.default_to("reclaimPolicy", "Delete");
            object.default_to("volumeBindingMode", "Immediate");
        }
        ("scheduling.k8s.io", "PriorityClass") => object.default_to("preemptionPolicy", "PreemptLowerPriority"),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler::autoscaler(kind, object),
        ("apiextensions.k8s.io", _) => definition(object),
        _ => {}
    }
    if let crate::schema::Root::Custom(schema) = &kind.schema {
        custom(object, schema);
    }
}

fn secret(object: &mut Value) {
    object.default_to("type", "Opaque");
    if let Some(Value::Object(text)) = object.cut("stringData") {
        for (key, value) in text {
            object.entry("data").as_object_mut().map(|_| ()).unwrap_or_else(|| object.put("data", json!({})));
            let encoded = crate::base64::encode(value.as_str().unwrap_or("").as_bytes());
            object.entry("data").as_object_mut().expect("made an object above").insert(key, encoded.into());
        }
    }
}

fn bindings(object: &mut Value) {
    if object.str("roleRef/apiGroup").is_empty() {
        object.put("roleRef/apiGroup", "rbac.authorization.k8s.io");
    }
    for subject in object.items("subjects") {
        if !subject.has("apiGroup") && matches!(subject.str("kind"), "User" | "Group") {
            subject.put("apiGroup", "rbac.authorization.k8s.io");
        }
    }
}

fn definition(object: &mut Value) {
    object.default_to("spec/conversion/strategy", "None");
    let kind = object.str("spec/names/kind").to_owned();
    object.default_to("spec/names/singular", kind.to_lowercase());
    object.default_to("spec/names/listKind", format!("{kind}List"));
}

/// Defaults that a custom resource's schema declares, for what is missing and for nulls that cannot be.
/// Whether a schema, or one below it, has a default.
pub(crate) fn has_any(schema: &Value) -> bool {
    let below = |key: &str| schema.get(key).is_some_and(|inner| inner.is_object() && has_any(inner));
    schema.get("default").is_some()
        || schema.map("properties").into_iter().flatten().any(|(_, field)| has_any(field))
        || below("items")
        || below("additionalProperties")
}

pub(crate) fn custom(value: &mut Value, schema: &Value) {
    let more = schema.at("additionalProperties");
    if let Some(map) = value.as_object_mut() {
        let declared = schema.map("properties");
        let field_of = |name: &str| {
            let declared = declared.and_then(|declared| declared.get(name));
            declared.or_else(|| more.is_object().then_some(more))
        };
        for (name, property) in declared.into_iter().flatten() {
            let missing = map.get(name).is_none_or(|held| held.is_null() && !property.flag("nullable"));
            if let Some(default) = property.get("default").filter(|_| missing) {
                map.insert(name.clone(), default.clone());
            }
        }
        for (name, value) in map.iter_mut() {
            if let Some(field) = field_of(name) {
                custom(value, field);
            }
        }
    } else if let Some(list) = value.as_array_mut()
        && schema.has("items")
    {
        list.iter_mut().for_each(|item| custom(item, schema.at("items")));
    }
}

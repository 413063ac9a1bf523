//! What every object's metadata must say, and what of it cannot change.
//!
//! Source: apimachinery's `api/validation/objectmeta.go`.

use serde_json::Value;

use super::field::{At, Problems};
use super::text;
use crate::json::Json;
use crate::kinds::Kind;

type Form = fn(&str) -> Vec<String>;

/// The form of a kind's names.
fn names(kind: &Kind) -> Form {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("rbac.authorization.k8s.io", _) | ("policy", "PodDisruptionBudget") => text::path_segment,
        ("", "Namespace" | "Service") | ("apps", "StatefulSet") => text::label,
        _ => text::subdomain,
    }
}

/// Most kinds want finalizers of others to have a domain; these leave it to the common rules.
fn of_the_cluster(kind: &Kind) -> bool {
    let common = matches!(kind.group.as_str(), "policy" | "coordination.k8s.io" | "apiextensions.k8s.io");
    !kind.is_custom() && !common
}

const ANNOTATIONS: usize = 256 * 1024;
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// Metadata of an object, new or not.
pub(super) fn object(kind: &Kind, object: &Value, problems: &mut Problems) {
    let at = At::new("metadata");
    let form = names(kind);
    let base = object.str("metadata/generateName");
    if !base.is_empty() {
        let shown = if matches!(kind.group.as_str(), "rbac.authorization.k8s.io" | "policy") {
            text::path_segment_prefix(base)
        } else {
            form(&masked(base))
        };
        problems.all_invalid(&at.child("generateName"), &base.into(), shown);
    }
    match object.name() {
        "" => problems.required(&at.child("name"), "name or generateName is required"),
        name => problems.all_invalid(&at.child("name"), &name.into(), form(name)),
    }
    common(object, problems);
    foreign_finalizers(kind, object, problems);
    if kind.group == "rbac.authorization.k8s.io" || problems.is_empty() {
        // What every kind's names have in common, said only when the kind itself had nothing to say.
        let name = object.name();
        problems.all_invalid(&at.child("name"), &name.into(), text::path_segment(name));
    }
}

/// Finalizers of others have a domain.
fn foreign_finalizers(kind: &Kind, object: &Value, problems: &mut Problems) {
    let finalizers = object.list("metadata/finalizers").iter().filter_map(Value::as_str).enumerate();
    for (index, name) in finalizers.filter(|_| of_the_cluster(kind)) {
        if !name.contains('/') && !STANDARD_FINALIZERS.contains(&name) {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            problems.invalid(&At::new("metadata.finalizers").index(index), name, detail);
        }
    }
}

/// Kinds whose updates are looked at as a whole, names and all.
fn is_looked_at_anew(kind: &Kind) -> bool {
    matches!(
        (kind.group.as_str(), kind.kind.as_str()),
        ("rbac.authorization.k8s.io", _)
            | ("networking.k8s.io", "Ingress" | "IngressClass")
            | ("apps", "ControllerRevision")
            | ("", "Pod" | "ConfigMap" | "Secret" | "ServiceAccount" | "PersistentVolume" | "PersistentVolumeClaim")
    )
}

/// A dash at the end of a `generateName` is where the suffix goes.
fn masked(base: &str) -> String {
    match base.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => format!("{}a", &rest[..rest.len() - 1]),
        _ => base.into(),
    }
}

fn common(object: &Value, problems: &mut Problems) {
    let at = At::new("metadata");
    problems.not_negative(&at.child("generation"), object.at("metadata/generation"));
    labels(object.at("metadata/labels"), &at.child("labels"), problems);
    annotations(object.at("metadata/annotations"), &at.child("annotations"), problems);
    owners(object.list("metadata/ownerReferences"), &at.child("ownerReferences"), problems);
    let finalizers = object.list("metadata/finalizers");
    for finalizer in finalizers {
        let name = finalizer.as_str().unwrap_or("");
        problems.all_invalid(&at.child("finalizers"), finalizer, text::qualified_name(name));
    }
    let has = |name: &str| finalizers.iter().any(|finalizer| finalizer.as_str() == Some(name));
    if has("orphan") && has("foregroundDeletion") {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        problems.invalid(&at.child("finalizers"), finalizers.to_vec(), detail);
    }
    for (index, entry) in object.list("metadata/managedFields").iter().enumerate() {
        let at = at.child("managedFields").index(index);
        match entry.str("operation") {
            "" => problems.required(&at.child("operation"), "must not be empty"),
            "Apply" | "Update" => {}
            other => problems.unsupported(&at.child("operation"), other, &["Apply", "Update"]),
        }
        match entry.str("fieldsType") {
            "" | "FieldsV1" => {}
            other => problems.invalid(&at.child("fieldsType"), other, "must be `FieldsV1`"),
        }
    }
}

pub(super) fn labels(labels: &Value, at: &At, problems: &mut Problems) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        problems.all_invalid(at, &key.as_str().into(), text::qualified_name(key));
        problems.all_invalid(at, value, text::label_value(value.as_str().unwrap_or("")));
    }
}

pub(super) fn annotations(annotations: &Value, at: &At, problems: &mut Problems) {
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        problems.all_invalid(at, &key.as_str().into(), text::qualified_name(&key.to_lowercase()));
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS {
        problems.too_long(at, ANNOTATIONS);
    }
}

fn owners(owners: &[Value], at: &At, problems: &mut Problems) {
    let mut controller = String::new();
    for (index, owner) in owners.iter().enumerate() {
        let here = at.index(index);
        let version = owner.str("apiVersion");
        if version.is_empty() {
            problems.required(&here.child("apiVersion"), "must not be empty");
        } else if version.matches('/').count() > 1 || version.ends_with('/') {
            problems.invalid(&here.child("apiVersion"), version, "must be <group>/<version> or <version>");
        }
        for field in ["kind", "name", "uid"] {
            if owner.str(field).is_empty() {
                problems.required(&here.child(field), "must not be empty");
            }
        }
        if version == "v1" && owner.str("kind") == "Event" {
            problems.invalid(&here, owner.clone(), "/v1, Kind=Event is disallowed from being an owner");
        }
        if owner.flag("controller") {
            let name = format!("{}/{}", owner.str("kind"), owner.str("name"));
            if controller.is_empty() {
                controller = name;
            } else {
                let detail = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {controller} and {name}"
                );
                problems.invalid(at, owners.to_vec(), detail);
            }
        }
    }
}

/// What of the metadata an update cannot change.
pub(super) fn update(kind: &Kind, subresource: &str, old: &Value, new: &Value, problems: &mut Problems) {
    let at = At::new("metadata");
    if subresource.is_empty() && is_looked_at_anew(kind) {
        object(kind, new, problems);
    } else {
        common(new, problems);
        foreign_finalizers(kind, new, problems);
    }
    if old.is_deleting() {
        let had = old.list("metadata/finalizers");
        let mut extra: Vec<&str> =
            new.list("metadata/finalizers").iter().filter(|f| !had.contains(f)).filter_map(Value::as_str).collect();
        extra.sort_unstable();
        extra.dedup();
        if !extra.is_empty() {
            let shown: Vec<String> = extra.iter().map(|name| format!("{name:?}")).collect();
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                shown.join(", ")
            );
            problems.forbidden(&at.child("finalizers"), &detail);
        }
    }
    if new.generation() < old.generation() {
        problems.invalid(&at.child("generation"), new.generation(), "must not be decremented");
    }
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let path = format!("metadata/{field}");
        problems.immutable(&at.child(field), old.at(&path), new.at(&path));
    }
}

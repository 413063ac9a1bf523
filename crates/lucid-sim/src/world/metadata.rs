//! The metadata that the server keeps: identity, stamps, and what a client may not change.

use serde_json::Value;

use crate::error::{ApiError, Cause};
use crate::json::{Json, JsonMut};
use crate::kinds::Kind;
use crate::strategy;
use crate::world::World;

/// `generateName` bases are cut so that the result fits into 63 characters.
const GENERATED_BASE: usize = 58;
const ATTEMPTS: usize = 8;

/// Settles name and namespace of a new object.
pub(crate) fn identify(world: &mut World, kind: &Kind, namespace: &str, object: &mut Value) -> Result<(), ApiError> {
    let given = object.namespace();
    if kind.namespaced {
        if !given.is_empty() && given != namespace {
            return Err(ApiError::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        object.put("metadata/namespace", namespace);
    } else {
        if !given.is_empty() {
            return Err(ApiError::bad_request("namespace may not be set on cluster-scoped objects"));
        }
        object.cut("metadata/namespace");
    }
    if object.name().is_empty() && !object.str("metadata/generateName").is_empty() {
        let name = generate(world, kind, namespace, object.str("metadata/generateName"));
        object.put("metadata/name", name);
    }
    if object.name().is_empty() {
        let cause = Cause::required("metadata.name", "name or generateName is required");
        return Err(ApiError::invalid(kind.about(), "", vec![cause]));
    }
    Ok(())
}

fn generate(world: &mut World, kind: &Kind, namespace: &str, base: &str) -> String {
    let base: String = base.chars().take(GENERATED_BASE).collect();
    let mut name = String::new();
    for _ in 0..ATTEMPTS {
        name = format!("{base}{}", world.chooser.suffix(5));
        if world.store.get(kind.table, namespace, &name).is_none() {
            break;
        }
    }
    name
}

pub(crate) fn stamp_new(world: &mut World, kind: &Kind, object: &mut Value) {
    for field in ["selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "generation"] {
        object.cut(&format!("metadata/{field}"));
    }
    let uid = world.chooser.uid();
    object.put("metadata/uid", uid);
    object.put("metadata/creationTimestamp", world.stamp());
    if strategy::has_generation(kind) {
        object.put("metadata/generation", 1);
    }
    tidy(object);
}

pub(crate) fn stamp_new_if_absent(world: &mut World, kind: &Kind, object: &mut Value) {
    if object.uid().is_empty() {
        let uid = world.chooser.uid();
        object.put("metadata/uid", uid);
    }
    let now = world.stamp();
    object.default_to("metadata/creationTimestamp", now);
    if strategy::has_generation(kind) {
        object.default_to("metadata/generation", 1);
    }
}

/// Empty maps and lists of metadata are not kept.
fn tidy(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, value| match value {
            Value::Object(map) => !map.is_empty(),
            Value::Array(list) => !list.is_empty(),
            Value::String(text) => !text.is_empty(),
            Value::Null => false,
            _ => true,
        });
    }
}

/// Refuses a write that was made against another version or another object of the name.
pub(crate) fn check_update(kind: &Kind, old: &Value, new: &mut Value) -> Result<(), ApiError> {
    let name = old.name();
    let uid = new.uid();
    if !uid.is_empty() && uid != old.uid() {
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", old.uid());
        return Err(ApiError::conflict(kind.about(), name, &why));
    }
    let version = new.str("metadata/resourceVersion");
    if version.is_empty() || version == "0" {
        if kind.is_custom() && version.is_empty() {
            // Put back by the caller when the write is a patch, which always carries the live version.
            let cause = Cause::invalid("metadata.resourceVersion", &Value::from(0), "must be specified for an update");
            return Err(ApiError::invalid(kind.about(), name, vec![cause]));
        }
    } else if version != old.str("metadata/resourceVersion") {
        return Err(ApiError::modified(kind.about(), name));
    }
    Ok(())
}

/// Puts back what belongs to the server.
pub(crate) fn keep(old: &Value, new: &mut Value) {
    for field in
        ["name", "namespace", "uid", "creationTimestamp", "resourceVersion", "generation", "generateName", "selfLink"]
    {
        restore(old, new, &format!("metadata/{field}"));
    }
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
        restore(old, new, &format!("metadata/{field}"));
    }
    tidy(new);
}

pub(crate) fn restore(old: &Value, new: &mut Value, path: &str) {
    if old.has(path) {
        new.put(path, old.at(path).clone());
    } else {
        new.cut(path);
    }
}

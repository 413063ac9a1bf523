//! The metadata that the server keeps: identity, stamps, and what a client may not change.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::json::{Json, JsonMut};
use crate::kinds::Kind;
use crate::world::World;

/// `generateName` bases are cut so that the result fits into 63 characters.
const GENERATED_BASE: usize = 58;

/// Takes out what a client cannot bring into a new object.
pub(crate) fn wipe(object: &mut Value) {
    for field in ["creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        object.cut(&format!("metadata/{field}"));
    }
}

/// Puts the object where the request goes.
pub(crate) fn place(kind: &Kind, namespace: &str, object: &mut Value) -> Result<(), ApiError> {
    let wanted = if kind.namespaced { namespace } else { "" };
    let given = object.namespace();
    if given == wanted {
        return Ok(());
    }
    if !given.is_empty() {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(ApiError::bad_request(why));
    }
    object.put("metadata/namespace", wanted);
    Ok(())
}

/// Gives the object its identity.
pub(crate) fn fill(world: &mut World, object: &mut Value) {
    if object.uid().is_empty() {
        let uid = world.chooser.uid();
        object.put("metadata/uid", uid);
    }
    let now = world.stamp();
    object.default_to("metadata/creationTimestamp", now);
    if object.name().is_empty() && !object.str("metadata/generateName").is_empty() {
        let base: String = object.str("metadata/generateName").chars().take(GENERATED_BASE).collect();
        let suffix = world.chooser.suffix(5);
        object.put("metadata/name", format!("{base}{suffix}"));
    }
}

/// An owner that is named twice counts once.
pub(crate) fn drop_repeated_owners(object: &mut Value) {
    let owners = object.list("metadata/ownerReferences");
    let mut kept: Vec<Value> = Vec::with_capacity(owners.len());
    for owner in owners.iter().filter(|owner| owner.is_object()) {
        if !kept.contains(owner) {
            kept.push(owner.clone());
        }
    }
    if kept.len() < owners.len() {
        object.put("metadata/ownerReferences", json!(kept));
    }
}

/// Puts back what an update cannot change.
pub(crate) fn keep(old: &Value, new: &mut Value) {
    if new.uid().is_empty() {
        restore(old, new, "metadata/uid");
    }
    restore(old, new, "metadata/creationTimestamp");
    if old.is_deleting() {
        restore(old, new, "metadata/deletionTimestamp");
    }
    if !new.has("metadata/deletionGracePeriodSeconds") {
        restore(old, new, "metadata/deletionGracePeriodSeconds");
    }
}

pub(crate) fn restore(old: &Value, new: &mut Value, path: &str) {
    if old.has(path) {
        new.put(path, old.at(path).clone());
    } else {
        new.cut(path);
    }
}

//! Taking fields out of an object by a set of paths.

use serde_json::{Map, Value};

use crate::fields::path;
use crate::fields::set::FieldSet;
use crate::schema::{Topology, TypeRef};

/// The object without the fields and items of `set`. Containers that become empty that way disappear.
pub(crate) fn remove(object: &Value, set: &FieldSet, ty: TypeRef<'_>) -> Value {
    if set.is_empty() { object.clone() } else { value(object, set, ty).unwrap_or(Value::Null) }
}

fn value(object: &Value, set: &FieldSet, ty: TypeRef<'_>) -> Option<Value> {
    match ty.topology() {
        Topology::Scalar => Some(object.clone()),
        Topology::Atomic => None,
        Topology::Granular => map(object, set, ty),
        Topology::Deduced if object.is_object() => map(object, set, ty),
        Topology::Deduced => Some(object.clone()),
        list @ (Topology::Set | Topology::Keyed(_)) => items(object, set, ty, &list),
    }
}

fn map(object: &Value, set: &FieldSet, ty: TypeRef<'_>) -> Option<Value> {
    let mut out = Map::new();
    for (key, field) in object.as_object()? {
        let element = path::field(key);
        if set.has(&element) {
            continue;
        }
        let kept = match set.child(&element) {
            Some(below) => value(field, below, ty.field(key).unwrap_or(TypeRef::Unknown)).unwrap_or(Value::Null),
            None => field.clone(),
        };
        out.insert(key.clone(), kept);
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

fn items(list: &Value, set: &FieldSet, ty: TypeRef<'_>, topology: &Topology) -> Option<Value> {
    let types = ty.items();
    let mut out = Vec::new();
    for item in list.as_array()? {
        let element = path::item(topology, types, item).unwrap_or_default();
        if set.has(&element) {
            continue;
        }
        out.push(match set.child(&element) {
            Some(below) => value(item, below, types).unwrap_or(Value::Null),
            None => item.clone(),
        });
    }
    (!out.is_empty()).then_some(Value::Array(out))
}

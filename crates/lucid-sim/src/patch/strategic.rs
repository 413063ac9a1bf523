//! Strategic merge patches: lists merge by key, and directives say what to delete, replace and reorder.

use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::json::Json;
use crate::schema::TypeRef;

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const DELETE_LIST: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

/// Why a patch cannot be applied.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// The client's fault, as the server sees it.
    Format(&'static str),
    /// What the server answers with a 500.
    Other(String),
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Format(why) => Self::bad_request(why),
            Error::Other(why) => Self::failed(why),
        }
    }
}

fn other(words: impl Into<String>) -> Error {
    Error::Other(words.into())
}

/// Applies the patch to an object of this type; a patch that is null changes nothing.
pub(crate) fn apply(target: &mut Value, patch: &Value, ty: TypeRef<'_>) -> Result<(), Error> {
    let Some(patch) = patch.as_object() else { return Ok(()) };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    maps(target.as_object_mut().expect("made an object above"), patch, ty)
}

fn maps(target: &mut Map<String, Value>, patch: &Map<String, Value>, ty: TypeRef<'_>) -> Result<(), Error> {
    match patch.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => {
            *target = without_directives(patch);
            return Ok(());
        }
        Some("delete") => {
            target.clear();
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => return Err(self::other(format!("Unknown patch type: {other}"))),
    }
    retain(target, patch);
    for (key, value) in patch.iter().filter(|(key, _)| !key.starts_with('$')) {
        let field = ty.field(key).unwrap_or(TypeRef::Unknown);
        if value.is_null() {
            target.remove(key);
        } else {
            one(target, key, value, field)?;
        }
    }
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix(DELETE_LIST) {
            delete_values(target, list, value);
        } else if let Some(list) = key.strip_prefix(ORDER) {
            reorder(target, list, value, ty);
        }
    }
    Ok(())
}

fn one(target: &mut Map<String, Value>, key: &str, value: &Value, ty: TypeRef<'_>) -> Result<(), Error> {
    let (merge_key, strategy) = ty.patch_strategy();
    let current = target.get_mut(key);
    match (current, value) {
        (Some(Value::Object(current)), Value::Object(patch)) => {
            if strategy.contains("replace") {
                *current = patch.clone()
            } else {
                maps(current, patch, ty)?
            }
        }
        (Some(Value::Array(current)), Value::Array(patch)) if strategy.contains("merge") => {
            lists(current, patch, merge_key, ty.items())?;
        }
        (_, Value::Object(patch)) => {
            let mut fresh = Map::new();
            maps(&mut fresh, patch, ty)?;
            if patch.get(DIRECTIVE).and_then(Value::as_str) != Some("delete") {
                target.insert(key.into(), Value::Object(fresh));
            }
        }
        (_, Value::Array(patch)) if strategy.contains("merge") => {
            let mut fresh = Vec::new();
            lists(&mut fresh, patch, merge_key, ty.items())?;
            target.insert(key.into(), Value::Array(fresh));
        }
        _ => {
            target.insert(key.into(), value.clone());
        }
    }
    Ok(())
}

fn lists(target: &mut Vec<Value>, patch: &[Value], key: Option<&str>, items: TypeRef<'_>) -> Result<(), Error> {
    let Some(key) = key else {
        let fresh: Vec<Value> = patch.iter().filter(|value| !target.contains(value)).cloned().collect();
        target.extend(fresh);
        return Ok(());
    };
    if patch.iter().any(|item| item.str(DIRECTIVE) == "replace") {
        *target = patch.iter().filter(|item| item.get(DIRECTIVE).is_none()).cloned().collect();
        return Ok(());
    }
    for item in patch {
        let Some(map) = item.as_object() else { return Err(Error::Format("invalid JSON document")) };
        let name = map
            .get(key)
            .ok_or_else(|| other(format!("map: {} does not contain declared merge key: {key}", printed(item))))?;
        let at = target.iter().position(|current| current.get(key) == Some(name));
        match (map.get(DIRECTIVE).and_then(Value::as_str), at) {
            (Some("delete"), _) => target.retain(|current| current.get(key) != Some(name)),
            (_, Some(at)) => maps(target[at].as_object_mut().expect("it has the key"), map, items)?,
            (_, None) => {
                let mut fresh = Map::new();
                maps(&mut fresh, map, items)?;
                target.push(Value::Object(fresh));
            }
        }
    }
    Ok(())
}

/// A value as Go's `%v` prints it.
fn printed(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(printed).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let fields: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{}", printed(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
        other => other.to_string(),
    }
}

fn without_directives(patch: &Map<String, Value>) -> Map<String, Value> {
    patch.iter().filter(|(key, _)| !key.starts_with('$')).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn retain(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    if let Some(keys) = patch.get(RETAIN).and_then(Value::as_array) {
        target.retain(|key, _| keys.iter().any(|keep| keep.as_str() == Some(key)));
    }
}

fn delete_values(target: &mut Map<String, Value>, list: &str, values: &Value) {
    let values = values.as_array().map_or(&[][..], Vec::as_slice);
    if let Some(Value::Array(current)) = target.get_mut(list) {
        current.retain(|value| !values.contains(value));
    }
}

/// Puts the items in the order that the directive lists; others keep their place at the end.
fn reorder(target: &mut Map<String, Value>, list: &str, order: &Value, ty: TypeRef<'_>) {
    let key = ty.field(list).and_then(|field| field.patch_strategy().0);
    let order = order.as_array().map_or(&[][..], Vec::as_slice);
    let Some(Value::Array(current)) = target.get_mut(list) else { return };
    let name = |value: &Value| key.map_or_else(|| value.clone(), |key| value.get(key).cloned().unwrap_or(Value::Null));
    let rank = |value: &Value| order.iter().position(|o| name(o) == name(value)).unwrap_or(order.len());
    current.sort_by_key(rank);
}

#[cfg(test)]
mod tests {
    use super::*;
    use lucid_object::Gvk;
    use lucid_schema::Schema;
    use serde_json::json;

    #[track_caller]
    fn check(target: Value, patch: Value, expect: Value) {
        let mut target = json!({"spec": target});
        let pod = TypeRef::Builtin(Schema::of(&Gvk::new("", "v1", "Pod")).unwrap());
        apply(&mut target, &json!({"spec": patch}), pod).unwrap();
        assert_eq!(target["spec"], expect);
    }

    #[test]
    fn lists_merge_by_their_patch_key() {
        check(
            json!({"containers": [{"name": "a", "image": "1"}, {"name": "b"}]}),
            json!({"containers": [{"name": "a", "image": "2"}, {"name": "c"}]}),
            json!({"containers": [{"name": "a", "image": "2"}, {"name": "b"}, {"name": "c"}]}),
        );
        check(
            json!({"tolerations": [{"key": "a"}]}),
            json!({"tolerations": [{"key": "b"}]}),
            json!({"tolerations": [{"key": "b"}]}),
        );
    }

    #[test]
    fn directives() {
        let two = || json!({"containers": [{"name": "a"}, {"name": "b"}]});
        check(
            two(),
            json!({"containers": [{"name": "a", "$patch": "delete"}]}),
            json!({"containers": [{"name": "b"}]}),
        );
        check(
            two(),
            json!({"containers": [{"name": "z"}, {"$patch": "replace"}]}),
            json!({"containers": [{"name": "z"}]}),
        );
        check(
            two(),
            json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}),
            json!({"containers": [{"name": "b"}, {"name": "a"}]}),
        );
        check(
            json!({"volumes": [{"name": "v", "emptyDir": {}}]}),
            json!({"volumes": [{"name": "v", "secret": {"secretName": "s"}, "$retainKeys": ["name", "secret"]}]}),
            json!({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}),
        );
    }

    #[test]
    fn null_deletes() {
        check(json!({"hostname": "x", "subdomain": "y"}), json!({"hostname": null}), json!({"subdomain": "y"}));
    }
}

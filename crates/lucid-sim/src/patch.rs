//! The three patch types that rewrite an object: JSON patch, merge patch, strategic merge patch.

pub(crate) mod json;
pub(crate) mod strategic;

use serde_json::{Map, Value};

/// RFC 7386: null deletes, objects merge, everything else replaces.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let target = target.as_object_mut().expect("made an object above");
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(mut target: Value, patch: Value, expect: Value) {
        merge(&mut target, &patch);
        assert_eq!(target, expect);
    }

    #[test]
    fn merge_patches() {
        check(json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": null, "d": 3}}), json!({"a": {"c": 2, "d": 3}}));
        check(json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]}));
        check(json!({"a": 1}), json!({"a": {"b": {"c": null}}}), json!({"a": {"b": {}}}));
    }
}

//! RFC 6902 patches.

use serde_json::Value;

use crate::json::Json;

/// Applies the operations in order; the first that cannot be done is the error.
pub(crate) fn apply(target: &mut Value, patch: &Value) -> Result<(), String> {
    let operations = patch.as_array().ok_or("a JSON patch is a list of operations")?;
    for operation in operations {
        one(target, operation)?;
    }
    Ok(())
}

fn one(target: &mut Value, operation: &Value) -> Result<(), String> {
    let path = operation.str("path");
    let from = operation.str("from");
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    match operation.str("op") {
        "add" => add(target, path, value()),
        "remove" => remove(target, path).map(drop),
        "replace" => {
            let missing = || format!("replace operation does not apply: doc is missing key: {path}: missing value");
            *target.pointer_mut(path).ok_or_else(missing)? = value();
            Ok(())
        }
        "move" => {
            let moved = remove(target, from)?;
            add(target, path, moved)
        }
        "copy" => {
            let copied =
                target.pointer(from).cloned().ok_or_else(|| format!("copy operation: missing value at {from}"))?;
            add(target, path, copied)
        }
        "test" => {
            let actual = target.pointer(path).unwrap_or(&Value::Null);
            if *actual == value() { Ok(()) } else { Err(format!("testing value {path} failed: test failed")) }
        }
        other => Err(format!("Unexpected kind: {other}")),
    }
}

fn split(path: &str) -> Result<(&str, String), String> {
    let (parent, last) = path.rsplit_once('/').ok_or_else(|| format!("jsonpatch path must start with '/': {path}"))?;
    Ok((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let missing = || format!("add operation does not apply: doc is missing path: \"{path}\": missing value");
    let (parent, last) = split(path)?;
    match target.pointer_mut(parent).ok_or_else(missing)? {
        Value::Object(map) => {
            map.insert(last, value);
        }
        Value::Array(list) if last == "-" => list.push(value),
        Value::Array(list) => {
            let at: usize = last.parse().map_err(|_| missing())?;
            if at > list.len() {
                return Err(format!(
                    "add operation does not apply: index {at} out of bounds: invalid index referenced"
                ));
            }
            list.insert(at, value);
        }
        _ => return Err(missing()),
    }
    Ok(())
}

fn remove(target: &mut Value, path: &str) -> Result<Value, String> {
    let missing = || format!("remove operation does not apply: doc is missing path: \"{path}\": missing value");
    let (parent, last) = split(path)?;
    match target.pointer_mut(parent).ok_or_else(missing)? {
        Value::Object(map) => map.remove(&last).ok_or_else(missing),
        Value::Array(list) => {
            let at: usize = last.parse().map_err(|_| missing())?;
            if at < list.len() { Ok(list.remove(at)) } else { Err(missing()) }
        }
        _ => Err(missing()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(mut target: Value, patch: Value, expect: Option<Value>) {
        let result = apply(&mut target, &patch).ok().map(|()| target);
        assert_eq!(result, expect);
    }

    #[test]
    fn operations() {
        let doc = || json!({"a": {"b": [1, 2]}, "x/y": 1});
        check(
            doc(),
            json!([{"op": "add", "path": "/a/b/-", "value": 3}]),
            Some(json!({"a": {"b": [1, 2, 3]}, "x/y": 1})),
        );
        check(
            doc(),
            json!([{"op": "add", "path": "/a/b/0", "value": 0}]),
            Some(json!({"a": {"b": [0, 1, 2]}, "x/y": 1})),
        );
        check(doc(), json!([{"op": "remove", "path": "/x~1y"}]), Some(json!({"a": {"b": [1, 2]}})));
        check(doc(), json!([{"op": "replace", "path": "/a", "value": 1}]), Some(json!({"a": 1, "x/y": 1})));
        check(
            doc(),
            json!([{"op": "move", "from": "/a/b", "path": "/c"}]),
            Some(json!({"a": {}, "c": [1, 2], "x/y": 1})),
        );
        check(doc(), json!([{"op": "test", "path": "/x~1y", "value": 1}]), Some(doc()));
    }

    #[test]
    fn what_cannot_be_done() {
        check(json!({}), json!([{"op": "remove", "path": "/a"}]), None);
        check(json!({}), json!([{"op": "replace", "path": "/a", "value": 1}]), None);
        check(json!({}), json!([{"op": "add", "path": "/a/b", "value": 1}]), None);
        check(json!({"a": 1}), json!([{"op": "test", "path": "/a", "value": 2}]), None);
        check(json!({}), json!({"a": 1}), None);
    }
}

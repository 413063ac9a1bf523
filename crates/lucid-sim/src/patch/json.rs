//! RFC 6902 patches, as the server's library reads them (evanphx/json-patch v4): replacing an absent field adds it, and
//! indexes may count from the end.

use serde_json::Value;

use crate::json::Json;

/// An operation that cannot be done. The server does not say why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CannotApply;

type Done<T = ()> = Result<T, CannotApply>;

/// Applies the operations in order, up to the first that cannot be done.
pub(crate) fn apply(target: &mut Value, patch: &Value) -> Done {
    patch.as_array().into_iter().flatten().try_for_each(|operation| one(target, operation))
}

fn one(target: &mut Value, operation: &Value) -> Done {
    let path = operation.at("path").as_str();
    let from = operation.at("from").as_str();
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    match operation.str("op") {
        "add" => add(target, path.ok_or(CannotApply)?, value()),
        "remove" => remove(target, path.ok_or(CannotApply)?),
        "replace" => replace(target, path.ok_or(CannotApply)?, value()),
        "move" => {
            let from = from.ok_or(CannotApply)?;
            let moved = get(target, from)?;
            remove(target, from)?;
            add(target, path.ok_or(CannotApply)?, moved)
        }
        "copy" => {
            let copied = get(target, from.ok_or(CannotApply)?)?;
            add(target, path.ok_or(CannotApply)?, copied)
        }
        "test" => {
            let path = path.ok_or(CannotApply)?;
            let held = if path.is_empty() { target.clone() } else { get(target, path)? };
            if held == value() { Ok(()) } else { Err(CannotApply) }
        }
        _ => Err(CannotApply),
    }
}

/// The container of a path's last element, and that element. What is null counts as not there.
fn parent<'v>(target: &'v mut Value, path: &str) -> Done<(&'v mut Value, String)> {
    let mut parts: Vec<String> = path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let last = parts.pop().filter(|_| !parts.is_empty()).ok_or(CannotApply)?;
    let mut at = target;
    for part in &parts[1..] {
        at = match at {
            Value::Object(map) => map.get_mut(part).ok_or(CannotApply)?,
            Value::Array(list) => {
                let index = index(part, list.len())?;
                list.get_mut(index).ok_or(CannotApply)?
            }
            _ => return Err(CannotApply),
        };
    }
    if at.is_object() || at.is_array() { Ok((at, last)) } else { Err(CannotApply) }
}

fn index(text: &str, length: usize) -> Done<usize> {
    let number: i64 = text.parse().map_err(|_| CannotApply)?;
    let length = i64::try_from(length).map_err(|_| CannotApply)?;
    usize::try_from(if number < 0 { number + length } else { number }).map_err(|_| CannotApply)
}

fn get(target: &mut Value, path: &str) -> Done<Value> {
    let (container, last) = parent(target, path)?;
    match container {
        Value::Object(map) => Ok(map.get(&last).cloned().unwrap_or(Value::Null)),
        Value::Array(list) => list.get(index(&last, list.len())?).cloned().ok_or(CannotApply),
        _ => Err(CannotApply),
    }
}

fn add(target: &mut Value, path: &str, value: Value) -> Done {
    let (container, last) = parent(target, path)?;
    match container {
        Value::Object(map) => drop(map.insert(last, value)),
        Value::Array(list) if last == "-" => list.push(value),
        Value::Array(list) => {
            // A negative index counts from behind the new item.
            let at = index(&last, list.len() + 1)?;
            if at > list.len() {
                return Err(CannotApply);
            }
            list.insert(at, value);
        }
        _ => return Err(CannotApply),
    }
    Ok(())
}

fn remove(target: &mut Value, path: &str) -> Done {
    let (container, last) = parent(target, path)?;
    match container {
        Value::Object(map) => map.remove(&last).map(drop).ok_or(CannotApply),
        Value::Array(list) => {
            let at = index(&last, list.len())?;
            if at >= list.len() {
                return Err(CannotApply);
            }
            list.remove(at);
            Ok(())
        }
        _ => Err(CannotApply),
    }
}

fn replace(target: &mut Value, path: &str, value: Value) -> Done {
    if path.is_empty() {
        if !value.is_object() && !value.is_array() {
            return Err(CannotApply);
        }
        *target = value;
        return Ok(());
    }
    let (container, last) = parent(target, path)?;
    match container {
        Value::Object(map) => drop(map.insert(last, value)),
        Value::Array(list) => {
            let at = index(&last, list.len())?;
            *list.get_mut(at).ok_or(CannotApply)? = value;
        }
        _ => return Err(CannotApply),
    }
    Ok(())
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
        check(
            doc(),
            json!([{"op": "add", "path": "/a/b/-1", "value": 9}]),
            Some(json!({"a": {"b": [1, 2, 9]}, "x/y": 1})),
        );
        check(doc(), json!([{"op": "remove", "path": "/x~1y"}]), Some(json!({"a": {"b": [1, 2]}})));
        check(doc(), json!([{"op": "replace", "path": "/a", "value": 1}]), Some(json!({"a": 1, "x/y": 1})));
        check(
            doc(),
            json!([{"op": "replace", "path": "/c", "value": 1}]),
            Some(json!({"a": {"b": [1, 2]}, "c": 1, "x/y": 1})),
        );
        check(
            doc(),
            json!([{"op": "move", "from": "/a/b", "path": "/c"}]),
            Some(json!({"a": {}, "c": [1, 2], "x/y": 1})),
        );
        check(doc(), json!([{"op": "test", "path": "/x~1y", "value": 1}]), Some(doc()));
        check(doc(), json!([{"op": "test", "path": "/c", "value": null}]), Some(doc()));
        check(doc(), Value::Null, Some(doc()));
    }

    #[test]
    fn what_cannot_be_done() {
        check(json!({}), json!([{"op": "remove", "path": "/a"}]), None);
        check(json!({}), json!([{"op": "add", "path": "/a/b", "value": 1}]), None);
        check(json!({"a": null}), json!([{"op": "add", "path": "/a/b", "value": 1}]), None);
        check(json!({"a": 1}), json!([{"op": "test", "path": "/a", "value": 2}]), None);
        check(json!({"a": []}), json!([{"op": "replace", "path": "/a/0", "value": 2}]), None);
        check(json!({}), json!([{"op": "add", "path": "a", "value": 1}]), None);
    }
}

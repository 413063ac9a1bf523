//! What differs between two forms of an object, field by field.

use std::collections::BTreeSet;

use lucid_release::names::EPOCH_ANNOTATION;
use serde::Serialize;
use serde_json::{Map, Value};

/// One field that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// `spec.template.spec.containers[main].image`.
    pub path: String,
    /// Absent when the field is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Absent when the field goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// What is shown of a value that nobody may see.
pub const MASK: &str = "(secret)";
/// kubectl's copy of what it applied: it repeats the whole object, a Secret's values included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The fields that differ, in the order of their paths. Secret values are masked on both sides; what the server keeps
/// for itself is left out.
pub fn fields(before: &Value, after: &Value) -> Vec<FieldChange> {
    let (mut before, mut after) = (before.clone(), after.clone());
    // Whether a masked value is the same is shown, what it is is not, so masking must keep unequal things unequal.
    let is_secret = [&before, &after].iter().any(|side| side["kind"] == "Secret");
    [&mut before, &mut after].into_iter().for_each(forget_the_servers_own);
    let mut changes = Vec::new();
    walk("", Some(&before), Some(&after), &mut changes);
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    for change in &mut changes {
        if change.path.contains(LAST_APPLIED) || is_secret && holds_a_value(&change.path) {
            mask(&mut change.before);
            mask(&mut change.after);
        }
    }
    changes
}

fn holds_a_value(path: &str) -> bool {
    ["data", "stringData"]
        .iter()
        .any(|field| path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])))
}

/// Keys stay readable, values do not.
fn mask(value: &mut Option<Value>) {
    match value {
        Some(Value::Object(map)) => map.values_mut().for_each(|value| *value = MASK.into()),
        Some(other) => *other = MASK.into(),
        None => {}
    }
}

fn forget_the_servers_own(object: &mut Value) {
    let Some(top) = object.as_object_mut() else { return };
    top.remove("status");
    let Some(metadata) = top.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    for field in ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"] {
        metadata.remove(field);
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(EPOCH_ANNOTATION);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}

fn walk(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<FieldChange>) {
    match (before, after) {
        (a, b) if a == b => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().for_each(|key| walk(&join(path, key), a.get(key), b.get(key), changes));
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => match (keyed(a), keyed(b)) {
            (Some(a), Some(b)) => {
                let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
                keys.into_iter().for_each(|key| walk(&format!("{path}[{key}]"), a.get(key), b.get(key), changes));
            }
            // Lists of plain values have no fields of their own to tell of.
            _ => changes.push(FieldChange { path: path.into(), before: before.cloned(), after: after.cloned() }),
        },
        _ => changes.push(FieldChange { path: path.into(), before: before.cloned(), after: after.cloned() }),
    }
}

fn join(path: &str, key: &str) -> String {
    let key = if key.contains(['.', '/']) { format!("[{key}]") } else { key.to_owned() };
    match (path, key.starts_with('[')) {
        ("", _) | (_, true) => format!("{path}{key}"),
        _ => format!("{path}.{key}"),
    }
}

/// The items by what names them, if something does so uniquely.
fn keyed(items: &[Value]) -> Option<Map<String, Value>> {
    ["name", "containerPort", "port", "mountPath", "ip", "type", "key"].iter().find_map(|key| {
        let name = |item: &Value| match item.get(*key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let map: Map<String, Value> =
            items.iter().map(|item| Some((name(item)?, item.clone()))).collect::<Option<_>>()?;
        (map.len() == items.len()).then_some(map)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(before: Value, after: Value) -> Vec<String> {
        let side = |value: Option<Value>| value.map_or("–".to_owned(), |value| value.to_string());
        fields(&before, &after)
            .into_iter()
            .map(|c| format!("{}: {} → {}", c.path, side(c.before), side(c.after)))
            .collect()
    }

    #[test]
    fn lists_with_names_are_compared_item_by_item() {
        let pod =
            |image: &str, extra: Value| json!({"spec": {"containers": [extra, {"name": "main", "image": image}]}});
        let changes = shown(pod("a:1", json!({"name": "x"})), pod("a:2", json!({"name": "x", "tty": true})));
        assert_eq!(changes, ["spec.containers[main].image: \"a:1\" → \"a:2\"", "spec.containers[x].tty: – → true"]);
        // The order of named items is no difference.
        let turned = |turn: bool| {
            let mut items = vec![json!({"name": "a"}), json!({"name": "b"})];
            if turn {
                items.reverse();
            }
            json!({"spec": {"items": items}})
        };
        assert_eq!(shown(turned(false), turned(true)), Vec::<String>::new());
    }

    #[test]
    fn plain_lists_are_shown_whole() {
        assert_eq!(shown(json!({"args": ["a", "b"]}), json!({"args": ["a"]})), ["args: [\"a\",\"b\"] → [\"a\"]"]);
    }

    #[test]
    fn what_the_server_keeps_for_itself_is_no_difference() {
        let object = |n: i64| {
            json!({"metadata": {"name": "a", "generation": n, "resourceVersion": n.to_string(), "managedFields": [n],
                "annotations": {"lucid.dev/epoch": n.to_string()}}, "status": {"n": n}})
        };
        assert!(fields(&object(1), &object(2)).is_empty());
    }

    #[test]
    fn values_of_secrets_are_masked_and_their_keys_are_not() {
        let secret = |value: &str| {
            json!({"kind": "Secret", "data": {"key": value, "same": "c2FtZQ=="}, "metadata": {"annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"data\":{{\"key\":\"{value}\"}}}}")}}})
        };
        let changes = shown(secret("b2xk"), secret("bmV3"));
        assert_eq!(
            changes,
            [
                "data.key: \"(secret)\" → \"(secret)\"",
                "metadata.annotations[kubectl.kubernetes.io/last-applied-configuration]: \"(secret)\" → \"(secret)\""
            ]
        );
        let whole = shown(json!({"kind": "Secret"}), json!({"kind": "Secret", "data": {"key": "bmV3"}}));
        assert_eq!(whole, ["data: – → {\"key\":\"(secret)\"}"]);
    }
}

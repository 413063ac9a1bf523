//! Whether a live object already is what the release says, judged from lucid's own fields alone.
//!
//! The server records in `metadata.managedFields` which fields a manager set, and takes a field away from a manager
//! when someone else changes it. So an object is unchanged exactly when the fields that `lucid` owns are the fields of
//! the intent, with the same values. `fieldsV1` says how lists are keyed, so no schema is needed.
//! Source: sigs.k8s.io/structured-merge-diff/v6/fieldpath/serialize.go (`f:`, `k:`, `v:`, `i:`, `.`).

use lucid_object::Quantity;
use lucid_release::names::{EPOCH_ANNOTATION, FIELD_MANAGER};
use serde_json::{Map, Value};

/// Whether applying this intent would change nothing. A `false` may be wrong (the server then finds no change either);
/// a `true` never is.
pub fn is_unchanged(intent: &Value, live: &Value) -> bool {
    let Some(fields) = applied_fields(live, FIELD_MANAGER) else { return false };
    let (Some(intent), Some(live)) = (intent.as_object(), live.as_object()) else { return false };
    let identity = |key: &str| matches!(key, "apiVersion" | "kind" | "metadata");
    let same_type = ["apiVersion", "kind"].iter().all(|key| intent.get(*key) == live.get(*key));
    same_type
        && metadata_is_same(intent.get("metadata"), live.get("metadata"), fields.get("f:metadata"))
        && children_are_same(intent, live, fields, &identity, "")
}

/// `fieldsV1` of what this manager applied to the object itself (not to a subresource).
pub fn applied_fields<'a>(live: &'a Value, manager: &str) -> Option<&'a Map<String, Value>> {
    let entries = live.pointer("/metadata/managedFields")?.as_array()?;
    let is_ours = |entry: &&Value| {
        entry["manager"] == manager && entry["operation"] == "Apply" && entry.get("subresource").is_none_or(|s| s == "")
    };
    entries.iter().find(is_ours)?.get("fieldsV1")?.as_object()
}

fn metadata_is_same(intent: Option<&Value>, live: Option<&Value>, fields: Option<&Value>) -> bool {
    let empty = Map::new();
    let as_map = |value: Option<&'_ Value>| value.and_then(Value::as_object).cloned().unwrap_or_else(|| empty.clone());
    let (mut intent, live, mut fields) = (as_map(intent), as_map(live), as_map(fields));
    forget_epoch(&mut intent, &mut fields);
    let identity = |key: &str| matches!(key, "name" | "namespace");
    children_are_same(&intent, &live, &fields, &identity, "metadata")
}

/// The epoch names the run that wrote last; it is no part of what the release wants.
fn forget_epoch(intent: &mut Map<String, Value>, fields: &mut Map<String, Value>) {
    drop_key(intent, "annotations", EPOCH_ANNOTATION);
    drop_key(fields, "f:annotations", &format!("f:{EPOCH_ANNOTATION}"));
}

fn drop_key(map: &mut Map<String, Value>, field: &str, key: &str) {
    let Some(inner) = map.get_mut(field).and_then(Value::as_object_mut) else { return };
    inner.remove(key);
    if inner.keys().all(|key| key == ".") {
        map.remove(field);
    }
}

fn children_are_same(
    intent: &Map<String, Value>,
    live: &Map<String, Value>,
    fields: &Map<String, Value>,
    skip: &dyn Fn(&str) -> bool,
    parent: &str,
) -> bool {
    let owned = fields.keys().filter_map(|key| key.strip_prefix("f:")).filter(|key| !skip(key)).count();
    let wanted: Vec<_> = intent.iter().filter(|(key, value)| !skip(key) && !value.is_null()).collect();
    owned == wanted.len()
        && wanted.iter().all(|(key, value)| {
            let (Some(fields), Some(live)) = (fields.get(&format!("f:{key}")), live.get(*key)) else { return false };
            is_same(value, live, fields, key, parent)
        })
}

fn is_same(intent: &Value, live: &Value, fields: &Value, key: &str, parent: &str) -> bool {
    let Some(fields) = fields.as_object() else { return false };
    let is_leaf = fields.keys().all(|field| field == ".");
    match (intent, live) {
        _ if is_leaf => equal_values(intent, live, key, parent),
        (Value::Object(intent), Value::Object(live)) => children_are_same(intent, live, fields, &|_| false, key),
        (Value::Array(intent), Value::Array(live)) => items_are_same(intent, live, fields, key),
        _ => false,
    }
}

fn items_are_same(intent: &[Value], live: &[Value], fields: &Map<String, Value>, key: &str) -> bool {
    let keyed: Vec<(&str, &Value)> =
        fields.iter().filter_map(|(field, children)| Some((field.strip_prefix("k:")?, children))).collect();
    let values = fields.keys().filter_map(|field| field.strip_prefix("v:")).count();
    if keyed.len() + values != intent.len() {
        return false;
    }
    if keyed.is_empty() {
        return intent.iter().all(|item| live.contains(item));
    }
    keyed.iter().all(|(id, children)| {
        let Ok(Value::Object(id)) = serde_json::from_str(id) else { return false };
        let (Some(wanted), Some(live)) = (find(intent, &id, true), find(live, &id, false)) else { return false };
        let (Some(wanted), Some(live), Some(children)) = (wanted.as_object(), live.as_object(), children.as_object())
        else {
            return false;
        };
        children_are_same(wanted, live, children, &|_| false, key)
    })
}

/// The list item with these key fields. The intent may leave one out that the server has defaulted (`protocol`).
fn find<'a>(items: &'a [Value], id: &Map<String, Value>, lenient: bool) -> Option<&'a Value> {
    let matches = |item: &&Value| id.iter().all(|(key, value)| item.get(key).map_or(lenient, |own| own == value));
    items.iter().find(matches)
}

/// Equal as the server keeps them: quantities in any notation, and what the server itself puts into values that are
/// owned as a whole; everything else literally.
fn equal_values(intent: &Value, live: &Value, key: &str, parent: &str) -> bool {
    if intent == live {
        return true;
    }
    match (intent, live) {
        (Value::Object(a), Value::Object(b)) => {
            let is_wanted = |name: &String| a.get(name).is_some_and(|value| !value.is_null());
            a.iter()
                .filter(|(_, value)| !value.is_null())
                .all(|(k, v)| b.get(k).is_some_and(|w| equal_values(v, w, k, key)))
                && b.iter().all(|(k, w)| is_wanted(k) || is_server_default(key, k, w))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(v, w)| equal_values(v, w, key, parent))
        }
        _ => holds_quantities(key, parent) && same_quantity(intent, live),
    }
}

/// What the server adds inside of lists and maps that have one owner as a whole.
/// Source: k8s.io/kubernetes/pkg/apis/{core,apps,networking}/v1/defaults.go.
fn is_server_default(parent: &str, key: &str, value: &Value) -> bool {
    match (parent, key) {
        ("fieldRef", "apiVersion") => value == "v1",
        ("resourceFieldRef", "divisor") => value == "0",
        ("ports", "protocol") => value == "TCP",
        ("volumeClaimTemplates", "apiVersion") => value == "v1",
        ("volumeClaimTemplates", "kind") => value == "PersistentVolumeClaim",
        ("volumeClaimTemplates", "status") => true,
        ("metadata", "creationTimestamp") => value.is_null(),
        ("spec", "volumeMode") => value == "Filesystem",
        _ => false,
    }
}

fn holds_quantities(key: &str, parent: &str) -> bool {
    matches!(parent, "requests" | "limits" | "capacity" | "hard" | "max" | "min" | "default" | "defaultRequest")
        || matches!(key, "sizeLimit" | "averageValue" | "storage")
}

fn same_quantity(a: &Value, b: &Value) -> bool {
    let parse = |value: &Value| match value {
        Value::String(text) => Quantity::parse(text),
        Value::Number(number) => Quantity::parse(&number.to_string()),
        _ => None,
    };
    parse(a).is_some() && parse(a) == parse(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live(spec: Value, fields: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "namespace": "n", "labels": {"x": "y"}, "annotations": {"lucid.dev/epoch": "3", "deployment.kubernetes.io/revision": "1"},
                "managedFields": [
                    {"manager": "kube-controller-manager", "operation": "Update", "fieldsV1": {"f:status": {}}},
                    {"manager": "lucid", "operation": "Apply", "fieldsV1":
                        {"f:metadata": {"f:labels": {"f:x": {}}, "f:annotations": {"f:lucid.dev/epoch": {}}}, "f:spec": fields}}]},
            "spec": spec, "status": {}})
    }

    fn intent(spec: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "namespace": "n", "labels": {"x": "y"}, "annotations": {"lucid.dev/epoch": "4"}}, "spec": spec})
    }

    #[track_caller]
    fn check(wanted: Value, spec: Value, fields: Value, expect: bool) {
        assert_eq!(is_unchanged(&intent(wanted), &live(spec, fields)), expect);
    }

    #[test]
    fn defaults_and_other_managers_do_not_count() {
        check(json!({"paused": true}), json!({"paused": true, "replicas": 1}), json!({"f:paused": {}}), true);
    }

    #[test]
    fn a_field_taken_over_by_another_manager_counts() {
        check(json!({"paused": true}), json!({"paused": false}), json!({}), false);
    }

    #[test]
    fn a_field_that_the_release_no_longer_sets_counts() {
        check(json!({}), json!({"paused": true}), json!({"f:paused": {}}), false);
        check(
            json!({"paused": true}),
            json!({"paused": true, "replicas": 2}),
            json!({"f:paused": {}, "f:replicas": {}}),
            false,
        );
    }

    #[test]
    fn list_items_are_found_by_their_keys_in_any_order() {
        let fields = json!({"f:ports": {
            r#"k:{"port":80,"protocol":"TCP"}"#: {".": {}, "f:port": {}, "f:name": {}},
            r#"k:{"port":81,"protocol":"TCP"}"#: {".": {}, "f:port": {}}}});
        let spec = json!({"ports": [{"port": 81, "protocol": "TCP"}, {"port": 80, "protocol": "TCP", "name": "a", "targetPort": 80}]});
        check(json!({"ports": [{"port": 80, "name": "a"}, {"port": 81}]}), spec.clone(), fields.clone(), true);
        check(json!({"ports": [{"port": 80, "name": "b"}, {"port": 81}]}), spec.clone(), fields.clone(), false);
        check(json!({"ports": [{"port": 80, "name": "a"}]}), spec, fields, false);
    }

    #[test]
    fn sets_and_atomic_lists() {
        check(
            json!({"f": ["a", "b"]}),
            json!({"f": ["b", "a", "c"]}),
            json!({"f:f": {"v:\"a\"": {}, "v:\"b\"": {}}}),
            true,
        );
        check(json!({"args": ["a", "b"]}), json!({"args": ["b", "a"]}), json!({"f:args": {}}), false);
    }

    #[test]
    fn quantities_are_compared_by_value_and_only_where_they_stand() {
        let fields = json!({"f:resources": {"f:requests": {"f:cpu": {}, "f:memory": {}}}});
        check(
            json!({"resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}}}),
            json!({"resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}),
            fields,
            true,
        );
        check(json!({"x": "1000m"}), json!({"x": "1"}), json!({"f:x": {}}), false);
    }

    #[test]
    fn defaults_inside_of_atomic_values_do_not_count() {
        let fields = json!({"f:fieldRef": {}});
        check(
            json!({"fieldRef": {"fieldPath": "x"}}),
            json!({"fieldRef": {"fieldPath": "x", "apiVersion": "v1"}}),
            fields.clone(),
            true,
        );
        check(
            json!({"fieldRef": {"fieldPath": "x"}}),
            json!({"fieldRef": {"fieldPath": "x", "other": "v1"}}),
            fields,
            false,
        );
        let claim = json!({"volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}}]});
        let kept = json!({"volumeClaimTemplates": [{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
            "spec": {"resources": {"requests": {"storage": "1Gi"}}, "volumeMode": "Filesystem"}, "status": {"phase": "Pending"}}]});
        check(claim.clone(), kept.clone(), json!({"f:volumeClaimTemplates": {}}), true);
        let mut block = kept;
        block["volumeClaimTemplates"][0]["spec"]["volumeMode"] = "Block".into();
        check(claim, block, json!({"f:volumeClaimTemplates": {}}), false);
    }

    #[test]
    fn an_object_we_never_applied_is_changed() {
        let bare = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        assert!(!is_unchanged(&bare, &bare));
    }
}

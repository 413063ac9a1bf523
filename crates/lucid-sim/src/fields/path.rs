//! Elements of field paths: how list items are named, and how paths are shown to people.

use serde_json::{Map, Value};

use crate::schema::{Topology, TypeRef};

/// `f:NAME`.
pub(crate) fn field(name: &str) -> String {
    format!("f:{name}")
}

/// The element that names a list item: its keys, or its value.
pub(crate) fn item(topology: &Topology, items: TypeRef<'_>, item: &Value) -> Result<String, String> {
    match topology {
        Topology::Keyed(keys) => keyed(keys, items, item),
        Topology::Set => match item {
            Value::Object(_) => Err("associative list without keys has an element that's a map type".into()),
            Value::Array(_) => Err("not supported: associative list with lists as elements".into()),
            Value::Null => Err("associative list without keys has an element that's an explicit null".into()),
            scalar => Ok(format!("v:{scalar}")),
        },
        _ => Err("only associative lists have named items".into()),
    }
}

fn keyed(keys: &[String], items: TypeRef<'_>, item: &Value) -> Result<String, String> {
    let Some(map) = item.as_object() else {
        let what = if item.is_null() { "a null element" } else { "non-map elements" };
        return Err(format!("associative list with keys may not have {what}"));
    };
    let mut found = Map::new();
    for key in keys {
        if let Some(value) = map.get(key).cloned().or_else(|| items.default_of(key)) {
            found.insert(key.clone(), value);
        }
    }
    if found.is_empty() {
        let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        let keys = keys.join(" ");
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{keys}] (and doesn't have default values for any key fields)"
        ));
    }
    Ok(format!("k:{}", Value::Object(found)))
}

/// `.spec.containers[name="app"].image`.
pub(crate) fn shown(path: &[String]) -> String {
    path.iter().map(|element| shown_element(element)).collect()
}

fn shown_element(element: &str) -> String {
    match element.split_at_checked(2) {
        Some(("f:", name)) => format!(".{name}"),
        Some(("k:", keys)) => {
            let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
            let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("[{}]", keys.join(","))
        }
        Some(("v:", value)) => format!("[={value}]"),
        Some(("i:", index)) => format!("[{index}]"),
        _ => element.to_owned(),
    }
}

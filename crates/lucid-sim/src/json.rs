//! Short access to JSON values by paths such as `spec/replicas`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

static NULL: Value = Value::Null;

/// Reading: what is absent reads as null, an empty string, zero or an empty list.
pub(crate) trait Json {
    fn at(&self, path: &str) -> &Value;

    fn str(&self, path: &str) -> &str {
        self.at(path).as_str().unwrap_or("")
    }

    fn int(&self, path: &str) -> i64 {
        self.at(path).as_i64().unwrap_or(0)
    }

    fn flag(&self, path: &str) -> bool {
        self.at(path).as_bool().unwrap_or(false)
    }

    fn list(&self, path: &str) -> &[Value] {
        self.at(path).as_array().map_or(&[], Vec::as_slice)
    }

    fn map(&self, path: &str) -> Option<&Map<String, Value>> {
        self.at(path).as_object()
    }

    fn has(&self, path: &str) -> bool {
        !self.at(path).is_null()
    }

    fn name(&self) -> &str {
        self.str("metadata/name")
    }

    fn namespace(&self) -> &str {
        self.str("metadata/namespace")
    }

    fn uid(&self) -> &str {
        self.str("metadata/uid")
    }

    fn generation(&self) -> i64 {
        self.int("metadata/generation")
    }

    fn is_deleting(&self) -> bool {
        self.has("metadata/deletionTimestamp")
    }

    fn label(&self, key: &str) -> &str {
        self.at("metadata/labels").get(key).and_then(Value::as_str).unwrap_or("")
    }

    fn annotation(&self, key: &str) -> &str {
        self.at("metadata/annotations").get(key).and_then(Value::as_str).unwrap_or("")
    }

    fn strings(&self, path: &str) -> BTreeMap<String, String> {
        let entries = self.map(path).into_iter().flatten();
        entries.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
    }

    fn labels(&self) -> BTreeMap<String, String> {
        self.strings("metadata/labels")
    }

    /// The owner reference whose `controller` is true.
    fn controller(&self) -> Option<&Value> {
        self.list("metadata/ownerReferences").iter().find(|owner| owner.flag("controller"))
    }

    /// The status of a condition: `True`, `False`, `Unknown`, or empty when there is none.
    fn condition(&self, kind: &str) -> &str {
        self.list("status/conditions").iter().find(|c| c.str("type") == kind).map_or("", |c| c.str("status"))
    }
}

impl Json for Value {
    fn at(&self, path: &str) -> &Value {
        path.split('/').try_fold(self, |value, key| value.get(key)).unwrap_or(&NULL)
    }
}

/// Writing: missing objects on the way are made.
pub(crate) trait JsonMut {
    fn entry(&mut self, path: &str) -> &mut Value;
    fn put(&mut self, path: &str, value: impl Into<Value>);
    fn cut(&mut self, path: &str) -> Option<Value>;
    fn default_to(&mut self, path: &str, value: impl Into<Value>);
    fn items(&mut self, path: &str) -> &mut [Value];
    fn annotate(&mut self, key: &str, value: &str);
}

impl JsonMut for Value {
    fn entry(&mut self, path: &str) -> &mut Value {
        let mut at = self;
        for key in path.split('/') {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            at = at.as_object_mut().expect("made an object above").entry(key).or_insert(Value::Null);
        }
        at
    }

    fn put(&mut self, path: &str, value: impl Into<Value>) {
        *self.entry(path) = value.into();
    }

    fn cut(&mut self, path: &str) -> Option<Value> {
        let (parent, key) = match path.rsplit_once('/') {
            Some((parent, key)) => (parent.split('/').try_fold(self, |value, key| value.get_mut(key))?, key),
            None => (self, path),
        };
        parent.as_object_mut()?.remove(key)
    }

    fn default_to(&mut self, path: &str, value: impl Into<Value>) {
        if !self.has(path) {
            self.put(path, value);
        }
    }

    fn items(&mut self, path: &str) -> &mut [Value] {
        let at = path.split('/').try_fold(self, |value, key| value.get_mut(key));
        at.and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
    }

    fn annotate(&mut self, key: &str, value: &str) {
        let annotations = self.entry("metadata/annotations");
        if !annotations.is_object() {
            *annotations = Value::Object(Map::new());
        }
        annotations.as_object_mut().expect("made an object above").insert(key.into(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reading_what_is_not_there() {
        let value = json!({"spec": {"replicas": 2, "list": [1]}});
        assert_eq!(value.int("spec/replicas"), 2);
        assert_eq!((value.int("spec/nothing"), value.str("a/b/c"), value.list("x").len()), (0, "", 0));
        assert_eq!(value.list("spec/list").len(), 1);
    }

    #[test]
    fn writing_makes_the_way() {
        let mut value = json!({});
        value.put("a/b", 1);
        value.default_to("a/b", 2);
        value.default_to("a/c", 3);
        value.annotate("example.com/x", "y");
        assert_eq!(value, json!({"a": {"b": 1, "c": 3}, "metadata": {"annotations": {"example.com/x": "y"}}}));
        assert_eq!(value.cut("a/b"), Some(json!(1)));
        assert_eq!(value.cut("a/b"), None);
    }
}

//! What can be said of an object that the server cannot try yet: whether it fits the schema of its kind.
//!
//! Only structure is looked at: names and types of fields, what is required, and fixed sets of values. Schemas come from
//! the cluster's OpenAPI v3 documents, or from the definition that comes with the release.
//! Source: kubernetes.io/docs/concepts/overview/kubernetes-api (`/openapi/v3`), KEP-2896.

use lucid_object::{Gvk, Object, ObjectSet};
use serde_json::{Map, Value};

/// Most mistakes that are told of one object.
const TOLD: usize = 10;

/// Schemas of one group and version, as the server publishes them.
pub struct Document<'a>(pub &'a Value);

impl Document<'_> {
    /// The mistakes of an object; `None` when the document does not know its kind.
    pub fn mistakes(&self, object: &Object) -> Option<Vec<String>> {
        let gvk = object.gvk();
        let schemas = self.0.pointer("/components/schemas")?.as_object()?;
        let schema = schemas.values().find(|schema| is_of(schema, &gvk))?;
        Some(mistakes(self.0, schema, object))
    }
}

fn is_of(schema: &Value, gvk: &Gvk) -> bool {
    let kinds = schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
    kinds.into_iter().flatten().any(|kind| {
        (kind["group"].as_str(), kind["version"].as_str(), kind["kind"].as_str())
            == (Some(gvk.group.as_str()), Some(gvk.version.as_str()), Some(gvk.kind.as_str()))
    })
}

/// As [`Document::mistakes`], by the definitions among the release's own objects.
pub fn mistakes_by_definition(objects: &ObjectSet, object: &Object) -> Option<Vec<String>> {
    let gvk = object.gvk();
    let is_its = |definition: &&Object| {
        definition.kind() == "CustomResourceDefinition"
            && definition.str_at("/spec/group") == Some(gvk.group.as_str())
            && definition.str_at("/spec/names/kind") == Some(gvk.kind.as_str())
    };
    let definition = objects.iter().find(is_its)?;
    let versions = definition.value().pointer("/spec/versions")?.as_array()?;
    let version = versions.iter().find(|version| version["name"] == gvk.version.as_str())?;
    Some(mistakes(&Value::Null, version.pointer("/schema/openAPIV3Schema")?, object))
}

fn mistakes(document: &Value, schema: &Value, object: &Object) -> Vec<String> {
    let mut walk = Walk { document, found: Vec::new() };
    let mut value = object.value().clone();
    if let Some(top) = value.as_object_mut() {
        // Every object has these, whether its schema says so or not.
        let metadata = Value::Null;
        if schema.pointer("/properties/apiVersion").is_none() {
            top.remove("apiVersion");
            top.remove("kind");
        }
        if schema.pointer("/properties/metadata").is_none_or(|schema| schema["properties"] == metadata) {
            top.remove("metadata");
        }
    }
    walk.value("", schema, &value);
    walk.found.truncate(TOLD);
    walk.found
}

struct Walk<'a> {
    document: &'a Value,
    found: Vec<String>,
}

impl<'a> Walk<'a> {
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let target = |schema: &'a Value| {
            let path = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
            self.document.pointer(path)
        };
        // A reference with a description of its own stands inside of `allOf`.
        let only = schema.get("allOf").and_then(Value::as_array).filter(|all| all.len() == 1).map(|all| &all[0]);
        target(schema).or_else(|| only.and_then(target)).unwrap_or(schema)
    }

    fn say(&mut self, path: &str, what: &str) {
        let path = if path.is_empty() { "the object" } else { path };
        self.found.push(format!("{path}: {what}"));
    }

    fn value(&mut self, path: &str, schema: &'a Value, value: &Value) {
        let schema = self.resolve(schema);
        // An empty field counts as one that is not there.
        if value.is_null() {
            return;
        }
        if let Some(choices) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array)
            && choices.iter().all(|choice| choice.get("type").is_some())
        {
            let fits = |choice: &Value| choice["type"].as_str().is_some_and(|kind| is_of_type(kind, value));
            if !choices.iter().any(fits) {
                self.say(path, &format!("{} does not belong here", word(value)));
            }
            return;
        }
        if schema.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
            if !matches!(value, Value::String(_) | Value::Number(_)) {
                self.say(path, &format!("a number or a string is wanted, not {}", word(value)));
            }
            return;
        }
        let kind = schema.get("type").and_then(Value::as_str);
        if let Some(kind) = kind.filter(|kind| !is_of_type(kind, value)) {
            return self.say(path, &format!("a value of type {kind} is wanted, not {}", word(value)));
        }
        if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
            && !allowed.contains(value)
        {
            let shown: Vec<String> =
                allowed.iter().map(|one| one.as_str().map_or(one.to_string(), str::to_owned)).collect();
            return self.say(path, &format!("not one of {}", shown.join(", ")));
        }
        match value {
            Value::Object(fields) => self.object(path, schema, fields),
            Value::Array(items) => {
                let Some(schema) = schema.get("items") else { return };
                for (index, item) in items.iter().enumerate() {
                    self.value(&format!("{path}[{index}]"), schema, item);
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, path: &str, schema: &'a Value, fields: &Map<String, Value>) {
        let join = |field: &str| if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
        let properties = schema.get("properties").and_then(Value::as_object);
        let rest = schema.get("additionalProperties").filter(|rest| rest.is_object());
        let is_open = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true))
            || schema.get("additionalProperties") == Some(&Value::Bool(true))
            || properties.is_none();
        for (field, value) in fields {
            match properties.and_then(|properties| properties.get(field)).or(rest) {
                Some(schema) => self.value(&join(field), schema, value),
                None if is_open => {}
                None => self.say(&join(field), "the kind has no such field"),
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for field in required.filter(|field| fields.get(*field).is_none_or(Value::is_null)) {
            let has_default = properties.and_then(|all| all.get(field)?.get("default")).is_some();
            if !has_default {
                self.say(&join(field), "is required");
            }
        }
    }
}

fn is_of_type(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => true,
    }
}

/// The type, never the value: it may be one that nobody may see.
fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        json!({"components": {"schemas": {
            "apps.Deployment": {
                "type": "object",
                "x-kubernetes-group-version-kind": [{"group": "apps", "version": "v1", "kind": "Deployment"}],
                "properties": {
                    "apiVersion": {"type": "string"}, "kind": {"type": "string"},
                    "metadata": {"allOf": [{"$ref": "#/components/schemas/Meta"}], "default": {}},
                    "spec": {"allOf": [{"$ref": "#/components/schemas/Spec"}]},
                },
            },
            "Meta": {"type": "object", "properties": {"name": {"type": "string"}, "labels": {"type": "object", "additionalProperties": {"type": "string"}}}},
            "Spec": {"type": "object", "required": ["selector"], "properties": {
                "replicas": {"type": "integer"}, "selector": {"type": "object"}, "paused": {"type": "boolean"},
                "policy": {"type": "string", "enum": ["Always", "Never"]},
                "surge": {"$ref": "#/components/schemas/IntOrString"},
                "ports": {"type": "array", "items": {"type": "object", "required": ["port"], "properties": {"port": {"type": "integer"}}}},
            }},
            "IntOrString": {"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"},
        }}})
    }

    #[track_caller]
    fn check(spec: Value, expect: &[&str]) {
        let object = Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "labels": {"x": "y"}}, "spec": spec}));
        assert_eq!(Document(&document()).mistakes(&object).unwrap(), expect);
    }

    #[test]
    fn every_mistake_of_structure_is_found() {
        check(json!({"selector": {}, "replicas": 2, "surge": "25%", "ports": [{"port": 1}], "paused": null}), &[]);
        check(json!({"selector": {}, "replica": 2}), &["spec.replica: the kind has no such field"]);
        check(json!({"replicas": 2}), &["spec.selector: is required"]);
        check(
            json!({"selector": {}, "replicas": "2"}),
            &["spec.replicas: a value of type integer is wanted, not a string"],
        );
        check(json!({"selector": {}, "policy": "Often"}), &["spec.policy: not one of Always, Never"]);
        check(json!({"selector": {}, "surge": true}), &["spec.surge: a boolean does not belong here"]);
        check(json!({"selector": {}, "ports": [{"port": 1}, {}]}), &["spec.ports[1].port: is required"]);
    }

    #[test]
    fn a_kind_that_the_document_does_not_have_is_not_judged() {
        let other = Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}));
        assert!(Document(&document()).mistakes(&other).is_none());
        assert!(mistakes_by_definition(&ObjectSet::default(), &other).is_none());
    }

    #[test]
    fn a_kind_of_the_release_itself_is_judged_by_its_definition() {
        let definition = Object::new(
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "things.g.io"}, "spec": {"group": "g.io", "names": {"kind": "Thing"}, "versions": [{"name": "v1",
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object",
                    "properties": {"size": {"type": "integer"}, "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}}}]}}),
        );
        let objects: ObjectSet = [definition].into_iter().collect();
        let thing = |spec: Value| {
            Object::new(json!({"apiVersion": "g.io/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": spec}))
        };
        let found = |spec: Value| mistakes_by_definition(&objects, &thing(spec)).unwrap();
        assert_eq!(found(json!({"size": 1, "free": {"a": [1]}})), Vec::<String>::new());
        assert_eq!(found(json!({"sise": 1})), ["spec.sise: the kind has no such field"]);
    }
}

//! Types as OpenAPI writes them.

use std::collections::BTreeSet;

use lucid_schema::{Definition, ListKind, Schema, Type};
use serde_json::{Map, Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Kind;
use crate::schema::Root;

/// The two versions of OpenAPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Two,
    Three,
}

impl Dialect {
    pub(super) fn reference(self, name: &str) -> String {
        match self {
            Self::Two => format!("#/definitions/{name}"),
            Self::Three => format!("#/components/schemas/{name}"),
        }
    }
}

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

/// What the fields mean that every object has.
const METADATA: [(&str, &str); 15] = [
    ("annotations", "Annotations is a map of notes that tools leave; nothing is selected by it."),
    ("creationTimestamp", "CreationTimestamp is a timestamp: when the server took the object in."),
    ("deletionGracePeriodSeconds", "How long the object was given to end by itself."),
    ("deletionTimestamp", "DeletionTimestamp is a timestamp: when the object is to be gone."),
    ("finalizers", "Who has to agree before the object disappears."),
    ("generateName", "The beginning of a name that the server completes."),
    ("generation", "How often the wish was changed."),
    ("labels", "Labels is a map by which objects are selected."),
    ("managedFields", "Which manager owns which fields."),
    ("name", "Name is unique for the kind within its namespace."),
    ("namespace", "Namespace is where the name is unique."),
    ("ownerReferences", "The objects that this one depends on."),
    ("resourceVersion", "The version of the object as a whole, opaque to clients."),
    ("selfLink", "Not used any more."),
    ("uid", "UID tells the object from all others of the same name, before and after it."),
];

/// The name of a kind's schema: for a custom resource, its group backwards.
pub(super) fn name(kind: &Kind) -> String {
    match &kind.schema {
        Root::Builtin(schema) => schema.definition().map_or_else(|| custom_name(kind), |d| d.name.to_owned()),
        _ => custom_name(kind),
    }
}

fn custom_name(kind: &Kind) -> String {
    let group: Vec<&str> = kind.group.rsplit('.').collect();
    format!("{}.{}.{}", group.join("."), kind.version, kind.kind)
}

/// The schemas of a document, with all that they refer to.
pub(super) struct Schemas {
    dialect: Dialect,
    out: Map<String, Value>,
    seen: BTreeSet<&'static str>,
}

impl Schemas {
    pub(super) fn new(dialect: Dialect) -> Self {
        let mut out = Map::new();
        let stamp = json!({"type": "string", "format": "date-time"});
        out.insert(format!("{META}Time"), stamp.clone());
        out.insert(format!("{META}MicroTime"), stamp);
        out.insert(QUANTITY.into(), quantity(dialect));
        out.insert(INT_OR_STRING.into(), int_or_string(dialect));
        Self { dialect, out, seen: BTreeSet::new() }
    }

    pub(super) fn done(self) -> Map<String, Value> {
        self.out
    }

    /// A kind, and the list of it.
    pub(super) fn add(&mut self, kind: &Kind) {
        let (schema_name, about) =
            (name(kind), json!([{"group": kind.group, "version": kind.version, "kind": kind.kind}]));
        match &kind.schema {
            Root::Builtin(schema) => self.builtin(*schema),
            Root::Custom(schema) => {
                self.builtin(Schema::object_meta());
                let own = self.custom(schema);
                self.out.insert(schema_name.clone(), own);
            }
            Root::Unknown => return,
        }
        if let Some(own) = self.out.get_mut(&schema_name) {
            let mut kinds = own.list("x-kubernetes-group-version-kind").to_vec();
            kinds.extend(about.as_array().cloned().unwrap_or_default());
            own.put("x-kubernetes-group-version-kind", kinds);
        }
        if kind.verbs.iter().any(|verb| verb == "list") {
            self.list(kind, &schema_name);
        }
    }

    fn list(&mut self, kind: &Kind, item: &str) {
        let list = json!({"type": "object", "required": ["items"], "properties": {
            "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
            "items": {"type": "array", "items": {"$ref": self.dialect.reference(item)}}},
            "x-kubernetes-group-version-kind": [{"group": kind.group, "version": kind.version, "kind": kind.list_kind}]});
        let name = format!("{}{}", item.strip_suffix(&kind.kind).unwrap_or(item), kind.list_kind);
        self.out.insert(name, list);
    }

    fn builtin(&mut self, schema: Schema) {
        let Some(definition) = schema.definition() else { return };
        if !self.seen.insert(definition.name) {
            return;
        }
        let own = self.definition(definition);
        self.out.insert(definition.name.into(), own);
        for field in definition.fields {
            if let Some(field) = schema.field(field.name) {
                self.refer(field);
            }
        }
    }

    /// Brings in what a field's type leads to.
    fn refer(&mut self, schema: Schema) {
        match schema.ty() {
            Type::Ref(_) => self.builtin(schema),
            Type::List(..) => schema.items().into_iter().for_each(|items| self.refer(items)),
            Type::Map(..) => schema.field("*").into_iter().for_each(|value| self.refer(value)),
            _ => {}
        }
    }

    fn definition(&self, definition: &'static Definition) -> Value {
        let mut fields = Map::new();
        for field in definition.fields {
            let mut shown = self.of_type(field.ty);
            if let Some(default) = field.default.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
                if shown.get("$ref").is_some() && self.dialect == Dialect::Three {
                    shown = json!({"allOf": [shown]});
                }
                if shown.get("$ref").is_none() {
                    shown["default"] = default;
                }
            }
            if definition.name.ends_with(".ObjectMeta") {
                let found = METADATA.iter().find(|(name, _)| *name == field.name);
                found.into_iter().for_each(|(_, text)| shown["description"] = (*text).into());
            }
            if let Some(key) = field.merge_key {
                shown["x-kubernetes-patch-merge-key"] = key.into();
            }
            if !field.strategy.is_empty() {
                shown["x-kubernetes-patch-strategy"] = field.strategy.into();
            }
            fields.insert(field.name.into(), shown);
        }
        let required: Vec<&str> =
            definition.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        let mut out = json!({"type": "object"});
        if !fields.is_empty() {
            out["properties"] = fields.into();
        }
        if !required.is_empty() {
            out["required"] = required.into();
        }
        if definition.atomic {
            out["x-kubernetes-map-type"] = "atomic".into();
        }
        out
    }

    fn of_type(&self, ty: Type) -> Value {
        let refer = |name: &str| json!({"$ref": self.dialect.reference(name)});
        match ty {
            Type::String => json!({"type": "string"}),
            Type::Bytes => json!({"type": "string", "format": "byte"}),
            Type::Int32 => json!({"type": "integer", "format": "int32"}),
            Type::Int64 => json!({"type": "integer", "format": "int64"}),
            Type::Number => json!({"type": "number", "format": "double"}),
            Type::Boolean => json!({"type": "boolean"}),
            Type::IntOrString => refer(INT_OR_STRING),
            Type::Quantity => refer(QUANTITY),
            Type::Time => refer(&format!("{META}Time")),
            Type::MicroTime => refer(&format!("{META}MicroTime")),
            Type::Any => json!({"type": "object"}),
            Type::Ref(_) => refer(lucid_schema::Schema::name_of(ty).unwrap_or_default()),
            Type::Map(value, atomic) => {
                let mut map = json!({"type": "object", "additionalProperties": self.of_type(*value)});
                if atomic {
                    map["x-kubernetes-map-type"] = "atomic".into();
                }
                map
            }
            Type::List(item, kind) => {
                let mut list = json!({"type": "array", "items": self.of_type(*item)});
                match kind {
                    ListKind::Atomic => list["x-kubernetes-list-type"] = "atomic".into(),
                    ListKind::Set => list["x-kubernetes-list-type"] = "set".into(),
                    ListKind::Map(keys) => {
                        list["x-kubernetes-list-type"] = "map".into();
                        list["x-kubernetes-list-map-keys"] = keys.to_vec().into();
                    }
                }
                list
            }
        }
    }

    /// A definition's own schema, with what every object has.
    fn custom(&self, schema: &Value) -> Value {
        let mut out = match self.dialect {
            Dialect::Three => schema.clone(),
            Dialect::Two => in_two(schema),
        };
        if !out.is_object() {
            out = json!({"type": "object"});
        }
        if out.flag("x-kubernetes-preserve-unknown-fields") && self.dialect == Dialect::Two {
            out = json!({"type": "object"});
        }
        let meta = json!({"$ref": self.dialect.reference(&format!("{META}ObjectMeta"))});
        let meta = if self.dialect == Dialect::Three { json!({"allOf": [meta]}) } else { meta };
        out.put(
            "properties/metadata",
            with_text(meta, "Standard object's metadata: name, labels, owners and what the server notes."),
        );
        out.put(
            "properties/apiVersion",
            with_text(
                json!({"type": "string"}),
                "APIVersion defines in which version of its schema the object is written.",
            ),
        );
        out.put(
            "properties/kind",
            with_text(json!({"type": "string"}), "Kind is what the object is: the name of its type."),
        );
        out
    }
}

fn with_text(mut schema: Value, text: &str) -> Value {
    schema["description"] = text.into();
    schema
}

fn quantity(dialect: Dialect) -> Value {
    match dialect {
        Dialect::Two => json!({"type": "string"}),
        Dialect::Three => json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
    }
}

fn int_or_string(dialect: Dialect) -> Value {
    match dialect {
        Dialect::Two => json!({"type": "string", "format": "int-or-string"}),
        Dialect::Three => json!({"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"}),
    }
}

/// What version 2 cannot say is left out, and with it what would be wrong without.
///
/// Source: apiextensions-apiserver/pkg/controller/openapi/v2/conversion.go.
fn in_two(schema: &Value) -> Value {
    let Some(map) = schema.as_object() else { return schema.clone() };
    let mut out = Map::new();
    for (key, value) in map {
        match key.as_str() {
            "oneOf" | "anyOf" | "not" | "nullable" | "default" => {}
            "properties" | "definitions" => {
                let fields = value.as_object().into_iter().flatten();
                out.insert(
                    key.clone(),
                    fields.map(|(name, field)| (name.clone(), in_two(field))).collect::<Map<_, _>>().into(),
                );
            }
            "items" | "additionalProperties" => drop(out.insert(key.clone(), in_two(value))),
            _ => drop(out.insert(key.clone(), value.clone())),
        }
    }
    if map.get("nullable").is_some_and(|nullable| nullable == true) {
        ["type", "items", "properties"].into_iter().for_each(|key| drop(out.remove(key)));
    }
    if map.get("x-kubernetes-preserve-unknown-fields").is_some_and(|keep| keep == true)
        && !out.contains_key("x-kubernetes-embedded-resource")
    {
        ["items", "properties"].into_iter().for_each(|key| drop(out.remove(key)));
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Kinds;

    #[test]
    fn every_reference_leads_somewhere() {
        for dialect in [Dialect::Two, Dialect::Three] {
            let mut schemas = Schemas::new(dialect);
            Kinds::new().iter().for_each(|kind| schemas.add(kind));
            let out = schemas.done();
            let text = Value::Object(out.clone()).to_string();
            let prefix = dialect.reference("");
            for part in text.split(&format!("\"$ref\":\"{prefix}")).skip(1) {
                let name = part.split('"').next().unwrap();
                assert!(out.contains_key(name), "{name}");
            }
        }
    }

    #[test]
    fn lists_and_maps_say_how_they_merge() {
        let kinds = Kinds::new();
        let mut schemas = Schemas::new(Dialect::Three);
        schemas.add(kinds.by_kind("v1", "Pod").unwrap());
        let out = schemas.done();
        let containers = &out["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
        assert_eq!(containers["x-kubernetes-list-map-keys"], json!(["name"]));
        assert_eq!(containers["x-kubernetes-patch-merge-key"], "name");
        assert_eq!(out["io.k8s.api.core.v1.Pod"]["x-kubernetes-group-version-kind"][0]["kind"], "Pod");
    }

    #[test]
    fn version_two_drops_what_it_cannot_say() {
        let schema = json!({"type": "object", "nullable": true, "properties": {"a": {"type": "string", "default": "x", "oneOf": []}}});
        assert_eq!(in_two(&schema), json!({}));
        assert_eq!(in_two(&schema["properties"]["a"]), json!({"type": "string"}));
    }
}

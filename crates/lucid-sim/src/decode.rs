//! Reading JSON as the server's Go types do, and holding it as they write it.
//!
//! What comes in is checked against the type, with the decoder's own words for what does not fit; what comes out is
//! what the server would print of it: unknown fields, nulls and empty values gone, structs that a Go type holds by value
//! there. Rules of sigs.k8s.io/json (a fork of Go's encoding/json) and of the `omitempty` tags of the API types.

pub(crate) mod protobuf;
mod scalar;
mod wire;

use lucid_schema::{Definition, Field, Presence, Schema, Type};
use serde_json::{Map, Value};

use crate::schema::TypeRef;

pub(crate) use scalar::kind;
pub(crate) use wire::{parse, paths};

/// What decoding found besides the object.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// It does not fit at all.
    pub(crate) error: Option<String>,
    /// Fields that the type does not have: `unknown field "spec.replicaz"`.
    pub(crate) strict: Vec<String>,
}

/// How an object is read: from JSON, or from a patched tree, which has checks and words of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Dialect {
    #[default]
    Json,
    /// apimachinery's `runtime/converter.go`.
    Tree,
}

/// What becomes of empty lists and maps, which Go tells from missing ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Empty {
    /// Nothing: the database does not hold them, and gives back null where a field must be.
    #[default]
    Missing,
    /// As the server prints an object that it has in its hands.
    Printed,
    /// As it was written, which is what defaults look at.
    Kept,
}

/// The object as the type holds it. Where the type is unknown, it stays as it is.
pub(crate) fn decode(value: &Value, ty: TypeRef<'_>, dialect: Dialect) -> (Value, Findings) {
    decode_with(value, ty, dialect, Empty::Kept)
}

fn decode_with(value: &Value, ty: TypeRef<'_>, dialect: Dialect, empty: Empty) -> (Value, Findings) {
    let mut walk = Walk { dialect, empty, ..Walk::default() };
    let decoded = match ty {
        TypeRef::Builtin(schema) => walk.value(Some(value), schema, root_type(schema)),
        _ => value.clone(),
    };
    if dialect == Dialect::Tree {
        walk.strict.sort();
    }
    (decoded, Findings { error: walk.fatal.or(walk.saved), strict: walk.strict })
}

/// As the database gives it back.
pub(crate) fn canonical(value: &Value, ty: TypeRef<'_>) -> Value {
    decode_with(value, ty, Dialect::Json, Empty::Missing).0
}

/// As the server prints it before it has been in the database.
pub(crate) fn printed(value: &Value, ty: TypeRef<'_>) -> Value {
    decode_with(value, ty, Dialect::Json, Empty::Printed).0
}

/// An object of the type that nobody has filled in.
pub(crate) fn empty(ty: TypeRef<'_>) -> Value {
    canonical(&Value::Object(Map::new()), ty)
}

fn root_type(schema: Schema) -> &'static str {
    // `v1.ObjectMeta` of `io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta`.
    let name = schema.definition().map_or("", |definition| definition.name);
    name.rmatch_indices('.').nth(1).map_or(name, |(dot, _)| &name[dot + 1..])
}

/// `Container` of `io.k8s.api.core.v1.Container`.
fn struct_name(definition: &'static str) -> &'static str {
    definition.rsplit('.').next().unwrap_or(definition)
}

#[derive(Default)]
struct Walk {
    dialect: Dialect,
    empty: Empty,
    /// Where we are, with indexes, as strict errors say it.
    path: String,
    /// The fields that led here, as type errors say it.
    stack: Vec<&'static str>,
    owner: &'static str,
    /// The first value that has the wrong type; decoding goes on after it.
    saved: Option<String>,
    /// What a type that reads itself said; decoding stops there.
    fatal: Option<String>,
    strict: Vec<String>,
}

impl Walk {
    /// `go` is the Go type that holds the value, without the pointer.
    fn value(&mut self, value: Option<&Value>, schema: Schema, go: &'static str) -> Value {
        if self.fatal.is_some() {
            return Value::Null;
        }
        match schema.ty() {
            Type::Ref(_) => self.object(value, schema, go),
            Type::Map(..) => self.map(value, schema, go),
            Type::List(..) => self.list(value, schema, go),
            Type::Any => value.cloned().unwrap_or(Value::Null),
            ty => self.scalar(value, ty, go),
        }
    }

    fn object(&mut self, value: Option<&Value>, schema: Schema, go: &'static str) -> Value {
        let nothing = Map::new();
        let map = match value {
            Some(Value::Object(map)) => map,
            None | Some(Value::Null) => &nothing,
            Some(other) => {
                self.mismatch(other, go, schema.ty());
                &nothing
            }
        };
        let definition = schema.definition().expect("a reference names a definition");
        let (owner, length) = (std::mem::replace(&mut self.owner, struct_name(definition.name)), self.path.len());
        // In the order of the names, as both the table and most documents are.
        let mut unknown = map.keys().filter(|key| definition.field(key).is_none()).peekable();
        let mut out = Map::new();
        for field in self.in_order(definition) {
            while let Some(key) = unknown.next_if(|key| key.as_str() < field.name) {
                self.say_unknown(key);
            }
            let given = map.get(field.name);
            if given.is_none() && field.presence != Presence::Always && !by_value(field.ty, field.go) {
                continue;
            }
            self.enter(field.name);
            let depth = self.stack.len();
            self.stack.extend(embedded(self.owner, field.name));
            self.stack.push(field.name);
            let schema = schema.field(field.name).expect("the definition has it");
            if let Some(kept) = self.field(given, schema, field) {
                out.insert(field.name.into(), kept);
            }
            self.stack.truncate(depth);
            self.path.truncate(length);
        }
        unknown.for_each(|key| self.say_unknown(key));
        self.owner = owner;
        Value::Object(out)
    }

    /// JSON is read in the order of the document, which mostly is that of the names; trees in the order of the Go struct.
    fn in_order(&self, definition: &'static Definition) -> Vec<&'static Field> {
        let mut fields: Vec<&Field> = definition.fields.iter().collect();
        if self.dialect == Dialect::Tree {
            fields.sort_by_key(|field| field.at);
        }
        fields
    }

    /// The field as it is written; `None` when it is left out.
    fn field(&mut self, given: Option<&Value>, schema: Schema, field: &'static Field) -> Option<Value> {
        let always = field.presence == Presence::Always;
        let nothing = given.is_none_or(Value::is_null);
        if field.is_pointer() {
            if nothing {
                return always.then_some(Value::Null);
            }
            return Some(self.value(given, schema, &field.go[1..]));
        }
        let holds_nil = matches!(schema.ty(), Type::Map(..) | Type::List(..) | Type::Any | Type::Bytes);
        if nothing && holds_nil && field.go != "runtime.RawExtension" {
            return always.then_some(Value::Null);
        }
        let value = self.value(given, schema, field.go);
        let empty = is_empty(&value, schema.ty());
        let collection = matches!(schema.ty(), Type::Map(..) | Type::List(..));
        match (self.empty, field.presence) {
            (Empty::Kept, _) | (Empty::Printed, Presence::Always) if collection => return Some(value),
            _ => {}
        }
        match field.presence {
            Presence::Always if empty && holds_nil => Some(Value::Null),
            Presence::Always => Some(value),
            Presence::OmitEmpty if matches!(schema.ty(), Type::Time | Type::MicroTime) => Some(value),
            Presence::OmitEmpty | Presence::Never if empty => None,
            Presence::Never if value.as_object().is_some_and(Map::is_empty) => None,
            Presence::OmitEmpty | Presence::Never => Some(value),
        }
    }

    fn map(&mut self, value: Option<&Value>, schema: Schema, go: &'static str) -> Value {
        let map = match value {
            Some(Value::Object(map)) => map,
            None | Some(Value::Null) => return Value::Object(Map::new()),
            Some(other) => {
                self.mismatch(other, go, schema.ty());
                return Value::Object(Map::new());
            }
        };
        let length = self.path.len();
        let mut out = Map::new();
        for (key, value) in map {
            self.enter(key);
            let item = schema.field(key).expect("a map has values");
            out.insert(key.clone(), self.value(Some(value), item, element_type(go, item)));
            self.path.truncate(length);
        }
        Value::Object(out)
    }

    fn list(&mut self, value: Option<&Value>, schema: Schema, go: &'static str) -> Value {
        let list = match value {
            Some(Value::Array(list)) => list,
            None | Some(Value::Null) => return Value::Array(Vec::new()),
            Some(other) => {
                self.mismatch(other, go, schema.ty());
                return Value::Array(Vec::new());
            }
        };
        let items = schema.items().expect("a list has items");
        let length = self.path.len();
        let mut out = Vec::with_capacity(list.len());
        for (at, value) in list.iter().enumerate() {
            self.path.push_str(&format!("[{at}]"));
            out.push(self.value(Some(value), items, element_type(go, items)));
            self.path.truncate(length);
        }
        Value::Array(out)
    }

    fn enter(&mut self, key: &str) {
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(key);
    }

    fn say_unknown(&mut self, key: &str) {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.strict.push(format!("unknown field \"{}{dot}{key}\"", self.path));
    }

    fn mismatch(&mut self, value: &Value, go: &str, ty: Type) {
        if self.dialect == Dialect::Tree {
            self.fatal.get_or_insert_with(|| scalar::cannot_restore(value, go, ty));
            return;
        }
        let error = self.type_error(&scalar::kind(value), go);
        self.saved.get_or_insert(error);
    }

    fn type_error(&self, what: &str, go: &str) -> String {
        if self.owner.is_empty() {
            return format!("json: cannot unmarshal {what} into Go value of type {go}");
        }
        let path = self.stack.join(".");
        format!("json: cannot unmarshal {what} into Go struct field {}.{path} of type {go}", self.owner)
    }
}

/// The Go struct within another one, without a name of its own in JSON, to which a field belongs.
fn embedded(owner: &str, field: &str) -> Option<&'static str> {
    match (owner, field) {
        ("IngressRule", "http") => Some("IngressRuleValue"),
        ("Volume", "name") => None,
        ("Volume", _) => Some("VolumeSource"),
        ("Probe", "exec" | "httpGet" | "tcpSocket" | "grpc") => Some("ProbeHandler"),
        ("EphemeralContainer", "targetContainerName") => None,
        ("EphemeralContainer", _) => Some("EphemeralContainerCommon"),
        (
            "ConfigMapVolumeSource"
            | "ConfigMapProjection"
            | "SecretProjection"
            | "ConfigMapKeySelector"
            | "SecretKeySelector"
            | "ConfigMapEnvSource"
            | "SecretEnvSource",
            "name",
        ) => Some("LocalObjectReference"),
        _ => None,
    }
}

/// A struct that is there even when nobody set it; a time then is null.
fn by_value(ty: Type, go: &str) -> bool {
    !go.starts_with('*')
        && matches!(ty, Type::Ref(_) | Type::IntOrString | Type::Quantity | Type::Time | Type::MicroTime)
}

/// What `omitempty` leaves out.
fn is_empty(value: &Value, ty: Type) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0) && ty != Type::IntOrString,
        Value::String(text) => text.is_empty() && ty != Type::IntOrString,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty() && matches!(ty, Type::Map(..)),
    }
}

/// The Go type of what a list or map holds. Named list types do not show it; their items have simple types.
fn element_type(go: &'static str, items: Schema) -> &'static str {
    let element = go.strip_prefix("[]").or_else(|| go.strip_prefix("map[string]"));
    element.map_or_else(
        || match items.ty() {
            Type::String => "string",
            Type::Int32 => "int32",
            Type::Int64 => "int64",
            Type::Boolean => "bool",
            _ => "",
        },
        |element| element.trim_start_matches('*'),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use lucid_object::Gvk;
    use serde_json::json;

    fn schema(api_version: &str, kind: &str) -> TypeRef<'static> {
        TypeRef::Builtin(Schema::of(&Gvk::from_api_version(api_version, kind)).unwrap())
    }

    #[track_caller]
    fn check(kind: (&str, &str), value: Value, expect: Value) {
        assert_eq!(canonical(&value, schema(kind.0, kind.1)), expect);
    }

    #[track_caller]
    fn refused(kind: (&str, &str), value: Value, expect: &str) {
        assert_eq!(decode(&value, schema(kind.0, kind.1), Dialect::Json).1.error.as_deref(), Some(expect));
    }

    const CONFIG_MAP: (&str, &str) = ("v1", "ConfigMap");
    const DEPLOYMENT: (&str, &str) = ("apps/v1", "Deployment");

    #[test]
    fn structs_held_by_value_are_always_there() {
        let template = json!({"metadata": {}, "spec": {"containers": null}});
        let spec = json!({"selector": null, "strategy": {}, "template": template});
        check(DEPLOYMENT, json!({}), json!({"metadata": {}, "spec": spec, "status": {}}));
        check(
            ("apps/v1", "ReplicaSet"),
            json!({}),
            json!({"metadata": {}, "spec": {"selector": null, "template":
            {"metadata": {}, "spec": {"containers": null}}}, "status": {"replicas": 0}}),
        );
    }

    #[test]
    fn empty_values_are_left_out_and_pointers_kept() {
        check(
            CONFIG_MAP,
            json!({"metadata": {"name": "a", "labels": {}, "generation": 0}, "data": {"a": null, "b": ""}, "immutable": false}),
            json!({"metadata": {"name": "a"}, "data": {"a": "", "b": ""}, "immutable": false}),
        );
        check(
            ("v1", "Service"),
            json!({"spec": {"ports": [{"port": 80, "name": ""}], "publishNotReadyAddresses": false, "selector": {}}}),
            json!({"metadata": {}, "spec": {"ports": [{"port": 80, "targetPort": 0}]}, "status": {"loadBalancer": {}}}),
        );
    }

    #[test]
    fn what_does_not_fit() {
        refused(
            DEPLOYMENT,
            json!({"spec": {"replicas": "three"}}),
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        );
        refused(
            DEPLOYMENT,
            json!({"spec": {"template": {"spec": {"containers": [{"image": 1}]}}}}),
            "json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.image of type string",
        );
        refused(
            CONFIG_MAP,
            json!({"data": {"a": 1}}),
            "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
        );
        refused(
            CONFIG_MAP,
            json!({"data": [], "metadata": "x"}),
            "json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string",
        );
        refused(
            DEPLOYMENT,
            json!({"spec": {"replicas": 1.5}}),
            "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
        );
    }

    #[test]
    fn unknown_fields_are_told_and_dropped() {
        let value =
            json!({"spec": {"replicaz": 1, "template": {"spec": {"containers": [{"name": "a", "imagee": 1}]}}}});
        let (decoded, findings) = decode(&value, schema("apps/v1", "Deployment"), Dialect::Json);
        let expect = ["unknown field \"spec.replicaz\"", "unknown field \"spec.template.spec.containers[0].imagee\""];
        assert_eq!(findings.strict, expect);
        assert!(decoded["spec"].get("replicaz").is_none());
    }

    #[test]
    fn scalars_in_their_own_spelling() {
        let container = json!({"name": "a", "resources": {"limits": {"cpu": 1, "memory": "1024Mi"}}});
        let (decoded, _) = decode(&json!({"spec": {"containers": [container]}}), schema("v1", "Pod"), Dialect::Json);
        assert_eq!(decoded["spec"]["containers"][0]["resources"]["limits"], json!({"cpu": "1", "memory": "1Gi"}));
        let (decoded, _) =
            decode(&json!({"metadata": {"creationTimestamp": null}}), schema("v1", "Pod"), Dialect::Json);
        assert_eq!(decoded["metadata"], json!({}));
    }

    #[test]
    fn patched_trees_are_read_in_other_words() {
        let refused = |value: Value, expect: &str| {
            let (_, findings) = decode(&value, schema("apps/v1", "Deployment"), Dialect::Tree);
            assert_eq!(findings.error.as_deref(), Some(expect));
        };
        refused(json!({"spec": {"replicas": "x"}}), "unrecognized type: int32");
        refused(json!({"spec": {"replicas": 1.5}}), "cannot convert float64 to int32");
        refused(json!({"spec": {"template": {"spec": {"containers": {}}}}}), "cannot restore slice from map");
        refused(json!({"spec": "x"}), "cannot restore struct from: string");
        refused(json!({"metadata": {"labels": {"a": 1}}}), "cannot convert int64 to string");
    }
}

//! The type at a place of an object, be it built in, a custom resource's, or unknown.

use std::sync::Arc;

use lucid_schema::{ListKind, Schema, Type};
use serde_json::Value;

use crate::json::Json;

/// The schema of a whole kind.
#[derive(Debug, Clone)]
pub(crate) enum Root {
    Builtin(Schema),
    /// An `openAPIV3Schema`.
    Custom(Arc<Value>),
    Unknown,
}

/// The schema at one place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TypeRef<'a> {
    Builtin(Schema),
    Custom {
        schema: &'a Value,
        root: bool,
    },
    /// Nothing is declared: maps are merged, lists are replaced.
    Unknown,
}

/// How values of a type are owned and merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Topology {
    Scalar,
    /// A struct or map whose fields are owned one by one.
    Granular,
    /// A struct, map or list that is one leaf.
    Atomic,
    Set,
    Keyed(Vec<String>),
    /// The value itself decides.
    Deduced,
}

impl Root {
    pub(crate) fn type_ref(&self) -> TypeRef<'_> {
        match self {
            Self::Builtin(schema) => TypeRef::Builtin(*schema),
            Self::Custom(schema) => TypeRef::Custom { schema, root: true },
            Self::Unknown => TypeRef::Unknown,
        }
    }
}

impl<'a> TypeRef<'a> {
    pub(crate) fn topology(self) -> Topology {
        match self {
            Self::Unknown => Topology::Deduced,
            Self::Builtin(schema) => builtin_topology(schema),
            Self::Custom { schema, root } => custom_topology(schema, root),
        }
    }

    /// The type of a struct's field or a map's value; `None` when the field is not declared.
    pub(crate) fn field(self, name: &str) -> Option<Self> {
        match self {
            Self::Unknown => Some(self),
            Self::Builtin(schema) => schema.field(name).map(|field| match field.ty() {
                Type::Any => Self::Unknown,
                _ => Self::Builtin(field),
            }),
            Self::Custom { schema, root } => custom_field(schema, root, name),
        }
    }

    /// Whether `name` is a declared field, as opposed to a map's key.
    pub(crate) fn declares(self, name: &str) -> bool {
        match self {
            Self::Unknown => false,
            Self::Builtin(schema) => schema.definition().is_some_and(|definition| definition.field(name).is_some()),
            Self::Custom { schema, root } => {
                root && matches!(name, "apiVersion" | "kind" | "metadata")
                    || schema.get("properties").and_then(|p| p.get(name)).is_some()
            }
        }
    }

    pub(crate) fn items(self) -> Self {
        match self {
            Self::Builtin(schema) => schema.items().map_or(Self::Unknown, Self::Builtin),
            Self::Custom { schema, .. } => match schema.get("items") {
                Some(items) => Self::Custom { schema: items, root: false },
                None => Self::Unknown,
            },
            Self::Unknown => Self::Unknown,
        }
    }

    /// The declared default, which a list-map key takes when an item leaves it out.
    pub(crate) fn default_of(self, name: &str) -> Option<Value> {
        match self {
            Self::Builtin(schema) => {
                let row = schema.definition()?.field(name)?;
                serde_json::from_str(row.default?).ok()
            }
            Self::Custom { schema, .. } => schema.get("properties")?.get(name)?.get("default").cloned(),
            Self::Unknown => None,
        }
    }

    /// The merge key of strategic merge patches at this list, and the strategy.
    pub(crate) fn patch_strategy(self) -> (Option<&'static str>, &'static str) {
        match self {
            Self::Builtin(schema) => schema.row().map_or((None, ""), |row| (row.merge_key, row.strategy)),
            _ => (None, ""),
        }
    }

    /// The scalar type, for checking what a request carries.
    pub(crate) fn scalar(self) -> Option<Type> {
        match self {
            Self::Builtin(schema) => Some(schema.ty()),
            Self::Custom { schema, .. } => match schema.str("type") {
                "string" => Some(Type::String),
                "integer" => Some(Type::Int64),
                "number" => Some(Type::Number),
                "boolean" => Some(Type::Boolean),
                _ => None,
            },
            Self::Unknown => None,
        }
    }
}

fn builtin_topology(schema: Schema) -> Topology {
    use lucid_schema::Shape;
    match schema.shape() {
        Shape::Struct(definition) if definition.atomic => Topology::Atomic,
        Shape::Struct(_) | Shape::Map { atomic: false } => Topology::Granular,
        Shape::Map { atomic: true } | Shape::List(ListKind::Atomic) => Topology::Atomic,
        Shape::List(ListKind::Set) => Topology::Set,
        Shape::List(ListKind::Map(keys)) => Topology::Keyed(keys.iter().map(|key| (*key).to_owned()).collect()),
        Shape::Scalar => Topology::Scalar,
        Shape::Any => Topology::Deduced,
    }
}

fn custom_topology(schema: &Value, root: bool) -> Topology {
    if root {
        return Topology::Granular;
    }
    if schema.flag("x-kubernetes-int-or-string") {
        return Topology::Scalar;
    }
    match schema.str("type") {
        "object" if schema.str("x-kubernetes-map-type") == "atomic" => Topology::Atomic,
        "object" => Topology::Granular,
        "array" => match schema.str("x-kubernetes-list-type") {
            "set" => Topology::Set,
            "map" => {
                let keys = schema.list("x-kubernetes-list-map-keys").iter();
                Topology::Keyed(keys.filter_map(|key| Some(key.as_str()?.to_owned())).collect())
            }
            _ => Topology::Atomic,
        },
        "" => Topology::Deduced,
        _ => Topology::Scalar,
    }
}

fn custom_field<'a>(schema: &'a Value, root: bool, name: &str) -> Option<TypeRef<'a>> {
    if name == "metadata" && (root || schema.flag("x-kubernetes-embedded-resource")) {
        return Some(TypeRef::Builtin(Schema::object_meta()));
    }
    if root && matches!(name, "apiVersion" | "kind") {
        return Some(TypeRef::Unknown);
    }
    if let Some(field) = schema.get("properties").and_then(|properties| properties.get(name)) {
        return Some(TypeRef::Custom { schema: field, root: false });
    }
    match schema.get("additionalProperties") {
        Some(Value::Object(_)) => Some(TypeRef::Custom { schema: &schema["additionalProperties"], root: false }),
        Some(Value::Bool(true)) => Some(TypeRef::Unknown),
        _ => schema.flag("x-kubernetes-preserve-unknown-fields").then_some(TypeRef::Unknown),
    }
}

//! Checking an applied configuration against the schema, with the server's words for what does not fit.

use lucid_schema::Type;
use serde_json::Value;

use crate::fields::path;
use crate::go;
use crate::schema::{Topology, TypeRef};

/// Every place where the configuration does not fit, or names an item twice.
pub(crate) fn problems(config: &Value, ty: TypeRef<'_>) -> Vec<String> {
    let mut walk = Walk { path: Vec::new(), out: Vec::new() };
    walk.value(config, ty);
    walk.out
}

/// Whether an object fits its schema; items that are named twice are let through.
pub(crate) fn fits(object: &Value, ty: TypeRef<'_>) -> bool {
    misfits(object, ty).is_empty()
}

/// As [`problems`], without items that are named twice.
pub(crate) fn misfits(object: &Value, ty: TypeRef<'_>) -> Vec<String> {
    problems(object, ty).into_iter().filter(|problem| !problem.contains("duplicate entries for key")).collect()
}

struct Walk {
    path: Vec<String>,
    out: Vec<String>,
}

impl Walk {
    fn say(&mut self, what: &str) {
        self.out.push(format!("{}: {what}", path::shown(&self.path)));
    }

    fn value(&mut self, value: &Value, ty: TypeRef<'_>) {
        if value.is_null() {
            return;
        }
        match ty.topology() {
            Topology::Scalar => self.scalar(value, ty),
            Topology::Deduced => {}
            Topology::Granular => self.map(value, ty),
            Topology::Atomic if is_list(ty) => self.atomic(value, ty),
            Topology::Atomic => self.map(value, ty),
            list @ (Topology::Set | Topology::Keyed(_)) => self.list(value, ty, &list),
        }
    }

    fn map(&mut self, value: &Value, ty: TypeRef<'_>) {
        let Some(map) = value.as_object() else { return self.say(&format!("expected map, got {}", show(value))) };
        for (key, value) in map {
            self.path.push(path::field(key));
            match ty.field(key) {
                Some(field) => self.value(value, field),
                None => self.say("field not declared in schema"),
            }
            self.path.pop();
        }
    }

    fn atomic(&mut self, value: &Value, ty: TypeRef<'_>) {
        let Some(list) = value.as_array() else { return self.say(&format!("expected list, got {}", show(value))) };
        for (at, item) in list.iter().enumerate() {
            self.path.push(format!("i:{at}"));
            self.value(item, ty.items());
            self.path.pop();
        }
    }

    fn list(&mut self, value: &Value, ty: TypeRef<'_>, topology: &Topology) {
        let Some(list) = value.as_array() else { return self.say(&format!("expected list, got {}", show(value))) };
        let mut seen = Vec::new();
        for (at, item) in list.iter().enumerate() {
            match path::item(topology, ty.items(), item) {
                // Without a name, the rest is not looked at.
                Err(why) => return self.say(&format!("element {at}: {why}")),
                Ok(element) => {
                    if seen.contains(&element) {
                        let key = path::shown(std::slice::from_ref(&element));
                        self.say(&format!("duplicate entries for key {key}"));
                    }
                    self.path.push(element.clone());
                    self.value(item, ty.items());
                    self.path.pop();
                    seen.push(element);
                }
            }
        }
    }

    fn scalar(&mut self, value: &Value, ty: TypeRef<'_>) {
        let what = match ty.scalar() {
            Some(Type::Int32 | Type::Int64 | Type::Number) if !value.is_number() => {
                format!("expected numeric (int or float), got {}", go::type_name(value))
            }
            Some(Type::Boolean) if !value.is_boolean() => format!("expected boolean, got {}", show(value)),
            Some(Type::String | Type::Bytes) if !value.is_string() => {
                format!("expected string, got &value.valueUnstructured{{Value:{}}}", go::literal(value))
            }
            // What may be of several types is taken as it is.
            Some(Type::IntOrString | Type::Quantity) => return,
            _ if value.is_object() || value.is_array() => format!("expected any scalar, got {}", show(value)),
            _ => return,
        };
        self.say(&what);
    }
}

fn is_list(ty: TypeRef<'_>) -> bool {
    match ty {
        TypeRef::Builtin(schema) => matches!(schema.ty(), Type::List(..)),
        TypeRef::Custom { schema, .. } => schema.get("type").and_then(Value::as_str) == Some("array"),
        TypeRef::Unknown => false,
    }
}

/// A value as the schema walker names it in messages.
fn show(value: &Value) -> String {
    format!("&{{{}}}", go::plain(value))
}

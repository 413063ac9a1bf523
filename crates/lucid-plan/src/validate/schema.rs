//! Fields and values against the API types of every supported minor.

use lucid_object::{Finding, Object, Quantity};
use lucid_release::load::nearest;
use lucid_schema::minors::{self, SUPPORTED};
use lucid_schema::{Definition, ListKind, Schema, Type};
use serde_json::{Map, Value};

use super::scene::Scene;

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    for object in &scene.objects {
        let Some(schema) = Schema::of(&object.gvk()) else { continue };
        let mut walk = Walk { object, found };
        walk.value(schema, object.value(), &mut String::new());
    }
}

/// Required by the types, and defaulted by the server before it looks.
const DEFAULTED: [(&str, &str); 3] = [
    ("io.k8s.api.rbac.v1.RoleRef", "apiGroup"),
    ("io.k8s.api.scheduling.v1.PriorityClass", "value"),
    ("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames", "singular"),
];

struct Walk<'a, 'f> {
    object: &'a Object,
    found: &'f mut Vec<Finding>,
}

impl Walk<'_, '_> {
    fn push(&mut self, pointer: &str, finding: Finding) {
        let finding = finding.on(self.object.reference()).at(self.object.position(pointer));
        self.found.push(finding);
    }

    fn value(&mut self, schema: Schema, value: &Value, pointer: &mut String) {
        // The server takes null for absent.
        if value.is_null() {
            return;
        }
        match (schema.ty(), value) {
            (Type::Any, _) => {}
            (Type::Ref(_), Value::Object(fields)) => self.fields(schema, fields, pointer),
            (Type::Map(..), Value::Object(entries)) => {
                for (key, entry) in entries {
                    if let Some(below) = schema.field(key) {
                        self.below(pointer, key, |walk, pointer| walk.value(below, entry, pointer));
                    }
                }
            }
            (Type::List(_, kind), Value::Array(items)) => {
                if let Some(below) = schema.items() {
                    for (index, item) in items.iter().enumerate() {
                        self.below(pointer, &index.to_string(), |walk, pointer| walk.value(below, item, pointer));
                    }
                    self.keys(below, kind, items, pointer);
                }
            }
            (ty, value) if fits(ty, value) => {}
            (ty, value) => {
                let message = format!(
                    "{} of {} must be {}, not {}",
                    field_of(pointer),
                    self.object.reference(),
                    wanted(ty),
                    shown(ty, value)
                );
                let finding = Finding::error(1021, message);
                let help = match (ty, value) {
                    (Type::String, Value::Number(_) | Value::Bool(_)) => "put the value in quotes",
                    (Type::Int32 | Type::Int64 | Type::Boolean, Value::String(_)) => "take the quotes away",
                    _ => "correct the value",
                };
                self.push(pointer, finding.help(help));
            }
        }
    }

    fn below(&mut self, pointer: &mut String, name: &str, then: impl FnOnce(&mut Self, &mut String)) {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        then(self, pointer);
        pointer.truncate(length);
    }

    fn fields(&mut self, schema: Schema, fields: &Map<String, Value>, pointer: &mut String) {
        let Some(definition) = schema.definition() else { return };
        for (name, value) in fields {
            // The server writes it, and what a manifest says there is left out when it is sent.
            if pointer.is_empty() && name == "status" {
                continue;
            }
            match schema.field(name) {
                Some(below) => {
                    if let Some(since) = minors::field_since(definition.name, name) {
                        self.newer(definition, name, since, pointer);
                    }
                    self.below(pointer, name, |walk, pointer| walk.value(below, value, pointer));
                }
                None => self.unknown(definition, name, pointer),
            }
        }
        for field in definition.fields.iter().filter(|field| field.required) {
            let zero = matches!(field.default, None | Some("\"\"" | "0" | "false"));
            let is_set = fields.get(field.name).is_some_and(|value| !value.is_null());
            if zero && !is_set && !DEFAULTED.contains(&(definition.name, field.name)) {
                let place = if pointer.is_empty() { "it".to_owned() } else { field_of(pointer) };
                let message = format!("{place} of {} lacks `{}`", self.object.reference(), field.name);
                let message = message.replacen("it of ", "", 1);
                self.push(
                    pointer,
                    Finding::error(1021, message).help(format!("add `{}`, which is required", field.name)),
                );
            }
        }
    }

    fn unknown(&mut self, definition: &Definition, name: &str, pointer: &mut String) {
        let place = if pointer.is_empty() { self.object.gvk().to_string() } else { field_of(pointer) };
        let whose = self.object.reference();
        let (message, help) = match minors::field_until(definition.name, name) {
            Some(until) => (
                format!("{place} has no field `{name}` since Kubernetes 1.{} ({whose})", until + 1),
                "remove it, or deploy to older clusters only".to_owned(),
            ),
            None => {
                let near = nearest(name, definition.fields.iter().map(|field| field.name));
                (
                    format!("{place} has no field `{name}` ({whose})"),
                    near.unwrap_or_else(|| "remove it, or correct it".into()),
                )
            }
        };
        self.below(pointer, name, |walk, pointer| walk.push(pointer, Finding::error(1002, message).help(help)));
    }

    fn newer(&mut self, definition: &Definition, name: &str, since: u32, pointer: &mut String) {
        let kind = definition.name.rsplit('.').next().unwrap_or(definition.name);
        let message = format!(
            "{kind} has `{name}` since Kubernetes 1.{since}; 1.{} refuses it ({})",
            SUPPORTED.start(),
            self.object.reference()
        );
        let finding = Finding::warning(1002, message).help("deploy it to newer clusters only, or leave it out");
        self.below(pointer, name, |walk, pointer| walk.push(pointer, finding));
    }

    /// Lists that are maps in truth have each key once: server-side apply refuses another.
    fn keys(&mut self, item: Schema, kind: ListKind, items: &[Value], pointer: &str) {
        let key_of = |value: &Value| match kind {
            ListKind::Atomic => None,
            ListKind::Set => value.as_str().map(|text| format!("{text:?}")),
            ListKind::Map(keys) => {
                let part = |key: &&str| {
                    let default = || item.field(key)?.row()?.default.map(|text| text.trim_matches('"').to_owned());
                    let value = value.get(*key).filter(|value| !value.is_null()).map(plain).or_else(default)?;
                    Some(format!("{key} {value}"))
                };
                let parts: Vec<String> = keys.iter().filter_map(part).collect();
                (!parts.is_empty()).then(|| parts.join(", "))
            }
        };
        let mut seen: Vec<String> = Vec::new();
        for (index, value) in items.iter().enumerate() {
            let Some(key) = key_of(value) else { continue };
            if seen.contains(&key) {
                let message = format!("{} of {} has {key} twice", field_of(pointer), self.object.reference());
                let finding = Finding::error(1021, message).help("remove or rename one of them");
                self.push(&format!("{pointer}/{index}"), finding);
            }
            seen.push(key);
        }
    }
}

fn fits(ty: Type, value: &Value) -> bool {
    match ty {
        Type::String | Type::Bytes | Type::Time | Type::MicroTime => value.is_string(),
        Type::Int32 => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Type::Int64 => value.is_i64() || value.is_u64(),
        Type::Number => value.is_number(),
        Type::Boolean => value.is_boolean(),
        Type::IntOrString => value.is_string() || value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Type::Quantity => match value {
            Value::String(text) => Quantity::parse(text).is_some(),
            other => other.is_number(),
        },
        Type::Any => true,
        Type::Ref(_) | Type::Map(..) => value.is_object(),
        Type::List(..) => value.is_array(),
    }
}

fn wanted(ty: Type) -> &'static str {
    match ty {
        Type::String | Type::Bytes | Type::Time | Type::MicroTime => "text",
        Type::Int32 => "a whole number of 32 bits",
        Type::Int64 => "a whole number",
        Type::Number => "a number",
        Type::Boolean => "true or false",
        Type::IntOrString => "a whole number or text",
        Type::Quantity => "a quantity like 100m or 64Mi",
        Type::Any => "anything",
        Type::Ref(_) | Type::Map(..) => "a mapping",
        Type::List(..) => "a list",
    }
}

/// What stands where text belongs may be a secret: only its type is told.
fn shown(ty: Type, value: &Value) -> String {
    let is_plain = !matches!(ty, Type::String | Type::Bytes | Type::Map(..) | Type::Ref(_) | Type::List(..));
    match value {
        Value::String(text) if is_plain && text.len() <= 40 => format!("the text {text:?}"),
        Value::Number(number) if is_plain => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::String(_) => "a text".into(),
        Value::Number(_) => "a number".into(),
        Value::Object(_) => "a mapping".into(),
        Value::Array(_) => "a list".into(),
        Value::Null => "null".into(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `/spec/template/spec/containers/0/env` as `spec.template.spec.containers[0].env`.
fn field_of(pointer: &str) -> String {
    let mut out = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        match part.parse::<usize>() {
            Ok(index) => out.push_str(&format!("[{index}]")),
            Err(_) if out.is_empty() => out.push_str(&part),
            Err(_) => {
                out.push('.');
                out.push_str(&part);
            }
        }
    }
    out
}

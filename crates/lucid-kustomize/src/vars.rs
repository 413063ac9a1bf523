//! `vars`: texts `$(NAME)` that stand for a field of some object.

use std::collections::HashMap;

use lucid_object::yaml::{Kind, Node, Pos, Scalar, Tag, Text, go_float};

use crate::build::{Accumulator, Build};
use crate::fieldspec::{Field, Make, split_smart};
use crate::meter::Meter;
use crate::model::Var;
use crate::report::code;
use crate::transform::replacements::lookup::lookup;

/// What a var stands for.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(Text),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A mapping or a list, which no text can hold: references to it stay.
    Other,
}

impl Build<'_> {
    /// Notes which object each var of a kustomization reads. That object keeps the note under later names.
    pub(crate) fn merge_vars(&mut self, into: &mut Accumulator, vars: &[Var]) {
        for var in vars {
            let mut matching = into.map.list_mut().iter_mut().filter(|resource| {
                let (group, version) = resource.group_version();
                let named = |name: &str, kind: &str, namespace: &str| {
                    name == var.object && kind == var.kind && (var.namespace.is_empty() || var.namespace == namespace)
                };
                (group, version) == (var.group.as_str(), var.version.as_str())
                    && (named(resource.name(), resource.kind(), resource.effective_namespace())
                        || resource.previous.iter().any(|p| named(&p.name, &p.kind, &p.namespace)))
            });
            if let Some(first) = matching.next() {
                first.vars.push(var.name.clone());
            }
            if matching.next().is_some() {
                let message = format!("var {} could read several objects named {}", var.name, var.object);
                self.report.error(code::VARIABLE, var.pos, message);
            }
            self.add_var(into, var.clone());
        }
    }

    pub(crate) fn add_var(&mut self, into: &mut Accumulator, var: Var) {
        if let Some(known) = into.vars.iter().find(|known| known.name == var.name) {
            let place = self.report.files.position(known.pos).map_or(String::new(), |p| format!(", first at {p}"));
            let message = format!("var {} is defined twice{place}", var.name);
            return self.report.error(code::VARIABLE, var.pos, message);
        }
        into.vars.push(var);
    }

    /// Replaces all references, at the root.
    pub(crate) fn resolve_vars(&mut self, accumulated: &mut Accumulator) {
        let mut values = HashMap::new();
        for var in &accumulated.vars {
            let reader = accumulated.map.list().iter().find(|resource| resource.vars.contains(&var.name));
            let found = reader.map(|resource| lookup(&resource.node, &slice_indices(&var.field)));
            match found {
                Some(Ok(Some(node))) => {
                    values.insert(var.name.clone(), value_of(node));
                }
                Some(_) => {
                    let message = format!("var {}: {} {} has no field {}", var.name, var.kind, var.object, var.field);
                    self.report.error(code::VARIABLE, var.pos, message);
                }
                None => {
                    let message = format!("var {}: there is no {} {}", var.name, var.kind, var.object);
                    let help = "objref must name apiVersion, kind and name of an object of this build";
                    self.report.error_help(code::VARIABLE, var.pos, message, help);
                }
            }
        }
        if values.is_empty() {
            return;
        }
        let fields: Vec<Field<'_>> = accumulated.config.var_reference.iter().map(Field::new).collect();
        for resource in accumulated.map.list_mut() {
            for field in fields.iter().filter(|field| field.applies(resource)).collect::<Vec<_>>() {
                let visited = field.visit(&mut resource.node, Make::Nothing, Pos::NOWHERE, &mut |node| {
                    set(node, &values, &mut self.report.meter)
                });
                if let Err(error) = visited {
                    let message = format!("vars: {}: {error}", resource.reference());
                    self.report.error(code::VARIABLE, resource.pos(), message);
                }
            }
        }
    }
}

/// A field path in which `a[0]` means `a.0`.
fn slice_indices(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for part in split_smart(path) {
        let index = part.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
        match index.filter(|(_, index)| !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit())) {
            Some((name, index)) => {
                if !name.is_empty() {
                    parts.push(name.to_owned());
                }
                parts.push(index.to_owned());
            }
            None => parts.push(part),
        }
    }
    parts
}

fn value_of(node: &Node) -> Value {
    let Kind::Scalar(scalar) = &node.kind else { return Value::Other };
    let text = scalar.text.as_str();
    let typed = match scalar.tag {
        Tag::Int => text.parse().ok().map(Value::Int),
        Tag::Float => text.parse().ok().map(Value::Float),
        Tag::Bool => match text {
            "true" | "True" | "TRUE" => Some(Value::Bool(true)),
            "false" | "False" | "FALSE" => Some(Value::Bool(false)),
            _ => None,
        },
        _ => None,
    };
    typed.unwrap_or_else(|| Value::Text(scalar.text.clone()))
}

fn set(node: &mut Node, values: &HashMap<Text, Value>, meter: &mut Meter) -> Result<(), String> {
    if node.is_null() {
        return Ok(());
    }
    match &mut node.kind {
        Kind::Scalar(scalar) => expand(scalar, values, node.pos, meter),
        Kind::Map(entries) => {
            for entry in entries {
                if let Kind::Scalar(scalar) = &mut entry.value.kind {
                    expand(scalar, values, node.pos, meter);
                }
            }
        }
        Kind::Seq(items) => {
            for item in items {
                match &mut item.kind {
                    Kind::Scalar(scalar) if scalar.is_string() => expand(scalar, values, node.pos, meter),
                    _ => return Err("a list of texts is expected".into()),
                }
            }
        }
    }
    Ok(())
}

/// A text that is one reference takes over the type as well.
fn expand(scalar: &mut Scalar, values: &HashMap<Text, Value>, pos: Pos, meter: &mut Meter) {
    if !scalar.is_string() || !meter.grow(expanded_len(&scalar.text, values), pos) {
        return;
    }
    *scalar = match replaced(&scalar.text, values) {
        Value::Text(text) => Scalar::plain(text, Tag::Str),
        Value::Int(value) => Scalar::plain(value.to_string(), Tag::Int),
        Value::Float(value) => Scalar::plain(format!("{value}"), Tag::Float),
        Value::Bool(value) => Scalar::plain(value.to_string(), Tag::Bool),
        Value::Other => return,
    };
}

/// At most how many bytes a text gets longer by its references.
fn expanded_len(text: &str, values: &HashMap<Text, Value>) -> usize {
    let names = text.split("$(").skip(1).filter_map(|rest| rest.split_once(')'));
    names.map(|(name, _)| values.get(name).map_or(0, |value| shown(value).len())).sum()
}

/// `$(NAME)` is replaced, `$$` is one dollar, anything else stays.
fn replaced(text: &str, values: &HashMap<Text, Value>) -> Value {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$').filter(|at| at + 1 < rest.len()) {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let name = after.strip_prefix('(').and_then(|inside| inside.split_once(')'));
        match name {
            Some((name, more)) => {
                let value = values.get(name).filter(|value| **value != Value::Other);
                match value {
                    Some(value) if at == 0 && out.is_empty() && more.is_empty() && rest.len() == text.len() => {
                        return value.clone();
                    }
                    Some(value) => out.push_str(&shown(value)),
                    None => out.push_str(&rest[at..at + name.len() + 3]),
                }
                rest = more;
            }
            None if after.starts_with('$') => {
                out.push('$');
                rest = &after[1..];
            }
            None => {
                let width = after.chars().next().map_or(0, char::len_utf8);
                out.push('$');
                out.push_str(&after[..width]);
                rest = &after[width..];
            }
        }
    }
    out.push_str(rest);
    Value::Text(out.into())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => go_float(*value),
        Value::Bool(value) => value.to_string(),
        Value::Other => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Value) {
        let values = HashMap::from([("A".into(), Value::Text("x".into())), ("N".into(), Value::Int(5))]);
        assert_eq!(replaced(text, &values), want, "{text}");
    }

    #[test]
    fn references() {
        let text = |text: &str| Value::Text(text.into());
        check("$(A)", text("x"));
        check("$(N)", Value::Int(5));
        check("a-$(A)-$(N)!", text("a-x-5!"));
        check("$(B) $(A)", text("$(B) x"));
        check("$$(A)", text("$(A)"));
        check("$(A", text("$(A"));
        check("$x $ 5$", text("$x $ 5$"));
        check("$é", text("$é"));
        check("plain", text("plain"));
    }

    #[test]
    fn indices() {
        assert_eq!(slice_indices("spec.ports[0].port"), ["spec", "ports", "0", "port"]);
        assert_eq!(slice_indices("a.[k=v].b"), ["a", "[k=v]", "b"]);
    }
}

//! The columns that a CustomResourceDefinition declares, by JSON path.

use serde_json::{Value, json};

use super::{Cells, Row, age, definition};
use crate::json::Json;
use crate::kinds::Kind;

pub(super) fn shape(kind: &Kind) -> (Vec<Value>, Cells<'_>) {
    let declared = kind.custom.as_ref().map_or(&[][..], |custom| custom.list("columns"));
    let age = [json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp",
        "description": "CreationTimestamp is a timestamp representing the server time when this object was created."})];
    let columns: Vec<Value> = if declared.is_empty() { age.to_vec() } else { declared.to_vec() };
    let mut definitions = vec![definition("Name", "string", "name", "", 0)];
    for column in &columns {
        let priority = i32::try_from(column.int("priority")).unwrap_or(0);
        let (name, of) = (column.str("name"), column.str("type"));
        definitions.push(definition(name, of, column.str("format"), column.str("description"), priority));
    }
    let cells = move |row: &Row<'_>| {
        let mut cells = vec![Value::from(row.object.name())];
        cells.extend(columns.iter().map(|column| cell(column, row)));
        cells
    };
    (definitions, Box::new(cells))
}

fn cell(column: &Value, row: &Row<'_>) -> Value {
    let found = find(row.object, column.str("jsonPath"));
    let Some(first) = found.first() else { return Value::Null };
    match column.str("type") {
        "date" => age::since(first.as_str().unwrap_or(""), row.now).into(),
        "integer" => first.as_i64().map_or(Value::Null, Value::from),
        "number" => {
            if first.is_number() {
                (*first).clone()
            } else {
                Value::Null
            }
        }
        "boolean" => {
            if first.is_boolean() {
                (*first).clone()
            } else {
                Value::Null
            }
        }
        _ => found.iter().map(|value| shown(value)).collect::<Vec<_>>().join(",").into(),
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// All that a JSON path leads to.
pub(super) fn find<'v>(object: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut at = vec![object];
    for step in steps(path) {
        at = at.into_iter().flat_map(|value| walk(value, &step)).collect();
    }
    at
}

enum Step {
    Field(String),
    Index(i64),
    All,
    /// Items whose field is this text.
    Filter(Vec<String>, String),
}

fn walk<'v>(value: &'v Value, step: &Step) -> Vec<&'v Value> {
    match step {
        Step::Field(name) => value.get(name).into_iter().collect(),
        Step::All => match value {
            Value::Array(list) => list.iter().collect(),
            Value::Object(map) => map.values().collect(),
            _ => Vec::new(),
        },
        Step::Index(index) => {
            let list = value.as_array().map_or(&[][..], Vec::as_slice);
            let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
            let index = if *index < 0 { length + index } else { *index };
            usize::try_from(index).ok().and_then(|index| list.get(index)).into_iter().collect()
        }
        Step::Filter(path, wanted) => {
            let fits = |item: &&Value| {
                let found = path.iter().try_fold(*item, |value, name| value.get(name));
                found.is_some_and(|found| shown(found) == *wanted)
            };
            value.as_array().into_iter().flatten().filter(fits).collect()
        }
    }
}

fn steps(path: &str) -> Vec<Step> {
    let mut out = Vec::new();
    let mut rest = path.trim().trim_start_matches('{').trim_end_matches('}').trim_start_matches('$');
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let end = closing(inside);
            out.extend(bracket(&inside[..end]));
            rest = inside.get(end + 1..).unwrap_or("");
        } else {
            rest = rest.trim_start_matches('.');
            let (name, after) = field(rest);
            match name.as_str() {
                "" => {}
                "*" => out.push(Step::All),
                _ => out.push(Step::Field(name)),
            }
            rest = after;
        }
    }
    out
}

/// A name up to the next step; a backslash takes what follows as it is.
fn field(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '.' | '[' => return (name, &text[at..]),
            '\\' => name.extend(chars.next().map(|(_, c)| c)),
            c => name.push(c),
        }
    }
    (name, "")
}

/// Where a bracket closes; quotes may hold brackets.
fn closing(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (c, quote) {
            (']', None) => return at,
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
    }
    text.len()
}

fn bracket(text: &str) -> Option<Step> {
    let unquote = |text: &str| text.trim().trim_matches(['\'', '"']).to_owned();
    if text == "*" {
        return Some(Step::All);
    }
    if let Ok(index) = text.trim().parse() {
        return Some(Step::Index(index));
    }
    if let Some(filter) = text.strip_prefix("?(").and_then(|text| text.strip_suffix(')')) {
        let (path, wanted) = filter.split_once("==")?;
        let path = path.trim().trim_start_matches('@').split('.').filter(|name| !name.is_empty());
        return Some(Step::Filter(path.map(str::to_owned).collect(), unquote(wanted)));
    }
    Some(Step::Field(unquote(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expect: &[&str]) {
        let object = json!({"spec": {"n": 2, "list": [{"a": "x"}, {"a": "y"}]}, "metadata": {"annotations": {"a.b/c": "z"}},
            "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Up", "status": "False"}]}});
        let found: Vec<String> = find(&object, path).into_iter().map(shown).collect();
        assert_eq!(found, expect, "{path}");
    }

    #[test]
    fn paths() {
        check(".spec.n", &["2"]);
        check("{.spec.list[1].a}", &["y"]);
        check(".spec.list[*].a", &["x", "y"]);
        check(".spec.list[-1].a", &["y"]);
        check(r".metadata.annotations.a\.b/c", &["z"]);
        check(".metadata.annotations['a.b/c']", &["z"]);
        check(r#".status.conditions[?(@.type=="Ready")].status"#, &["True"]);
        check(".nothing.here", &[]);
    }
}

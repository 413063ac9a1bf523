//! JSON patches (RFC 6902), with the liberties of the library that kustomize uses: `replace` of a missing field adds
//! it, negative indices count from the end, and a path without a leading slash loses its first part.
//!
//! Patches run on the tree, not on JSON text, so that untouched fields keep their places.

use crate::equal_keys;
use crate::meter::{DEPTH, Meter, depth, weight};
use lucid_object::yaml::scalar::{is_not_string_1_1, tag_of};
use lucid_object::yaml::{Entry, Key, Kind, Node, Pos, Resolved, Scalar, Style, Tag};

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) pos: Pos,
    op: String,
    path: Option<String>,
    from: Option<String>,
    value: Option<Node>,
}

impl Operation {
    /// Bytes that it adds to an object, copies aside.
    pub(crate) fn weight(&self) -> usize {
        self.value.as_ref().map_or(0, weight)
    }
}

/// Reads a patch: a list of mappings.
pub(crate) fn decode(node: &Node) -> Result<Vec<Operation>, (Pos, String)> {
    if node.is_null() {
        return Ok(Vec::new());
    }
    let Kind::Seq(items) = &node.kind else { return Err((node.pos, "a JSON patch is a list of operations".into())) };
    items.iter().map(operation).collect()
}

fn operation(node: &Node) -> Result<Operation, (Pos, String)> {
    if !node.is_map() {
        return Err((node.pos, "an operation of a JSON patch is a mapping".into()));
    }
    let text = |field: &str| match node.get(field).and_then(Node::as_scalar).map(Scalar::resolve) {
        Some(Ok(Resolved::Str(text))) => Some(text.into_owned()),
        _ => None,
    };
    let value = node.get("value").cloned().map(|mut value| {
        normalize(&mut value);
        value
    });
    let op = text("op").unwrap_or_else(|| "unknown".into());
    Ok(Operation { pos: node.pos, op, path: text("path"), from: text("from"), value })
}

/// Applies a patch. The whole tree is brought into the form that a round trip through JSON gives it.
pub(crate) fn apply(root: &mut Node, patch: &[Operation], meter: &mut Meter) -> Result<(), (Pos, String)> {
    equal_keys::check_all(root).map_err(|flaw| (flaw.pos, flaw.message))?;
    normalize(root);
    patch.iter().try_for_each(|operation| {
        let fail = |message: String| (operation.pos, message);
        run(root, operation, meter).map_err(fail)
    })
}

fn run(root: &mut Node, operation: &Operation, meter: &mut Meter) -> Result<(), String> {
    let op = operation.op.as_str();
    let path = operation.path.as_deref().ok_or_else(|| format!("{op}: the operation has no path"))?;
    let from = || operation.from.as_deref().ok_or_else(|| format!("{op}: the operation has no `from`"));
    let value = || operation.value.clone().unwrap_or_else(|| Node::null(operation.pos));
    match op {
        "add" => add(root, path, value()),
        "remove" => remove(root, path).map(|_| ()),
        "replace" => replace(root, path, value()),
        "move" => {
            let from = from()?;
            let moved = get(root, from)?.cloned().unwrap_or_else(|| Node::null(operation.pos));
            remove(root, from)?;
            add(root, path, moved)
        }
        "copy" => {
            let copied = get(root, from()?)?;
            if !meter.grow(copied.map_or(0, weight), operation.pos) {
                return Ok(());
            }
            let copied = copied.cloned().unwrap_or_else(|| Node::null(operation.pos));
            add(root, path, copied)
        }
        "test" => test(root, path, operation.value.as_ref()),
        _ => Err(format!("{op:?} is not an operation of JSON patch")),
    }
}

/// The container that a path leads to, and the last part of the path.
fn container<'n>(root: &'n mut Node, path: &str) -> Result<(&'n mut Node, String), String> {
    let missing = || format!("path {path:?} does not exist");
    let parts: Vec<&str> = path.split('/').collect();
    let Some((last, parents)) = parts.split_last().filter(|(_, parents)| !parents.is_empty()) else {
        return Err(missing());
    };
    let mut node = root;
    for part in &parents[1..] {
        let key = unescape(part);
        node = match &mut node.kind {
            Kind::Map(entries) => entries.iter_mut().find(|e| e.key.text == key).map(|e| &mut e.value),
            Kind::Seq(items) => {
                let index = existing(&key, items.len())?;
                items.get_mut(index)
            }
            Kind::Scalar(_) => None,
        }
        .filter(|node| !matches!(node.kind, Kind::Scalar(_)))
        .ok_or_else(missing)?;
    }
    Ok((node, unescape(last)))
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn existing(key: &str, len: usize) -> Result<usize, String> {
    let index: i64 = key.parse().map_err(|_| format!("{key:?} is not an index"))?;
    let actual = if index < 0 { index + len as i64 } else { index };
    usize::try_from(actual)
        .ok()
        .filter(|index| *index < len)
        .ok_or_else(|| format!("index {index} is out of range: the list has {len} items"))
}

fn get<'n>(root: &'n mut Node, path: &str) -> Result<Option<&'n Node>, String> {
    let (container, key) = container(root, path)?;
    match &container.kind {
        Kind::Map(_) => Ok(container.get(&key)),
        Kind::Seq(items) => existing(&key, items.len()).map(|index| items.get(index)),
        Kind::Scalar(_) => Ok(None),
    }
}

fn add(root: &mut Node, path: &str, value: Node) -> Result<(), String> {
    deep(path, &value)?;
    let (container, key) = container(root, path)?;
    match &mut container.kind {
        Kind::Map(entries) => set(entries, key, value),
        Kind::Seq(items) if key == "-" => items.push(value),
        Kind::Seq(items) => {
            let index = existing(&key, items.len() + 1)?;
            items.insert(index, value);
        }
        Kind::Scalar(_) => {}
    }
    Ok(())
}

fn deep(path: &str, value: &Node) -> Result<(), String> {
    let parts = path.split('/').count();
    if parts + depth(value) > DEPTH { Err(format!("this nests more than {DEPTH} deep")) } else { Ok(()) }
}

fn set(entries: &mut Vec<Entry>, key: String, value: Node) {
    match entries.iter_mut().find(|entry| entry.key.text == key) {
        Some(entry) => entry.value = value,
        None => entries.push(Entry { key: Key::new(key, value.pos), value }),
    }
}

fn remove(root: &mut Node, path: &str) -> Result<(), String> {
    let (container, key) = container(root, path)?;
    match &mut container.kind {
        Kind::Map(_) => container.remove(&key).map(|_| ()).ok_or_else(|| format!("path {path:?} does not exist")),
        Kind::Seq(items) => {
            let index = existing(&key, items.len())?;
            items.remove(index);
            Ok(())
        }
        Kind::Scalar(_) => Ok(()),
    }
}

fn replace(root: &mut Node, path: &str, value: Node) -> Result<(), String> {
    if path.is_empty() {
        if matches!(value.kind, Kind::Scalar(_)) {
            return Err("an object can be replaced by a mapping only".into());
        }
        *root = value;
        return Ok(());
    }
    deep(path, &value)?;
    let (container, key) = container(root, path)?;
    match &mut container.kind {
        Kind::Map(entries) => set(entries, key, value),
        Kind::Seq(items) => {
            let index = existing(&key, items.len())?;
            items[index] = value;
        }
        Kind::Scalar(_) => {}
    }
    Ok(())
}

fn test(root: &mut Node, path: &str, value: Option<&Node>) -> Result<(), String> {
    let failed = || format!("the test of {path:?} failed");
    let wanted = value.map(Node::to_json).unwrap_or_default();
    let found = if path.is_empty() { root.to_json() } else { get(root, path)?.map(Node::to_json).unwrap_or_default() };
    if found == wanted { Ok(()) } else { Err(failed()) }
}

/// Scalars as they come back from JSON: every number a float64 printed by Go, strings quoted only where needed.
fn normalize(node: &mut Node) {
    match &mut node.kind {
        Kind::Seq(items) => items.iter_mut().for_each(normalize),
        Kind::Map(entries) => entries.iter_mut().for_each(|entry| normalize(&mut entry.value)),
        Kind::Scalar(scalar) => {
            let normal = match scalar.resolve() {
                Ok(Resolved::Null) => Scalar::plain("null", Tag::Null),
                Ok(Resolved::Bool(b)) => Scalar::plain(if b { "true" } else { "false" }, Tag::Bool),
                Ok(Resolved::Int(i)) => number(i as f64),
                Ok(Resolved::Uint(u)) => number(u as f64),
                Ok(Resolved::Float(f)) if f.is_finite() => number(f),
                Ok(Resolved::Str(text)) => string(&text),
                _ => return,
            };
            *scalar = normal;
        }
    }
}

fn number(value: f64) -> Scalar {
    let text = lucid_object::yaml::go_float(value);
    let tag = tag_of(&text);
    Scalar::plain(text, tag)
}

fn string(text: &str) -> Scalar {
    let style = if text.contains('\n') {
        Style::Literal
    } else if is_not_string_1_1(text) {
        Style::Double
    } else {
        Style::Plain
    };
    Scalar::styled(text, Tag::Str, style)
}

#[cfg(test)]
mod tests {
    use lucid_object::yaml::{Dialect, Limits, parse, parse_with};

    use super::*;
    use crate::Bounds;

    #[track_caller]
    fn check(object: &str, patch: &str, want: &str) {
        let mut node = parse(object, 0).expect("readable").remove(0);
        let mut meter = Meter::new(Bounds::default());
        let patch = parse_with(patch, 0, Dialect::Yaml11, Limits::default()).expect("readable").remove(0);
        let result = decode(&patch).and_then(|patch| apply(&mut node, &patch, &mut meter));
        let got = match result {
            Ok(()) => node.to_json().to_string(),
            Err((_, message)) => message,
        };
        assert_eq!(got, want);
    }

    #[test]
    fn operations() {
        check("{a: 1}", "[{op: add, path: /b, value: 2}]", r#"{"a":1,"b":2}"#);
        check("{a: [1, 2]}", "[{op: add, path: /a/1, value: x}]", r#"{"a":[1,"x",2]}"#);
        check("{a: [1, 2]}", "[{op: add, path: /a/-, value: x}]", r#"{"a":[1,2,"x"]}"#);
        check("{a: [1, 2]}", "[{op: add, path: /a/-1, value: x}]", r#"{"a":[1,2,"x"]}"#);
        check("{a: [1, 2]}", "[{op: remove, path: /a/-1}]", r#"{"a":[1]}"#);
        check("{a: 1}", "[{op: replace, path: /b, value: 2}]", r#"{"a":1,"b":2}"#);
        check("{a: {b: 1}, c: 2}", "[{op: move, from: /a/b, path: /d}]", r#"{"a":{},"c":2,"d":1}"#);
        check("{a: {b: 1}}", "[{op: copy, from: /a, path: /c}]", r#"{"a":{"b":1},"c":{"b":1}}"#);
        check("{a: 1}", "[{op: test, path: /a, value: 1}, {op: remove, path: /a}]", "{}");
        check("{a/b: 1, c~d: 2}", "[{op: remove, path: /a~1b}, {op: remove, path: /c~0d}]", "{}");
        check("{spec: {x: 1}}", "[{op: add, path: spec/x, value: 2}]", r#"{"spec":{"x":1},"x":2}"#);
        check("{a: 1}", "[{op: add, path: /b}]", r#"{"a":1,"b":null}"#);
    }

    #[test]
    fn refusals() {
        check("{a: 1}", "[{op: remove, path: /b}]", r#"path "/b" does not exist"#);
        check("{a: 1}", "[{op: add, path: /b/c, value: 1}]", r#"path "/b/c" does not exist"#);
        check("{a: [1]}", "[{op: replace, path: /a/3, value: 1}]", "index 3 is out of range: the list has 1 items");
        check("{a: [1]}", "[{op: add, path: /a/x, value: 1}]", r#""x" is not an index"#);
        check("{a: 1}", "[{op: test, path: /a, value: 2}]", r#"the test of "/a" failed"#);
        check("{a: 1}", "[{op: jump, path: /a}]", r#""jump" is not an operation of JSON patch"#);
        check("{a: 1}", "[{op: add}]", "add: the operation has no path");
        check("{a: 1}", "{op: add}", "a JSON patch is a list of operations");
    }
}

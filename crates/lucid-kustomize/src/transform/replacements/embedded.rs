//! Fields inside a text: JSON or YAML that a ConfigMap carries, edited and written back.

use lucid_object::yaml::{Dialect, Kind, Limits, Node, Pos, Text, parse_first};

use super::lookup::lookup;
use super::matcher;
use crate::fieldspec::trimmed;
use crate::hash::go_json;

mod comments;
mod print;

type Set<'a> = &'a mut dyn FnMut(&mut Node) -> Result<(), String>;

/// Writes through the first text on the path that can be read as YAML. False if there is none, or nothing in it.
pub(super) fn write(root: &mut Node, path: &[String], create: Option<&Kind>, set: Set<'_>) -> Result<bool, String> {
    let is_text = |length: usize| {
        let found = lookup(root, &path[..length]).ok().flatten();
        found.is_some_and(|node| node.as_scalar().is_some() && read(node.text().unwrap_or_default()).is_some())
    };
    let Some(length) = (1..path.len()).find(|length| is_text(*length)) else { return Ok(false) };
    let mut written = None;
    let rest = &path[length..];
    let found = lookup(root, &path[..length]).ok().flatten();
    if let Some(text) = found.and_then(Node::text)
        && let Some(mut document) = read(text)
        && matcher::visit(&mut document, rest, create, set).is_ok_and(|count| count > 0)
    {
        // A value that is not of its type cannot be written as JSON; kustomize then leaves the text alone.
        written = serialize(&document, text)?;
    }
    let Some(text) = written else { return Ok(false) };
    // The way to the text is looked up, without the blanks around its names; what comes after it is matched as it is.
    let way: Vec<String> = trimmed(&path[..length]).map(str::to_owned).collect();
    matcher::visit(root, &way, None, &mut |field| {
        if let Kind::Scalar(scalar) = &mut field.kind {
            scalar.text = text.clone();
        }
        Ok(())
    })
    .map(|count| count > 0)
}

/// Looks for fields inside a text without writing it back: kustomize finds them, changes a copy, and forgets it.
pub(super) fn inside(field: &mut Node, rest: &[String], create: Option<&Kind>, set: Set<'_>) -> Result<usize, String> {
    let text = field.text().unwrap_or_default();
    let mut document = read(text).ok_or("the path leads into a plain value")?;
    matcher::visit(&mut document, rest, create, set)
}

/// Places inside of the text itself; no file has this number.
const SOURCE: u32 = u32::MAX;

fn read(text: &str) -> Option<Node> {
    let start = Pos { file: SOURCE, line: 1, column: 1 };
    parse_first(text, start, Dialect::Tree, Limits::default()).ok()?.node
}

fn serialize(document: &Node, original: &str) -> Result<Option<Text>, String> {
    if !original.trim_start().starts_with(['{', '[']) {
        let printed = print::yaml(document, original);
        if !comments::may_have(original) {
            return Ok(Some(printed.trim().into()));
        }
        let unchanged = read(original).map(|document| print::yaml(&document, original)).unwrap_or_default();
        let commented = comments::put_back(original, &unchanged, &printed);
        let commented = commented.ok_or("the text has comments whose place after the change is not certain")?;
        return Ok(Some(commented.trim().into()));
    }
    if !is_readable(document) {
        return Ok(None);
    }
    let value = document.to_json();
    if original.contains('\n') && original.contains("  ") {
        let pretty = serde_json::to_string_pretty(&value).map_err(|error| error.to_string())?;
        return Ok(Some(escape(&pretty).into()));
    }
    Ok(Some(go_json(&value).into()))
}

fn is_readable(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.resolve().is_ok(),
        Kind::Seq(items) => items.iter().all(is_readable),
        Kind::Map(entries) => entries.iter().all(|entry| is_readable(&entry.value)),
    }
}

/// Go's escapes in text that is JSON already.
fn escape(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

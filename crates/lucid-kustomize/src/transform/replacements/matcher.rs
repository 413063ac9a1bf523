//! Finding the fields to write: names, indices, `*`, and `[key=pattern]` for every item that matches.

use lucid_object::yaml::scalar::tag_of;
use lucid_object::yaml::{Kind, Node, Scalar, Style, Tag};
use regex::Regex;

use super::embedded;
use super::lookup::selector;
use crate::pattern::go;
use crate::resource::untagged;

type Set<'a> = &'a mut dyn FnMut(&mut Node) -> Result<(), String>;

/// Calls `set` on every field at the path; `create` says what a missing one is made of. Gives the number of fields.
pub(super) fn visit(node: &mut Node, path: &[String], create: Option<&Kind>, set: Set<'_>) -> Result<usize, String> {
    let Some((part, rest)) = path.split_first() else { return set(node).map(|()| 1) };
    if let Ok(index) = part.parse::<usize>() {
        return at_index(node, index, rest, create, set);
    }
    match selector(part) {
        Some(Some((key, pattern))) => matching(node, key, pattern, rest, create, set),
        Some(None) => Err(format!("{part} is not of the form [key=value]")),
        None if part == "*" => {
            let mut count = 0;
            for item in items(node)? {
                count += visit(item, rest, create, set)?;
            }
            Ok(count)
        }
        None => field(node, part, rest, create, set),
    }
}

fn items(node: &mut Node) -> Result<&mut [Node], String> {
    if node.is_null() {
        return Ok(&mut []);
    }
    match &mut node.kind {
        Kind::Seq(items) => Ok(items),
        _ => Err("a list is expected on the way".into()),
    }
}

fn field(node: &mut Node, name: &str, rest: &[String], create: Option<&Kind>, set: Set<'_>) -> Result<usize, String> {
    if node.is_null() {
        return if create.is_some() { Err(format!("{name} cannot be made inside null")) } else { Ok(0) };
    }
    if !node.is_map() {
        return Err(format!("{name} is looked for in something that is not a mapping"));
    }
    if node.get(name).is_none() {
        let Some(kind) = create else { return Ok(0) };
        let pos = node.pos;
        node.set(untagged(name, pos), made(kind, rest, node));
    }
    let field = node.get_mut(name).expect("is there or was just made");
    if matches!(field.kind, Kind::Scalar(_)) && !rest.is_empty() {
        return embedded::inside(field, rest, create, set);
    }
    visit(field, rest, create, set)
}

/// An empty node for what comes next on the path, or for the value itself.
fn made(kind: &Kind, rest: &[String], parent: &Node) -> Node {
    let pos = parent.pos;
    match rest.first() {
        Some(next) if selector(next).is_some() || (next.starts_with('[') && next.ends_with(']')) => Node::seq(pos),
        Some(next) if next.parse::<usize>().is_ok() => Node::seq(pos),
        Some(_) => Node::map(pos),
        None => match kind {
            Kind::Map(_) => Node::map(pos),
            Kind::Seq(_) => Node::seq(pos),
            Kind::Scalar(_) => Node::scalar(Scalar::plain("", Tag::Unset), pos),
        },
    }
}

fn at_index(
    node: &mut Node,
    index: usize,
    rest: &[String],
    create: Option<&Kind>,
    set: Set<'_>,
) -> Result<usize, String> {
    let len = items(node)?.len();
    if let (true, Some(kind)) = (index == len, create) {
        let item = made(kind, rest, node);
        if let Kind::Seq(items) = &mut node.kind {
            items.push(item);
        }
    }
    let items = items(node)?;
    let len = items.len();
    let item = items.get_mut(index).ok_or_else(|| format!("index {index} is given, but there are {len} items"))?;
    visit(item, rest, create, set)
}

fn matching(
    node: &mut Node,
    key: &str,
    pattern: &str,
    rest: &[String],
    create: Option<&Kind>,
    set: Set<'_>,
) -> Result<usize, String> {
    let regex = Regex::new(&go(pattern)).map_err(|_| format!("{pattern:?} is not a regular expression"))?;
    let fits = |item: &Node| {
        let value = if key.is_empty() { Some(item) } else { item.get(key) };
        value.is_some_and(|value| regex.is_match(&written(value)))
    };
    let mut count = 0;
    for item in items(node)?.iter_mut().filter(|item| fits(item)) {
        count += if key.is_empty() { set(item).map(|()| 1)? } else { visit(item, rest, create, set)? };
    }
    if count > 0 || create.is_none() {
        return Ok(count);
    }
    let pos = node.pos;
    let value = Node::scalar(Scalar::plain(pattern, Tag::Unset), pos);
    let mut item = if key.is_empty() {
        value
    } else {
        let mut map = Node::map(pos);
        map.set(untagged(key, pos), value);
        map
    };
    if !fits(&item) {
        return Err(format!("the item [{key}={pattern}] cannot be made: it does not match its own pattern"));
    }
    let count = if key.is_empty() { set(&mut item).map(|()| 1)? } else { visit(&mut item, rest, create, set)? };
    match &mut node.kind {
        Kind::Seq(items) => items.push(item),
        _ => return Err("a list is expected on the way".into()),
    }
    Ok(count)
}

/// A value as YAML writes it: patterns see the quotes.
fn written(node: &Node) -> String {
    let Kind::Scalar(scalar) = &node.kind else { return node.to_json().to_string() };
    let text = scalar.text.as_str();
    match scalar.style {
        Style::Single => format!("'{}'", text.replace('\'', "''")),
        Style::Double => format!("{text:?}"),
        _ if scalar.tag == Tag::Str && tag_of(text) != Tag::Str => format!("\"{text}\""),
        _ => text.trim().to_owned(),
    }
}

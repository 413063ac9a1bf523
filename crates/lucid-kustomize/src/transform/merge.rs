//! Strategic merge, as kyaml's merge2 does it: its results, also where they surprise.
//!
//! Lists with merge keys take the patch's items first; `null` removes; `$patch` directives apply to maps, list items
//! and whole lists. Keys come from Kubernetes 1.21, and kinds that it does not know have none.

use std::collections::BTreeSet;

use lucid_object::yaml::{Entry, Key, Kind, Node, Tag, Text};

use crate::equal_keys;
use crate::schema::{Place, Schema};

mod directive;
mod list;

use directive::Directive;

/// The merge keys of a list: its own if it is merged, none for a list of plain values.
pub(super) type Keys<'k> = Option<&'k [Text]>;

/// What became of the two sides.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The left side, changed in place.
    Left,
    /// The right side takes its place.
    Right,
    /// Neither: the field goes away.
    Gone,
}

/// Merges a patch into an object; false if the object is to be deleted.
///
/// `$patch: replace` for a whole object changes nothing: kyaml makes the replacement, and kustomize does not look at it.
pub(crate) fn merge(target: &mut Node, patch: &mut Node, schema: &Schema) -> Result<bool, String> {
    Ok(!matches!(walk(target, patch, schema.unknown())?, Outcome::Gone))
}

/// The schema of a place: handed down, or found by the kind that stands there.
fn schema_at<'s>(place: Place<'s>, nodes: &[&Node]) -> Place<'s> {
    if place.is_known() {
        return place;
    }
    let found = nodes.iter().find_map(|node| {
        let text = |field| node.get(field).and_then(Node::text).filter(|text| !text.is_empty());
        Some(place.of(text("apiVersion")?, text("kind")?)).filter(|place| place.is_known())
    });
    found.unwrap_or(place)
}

/// Two mappings, or a mapping and a null.
fn walk(left: &mut Node, right: &mut Node, schema: Place<'_>) -> Result<Outcome, String> {
    let schema = schema_at(schema, &[left, right]);
    if left.is_null() {
        return Ok(if right.is_null() || !adopt(right, schema, None, Depth::Top)? {
            Outcome::Gone
        } else {
            Outcome::Right
        });
    }
    if right.is_null() {
        return Ok(Outcome::Gone);
    }
    if !left.is_map() || !right.is_map() {
        return Err("a mapping is merged with something else".into());
    }
    match directive::of_map(right)? {
        Directive::Delete => return Ok(Outcome::Gone),
        Directive::Replace => {
            // A directive that is given twice stays once.
            adopt_fields(right, schema_at(schema, &[right]))?;
            return Ok(Outcome::Right);
        }
        Directive::Merge => {}
    }
    let names: BTreeSet<Text> = left.entries().iter().chain(right.entries()).map(|e| e.key.text.clone()).collect();
    for name in names {
        field(left, right, &name, schema)?;
    }
    Ok(Outcome::Left)
}

/// Merges one field of two mappings.
fn field(left: &mut Node, right: &mut Node, name: &str, schema: Place<'_>) -> Result<(), String> {
    let (below, keys) = schema.step(name);
    let keys = keys.as_deref();
    let at = |error: String| format!("{name}: {error}");
    match (left.get(name).is_some(), right.get(name).is_some()) {
        (true, true) => {
            let old = left.get_mut(name).expect("is there");
            let new = right.get_mut(name).expect("is there");
            match value(old, new, below, keys).map_err(at)? {
                Outcome::Left => {}
                Outcome::Gone => {
                    left.remove(name);
                }
                Outcome::Right => replace(old, new),
            }
        }
        (true, false) => {
            if !keep(left.get_mut(name).expect("is there"), below, keys).map_err(at)? {
                left.remove(name);
            }
        }
        (false, _) => {
            let Some(entry) = right.entry(name) else { return Ok(()) };
            let (key, mut added) = (entry.key.clone(), entry.value.clone());
            if adopt(&mut added, below, keys, Depth::Top).map_err(at)? {
                append(left, key, added);
            }
        }
    }
    Ok(())
}

fn append(map: &mut Node, key: Key, value: Node) {
    if let Kind::Map(entries) = &mut map.kind {
        entries.push(Entry { key, value });
    }
}

/// A new value in an old place: scalars take over the old quotes.
///
/// The patch keeps its own, because items of lists are looked up in it again.
fn replace(old: &mut Node, new: &Node) {
    let mut new = new.clone();
    if let (Kind::Scalar(old), Kind::Scalar(new)) = (&old.kind, &mut new.kind) {
        let same = old.text == new.text && old.tag == new.tag;
        new.style = old.style;
        new.share = old.share;
        if same {
            // What a patch repeats, to say which object or item it means, it does not set.
            return;
        }
    }
    *old = new;
}

/// Two values of one field.
fn value(left: &mut Node, right: &mut Node, schema: Place<'_>, keys: Keys<'_>) -> Result<Outcome, String> {
    let shape = if left.is_null() { &right.kind } else { &left.kind };
    match shape {
        Kind::Map(_) => walk(left, right, schema),
        Kind::Seq(_) => {
            if [&*left, &*right].iter().any(|node| !node.is_null() && !node.is_seq()) {
                return Err("a list is merged with something else".into());
            }
            match keys {
                Some(keys) => list::merge(left, right, schema, keys),
                None if right.is_null() => Ok(Outcome::Gone),
                None => Ok(Outcome::Right),
            }
        }
        Kind::Scalar(_) if left.is_null() && right.is_null() => Ok(Outcome::Gone),
        Kind::Scalar(_) => {
            if [&*left, &*right].iter().any(|node| !matches!(node.kind, Kind::Scalar(_))) {
                return Err("a plain value is merged with something else".into());
            }
            Ok(if right.is_null() { Outcome::Gone } else { Outcome::Right })
        }
    }
}

/// What happens to a value that the patch does not mention: merged lists lose items without keys, and an empty value
/// goes away where an explicit null stays.
pub(super) fn keep(node: &mut Node, schema: Place<'_>, keys: Keys<'_>) -> Result<bool, String> {
    let schema = schema_at(schema, &[node]);
    match &mut node.kind {
        Kind::Scalar(scalar) => Ok(scalar.tag != Tag::Null || !scalar.text.is_empty()),
        Kind::Seq(_) => match keys {
            Some(keys) => list::keep(node, schema, keys),
            None => Ok(true),
        },
        Kind::Map(entries) => retain(entries, |entry| {
            let (below, keys) = schema.step(&entry.key.text);
            keep(&mut entry.value, below, keys.as_deref())
        }),
    }
}

/// Keeps the entries of a mapping that a rule keeps. Of equal keys, only the first is looked at.
fn retain(entries: &mut Vec<Entry>, mut keeps: impl FnMut(&mut Entry) -> Result<bool, String>) -> Result<bool, String> {
    let repeated = equal_keys::repeated(entries);
    let (mut index, mut error) = (0, None);
    entries.retain_mut(|entry| {
        index += 1;
        if repeated.contains(&(index - 1)) {
            return true;
        }
        keeps(entry).unwrap_or_else(|message| {
            error = Some(message);
            true
        })
    });
    error.map_or(Ok(true), Err)
}

/// Where a value that the patch adds stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// It is itself what is added: kyaml does not look for directives that are unknown, or in a list.
    Top,
    /// Inside of that.
    Below,
}

/// What happens to a value that the patch adds: directives are carried out, nulls dropped. False if nothing is left.
pub(super) fn adopt(node: &mut Node, schema: Place<'_>, keys: Keys<'_>, depth: Depth) -> Result<bool, String> {
    let schema = schema_at(schema, &[node]);
    match &mut node.kind {
        Kind::Scalar(scalar) => Ok(scalar.tag != Tag::Null),
        Kind::Seq(_) => match keys {
            Some(keys) => list::adopt(node, schema, keys, depth),
            None => Ok(true),
        },
        Kind::Map(_) => {
            match directive::of_map(node) {
                Ok(Directive::Delete) => return Ok(false),
                Err(error) if depth == Depth::Below => return Err(error),
                _ => {}
            }
            adopt_fields(node, schema)
        }
    }
}

fn adopt_fields(node: &mut Node, schema: Place<'_>) -> Result<bool, String> {
    let Kind::Map(entries) = &mut node.kind else { return Ok(true) };
    retain(entries, |entry| {
        let (below, keys) = schema.step(&entry.key.text);
        adopt(&mut entry.value, below, keys.as_deref(), Depth::Below)
    })
}

#[cfg(test)]
mod tests;

//! Keys that stand twice in a mapping, and merge keys.

use std::collections::HashSet;

use super::ParseError;
use crate::yaml::Text;
use crate::yaml::node::{Entry, Key, Kind, Node};
use crate::yaml::scalar::{Style, Tag, plain};

pub(super) fn refuse_duplicates(entries: &[Entry]) -> Result<(), ParseError> {
    let repeated = if entries.len() <= 16 {
        (1..entries.len()).find(|&i| entries[..i].iter().any(|e| e.key.text == entries[i].key.text))
    } else {
        let mut seen = HashSet::with_capacity(entries.len());
        entries.iter().position(|e| !seen.insert(e.key.text.as_str()))
    };
    let Some(second) = repeated else { return Ok(()) };
    let key = &entries[second].key;
    let first = entries.iter().find(|e| e.key.text == key.text).map_or(0, |e| e.key.pos.line);
    let message = format!("key {:?} is already defined at line {first}", key.text);
    Err(ParseError { pos: key.pos, message })
}

pub(super) fn keep_last(entries: &mut Vec<Entry>) {
    let mut seen = HashSet::with_capacity(entries.len());
    let keep: Vec<bool> = entries.iter().rev().map(|e| seen.insert(e.key.text.clone())).collect();
    let mut keep = keep.into_iter().rev();
    entries.retain(|_| keep.next().unwrap_or(true));
}

/// Applies `<<`: own keys win, then earlier sources. `flow` says that the mapping stands in braces, `top` that it may be
/// an object.
pub(super) fn merge(entries: &mut Vec<Entry>, flow: bool, top: bool) -> Result<(), ParseError> {
    let mut places = entries.iter().enumerate().filter(|(_, e)| e.key.tag == Tag::Merge);
    let Some((index, _)) = places.next() else { return Ok(()) };
    if let Some((_, second)) = places.next() {
        return Err(ParseError { pos: second.key.pos, message: "a mapping has two merge keys".into() });
    }
    let Entry { key, value } = entries.remove(index);
    let sources = match value.kind {
        Kind::Map(_) => vec![value],
        Kind::Seq(items) if items.iter().all(Node::is_map) => items,
        _ => {
            let message = "a merge key needs a mapping or a list of mappings".into();
            return Err(ParseError { pos: key.pos, message });
        }
    };
    for source in sources {
        let Kind::Map(fields) = source.kind else { continue };
        let nulls = null_keys(&fields);
        let last_null = fields.iter().rposition(|field| field.key.tag == Tag::Null);
        for (index, mut field) in fields.into_iter().enumerate() {
            if field.key.tag == Tag::Unset {
                if last_null.is_some_and(|last| index < last) {
                    continue;
                }
                return Err(ParseError { pos: field.key.pos, message: "a mapping key must be a scalar".into() });
            }
            if field.key.tag == Tag::Null && !pass_over(&mut field.key, &nulls, top) {
                let message = format!("the key {} is not a string", field.key.text);
                return Err(ParseError { pos: field.key.pos, message });
            }
            if !entries.iter().any(|e| e.key.text == field.key.text) {
                // An empty value is special only inside brackets, which it has left.
                if let Kind::Scalar(scalar) = &mut field.value.kind
                    && scalar.tag == Tag::Null
                    && !flow
                {
                    scalar.style = Style::Plain;
                }
                entries.push(field);
            }
        }
    }
    Ok(())
}

fn null_keys(fields: &[Entry]) -> Vec<Text> {
    fields.iter().filter(|field| field.key.tag == Tag::Null).map(|field| field.key.text.clone()).collect()
}

/// Where a null key of a merge comes to the top of an object, go-yaml leaves it out, as it does there with any empty one:
/// that is what it becomes. Twice in a mapping, or further down, it is an error.
fn pass_over(key: &mut Key, nulls: &[Text], top: bool) -> bool {
    let is_single = nulls.iter().filter(|text| **text == key.text).count() == 1;
    if plain(&key.text).0 == Tag::Null {
        if !top || !is_single {
            return false;
        }
        key.text = Text::default();
    }
    true
}

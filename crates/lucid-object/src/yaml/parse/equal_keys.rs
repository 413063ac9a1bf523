//! Keys that stand twice in a mapping, and merge keys.

use std::collections::HashSet;

use super::ParseError;
use crate::yaml::node::{Entry, Kind, Node};
use crate::yaml::scalar::Tag;

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

/// Applies `<<`: own keys win, then earlier sources.
pub(super) fn merge(entries: &mut Vec<Entry>) -> Result<(), ParseError> {
    let Some(index) = entries.iter().position(|e| e.key.tag == Tag::Merge) else { return Ok(()) };
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
        for field in fields {
            if !entries.iter().any(|e| e.key.text == field.key.text) {
                entries.push(field);
            }
        }
    }
    Ok(())
}

//! Keys that stand more than once in a mapping. kustomize keeps them until it writes or reads JSON.

use std::collections::HashSet;

use lucid_object::yaml::{Entry, Kind, Node};

use crate::read::Flaw;
use crate::report::code;

/// Places of the entries whose key stands earlier in the mapping as well.
pub(crate) fn repeated(entries: &[Entry]) -> Vec<usize> {
    if entries.len() <= 16 {
        let stands_earlier =
            |index: &usize| entries[..*index].iter().any(|known| known.key.text == entries[*index].key.text);
        return (1..entries.len()).filter(stands_earlier).collect();
    }
    let mut seen = HashSet::with_capacity(entries.len());
    (0..entries.len()).filter(|index| !seen.insert(entries[*index].key.text.as_str())).collect()
}

/// What is wrong with a mapping that has a key twice.
pub(crate) fn check(entries: &[Entry]) -> Result<(), Flaw> {
    let Some(&second) = repeated(entries).first() else { return Ok(()) };
    let key = &entries[second].key;
    let first = entries.iter().find(|entry| entry.key.text == key.text).map_or(0, |entry| entry.key.pos.line);
    let message = format!("invalid YAML: key {:?} is already defined at line {first}", key.text);
    Err(Flaw::new(code::INVALID_YAML, key.pos, message))
}

/// The same for all mappings of a tree.
pub(crate) fn check_all(node: &Node) -> Result<(), Flaw> {
    match &node.kind {
        Kind::Scalar(_) => Ok(()),
        Kind::Seq(items) => items.iter().try_for_each(check_all),
        Kind::Map(entries) => {
            check(entries)?;
            entries.iter().try_for_each(|entry| check_all(&entry.value))
        }
    }
}

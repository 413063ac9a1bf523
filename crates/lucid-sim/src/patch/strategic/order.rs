//! The order of merged lists: that of the patch, with the object's own items where they were before.

use serde_json::Value;

use super::{Error, no_merge_key};
use crate::go;

/// What stands for an item where lists are compared.
fn name<'v>(item: &'v Value, key: Option<&str>) -> &'v Value {
    const NONE: &Value = &Value::Null;
    key.map_or(item, |key| item.get(key).unwrap_or(NONE))
}

fn index(list: &[Value], item: &Value, key: Option<&str>) -> Option<usize> {
    list.iter().position(|other| name(other, key) == name(item, key))
}

/// The merged items as the patch orders them; those that it does not name keep their places among them.
pub(super) fn arrange(
    merged: Vec<Value>,
    wanted: &[Value],
    before: &[Value],
    key: Option<&str>,
) -> Result<Vec<Value>, Error> {
    if let Some(key) = key
        && let Some(item) = merged.iter().chain(wanted).find(|item| item.get(key).is_none())
    {
        return Err(no_merge_key(item, key));
    }
    let (mut patched, mut own): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|item| index(wanted, item, key).is_some());
    patched.sort_by_key(|item| index(wanted, item, key));
    own.sort_by_key(|item| index(before, item, key));
    let mut out = Vec::with_capacity(patched.len() + own.len());
    let (mut patched, mut own) = (patched.into_iter().peekable(), own.into_iter().peekable());
    while let (Some(left), Some(right)) = (own.peek(), patched.peek()) {
        let first = match (index(before, left, key), index(before, right, key)) {
            (Some(left), Some(right)) => left < right,
            _ => false,
        };
        out.extend(if first { own.next() } else { patched.next() });
    }
    out.extend(patched);
    out.extend(own);
    Ok(out)
}

/// The items of a patch must be named in the order that it gives.
pub(super) fn agree(patch: &[Value], order: &[Value], key: Option<&str>) -> Result<(), Error> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let directive = |item: &&Value| item.get(super::DIRECTIVE).is_some();
    let mut wanted = order.iter();
    for item in patch.iter().filter(|item| !directive(item)) {
        if let Some(key) = key
            && item.get(key).is_none()
        {
            return Err(no_merge_key(item, key));
        }
        if !wanted.any(|other| name(other, key) == name(item, key)) {
            let why = format!(
                "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                go::plain(&patch.to_vec().into()),
                go::plain(&order.to_vec().into())
            );
            return Err(Error::Other(why));
        }
    }
    Ok(())
}

/// Each value once.
pub(super) fn distinct(list: &mut Vec<Value>) {
    let mut seen: Vec<Value> = Vec::new();
    list.retain(|item| {
        let new = !seen.contains(item);
        if new {
            seen.push(item.clone());
        }
        new
    });
}

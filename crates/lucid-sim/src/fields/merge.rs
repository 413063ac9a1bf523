//! Merging an applied configuration into the live object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::fields::path;
use crate::schema::{Topology, TypeRef};

/// `live` with everything that `config` says; what `config` leaves out stays. The configuration has no duplicate items.
pub(crate) fn merge(live: &Value, config: &Value, ty: TypeRef<'_>) -> Value {
    both(Some(live), Some(config), ty).unwrap_or(Value::Null)
}

fn both(live: Option<&Value>, config: Option<&Value>, ty: TypeRef<'_>) -> Option<Value> {
    let (Some(old), Some(new)) = (live, config) else {
        return config.or(live).cloned();
    };
    match ty.topology() {
        Topology::Scalar | Topology::Atomic => Some(new.clone()),
        Topology::Granular => maps(old, new, ty),
        Topology::Deduced if old.is_object() && new.is_object() => maps(old, new, ty),
        Topology::Deduced => Some(new.clone()),
        list @ (Topology::Set | Topology::Keyed(_)) => lists(old, new, ty, &list),
    }
}

fn maps(old: &Value, new: &Value, ty: TypeRef<'_>) -> Option<Value> {
    let empty = Map::new();
    let (old_map, new_map) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
    if old_map.is_empty() && new_map.is_empty() {
        return Some(new.clone());
    }
    let mut out = old_map.clone();
    for (key, value) in new_map {
        let field = ty.field(key).unwrap_or(TypeRef::Unknown);
        if let Some(merged) = both(old_map.get(key), Some(value), field) {
            out.insert(key.clone(), merged);
        }
    }
    Some(Value::Object(out))
}

fn lists(old: &Value, new: &Value, ty: TypeRef<'_>, topology: &Topology) -> Option<Value> {
    let items = ty.items();
    let old_items = named(old, topology, items);
    let new_items = named(new, topology, items);
    if old_items.is_empty() && new_items.is_empty() {
        return Some(new.clone());
    }
    let old_at = unique(&old_items);
    let new_at = unique(&new_items);
    let merged = order(&old_items, &new_items, &old_at, &new_at).into_iter().filter_map(|step| match step {
        Step::Keep(at) => Some(old_items[at].1.clone()),
        Step::Merge(element) => {
            both(old_at.get(element).copied().flatten(), new_at.get(element).copied().flatten(), items)
        }
    });
    Some(Value::Array(merged.collect()))
}

type Named<'v> = Vec<(String, &'v Value)>;

fn named<'v>(list: &'v Value, topology: &Topology, items: TypeRef<'_>) -> Named<'v> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|value| Some((path::item(topology, items, value).ok()?, value))).collect()
}

/// Items by name; a name that occurs twice has no item to merge with.
fn unique<'a, 'v>(items: &'a Named<'v>) -> BTreeMap<&'a str, Option<&'v Value>> {
    let mut out = BTreeMap::new();
    for (element, value) in items {
        out.entry(element.as_str()).and_modify(|at| *at = None).or_insert(Some(*value));
    }
    out
}

enum Step<'a> {
    /// Take the live item at this index as it is.
    Keep(usize),
    Merge(&'a str),
}

/// The order of the result: shared items in the order of the configuration, live items between their neighbours.
fn order<'a>(
    old: &'a Named<'_>,
    new: &'a Named<'_>,
    in_old: &BTreeMap<&str, Option<&Value>>,
    in_new: &BTreeMap<&str, Option<&Value>>,
) -> Vec<Step<'a>> {
    let mut shared = new.iter().map(|(name, _)| name.as_str()).filter(|name| in_old.contains_key(name));
    let mut next = shared.next();
    let mut merged = BTreeSet::new();
    let mut out = Vec::new();
    let (mut l, mut r) = (0, 0);
    while l < old.len() || r < new.len() {
        if l < old.len() && r < new.len() {
            let name = old[l].0.as_str();
            if name == new[r].0 {
                merged.insert(name);
                out.push(Step::Merge(name));
                (l, r) = (l + 1, r + 1);
                next = shared.next();
                continue;
            }
            if in_new.contains_key(name) && next.is_some_and(|next| next != name) {
                l += 1;
                continue;
            }
        }
        if l < old.len() {
            let name = old[l].0.as_str();
            if !in_new.contains_key(name) {
                out.push(Step::Keep(l));
                l += 1;
                continue;
            } else if merged.contains(name) {
                l += 1;
            }
        }
        if r < new.len() {
            let name = new[r].0.as_str();
            merged.insert(name);
            out.push(Step::Merge(name));
            r += 1;
            if next == Some(name) {
                next = shared.next();
            }
        }
    }
    out
}

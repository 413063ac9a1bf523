//! What differs between two versions of an object, as sets of field paths.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::fields::path;
use crate::fields::set::FieldSet;
use crate::schema::{Topology, TypeRef};

/// The paths that a change adds, modifies and removes.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) added: FieldSet,
    pub(crate) modified: FieldSet,
    pub(crate) removed: FieldSet,
}

impl Comparison {
    pub(crate) fn without(self, ignored: &FieldSet) -> Self {
        if ignored.is_empty() {
            return self;
        }
        Self {
            added: self.added.recursive_difference(ignored),
            modified: self.modified.recursive_difference(ignored),
            removed: self.removed.recursive_difference(ignored),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }

    pub(crate) fn changed(&self) -> FieldSet {
        self.modified.clone().union(&self.added)
    }
}

pub(crate) fn compare(old: &Value, new: &Value, ty: TypeRef<'_>) -> Comparison {
    let mut walk = Walk { path: Vec::new(), out: Comparison::default() };
    walk.both(Some(old), Some(new), ty);
    walk.out
}

struct Walk {
    path: Vec<String>,
    out: Comparison,
}

impl Walk {
    fn both(&mut self, old: Option<&Value>, new: Option<&Value>, ty: TypeRef<'_>) {
        if old == new {
            return;
        }
        let leaf = match ty.topology() {
            Topology::Scalar | Topology::Atomic => true,
            Topology::Granular => self.maps(old, new, ty),
            Topology::Deduced => self.deduced(old, new, ty),
            list @ (Topology::Set | Topology::Keyed(_)) => self.lists(old, new, ty, &list),
        };
        match (old, new) {
            (None, Some(_)) => self.out.added.insert(&self.path),
            (Some(_), None) => self.out.removed.insert(&self.path),
            (Some(_), Some(_)) if leaf => self.out.modified.insert(&self.path),
            _ => {}
        }
    }

    fn deduced(&mut self, old: Option<&Value>, new: Option<&Value>, ty: TypeRef<'_>) -> bool {
        let is_map = |value: Option<&Value>| value.is_none_or(Value::is_object);
        if is_map(old) && is_map(new) { self.maps(old, new, ty) } else { true }
    }

    /// Descends; `true` when both sides are empty, which makes the place a leaf.
    fn maps(&mut self, old: Option<&Value>, new: Option<&Value>, ty: TypeRef<'_>) -> bool {
        let empty = Map::new();
        let old = old.and_then(Value::as_object).unwrap_or(&empty);
        let new = new.and_then(Value::as_object).unwrap_or(&empty);
        if old.is_empty() && new.is_empty() {
            return true;
        }
        for (key, value) in old {
            let other = new.get(key);
            // Most are, and need no path.
            if other != Some(value) {
                self.field(key, Some(value), other, ty);
            }
        }
        for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
            self.field(key, None, Some(value), ty);
        }
        false
    }

    fn field(&mut self, key: &str, old: Option<&Value>, new: Option<&Value>, ty: TypeRef<'_>) {
        self.path.push(path::field(key));
        self.both(old, new, ty.field(key).unwrap_or(TypeRef::Unknown));
        self.path.pop();
    }

    fn lists(&mut self, old: Option<&Value>, new: Option<&Value>, ty: TypeRef<'_>, topology: &Topology) -> bool {
        let items = ty.items();
        let old = index(old, topology, items);
        let new = index(new, topology, items);
        if old.is_empty() && new.is_empty() {
            return true;
        }
        for (element, values) in &old {
            self.item(element, values, new.get(element).map_or(&[], Vec::as_slice), items);
        }
        for (element, values) in new.iter().filter(|(element, _)| !old.contains_key(*element)) {
            self.item(element, &[], values, items);
        }
        false
    }

    /// Items that share a name are compared, and owned, as one leaf.
    fn item(&mut self, element: &str, old: &[&Value], new: &[&Value], items: TypeRef<'_>) {
        self.path.push(element.to_owned());
        match (old.len(), new.len()) {
            (0 | 1, 0 | 1) => self.both(old.first().copied(), new.first().copied(), items),
            (2.., 2..) => {
                if old != new {
                    self.out.modified.insert(&self.path);
                }
            }
            (2.., _) => {
                if let Some(one) = new.first() {
                    self.both(None, Some(one), items);
                }
                self.out.removed.insert(&self.path);
            }
            _ => {
                if let Some(one) = old.first() {
                    self.both(Some(one), None, items);
                }
                self.out.added.insert(&self.path);
            }
        }
        self.path.pop();
    }
}

fn index<'v>(list: Option<&'v Value>, topology: &Topology, items: TypeRef<'_>) -> BTreeMap<String, Vec<&'v Value>> {
    let mut out: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for value in list.and_then(Value::as_array).into_iter().flatten() {
        if let Ok(element) = path::item(topology, items, value) {
            out.entry(element).or_default().push(value);
        }
    }
    out
}

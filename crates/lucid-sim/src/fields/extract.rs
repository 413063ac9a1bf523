//! The field paths that an object sets.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fields::path;
use crate::fields::set::FieldSet;
use crate::schema::{Topology, TypeRef};

pub(crate) fn extract(object: &Value, ty: TypeRef<'_>) -> FieldSet {
    let mut walk = Walk { path: Vec::new(), set: FieldSet::default() };
    walk.value(object, ty);
    walk.set
}

struct Walk {
    path: Vec<String>,
    set: FieldSet,
}

impl Walk {
    fn value(&mut self, value: &Value, ty: TypeRef<'_>) {
        match ty.topology() {
            Topology::Scalar | Topology::Atomic => self.set.insert(&self.path),
            Topology::Granular => self.map(value, ty),
            Topology::Deduced if value.is_object() => self.map(value, ty),
            Topology::Deduced => self.set.insert(&self.path),
            list @ (Topology::Set | Topology::Keyed(_)) => self.list(value, ty, &list),
        }
    }

    fn map(&mut self, value: &Value, ty: TypeRef<'_>) {
        for (key, value) in value.as_object().into_iter().flatten() {
            self.path.push(path::field(key));
            self.value(value, ty.field(key).unwrap_or(TypeRef::Unknown));
            let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
            if empty || !ty.declares(key) {
                self.set.insert(&self.path);
            }
            self.path.pop();
        }
    }

    fn list(&mut self, value: &Value, ty: TypeRef<'_>, topology: &Topology) {
        let items = ty.items();
        let named = value.as_array().into_iter().flatten();
        let named: Vec<(String, &Value)> =
            named.filter_map(|value| Some((path::item(topology, items, value).ok()?, value))).collect();
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (element, _) in &named {
            *seen.entry(element).or_default() += 1;
        }
        for (element, value) in &named {
            self.path.push(element.clone());
            if seen[element.as_str()] == 1 {
                self.value(value, items);
            }
            self.set.insert(&self.path);
            self.path.pop();
        }
    }
}

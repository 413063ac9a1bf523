//! A set of field paths, kept as the trie that `fieldsV1` is on the wire.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::{Map, Value};

/// Paths of an object. Elements are in wire form: `f:name`, `k:{"name":"x"}`, `v:"x"`, `i:0`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FieldSet {
    nodes: BTreeMap<String, Node>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Node {
    member: bool,
    children: FieldSet,
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }

    fn to_json(&self) -> Value {
        let mut value = self.children.to_json();
        mark(&mut value, self.member);
        value
    }
}

impl FieldSet {
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(crate) fn of(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            set.insert(path);
        }
        set
    }

    pub(crate) fn insert<S: AsRef<str>>(&mut self, path: &[S]) {
        let Some((first, rest)) = path.split_first() else { return };
        let node = match self.nodes.get_mut(first.as_ref()) {
            Some(node) => node,
            None => self.nodes.entry(first.as_ref().to_owned()).or_default(),
        };
        if rest.is_empty() { node.member = true } else { node.children.insert(rest) }
    }

    pub(crate) fn has(&self, element: &str) -> bool {
        self.nodes.get(element).is_some_and(|node| node.member)
    }

    pub(crate) fn child(&self, element: &str) -> Option<&Self> {
        self.nodes.get(element).map(|node| &node.children).filter(|children| !children.is_empty())
    }

    pub(crate) fn union(mut self, other: &Self) -> Self {
        for (element, theirs) in &other.nodes {
            match self.nodes.entry(element.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(theirs.clone());
                }
                Entry::Occupied(mut entry) => {
                    let ours = entry.get_mut();
                    ours.member |= theirs.member;
                    ours.children = std::mem::take(&mut ours.children).union(&theirs.children);
                }
            }
        }
        self
    }

    /// Without the paths of `other`; what lies below such a path stays.
    pub(crate) fn difference(mut self, other: &Self) -> Self {
        if other.is_empty() {
            return self;
        }
        self.nodes.retain(|element, ours| {
            if let Some(theirs) = other.nodes.get(element) {
                ours.member &= !theirs.member;
                ours.children = std::mem::take(&mut ours.children).difference(&theirs.children);
            }
            !ours.is_empty()
        });
        self
    }

    /// Without the paths of `other` and all that lies below them.
    pub(crate) fn recursive_difference(mut self, other: &Self) -> Self {
        self.nodes.retain(|element, ours| {
            if let Some(theirs) = other.nodes.get(element) {
                if theirs.member {
                    return false;
                }
                ours.children = std::mem::take(&mut ours.children).recursive_difference(&theirs.children);
            }
            !ours.is_empty()
        });
        self
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let mut nodes = BTreeMap::new();
        for (element, ours) in &self.nodes {
            if let Some(theirs) = other.nodes.get(element) {
                let member = ours.member && theirs.member;
                let node = Node { member, children: ours.children.intersection(&theirs.children) };
                if !node.is_empty() {
                    nodes.insert(element.clone(), node);
                }
            }
        }
        Self { nodes }
    }

    /// The same set with each declared field that only has children made a member too.
    pub(crate) fn with_named_fields(&self, ty: crate::schema::TypeRef<'_>) -> Self {
        let nodes = self.nodes.iter().map(|(element, node)| {
            let name = element.strip_prefix("f:");
            let below = match name {
                Some(name) => ty.field(name).unwrap_or(crate::schema::TypeRef::Unknown),
                None => ty.items(),
            };
            let named = name.is_some_and(|name| ty.declares(name)) && !node.children.is_empty();
            let node = Node { member: node.member || named, children: node.children.with_named_fields(below) };
            (element.clone(), node)
        });
        Self { nodes: nodes.collect() }
    }

    /// Every path: the members of a level before what lies below them, as the server lists conflicts.
    pub(crate) fn paths(&self) -> Vec<Vec<String>> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, prefix: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
        for (element, _) in self.nodes.iter().filter(|(_, node)| node.member) {
            prefix.push(element.clone());
            out.push(prefix.clone());
            prefix.pop();
        }
        for (element, node) in &self.nodes {
            prefix.push(element.clone());
            node.children.collect(prefix, out);
            prefix.pop();
        }
    }

    /// Takes the paths from a set in its wire form; what lies below them stays.
    pub(crate) fn take_from(&self, wire: &mut Value) {
        let Some(wire) = wire.as_object_mut() else { return };
        for (element, node) in &self.nodes {
            let Some(found) = wire.get_mut(element) else { continue };
            let stays = is_member(found) && !node.member;
            node.children.take_from(found);
            if !mark(found, stays) {
                wire.remove(element);
            }
        }
    }

    /// Adds the paths to a set in its wire form.
    pub(crate) fn add_to(&self, wire: &mut Value) {
        let Some(wire) = wire.as_object_mut() else { return };
        for (element, node) in &self.nodes {
            match wire.get_mut(element) {
                None => {
                    wire.insert(element.clone(), node.to_json());
                }
                Some(found) => {
                    let is_one = is_member(found) || node.member;
                    node.children.add_to(found);
                    mark(found, is_one);
                }
            }
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        Value::Object(self.nodes.iter().map(|(element, node)| (element.clone(), node.to_json())).collect())
    }

    pub(crate) fn from_json(value: &Value) -> Self {
        let Some(map) = value.as_object() else { return Self::default() };
        let node = |(element, below): (&String, &Value)| {
            let node = Node { member: is_member(below), children: Self::from_json(below) };
            (element.clone(), node)
        };
        Self { nodes: map.iter().filter(|(element, _)| *element != ".").map(node).collect() }
    }
}

/// A path ends where nothing lies below, or where the wire form says so.
fn is_member(below: &Value) -> bool {
    below.as_object().is_none_or(Map::is_empty) || below.get(".").is_some()
}

/// Writes down whether a path ends here, which goes without saying where nothing lies below. False if it does not, and
/// nothing does.
fn mark(below: &mut Value, is_member: bool) -> bool {
    let Some(below) = below.as_object_mut() else { return is_member };
    below.remove(".");
    let has_more = !below.is_empty();
    if is_member && has_more {
        below.insert(".".into(), Value::Object(Map::new()));
    }
    is_member || has_more
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets of up to three levels of two names.
    fn sets() -> Vec<FieldSet> {
        let paths: [&[&str]; 6] = [&["a"], &["b"], &["a", "a"], &["a", "b"], &["a", "a", "a"], &["b", "a"]];
        let chosen = |bits: usize| (0..paths.len()).filter(move |index| bits >> index & 1 == 1);
        (0..1 << paths.len())
            .map(|bits| FieldSet::of(&chosen(bits).map(|index| paths[index]).collect::<Vec<_>>()))
            .collect()
    }

    #[test]
    fn on_the_wire_as_in_memory() {
        let sets = sets();
        for (a, b) in sets.iter().flat_map(|a| sets.iter().map(move |b| (a, b))) {
            let (mut less, mut more) = (a.to_json(), a.to_json());
            b.take_from(&mut less);
            b.add_to(&mut more);
            assert_eq!((less, more), (a.clone().difference(b).to_json(), a.clone().union(b).to_json()));
            assert_eq!(FieldSet::from_json(&a.to_json()), *a);
        }
    }
}

//! Lists whose items are merged by key, step for step as kyaml does it.
//!
//! Items are held in an arena and lists are lists of their indices, because kyaml changes an item in one list while
//! others still refer to it.

use lucid_object::yaml::{Key, Kind, Node, Scalar, Tag, Text};

use super::directive::{self, Directive};
use super::{Depth, Outcome, adopt as adopt_item, keep as keep_item, value};
use crate::schema::Place;

type Keys = [Text];

/// Merges the items of two lists.
pub(super) fn merge(left: &mut Node, right: &mut Node, schema: Place<'_>, keys: &Keys) -> Result<Outcome, String> {
    if left.is_null() {
        return Ok(if adopt(right, schema, keys, Depth::Top)? { Outcome::Right } else { Outcome::Gone });
    }
    if right.is_null() {
        return Ok(Outcome::Gone);
    }
    match directive::of_list(right)? {
        Directive::Delete => return Ok(Outcome::Gone),
        Directive::Replace => {
            return Ok(if run(right, None, schema, keys, Side::Added)? { Outcome::Right } else { Outcome::Gone });
        }
        Directive::Merge => {}
    }
    Ok(if run(left, Some(right), schema, keys, Side::Both)? { Outcome::Left } else { Outcome::Gone })
}

/// A list that only the target has.
pub(super) fn keep(node: &mut Node, schema: Place<'_>, keys: &Keys) -> Result<bool, String> {
    run(node, None, schema, keys, Side::Kept)
}

/// A list that only the patch has.
pub(super) fn adopt(node: &mut Node, schema: Place<'_>, keys: &Keys, depth: Depth) -> Result<bool, String> {
    if depth == Depth::Below && directive::of_list(node)? == Directive::Delete {
        return Ok(false);
    }
    run(node, None, schema, keys, Side::Added)
}

/// Which lists there are: both, the target's alone, or the patch's alone (which then is merged with itself).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Both,
    Kept,
    Added,
}

struct Arena<'s> {
    nodes: Vec<Node>,
    left: Vec<usize>,
    right: Vec<usize>,
    side: Side,
    schema: Place<'s>,
}

fn run(left: &mut Node, right: Option<&mut Node>, schema: Place<'_>, keys: &Keys, side: Side) -> Result<bool, String> {
    let take = |node: &mut Node| match &mut node.kind {
        Kind::Seq(items) => std::mem::take(items),
        _ => Vec::new(),
    };
    let mut nodes = take(left);
    let left_ids: Vec<usize> = (0..nodes.len()).collect();
    nodes.extend(right.map(take).unwrap_or_default());
    let right_ids = (left_ids.len()..nodes.len()).collect();
    let mut arena = Arena { nodes, left: left_ids, right: right_ids, side, schema };
    let items = if keys.is_empty() { arena.plain_values()? } else { arena.by_keys(keys)? };
    let Arena { nodes, .. } = arena;
    if let Kind::Seq(list) = &mut left.kind {
        *list = items.into_iter().map(|id| nodes[id].clone()).collect();
    }
    Ok(true)
}

impl Arena<'_> {
    /// Both lists in the order in which values are looked at: the patch's first.
    fn sources(&self) -> Vec<usize> {
        match self.side {
            Side::Both => self.right.iter().chain(&self.left).copied().collect(),
            Side::Kept | Side::Added => self.left.clone(),
        }
    }

    fn by_keys(&mut self, keys: &Keys) -> Result<Vec<usize>, String> {
        let mut values: Vec<Vec<Text>> = Vec::new();
        for id in self.sources() {
            let of_item: Vec<Text> = keys.iter().map(|key| text_of(&self.nodes[id], key)).collect();
            if !values.contains(&of_item) {
                values.push(of_item);
            }
        }
        self.set_elements(values, keys)
    }

    fn plain_values(&mut self) -> Result<Vec<usize>, String> {
        let mut values: Vec<Vec<Text>> = Vec::new();
        for id in self.sources() {
            let text = vec![self.nodes[id].text().map(Text::from).unwrap_or_default()];
            if !values.contains(&text) {
                values.push(text);
            }
        }
        self.set_elements(values, &[Text::default()])
    }

    fn set_elements(&mut self, mut values: Vec<Vec<Text>>, keys: &Keys) -> Result<Vec<usize>, String> {
        if keys.len() > 1 {
            complete(&mut values);
        }
        let used: Vec<bool> = (0..keys.len()).map(|i| values.iter().any(|v| !v[i].is_empty())).collect();
        let any = used.iter().any(|used| *used);
        let valid_keys: Vec<Text> =
            keys.iter().zip(&used).filter(|(_, used)| !any || **used).map(|(k, _)| k.clone()).collect();
        let mut items: Vec<usize> = Vec::new();
        for of_item in &values {
            let valid: Vec<Text> =
                of_item.iter().zip(&used).filter(|(_, used)| !any || **used).map(|(v, _)| v.clone()).collect();
            let merged = self.merge_element(&valid_keys, &valid)?;
            match merged.filter(|id| !is_empty_map(&self.nodes[*id])) {
                Some(id) => {
                    self.complete_keys(id, &valid_keys, &valid)?;
                    self.set(&mut items, Some(id), &valid_keys, &valid)?;
                }
                None => {
                    let mut left = std::mem::take(&mut self.left);
                    self.set(&mut left, None, &valid_keys, &valid)?;
                    self.left = left;
                }
            }
        }
        if !values.is_empty() {
            self.append_rest(&mut items, &valid_keys)?;
        }
        Ok(items)
    }

    /// Merges the items of both lists that have these values; an empty value does not count.
    fn merge_element(&mut self, keys: &Keys, values: &[Text]) -> Result<Option<usize>, String> {
        let given: Vec<(&str, &Text)> = if values.iter().all(|value| value.is_empty()) {
            keys.iter().map(Text::as_str).zip(values).collect()
        } else {
            keys.iter().map(Text::as_str).zip(values).filter(|(_, value)| !value.is_empty()).collect()
        };
        let left = self.left.iter().copied().find(|id| matches(&self.nodes[*id], &given));
        let right = self.right.iter().copied().find(|id| matches(&self.nodes[*id], &given));
        let schema = self.schema;
        match (left, right) {
            (None, None) => Ok(None),
            (Some(id), None) => {
                let kept = match self.side {
                    Side::Added => adopt_item(&mut self.nodes[id], schema, None, Depth::Below)?,
                    _ => keep_item(&mut self.nodes[id], schema, None)?,
                };
                Ok(kept.then_some(id))
            }
            (None, Some(id)) => Ok(adopt_item(&mut self.nodes[id], schema, None, Depth::Top)?.then_some(id)),
            (Some(old), Some(new)) => {
                let (a, b) = two(&mut self.nodes, old, new);
                Ok(match value(a, b, schema, None)? {
                    Outcome::Left => Some(old),
                    Outcome::Right => Some(new),
                    Outcome::Gone => None,
                })
            }
        }
    }

    /// Makes sure that the merged item has its keys.
    fn complete_keys(&mut self, id: usize, keys: &Keys, values: &[Text]) -> Result<(), String> {
        let node = &mut self.nodes[id];
        for (key, value) in keys.iter().zip(values).filter(|(_, value)| !value.is_empty()) {
            if let Kind::Scalar(scalar) = &mut node.kind {
                scalar.text = value.clone();
                scalar.tag = Tag::Unset;
            } else if node.is_seq() {
                return Err("an item of a merged list is a list".into());
            } else if node.get(key).is_none() {
                let pos = node.pos;
                let scalar = Scalar::plain(value.clone(), Tag::Unset);
                node.set(Key::new(key.clone(), pos), Node::scalar(scalar, pos));
            }
        }
        Ok(())
    }

    /// Puts an item in the place of those with the same values, or at the end; without an item, removes them.
    fn set(&self, list: &mut Vec<usize>, item: Option<usize>, keys: &Keys, values: &[Text]) -> Result<(), String> {
        let by_field = keys.first().is_some_and(|key| !key.is_empty()) && values.first().is_some_and(|v| !v.is_empty());
        let (mut next, mut found_any) = (Vec::with_capacity(list.len() + 1), false);
        for &id in list.iter() {
            let node = &self.nodes[id];
            if node.is_null() || is_empty_map(node) {
                continue;
            }
            if !node.is_map() && by_field {
                next.push(id);
                continue;
            }
            let mut found = true;
            let mut last = None;
            for (index, key) in keys.iter().enumerate() {
                if let Some(value) = values.get(index) {
                    last = field_is(node, key, value)?;
                }
                if last.is_none() {
                    found = false;
                    break;
                }
            }
            if !found {
                if !values.is_empty() {
                    next.push(id);
                }
                continue;
            }
            found_any = true;
            next.extend(item);
        }
        *list = next;
        let Some(item) = item.filter(|id| !self.nodes[*id].is_null()) else { return Ok(()) };
        if !found_any {
            list.push(item);
        }
        Ok(())
    }

    /// Appends the target's items, each in the place of the merged one if there is one.
    fn append_rest(&self, items: &mut Vec<usize>, keys: &Keys) -> Result<(), String> {
        for &id in &self.left {
            let node = &self.nodes[id];
            if keys[0].is_empty() {
                let text = node.text().map(Text::from).unwrap_or_default();
                self.set(items, Some(id), &[Text::default()], &[text])?;
                continue;
            }
            if !node.is_map() && !node.is_null() {
                return Err("an item of a merged list is not a mapping".into());
            }
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                match node.get(key) {
                    Some(value) => values.push(value.text().map(Text::from).unwrap_or_default()),
                    None => items.push(id),
                }
            }
            if keys.len() > 1 {
                self.set(items, None, keys, &values)?;
            }
            self.set(items, Some(id), keys, &values)?;
        }
        Ok(())
    }
}

fn two(nodes: &mut [Node], a: usize, b: usize) -> (&mut Node, &mut Node) {
    let (low, high) = nodes.split_at_mut(a.max(b));
    if a < b { (&mut low[a], &mut high[0]) } else { (&mut high[0], &mut low[b]) }
}

fn is_empty_map(node: &Node) -> bool {
    node.is_null() || (node.is_map() && node.entries().is_empty())
}

fn text_of(item: &Node, key: &str) -> Text {
    item.get(key).filter(|value| !value.is_null_or_empty()).and_then(Node::text).map(Text::from).unwrap_or_default()
}

/// True if a list item has all values; the empty key stands for the item itself.
fn matches(item: &Node, wanted: &[(&str, &Text)]) -> bool {
    match wanted {
        [("", value), ..] => item.text().unwrap_or_default() == value.as_str(),
        _ => item.is_map() && wanted.iter().all(|(key, value)| has(item, key, value)),
    }
}

fn has(item: &Node, key: &str, value: &str) -> bool {
    item.get(key).is_some_and(|field| field.text().unwrap_or_default() == value)
}

/// Whether a field has a value; an empty value asks only for the field.
fn field_is(item: &Node, key: &str, value: &str) -> Result<Option<()>, String> {
    if item.is_null() {
        return Ok(None);
    }
    if key.is_empty() {
        return match &item.kind {
            Kind::Scalar(scalar) => Ok((scalar.text == value).then_some(())),
            _ => Err("an item of a list of plain values is not one".into()),
        };
    }
    if !item.is_map() {
        return Err("an item of a merged list is not a mapping".into());
    }
    Ok(match value {
        "" => item.get(key).map(|_| ()),
        value => has(item, key, value).then_some(()),
    })
}

/// Fills in missing values from items that agree in the others. kyaml pairs every item with every other, in order.
fn complete(values: &mut [Vec<Text>]) {
    for i in 0..values.len() {
        let first = values[i].clone();
        for j in 0..values.len() {
            if let Some(merged) = agree(&first, &values[j]) {
                values[i].clone_from(&merged);
                values[j] = merged;
            }
        }
    }
}

fn agree(a: &[Text], b: &[Text]) -> Option<Vec<Text>> {
    let mut common = false;
    let mut merged = Vec::with_capacity(a.len());
    for (x, y) in a.iter().zip(b) {
        if x == y {
            common = true;
        } else if !x.is_empty() && !y.is_empty() {
            return None;
        }
        merged.push(if x.is_empty() { y.clone() } else { x.clone() });
    }
    common.then_some(merged)
}

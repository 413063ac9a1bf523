//! The syntax tree: nodes that know where they were last set.

use serde_json::Value;

use super::scalar::{Resolved, Scalar, Tag};
use super::{Pos, Text};

/// A YAML node and the place that last set it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub kind: Kind,
    pub pos: Pos,
}

/// What a node holds. Aliases and merge keys are expanded while reading.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Scalar(Scalar),
    Seq(Vec<Node>),
    /// Entries in source order; keys are unique.
    Map(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: Key,
    pub value: Node,
}

/// A mapping key: its text, what the text would mean as a value (`1:` is an integer), and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub text: Text,
    pub tag: Tag,
    pub pos: Pos,
}

impl Key {
    /// A key made by the program, or by the line that sets it.
    pub fn new(text: impl Into<Text>, pos: Pos) -> Self {
        Self { text: text.into(), tag: Tag::Str, pos }
    }
}

impl Node {
    pub fn new(kind: Kind, pos: Pos) -> Self {
        Self { kind, pos }
    }

    /// A string.
    pub fn string(text: impl Into<Text>, pos: Pos) -> Self {
        Self::scalar(Scalar::plain(text, Tag::Str), pos)
    }

    pub fn scalar(scalar: Scalar, pos: Pos) -> Self {
        Self::new(Kind::Scalar(scalar), pos)
    }

    pub fn null(pos: Pos) -> Self {
        Self::scalar(Scalar::plain(Text::default(), Tag::Null), pos)
    }

    pub fn map(pos: Pos) -> Self {
        Self::new(Kind::Map(Vec::new()), pos)
    }

    pub fn seq(pos: Pos) -> Self {
        Self::new(Kind::Seq(Vec::new()), pos)
    }

    /// A tree with the values of a JSON document, every node at one place.
    pub fn from_json(value: &Value, pos: Pos) -> Self {
        let kind = match value {
            Value::Null => return Self::scalar(Scalar::plain("null", Tag::Null), pos),
            Value::Bool(b) => Kind::Scalar(Scalar::plain(if *b { "true" } else { "false" }, Tag::Bool)),
            Value::Number(number) => Kind::Scalar(Scalar::from_number(number)),
            Value::String(text) => return Self::string(text.as_str(), pos),
            Value::Array(items) => Kind::Seq(items.iter().map(|item| Self::from_json(item, pos)).collect()),
            Value::Object(fields) => Kind::Map(
                fields
                    .iter()
                    .map(|(key, value)| Entry { key: Key::new(key.as_str(), pos), value: Self::from_json(value, pos) })
                    .collect(),
            ),
        };
        Self::new(kind, pos)
    }

    /// The JSON value that this tree means. Numbers that JSON cannot hold become strings.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Scalar(scalar) => match scalar.resolve() {
                Ok(resolved) => resolved.to_json(),
                Err(_) => Value::String(scalar.text.to_string()),
            },
            Kind::Seq(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|e| (e.key.text.to_string(), e.value.to_json())).collect())
            }
        }
    }

    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.kind {
            Kind::Map(entries) => entries.iter_mut().find(|e| e.key.text == key).map(|e| &mut e.value),
            _ => None,
        }
    }

    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key.text == key)
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; none for anything else.
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::Seq(items) => items,
            _ => &[],
        }
    }

    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The source text of a scalar, whatever its type.
    pub fn text(&self) -> Option<&str> {
        self.as_scalar().map(|scalar| scalar.text.as_str())
    }

    pub fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Map(_))
    }

    pub fn is_seq(&self) -> bool {
        matches!(self.kind, Kind::Seq(_))
    }

    /// True for an explicit or implied null.
    pub fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(|scalar| scalar.tag == Tag::Null)
    }

    /// True for null, `{}` and `[]`.
    pub fn is_null_or_empty(&self) -> bool {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.tag == Tag::Null,
            Kind::Seq(items) => items.is_empty(),
            Kind::Map(entries) => entries.is_empty(),
        }
    }

    /// Sets a field of a mapping, in place if it is there. Anything but a mapping is left alone.
    pub fn set(&mut self, key: Key, value: Self) {
        let Kind::Map(entries) = &mut self.kind else { return };
        match entries.iter_mut().find(|entry| entry.key.text == key.text) {
            Some(entry) => entry.value = value,
            None => entries.push(Entry { key, value }),
        }
    }

    /// Removes a field of a mapping.
    pub fn remove(&mut self, key: &str) -> Option<Self> {
        let Kind::Map(entries) = &mut self.kind else { return None };
        let index = entries.iter().position(|entry| entry.key.text == key)?;
        Some(entries.remove(index).value)
    }

    /// The field at a JSON pointer.
    pub fn at_mut(&mut self, pointer: &str) -> Option<&mut Self> {
        let keys = pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"));
        keys.into_iter().try_fold(self, |node, key| match &mut node.kind {
            Kind::Map(entries) => entries.iter_mut().find(|e| e.key.text == key.as_str()).map(|e| &mut e.value),
            Kind::Seq(items) => items.get_mut(key.parse::<usize>().ok()?),
            Kind::Scalar(_) => None,
        })
    }

    /// The position of the field at a JSON pointer, or of the deepest enclosing field that has one.
    pub fn pos_at(&self, pointer: &str) -> Pos {
        let mut node = self;
        let mut best = self.pos;
        for token in pointer.split('/').skip(1) {
            let key = token.replace("~1", "/").replace("~0", "~");
            let child = match &node.kind {
                Kind::Map(_) => node.get(&key),
                Kind::Seq(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
                Kind::Scalar(_) => None,
            };
            let Some(child) = child else { break };
            node = child;
            if node.pos.is_somewhere() {
                best = node.pos;
            }
        }
        best
    }
}

impl Resolved<'_> {
    /// As JSON: integral floats below 10^21 are integers, as Go writes them.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => Value::from(*i),
            Self::Uint(u) => Value::from(*u),
            Self::Float(f) => super::number::float_to_json(*f),
            Self::Str(text) => Value::String(text.to_string()),
        }
    }
}

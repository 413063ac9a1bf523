//! YAML in and out, with source positions.
//!
//! [`Node`] is the syntax tree that rendering works on; each node knows where it was last set.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A place in a file of a [`Files`] table. Line and column count from 1; line 0 means "nowhere" (made by the program).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Pos {
    pub file: u32,
    pub line: u32,
    pub column: u32,
}

impl Pos {
    pub const NOWHERE: Self = Self { file: 0, line: 0, column: 0 };
}

/// A place in a named file, for people and for reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    pub file: Arc<str>,
    pub line: u32,
    pub column: u32,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The names of the files that positions point into.
#[derive(Debug, Clone, Default)]
pub struct Files {
    names: Vec<Arc<str>>,
}

impl Files {
    pub fn add(&mut self, name: &str) -> u32 {
        let id = u32::try_from(self.names.len()).expect("fewer than 2^32 files");
        self.names.push(name.into());
        id
    }

    pub fn position(&self, pos: Pos) -> Option<Position> {
        if pos.line == 0 {
            return None;
        }
        let file = self.names.get(pos.file as usize)?.clone();
        Some(Position { file, line: pos.line, column: pos.column })
    }
}

/// A YAML node and the place that last set it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub kind: Kind,
    pub pos: Pos,
}

/// What a node holds. Scalars are resolved as kustomize reads resource files (YAML 1.2 core with go-yaml v3's extras).
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    String(String),
    Seq(Vec<Node>),
    /// Entries in source order; keys are unique.
    Map(Vec<(String, Node)>),
}

impl Node {
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(b) => Value::Bool(*b),
            Kind::Int(i) => Value::from(*i),
            Kind::Uint(u) => Value::from(*u),
            Kind::Float(f) => Value::from(*f),
            Kind::String(s) => Value::String(s.clone()),
            Kind::Seq(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Kind::Map(entries) => Value::Object(entries.iter().map(|(k, v)| (k.clone(), v.to_json())).collect()),
        }
    }

    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
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
                _ => None,
            };
            let Some(child) = child else { break };
            node = child;
            if node.pos.line != 0 {
                best = node.pos;
            }
        }
        best
    }
}

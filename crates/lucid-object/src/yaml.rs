//! YAML in and out, with source positions, exactly as kustomize 5.8 reads and writes it.
//!
//! Reading order: [`node`] is the syntax tree that rendering works on, [`scalar`] says what a scalar means,
//! [`parse`] reads text, [`emit`] writes it, [`documents`] turns plain files into objects.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

mod block;
pub mod documents;
pub mod emit;
mod events;
pub mod node;
mod number;
pub mod parse;
pub mod scalar;
mod scan;
mod timestamp;

pub use block::block;
pub use documents::parse_documents;
pub use emit::{emit, emit_node, emit_with_places, is_printable, quoted};
pub use node::{Entry, Key, Kind, Node};
pub use number::{shortest as go_float, shortest_32 as go_float_32};
pub use parse::{Dialect, First, Limits, ParseError, comments, parse, parse_first, parse_with};
pub use scalar::{Resolved, Scalar, Style, Tag};

/// The string type of keys and scalars: short ones need no allocation, long ones are shared when copied.
pub use smol_str::SmolStr as Text;

/// A place in a file of a [`Files`] table. Line and column count from 1; line 0 means "nowhere" (made by the program).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Pos {
    pub file: u32,
    pub line: u32,
    pub column: u32,
}

impl Pos {
    pub const NOWHERE: Self = Self { file: 0, line: 0, column: 0 };

    /// True for a place in a file.
    pub fn is_somewhere(self) -> bool {
        self.line != 0
    }
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

    /// The position within this table; its file is added if it is new.
    pub fn pos(&mut self, position: &Position) -> Pos {
        let known = self.names.iter().position(|name| *name == position.file);
        let file = match known {
            Some(index) => u32::try_from(index).expect("fewer than 2^32 files"),
            None => self.add(&position.file),
        };
        Pos { file, line: position.line, column: position.column }
    }

    pub fn position(&self, pos: Pos) -> Option<Position> {
        if pos.line == 0 {
            return None;
        }
        let file = self.names.get(pos.file as usize)?.clone();
        Some(Position { file, line: pos.line, column: pos.column })
    }
}

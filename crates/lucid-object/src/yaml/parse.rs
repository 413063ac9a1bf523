//! Text to trees: events composed the way go-yaml does, within bounds.

use super::Pos;
use super::events::{Event, Events};
use super::node::Node;

mod compose;
mod equal_keys;

use compose::Composer;

/// Which reader to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Plain manifests: go-yaml v3; equal keys are refused.
    Resource,
    /// Resource files and strategic merge patches of kustomizations: the same, but equal keys stay in the tree, where
    /// the first one counts. kustomize refuses them only when it writes what is left of them.
    Tree,
    /// kustomization files, JSON patches and plugin configurations: YAML 1.1, keys made strings, the last of two
    /// equal keys wins.
    Yaml11,
    /// Transformer configurations: the same, but equal keys are refused.
    Strict11,
}

impl Dialect {
    fn is_1_1(self) -> bool {
        matches!(self, Self::Yaml11 | Self::Strict11)
    }

    /// Tokens that go-yaml reads ahead of what it needs.
    fn lookahead(self) -> usize {
        if self.is_1_1() { 0 } else { 2 }
    }
}

/// Bounds that keep a hostile file from using up time or memory.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one text.
    pub bytes: usize,
    /// Nodes of one text, after aliases are expanded.
    pub nodes: usize,
    /// Nodes that come from aliases.
    pub alias_nodes: usize,
    /// Nesting, after aliases are expanded.
    pub depth: usize,
    /// Nodes, each as often as it is nested: what a print of the text is indented by.
    pub indent: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 20, nodes: 1_000_000, alias_nodes: 100_000, depth: 256, indent: 32 << 20 }
    }
}

/// Why a text cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    pub pos: Pos,
    pub message: String,
}

/// The first document of a text, which is all that kustomize reads of it.
#[derive(Debug)]
pub struct First {
    /// None if there is no document, or an empty one.
    pub node: Option<Node>,
    /// Where the text goes on behind the document.
    pub rest: Option<Pos>,
    /// Nodes that come from aliases.
    pub alias_nodes: usize,
}

/// Reads every document of a resource file; empty ones are left out.
pub fn parse(text: &str, file: u32) -> Result<Vec<Node>, ParseError> {
    parse_with(text, file, Dialect::Resource, Limits::default())
}

/// Reads every document of a text.
pub fn parse_with(text: &str, file: u32, dialect: Dialect, limits: Limits) -> Result<Vec<Node>, ParseError> {
    let start = Pos { file, line: 1, column: 1 };
    let (text, mut composer) = begin(text, start, dialect, limits)?;
    let mut events = Events::new(text, dialect.lookahead());
    while composer.document(&mut events)? {}
    Ok(composer.documents)
}

/// Reads the first document of a text that begins on the line of `start`.
pub fn parse_first(text: &str, start: Pos, dialect: Dialect, limits: Limits) -> Result<First, ParseError> {
    let (text, mut composer) = begin(text, start, dialect, limits)?;
    let mut events = Events::new(text, dialect.lookahead());
    let any = composer.document(&mut events)?;
    let rest = events.rest().filter(|_| any).map(|mark| composer.pos(mark));
    Ok(First { node: composer.documents.pop(), rest, alias_nodes: composer.alias_nodes })
}

/// Where the comments of a text begin, each with its line, from 1, and the characters before it. None for a text that is
/// no YAML.
pub fn comments(text: &str) -> Option<Vec<(u32, u32)>> {
    let mut events = Events::new(text, Dialect::Resource.lookahead());
    while !matches!(events.next().ok()?, Event::StreamEnd) {}
    let mut comments = events.into_comments();
    comments.sort_unstable();
    comments.dedup();
    Some(comments)
}

fn begin(text: &str, start: Pos, dialect: Dialect, limits: Limits) -> Result<(&str, Composer), ParseError> {
    if text.len() > limits.bytes {
        let message = format!("the file has {} bytes; at most {} are read", text.len(), limits.bytes);
        return Err(ParseError { pos: start, message });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    control_character(text, start)?;
    Ok((text, Composer::new(start, dialect, limits)))
}

/// go-yaml's reader refuses control characters other than tab, line feed, carriage return and next line.
fn control_character(text: &str, start: Pos) -> Result<(), ParseError> {
    let suspect = |b: u8| (b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r')) || b == 0x7f || matches!(b, 0xc2 | 0xef);
    if !text.bytes().any(suspect) {
        return Ok(());
    }
    let refused = |c: char| {
        matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}')
            || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    for (index, line) in text.split('\n').enumerate() {
        if let Some((column, c)) = line.chars().enumerate().find(|(_, c)| refused(*c)) {
            let pos = Pos { line: start.line + index as u32, column: column as u32 + 1, ..start };
            let message = format!("control character U+{:04X} is not allowed", u32::from(c));
            return Err(ParseError { pos, message });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! Text to trees: granit's events composed the way go-yaml does, within bounds.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::node::{Entry, Key, Kind, Node};
use super::scalar::{Resolved, Scalar, Style, Tag, bool_1_1, plain};
use super::{Pos, Text};

/// Which reader to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Resource files: go-yaml v3.
    Resource,
    /// Strategic merge patches: the same, but the first of two equal keys wins.
    Patch,
    /// kustomization files, JSON patches and plugin configurations: YAML 1.1, keys made strings, the last of two
    /// equal keys wins.
    Yaml11,
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
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 20, nodes: 1_000_000, alias_nodes: 100_000, depth: 256 }
    }
}

/// Why a text cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    pub pos: Pos,
    pub message: String,
}

/// Reads every document of a resource file; empty ones are left out.
pub fn parse(text: &str, file: u32) -> Result<Vec<Node>, ParseError> {
    parse_with(text, file, Dialect::Resource, Limits::default())
}

/// Reads every document of a text.
pub fn parse_with(text: &str, file: u32, dialect: Dialect, limits: Limits) -> Result<Vec<Node>, ParseError> {
    if text.len() > limits.bytes {
        let message = format!("the file has {} bytes; at most {} are read", text.len(), limits.bytes);
        return Err(ParseError { pos: Pos { file, line: 1, column: 1 }, message });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    control_character(text, file)?;
    let mut options = granit_parser::options! { block_scalar_eof_without_line_feed: true };
    options.set_emit_comments(false);
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut composer = Composer::new(file, dialect, limits);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| ParseError {
            pos: Pos { file, line: error.marker().line() as u32, column: error.marker().col() as u32 + 1 },
            message: error.info(),
        })?;
        composer.event(event, &span)?;
    }
    Ok(composer.documents)
}

/// go-yaml's reader refuses control characters other than tab, line feed, carriage return and next line.
fn control_character(text: &str, file: u32) -> Result<(), ParseError> {
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
            let pos = Pos { file, line: index as u32 + 1, column: column as u32 + 1 };
            let message = format!("control character U+{:04X} is not allowed", u32::from(c));
            return Err(ParseError { pos, message });
        }
    }
    Ok(())
}

/// A collection that is being read.
struct Open {
    node: Node,
    /// The key whose value comes next.
    key: Option<Key>,
    anchor: usize,
    first_node: usize,
    merges: bool,
    /// Inside brackets or braces, at any distance.
    flow: bool,
}

/// A finished anchored node, ready to be copied.
struct Anchored {
    node: Node,
    size: usize,
    depth: usize,
}

struct Composer {
    file: u32,
    dialect: Dialect,
    limits: Limits,
    documents: Vec<Node>,
    stack: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    alias_nodes: usize,
    /// Keys of the mapping under construction are shared: manifests repeat the same few.
    keys: HashSet<Text>,
}

impl Composer {
    fn new(file: u32, dialect: Dialect, limits: Limits) -> Self {
        Self {
            file,
            dialect,
            limits,
            documents: Vec::new(),
            stack: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            alias_nodes: 0,
            keys: HashSet::new(),
        }
    }

    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), ParseError> {
        let pos = Pos { file: self.file, line: span.start.line() as u32, column: span.start.col() as u32 + 1 };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                // An absent node is reported as `~`; its span is empty.
                let text = if span.is_empty() && style == ScalarStyle::Plain { "" } else { &*text };
                self.count(1, pos)?;
                let tag = tag.as_deref().and_then(tag_named);
                if self.expects_key() {
                    let key = self.key(text, style, tag, pos);
                    let open = self.stack.last_mut().expect("a key belongs to a mapping");
                    open.merges |= key.tag == Tag::Merge;
                    open.key = Some(key);
                    return Ok(());
                }
                let node = Node::scalar(self.scalar(text, style, tag), pos);
                self.finish(node, anchor, self.nodes - 1, pos)
            }
            Event::SequenceStart(style, anchor, _) => self.open(Node::seq(pos), anchor, style),
            Event::MappingStart(style, anchor, _) => self.open(Node::map(pos), anchor, style),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => self.alias(id, pos),
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn error<T>(&self, pos: Pos, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError { pos, message: message.into() })
    }

    fn count(&mut self, nodes: usize, pos: Pos) -> Result<(), ParseError> {
        self.nodes += nodes;
        if self.nodes > self.limits.nodes {
            return self.error(pos, format!("the file has more than {} nodes", self.limits.nodes));
        }
        Ok(())
    }

    fn in_flow(&self) -> bool {
        self.stack.last().is_some_and(|open| open.flow)
    }

    fn expects_key(&self) -> bool {
        self.stack.last().is_some_and(|open| open.key.is_none() && open.node.is_map())
    }

    fn open(&mut self, node: Node, anchor: usize, style: StructureStyle) -> Result<(), ParseError> {
        if self.expects_key() {
            return self.error(node.pos, "a mapping key must be a scalar");
        }
        self.count(1, node.pos)?;
        if self.stack.len() >= self.limits.depth {
            return self.error(node.pos, format!("nested more than {} deep", self.limits.depth));
        }
        let flow = style == StructureStyle::Flow || self.in_flow();
        self.stack.push(Open { node, key: None, anchor, first_node: self.nodes - 1, merges: false, flow });
        Ok(())
    }

    fn close(&mut self) -> Result<(), ParseError> {
        let Some(mut open) = self.stack.pop() else { return Ok(()) };
        if let Kind::Map(entries) = &mut open.node.kind {
            match self.dialect {
                Dialect::Resource => refuse_duplicates(entries)?,
                Dialect::Patch => keep_first(entries),
                Dialect::Yaml11 => keep_last(entries),
            }
            if open.merges {
                merge(entries)?;
            }
        }
        let pos = open.node.pos;
        self.finish(open.node, open.anchor, open.first_node, pos)
    }

    /// Puts a finished node where it belongs, and keeps a copy if it has an anchor.
    fn finish(&mut self, node: Node, anchor: usize, first_node: usize, pos: Pos) -> Result<(), ParseError> {
        if anchor != 0 {
            let anchored = Anchored { size: self.nodes - first_node, depth: depth(&node), node: node.clone() };
            self.anchors.insert(anchor, anchored);
        }
        let Some(open) = self.stack.last_mut() else {
            if !node.is_null() {
                self.documents.push(node);
            }
            return Ok(());
        };
        match &mut open.node.kind {
            Kind::Seq(items) => items.push(node),
            Kind::Map(entries) => match open.key.take() {
                Some(key) => entries.push(Entry { key, value: node }),
                None => return self.error(pos, "a mapping key must be a scalar"),
            },
            Kind::Scalar(_) => {}
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, pos: Pos) -> Result<(), ParseError> {
        let Some(anchored) = self.anchors.get(&id) else { return self.error(pos, "an anchor contains itself") };
        let (size, depth) = (anchored.size, anchored.depth);
        self.alias_nodes += size;
        if self.alias_nodes > self.limits.alias_nodes {
            return self.error(pos, format!("aliases expand to more than {} nodes", self.limits.alias_nodes));
        }
        if self.stack.len() + depth > self.limits.depth {
            return self.error(pos, format!("nested more than {} deep", self.limits.depth));
        }
        self.count(size, pos)?;
        let node = self.anchors[&id].node.clone();
        if self.expects_key() {
            let Kind::Scalar(scalar) = node.kind else { return self.error(pos, "a mapping key must be a scalar") };
            let open = self.stack.last_mut().expect("a key belongs to a mapping");
            open.key = Some(Key { text: scalar.text, tag: scalar.tag, pos });
            return Ok(());
        }
        self.finish(node, 0, self.nodes - 1, pos)
    }

    fn key(&mut self, text: &str, style: ScalarStyle, tag: Option<Tag>, pos: Pos) -> Key {
        if style == ScalarStyle::Plain && tag.is_none() {
            if text == "<<" {
                return Key { text: Text::new_static("<<"), tag: Tag::Merge, pos };
            }
            let (found, value) = match self.dialect {
                Dialect::Resource | Dialect::Patch => plain(text),
                Dialect::Yaml11 => plain_1_1(text),
            };
            if self.dialect == Dialect::Yaml11 && found != Tag::Str {
                return Key::new(key_text(&value), pos);
            }
            return Key { text: self.intern(text), tag: found, pos };
        }
        Key { text: self.intern(text), tag: tag.unwrap_or(Tag::Str), pos }
    }

    fn intern(&mut self, text: &str) -> Text {
        if let Some(known) = self.keys.get(text) {
            return known.clone();
        }
        let text = Text::new(text);
        if text.is_heap_allocated() {
            self.keys.insert(text.clone());
        }
        text
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<Tag>) -> Scalar {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        match (tag, self.dialect) {
            (Some(tag @ (Tag::Str | Tag::Binary | Tag::Other)), _) => Scalar::styled(text, tag, style),
            (Some(tag), _) => Scalar::plain(text, tag),
            (None, _) if style != Style::Plain => Scalar::styled(text, Tag::Str, style),
            // go-yaml writes an empty value inside brackets as '', and so reads it back as a string.
            (None, Dialect::Resource | Dialect::Patch) if text.is_empty() && self.in_flow() => {
                Scalar::styled(Text::default(), Tag::Null, Style::Single)
            }
            (None, Dialect::Resource | Dialect::Patch) => Scalar::plain(text, plain(text).0),
            (None, Dialect::Yaml11) => match plain_1_1(text) {
                (Tag::Bool, Resolved::Bool(b)) => Scalar::plain(if b { "true" } else { "false" }, Tag::Bool),
                (Tag::Time, _) => Scalar::plain(text, Tag::Str),
                (tag, _) => Scalar::plain(text, tag),
            },
        }
    }
}

fn plain_1_1(text: &str) -> (Tag, Resolved<'_>) {
    match bool_1_1(text) {
        Some(b) => (Tag::Bool, Resolved::Bool(b)),
        None => plain(text),
    }
}

fn key_text(value: &Resolved<'_>) -> String {
    match value {
        Resolved::Null => "null".into(),
        Resolved::Bool(b) => b.to_string(),
        Resolved::Int(i) => i.to_string(),
        Resolved::Uint(u) => u.to_string(),
        Resolved::Float(f) => super::number::shortest(*f),
        Resolved::Str(text) => text.to_string(),
    }
}

/// The type that a tag names; none for the bare `!`.
fn tag_named(tag: &granit_parser::Tag) -> Option<Tag> {
    if tag.original() == "!" {
        return None;
    }
    Some(match tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() {
        Some("str") => Tag::Str,
        Some("int") => Tag::Int,
        Some("float") => Tag::Float,
        Some("bool") => Tag::Bool,
        Some("null") => Tag::Null,
        Some("timestamp") => Tag::Time,
        Some("binary") => Tag::Binary,
        _ => Tag::Other,
    })
}

fn depth(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar(_) => 0,
        Kind::Seq(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Kind::Map(entries) => 1 + entries.iter().map(|e| depth(&e.value)).max().unwrap_or(0),
    }
}

fn refuse_duplicates(entries: &[Entry]) -> Result<(), ParseError> {
    let repeated = if entries.len() <= 16 {
        (1..entries.len()).find(|&i| entries[..i].iter().any(|e| e.key.text == entries[i].key.text))
    } else {
        let mut seen = HashSet::with_capacity(entries.len());
        entries.iter().position(|e| !seen.insert(e.key.text.as_str()))
    };
    let Some(second) = repeated else { return Ok(()) };
    let key = &entries[second].key;
    let first = entries.iter().find(|e| e.key.text == key.text).map_or(0, |e| e.key.pos.line);
    let message = format!("key {:?} is already defined at line {first}", key.text);
    Err(ParseError { pos: key.pos, message })
}

fn keep_first(entries: &mut Vec<Entry>) {
    let mut seen = HashSet::with_capacity(entries.len());
    entries.retain(|entry| seen.insert(entry.key.text.clone()));
}

fn keep_last(entries: &mut Vec<Entry>) {
    let mut seen = HashSet::with_capacity(entries.len());
    let keep: Vec<bool> = entries.iter().rev().map(|e| seen.insert(e.key.text.clone())).collect();
    let mut keep = keep.into_iter().rev();
    entries.retain(|_| keep.next().unwrap_or(true));
}

/// Applies `<<`: own keys win, then earlier sources.
fn merge(entries: &mut Vec<Entry>) -> Result<(), ParseError> {
    let Some(index) = entries.iter().position(|e| e.key.tag == Tag::Merge) else { return Ok(()) };
    let Entry { key, value } = entries.remove(index);
    let sources = match value.kind {
        Kind::Map(_) => vec![value],
        Kind::Seq(items) if items.iter().all(Node::is_map) => items,
        _ => {
            let message = "a merge key needs a mapping or a list of mappings".into();
            return Err(ParseError { pos: key.pos, message });
        }
    };
    for source in sources {
        let Kind::Map(fields) = source.kind else { continue };
        for field in fields {
            if !entries.iter().any(|e| e.key.text == field.key.text) {
                entries.push(field);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

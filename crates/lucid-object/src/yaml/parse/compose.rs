//! Events to nodes: anchors, keys and types.

use std::collections::{HashMap, HashSet};

use super::equal_keys::{keep_last, merge, refuse_duplicates};
use super::{Dialect, Limits, ParseError};
use crate::yaml::events::{Event, Events};
use crate::yaml::node::{Entry, Key, Kind, Node};
use crate::yaml::scalar::{Resolved, Scalar, Style, Tag, bool_1_1, plain};
use crate::yaml::scan::{Fault, Mark};
use crate::yaml::{Pos, Text, number};

/// A collection that is being read.
struct Open<'t> {
    node: Node,
    /// The key whose value comes next.
    key: Option<Key>,
    anchor: Option<&'t str>,
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

pub(super) struct Composer {
    start: Pos,
    dialect: Dialect,
    limits: Limits,
    pub(super) documents: Vec<Node>,
    nodes: usize,
    indent: usize,
    pub(super) alias_nodes: usize,
    /// Keys of the mapping under construction are shared: manifests repeat the same few.
    keys: HashSet<Text>,
}

/// What lasts for one document.
#[derive(Default)]
struct Document<'t> {
    stack: Vec<Open<'t>>,
    anchors: HashMap<&'t str, Anchored>,
}

impl Composer {
    pub(super) fn new(start: Pos, dialect: Dialect, limits: Limits) -> Self {
        Self {
            start,
            dialect,
            limits,
            documents: Vec::new(),
            nodes: 0,
            indent: 0,
            alias_nodes: 0,
            keys: HashSet::new(),
        }
    }

    pub(super) fn pos(&self, mark: Mark) -> Pos {
        Pos { file: self.start.file, line: self.start.line + mark.line - 1, column: mark.column + 1 }
    }

    /// Reads one document; false at the end of the text.
    pub(super) fn document(&mut self, events: &mut Events<'_>) -> Result<bool, ParseError> {
        let mut document = Document::default();
        loop {
            let event = events
                .next()
                .map_err(|Fault { mark, message }| ParseError { pos: self.pos(mark), message: message.into_owned() })?;
            match event {
                Event::StreamEnd => return Ok(false),
                Event::DocumentEnd => return Ok(true),
                event => self.event(&mut document, event)?,
            }
        }
    }

    fn event<'t>(&mut self, document: &mut Document<'t>, event: Event<'t>) -> Result<(), ParseError> {
        match event {
            Event::Scalar { text, style, anchor, tag, mark } => {
                let pos = self.pos(mark);
                self.count(1, document.stack.len(), pos)?;
                let tag = tag.as_deref().and_then(|tag| self.tag_named(tag));
                if document.expects_key() {
                    if tag.is_some() && text == "<<" && style == Style::Plain {
                        return self.error(pos, "a merge key with a tag");
                    }
                    let key = self.key(&text, style, tag, pos)?;
                    if let Some(anchor) = anchor {
                        let node = Node::scalar(Scalar::plain(key.text.clone(), key.tag), pos);
                        document.anchors.insert(anchor, Anchored { node, size: 1, depth: 0 });
                    }
                    let open = document.stack.last_mut().expect("a key belongs to a mapping");
                    open.merges |= key.tag == Tag::Merge;
                    open.key = Some(key);
                    return Ok(());
                }
                let node = Node::scalar(self.scalar(&text, style, tag, document.in_flow()), pos);
                self.finish(document, node, anchor, self.nodes - 1, pos)
            }
            Event::SeqStart { flow, anchor, mark } => {
                let node = Node::seq(self.pos(mark));
                self.open(document, node, anchor, flow)
            }
            Event::MapStart { flow, anchor, mark } => {
                let node = Node::map(self.pos(mark));
                self.open(document, node, anchor, flow)
            }
            Event::SeqEnd | Event::MapEnd => self.close(document),
            Event::Alias { name, mark } => {
                let pos = self.pos(mark);
                self.alias(document, name, pos)
            }
            Event::DocumentStart | Event::DocumentEnd | Event::StreamEnd => Ok(()),
        }
    }

    fn error<T>(&self, pos: Pos, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError { pos, message: message.into() })
    }

    fn count(&mut self, nodes: usize, depth: usize, pos: Pos) -> Result<(), ParseError> {
        self.nodes += nodes;
        self.indent += nodes * depth;
        if self.indent > self.limits.indent {
            return self.error(pos, format!("the file is nested more than {} times", self.limits.indent));
        }
        if self.nodes > self.limits.nodes {
            return self.error(pos, format!("the file has more than {} nodes", self.limits.nodes));
        }
        Ok(())
    }

    fn open<'t>(
        &mut self,
        document: &mut Document<'t>,
        node: Node,
        anchor: Option<&'t str>,
        flow: bool,
    ) -> Result<(), ParseError> {
        if document.expects_key() && !document.takes_any_key() {
            return self.error(node.pos, "a mapping key must be a scalar");
        }
        self.count(1, document.stack.len(), node.pos)?;
        if document.stack.len() >= self.limits.depth {
            return self.error(node.pos, format!("nested more than {} deep", self.limits.depth));
        }
        let flow = flow || document.in_flow();
        document.stack.push(Open { node, key: None, anchor, first_node: self.nodes - 1, merges: false, flow });
        Ok(())
    }

    fn close(&mut self, document: &mut Document<'_>) -> Result<(), ParseError> {
        let Some(mut open) = document.stack.pop() else { return Ok(()) };
        if let Kind::Map(entries) = &mut open.node.kind {
            match self.dialect {
                Dialect::Resource | Dialect::Strict11 => refuse_duplicates(entries)?,
                Dialect::Tree => {}
                Dialect::Yaml11 => keep_last(entries),
            }
            if open.merges {
                merge(entries, open.flow, document.is_top() || document.is_passed_over())?;
            }
        }
        let pos = open.node.pos;
        self.finish(document, open.node, open.anchor, open.first_node, pos)
    }

    /// Puts a finished node where it belongs, and keeps a copy if it has an anchor.
    fn finish<'t>(
        &mut self,
        document: &mut Document<'t>,
        node: Node,
        anchor: Option<&'t str>,
        first_node: usize,
        pos: Pos,
    ) -> Result<(), ParseError> {
        if let Some(anchor) = anchor {
            let anchored = Anchored { size: self.nodes - first_node, depth: depth(&node), node: node.clone() };
            document.anchors.insert(anchor, anchored);
        }
        let any_key = document.takes_any_key();
        let Some(open) = document.stack.last_mut() else {
            if !node.is_null() {
                self.documents.push(node);
            }
            return Ok(());
        };
        match &mut open.node.kind {
            Kind::Seq(items) => items.push(node),
            Kind::Map(entries) => match open.key.take() {
                Some(key) => entries.push(Entry { key, value: node }),
                None if any_key => open.key = Some(no_scalar(pos)),
                None => return self.error(pos, "a mapping key must be a scalar"),
            },
            Kind::Scalar(_) => {}
        }
        Ok(())
    }

    fn alias(&mut self, document: &mut Document<'_>, name: &str, pos: Pos) -> Result<(), ParseError> {
        if document.stack.iter().any(|open| open.anchor == Some(name)) {
            return self.error(pos, format!("the anchor &{name} contains itself"));
        }
        let Some(anchored) = document.anchors.get(name) else {
            return self.error(pos, format!("there is no anchor &{name} before this alias"));
        };
        let (size, depth) = (anchored.size, anchored.depth);
        self.alias_nodes += size;
        if self.alias_nodes > self.limits.alias_nodes {
            return self.error(pos, format!("aliases expand to more than {} nodes", self.limits.alias_nodes));
        }
        if document.stack.len() + depth > self.limits.depth {
            return self.error(pos, format!("nested more than {} deep", self.limits.depth));
        }
        self.count(size, document.stack.len() + depth, pos)?;
        let node = document.anchors[name].node.clone();
        if document.expects_key() {
            let key = match node.kind {
                Kind::Scalar(scalar) => Key { text: scalar.text, tag: scalar.tag, pos },
                _ if document.takes_any_key() => no_scalar(pos),
                _ => return self.error(pos, "a mapping key must be a scalar"),
            };
            let open = document.stack.last_mut().expect("a key belongs to a mapping");
            open.key = Some(key);
            return Ok(());
        }
        self.finish(document, node, None, self.nodes - 1, pos)
    }

    fn key(&mut self, text: &str, style: Style, tag: Option<Tag>, pos: Pos) -> Result<Key, ParseError> {
        if style == Style::Plain && tag.is_none() {
            if text == "<<" {
                return Ok(Key { text: Text::new_static("<<"), tag: Tag::Merge, pos });
            }
            let is_1_1 = self.dialect.is_1_1();
            if text.is_empty() && !is_1_1 {
                // A key that is left out is an empty text once go-yaml has written it.
                return Ok(Key::new("", pos));
            }
            let (found, value) = if is_1_1 { plain_1_1(text) } else { plain(text) };
            if is_1_1 && found == Tag::Null {
                return self.error(pos, "a key is null, which JSON has no word for; put it in quotes");
            }
            if is_1_1 && found != Tag::Str {
                return Ok(Key::new(key_text(&value), pos));
            }
            return Ok(Key { text: self.intern(text), tag: found, pos });
        }
        Ok(Key { text: self.intern(text), tag: tag.unwrap_or(Tag::Str), pos })
    }

    /// The type that a tag names. go-yaml v3 does not see the bare `!`.
    fn tag_named(&self, tag: &str) -> Option<Tag> {
        Some(match tag.strip_prefix("tag:yaml.org,2002:").unwrap_or_default() {
            "str" => Tag::Str,
            "int" => Tag::Int,
            "float" => Tag::Float,
            "bool" => Tag::Bool,
            "null" => Tag::Null,
            "timestamp" => Tag::Time,
            "binary" => Tag::Binary,
            _ if tag == "!" && !self.dialect.is_1_1() => return None,
            _ => Tag::Other,
        })
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

    fn scalar(&self, text: &str, style: Style, tag: Option<Tag>, flow: bool) -> Scalar {
        let is_1_1 = self.dialect.is_1_1();
        match tag {
            Some(tag @ (Tag::Str | Tag::Binary | Tag::Other)) => Scalar::styled(text, tag, style),
            // go-yaml v2 keeps the text of a time, and knows more spellings of true and false.
            Some(Tag::Time) if is_1_1 && plain(text).0 == Tag::Time => Scalar::styled(text, Tag::Str, Style::Double),
            Some(Tag::Bool) if is_1_1 && bool_1_1(text).is_some() => {
                Scalar::plain(if bool_1_1(text) == Some(true) { "true" } else { "false" }, Tag::Bool)
            }
            Some(tag) => Scalar::plain(text, tag),
            // Nothing that is read here is written and read again, so how it was written says nothing.
            None if style != Style::Plain && is_1_1 => Scalar::styled(text, Tag::Str, Style::Double),
            None if style != Style::Plain => Scalar::styled(text, Tag::Str, style),
            None if is_1_1 => match plain_1_1(text) {
                (Tag::Bool, Resolved::Bool(b)) => Scalar::plain(if b { "true" } else { "false" }, Tag::Bool),
                (Tag::Time, _) => Scalar::plain(text, Tag::Str),
                (tag, _) => Scalar::plain(text, tag),
            },
            // go-yaml writes an empty value inside brackets as '', and so reads it back as a string.
            None if text.is_empty() && flow => Scalar::styled(Text::default(), Tag::Null, Style::Single),
            None => Scalar::plain(text, plain(text).0),
        }
    }
}

impl Document<'_> {
    fn in_flow(&self) -> bool {
        self.stack.last().is_some_and(|open| open.flow)
    }

    /// Of the mapping that has just been taken off: the document itself, or an entry of a list in it, which may be a List.
    fn is_top(&self) -> bool {
        matches!(self.stack.as_slice(), [] | [_, _] if self.stack.last().is_none_or(|open| open.node.is_seq()))
    }

    /// Below a key of a merge at the top of which nothing is kept: null, or no scalar.
    fn is_passed_over(&self) -> bool {
        match self.top_merge() {
            Some([source, _, ..]) => source.key.as_ref().is_none_or(|key| key.tag == Tag::Null),
            _ => false,
        }
    }

    /// There, and in the merge itself, where it must be followed by a null.
    fn takes_any_key(&self) -> bool {
        self.top_merge().is_some_and(|sources| sources.len() == 1) || self.is_passed_over()
    }

    /// What is open in a mapping that is merged into the document, itself first.
    fn top_merge(&self) -> Option<&[Open<'_>]> {
        let (root, below) = self.stack.split_first()?;
        root.key.as_ref().filter(|key| key.tag == Tag::Merge)?;
        Some(if below.first().is_some_and(|open| open.node.is_seq()) { &below[1..] } else { below })
    }

    fn expects_key(&self) -> bool {
        self.stack.last().is_some_and(|open| open.key.is_none() && open.node.is_map())
    }
}

/// Stands for a key that is a list or a mapping.
fn no_scalar(pos: Pos) -> Key {
    Key { text: Text::default(), tag: Tag::Unset, pos }
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
        Resolved::Float(f) => number::shortest(*f),
        Resolved::Str(text) => text.to_string(),
    }
}

fn depth(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar(_) => 0,
        Kind::Seq(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Kind::Map(entries) => 1 + entries.iter().map(|e| depth(&e.value)).max().unwrap_or(0),
    }
}

//! Tokens to events: the grammar of libyaml, with a stack of what is expected next.

use std::borrow::Cow;

use super::scalar::Style;
use super::scan::{Fault, Mark, Result, Scanner, Token, What};

mod block;
mod flow;

/// A piece of a document.
#[derive(Debug)]
pub(super) enum Event<'t> {
    Scalar { text: Cow<'t, str>, style: Style, anchor: Option<&'t str>, tag: Option<String>, mark: Mark },
    SeqStart { flow: bool, anchor: Option<&'t str>, mark: Mark },
    SeqEnd,
    MapStart { flow: bool, anchor: Option<&'t str>, mark: Mark },
    MapEnd,
    Alias { name: &'t str, mark: Mark },
    DocumentStart,
    DocumentEnd,
    StreamEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The text may begin without `---`.
    FirstDocument,
    NextDocument,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSeqEntry,
    IndentlessSeqEntry,
    BlockMapKey,
    BlockMapValue,
    FlowSeqFirst,
    FlowSeqEntry,
    FlowSeqPairKey,
    FlowSeqPairValue,
    FlowSeqPairEnd,
    FlowMapFirst,
    FlowMapKey,
    FlowMapValue,
    FlowMapNoValue,
    End,
}

/// What stands before a node.
#[derive(Default)]
struct Properties<'t> {
    anchor: Option<&'t str>,
    tag: Option<String>,
}

pub(super) struct Events<'t> {
    scanner: Scanner<'t>,
    state: State,
    /// What comes after the node that is being read.
    outer: Vec<State>,
    /// Where the collections that are open began.
    begun: Vec<Mark>,
    handles: Vec<(&'t str, String)>,
}

impl<'t> Events<'t> {
    pub(super) fn new(text: &'t str, lookahead: usize) -> Self {
        Self {
            scanner: Scanner::new(text, lookahead),
            state: State::FirstDocument,
            outer: Vec::new(),
            begun: Vec::new(),
            handles: Vec::new(),
        }
    }

    /// Where comments began: line and column.
    pub(super) fn into_comments(self) -> Vec<(u32, u32)> {
        self.scanner.into_comments()
    }

    pub(super) fn next(&mut self) -> Result<Event<'t>> {
        match self.state {
            State::FirstDocument => self.document_start(true),
            State::NextDocument => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(true, false),
            State::BlockSeqEntry => self.block_seq_entry(),
            State::IndentlessSeqEntry => self.indentless_seq_entry(),
            State::BlockMapKey => self.block_map_key(),
            State::BlockMapValue => self.block_map_value(),
            State::FlowSeqFirst => self.flow_seq_entry(true),
            State::FlowSeqEntry => self.flow_seq_entry(false),
            State::FlowSeqPairKey => self.flow_seq_pair_key(),
            State::FlowSeqPairValue => self.flow_seq_pair_value(),
            State::FlowSeqPairEnd => {
                self.state = State::FlowSeqEntry;
                Ok(Event::MapEnd)
            }
            State::FlowMapFirst => self.flow_map_key(true),
            State::FlowMapKey => self.flow_map_key(false),
            State::FlowMapValue => self.flow_map_value(),
            State::FlowMapNoValue => {
                let mark = self.mark()?;
                self.state = State::FlowMapKey;
                Ok(empty(mark))
            }
            State::End => Ok(Event::StreamEnd),
        }
    }

    /// Where the text goes on behind the document that was read, if anything but comments does.
    pub(super) fn rest(&mut self) -> Option<Mark> {
        match self.scanner.peek() {
            Ok(Token { what: What::StreamEnd, .. }) => None,
            Ok(token) => Some(token.start),
            Err(fault) => Some(fault.mark),
        }
    }

    fn what(&mut self) -> Result<&What<'t>> {
        Ok(&self.scanner.peek()?.what)
    }

    fn mark(&mut self) -> Result<Mark> {
        Ok(self.scanner.peek()?.start)
    }

    /// Takes the next token; its end, for tokens of one character.
    fn skip(&mut self) -> Result<Mark> {
        let start = self.scanner.next()?.start;
        Ok(start.right(1))
    }

    fn pop(&mut self) {
        self.state = self.outer.pop().unwrap_or(State::End);
    }

    fn document_start(&mut self, implicit: bool) -> Result<Event<'t>> {
        if !implicit {
            while matches!(self.what()?, What::DocumentEnd) {
                self.skip()?;
            }
        }
        match self.what()? {
            What::StreamEnd => {
                self.state = State::End;
                Ok(Event::StreamEnd)
            }
            What::Version { .. } | What::TagDirective { .. } | What::DocumentStart => {
                self.directives()?;
                if !matches!(self.what()?, What::DocumentStart) {
                    return self.expected("`---` is expected behind a directive");
                }
                self.skip()?;
                self.outer.push(State::DocumentEnd);
                self.state = State::DocumentContent;
                Ok(Event::DocumentStart)
            }
            _ if implicit => {
                self.directives()?;
                self.outer.push(State::DocumentEnd);
                self.state = State::BlockNode;
                Ok(Event::DocumentStart)
            }
            _ => self.expected("the line is indented less than the first one, and does not belong to it"),
        }
    }

    fn directives(&mut self) -> Result<()> {
        let mut versions = 0;
        self.handles.clear();
        loop {
            let mark = self.mark()?;
            match self.what()? {
                What::Version { major: 1, minor: 1 } if versions == 0 => versions += 1,
                What::Version { .. } => return fault(mark, "only YAML 1.1 is read, and %YAML stands once"),
                What::TagDirective { handle, .. } => {
                    let handle = *handle;
                    if self.handles.iter().any(|(known, _)| *known == handle) {
                        return fault(mark, "two %TAG directives have the same handle");
                    }
                    if let What::TagDirective { handle, prefix } = self.scanner.next()?.what {
                        self.handles.push((handle, prefix));
                    }
                    continue;
                }
                _ => return Ok(()),
            }
            self.skip()?;
        }
    }

    fn document_content(&mut self) -> Result<Event<'t>> {
        let mark = self.mark()?;
        match self.what()? {
            What::Version { .. }
            | What::TagDirective { .. }
            | What::DocumentStart
            | What::DocumentEnd
            | What::StreamEnd => {
                self.pop();
                Ok(empty(mark))
            }
            _ => self.node(true, false),
        }
    }

    fn document_end(&mut self) -> Result<Event<'t>> {
        if matches!(self.what()?, What::DocumentEnd) {
            self.skip()?;
        }
        self.state = State::NextDocument;
        Ok(Event::DocumentEnd)
    }

    fn node(&mut self, block: bool, indentless: bool) -> Result<Event<'t>> {
        let start = self.mark()?;
        if let What::Alias(name) = *self.what()? {
            self.skip()?;
            self.pop();
            return Ok(Event::Alias { name, mark: start });
        }
        let properties = self.properties()?;
        let bare = properties.anchor.is_none() && properties.tag.is_none();
        let mark = self.mark()?;
        let anchor = properties.anchor;
        let (state, event) = match self.what()? {
            What::BlockEntry if indentless => {
                self.state = State::IndentlessSeqEntry;
                return Ok(Event::SeqStart { flow: false, anchor, mark: start });
            }
            What::Scalar(..) => {
                let Token { what: What::Scalar(text, style), .. } = self.scanner.next()? else {
                    return fault(mark, "a value is expected here");
                };
                self.pop();
                return Ok(Event::Scalar { text, style, anchor, tag: properties.tag, mark });
            }
            What::FlowSeqStart => (State::FlowSeqFirst, Event::SeqStart { flow: true, anchor, mark: start }),
            What::FlowMapStart => (State::FlowMapFirst, Event::MapStart { flow: true, anchor, mark: start }),
            What::BlockSeqStart if block => {
                (State::BlockSeqEntry, Event::SeqStart { flow: false, anchor, mark: start })
            }
            What::BlockMapStart if block => (State::BlockMapKey, Event::MapStart { flow: false, anchor, mark: start }),
            _ if !bare => {
                self.pop();
                let (text, style) = (Cow::Borrowed(""), Style::Plain);
                return Ok(Event::Scalar { text, style, anchor, tag: properties.tag, mark: start });
            }
            _ => return self.expected("a value is expected here"),
        };
        self.begun.push(mark);
        self.skip()?;
        self.state = state;
        Ok(event)
    }

    /// An anchor and a tag, in any order.
    fn properties(&mut self) -> Result<Properties<'t>> {
        let mut found = Properties::default();
        for _ in 0..2 {
            match self.what()? {
                What::Anchor(name) if found.anchor.is_none() => {
                    found.anchor = Some(*name);
                    self.skip()?;
                }
                What::Tag { .. } if found.tag.is_none() => {
                    let token = self.scanner.next()?;
                    if let What::Tag { handle, suffix } = token.what {
                        found.tag = Some(self.resolve(handle, suffix, token.start)?);
                    }
                }
                _ => break,
            }
        }
        Ok(found)
    }

    fn resolve(&self, handle: &str, suffix: String, mark: Mark) -> Result<String> {
        let declared = self.handles.iter().find(|(known, _)| *known == handle).map(|(_, prefix)| prefix.as_str());
        match (handle, declared) {
            ("", _) => Ok(suffix),
            (_, Some(prefix)) => Ok(format!("{prefix}{suffix}")),
            ("!", None) => Ok(format!("!{suffix}")),
            ("!!", None) => Ok(format!("tag:yaml.org,2002:{suffix}")),
            _ => Err(Fault { mark, message: format!("the tag handle {handle} is not declared with %TAG").into() }),
        }
    }

    /// Ends the collection that is open.
    fn close(&mut self, event: Event<'t>) -> Result<Event<'t>> {
        self.skip()?;
        self.begun.pop();
        self.pop();
        Ok(event)
    }

    fn expected<T>(&mut self, message: &'static str) -> Result<T> {
        let mark = self.mark()?;
        fault(mark, message)
    }

    /// Something that does not belong into the collection that is open.
    fn outside<T>(&mut self, message: &'static str) -> Result<T> {
        let mark = self.mark()?;
        let begun = self.begun.last().filter(|begun| begun.line < mark.line);
        let message = match begun {
            Some(begun) => format!("{message}; the collection begins in line {}", begun.line).into(),
            None => message.into(),
        };
        Err(Fault { mark, message })
    }
}

fn fault<T>(mark: Mark, message: &'static str) -> Result<T> {
    Err(Fault { mark, message: message.into() })
}

/// A value that is not there.
fn empty<'t>(mark: Mark) -> Event<'t> {
    Event::Scalar { text: Cow::Borrowed(""), style: Style::Plain, anchor: None, tag: None, mark }
}

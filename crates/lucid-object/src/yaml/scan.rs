//! Text to tokens, with libyaml's rules of what may stand where: go-yaml has them, so kustomize does.
//!
//! Block structure is not written down in YAML; it follows from columns. The scanner keeps a stack of indentations and
//! makes tokens for blocks that begin and end. Whether `a` is a key is known only once its colon is seen, so places
//! where a key may have begun are remembered (one for each level of brackets), and tokens are queued until it is sure.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::scalar::Style;

mod block;
mod cursor;
mod plain;
mod property;
mod quoted;

/// A place in the text. Columns count characters from 0, lines from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) line: u32,
    pub(super) column: u32,
    /// Characters from the beginning of the text.
    index: usize,
}

impl Mark {
    /// The same line, some characters further on.
    pub(super) fn right(self, characters: u32) -> Self {
        Self { column: self.column + characters, index: self.index + characters as usize, ..self }
    }
}

/// Text that is not YAML.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) mark: Mark,
    pub(super) message: Cow<'static, str>,
}

pub(super) type Result<T> = std::result::Result<T, Fault>;

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What<'t> {
    StreamEnd,
    Version { major: u8, minor: u8 },
    TagDirective { handle: &'t str, prefix: String },
    DocumentStart,
    DocumentEnd,
    BlockSeqStart,
    BlockMapStart,
    BlockEnd,
    FlowSeqStart,
    FlowSeqEnd,
    FlowMapStart,
    FlowMapEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'t str),
    Anchor(&'t str),
    Tag { handle: &'t str, suffix: String },
    Scalar(Cow<'t, str>, Style),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'t> {
    pub(super) what: What<'t>,
    pub(super) start: Mark,
}

/// A place where a key may have begun.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    possible: bool,
    /// In a block mapping's own column nothing but a key can stand.
    required: bool,
    token: usize,
    mark: Mark,
}

/// A key must end, and its colon follow, within this many characters, and on one line.
const LONGEST_KEY: usize = 1024;

/// Deeper nesting is refused here; readers have stricter bounds of their own.
const DEEPEST: usize = 10_000;

pub(super) struct Scanner<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    mark: Mark,
    queue: VecDeque<Token<'t>>,
    /// Tokens that have left the queue.
    taken: usize,
    /// Tokens that must wait behind the next one. go-yaml v3 looks further ahead than v2, and so sees more mistakes.
    lookahead: usize,
    flow: usize,
    indent: i64,
    indents: Vec<i64>,
    candidates: Vec<Candidate>,
    /// Set where a key, or a dash, may come next.
    key_allowed: bool,
    /// Where the comments began that were skipped: line and column.
    comments: Vec<(u32, u32)>,
}

impl<'t> Scanner<'t> {
    /// `lookahead` is 0 for go-yaml v2 and 2 for v3.
    pub(super) fn new(text: &'t str, lookahead: usize) -> Self {
        let mark = Mark { line: 1, column: 0, index: 0 };
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            mark,
            queue: VecDeque::with_capacity(8),
            taken: 0,
            lookahead,
            flow: 0,
            indent: -1,
            indents: Vec::new(),
            candidates: vec![Candidate { possible: false, required: false, token: 0, mark }],
            key_allowed: true,
            comments: Vec::new(),
        }
    }

    pub(super) fn into_comments(self) -> Vec<(u32, u32)> {
        self.comments
    }

    /// The next token. At the end of the text there is no end of stream ends.
    pub(super) fn peek(&mut self) -> Result<&Token<'t>> {
        while self.queue.len() <= self.lookahead || self.may_become_key()? {
            self.fetch()?;
            self.skip_line_comment();
        }
        Ok(&self.queue[0])
    }

    pub(super) fn next(&mut self) -> Result<Token<'t>> {
        self.peek()?;
        self.taken += 1;
        Ok(self.queue.pop_front().expect("was just seen"))
    }

    /// True if the token at the head may turn out to begin a key.
    fn may_become_key(&mut self) -> Result<bool> {
        let taken = self.taken;
        match self.candidates.iter().rposition(|candidate| candidate.possible && candidate.token == taken) {
            Some(level) => self.still_possible(level),
            None => Ok(false),
        }
    }

    fn still_possible(&mut self, level: usize) -> Result<bool> {
        let candidate = self.candidates[level];
        if !candidate.possible {
            return Ok(false);
        }
        if candidate.mark.line < self.mark.line || candidate.mark.index + LONGEST_KEY < self.mark.index {
            if candidate.required {
                return fault(candidate.mark, "a key is expected here: `:` is missing, or it is not on this line");
            }
            self.candidates[level].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    /// Remembers that a key may begin here.
    fn key_may_begin(&mut self) -> Result<()> {
        if self.key_allowed {
            let required = self.flow == 0 && self.indent == i64::from(self.mark.column);
            let token = self.taken + self.queue.len();
            self.forget_key()?;
            *self.level() = Candidate { possible: true, required, token, mark: self.mark };
        }
        Ok(())
    }

    fn level(&mut self) -> &mut Candidate {
        self.candidates.last_mut().expect("there is one for the block context")
    }

    fn forget_key(&mut self) -> Result<()> {
        let candidate = *self.level();
        if candidate.possible && candidate.required {
            return fault(candidate.mark, "a key is expected here: `:` is missing, or it is not on this line");
        }
        self.level().possible = false;
        Ok(())
    }

    fn push(&mut self, what: What<'t>, start: Mark) {
        self.queue.push_back(Token { what, start });
    }

    /// Begins a block if the column is further right than the one that is open.
    fn indent_to(&mut self, column: u32, token: Option<usize>, what: What<'t>, start: Mark) -> Result<()> {
        let column = i64::from(column);
        if self.flow > 0 || self.indent >= column {
            return Ok(());
        }
        if self.indents.len() >= DEEPEST {
            return fault(start, "nested too deep");
        }
        self.indents.push(self.indent);
        self.indent = column;
        match token {
            Some(number) => self.queue.insert(number - self.taken, Token { what, start }),
            None => self.push(what, start),
        }
        Ok(())
    }

    /// Ends the blocks that are further right than the column.
    fn dedent_to(&mut self, column: i64) {
        while self.flow == 0 && self.indent > column {
            self.push(What::BlockEnd, self.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// Reads one token, or several where blocks end.
    fn fetch(&mut self) -> Result<()> {
        self.skip_to_token()?;
        self.dedent_to(i64::from(self.mark.column));
        let start = self.mark;
        let Some(first) = self.byte(0) else { return self.stream_end() };
        if start.column == 0 {
            if first == b'%' {
                return self.directive();
            }
            if let Some(what) = self.document_marker() {
                return self.document(what);
            }
        }
        match first {
            b'[' => self.flow_start(What::FlowSeqStart),
            b'{' => self.flow_start(What::FlowMapStart),
            b']' => self.flow_end(What::FlowSeqEnd),
            b'}' => self.flow_end(What::FlowMapEnd),
            b',' => {
                self.forget_key()?;
                self.key_allowed = true;
                self.indicator(What::FlowEntry)
            }
            b'-' if self.is_blank_or_end(1) => self.block_entry(),
            b'?' if self.flow > 0 || self.is_blank_or_end(1) => self.explicit_key(),
            b':' if self.flow > 0 || self.is_blank_or_end(1) => self.value(),
            b'*' | b'&' => self.anchor_or_alias(first == b'*'),
            b'!' => self.tag(),
            b'|' | b'>' if self.flow == 0 => self.block_scalar(first == b'|'),
            b'\'' | b'"' => self.quoted_scalar(first == b'\''),
            _ if self.begins_plain_scalar(first) => self.plain_scalar(),
            b'\t' => fault(start, "a tab cannot indent; use blanks"),
            other => {
                let message = format!("`{}` cannot begin a value here; put the text in quotes", char::from(other));
                Err(Fault { mark: start, message: message.into() })
            }
        }
    }

    fn begins_plain_scalar(&self, first: u8) -> bool {
        match first {
            b'-' => !matches!(self.byte(1), Some(b' ' | b'\t')),
            b'?' | b':' => self.flow == 0 && !self.is_blank_or_end(1),
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@'
            | b'`' => false,
            _ => !self.is_blank_or_end(0),
        }
    }

    /// Skips blanks, comments and line breaks.
    fn skip_to_token(&mut self) -> Result<()> {
        loop {
            // A tab counts as a blank only where it cannot be mistaken for indentation.
            let tabs = self.flow > 0 || !self.key_allowed;
            while matches!(self.byte(0), Some(b' ')) || (tabs && matches!(self.byte(0), Some(b'\t'))) {
                self.step_ascii();
            }
            if self.byte(0) == Some(b'#') {
                self.skip_comment();
            }
            if !self.is_break(0) {
                return Ok(());
            }
            self.step_line();
            if self.flow == 0 {
                self.key_allowed = true;
            }
        }
    }

    /// Skips the rest of the line. go-yaml v3 takes the comment lines that follow as one with the first, and there a
    /// tab before the next `#` does no harm.
    fn skip_comment(&mut self) {
        loop {
            self.skip_one_comment();
            if self.lookahead == 0 {
                return;
            }
            let rest = &self.bytes[self.at..];
            let window = &rest[..rest.len().min(512)];
            let Some(ahead) = window.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r')) else { return };
            if rest[ahead] != b'#' {
                return;
            }
            let comment = self.at + ahead;
            while self.at < comment {
                if self.is_break(0) {
                    self.step_line();
                } else {
                    self.step_ascii();
                }
            }
        }
    }

    /// Skips a comment behind the token that was read last, on its line. go-yaml v3 takes it for itself, so that in the
    /// lines below it a tab is a mistake; behind a dash the comment belongs to what follows.
    fn skip_line_comment(&mut self) {
        let is_blank = |b: &u8| matches!(b, b' ' | b'\t');
        let rest = &self.bytes[self.at..];
        let window = &rest[..rest.len().min(512)];
        let Some(ahead) = window.iter().position(|b| !is_blank(b)) else { return };
        if self.lookahead == 0 || rest[ahead] != b'#' {
            return;
        }
        let is_alone = matches!(self.bytes[..self.at].iter().rfind(|b| !is_blank(b)), None | Some(b'\n' | b'\r'));
        let is_dash = self.queue.back().is_some_and(|token| token.what == What::BlockEntry);
        if !is_alone && !is_dash {
            while self.is_blank(0) {
                self.step_ascii();
            }
            self.skip_one_comment();
        }
    }

    /// The page stands at its `#`.
    fn skip_one_comment(&mut self) {
        self.comments.push((self.mark.line, self.mark.column));
        self.skip_line_rest();
    }

    fn skip_line_rest(&mut self) {
        while !self.is_break_or_end(0) {
            self.step();
        }
    }

    fn stream_end(&mut self) -> Result<()> {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.dedent_to(-1);
        self.forget_key()?;
        self.key_allowed = false;
        self.push(What::StreamEnd, self.mark);
        Ok(())
    }

    /// `---` or `...` at the beginning of a line.
    fn document_marker(&self) -> Option<What<'t>> {
        match (self.bytes.get(self.at..self.at + 3)?, self.is_blank_or_end(3)) {
            (b"---", true) => Some(What::DocumentStart),
            (b"...", true) => Some(What::DocumentEnd),
            _ => None,
        }
    }

    fn document(&mut self, what: What<'t>) -> Result<()> {
        self.dedent_to(-1);
        self.forget_key()?;
        self.key_allowed = false;
        let start = self.mark;
        (0..3).for_each(|_| self.step_ascii());
        self.push(what, start);
        Ok(())
    }

    /// A token of one character.
    fn indicator(&mut self, what: What<'t>) -> Result<()> {
        let start = self.mark;
        self.step_ascii();
        self.push(what, start);
        Ok(())
    }

    fn flow_start(&mut self, what: What<'t>) -> Result<()> {
        self.key_may_begin()?;
        if self.flow >= DEEPEST {
            return fault(self.mark, "nested too deep");
        }
        self.flow += 1;
        self.candidates.push(Candidate { possible: false, required: false, token: 0, mark: self.mark });
        self.key_allowed = true;
        self.indicator(what)
    }

    fn flow_end(&mut self, what: What<'t>) -> Result<()> {
        self.forget_key()?;
        if self.flow > 0 {
            self.flow -= 1;
            self.candidates.pop();
        }
        self.key_allowed = false;
        self.indicator(what)
    }

    fn block_entry(&mut self) -> Result<()> {
        if self.flow == 0 {
            if !self.key_allowed {
                return fault(self.mark, "a list cannot begin in the middle of a line");
            }
            self.indent_to(self.mark.column, None, What::BlockSeqStart, self.mark)?;
        }
        self.forget_key()?;
        self.key_allowed = true;
        self.indicator(What::BlockEntry)
    }

    fn explicit_key(&mut self) -> Result<()> {
        if self.flow == 0 {
            if !self.key_allowed {
                return fault(self.mark, "a mapping cannot begin in the middle of a line");
            }
            self.indent_to(self.mark.column, None, What::BlockMapStart, self.mark)?;
        }
        self.forget_key()?;
        self.key_allowed = self.flow == 0;
        self.indicator(What::Key)
    }

    fn value(&mut self) -> Result<()> {
        let level = self.candidates.len() - 1;
        if self.still_possible(level)? {
            let Candidate { token, mark, .. } = self.candidates[level];
            self.queue.insert(token - self.taken, Token { what: What::Key, start: mark });
            self.indent_to(mark.column, Some(token), What::BlockMapStart, mark)?;
            self.level().possible = false;
            self.key_allowed = false;
        } else {
            if self.flow == 0 {
                if !self.key_allowed {
                    return fault(
                        self.mark,
                        "a mapping is not allowed here: put text that has `: ` in it in quotes, or mend the indentation",
                    );
                }
                self.indent_to(self.mark.column, None, What::BlockMapStart, self.mark)?;
            }
            self.key_allowed = self.flow == 0;
        }
        self.indicator(What::Value)
    }
}

fn fault<T>(mark: Mark, message: &'static str) -> Result<T> {
    Err(Fault { mark, message: message.into() })
}

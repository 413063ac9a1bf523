//! Plain scalars, and the rule by which lines of a scalar are joined.

use std::borrow::Cow;

use super::{Fault, Mark, Result, Scanner, What};
use crate::yaml::scalar::Style;

/// Line breaks between two lines of a scalar: one is a blank, more are one less.
#[derive(Default)]
pub(super) struct Breaks {
    first: Option<&'static str>,
    pub(super) more: String,
}

impl Breaks {
    pub(super) fn push(&mut self, kept: &'static str) {
        if self.first.is_none() { self.first = Some(kept) } else { self.more.push_str(kept) }
    }

    pub(super) fn join(&mut self, text: &mut String) {
        match self.first.take() {
            Some("\n") if self.more.is_empty() => text.push(' '),
            Some("\n") | None => text.push_str(&self.more),
            Some(kept) => {
                text.push_str(kept);
                text.push_str(&self.more);
            }
        }
        self.more.clear();
    }
}

impl<'t> Scanner<'t> {
    pub(super) fn plain_scalar(&mut self) -> Result<()> {
        self.key_may_begin()?;
        self.key_allowed = false;
        let start = self.mark;
        let from = self.at;
        let mut text = Cow::Borrowed("");
        let mut first = true;
        loop {
            if (self.mark.column == 0 && self.document_marker().is_some()) || self.byte(0) == Some(b'#') {
                break;
            }
            let line = self.plain_line();
            if first {
                text = Cow::Borrowed(&self.text[from..self.at]);
                first = false;
            } else if !line.is_empty() {
                text.to_mut().push_str(line);
            }
            if !(self.is_blank(0) || self.is_break(0)) {
                break;
            }
            let (blanks, mut breaks) = (self.at, Breaks::default());
            while self.is_blank(0) {
                self.step_ascii();
            }
            if !self.is_break(0) {
                // Blanks inside of the line, unless a comment follows.
                if !self.goes_on() {
                    break;
                }
                let between = &self.text[blanks..self.at];
                text.to_mut().push_str(between);
                continue;
            }
            self.skip_breaks(&mut breaks, start)?;
            self.key_allowed = true;
            let ends = self.flow == 0 && i64::from(self.mark.column) < self.indent + 1;
            if ends || !self.goes_on() || (self.mark.column == 0 && self.document_marker().is_some()) {
                break;
            }
            breaks.join(text.to_mut());
            self.key_allowed = false;
        }
        self.push(What::Scalar(text, Style::Plain), start);
        Ok(())
    }

    /// True if more of a plain scalar stands here.
    fn goes_on(&self) -> bool {
        !(self.byte(0) == Some(b'#') || self.is_blank_or_end(0) || self.ends_plain())
    }

    /// The part of a plain scalar up to the next blank or its end.
    fn plain_line(&mut self) -> &'t str {
        let from = self.at;
        let mut at = from;
        while let Some(&byte) = self.bytes.get(at) {
            let stop = match byte {
                b' ' | b'\t' | b'\n' | b'\r' => true,
                b':' | b',' | b'?' | b'[' | b']' | b'{' | b'}' | 0xc2 | 0xe2 => {
                    self.at = at;
                    let ends = self.ends_plain() || (byte >= 0x80 && self.is_break(0));
                    self.at = from;
                    ends
                }
                _ => false,
            };
            if stop {
                break;
            }
            at += 1;
        }
        self.step_over(at);
        &self.text[from..at]
    }

    /// True for a character that ends a plain scalar though no blank stands before it.
    fn ends_plain(&self) -> bool {
        match self.byte(0) {
            Some(b':') => self.is_blank_or_end(1),
            Some(b',' | b'?' | b'[' | b']' | b'{' | b'}') => self.flow > 0,
            _ => false,
        }
    }

    /// Line breaks and the indentation behind them.
    fn skip_breaks(&mut self, breaks: &mut Breaks, start: Mark) -> Result<()> {
        loop {
            if self.is_break(0) {
                breaks.push(self.step_line());
            } else if self.is_blank(0) {
                if self.byte(0) == Some(b'\t') && i64::from(self.mark.column) < self.indent + 1 {
                    return Err(Fault { mark: self.mark, message: tab(start).into() });
                }
                self.step_ascii();
            } else {
                return Ok(());
            }
        }
    }
}

pub(super) fn tab(start: Mark) -> String {
    format!("a tab stands in the indentation of the text that begins in line {}; use blanks", start.line)
}

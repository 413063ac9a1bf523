//! Scalars in quotes.

use std::borrow::Cow;

use super::plain::Breaks;
use super::{Mark, Result, Scanner, What, fault};
use crate::yaml::scalar::Style;

impl<'t> Scanner<'t> {
    pub(super) fn quoted_scalar(&mut self, single: bool) -> Result<()> {
        self.key_may_begin()?;
        self.key_allowed = false;
        let start = self.mark;
        self.step_ascii();
        let quote = if single { b'\'' } else { b'"' };
        let mut text = Cow::Borrowed("");
        loop {
            if self.mark.column == 0 && self.document_marker().is_some() {
                return fault(start, "the quote is not closed before the end of the document");
            }
            if self.byte(0).is_none() {
                return fault(start, "the quote is not closed");
            }
            let escaped_break = self.quoted_line(quote, &mut text, start)?;
            if self.byte(0) == Some(quote) {
                break;
            }
            let (blanks, mut breaks, mut lines) = (self.at, Breaks::default(), escaped_break);
            let mut blanks_end = self.at;
            while self.is_blank(0) || self.is_break(0) {
                if self.is_break(0) {
                    let kept = self.step_line();
                    // Behind an escaped break, no break is the first one.
                    if escaped_break {
                        breaks.more.push_str(kept)
                    } else {
                        breaks.push(kept)
                    }
                    lines = true;
                } else {
                    self.step_ascii();
                    if !lines {
                        blanks_end = self.at;
                    }
                }
            }
            if lines {
                breaks.join(text.to_mut());
            } else {
                let between = &self.text[blanks..blanks_end];
                text.to_mut().push_str(between);
            }
        }
        self.step_ascii();
        let style = if single { Style::Single } else { Style::Double };
        self.push(What::Scalar(text, style), start);
        Ok(())
    }

    /// Characters of a quoted scalar up to a blank, a break or the closing quote. True if the line break is escaped.
    fn quoted_line(&mut self, quote: u8, text: &mut Cow<'t, str>, start: Mark) -> Result<bool> {
        loop {
            let from = self.at;
            let mut at = from;
            while let Some(&byte) = self.bytes.get(at) {
                let special = matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0xc2 | 0xe2)
                    || byte == quote
                    || (byte == b'\\' && quote == b'"');
                if special && (byte < 0x80 || self.is_break(at - self.at)) {
                    break;
                }
                at += 1;
            }
            self.step_over(at);
            add(text, &self.text[from..at]);
            match (self.byte(0), quote) {
                (Some(b'\''), b'\'') if self.byte(1) == Some(b'\'') => {
                    self.step_ascii();
                    self.step_ascii();
                    text.to_mut().push('\'');
                }
                (Some(b'\\'), b'"') if self.is_break(1) => {
                    self.step_ascii();
                    self.step_line();
                    return Ok(true);
                }
                (Some(b'\\'), b'"') => {
                    let c = self.escape(start)?;
                    text.to_mut().push(c);
                }
                _ => return Ok(false),
            }
        }
    }

    fn escape(&mut self, start: Mark) -> Result<char> {
        let mark = self.mark;
        let simple = match self.byte(1) {
            Some(b'0') => '\0',
            Some(b'a') => '\u{7}',
            Some(b'b') => '\u{8}',
            Some(b't' | b'\t') => '\t',
            Some(b'n') => '\n',
            Some(b'v') => '\u{b}',
            Some(b'f') => '\u{c}',
            Some(b'r') => '\r',
            Some(b'e') => '\u{1b}',
            Some(b' ') => ' ',
            Some(b'"') => '"',
            Some(b'\'') => '\'',
            Some(b'\\') => '\\',
            Some(b'N') => '\u{85}',
            Some(b'_') => '\u{a0}',
            Some(b'L') => '\u{2028}',
            Some(b'P') => '\u{2029}',
            Some(b'x') => return self.code(2, mark),
            Some(b'u') => return self.code(4, mark),
            Some(b'U') => return self.code(8, mark),
            None => return fault(start, "the quote is not closed"),
            Some(_) => {
                return fault(mark, "there is no such escape; write `\\\\` for a backslash, or use single quotes");
            }
        };
        self.step_ascii();
        self.step_ascii();
        Ok(simple)
    }

    fn code(&mut self, digits: usize, mark: Mark) -> Result<char> {
        let code = self.bytes.get(self.at + 2..self.at + 2 + digits).and_then(|d| std::str::from_utf8(d).ok());
        let code = code.filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        let Some(value) = value else { return fault(mark, "the escape is not the number of a Unicode character") };
        (0..2 + digits).for_each(|_| self.step_ascii());
        Ok(value)
    }
}

/// Adds a piece of the source, which is borrowed for as long as it is the only one.
fn add<'t>(text: &mut Cow<'t, str>, piece: &'t str) {
    if piece.is_empty() {
        return;
    }
    if text.is_empty() { *text = Cow::Borrowed(piece) } else { text.to_mut().push_str(piece) }
}

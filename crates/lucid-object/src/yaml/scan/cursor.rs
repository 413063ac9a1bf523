//! The place in the text: looking ahead, and going on.

use super::Scanner;

impl Scanner<'_> {
    pub(super) fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), Some(b' ' | b'\t'))
    }

    pub(super) fn is_break(&self, ahead: usize) -> bool {
        match self.byte(ahead) {
            Some(b'\n' | b'\r') => true,
            Some(0xc2 | 0xe2) => self.wide_break(ahead) > 0,
            _ => false,
        }
    }

    /// The width of a line break outside of ASCII: next line, line separator, paragraph separator.
    pub(super) fn wide_break(&self, ahead: usize) -> usize {
        match &self.bytes[self.at + ahead..] {
            [0xc2, 0x85, ..] => 2,
            [0xe2, 0x80, 0xa8 | 0xa9, ..] => 3,
            _ => 0,
        }
    }

    pub(super) fn is_break_or_end(&self, ahead: usize) -> bool {
        self.byte(ahead).is_none() || self.is_break(ahead)
    }

    pub(super) fn is_blank_or_end(&self, ahead: usize) -> bool {
        match self.byte(ahead) {
            None | Some(b' ' | b'\t') => true,
            Some(_) => self.is_break(ahead),
        }
    }

    /// Past one character that is no line break.
    pub(super) fn step(&mut self) {
        self.at += 1;
        while self.bytes.get(self.at).is_some_and(|b| b & 0xc0 == 0x80) {
            self.at += 1;
        }
        self.mark.column += 1;
        self.mark.index += 1;
    }

    pub(super) fn step_ascii(&mut self) {
        self.at += 1;
        self.mark.column += 1;
        self.mark.index += 1;
    }

    /// Past a run of bytes without line breaks.
    pub(super) fn step_over(&mut self, end: usize) {
        let run = &self.bytes[self.at..end];
        let characters = run.iter().filter(|b| **b & 0xc0 != 0x80).count();
        self.at = end;
        self.mark.column += characters as u32;
        self.mark.index += characters;
    }

    /// Past a line break, and what it becomes in a scalar: line and paragraph separators stay, all others are one.
    pub(super) fn step_line(&mut self) -> &'static str {
        let (width, characters, kept) = match &self.bytes[self.at..] {
            [b'\r', b'\n', ..] => (2, 2, "\n"),
            [0xc2, 0x85, ..] => (2, 1, "\n"),
            [0xe2, 0x80, 0xa8, ..] => (3, 1, "\u{2028}"),
            [0xe2, 0x80, 0xa9, ..] => (3, 1, "\u{2029}"),
            _ => (1, 1, "\n"),
        };
        self.at += width;
        self.mark.index += characters;
        self.mark.line += 1;
        self.mark.column = 0;
        kept
    }
}

//! Blocks of text: literal and folded.

use super::plain::tab;
use super::{Fault, Mark, Result, Scanner, What, fault};
use crate::yaml::scalar::Style;

impl Scanner<'_> {
    pub(super) fn block_scalar(&mut self, literal: bool) -> Result<()> {
        self.forget_key()?;
        self.key_allowed = true;
        let start = self.mark;
        self.step_ascii();
        let (keep, increment) = self.block_header(start)?;
        while self.is_blank(0) {
            self.step_ascii();
        }
        if self.byte(0) == Some(b'#') {
            self.skip_one_comment();
        }
        if !self.is_break_or_end(0) {
            return fault(start, "nothing but a comment can stand behind `|` or `>`; the text begins on the next line");
        }
        if self.is_break(0) {
            self.step_line();
        }
        let mut indent = increment.map(|n| self.indent.max(0) + n);
        let mut first = self.mark;
        let (mut text, mut leading, mut breaks) = (String::new(), "", String::new());
        self.block_breaks(&mut indent, &mut breaks, start)?;
        let indent = indent.unwrap_or(1);
        first.column = indent as u32;
        let mut was_blank = false;
        while i64::from(self.mark.column) == indent && self.byte(0).is_some() {
            let is_blank = self.is_blank(0);
            if !literal && leading == "\n" && !was_blank && !is_blank {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(leading);
            }
            text.push_str(&breaks);
            breaks.clear();
            was_blank = is_blank;
            let from = self.at;
            self.skip_line_rest();
            text.push_str(&self.text[from..self.at]);
            leading = if self.is_break(0) { self.step_line() } else { "" };
            self.block_breaks(&mut Some(indent), &mut breaks, start)?;
        }
        if keep != Some(false) {
            text.push_str(leading);
        }
        if keep == Some(true) {
            text.push_str(&breaks);
        }
        let style = if literal { Style::Literal } else { Style::Folded };
        // The place of the text, so that lines in it can be found; the bar stands one line above.
        self.push(What::Scalar(text.into(), style), first);
        Ok(())
    }

    /// What to do with the last breaks, and the indentation, in either order.
    fn block_header(&mut self, start: Mark) -> Result<(Option<bool>, Option<i64>)> {
        let (mut keep, mut increment) = (None, None);
        for _ in 0..2 {
            match self.byte(0) {
                Some(sign @ (b'+' | b'-')) if keep.is_none() => {
                    keep = Some(sign == b'+');
                    self.step_ascii();
                }
                Some(b'0') if increment.is_none() => return fault(start, "an indentation of 0 is not possible"),
                Some(digit @ b'1'..=b'9') if increment.is_none() => {
                    increment = Some(i64::from(digit - b'0'));
                    self.step_ascii();
                }
                _ => break,
            }
        }
        Ok((keep, increment))
    }

    /// Empty lines and indentation. Finds out how deep a block is indented, if that is not known yet.
    fn block_breaks(&mut self, indent: &mut Option<i64>, breaks: &mut String, start: Mark) -> Result<()> {
        let mut deepest = 0;
        loop {
            let inside = |column: u32| indent.is_none_or(|indent| i64::from(column) < indent);
            while inside(self.mark.column) && self.byte(0) == Some(b' ') {
                self.step_ascii();
            }
            deepest = deepest.max(i64::from(self.mark.column));
            if inside(self.mark.column) && self.byte(0) == Some(b'\t') {
                return Err(Fault { mark: self.mark, message: tab(start).into() });
            }
            if !self.is_break(0) {
                break;
            }
            breaks.push_str(self.step_line());
        }
        if indent.is_none() {
            *indent = Some(deepest.max(self.indent + 1).max(1));
        }
        Ok(())
    }
}

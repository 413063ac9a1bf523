//! The state of the printed page: column, indentation, and the scalar styles.

use super::{Source, View, is_break, printable};
use crate::yaml::scalar::is_not_string_1_1;
use crate::yaml::{Pos, Style, block};

const WIDTH: usize = 80;

/// Writes one document.
#[derive(Default)]
pub(crate) struct Writer {
    out: String,
    column: usize,
    /// Where in the text a value begins, and where it was last set; only if someone asks.
    marks: Option<Vec<(usize, Pos)>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    Plain,
    Single,
    Double,
    Literal,
}

/// What a text allows, found in one pass over it.
struct Shape {
    block: bool,
    plain: bool,
    single: bool,
    multiline: bool,
}

impl Writer {
    pub(crate) fn finish(mut self) -> String {
        if self.column > 0 {
            self.out.push('\n');
        }
        self.out
    }

    pub(crate) fn into_text(self) -> String {
        self.out
    }

    /// A writer that also notes places.
    pub(crate) fn marking() -> Self {
        Self { marks: Some(Vec::new()), ..Self::default() }
    }

    pub(crate) fn finish_with_places(mut self) -> (String, Vec<Pos>) {
        let marks = self.marks.take().unwrap_or_default();
        let text = self.finish();
        let (mut places, mut marks) = (Vec::new(), marks.into_iter().peekable());
        let mut end = 0;
        for line in text.split_inclusive('\n') {
            end += line.len();
            let mut place = Pos::NOWHERE;
            // The last value that begins on a line is the innermost one.
            while let Some((_, pos)) = marks.next_if(|(at, _)| *at < end) {
                place = if pos.is_somewhere() { pos } else { place };
            }
            places.push(place);
        }
        (text, places)
    }

    fn mark(&mut self, pos: impl FnOnce() -> Pos) {
        if let Some(marks) = &mut self.marks {
            marks.push((self.out.len(), pos()));
        }
    }

    pub(crate) fn document<T: Source>(&mut self, value: &T) {
        match value.view() {
            View::Map(entries) if !entries.is_empty() => self.map(value, entries, 0),
            View::Seq(items) if !items.is_empty() => self.seq(items, 0),
            view => self.scalar_or_empty(view, 2),
        }
    }

    fn push(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn push_str(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += if text.is_ascii() { text.len() } else { text.chars().count() };
    }

    /// A fresh line, filled up to the indentation.
    fn indent(&mut self, indent: usize) {
        if self.column > 0 {
            self.out.push('\n');
        }
        self.column = 0;
        self.pad(indent);
    }

    fn pad(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent.saturating_sub(self.column)));
        self.column = self.column.max(indent);
    }

    /// Entries of a mapping; the first stands where the page is, if the page is already past a `- ` or `: `.
    fn map<T: Source>(&mut self, parent: &T, entries: Vec<(&str, &T)>, indent: usize) {
        for (index, (key, value)) in entries.into_iter().enumerate() {
            if index > 0 || self.column == 0 || self.column > indent {
                self.indent(indent);
            } else {
                self.pad(indent);
            }
            self.mark(|| parent.place_of_key(key));
            let shape = Shape::of(key);
            if key.len() > 128 || shape.multiline {
                self.long_key(key, &shape, value, indent);
                continue;
            }
            self.scalar(key, &shape, indent, false);
            self.push(':');
            match value.view() {
                View::Map(entries) if !entries.is_empty() => {
                    self.indent(indent + 2);
                    self.map(value, entries, indent + 2);
                }
                View::Seq(items) if !items.is_empty() => {
                    self.indent(indent);
                    self.seq(items, indent);
                }
                view => {
                    self.mark(|| value.place());
                    self.push(' ');
                    self.scalar_or_empty(view, indent + 2);
                }
            }
        }
    }

    fn long_key<T: Source>(&mut self, key: &str, shape: &Shape, value: &T, indent: usize) {
        self.push_str("? ");
        self.scalar(key, shape, indent + 2, true);
        self.indent(indent);
        self.push(':');
        match value.view() {
            View::Map(entries) if !entries.is_empty() => self.map(value, entries, indent + 2),
            View::Seq(items) if !items.is_empty() => {
                self.pad(indent + 2);
                self.seq(items, indent + 2);
            }
            view => {
                self.push(' ');
                self.scalar_or_empty(view, indent + 2);
            }
        }
    }

    /// Items of a sequence; the page stands at the indentation for the first.
    fn seq<T: Source>(&mut self, items: &[T], indent: usize) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.indent(indent);
            }
            self.mark(|| item.place());
            self.push_str("- ");
            match item.view() {
                View::Map(entries) if !entries.is_empty() => self.map(item, entries, indent + 2),
                View::Seq(items) if !items.is_empty() => self.seq(items, indent + 2),
                view => self.scalar_or_empty(view, indent + 2),
            }
        }
    }

    fn scalar_or_empty<T>(&mut self, view: View<'_, T>, indent: usize) {
        match view {
            View::Plain(text) => self.push_str(&text),
            View::Text(text) => self.scalar(&text, &Shape::of(&text), indent, true),
            View::Seq(_) => self.push_str("[]"),
            View::Map(_) => self.push_str("{}"),
        }
    }

    fn scalar(&mut self, text: &str, shape: &Shape, indent: usize, breaks: bool) {
        match quote(text, shape, !breaks) {
            Quote::Plain => self.plain(text, indent, breaks),
            Quote::Single => self.single(text, indent, breaks),
            Quote::Double => self.double(text, indent, breaks),
            Quote::Literal => self.literal(text, indent),
        }
    }

    fn plain(&mut self, text: &str, indent: usize, breaks: bool) {
        if self.fits(text) {
            return self.push_str(text);
        }
        self.folded(text, indent, breaks, |_, _| true, |writer, c| writer.push(c));
    }

    fn single(&mut self, text: &str, indent: usize, breaks: bool) {
        self.push('\'');
        let inside = |at: usize, text: &str| at > 0 && at + 1 < text.len();
        self.folded(text, indent, breaks, inside, |writer, c| {
            if c == '\'' {
                writer.push('\'');
            }
            writer.push(c);
        });
        self.push('\'');
    }

    fn fits(&self, text: &str) -> bool {
        self.column + text.len() <= WIDTH && text.is_ascii()
    }

    /// Text whose single spaces may become line breaks once the line is full.
    fn folded(
        &mut self,
        text: &str,
        indent: usize,
        breaks: bool,
        may_break: impl Fn(usize, &str) -> bool,
        put: impl Fn(&mut Self, char),
    ) {
        let (mut after_space, mut after_break) = (false, false);
        for (at, c) in text.char_indices() {
            if c == ' ' {
                let full = breaks && !after_space && self.column > WIDTH && may_break(at, text);
                if full && text.as_bytes().get(at + 1) != Some(&b' ') {
                    self.indent(indent);
                } else {
                    self.push(c);
                }
                after_space = true;
            } else if is_break(c) {
                if !after_break && c == '\n' {
                    self.out.push('\n');
                }
                self.out.push(c);
                self.column = 0;
                after_break = true;
            } else {
                if after_break {
                    self.pad(indent);
                }
                put(self, c);
                (after_space, after_break) = (false, false);
            }
        }
    }

    pub(crate) fn double(&mut self, text: &str, indent: usize, breaks: bool) {
        self.push('"');
        // A text that starts with a byte order mark is escaped throughout: go-yaml looks at the first character only.
        let all = text.starts_with('\u{feff}');
        let mut after_space = false;
        for (at, c) in text.char_indices() {
            if all || !printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                self.escape(c);
                after_space = false;
            } else if c == ' ' {
                let inside = at > 0 && at + 1 < text.len();
                if breaks && !after_space && self.column > WIDTH && inside {
                    self.indent(indent);
                    if text.as_bytes()[at + 1] == b' ' {
                        self.push('\\');
                    }
                } else {
                    self.push(c);
                }
                after_space = true;
            } else {
                self.push(c);
                after_space = false;
            }
        }
        self.push('"');
    }

    fn escape(&mut self, c: char) {
        let short = match c {
            '\0' => Some('0'),
            '\u{7}' => Some('a'),
            '\u{8}' => Some('b'),
            '\t' => Some('t'),
            '\n' => Some('n'),
            '\u{b}' => Some('v'),
            '\u{c}' => Some('f'),
            '\r' => Some('r'),
            '\u{1b}' => Some('e'),
            '"' | '\\' => Some(c),
            '\u{85}' => Some('N'),
            '\u{a0}' => Some('_'),
            '\u{2028}' => Some('L'),
            '\u{2029}' => Some('P'),
            _ => None,
        };
        self.push('\\');
        match (short, u32::from(c)) {
            (Some(short), _) => self.push(short),
            (None, code @ 0..=0xff) => self.push_str(&format!("x{code:02X}")),
            (None, code @ 0x100..=0xffff) => self.push_str(&format!("u{code:04X}")),
            (None, code) => self.push_str(&format!("U{code:08X}")),
        }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        block::write(&mut self.out, text, Style::Literal, indent);
        let last = text.rsplit(is_break).next().map_or(0, |line| line.chars().count());
        self.column = if last > 0 { indent + last } else { 0 };
    }
}

fn quote(text: &str, shape: &Shape, key: bool) -> Quote {
    let mut quote = if text.contains('\n') {
        Quote::Literal
    } else if is_not_string_1_1(text) || is_base_60(text) {
        Quote::Double
    } else {
        Quote::Plain
    };
    if quote == Quote::Plain && !shape.plain {
        quote = Quote::Single;
    }
    if quote == Quote::Single && !shape.single {
        quote = Quote::Double;
    }
    if quote == Quote::Literal && (!shape.block || key) {
        quote = Quote::Double;
    }
    quote
}

/// `1:30` and `12:30:45.5` were numbers in YAML 1.1.
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let mut parts = text.split(':');
    let head = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest.split_last() else { return false };
    let sixty = |part: &str| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    let (whole, fraction) = last.split_once('.').unwrap_or((last, ""));
    head.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        && middle.iter().all(|part| sixty(part))
        && sixty(whole)
        && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

impl Shape {
    fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self { block: false, plain: true, single: true, multiline: false };
        }
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut breaks, mut special, mut break_space, mut space_break) = (false, false, false, false);
        let (mut was_space, mut was_break, mut after_white) = (false, false, true);
        let bytes = text.as_bytes();
        for (at, c) in text.char_indices() {
            let next_blank = bytes.get(at + c.len_utf8()).is_none_or(|b| matches!(b, b' ' | b'\t'));
            indicators |= match c {
                '#' => at == 0 || after_white,
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => at == 0,
                '?' | '-' => at == 0 && next_blank,
                ':' => next_blank,
                _ => false,
            };
            special |= !printable(c);
            if c == ' ' {
                break_space |= was_break;
                (was_space, was_break) = (true, false);
            } else if is_break(c) {
                breaks = true;
                space_break |= was_space;
                (was_space, was_break) = (false, true);
            } else {
                (was_space, was_break) = (false, false);
            }
            after_white = matches!(c, ' ' | '\t' | '\0') || is_break(c);
        }
        let edge = |c: char| c == ' ' || is_break(c);
        let bare = !text.starts_with(edge) && !text.ends_with(edge) && !breaks;
        let clean = !space_break && !special;
        Self {
            block: clean && !text.ends_with(' '),
            plain: bare && clean && !break_space && !indicators,
            single: clean && !break_space,
            multiline: breaks,
        }
    }
}

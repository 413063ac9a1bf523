//! Trees to text, in the bytes of go-yaml v2: what `kustomize build` prints.
//!
//! Keys in natural order, two spaces, sequences not indented under their key, lines folded at 80 columns.

use std::borrow::Cow;

use serde_json::Value;

use super::Pos;
use super::node::{Kind, Node};
use super::number;
use super::scalar::Resolved;

mod order;
mod writer;

use writer::Writer;

/// One document of a JSON value.
pub fn emit(value: &Value) -> String {
    let mut writer = Writer::default();
    value.write(&mut writer);
    writer.finish()
}

/// One document of a tree; scalars that cannot be read back as their type are printed as text.
pub fn emit_node(node: &Node) -> String {
    let mut writer = Writer::default();
    node.write(&mut writer);
    writer.finish()
}

/// The same, and for each line the place that last set what stands on it. Lines that only go on have none.
pub fn emit_with_places(node: &Node) -> (String, Vec<Pos>) {
    let mut writer = Writer::marking();
    node.write(&mut writer);
    writer.finish_with_places()
}

/// A text in double quotes, on one line, with go-yaml's escapes.
pub fn quoted(text: &str) -> String {
    let mut writer = Writer::default();
    writer.double(text, 0, false);
    writer.into_text()
}

/// Whether go-yaml writes the text without escapes, line breaks aside.
pub fn is_printable(text: &str) -> bool {
    text.chars().all(printable)
}

/// What ends a line.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// True for the characters that go-yaml writes as they are.
pub(super) fn printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

/// What the writer needs to know of a value.
pub(crate) trait Source: Sized {
    fn view(&self) -> View<'_, Self>;

    /// Where the value was last set.
    fn place(&self) -> Pos {
        Pos::NOWHERE
    }

    /// Where a key of this mapping stands.
    fn place_of_key(&self, _key: &str) -> Pos {
        Pos::NOWHERE
    }

    fn write(&self, writer: &mut Writer) {
        writer.document(self);
    }
}

pub(crate) enum View<'a, T> {
    Plain(Cow<'a, str>),
    Text(Cow<'a, str>),
    Seq(&'a [T]),
    Map(Vec<(&'a str, &'a T)>),
}

impl Source for Value {
    fn view(&self) -> View<'_, Self> {
        match self {
            Self::Null => View::Plain("null".into()),
            Self::Bool(b) => View::Plain(if *b { "true" } else { "false" }.into()),
            Self::Number(number) => View::Plain(number::json_text(number).into()),
            Self::String(text) => View::Text(next_line(text.as_str().into())),
            Self::Array(items) => View::Seq(items),
            Self::Object(fields) => View::Map(order::sorted(fields.iter().map(|(k, v)| (k.as_str(), v)).collect())),
        }
    }
}

impl Source for Node {
    fn place(&self) -> Pos {
        self.pos
    }

    fn place_of_key(&self, key: &str) -> Pos {
        self.entry(key).map_or(Pos::NOWHERE, |entry| entry.key.pos)
    }

    fn view(&self) -> View<'_, Self> {
        match &self.kind {
            Kind::Scalar(scalar) => match scalar.resolve() {
                Ok(Resolved::Null) => View::Plain("null".into()),
                Ok(Resolved::Bool(b)) => View::Plain(if b { "true" } else { "false" }.into()),
                Ok(Resolved::Int(i)) => View::Plain(i.to_string().into()),
                Ok(Resolved::Uint(u)) => View::Plain(u.to_string().into()),
                Ok(Resolved::Float(f)) => View::Plain(float_text(f).into()),
                Ok(Resolved::Str(text)) => View::Text(next_line(text)),
                Err(_) => View::Text(scalar.text.as_str().into()),
            },
            Kind::Seq(items) => View::Seq(items),
            Kind::Map(entries) => {
                View::Map(order::sorted(entries.iter().map(|e| (e.key.text.as_str(), &e.value)).collect()))
            }
        }
    }
}

/// JSON does not escape U+0085, and go-yaml takes it for a line break when it reads that JSON: one becomes a blank.
fn next_line(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains('\u{85}') {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('\u{85}').peekable();
    let mut breaks = 0;
    while let Some(part) = parts.next() {
        let part = if breaks > 0 { part.trim_start_matches(' ') } else { part };
        let part = if parts.peek().is_some() { part.trim_end_matches(' ') } else { part };
        if !part.is_empty() || parts.peek().is_none() {
            match breaks {
                0 => {}
                1 => out.push(' '),
                n => out.extend(std::iter::repeat_n('\n', n - 1)),
            }
            breaks = 0;
            out.push_str(part);
        }
        breaks += 1;
    }
    out.into()
}

fn float_text(value: f64) -> String {
    match number::float_to_json(value) {
        Value::Number(number) => number::json_text(&number),
        _ => number::shortest(value),
    }
}

#[cfg(test)]
mod tests;

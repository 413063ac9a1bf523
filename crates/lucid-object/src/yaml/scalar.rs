//! What a scalar means: the rules of go-yaml v3 (resource files) and v2 (YAML 1.1: kustomization files, output).

use std::borrow::Cow;

use super::{Text, block, number, timestamp};

/// A scalar: its text, its type as the reader or a transformer set it, and how it was written.
///
/// kustomize keeps the three apart until the end: an image that is set keeps the quotes of the old one, and a number
/// written into a quoted field is a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    pub text: Text,
    pub tag: Tag,
    pub style: Style,
    /// Places of one object that a transformer filled with one and the same node have one number; 0 for all others.
    pub share: u32,
}

/// The type of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tag {
    /// Not set: decided by text and style when the scalar is written.
    Unset,
    Null,
    Bool,
    Int,
    Float,
    Time,
    Str,
    Binary,
    Merge,
    /// A tag of an application: the text is kept as a string.
    Other,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    Plain,
    Single,
    Double,
    Literal,
    Folded,
}

/// The value of a scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Str(Cow<'a, str>),
}

impl Scalar {
    pub fn plain(text: impl Into<Text>, tag: Tag) -> Self {
        Self::styled(text, tag, Style::Plain)
    }

    pub fn styled(text: impl Into<Text>, tag: Tag, style: Style) -> Self {
        Self { text: text.into(), tag, style, share: 0 }
    }

    /// A number as Go holds it after decoding JSON without a schema: integers where they fit, else float64.
    pub fn from_number(number: &serde_json::Number) -> Self {
        let text = number::json_text(number);
        let tag = tag_of(&text);
        Self::plain(text, tag)
    }

    /// True where kustomize treats the scalar as text: tagged so, or not tagged at all.
    pub fn is_string(&self) -> bool {
        matches!(self.tag, Tag::Str | Tag::Unset)
    }

    /// The value after kustomize's round trip through text, or why that fails.
    pub fn resolve(&self) -> Result<Resolved<'_>, String> {
        match self.tag {
            Tag::Str | Tag::Unset if self.is_unreadable_literal() => {
                Err("a block of text that begins with a tab cannot be read back".into())
            }
            Tag::Str | Tag::Unset | Tag::Other if self.style == Style::Folded => {
                Ok(Resolved::Str(block::reread(&self.text)))
            }
            // An empty value inside of brackets, which go-yaml writes as ''.
            Tag::Null if self.text.is_empty() && self.style != Style::Plain => Ok(Resolved::Str("".into())),
            _ => self.decode(),
        }
    }

    /// The value without that round trip.
    pub fn decode(&self) -> Result<Resolved<'_>, String> {
        let text = self.text.as_str();
        let quoted = self.style != Style::Plain;
        match self.tag {
            Tag::Str | Tag::Merge | Tag::Other => Ok(Resolved::Str(text.into())),
            Tag::Unset if quoted => Ok(Resolved::Str(text.into())),
            Tag::Unset => Ok(plain(text).1),
            Tag::Binary => Ok(Resolved::Str(decode_binary(text)?.into())),
            Tag::Null if text.is_empty() => Ok(Resolved::Null),
            tag => typed(tag, text, quoted),
        }
    }

    /// go-yaml writes a literal that begins with a tab, and then takes the tab for indentation.
    fn is_unreadable_literal(&self) -> bool {
        let text = self.text.as_str();
        text.starts_with('\t')
            && (self.style == Style::Literal || (self.style == Style::Plain && text.contains('\n')))
            && block::block_allowed(text)
    }
}

/// A typed scalar as it is read back: quotes win over the type if the text alone would give that type.
fn typed(tag: Tag, text: &str, quoted: bool) -> Result<Resolved<'_>, String> {
    let (found, value) = plain(text);
    if found == tag {
        return Ok(if quoted { Resolved::Str(text.into()) } else { value });
    }
    match (tag, value) {
        (Tag::Float, Resolved::Int(i)) => Ok(Resolved::Float(i as f64)),
        (Tag::Null, _) if text.is_empty() => Ok(Resolved::Null),
        _ => Err(format!("cannot decode {} `{text}` as a {}", name(found), name(tag))),
    }
}

fn name(tag: Tag) -> &'static str {
    match tag {
        Tag::Null => "!!null",
        Tag::Bool => "!!bool",
        Tag::Int => "!!int",
        Tag::Float => "!!float",
        Tag::Time => "!!timestamp",
        Tag::Binary => "!!binary",
        Tag::Merge => "!!merge",
        Tag::Str | Tag::Unset | Tag::Other => "!!str",
    }
}

/// The type of an unquoted text in a resource file.
pub fn tag_of(text: &str) -> Tag {
    plain(text).0
}

/// True for a text that YAML 1.1 readers would not take for a string. The rule for quotes in kustomize's output.
pub fn is_not_string_1_1(text: &str) -> bool {
    bool_1_1(text).is_some() || plain(text).0 != Tag::Str
}

/// The extra spellings of true and false in YAML 1.1.
pub(super) fn bool_1_1(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// The meaning of an unquoted text, by the rules of go-yaml v3.
pub(super) fn plain(text: &str) -> (Tag, Resolved<'_>) {
    match text.as_bytes().first() {
        None => (Tag::Null, Resolved::Null),
        Some(b't' | b'T' | b'f' | b'F' | b'n' | b'N' | b'~') => word(text),
        Some(b'.') => dotted(text),
        Some(b'0'..=b'9') => numeric(text),
        Some(b'+' | b'-') => match infinity(&text[1..]) {
            Some(sign) => (Tag::Float, Resolved::Float(if text.starts_with('-') { -sign } else { sign })),
            None => numeric(text),
        },
        Some(_) => (Tag::Str, Resolved::Str(text.into())),
    }
}

fn word(text: &str) -> (Tag, Resolved<'_>) {
    match text {
        "true" | "True" | "TRUE" => (Tag::Bool, Resolved::Bool(true)),
        "false" | "False" | "FALSE" => (Tag::Bool, Resolved::Bool(false)),
        "~" | "null" | "Null" | "NULL" => (Tag::Null, Resolved::Null),
        _ => (Tag::Str, Resolved::Str(text.into())),
    }
}

fn dotted(text: &str) -> (Tag, Resolved<'_>) {
    if let Some(value) = infinity(text) {
        return (Tag::Float, Resolved::Float(value));
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return (Tag::Float, Resolved::Float(f64::NAN));
    }
    // Go takes a `_` between two digits here, and nowhere else.
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let is_apart = |(at, byte): (usize, &u8)| *byte != b'_' || is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
    let digits = if bytes.iter().enumerate().all(is_apart) { text.replace('_', "") } else { text.to_owned() };
    match number::float(&digits) {
        Some(value) => (Tag::Float, Resolved::Float(value)),
        None => (Tag::Str, Resolved::Str(text.into())),
    }
}

fn infinity(text: &str) -> Option<f64> {
    matches!(text, ".inf" | ".Inf" | ".INF").then_some(f64::INFINITY)
}

fn numeric(text: &str) -> (Tag, Resolved<'_>) {
    if let Some(time) = timestamp::rfc3339(text) {
        return (Tag::Time, Resolved::Str(time.into()));
    }
    match number::integer_or_float(text) {
        Some(value @ Resolved::Float(_)) => (Tag::Float, value),
        Some(value) => (Tag::Int, value),
        None => (Tag::Str, Resolved::Str(text.into())),
    }
}

fn decode_binary(text: &str) -> Result<String, String> {
    let bytes = number::base64(text).ok_or("!!binary value contains invalid base64 data")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

//! The sentence of a notification: words, `{fields}`, and `[parts]` that are left out when a field in them is empty.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The fields that a message has.
pub const FIELDS: [&str; 9] =
    ["event", "headline", "release", "environment", "component", "detail", "by", "reason", "link"];

/// Longer sentences are no sentences.
const LIMIT: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Words(String),
    Field(&'static str),
    Optional(Vec<Piece>),
}

impl Template {
    /// # Errors
    /// What is wrong with the text, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LIMIT {
            return Err(format!("a template has at most {LIMIT} characters"));
        }
        let mut rest = text;
        let pieces = pieces(&mut rest, false)?;
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// The sentence. A field that is not given is empty.
    pub fn fill(&self, fields: &BTreeMap<&str, String>) -> String {
        fill(&self.pieces, fields)
    }
}

fn pieces(rest: &mut &str, is_inner: bool) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    loop {
        let end = rest.find(['{', '}', '[', ']']).unwrap_or(rest.len());
        let (words, after) = rest.split_at(end);
        if !words.is_empty() {
            pieces.push(Piece::Words(words.to_owned()));
        }
        let Some(sign) = after.chars().next() else {
            return if is_inner { Err("a [ is never closed".to_owned()) } else { Ok(pieces) };
        };
        *rest = &after[1..];
        match sign {
            '{' => pieces.push(Piece::Field(field(rest)?)),
            '[' if !is_inner => pieces.push(Piece::Optional(self::pieces(rest, true)?)),
            ']' if is_inner => return Ok(pieces),
            sign => return Err(format!("a {sign} stands alone")),
        }
    }
}

fn field(rest: &mut &str) -> Result<&'static str, String> {
    let (name, after) = rest.split_once('}').ok_or("a { is never closed")?;
    *rest = after;
    FIELDS.into_iter().find(|known| *known == name).ok_or_else(|| {
        let near = crate::load::nearest(name, FIELDS.iter().copied());
        format!(
            "a message has no field {{{name}}}; {}",
            near.unwrap_or_else(|| format!("it has {}", FIELDS.join(", ")))
        )
    })
}

fn fill(pieces: &[Piece], fields: &BTreeMap<&str, String>) -> String {
    let value = |name: &str| fields.get(name).map_or("", String::as_str);
    let piece = |piece: &Piece| match piece {
        Piece::Words(words) => words.clone(),
        Piece::Field(name) => value(name).to_owned(),
        Piece::Optional(inner) => {
            let lacks = inner.iter().any(|piece| matches!(piece, Piece::Field(name) if value(name).is_empty()));
            if lacks { String::new() } else { fill(inner, fields) }
        }
    };
    pieces.iter().map(piece).collect()
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, expect: &str) {
        let fields = BTreeMap::from([("event", "failure".to_owned()), ("by", "ann {link}".to_owned())]);
        let said = Template::parse(template).map_or_else(|error| format!("error: {error}"), |t| t.fill(&fields));
        assert_eq!(said, expect);
    }

    #[test]
    fn fields_and_parts() {
        check("it was a {event}", "it was a failure");
        check("{event}[ by {by}][: {reason}]!", "failure by ann {link}!");
        check("{reason}", "");
        check("", "");
    }

    #[test]
    fn what_is_no_template_says_why() {
        check("{evnt}", "error: a message has no field {evnt}; did you mean event?");
        check("{event", "error: a { is never closed");
        check("[{event}", "error: a [ is never closed");
        check("[[{event}]]", "error: a [ stands alone");
        check("a]", "error: a ] stands alone");
        check(&"x".repeat(501), "error: a template has at most 500 characters");
    }
}

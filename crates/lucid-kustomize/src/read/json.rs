//! Trees as they come back from JSON: every text in double quotes, every number as Go prints it, keys that are texts.

use lucid_object::yaml::{Dialect, Entry, Key, Kind, Limits, Node, Pos, Resolved, Scalar, Style, Tag, parse_first};

use super::Flaw;
use crate::equal_keys;
use crate::report::code;

/// A text of values, as a tree; nothing is an empty one.
pub(crate) fn value(text: &str, file: u32) -> Result<Node, String> {
    let start = Pos { file, line: 1, column: 1 };
    let first = parse_first(text, start, Dialect::Tree, Limits::default()).map_err(|error| error.message)?;
    Ok(first.node.unwrap_or_else(|| Node::map(start)))
}

/// The tree as JSON, after it has been written and read; the places stay.
pub(crate) fn through(node: &Node) -> Result<Node, Flaw> {
    made_of(node, Scalar::resolve)
}

/// The same, decoded as it stands.
pub(crate) fn decoded(node: &Node) -> Result<Node, Flaw> {
    made_of(node, Scalar::decode)
}

type Read = fn(&Scalar) -> Result<Resolved<'_>, String>;

fn made_of(node: &Node, read: Read) -> Result<Node, Flaw> {
    let kind = match &node.kind {
        Kind::Seq(items) => Kind::Seq(items.iter().map(|item| made_of(item, read)).collect::<Result<_, _>>()?),
        Kind::Map(entries) => {
            equal_keys::check(entries)?;
            let mut made = entries
                .iter()
                .map(|entry| {
                    if !matches!(entry.key.tag, Tag::Str | Tag::Merge) {
                        let message = format!("the key {} is not a string", entry.key.text);
                        return Err(Flaw::new(code::UNPRINTABLE, entry.key.pos, message));
                    }
                    let key = Key { tag: Tag::Str, ..entry.key.clone() };
                    Ok(Entry { key, value: made_of(&entry.value, read)? })
                })
                .collect::<Result<Vec<_>, _>>()?;
            made.sort_by(|a, b| a.key.text.cmp(&b.key.text));
            Kind::Map(made)
        }
        Kind::Scalar(scalar) => {
            Kind::Scalar(plain(scalar, read).map_err(|message| Flaw::new(code::UNPRINTABLE, node.pos, message))?)
        }
    };
    Ok(Node::new(kind, node.pos))
}

fn plain(scalar: &Scalar, read: Read) -> Result<Scalar, String> {
    Ok(match read(scalar)? {
        Resolved::Null => Scalar::plain("null", Tag::Null),
        Resolved::Bool(b) => Scalar::plain(if b { "true" } else { "false" }, Tag::Bool),
        Resolved::Str(text) => Scalar::styled(text, Tag::Str, Style::Double),
        Resolved::Float(value) if !value.is_finite() => return Err(format!("{} has no place in JSON", scalar.text)),
        number => match number.to_json() {
            serde_json::Value::Number(number) => Scalar::from_number(&number),
            _ => return Err(format!("{} has no place in JSON", scalar.text)),
        },
    })
}

//! Typed reading of a tree, as Go decodes JSON: names match in any case, unknown ones are errors, null means absent.

use lucid_object::yaml::{Entry, Kind, Node, Pos, Resolved, Text};

use super::{At, Shared};
use crate::report::code;
use crate::suggest::nearest;

/// Reads one mapping.
pub(crate) struct Fields<'a, 'r> {
    report: &'a Shared<'r>,
    node: &'a Node,
}

impl<'a, 'r> Fields<'a, 'r> {
    /// Checks that the node is a mapping of known fields.
    pub(crate) fn open(report: &'a Shared<'r>, node: &'a Node, what: &'a str, known: &[&str]) -> Option<Self> {
        let fields = Self::open_any(report, node, what)?;
        for entry in node.entries() {
            let key = entry.key.text.as_str();
            if !known.iter().any(|name| name.eq_ignore_ascii_case(key)) {
                unknown_field(report, &entry.key.pos, key, what, known);
            }
        }
        Some(fields)
    }

    /// The same without a list of fields: Go ignores unknown ones in plugin configurations.
    pub(crate) fn open_any(report: &'a Shared<'r>, node: &'a Node, what: &'a str) -> Option<Self> {
        if node.is_null() {
            return None;
        }
        if !node.is_map() {
            wrong_type(report, node, what, "a mapping");
            return None;
        }
        Some(Self { report, node })
    }

    pub(crate) fn entry(&self, name: &str) -> Option<&'a Entry> {
        let entries = self.node.entries();
        let found = entries
            .iter()
            .find(|e| e.key.text == name)
            .or_else(|| entries.iter().find(|e| e.key.text.eq_ignore_ascii_case(name)))?;
        (!found.value.is_null()).then_some(found)
    }

    pub(crate) fn node(&self, name: &str) -> Option<&'a Node> {
        self.entry(name).map(|entry| &entry.value)
    }

    pub(crate) fn pos(&self, name: &str) -> Pos {
        self.entry(name).map_or(self.node.pos, |entry| entry.key.pos)
    }

    pub(crate) fn text(&self, name: &str) -> At<Text> {
        self.node(name).and_then(|node| text(self.report, node, name)).unwrap_or_default()
    }

    /// A string that is given, even if empty.
    pub(crate) fn text_option(&self, name: &str) -> Option<At<Text>> {
        self.node(name).and_then(|node| text(self.report, node, name))
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        let Some(node) = self.node(name) else { return false };
        match node.as_scalar().map(|scalar| scalar.resolve()) {
            Some(Ok(Resolved::Bool(b))) => b,
            _ => {
                wrong_type(self.report, node, name, "true or false");
                false
            }
        }
    }

    pub(crate) fn integer(&self, name: &str) -> i64 {
        let Some(node) = self.node(name) else { return 0 };
        match node.to_json().as_i64() {
            Some(value) if node.as_scalar().is_some_and(|s| !s.is_string()) => value,
            _ => {
                wrong_type(self.report, node, name, "an integer");
                0
            }
        }
    }

    pub(crate) fn list(&self, name: &str) -> &'a [Node] {
        let Some(node) = self.node(name) else { return &[] };
        if !node.is_seq() {
            wrong_type(self.report, node, name, "a list");
        }
        node.items()
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<At<Text>> {
        self.list(name)
            .iter()
            .filter_map(|item| {
                if item.is_null() {
                    Some(At { value: Text::default(), pos: item.pos })
                } else {
                    text(self.report, item, name)
                }
            })
            .collect()
    }

    /// A mapping of strings, sorted by key.
    pub(crate) fn text_map(&self, name: &str) -> Vec<(Text, At<Text>)> {
        let Some(node) = self.node(name) else { return Vec::new() };
        let Kind::Map(entries) = &node.kind else {
            wrong_type(self.report, node, name, "a mapping of strings");
            return Vec::new();
        };
        let value = |entry: &Entry| {
            if entry.value.is_null() {
                return Some(At { value: Text::default(), pos: entry.value.pos });
            }
            text(self.report, &entry.value, &entry.key.text)
        };
        let mut map: Vec<_> = entries.iter().filter_map(|e| Some((e.key.text.clone(), value(e)?))).collect();
        map.sort_by(|a, b| a.0.cmp(&b.0));
        map
    }
}

fn text(report: &Shared<'_>, node: &Node, what: &str) -> Option<At<Text>> {
    match node.as_scalar() {
        Some(scalar) if scalar.is_string() => match scalar.resolve() {
            Ok(Resolved::Str(text)) => Some(At { value: text.into(), pos: node.pos }),
            _ => None,
        },
        _ => {
            wrong_type(report, node, what, "a string");
            None
        }
    }
}

pub(crate) fn wrong_type(report: &Shared<'_>, node: &Node, what: &str, wanted: &str) {
    let found = match &node.kind {
        Kind::Map(_) => "a mapping".to_owned(),
        Kind::Seq(_) => "a list".to_owned(),
        Kind::Scalar(scalar) => match scalar.resolve() {
            Ok(Resolved::Str(_)) => "a string".to_owned(),
            Ok(Resolved::Null) => "null".to_owned(),
            Ok(Resolved::Bool(value)) => format!("the boolean {value}"),
            _ => format!("the number {}", scalar.text),
        },
    };
    let message = format!("{what} must be {wanted}, not {found}");
    if wanted == "a string" && node.as_scalar().is_some() {
        report.borrow_mut().error_help(code::WRONG_VALUE, node.pos, message, "put the value in quotes");
    } else {
        report.borrow_mut().error(code::WRONG_VALUE, node.pos, message);
    }
}

fn unknown_field(report: &Shared<'_>, pos: &Pos, key: &str, what: &str, known: &[&str]) {
    let message = format!("{what} has no field {key:?}");
    let help = match nearest(key, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("it knows: {}", known.join(", ")),
    };
    report.borrow_mut().error_help(code::UNKNOWN_FIELD, *pos, message, help);
}

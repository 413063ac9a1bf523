//! Typed reading of a tree, as Go decodes JSON: names match in any case, unknown ones are errors, null means absent.

use std::cell::{RefCell, RefMut};

use lucid_object::yaml::{Entry, Kind, Node, Pos, Resolved, Scalar, Text, go_float_32};

use super::At;
use crate::report::{Report, code};
use crate::suggest::nearest;

/// How forgiving kustomize is with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// kustomization files: unknown fields are errors, and so is a number where a text belongs.
    Strict,
    /// Configurations of transformers: unknown fields are errors, numbers become texts.
    Known,
    /// Plugins and files of replacements: unknown fields are passed over, numbers become texts.
    Loose,
    /// Plugins that generate: unknown fields are passed over, and a number is no text.
    Typed,
    /// Prefix and suffix: go-yaml itself reads them, which knows one spelling of a field and takes any scalar for text.
    Plain,
}

/// Decoding goes on after a mistake, so the report is shared by everything that decodes.
pub(crate) struct Shared<'a> {
    report: RefCell<&'a mut Report>,
    manner: Manner,
}

impl<'a> Shared<'a> {
    pub(crate) fn new(report: &'a mut Report, manner: Manner) -> Self {
        Self { report: RefCell::new(report), manner }
    }

    pub(crate) fn borrow_mut(&self) -> RefMut<'_, &'a mut Report> {
        self.report.borrow_mut()
    }
}

/// Reads one mapping.
pub(crate) struct Fields<'a, 'r> {
    report: &'a Shared<'r>,
    node: &'a Node,
}

impl<'a, 'r> Fields<'a, 'r> {
    /// Checks that the node is a mapping of known fields. A null is one without any, as an empty entry of a
    /// list is; go-yaml leaves such an entry out.
    pub(crate) fn open(report: &'a Shared<'r>, node: &'a Node, what: &'a str, known: &[&str]) -> Option<Self> {
        let fields = Self::open_any(report, node, what)?;
        for entry in node.entries().iter().filter(|_| matches!(report.manner, Manner::Strict | Manner::Known)) {
            let key = entry.key.text.as_str();
            if !known.iter().any(|name| name.eq_ignore_ascii_case(key)) {
                unknown_field(report, &entry.key.pos, key, what, known);
            }
        }
        Some(fields)
    }

    /// The same without a list of fields.
    pub(crate) fn open_any(report: &'a Shared<'r>, node: &'a Node, what: &'a str) -> Option<Self> {
        if node.is_null() && report.manner == Manner::Plain {
            return None;
        }
        if !node.is_map() && !node.is_null() {
            wrong_type(report, node, what, "a mapping");
            return None;
        }
        Some(Self { report, node })
    }

    pub(crate) fn entry(&self, name: &str) -> Option<&'a Entry> {
        let entries = self.node.entries();
        let found = entries.iter().find(|e| e.key.text == name).or_else(|| {
            let any_case = self.report.manner != Manner::Plain;
            entries.iter().find(|e| any_case && e.key.text.eq_ignore_ascii_case(name))
        })?;
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

    /// A string where a number is never taken for one: a part of an identity.
    pub(crate) fn exact(&self, name: &str) -> Text {
        let node = self.node(name);
        let node = node.filter(|_| self.report.manner != Manner::Plain);
        if let Some(node) = node.filter(|node| node.as_scalar().is_none_or(|s| text_of(s, Manner::Strict).is_none())) {
            wrong_type(self.report, node, name, "a string");
            return Text::default();
        }
        self.text(name).value
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
    let value = node.as_scalar().and_then(|scalar| text_of(scalar, report.manner));
    if value.is_none() {
        wrong_type(report, node, what, "a string");
    }
    value.map(|value| At { value, pos: node.pos })
}

/// A text; or, where kustomize is that forgiving, what Go prints for a number.
fn text_of(scalar: &Scalar, manner: Manner) -> Option<Text> {
    if manner == Manner::Plain {
        return Some(scalar.text.clone());
    }
    match scalar.resolve().ok()? {
        Resolved::Str(text) => Some(text.into()),
        _ if matches!(manner, Manner::Strict | Manner::Typed) => None,
        Resolved::Bool(value) => Some(if value { "true" } else { "false" }.into()),
        Resolved::Int(value) => Some(value.to_string().into()),
        Resolved::Uint(value) => Some(value.to_string().into()),
        Resolved::Float(value) => Some(go_float_32(value).into()),
        Resolved::Null => None,
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

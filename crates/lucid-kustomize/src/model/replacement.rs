//! The fields of `replacements`.

use lucid_object::yaml::{Node, Pos, Text};

use super::decode::{Fields, wrong_type};
use super::{At, Selector, Shared, selector_fields};

/// Copies one value to other places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replacement {
    /// A file that holds the replacement or a list of them.
    pub(crate) path: At<Text>,
    pub(crate) source: Option<Selected>,
    pub(crate) value: Option<At<Text>>,
    pub(crate) targets: Option<Vec<Target>>,
    /// Read from a file, where an empty list of targets is no mistake.
    pub(crate) from_file: bool,
    pub(crate) pos: Pos,
}

/// The source: exactly one object, by exact names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selected {
    pub(crate) selector: Selector,
    pub(crate) field: At<Text>,
    pub(crate) options: FieldOptions,
}

/// Objects and fields to write.
#[derive(Debug, Clone, Default)]
pub(crate) struct Target {
    pub(crate) select: Option<Selector>,
    pub(crate) reject: Vec<Selector>,
    pub(crate) fields: Vec<At<Text>>,
    pub(crate) options: FieldOptions,
    pub(crate) pos: Pos,
}

/// A part of a text, and whether missing fields are made.
#[derive(Debug, Clone, Default)]
pub(crate) struct FieldOptions {
    pub(crate) delimiter: Text,
    pub(crate) index: i64,
    pub(crate) create: bool,
}

/// One entry of `replacements`.
pub(crate) fn replacement(report: &Shared<'_>, node: &Node) -> Option<Replacement> {
    let fields = Fields::open(report, node, "a replacement", &["path", "source", "targets", "sourceValue"])?;
    Some(Replacement {
        path: fields.text("path"),
        source: fields.node("source").map(|node| source(report, node)),
        value: fields.text_option("sourceValue"),
        targets: fields.node("targets").map(|_| fields.list("targets").iter().map(|n| target(report, n)).collect()),
        from_file: false,
        pos: node.pos,
    })
}

/// The field `replacements` of a plugin.
pub(crate) fn replacements(report: &Shared<'_>, fields: &Fields<'_, '_>) -> Vec<Replacement> {
    fields.list("replacements").iter().filter_map(|node| replacement(report, node)).collect()
}

/// A file of replacements: one, or a list.
pub(crate) fn replacements_file(report: &Shared<'_>, node: &Node) -> Vec<Replacement> {
    let one = |node: &Node| Some(Replacement { from_file: true, ..replacement(report, node)? });
    if node.is_seq() {
        return node.items().iter().filter_map(one).collect();
    }
    if !node.is_map() {
        wrong_type(report, node, "a file of replacements", "a mapping or a list");
    }
    one(node).into_iter().collect()
}

fn source(report: &Shared<'_>, node: &Node) -> Selected {
    let known = ["group", "version", "kind", "name", "namespace", "fieldPath", "options"];
    let Some(fields) = Fields::open(report, node, "the source of a replacement", &known) else {
        return Selected::default();
    };
    Selected {
        selector: selector_fields(&fields, node.pos),
        field: fields.text("fieldPath"),
        options: options(report, fields.node("options")),
    }
}

fn target(report: &Shared<'_>, node: &Node) -> Target {
    let known = ["select", "reject", "fieldPaths", "options"];
    let Some(fields) = Fields::open(report, node, "a target of a replacement", &known) else {
        return Target { pos: node.pos, ..Target::default() };
    };
    Target {
        select: fields.node("select").and_then(|node| super::selector(report, node)),
        reject: fields.list("reject").iter().filter_map(|node| rejected(report, node)).collect(),
        fields: fields.texts("fieldPaths"),
        options: options(report, fields.node("options")),
        pos: node.pos,
    }
}

/// An empty entry would reject everything; kustomize panics over one.
fn rejected(report: &Shared<'_>, node: &Node) -> Option<Selector> {
    if node.is_null() {
        wrong_type(report, node, "an entry of `reject`", "a mapping");
        return None;
    }
    super::selector(report, node)
}

fn options(report: &Shared<'_>, node: Option<&Node>) -> FieldOptions {
    let known = ["delimiter", "index", "encoding", "create"];
    let Some(fields) = node.and_then(|node| Fields::open(report, node, "replacement options", &known)) else {
        return FieldOptions::default();
    };
    FieldOptions {
        delimiter: fields.text("delimiter").value,
        index: fields.integer("index"),
        create: fields.flag("create"),
    }
}

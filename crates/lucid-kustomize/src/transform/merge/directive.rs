//! `$patch: delete | replace | merge`.

use lucid_object::yaml::{Kind, Node, Tag};

/// What a patch asks for at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    Merge,
    Replace,
    Delete,
}

const KEY: &str = "$patch";

fn parse(text: &str) -> Result<Directive, String> {
    match text {
        "delete" => Ok(Directive::Delete),
        "replace" => Ok(Directive::Replace),
        "merge" => Ok(Directive::Merge),
        _ => Err(format!("unknown patch strategy {text:?}: $patch is delete, replace or merge")),
    }
}

/// The directive of a mapping, which is taken out.
pub(super) fn of_map(node: &mut Node) -> Result<Directive, String> {
    let Some(value) = node.get(KEY) else { return Ok(Directive::Merge) };
    let directive = parse(value.text().unwrap_or_default())?;
    node.remove(KEY);
    Ok(directive)
}

/// The directive of a list: an item that is nothing but one. Those items are taken out.
pub(super) fn of_list(node: &mut Node) -> Result<Directive, String> {
    let Some(item) = node.items().iter().find(|item| item.get(KEY).is_some()) else { return Ok(Directive::Merge) };
    if item.entries().len() > 1 {
        return Ok(Directive::Merge);
    }
    let text = item.get(KEY).and_then(Node::text).unwrap_or_default().to_owned();
    let directive = parse(&text)?;
    if let Kind::Seq(items) = &mut node.kind {
        let is_empty = |item: &Node| item.is_null() || (item.is_map() && item.entries().is_empty());
        let matches = |item: &Node| {
            item.get(KEY).is_some_and(|v| v.as_scalar().is_some_and(|s| s.tag == Tag::Str && s.text == text))
        };
        items.retain(|item| !is_empty(item) && !matches(item));
    }
    Ok(directive)
}

//! YAML as go-yaml v3 prints it: the order and the quotes of the source, lists at the indentation of their key.

use lucid_object::yaml::scalar::tag_of;
use lucid_object::yaml::{Kind, Node, Scalar, Style, Tag};

/// One document.
pub(super) fn yaml(node: &Node) -> String {
    let mut out = String::new();
    block(node, 0, &mut out);
    out
}

fn block(node: &Node, indent: usize, out: &mut String) {
    match &node.kind {
        Kind::Scalar(scalar) => {
            out.push_str(&text(scalar, indent));
            out.push('\n');
        }
        Kind::Seq(items) if items.is_empty() => out.push_str("[]\n"),
        Kind::Map(entries) if entries.is_empty() => out.push_str("{}\n"),
        Kind::Seq(items) => {
            for (index, item) in items.iter().enumerate() {
                pad(index, indent, out);
                out.push_str("- ");
                block(item, indent + 2, out);
            }
        }
        Kind::Map(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                pad(index, indent, out);
                let key = Scalar::plain(entry.key.text.clone(), entry.key.tag);
                out.push_str(&text(&key, indent));
                out.push(':');
                value(&entry.value, indent, out);
            }
        }
    }
}

fn value(node: &Node, indent: usize, out: &mut String) {
    let (below, is_empty) = match &node.kind {
        Kind::Seq(items) => (indent, items.is_empty()),
        Kind::Map(entries) => (indent + 2, entries.is_empty()),
        Kind::Scalar(_) => (indent + 2, true),
    };
    if is_empty {
        out.push(' ');
        return block(node, below, out);
    }
    out.push('\n');
    out.push_str(&" ".repeat(below));
    block(node, below, out);
}

fn pad(index: usize, indent: usize, out: &mut String) {
    if index > 0 {
        out.push_str(&" ".repeat(indent));
    }
}

fn text(scalar: &Scalar, indent: usize) -> String {
    let text = scalar.text.as_str();
    let found = tag_of(text);
    let typed = match scalar.tag {
        Tag::Int => "!!int ",
        Tag::Float => "!!float ",
        Tag::Bool => "!!bool ",
        _ => "",
    };
    if !typed.is_empty() && found != scalar.tag {
        return format!("{typed}{text}");
    }
    let needs_quotes = scalar.tag == Tag::Str && found != Tag::Str;
    match scalar.style {
        Style::Double => format!("{text:?}"),
        Style::Single => format!("'{}'", text.replace('\'', "''")),
        _ if text.contains('\n') => literal(text, indent.max(2)),
        _ if needs_quotes => format!("\"{text}\""),
        _ if is_plain(text) => text.to_owned(),
        _ => format!("'{}'", text.replace('\'', "''")),
    }
}

fn literal(text: &str, indent: usize) -> String {
    let head = if text.ends_with('\n') { "|" } else { "|-" };
    let lines: Vec<String> = text
        .trim_end_matches('\n')
        .lines()
        .map(|l| if l.is_empty() { String::new() } else { format!("{}{l}", " ".repeat(indent)) })
        .collect();
    format!("{head}\n{}", lines.join("\n"))
}

fn is_plain(text: &str) -> bool {
    let first = text.chars().next();
    !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && text.trim() == text
        && first.is_none_or(|c| !"#,[]{}&*!|>'\"%@`".contains(c))
        && !text.starts_with("- ")
        && !text.starts_with("? ")
}

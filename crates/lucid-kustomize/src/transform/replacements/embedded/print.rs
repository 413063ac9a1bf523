//! YAML as go-yaml v3 prints it: the order and the quotes of the source, lists at the indentation of their key.

use lucid_object::yaml::scalar::tag_of;
use lucid_object::yaml::{Entry, Kind, Node, Pos, Scalar, Style, Tag, block, is_printable, quoted};

use super::SOURCE;

/// One document, as the source has it: what stands in brackets or braces there does so again.
pub(super) fn yaml(node: &Node, source: &str) -> String {
    let mut printer = Printer { lines: source.lines().collect(), out: String::new() };
    printer.block(node, 0);
    printer.out
}

struct Printer<'s> {
    lines: Vec<&'s str>,
    out: String,
}

impl Printer<'_> {
    /// A collection that began with a bracket or a brace, or that has nothing in it.
    fn is_flow(&self, node: &Node) -> bool {
        let (is_empty, open) = match &node.kind {
            Kind::Seq(items) => (items.is_empty(), '['),
            Kind::Map(entries) => (entries.is_empty(), '{'),
            Kind::Scalar(_) => return false,
        };
        is_empty || self.source_from(node.pos).is_some_and(|source| source.starts_with(open))
    }

    /// The line of the source from where something begins.
    fn source_from(&self, pos: Pos) -> Option<&str> {
        let line = (pos.file == SOURCE).then(|| self.lines.get(pos.line as usize - 1)).flatten()?;
        line.char_indices().nth(pos.column as usize - 1).map(|(start, _)| &line[start..])
    }

    fn key(&self, entry: &Entry) -> Scalar {
        let (text, source) = (entry.key.text.as_str(), self.source_from(entry.key.pos).unwrap_or_default());
        // A new key has the place of what it is in, which may begin with another one.
        let is_escaped = |source: &str| source[1..].split('"').next().is_some_and(|key| key.contains('\\'));
        let style = match source.chars().next() {
            Some('"') if source.starts_with(&quoted(text)) || is_escaped(source) => Style::Double,
            Some('\'') if source.starts_with(&single(text)) => Style::Single,
            _ => Style::Plain,
        };
        Scalar::styled(entry.key.text.clone(), entry.key.tag, style)
    }

    /// On one line, however many it had.
    fn flow(&mut self, node: &Node) {
        let mut between = "";
        match &node.kind {
            Kind::Scalar(scalar) => self.out.push_str(&flow_text(scalar)),
            Kind::Seq(items) => {
                self.out.push('[');
                for item in items {
                    self.out.push_str(std::mem::replace(&mut between, ", "));
                    self.flow(item);
                }
                self.out.push(']');
            }
            Kind::Map(entries) => {
                self.out.push('{');
                for entry in entries {
                    self.out.push_str(std::mem::replace(&mut between, ", "));
                    let key = flow_text(&self.key(entry));
                    self.out.push_str(&key);
                    self.out.push_str(": ");
                    self.flow(&entry.value);
                }
                self.out.push('}');
            }
        }
    }

    fn block(&mut self, node: &Node, indent: usize) {
        match &node.kind {
            Kind::Scalar(scalar) => {
                self.out.push_str(&text(scalar, indent));
                self.out.push('\n');
            }
            _ if self.is_flow(node) => {
                self.flow(node);
                self.out.push('\n');
            }
            Kind::Seq(items) => {
                for (index, item) in items.iter().enumerate() {
                    pad(index, indent, &mut self.out);
                    self.out.push('-');
                    self.apart(item);
                    self.block(item, indent + 2);
                }
            }
            Kind::Map(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    pad(index, indent, &mut self.out);
                    let key = text(&self.key(entry), indent);
                    self.out.push_str(&key);
                    self.out.push(':');
                    self.value(&entry.value, indent);
                }
            }
        }
    }

    /// A blank before a value that has a text.
    fn apart(&mut self, node: &Node) {
        let is_nothing = node.as_scalar().is_some_and(|scalar| scalar.text.is_empty() && scalar.tag == Tag::Null);
        self.out.push_str(if is_nothing { "" } else { " " });
    }

    fn value(&mut self, node: &Node, indent: usize) {
        let below = if node.is_seq() { indent } else { indent + 2 };
        if matches!(node.kind, Kind::Scalar(_)) || self.is_flow(node) {
            self.apart(node);
            return self.block(node, below);
        }
        self.out.push('\n');
        self.out.push_str(&" ".repeat(below));
        self.block(node, below);
    }
}

/// Inside of brackets and braces, some characters would end a text, or seem to.
fn flow_text(scalar: &Scalar) -> String {
    let ends_here = scalar.style == Style::Plain && scalar.text.contains([',', '[', ']', '{', '}', ':', '?']);
    match scalar.text.as_str() {
        lines if lines.contains('\n') => quoted(lines),
        plain if ends_here => single(plain),
        _ => text(scalar, 0),
    }
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
        Style::Double => quoted(text),
        Style::Single | Style::Plain if !is_printable(text) => quoted(text),
        Style::Single => single(text),
        Style::Literal | Style::Folded => lines(text, scalar.style, indent),
        _ if text.contains('\n') => lines(text, Style::Literal, indent),
        _ if needs_quotes => quoted(text),
        _ if is_plain(text) => text.to_owned(),
        _ => single(text),
    }
}

fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn lines(text: &str, style: Style, indent: usize) -> String {
    let block = if text.is_empty() { None } else { block(text, style, indent.max(2)) };
    block.unwrap_or_else(|| quoted(text))
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

//! Resource files to resources.

use lucid_object::yaml::{Dialect, Limits, Node, ParseError, Pos, parse_first};

use crate::report::{Report, code};
use crate::resource::Resource;

pub(crate) mod json;

/// Something that is wrong with one document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flaw {
    pub(crate) code: u16,
    pub(crate) pos: Pos,
    pub(crate) message: String,
}

impl Flaw {
    pub(crate) fn new(code: u16, pos: Pos, message: impl Into<String>) -> Self {
        Self { code, pos, message: message.into() }
    }

    pub(crate) fn tell(self, report: &mut Report) {
        match self.code {
            code::NOT_AN_OBJECT => report.error_help(
                self.code,
                self.pos,
                self.message,
                "a Kubernetes object has apiVersion, kind and metadata.name",
            ),
            _ => report.error(self.code, self.pos, self.message),
        }
    }
}

impl From<ParseError> for Flaw {
    fn from(error: ParseError) -> Self {
        Self::new(code::INVALID_YAML, error.pos, format!("invalid YAML: {}", error.message))
    }
}

/// The objects of a text.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    pub(crate) resources: Vec<Resource>,
    /// Where text begins that kustomize passes over in silence.
    pub(crate) ignored: Vec<Pos>,
    /// Nodes that come from aliases.
    pub(crate) alias_nodes: usize,
}

/// The resources, or strategic merge patches, of a text; lists are replaced by their items, which come after the other
/// documents.
pub(crate) fn documents(text: &str, file: u32) -> Result<Documents, Vec<Flaw>> {
    let unix = text.contains('\r').then(|| text.replace("\r\n", "\n"));
    let chunks = chunks(unix.as_deref().unwrap_or(text), file).map_err(|flaw| vec![flaw])?;
    let (mut nodes, mut ignored, mut alias_nodes) = (Vec::with_capacity(chunks.len()), Vec::new(), 0);
    for (line, chunk) in &chunks {
        let start = Pos { file, line: *line, column: 1 };
        let first = parse_first(chunk, start, Dialect::Tree, Limits::default()).map_err(|error| vec![error.into()])?;
        nodes.extend(first.node);
        ignored.extend(first.rest);
        alias_nodes += first.alias_nodes;
        if alias_nodes > Limits::default().alias_nodes {
            let message = format!("aliases expand to more than {} nodes", Limits::default().alias_nodes);
            return Err(vec![Flaw::new(code::INVALID_YAML, start, message)]);
        }
    }
    if let ([_], [only]) = (&chunks[..], &nodes[..])
        && let Some(items) = unwrapped(only)
    {
        nodes = items;
    }
    Ok(Documents { resources: from_nodes(nodes)?, ignored, alias_nodes })
}

/// kustomize splits files by itself: at lines that begin with `---`, where nothing but a comment may follow, and of two
/// such lines in a row only at the first. Of each piece it reads one document.
fn chunks(text: &str, file: u32) -> Result<Vec<(u32, &str)>, Flaw> {
    let (mut chunks, mut start, mut first_line) = (Vec::new(), 0, 1);
    let (mut at, mut separated) = (0, true);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let number = index as u32 + 1;
        let is_separator = !separated && line.starts_with("---") && line.ends_with('\n');
        if is_separator {
            let rest = line[3..].trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                let pos = Pos { file, line: number, column: 1 };
                return Err(Flaw::new(code::INVALID_YAML, pos, format!("invalid document separator: ---{rest}")));
            }
            chunks.push((first_line, &text[start..at]));
            (start, first_line) = (at + line.len(), number + 1);
        }
        separated = is_separator;
        at += line.len();
    }
    chunks.push((first_line, &text[start..]));
    Ok(chunks)
}

/// The items of a `List` that is a file's only document.
fn unwrapped(node: &Node) -> Option<Vec<Node>> {
    let kind = node.get("kind").and_then(Node::text)?;
    let known = matches!(kind, "List" | "ResourceList")
        && node.entries().iter().any(|e| e.key.text == "items" || e.key.text == "functionConfig");
    let items = node.get("items");
    (known && items.is_none_or(|items| items.is_seq() || items.is_null()))
        .then(|| items.map(|items| items.items().to_vec()).unwrap_or_default())
}

/// Objects of parsed documents.
pub(crate) fn from_nodes(nodes: Vec<Node>) -> Result<Vec<Resource>, Vec<Flaw>> {
    let mut queue: std::collections::VecDeque<Node> = nodes.into();
    let (mut resources, mut flaws) = (Vec::with_capacity(queue.len()), Vec::new());
    while let Some(node) = queue.pop_front() {
        if node.is_null_or_empty() {
            continue;
        }
        if let Err(flaw) = validate(&node) {
            flaws.push(flaw);
            continue;
        }
        match list_items(&node) {
            Ok(Some(items)) => queue.extend(items),
            Ok(None) => resources.push(Resource::new(node)),
            Err(flaw) => flaws.push(flaw),
        }
    }
    if flaws.is_empty() { Ok(resources) } else { Err(flaws) }
}

fn validate(node: &Node) -> Result<(), Flaw> {
    let flaw = |message: &str| Err(Flaw::new(code::NOT_AN_OBJECT, node.pos, message));
    if !node.is_map() {
        return flaw("this document is not a Kubernetes object");
    }
    let resource = node.get("kind").filter(|kind| !kind.is_null()).and_then(Node::text).unwrap_or_default();
    if resource.is_empty() {
        return flaw("an object without kind");
    }
    let name = node.get("metadata").and_then(|metadata| metadata.get("name")).filter(|name| !name.is_null());
    if !resource.ends_with("List") && name.and_then(Node::text).unwrap_or_default().is_empty() {
        return flaw(&format!("{resource} without metadata.name"));
    }
    Ok(())
}

/// The items of a `...List`, as JSON; none for other objects.
fn list_items(node: &Node) -> Result<Option<Vec<Node>>, Flaw> {
    let is_list = node.get("kind").and_then(Node::text).is_some_and(|kind| kind.ends_with("List"));
    if !is_list {
        return Ok(None);
    }
    let plain = json::decoded(node)?;
    match plain.get("items") {
        None => Ok(None),
        Some(items) if items.is_seq() => Ok(Some(items.items().to_vec())),
        Some(items) if items.is_null() => Ok(Some(Vec::new())),
        Some(items) => Err(Flaw::new(code::NOT_AN_OBJECT, items.pos, "items must be a list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        let got = match documents(text, 0) {
            Ok(found) => found.resources.iter().map(|r| format!("{}/{}", r.kind(), r.name())).collect::<Vec<_>>(),
            Err(flaws) => flaws.iter().map(|f| format!("{}:{} {}", f.pos.line, f.pos.column, f.message)).collect(),
        };
        assert_eq!(got.join(", "), want);
    }

    #[test]
    fn documents_and_lists() {
        check("kind: A\nmetadata: {name: a}\n---\n---\n{}\n---\n# none\n", "A/a");
        check(
            "kind: List\nitems:\n- {kind: A, metadata: {name: a}}\n- {kind: BList, items: [{kind: B, metadata: {name: b}}]}\n---\nkind: C\nmetadata: {name: c}\n",
            "C/c, A/a, B/b",
        );
        check("kind: AList\nitems:\n", "");
        check("kind: AList\n", "AList/");
    }

    #[test]
    fn flaws_are_gathered() {
        check(
            "a: 1\n---\nkind: A\n---\n- x\n",
            "1:1 an object without kind, 3:1 A without metadata.name, 5:1 this document is not a Kubernetes object",
        );
        check("kind: AList\nitems: {}\n", "2:8 items must be a list");
        check("kind: A\n--- x\nkind: B\n", "2:1 invalid document separator: ---x");
    }
}

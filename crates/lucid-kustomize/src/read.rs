//! Resource files to resources.

use lucid_object::yaml::{Dialect, Limits, Node, ParseError, Pos, parse_with};

use crate::report::{Report, code};
use crate::resource::Resource;

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

/// The resources of a text; lists are replaced by their items, which come after the other documents.
pub(crate) fn resources(text: &str, file: u32) -> Result<Vec<Resource>, Vec<Flaw>> {
    objects(text, file, Dialect::Resource)
}

/// The objects of a strategic merge patch.
pub(crate) fn patches(text: &str, file: u32) -> Result<Vec<Resource>, Vec<Flaw>> {
    objects(text, file, Dialect::Patch)
}

fn objects(text: &str, file: u32, dialect: Dialect) -> Result<Vec<Resource>, Vec<Flaw>> {
    let text = match separators(text, file) {
        Ok(()) => text,
        Err(flaw) => return Err(vec![flaw]),
    };
    let nodes = parse_with(text, file, dialect, Limits::default()).map_err(|error| vec![error.into()])?;
    from_nodes(nodes)
}

/// kustomize splits files by itself, and takes nothing but a comment behind `---`.
fn separators(text: &str, file: u32) -> Result<(), Flaw> {
    for (index, line) in text.lines().enumerate().skip(1) {
        let Some(rest) = line.strip_prefix("---") else { continue };
        let rest = rest.trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            let pos = Pos { file, line: index as u32 + 1, column: 1 };
            return Err(Flaw::new(code::INVALID_YAML, pos, format!("invalid document separator: ---{rest}")));
        }
    }
    Ok(())
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

/// The items of a `...List`; none for other objects.
fn list_items(node: &Node) -> Result<Option<Vec<Node>>, Flaw> {
    let is_list = node.get("kind").and_then(Node::text).is_some_and(|kind| kind.ends_with("List"));
    let Some(items) = node.get("items").filter(|_| is_list) else { return Ok(None) };
    if items.is_seq() {
        return Ok(Some(items.items().to_vec()));
    }
    if items.is_null() {
        return Ok(Some(Vec::new()));
    }
    Err(Flaw::new(code::NOT_AN_OBJECT, items.pos, "items must be a list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        let got = match resources(text, 0) {
            Ok(list) => list.iter().map(|r| format!("{}/{}", r.kind(), r.name())).collect::<Vec<_>>(),
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

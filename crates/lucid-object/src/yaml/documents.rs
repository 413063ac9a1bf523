//! Plain YAML files: documents that are Kubernetes objects, without kustomize.

use std::sync::Arc;

use super::{Files, Node, Pos, parse};
use crate::finding::{Finding, Findings};
use crate::object::Object;

/// The objects of one file; a `List` is replaced by its items. All mistakes are returned, with their places.
pub fn parse_documents(text: &str, file: &str) -> Result<Vec<Object>, Findings> {
    let mut files = Files::default();
    let id = files.add(file);
    let mut reader = Reader { files: Arc::new(files), objects: Vec::new(), findings: Findings::default() };
    match parse(text, id) {
        Ok(nodes) => nodes.into_iter().for_each(|node| reader.collect(node)),
        Err(error) => reader.wrong(8001, error.pos, format!("invalid YAML: {}", error.message)),
    }
    if reader.findings.is_empty() { Ok(reader.objects) } else { Err(reader.findings) }
}

struct Reader {
    files: Arc<Files>,
    objects: Vec<Object>,
    findings: Findings,
}

impl Reader {
    fn wrong(&mut self, code: u16, pos: Pos, message: String) {
        self.findings.push(Finding::error(code, message).at(self.files.position(pos)));
    }

    fn collect(&mut self, node: Node) {
        if let Some(flaw) = flaw(&node) {
            return self.wrong(8004, node.pos, flaw);
        }
        let is_list = node.get("kind").and_then(Node::text).is_some_and(|kind| kind.ends_with("List"));
        match node.get("items").filter(|items| is_list && items.is_seq()) {
            Some(items) => items.items().to_vec().into_iter().for_each(|item| self.collect(item)),
            None => self.objects.push(Object::from_node(Arc::clone(&self.files), Arc::new(node))),
        }
    }
}

/// What keeps a document from being a Kubernetes object.
fn flaw(node: &Node) -> Option<String> {
    if !node.is_map() {
        return Some("a document that is not a Kubernetes object: it is no mapping".into());
    }
    let field = |name: &str| node.get(name).and_then(Node::text).unwrap_or_default();
    let name = node.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Node::text);
    match (field("kind"), field("apiVersion")) {
        ("", _) => Some("an object without kind".into()),
        (_, "") => Some("an object without apiVersion".into()),
        (kind, _) if kind.ends_with("List") => None,
        (kind, _) if name.unwrap_or_default().is_empty() => Some(format!("{kind} without metadata.name")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse_documents;

    #[test]
    fn objects_know_their_lines() {
        let text = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n";
        let objects = parse_documents(text, "x.yaml").expect("readable");
        assert_eq!(objects.iter().map(|o| o.reference().to_string()).collect::<Vec<_>>(), ["ConfigMap a", "Secret b"]);
        let position = objects[0].position("/metadata/name").expect("known");
        assert_eq!(position.to_string(), "x.yaml:5:9");
    }

    #[track_caller]
    fn refused(text: &str, message: &str, place: &str) {
        let findings = parse_documents(text, "x.yaml").expect_err("must be refused");
        let finding = findings.into_iter().next().expect("one finding");
        assert!(finding.message.contains(message), "{}", finding.message);
        assert_eq!(finding.position.map(|p| p.to_string()).as_deref(), Some(place));
    }

    #[test]
    fn mistakes_have_a_place() {
        refused("a: b: c\n", "invalid YAML", "x.yaml:1:5");
        refused("a: 1\n", "without kind", "x.yaml:1:1");
        refused("kind: X\n", "without apiVersion", "x.yaml:1:1");
        refused("apiVersion: v1\nkind: X\n", "X without metadata.name", "x.yaml:1:1");
        refused("- a\n", "no mapping", "x.yaml:1:1");
    }
}

//! Plain YAML files: documents that are Kubernetes objects, without kustomize.

use std::sync::Arc;

use super::{Files, Node, Pos, parse};
use crate::finding::Finding;
use crate::object::Object;

/// The objects of one file; a `List` is replaced by its items. The first mistake is returned, with its place.
pub fn parse_documents(text: &str, file: &str) -> Result<Vec<Object>, Finding> {
    let mut files = Files::default();
    let id = files.add(file);
    let files = Arc::new(files);
    let nodes = parse(text, id).map_err(|error| {
        Finding::error(8001, format!("invalid YAML: {}", error.message)).at(files.position(error.pos))
    })?;
    let mut objects = Vec::with_capacity(nodes.len());
    for node in nodes {
        collect(&files, node, &mut objects)?;
    }
    Ok(objects)
}

fn collect(files: &Arc<Files>, node: Node, objects: &mut Vec<Object>) -> Result<(), Finding> {
    let wrong = |pos: Pos, message: &str| Finding::error(8004, message).at(files.position(pos));
    if !node.is_map() {
        return Err(wrong(node.pos, "a document that is not a Kubernetes object: it is no mapping"));
    }
    let field = |name: &str| node.get(name).and_then(Node::text).unwrap_or_default();
    let (api_version, kind) = (field("apiVersion"), field("kind"));
    if kind.is_empty() || api_version.is_empty() {
        let missing = if kind.is_empty() { "kind" } else { "apiVersion" };
        return Err(wrong(node.pos, &format!("an object without {missing}"))
            .help("every Kubernetes object names its apiVersion and kind"));
    }
    if kind.ends_with("List") && node.get("items").is_some_and(Node::is_seq) {
        for item in node.get("items").map(Node::items).unwrap_or_default() {
            collect(files, item.clone(), objects)?;
        }
        return Ok(());
    }
    let name = node.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Node::text);
    if name.unwrap_or_default().is_empty() {
        return Err(wrong(node.pos, &format!("{kind} without metadata.name")));
    }
    objects.push(Object::from_node(Arc::clone(files), Arc::new(node)));
    Ok(())
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
        let finding = parse_documents(text, "x.yaml").expect_err("must be refused");
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

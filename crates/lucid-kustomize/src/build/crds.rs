//! What OpenAPI definitions of custom resources say about their fields, by way of extensions.

use std::borrow::Cow;

use lucid_object::yaml::Node;

use crate::config::{Config, Conflict, merge_one};
use crate::tables::{NameRule, Spec};

/// Definitions refer to each other; deeper than this they go in circles.
const DEPTH: usize = 32;

/// The field specifications of a file of definitions, by type name.
pub(super) fn config(definitions: &Node) -> Result<Config, Conflict> {
    let mut config = Config::empty();
    for entry in definitions.entries() {
        let is_object = properties(definitions, &entry.key.text)
            .is_some_and(|found| ["kind", "apiVersion", "metadata"].iter().all(|name| found.get(name).is_some()));
        if is_object {
            let kind = entry.key.text.rsplit('.').next().unwrap_or_default();
            let mut reader = Reader { definitions, kind, config: &mut config };
            reader.read(&entry.key.text, &mut Vec::new())?;
        }
    }
    Ok(config)
}

fn properties<'n>(definitions: &'n Node, name: &str) -> Option<&'n Node> {
    field(field(definitions.get(name)?, "schema")?, "properties")
}

/// A field in any case, as Go decodes it.
fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    node.get(name).or_else(|| node.entries().iter().find(|e| e.key.text.eq_ignore_ascii_case(name)).map(|e| &e.value))
}

struct Reader<'a> {
    definitions: &'a Node,
    kind: &'a str,
    config: &'a mut Config,
}

impl Reader<'_> {
    fn read(&mut self, name: &str, path: &mut Vec<String>) -> Result<(), Conflict> {
        let Some(found) = properties(self.definitions, name) else { return Ok(()) };
        if path.len() > DEPTH {
            return Ok(());
        }
        for property in found.entries() {
            path.push(property.key.text.to_string());
            self.property(&property.value, path)?;
            path.pop();
        }
        Ok(())
    }

    fn property(&mut self, property: &Node, path: &mut Vec<String>) -> Result<(), Conflict> {
        let extension = |name: &str| property.get(name).and_then(Node::text);
        let spec = self.spec(&path.join("/"));
        if extension("x-kubernetes-annotation").is_some() {
            merge_one(&mut self.config.common_annotations, &spec)?;
        }
        if extension("x-kubernetes-label-selector").is_some() {
            merge_one(&mut self.config.common_labels, &spec)?;
        }
        if extension("x-kubernetes-identity").is_some() {
            merge_one(&mut self.config.name_prefix, &spec)?;
        }
        let reference = extension("x-kubernetes-object-ref-api-version").zip(extension("x-kubernetes-object-ref-kind"));
        if let Some((version, kind)) = reference {
            let key = extension("x-kubernetes-object-ref-name-key").unwrap_or("name");
            let referrer = self.spec(&format!("{}/{key}", path.join("/")));
            self.refer(version, kind, referrer)?;
        }
        match property.get("$ref").and_then(Node::text) {
            Some(name) => self.read(name, path),
            None => Ok(()),
        }
    }

    fn spec(&self, path: &str) -> Spec {
        let kind = Cow::Owned(self.kind.to_owned());
        Spec { group: "".into(), version: "".into(), kind, path: Cow::Owned(path.to_owned()), create: false }
    }

    fn refer(&mut self, version: &str, kind: &str, referrer: Spec) -> Result<(), Conflict> {
        let rules = self.config.name_reference.to_mut();
        match rules.iter_mut().find(|rule| rule.version == version && rule.kind == kind) {
            Some(rule) => merge_one(&mut rule.referrers, &referrer),
            None => {
                rules.push(NameRule {
                    group: "".into(),
                    version: Cow::Owned(version.to_owned()),
                    kind: Cow::Owned(kind.to_owned()),
                    referrers: vec![referrer].into(),
                });
                Ok(())
            }
        }
    }
}

//! What OpenAPI definitions of custom resources say about their fields, by way of extensions.

use std::borrow::Cow;
use std::collections::HashMap;

use lucid_object::yaml::Node;

use crate::config::{Config, Conflict, merge_one};
use crate::tables::{NameRule, Spec};

/// Definitions refer to each other; deeper than this they go in circles.
const DEPTH: usize = 32;

/// Fields looked at; definitions that refer to each other more than once have many more than that.
const FIELDS: usize = 200_000;

/// Why definitions say nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Conflict(#[from] Conflict),
    #[error("the definitions refer to each other so often that they have more than {FIELDS} fields")]
    TooLarge,
}

/// The field specifications of a file of definitions, by type name.
pub(super) fn config(definitions: &Node) -> Result<Config, Refused> {
    let mut config = Config::empty();
    let mut by_name = HashMap::new();
    for entry in definitions.entries() {
        by_name.entry(entry.key.text.as_str()).or_insert(&entry.value);
    }
    let mut fields = 0;
    for entry in definitions.entries() {
        let name = entry.key.text.as_str();
        let is_object = properties(&by_name, name)
            .is_some_and(|found| ["kind", "apiVersion", "metadata"].iter().all(|name| found.get(name).is_some()));
        if is_object {
            let kind = name.rsplit('.').next().unwrap_or_default();
            let mut reader = Reader { definitions: &by_name, kind, config: &mut config, fields: &mut fields };
            reader.read(name, &mut Vec::new())?;
        }
    }
    Ok(config)
}

type Definitions<'n> = HashMap<&'n str, &'n Node>;

fn properties<'n>(definitions: &Definitions<'n>, name: &str) -> Option<&'n Node> {
    field(field(definitions.get(name)?, "schema")?, "properties")
}

/// A field in any case, as Go decodes it.
fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    node.get(name).or_else(|| node.entries().iter().find(|e| e.key.text.eq_ignore_ascii_case(name)).map(|e| &e.value))
}

struct Reader<'a> {
    definitions: &'a Definitions<'a>,
    kind: &'a str,
    config: &'a mut Config,
    fields: &'a mut usize,
}

impl Reader<'_> {
    fn read(&mut self, name: &str, path: &mut Vec<String>) -> Result<(), Refused> {
        let Some(found) = properties(self.definitions, name) else { return Ok(()) };
        if path.len() > DEPTH {
            return Ok(());
        }
        for property in found.entries() {
            *self.fields += 1;
            if *self.fields > FIELDS {
                return Err(Refused::TooLarge);
            }
            path.push(property.key.text.to_string());
            self.property(&property.value, path)?;
            path.pop();
        }
        Ok(())
    }

    fn property(&mut self, property: &Node, path: &mut Vec<String>) -> Result<(), Refused> {
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

//! The annotations and labels that a build leaves on its objects.

use lucid_object::yaml::{Node, Pos, Tag, Text};

use crate::Options;
use crate::build::{Build, Target};
use crate::resource::{Resource, metadata_mut, set_field};

const ORIGIN: &str = "config.kubernetes.io/origin";
const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// Annotations that kustomize uses while it builds; input that has them loses them.
const INTERNAL: [&str; 21] = [
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
    "kustomize.config.k8s.io/helm-generated",
    "config.kubernetes.io/origin",
    "alpha.config.kubernetes.io/transformations",
];

impl Build<'_> {
    /// Rewrites annotations as strings, without the internal ones and with those that `buildMetadata` asks for.
    pub(crate) fn annotate(&self, resource: &mut Resource, target: &Target) {
        let wants = |name: &str| target.kustomization.build_metadata.iter().any(|at| at.value == name);
        if wants("managedByLabel") || self.options.managed_by_label {
            managed_by(resource);
        }
        let first = first_of_two(resource);
        let old = resource.node.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let mut map = old.map(pairs).unwrap_or_default();
        match first {
            Some(first) => fold(&mut map, first),
            None => map.retain(|(key, ..)| !INTERNAL.contains(&key.as_str())),
        }
        if wants("originAnnotations")
            && let Some(origin) = &resource.origin
        {
            map.push((ORIGIN.into(), origin.to_yaml().into(), Pos::NOWHERE));
        }
        if wants("transformerAnnotations") && !resource.transformations.is_empty() {
            let list: String = resource.transformations.iter().map(|by| item(&by.to_yaml())).collect();
            map.push((TRANSFORMATIONS.into(), list.into(), Pos::NOWHERE));
        }
        resource.set_metadata_map("annotations", map);
    }
}

/// Takes out the first of two fields `annotations`: kustomize cleans it up and folds it into the second.
fn first_of_two(resource: &mut Resource) -> Option<Node> {
    let metadata = resource.node.get_mut("metadata")?;
    let two = metadata.entries().iter().filter(|entry| entry.key.text == "annotations").count() == 2;
    if two { metadata.remove("annotations") } else { None }
}

fn fold(map: &mut Vec<(Text, Text, Pos)>, first: Node) {
    let mut over = pairs(&first);
    over.retain(|(key, ..)| !INTERNAL.contains(&key.as_str()));
    map.retain(|(key, ..)| !over.iter().any(|(known, ..)| known == key));
    map.extend(over);
    map.retain(|(key, ..)| !matches!(key.as_str(), ORIGIN | TRANSFORMATIONS));
}

/// Keys and values; those of a list are taken in turn.
fn pairs(node: &Node) -> Vec<(Text, Text, Pos)> {
    let text = |node: &Node| Text::from(node.text().unwrap_or_default());
    let items = node.items().chunks_exact(2).map(|pair| (text(&pair[0]), text(&pair[1]), pair[1].pos));
    let entries = node.entries().iter().map(|e| (e.key.text.clone(), text(&e.value), e.value.pos));
    entries.chain(items).collect()
}

/// A mapping as an item of a list.
fn item(yaml: &str) -> String {
    yaml.lines().enumerate().map(|(index, line)| format!("{}{line}\n", if index == 0 { "- " } else { "  " })).collect()
}

fn managed_by(resource: &mut Resource) {
    let pos = resource.node.pos;
    let metadata = metadata_mut(&mut resource.node);
    if metadata.get("labels").is_none_or(Node::is_null) {
        metadata.set(lucid_object::yaml::Key::new("labels", pos), Node::map(pos));
    }
    if let Some(labels) = metadata.get_mut("labels") {
        set_field(labels, "app.kubernetes.io/managed-by", Options::MANAGED_BY, Tag::Str, pos);
    }
}

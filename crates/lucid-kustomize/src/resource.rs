//! A resource on its way through transformers: its tree, the names it had, and what generators want done to it.

use std::rc::Rc;

use lucid_object::ObjectRef;
use lucid_object::yaml::scalar::{is_not_string_1_1, tag_of};
use lucid_object::yaml::{Key, Kind, Node, Pos, Scalar, Style, Tag, Text};

use crate::origin::Origin;
use crate::schema::Schema;
use crate::{place, tables};

/// The effective namespace of cluster-scoped objects, as kustomize spells it.
pub(crate) const NO_NAMESPACE: &str = "_non_namespaceable_";
const DEFAULT_NAMESPACE: &str = "default";

/// An object, with the history that references are resolved by.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) node: Node,
    /// Where the object stands, whatever becomes of its fields.
    pub(crate) home: Pos,
    /// Names that the object had, the oldest first.
    pub(crate) previous: Vec<Previous>,
    pub(crate) prefixes: Vec<Text>,
    pub(crate) suffixes: Vec<Text>,
    pub(crate) behavior: Behavior,
    pub(crate) needs_hash: bool,
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
    /// Made by helm, which has put it into its namespace already.
    pub(crate) by_helm: bool,
    /// Names of the vars that read this object.
    pub(crate) vars: Vec<Text>,
    pub(crate) origin: Option<Origin>,
    pub(crate) transformations: Vec<Origin>,
    /// The schema that was in force where the object was read; none is the built-in one.
    pub(crate) schema: Option<Rc<Schema>>,
    /// What the shared places of the object hold; see [`crate::share`].
    pub(crate) shares: Vec<Scalar>,
}

/// A name that an object had; the namespace is the effective one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Previous {
    pub(crate) name: Text,
    pub(crate) namespace: Text,
    pub(crate) kind: Text,
}

/// What a generated object does to one that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

/// The identity by which kustomize tells objects apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    pub(crate) group: Text,
    pub(crate) version: Text,
    pub(crate) kind: Text,
    pub(crate) name: Text,
    pub(crate) namespace: Text,
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let group = if self.group.is_empty() { String::new() } else { format!("{}/", self.group) };
        write!(f, "{group}{} {} {:?}", self.version, self.kind, self.name.as_str())?;
        match self.namespace.as_str() {
            NO_NAMESPACE | DEFAULT_NAMESPACE => Ok(()),
            namespace => write!(f, " in namespace {namespace:?}"),
        }
    }
}

impl Resource {
    pub(crate) fn new(node: Node) -> Self {
        Self {
            home: node.pos_at("/metadata/name"),
            node,
            previous: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            behavior: Behavior::default(),
            needs_hash: false,
            allow_name_change: false,
            allow_kind_change: false,
            by_helm: false,
            vars: Vec::new(),
            origin: None,
            transformations: Vec::new(),
            schema: None,
            shares: Vec::new(),
        }
    }

    /// Moves an object that was read from a text inside of a file.
    pub(crate) fn shift(&mut self, at: Pos) {
        place::shift(&mut self.node, at);
        self.home = place::shifted(self.home, at);
    }

    /// Puts an object that was made to the place of its maker.
    pub(crate) fn put(&mut self, at: Pos) {
        place::put(&mut self.node, at);
        self.home = at;
    }

    pub(crate) fn kind(&self) -> &str {
        self.node.get("kind").and_then(Node::text).unwrap_or_default()
    }

    pub(crate) fn api_version(&self) -> &str {
        self.node.get("apiVersion").and_then(Node::text).unwrap_or_default()
    }

    /// Group and version. Unlike elsewhere the first slash counts.
    pub(crate) fn group_version(&self) -> (&str, &str) {
        self.api_version().split_once('/').unwrap_or(("", self.api_version()))
    }

    pub(crate) fn name(&self) -> &str {
        self.metadata("name")
    }

    pub(crate) fn namespace(&self) -> &str {
        self.metadata("namespace")
    }

    fn metadata(&self, field: &str) -> &str {
        let field = self.node.get("metadata").and_then(|metadata| metadata.get(field));
        field.filter(|node| !node.is_null()).and_then(Node::text).unwrap_or_default()
    }

    pub(crate) fn pos(&self) -> Pos {
        self.home
    }

    pub(crate) fn reference(&self) -> ObjectRef {
        let namespace = Some(self.namespace()).filter(|namespace| !namespace.is_empty());
        ObjectRef::new(self.group_version().0, self.kind(), namespace, self.name())
    }

    pub(crate) fn is_cluster_scoped(&self) -> bool {
        match &self.schema {
            Some(schema) => schema.is_cluster_scoped(self.api_version(), self.kind()),
            None => tables::is_cluster_scoped(self.api_version(), self.kind()),
        }
    }

    pub(crate) fn effective_namespace(&self) -> &str {
        if self.is_cluster_scoped() { NO_NAMESPACE } else { or_default(self.namespace()) }
    }

    pub(crate) fn id(&self) -> Id {
        let (group, version) = self.group_version();
        Id {
            group: group.into(),
            version: version.into(),
            kind: self.kind().into(),
            name: self.name().into(),
            namespace: self.effective_namespace().into(),
        }
    }

    pub(crate) fn original_name(&self) -> &str {
        self.previous.first().map_or_else(|| self.name(), |first| &first.name)
    }

    pub(crate) fn original_kind(&self) -> &str {
        self.previous.first().map_or_else(|| self.kind(), |first| &first.kind)
    }

    pub(crate) fn original_namespace(&self) -> &str {
        self.previous.first().map_or_else(|| self.effective_namespace(), |first| or_default(&first.namespace))
    }

    pub(crate) fn current(&self) -> Previous {
        Previous { name: self.name().into(), namespace: self.effective_namespace().into(), kind: self.kind().into() }
    }

    /// True if the object has this identity or had it before.
    pub(crate) fn ever_was(&self, id: &Id) -> bool {
        if self.group_version() != (id.group.as_str(), id.version.as_str()) {
            return false;
        }
        let same = |name: &str, namespace: &str, kind: &str| {
            name == id.name && or_default(namespace) == id.namespace && kind == id.kind
        };
        same(self.name(), self.effective_namespace(), self.kind())
            || self.previous.iter().any(|p| same(&p.name, &p.namespace, &p.kind))
    }

    pub(crate) fn store_previous(&mut self) {
        let current = self.current();
        match current.name.is_empty() {
            true if self.node.get("metadata").is_none_or(Node::is_null) => drop(metadata_mut(&mut self.node)),
            true => {}
            false => self.previous.push(current),
        }
    }

    pub(crate) fn set_name(&mut self, name: &str) {
        let pos = self.node.pos_at("/metadata/name");
        set_metadata(&mut self.node, "name", name, pos);
    }

    pub(crate) fn set_kind(&mut self, kind: &str) {
        let pos = self.node.pos_at("/kind");
        set_field(&mut self.node, "kind", kind, Tag::Unset, pos);
    }

    /// Sets or, if empty, removes the namespace.
    pub(crate) fn set_namespace(&mut self, namespace: &str) {
        if namespace.is_empty() {
            if let Some(metadata) = self.node.get_mut("metadata") {
                metadata.remove("namespace");
            }
            return;
        }
        let pos = self.node.pos_at("/metadata/namespace");
        set_metadata(&mut self.node, "namespace", namespace, pos);
    }

    /// Labels or annotations as texts, whatever their types.
    pub(crate) fn metadata_map(&self, field: &str) -> impl Iterator<Item = (&str, &str)> {
        let map = self.node.get("metadata").and_then(|metadata| metadata.get(field));
        let entries = map.map(Node::entries).unwrap_or_default();
        entries.iter().map(|e| (e.key.text.as_str(), e.value.text().unwrap_or_default()))
    }

    /// Writes labels or annotations as strings; an empty map removes the field.
    pub(crate) fn set_metadata_map(&mut self, field: &str, map: impl IntoIterator<Item = (Text, Text, Pos)>) {
        let mut map = map.into_iter().peekable();
        // Lists may have none, and keep that.
        if map.peek().is_none() && self.previous.is_empty() && self.node.get("metadata").is_some_and(Node::is_null) {
            return;
        }
        let pos = self.node.pos_at(&format!("/metadata/{field}"));
        let mut node = Node::map(pos);
        for (key, value, pos) in map {
            node.set(untagged(key, pos), string(&value, pos));
        }
        let metadata = metadata_mut(&mut self.node);
        metadata.remove(field);
        if !node.entries().is_empty() {
            metadata.set(Key::new(field, pos), node);
        }
    }
}

fn or_default(namespace: &str) -> &str {
    if namespace.is_empty() { DEFAULT_NAMESPACE } else { namespace }
}

/// A string as Go's `SetString` makes it: several lines become a literal.
pub(crate) fn string(text: &str, pos: Pos) -> Node {
    let style = if text.contains('\n') { Style::Literal } else { Style::Plain };
    Node::scalar(Scalar::styled(text, Tag::Str, style), pos)
}

pub(crate) fn metadata_mut(node: &mut Node) -> &mut Node {
    let pos = node.pos;
    if node.get("metadata").is_none_or(|metadata| !metadata.is_map()) {
        node.set(Key::new("metadata", pos), Node::map(pos));
    }
    node.get_mut("metadata").expect("was just set")
}

fn set_metadata(node: &mut Node, field: &str, text: &str, pos: Pos) {
    set_field(metadata_mut(node), field, text, Tag::Unset, pos);
}

/// Writes a scalar field: an old value passes on its quotes, a new one gets quotes where YAML 1.1 would misread it.
pub(crate) fn set_field(map: &mut Node, field: &str, text: &str, tag: Tag, pos: Pos) {
    let mut share = 0;
    let style = match map.get(field).map(|old| &old.kind) {
        Some(Kind::Scalar(old)) => {
            share = old.share;
            old.style
        }
        Some(_) => Style::Plain,
        None if matches!(tag, Tag::Unset | Tag::Str) && is_misread_1_1(text) => Style::Double,
        None => Style::Plain,
    };
    let scalar = Scalar { share, ..Scalar::styled(text, tag, style) };
    map.set(untagged(field, pos), Node::scalar(scalar, pos));
}

/// True for a text that is another type without quotes. kustomize's test for this does not know timestamps.
pub(crate) fn is_misread_1_1(text: &str) -> bool {
    !text.is_empty() && !text.contains('\n') && is_not_string_1_1(text) && tag_of(text) != Tag::Time
}

/// A key that a transformer adds. Unlike one that was read it has no type, so that `5` fails where `"5"` does not.
pub(crate) fn untagged(text: impl Into<Text>, pos: Pos) -> Key {
    Key { text: text.into(), tag: Tag::Unset, pos }
}

/// Writes a scalar in place; its quotes stay.
pub(crate) fn set_scalar(node: &mut Node, text: &str, tag: Tag, pos: Pos) -> Result<(), String> {
    match &mut node.kind {
        Kind::Scalar(scalar) => {
            scalar.text = text.into();
            scalar.tag = tag;
            node.pos = pos;
            Ok(())
        }
        _ => Err("the field is not a scalar".into()),
    }
}

#[cfg(test)]
mod tests {
    use lucid_object::yaml::parse;

    use super::*;

    fn resource(text: &str) -> Resource {
        Resource::new(parse(text, 0).expect("readable").remove(0))
    }

    #[test]
    fn identity() {
        let object = resource("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}");
        assert_eq!(object.id().to_string(), "apps/v1 Deployment \"a\"");
        assert_eq!(object.effective_namespace(), "default");
        let object = resource("{apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: b}}");
        assert_eq!(object.effective_namespace(), NO_NAMESPACE);
    }

    #[test]
    fn history() {
        let mut object = resource("{apiVersion: v1, kind: Secret, metadata: {name: a}}");
        let first = object.id();
        object.store_previous();
        object.set_name("b");
        assert!(object.ever_was(&first) && object.ever_was(&object.id()));
        assert_eq!((object.original_name(), object.name()), ("a", "b"));
    }

    #[test]
    fn quotes_stay_or_are_made() {
        let mut object = resource("{kind: X, metadata: {name: 'q', namespace: n}}");
        object.set_name("123");
        object.set_namespace("456");
        set_field(&mut object.node, "new", "yes", Tag::Unset, Pos::NOWHERE);
        assert_eq!(
            object.node.to_json().to_string(),
            r#"{"kind":"X","metadata":{"name":"123","namespace":456},"new":"yes"}"#
        );
    }
}

//! What is known of types: which lists are merged by which keys, and which kinds are cluster-scoped.
//!
//! kustomize carries the OpenAPI document of Kubernetes 1.21; `openapi.path` puts another in its place.

use std::collections::HashMap;

use lucid_object::yaml::{Node, Text};

use crate::tables;

mod read;

/// The tables that count in one build.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    custom: Option<Custom>,
}

/// Tables from an OpenAPI document.
#[derive(Debug, Default)]
struct Custom {
    /// Whether the built-in document was needed before this one, and so stays.
    beside_builtin: bool,
    kinds: HashMap<(Text, Text), u16>,
    /// Fields of state n at index n - 1.
    states: Vec<Vec<Step>>,
    /// True for namespaced kinds.
    scopes: HashMap<(Text, Text), bool>,
}

/// One field on the way to a merged list.
#[derive(Debug)]
struct Step {
    field: Text,
    state: u16,
    keys: Option<Vec<Text>>,
}

/// What is known of the fields at one place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'s> {
    schema: &'s Schema,
    state: State,
}

/// 0 is a place without merged lists, or of unknown type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Builtin(u16),
    Custom(u16),
}

impl Schema {
    /// The tables of an OpenAPI document.
    pub(crate) fn custom(document: &Node, beside_builtin: bool) -> Result<Self, String> {
        Ok(Self { custom: Some(Custom { beside_builtin, ..read::tables(document)? }) })
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.custom.is_some()
    }

    /// A place of which nothing is known yet.
    pub(crate) fn unknown(&self) -> Place<'_> {
        Place { schema: self, state: State::Builtin(0) }
    }

    fn state(&self, api_version: &str, kind: &str) -> State {
        let custom = self.custom.as_ref();
        if let Some(state) = custom.and_then(|custom| custom.kinds.get(&(kind.into(), api_version.into()))) {
            return State::Custom(*state);
        }
        match custom.is_none_or(|custom| custom.beside_builtin) {
            true => State::Builtin(tables::merge_state(api_version, kind)),
            false => State::Builtin(0),
        }
    }

    /// True for kinds that are certainly cluster-scoped.
    pub(crate) fn is_cluster_scoped(&self, api_version: &str, kind: &str) -> bool {
        let Some(custom) = &self.custom else { return tables::is_cluster_scoped(api_version, kind) };
        if let Some(cluster) = tables::scope_known_first(api_version, kind) {
            return cluster;
        }
        match custom.scopes.get(&(kind.into(), api_version.into())) {
            Some(namespaced) => !namespaced,
            None => custom.beside_builtin && tables::is_cluster_scoped(api_version, kind),
        }
    }
}

impl<'s> Place<'s> {
    pub(crate) fn is_known(self) -> bool {
        !matches!(self.state, State::Builtin(0) | State::Custom(0))
    }

    /// The place of an object of this type.
    pub(crate) fn of(self, api_version: &str, kind: &str) -> Self {
        Self { state: self.schema.state(api_version, kind), ..self }
    }

    /// The place below a field, and its merge keys if it is a merged list.
    pub(crate) fn step(self, field: &str) -> (Self, Option<Vec<Text>>) {
        let (state, keys) = match (self.state, &self.schema.custom) {
            (State::Builtin(state), _) => {
                let (below, keys) = tables::merge_step(state, field);
                (State::Builtin(below), keys.map(|keys| keys.iter().map(|key| Text::new_static(key)).collect()))
            }
            (State::Custom(state), Some(custom)) => {
                let steps = usize::from(state).checked_sub(1).and_then(|index| custom.states.get(index));
                match steps.into_iter().flatten().find(|step| step.field == field) {
                    Some(step) => (State::Custom(step.state), step.keys.clone()),
                    None => (State::Custom(0), None),
                }
            }
            (State::Custom(_), None) => (State::Builtin(0), None),
        };
        (Self { state, ..self }, keys)
    }
}

#[cfg(test)]
mod tests {
    use lucid_object::yaml::parse;

    use super::*;

    const DOCUMENT: &str = "
definitions:
  v1.Robot:
    x-kubernetes-group-version-kind: [{group: example.com, version: v1, kind: Robot}]
    properties:
      spec: {$ref: '#/definitions/v1.Spec'}
  v1.Spec:
    properties:
      parts:
        type: array
        x-kubernetes-patch-strategy: merge
        x-kubernetes-patch-merge-key: name
        items: {$ref: '#/definitions/v1.Part'}
      names: {type: array, x-kubernetes-patch-strategy: merge, items: {type: string}}
      plain: {type: array, items: {type: string}}
  v1.Part:
    properties:
      spec: {$ref: '#/definitions/v1.Spec'}
paths:
  /apis/example.com/v1/robots: {get: {x-kubernetes-group-version-kind: {group: example.com, version: v1, kind: Robot}}}
";

    fn schema(beside: bool) -> Schema {
        Schema::custom(&parse(DOCUMENT, 0).expect("readable")[0], beside).expect("a document")
    }

    #[test]
    fn merge_keys_of_a_document() {
        let schema = schema(false);
        let (spec, _) = schema.unknown().of("example.com/v1", "Robot").step("spec");
        let (part, keys) = spec.step("parts");
        assert_eq!(keys, Some(vec!["name".into()]));
        assert_eq!(part.step("spec").0.step("parts").1, Some(vec!["name".into()]), "the type contains itself");
        assert_eq!(spec.step("names").1, Some(vec![]));
        assert_eq!(spec.step("plain").1, None);
        assert!(!schema.unknown().of("v1", "Pod").is_known(), "the document stands in the place of the built-in one");
        assert!(self::schema(true).unknown().of("v1", "Pod").is_known());
    }

    #[test]
    fn scopes_of_a_document() {
        let schema = schema(false);
        assert!(schema.is_cluster_scoped("example.com/v1", "Robot"));
        assert!(schema.is_cluster_scoped("v1", "Namespace"));
        assert!(!schema.is_cluster_scoped("example.com/v1", "Other"));
    }
}

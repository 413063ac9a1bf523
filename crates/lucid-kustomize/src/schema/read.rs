//! An OpenAPI document to tables: the definitions that lead to merged lists, as states over field names.

use std::collections::HashMap;

use lucid_object::yaml::{Node, Scalar, Text};

use super::{Custom, Step};

/// The tables of a document. What it does not say is not known.
pub(super) fn tables(document: &Node) -> Result<Custom, String> {
    let mut definitions = HashMap::new();
    for entry in document.get("definitions").map(Node::entries).unwrap_or_default() {
        definitions.entry(entry.key.text.as_str()).or_insert(&entry.value);
    }
    let mut reader = Reader { definitions, custom: Custom::default(), states: HashMap::new(), depth: 0 };
    for (name, definition) in mapping(document, "definitions")? {
        sound(definition).map_err(|error| format!("the definition {name}{error}"))?;
        for kind in definition.get(KIND).map(Node::items).unwrap_or_default().iter().filter(|kind| kind.is_map()) {
            let key = type_of(kind).ok_or_else(|| format!("{KIND} of {name} lacks kind or version"))?;
            let state = reader.state(definition)?;
            reader.custom.kinds.insert(key, state);
        }
    }
    for (path, operations) in mapping(document, "paths")? {
        let Some(kind) = operations.get("get").and_then(|get| get.get(KIND)).filter(|kind| kind.is_map()) else {
            continue;
        };
        let key = type_of(kind).ok_or_else(|| format!("{KIND} of {path} lacks kind or version"))?;
        if path.contains("namespaces/{namespace}") {
            reader.custom.scopes.insert(key, true);
        } else {
            reader.custom.scopes.entry(key).or_insert(false);
        }
    }
    Ok(reader.custom)
}

fn mapping<'d>(document: &'d Node, field: &str) -> Result<impl Iterator<Item = (&'d Text, &'d Node)>, String> {
    let found = if document.is_map() { document.get(field) } else { Some(document) };
    match found.filter(|node| !node.is_null()) {
        Some(node) if !node.is_map() => Err(format!("{field} is not a mapping")),
        node => Ok(node.map(Node::entries).unwrap_or_default().iter().map(|entry| (&entry.key.text, &entry.value))),
    }
}

/// A schema and the properties of it are mappings.
fn sound(schema: &Node) -> Result<(), String> {
    if schema.is_null() {
        return Ok(());
    }
    let properties = schema.get("properties").filter(|node| !node.is_null());
    if !schema.is_map() || properties.is_some_and(|properties| !properties.is_map()) {
        return Err(" is not a mapping, or its properties are none".into());
    }
    let is_text = |node: &Node| node.as_scalar().is_some_and(Scalar::is_string);
    let is_type = |kind: &Node| kind.is_null() || is_text(kind) || kind.is_seq() && kind.items().iter().all(is_text);
    if !schema.get("type").is_none_or(is_type) {
        return Err(": its type is not a string".into());
    }
    if is_merged(schema) && schema.get("items").is_some_and(|items| items.as_scalar().is_some() && !items.is_null()) {
        return Err(": its items are not a schema".into());
    }
    for field in [MERGE_KEY, STRATEGY] {
        if schema.get(field).is_some_and(|node| !is_text(node)) {
            return Err(format!(": {field} is not a string"));
        }
    }
    let below = properties.map(Node::entries).unwrap_or_default().iter();
    let mut below = below.map(|entry| sound(&entry.value).map_err(|error| format!(".{}{error}", entry.key.text)));
    below.try_for_each(std::convert::identity)
}

const KIND: &str = "x-kubernetes-group-version-kind";
const MERGE_KEY: &str = "x-kubernetes-patch-merge-key";
const STRATEGY: &str = "x-kubernetes-patch-strategy";

/// Kind and apiVersion.
fn type_of(node: &Node) -> Option<(Text, Text)> {
    let text = |field: &str| node.get(field).and_then(Node::text);
    let version = text("version")?;
    let api_version = match text("group").unwrap_or_default() {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    Some((text("kind")?.into(), api_version.into()))
}

struct Reader<'d> {
    definitions: HashMap<&'d str, &'d Node>,
    custom: Custom,
    /// States of definitions by the place of their node: a type may contain itself.
    states: HashMap<*const Node, u16>,
    depth: usize,
}

/// References followed at a time, at most.
const DEPTH: usize = 256;

impl<'d> Reader<'d> {
    /// Follows references, which may go in circles.
    fn resolve(&self, mut schema: &'d Node) -> Option<&'d Node> {
        for _ in 0..=self.definitions.len().min(DEPTH) {
            let Some(reference) = schema.get("$ref").and_then(Node::text) else { return Some(schema) };
            schema = self.definitions.get(reference.strip_prefix("#/definitions/")?)?;
        }
        None
    }

    fn state(&mut self, schema: &'d Node) -> Result<u16, String> {
        let Some(schema) = self.resolve(schema) else { return Ok(0) };
        let id: *const Node = schema;
        if let Some(known) = self.states.get(&id) {
            return Ok(*known);
        }
        let Ok(state) = u16::try_from(self.custom.states.len() + 1) else { return Ok(0) };
        if self.depth >= DEPTH {
            return Err(format!("definitions refer to each other more than {DEPTH} deep"));
        }
        self.depth += 1;
        self.states.insert(id, state);
        self.custom.states.push(Vec::new());
        let mut steps = Vec::new();
        for (name, below) in fields(schema) {
            let Some(target) = self.resolve(below) else { continue };
            if is_merged(target) {
                let items = target.get("items").filter(|_| target.get("type").and_then(Node::text) == Some("array"));
                let state = items.map_or(Ok(0), |items| self.state(items))?;
                steps.push(Step { field: name.clone(), state, keys: Some(keys(target)) });
            } else if target.get("properties").is_some() {
                steps.push(Step { field: name.clone(), state: self.state(target)?, keys: None });
            }
        }
        self.custom.states[usize::from(state) - 1] = steps;
        self.depth -= 1;
        Ok(state)
    }
}

fn fields(schema: &Node) -> impl Iterator<Item = (&Text, &Node)> {
    let properties = schema.get("properties").map(Node::entries).unwrap_or_default();
    properties.iter().map(|entry| (&entry.key.text, &entry.value))
}

fn is_merged(schema: &Node) -> bool {
    let strategy = schema.get(STRATEGY).and_then(Node::text).unwrap_or_default();
    strategy.split(',').any(|part| part == "merge")
}

fn keys(schema: &Node) -> Vec<Text> {
    match (schema.get("x-kubernetes-list-map-keys"), schema.get(MERGE_KEY).and_then(Node::text)) {
        (Some(list), _) => list.items().iter().filter_map(Node::text).map(Text::from).collect(),
        (None, Some(key)) => vec![key.into()],
        (None, None) => Vec::new(),
    }
}

//! `configMapGenerator` and `secretGenerator`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lucid_object::yaml::{Key, Kind, Node, Pos, Scalar, Style, Tag, Text};

use crate::model::{At, GeneratorArgs, GeneratorOptions};
use crate::report::{Report, code};
use crate::resource::{Behavior, Resource, is_misread_1_1, set_field, string, untagged};

mod pairs;

pub(crate) use pairs::{Files, Pair};

/// Makes one object. What is wrong is reported; without a name there is none.
pub(crate) fn object(
    args: &GeneratorArgs,
    global: &GeneratorOptions,
    files: &mut dyn Files,
    report: &mut Report,
) -> Option<Resource> {
    let kind = if args.secret { "Secret" } else { "ConfigMap" };
    if args.name.value.is_empty() {
        report.error(code::GENERATOR, args.pos, format!("a generated {kind} needs a name"));
        return None;
    }
    let options = args.options.under(global);
    let mut node = Node::map(args.pos);
    let pos = args.pos;
    set_field(&mut node, "apiVersion", "v1", Tag::Str, pos);
    set_field(&mut node, "kind", kind, Tag::Str, pos);
    let mut metadata = Node::map(args.name.pos);
    set_field(&mut metadata, "name", &args.name.value, Tag::Str, args.name.pos);
    if !args.namespace.value.is_empty() {
        set_field(&mut metadata, "namespace", &args.namespace.value, Tag::Str, args.namespace.pos);
    }
    for (field, map) in [("labels", &options.labels), ("annotations", &options.annotations)] {
        if !map.is_empty() {
            metadata.set(Key::new(field, pos), strings(map, pos));
        }
    }
    node.set(Key::new("metadata", pos), metadata);
    if args.secret {
        let (text, at) =
            if args.kind.value.is_empty() { ("Opaque", pos) } else { (args.kind.value.as_str(), args.kind.pos) };
        node.set(Key::new("type", at), string(text, at));
    }
    let pairs = pairs::load(args, files, report);
    data(&mut node, pairs, args.secret);
    if options.immutable {
        node.set(Key::new("immutable", pos), Node::scalar(Scalar::plain("true", Tag::Bool), pos));
    }
    let mut resource = Resource::new(node);
    resource.needs_hash = !options.disable_hash;
    resource.behavior = behavior(&args.behavior);
    Some(resource)
}

fn behavior(text: &str) -> Behavior {
    match text {
        "create" => Behavior::Create,
        "replace" => Behavior::Replace,
        "merge" => Behavior::Merge,
        _ => Behavior::Unspecified,
    }
}

fn strings(map: &[(Text, At<Text>)], pos: Pos) -> Node {
    let mut node = Node::map(pos);
    for (key, value) in map {
        node.set(untagged(key.clone(), value.pos), Node::string(value.value.clone(), value.pos));
    }
    node
}

fn data(node: &mut Node, mut pairs: Vec<Pair>, secret: bool) {
    pairs.sort_by(|a, b| a.key.cmp(&b.key));
    if secret {
        node.set(Key::new("data", node.pos), Node::map(node.pos));
    }
    for pair in pairs {
        let (field, text) = match String::from_utf8(pair.value) {
            Ok(text) if !secret => ("data", text),
            Ok(text) => ("data", encode(text.as_bytes())),
            Err(error) if secret => ("data", encode(error.as_bytes())),
            Err(error) => ("binaryData", encode(error.as_bytes())),
        };
        if node.get(field).is_none() {
            node.set(Key::new(field, pair.pos), Node::map(pair.pos));
        }
        let map = node.get_mut(field).expect("was just set");
        map.set(untagged(pair.key, pair.pos), text_value(text, pair.pos));
    }
}

fn text_value(text: String, pos: Pos) -> Node {
    let style = match &text {
        text if text.contains('\n') => Style::Literal,
        text if is_misread_1_1(text) => Style::Double,
        _ => Style::Plain,
    };
    Node::scalar(Scalar::styled(text, Tag::Str, style), pos)
}

/// Base64 in lines of 70 once it is longer than that; then the last line ends in a break as well.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    if text.len() < 70 {
        return text;
    }
    let mut out = String::with_capacity(text.len() + text.len() / 70 + 1);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(70));
        out.push_str(line);
        out.push('\n');
        rest = more;
    }
    out
}

/// Folds a generated object into the one that it merges with or replaces; the old one keeps name, namespace and history.
pub(crate) fn absorb(old: &Resource, new: Resource, report: &mut Report) -> Resource {
    let mut merged = new;
    for field in ["labels", "annotations"] {
        let mut map: Vec<(Text, Text, Pos)> = positions(old, field);
        for entry in positions(&merged, field) {
            match map.iter_mut().find(|(key, ..)| *key == entry.0) {
                Some(known) => *known = entry,
                None => map.push(entry),
            }
        }
        map.sort_by(|a, b| a.0.cmp(&b.0));
        merged.set_metadata_map(field, map);
    }
    let name = old.name().to_owned();
    merged.set_name(&name);
    let namespace = old.namespace().to_owned();
    merged.set_namespace(&namespace);
    if merged.behavior == Behavior::Merge {
        let is_secret = merged.kind() == "Secret" && merged.api_version() == "v1";
        let base = if is_secret { with_encoded(old, report) } else { old.clone() };
        for field in ["data", "binaryData"] {
            merge_data(&mut merged.node, &base.node, field);
        }
        if let Some(origin) = &old.origin {
            merged.origin = Some(origin.clone());
        }
    }
    merged.home = old.home;
    merged.needs_hash &= old.needs_hash;
    merged.behavior = old.behavior;
    merged.previous.clone_from(&old.previous);
    merged.prefixes.clone_from(&old.prefixes);
    merged.suffixes.clone_from(&old.suffixes);
    merged.vars.clone_from(&old.vars);
    merged
}

fn positions(resource: &Resource, field: &str) -> Vec<(Text, Text, Pos)> {
    let map = resource.node.get("metadata").and_then(|metadata| metadata.get(field));
    let entries = map.map(Node::entries).unwrap_or_default();
    entries.iter().map(|e| (e.key.text.clone(), e.value.text().unwrap_or_default().into(), e.value.pos)).collect()
}

/// The Secret with `stringData` folded into `data`, as the API server does.
fn with_encoded(secret: &Resource, report: &mut Report) -> Resource {
    let mut secret = secret.clone();
    let Some(strings) = secret.node.remove("stringData") else { return secret };
    if !strings.is_map() && !strings.is_null() {
        report.error(code::GENERATOR, strings.pos, format!("stringData of {} is not a mapping", secret.reference()));
    }
    if !strings.is_null() && secret.node.get("data").is_some_and(Node::is_null) {
        let message = format!("data of {} is null, and stringData cannot be added to it", secret.reference());
        report.error_help(code::GENERATOR, strings.pos, message, "take the empty data away");
    }
    for entry in strings.entries() {
        if secret.node.get("data").is_none_or(Node::is_null) {
            secret.node.set(Key::new("data", strings.pos), Node::map(strings.pos));
        }
        if entry.value.as_scalar().is_none() {
            let message = format!("stringData.{} of {} is not a text", entry.key.text, secret.reference());
            report.error(code::GENERATOR, entry.value.pos, message);
        }
        let text = encode(entry.value.text().unwrap_or_default().as_bytes());
        let data = secret.node.get_mut("data").expect("was just set");
        if !data.is_map() {
            let pos = data.pos;
            report.error(code::GENERATOR, pos, format!("data of {} is not a mapping", secret.reference()));
            break;
        }
        data.set(entry.key.clone(), text_value(text, entry.value.pos));
    }
    secret
}

fn merge_data(node: &mut Node, base: &Node, field: &str) {
    let mut merged: Vec<(Key, String, Pos)> = Vec::new();
    for source in [Some(base), Some(&*node)].into_iter().flatten() {
        for entry in source.get(field).map(Node::entries).unwrap_or_default() {
            let value = entry.value.text().unwrap_or_default().to_owned();
            let found = (entry.key.clone(), value, entry.value.pos);
            match merged.iter_mut().find(|(key, ..)| key.text == entry.key.text) {
                Some(known) => *known = found,
                None => merged.push(found),
            }
        }
    }
    node.remove(field);
    if merged.is_empty() {
        return;
    }
    let mut map = Node::new(Kind::Map(Vec::with_capacity(merged.len())), node.pos);
    for (key, value, pos) in merged {
        map.set(untagged(key.text, key.pos), text_value(value, pos));
    }
    node.set(Key::new(field, node.pos), map);
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn long_base64_is_broken() {
        assert_eq!(encode(b"hi"), "aGk=");
        assert_eq!(encode(&[b'a'; 51]).len(), 68);
        let long = encode(&[b'a'; 52]);
        assert_eq!((long.len(), long.matches('\n').count()), (74, 2));
        assert!(long.ends_with("YQ\n==\n"), "{long}");
    }
}

//! The last steps, at the root of the build: hashes, references, order, and what must be printable.

use std::sync::Arc;

use lucid_object::yaml::scalar::tag_of;
use lucid_object::yaml::{Key, Kind, Node, Pos, Resolved, Scalar, Tag};
use lucid_object::{Object, ObjectSet};

use crate::build::{Accumulator, Build, Target};
use crate::report::{Report, code};
use crate::resmap::ResMap;
use crate::resource::{Previous, Resource};
use crate::{Order, equal_keys, hash, nameref, sort};

impl Build<'_> {
    /// Carries out what kustomize does once, on all resources together.
    pub(crate) fn finish(&mut self, mut accumulated: Accumulator, target: &Target) -> Vec<Resource> {
        hash_names(&mut accumulated.map);
        nameref::fix(accumulated.map.list_mut(), &accumulated.config.name_reference, &mut self.report);
        self.resolve_vars(&mut accumulated);
        let mut resources = accumulated.map.into_list();
        self.identified(&resources);
        resources.retain(|resource| !is_local(resource));
        resources = self.order(resources, target);
        for resource in &mut resources {
            self.annotate(resource, target);
            decode_keys(&mut resource.node);
            check(&resource.node, true, &mut self.report);
        }
        resources
    }

    /// What patches may have done to the identity of an object.
    fn identified(&mut self, resources: &[Resource]) {
        for resource in resources {
            let metadata = resource.node.get("metadata");
            let message = if metadata.is_some_and(|node| !node.is_map() && !node.is_null()) {
                format!("metadata of this {} is not a mapping", resource.kind())
            } else if resource.kind().is_empty() {
                "a patch has taken away the kind of this object".to_owned()
            } else if resource.name().is_empty() && !resource.kind().ends_with("List") {
                format!("a patch has taken away the name of this {}", resource.kind())
            } else if let Some(text) = resource.previous.iter().find_map(with_comma) {
                format!("{text:?} has a comma, and cannot be followed when names change")
            } else {
                continue;
            };
            self.report.error(code::NOT_AN_OBJECT, resource.pos(), message);
        }
    }

    fn order(&self, resources: Vec<Resource>, target: &Target) -> Vec<Resource> {
        let texts =
            |kinds: &'_ [lucid_object::yaml::Text]| kinds.iter().map(|kind| kind.to_string()).collect::<Vec<_>>();
        match (&target.kustomization.sort, self.options.reorder) {
            (Some(sort), _) if sort.order.value == "legacy" => match &sort.legacy {
                Some((first, last)) => {
                    let (first, last) = (texts(first), texts(last));
                    let first: Vec<&str> = first.iter().map(String::as_str).collect();
                    let last: Vec<&str> = last.iter().map(String::as_str).collect();
                    sort::legacy(resources, Some(&first), Some(&last))
                }
                None => sort::legacy(resources, None, None),
            },
            (Some(_), _) | (None, Order::None) => resources,
            (None, Order::Legacy) => sort::legacy(resources, None, None),
        }
    }
}

/// Appends the hash of their content to the names of generated objects.
pub(crate) fn hash_names(map: &mut ResMap) {
    for resource in map.renaming().iter_mut().filter(|resource| resource.needs_hash) {
        let name = format!("{}-{}", resource.name(), hash::suffix(resource));
        resource.store_previous();
        resource.set_name(&name);
    }
}

/// kustomize keeps earlier names in lists with commas.
fn with_comma(previous: &Previous) -> Option<&str> {
    [&previous.name, &previous.namespace, &previous.kind]
        .into_iter()
        .map(|text| text.as_str())
        .find(|t| t.contains(','))
}

/// `config.kubernetes.io/local-config`: for tools, not for the cluster.
fn is_local(resource: &Resource) -> bool {
    resource
        .metadata_map("annotations")
        .any(|(key, value)| key == "config.kubernetes.io/local-config" && value != "false")
}

/// Finds what cannot be written: values that are not of their type, infinities, keys that are no strings.
fn check(node: &Node, top: bool, report: &mut Report) {
    match &node.kind {
        Kind::Seq(items) => items.iter().for_each(|item| check(item, false, report)),
        Kind::Map(entries) => {
            if let Err(flaw) = equal_keys::check(entries) {
                flaw.tell(report);
            }
            for entry in entries {
                let tag = if entry.key.tag == Tag::Unset { tag_of(&entry.key.text) } else { entry.key.tag };
                // At the top, other keys become strings; go-yaml takes a null for its own duplicate anywhere.
                if tag == Tag::Null || (!top && !matches!(tag, Tag::Str | Tag::Merge)) {
                    let message = format!("the key {} is not a string", entry.key.text);
                    report.error_help(code::UNPRINTABLE, entry.key.pos, message, "put the key in quotes");
                }
                if !fits(tag, &entry.key.text) {
                    let message = format!("the key {} is not of the type that its tag names", entry.key.text);
                    report.error_help(code::UNPRINTABLE, entry.key.pos, message, "take the tag away");
                }
                check_text(&entry.key.text, entry.key.pos, report);
                if entry.key.text.contains('\u{85}') {
                    report.error(code::UNPRINTABLE, entry.key.pos, "the line break U+0085 cannot stand in a key");
                }
                check(&entry.value, false, report);
            }
        }
        Kind::Scalar(scalar) => match scalar.resolve() {
            Ok(Resolved::Float(value)) if !value.is_finite() => {
                report.error(code::UNPRINTABLE, node.pos, format!("{} has no place in JSON", scalar.text));
            }
            Ok(Resolved::Str(text)) => check_text(&text, node.pos, report),
            Ok(_) => {}
            Err(error) => report.error(code::UNPRINTABLE, node.pos, error),
        },
    }
}

/// A tag that a key cannot have is a mistake as soon as the key is read.
fn fits(tag: Tag, key: &str) -> bool {
    match (tag, tag_of(key)) {
        (Tag::Bool | Tag::Int | Tag::Time, found) => found == tag,
        (Tag::Float, found) => matches!(found, Tag::Float | Tag::Int),
        (Tag::Binary, _) => Scalar::plain(key, tag).resolve().is_ok(),
        _ => true,
    }
}

/// Keys with tags at the top of an object: `!!binary` is what its Base64 stands for, and an empty `!!null` is nothing.
fn decode_keys(node: &mut Node) {
    let Kind::Map(entries) = &mut node.kind else { return };
    entries.retain(|entry| entry.key.tag != Tag::Null || !entry.key.text.is_empty());
    for key in entries.iter_mut().map(|entry| &mut entry.key).filter(|key| key.tag == Tag::Binary) {
        if let Ok(Resolved::Str(text)) = Scalar::plain(key.text.clone(), Tag::Binary).resolve() {
            *key = Key { text: (*text).into(), tag: Tag::Str, pos: key.pos };
        }
    }
}

fn check_text(text: &str, pos: Pos, report: &mut Report) {
    let refused = |c: char| matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    if let Some(c) = text.chars().find(|c| refused(*c)) {
        let message = format!("the control character U+{:04X} cannot be written", u32::from(c));
        report.error(code::UNPRINTABLE, pos, message);
    }
}

/// The objects of a finished build.
pub(crate) fn objects(resources: Vec<Resource>, report: &Report) -> ObjectSet {
    let files = Arc::new(report.files.clone());
    resources.into_iter().map(|resource| Object::from_node(Arc::clone(&files), Arc::new(resource.node))).collect()
}

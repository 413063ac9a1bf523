//! `replacements`: a value of one object, copied into fields of others.

use std::rc::Rc;

use lucid_object::yaml::{Kind, Node, Pos, Scalar, Tag};

use super::select::Target as Matcher;
use crate::fieldspec::split_smart;
use crate::model::{FieldOptions, Replacement, ReplacementTarget, Selected, Selector};
use crate::report::{Report, code};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::share;

mod embedded;
pub(crate) mod lookup;
mod matcher;

const DEFAULT_PATH: &str = "metadata.name";

/// Carries out all replacements, in order.
pub(crate) fn apply(map: &mut ResMap, replacements: &[Replacement], report: &mut Report) {
    for replacement in replacements {
        let Some(value) = value(map.list(), replacement, report) else { continue };
        let Some(targets) = &replacement.targets else { continue };
        for target in targets {
            copy_to(map, &value, target, report);
        }
    }
}

/// The value to copy. What is wrong with the source is reported.
fn value(resources: &[Resource], replacement: &Replacement, report: &mut Report) -> Option<Rc<Node>> {
    let mut refuse = |pos: Pos, message: String| {
        report.error(code::REPLACEMENT, pos, message);
        None
    };
    if replacement.targets.as_ref().is_none_or(|targets| targets.is_empty() && !replacement.from_file)
        || (replacement.source.is_none() && replacement.value.is_none())
    {
        return refuse(replacement.pos, "a replacement needs `source` and `targets`".into());
    }
    match (&replacement.source, &replacement.value) {
        (Some(_), Some(_)) => refuse(replacement.pos, "a replacement has `source` or `sourceValue`, not both".into()),
        (None, Some(value)) => Some(Rc::new(Node::scalar(Scalar::plain(value.value.clone(), Tag::Unset), value.pos))),
        (Some(source), _) => match source_value(resources, source) {
            Ok(node) => Some(Rc::new(node)),
            Err(message) => refuse(source.selector.pos, message),
        },
        (None, None) => None,
    }
}

fn source_value(resources: &[Resource], source: &Selected) -> Result<Node, String> {
    let mut found = resources.iter().filter(|resource| is_source(resource, &source.selector));
    let shown = describe(&source.selector);
    let resource = found.next().ok_or_else(|| format!("the source of the replacement selects nothing: {shown}"))?;
    if let Some(second) = found.next() {
        let (a, b) = (resource.reference(), second.reference());
        return Err(format!("the source of the replacement selects several objects: {a} and {b}"));
    }
    let path = if source.field.value.is_empty() { DEFAULT_PATH } else { source.field.value.as_str() };
    let node = lookup::lookup(&resource.node, &split_smart(path))?
        .filter(|node| !node.is_null_or_empty())
        .ok_or_else(|| format!("{} has no field {path}", resource.reference()))?;
    part_of(node, &source.options)
}

/// One part of a text, if a delimiter is given.
fn part_of(node: &Node, options: &FieldOptions) -> Result<Node, String> {
    if options.delimiter.is_empty() {
        return Ok(node.clone());
    }
    let Kind::Scalar(scalar) = &node.kind else { return Err("a delimiter needs a plain value".into()) };
    let parts: Vec<&str> = scalar.text.split(options.delimiter.as_str()).collect();
    let part = usize::try_from(options.index).ok().and_then(|index| parts.get(index)).ok_or_else(|| {
        format!("index {} is out of bounds: {:?} has {} parts", options.index, scalar.text, parts.len())
    })?;
    Ok(Node::scalar(Scalar { text: (*part).into(), ..scalar.clone() }, node.pos))
}

fn is_source(resource: &Resource, selector: &Selector) -> bool {
    let (group, version) = resource.group_version();
    let fits = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
    let or_default = |namespace: &str| if namespace.is_empty() { "default".to_owned() } else { namespace.to_owned() };
    let matches = |name: &str, namespace: &str, kind: &str| {
        fits(&selector.kind, kind)
            && fits(&selector.name, name)
            && (selector.namespace.is_empty() || or_default(&selector.namespace) == or_default(namespace))
    };
    fits(&selector.group, group)
        && fits(&selector.version, version)
        && (matches(resource.name(), resource.namespace(), resource.kind())
            || resource.previous.iter().any(|p| matches(&p.name, &p.namespace, &p.kind)))
}

fn describe(selector: &Selector) -> String {
    let parts = [
        ("group", &selector.group),
        ("version", &selector.version),
        ("kind", &selector.kind),
        ("name", &selector.name),
        ("namespace", &selector.namespace),
    ];
    parts
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(what, text)| format!("{what} {text}"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn copy_to(map: &mut ResMap, value: &Node, target: &ReplacementTarget, report: &mut Report) {
    let Some(select) = &target.select else {
        return report.error(code::REPLACEMENT, target.pos, "a target of a replacement needs `select`");
    };
    let compiled = Matcher::new(select).and_then(|select| {
        let reject: Result<Vec<_>, _> = target.reject.iter().map(Matcher::new).collect();
        Ok((select, reject?))
    });
    let (select, reject) = match compiled {
        Ok(compiled) => compiled,
        Err(error) => return report.error(code::WRONG_VALUE, target.pos, format!("target: {error}")),
    };
    let default = [crate::model::At { value: DEFAULT_PATH.into(), pos: target.pos }];
    let paths = if target.fields.is_empty() { &default[..] } else { &target.fields };
    for resource in map.renaming().iter_mut().filter(|resource| is_target(resource, &select, &reject)) {
        for path in paths {
            if let Err(error) = write(&mut resource.node, value, &path.value, &target.options) {
                let message = format!("replacement: {}: field {}: {error}", resource.reference(), path.value);
                report.error(code::REPLACEMENT, path.pos, message);
            }
            share::follow(resource);
        }
    }
}

fn is_target(resource: &Resource, select: &Matcher, reject: &[Matcher]) -> bool {
    let (group, version) = resource.group_version();
    let ever = |matcher: &Matcher| {
        matcher.fits_id(group, version, resource.kind(), resource.name(), resource.namespace())
            || resource.previous.iter().any(|p| matcher.fits_id(group, version, &p.kind, &p.name, &p.namespace))
    };
    select.fits_metadata(resource)
        && !reject.iter().any(|matcher| matcher.asks_for_metadata() && matcher.fits_metadata(resource))
        && !reject.iter().any(|matcher| !matcher.is_metadata_only() && ever(matcher))
        && ever(select)
}

/// Writes the value at a path, which may lead into a text that is itself YAML or JSON.
fn write(node: &mut Node, value: &Node, path: &str, options: &FieldOptions) -> Result<(), String> {
    let parts = split_smart(path);
    let create = options.create.then_some(&value.kind);
    if embedded::write(node, &parts, create, &mut |field| set(field, value, options))? {
        return Ok(());
    }
    let count = matcher::visit(node, &parts, create, &mut |field| set(field, value, options))?;
    match (count, options.create) {
        (0, true) => Err("it can neither be found nor made".into()),
        (0, false) => Err("it does not exist (`options.create` makes it)".into()),
        _ => Ok(()),
    }
}

/// A plain value keeps its type and quotes, and takes over the text only.
fn set(field: &mut Node, value: &Node, options: &FieldOptions) -> Result<(), String> {
    let text = value.text().unwrap_or_default();
    if options.delimiter.is_empty() {
        match &mut field.kind {
            Kind::Scalar(old) => old.text = text.into(),
            _ => *field = value.clone(),
        }
        field.pos = value.pos;
        return Ok(());
    }
    let Kind::Scalar(old) = &mut field.kind else { return Err("a delimiter needs a plain value".into()) };
    let text = if value.is_null() { "" } else { text };
    let mut parts: Vec<&str> = old.text.split(options.delimiter.as_str()).collect();
    match usize::try_from(options.index) {
        Err(_) => parts.insert(0, text),
        Ok(index) if index >= parts.len() => parts.push(text),
        Ok(index) => parts[index] = text,
    }
    old.text = parts.join(options.delimiter.as_str()).into();
    field.pos = value.pos;
    Ok(())
}

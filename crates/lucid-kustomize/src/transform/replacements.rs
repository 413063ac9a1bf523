//! `replacements`: a value of one object, copied into fields of others.

use std::rc::Rc;

use lucid_object::yaml::{Entry, Kind, Node, Pos, Scalar, Tag, Text};

use super::select::Target as Matcher;
use super::unmatched;
use crate::fieldspec::split_smart;
use crate::meter::{DEPTH, Meter, depth, weight};
use crate::model::{At, FieldOptions, Replacement, ReplacementTarget, Selected, Selector};
use crate::report::{Report, code};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::share;

mod embedded;
pub(crate) mod lookup;
mod matcher;

const DEFAULT_PATH: &str = "metadata.name";

/// No text that is read is longer.
const LONGEST: usize = 16 << 20;

/// Carries out a replacement.
pub(crate) fn apply(map: &mut ResMap, replacement: &Replacement, report: &mut Report) {
    let Some(value) = value(map.list(), replacement, report) else { return };
    let Some(targets) = &replacement.targets else { return };
    for target in targets {
        copy_to(map, &value, target, report);
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
    let mut parts = scalar.text.split(options.delimiter.as_str());
    let part = usize::try_from(options.index).ok().and_then(|index| parts.nth(index)).ok_or_else(|| {
        let count = scalar.text.split(options.delimiter.as_str()).count();
        format!("index {} is out of bounds: {:?} has {count} parts", options.index, scalar.text)
    })?;
    Ok(Node::scalar(Scalar { text: part.into(), ..scalar.clone() }, node.pos))
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
    let wanted = select;
    let compiled = Matcher::new(select).and_then(|select| {
        let reject: Result<Vec<_>, _> = target.reject.iter().map(Matcher::new).collect();
        Ok((select, reject?))
    });
    let (select, reject) = match compiled {
        Ok(compiled) => compiled,
        Err(error) => return report.error(code::WRONG_VALUE, target.pos, format!("target: {error}")),
    };
    let default = [At { value: DEFAULT_PATH.into(), pos: target.pos }];
    let paths = if target.fields.is_empty() { &default[..] } else { &target.fields };
    let mut selected = false;
    for resource in map.renaming().iter_mut() {
        match is_target(resource, &select, &reject) {
            Ok(true) => selected = true,
            Ok(false) => continue,
            Err(error) => return report.error(code::WRONG_VALUE, target.pos, format!("target: {error}")),
        }
        for path in paths {
            if let Err(error) = write(&mut resource.node, value, path, &target.options, &mut report.meter) {
                let message = format!("replacement: {}: field {}: {error}", resource.reference(), path.value);
                report.error(code::REPLACEMENT, path.pos, message);
            }
            share::follow(resource);
        }
    }
    if !selected {
        unmatched::replacement(map, wanted, target.pos, report);
    }
}

fn is_target(resource: &Resource, select: &Matcher, reject: &[Matcher]) -> Result<bool, String> {
    let (group, version) = resource.group_version();
    let ever = |matcher: &Matcher| {
        matcher.fits_id(group, version, resource.kind(), resource.name(), resource.namespace())
            || resource.previous.iter().any(|p| matcher.fits_id(group, version, &p.kind, &p.name, &p.namespace))
    };
    if !select.fits_metadata(resource)? {
        return Ok(false);
    }
    for matcher in reject.iter().filter(|matcher| matcher.asks_for_metadata()) {
        if matcher.fits_metadata(resource)? {
            return Ok(false);
        }
    }
    Ok(!reject.iter().any(|matcher| !matcher.is_metadata_only() && ever(matcher)) && ever(select))
}

/// Writes the value at a path, which may lead into a text that is itself YAML or JSON.
fn write(
    node: &mut Node,
    value: &Node,
    path: &At<Text>,
    options: &FieldOptions,
    meter: &mut Meter,
) -> Result<(), String> {
    let parts = split_smart(&path.value);
    if parts.len() + depth(value) > DEPTH {
        return Err(format!("the path and the value are more than {DEPTH} deep"));
    }
    let create = options.create.then_some(&value.kind);
    let made = if options.create { parts.len() * size_of::<Entry>() } else { 0 };
    let weight = weight(value) + made;
    let mut set = |field: &mut Node| {
        if meter.grow(weight, path.pos) { set(field, value, options) } else { Ok(()) }
    };
    if embedded::write(node, &parts, create, &mut set)? {
        return Ok(());
    }
    let count = matcher::visit(node, &parts, create, &mut set)?;
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
    if old.text.len() + text.len() > LONGEST {
        return Err(format!("the text becomes longer than {LONGEST} bytes"));
    }
    old.text = put_part(&old.text, &options.delimiter, options.index, text).into();
    field.pos = value.pos;
    Ok(())
}

/// Puts a part into a text: before all others if the index is negative, behind them if it is too large.
fn put_part(text: &str, delimiter: &str, index: i64, part: &str) -> String {
    let Ok(index) = usize::try_from(index) else { return [part, text].join(delimiter) };
    let mut before = 0;
    for (number, old) in text.split(delimiter).enumerate() {
        if number == index {
            return [&text[..before], part, &text[before + old.len()..]].concat();
        }
        before += old.len() + delimiter.len();
    }
    [text, part].join(delimiter)
}

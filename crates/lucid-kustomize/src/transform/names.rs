//! `namePrefix` and `nameSuffix`.

use lucid_object::yaml::{Pos, Tag, Text};

use super::failed;
use crate::fieldspec::{Field, Make, selects};
use crate::model::At;
use crate::report::Report;
use crate::resmap::ResMap;
use crate::resource::{Previous, Resource, set_scalar};
use crate::tables::Spec;

/// Which end of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Prefix,
    Suffix,
}

/// Adds to the names of all resources but custom resource definitions, API services and namespaces.
pub(crate) fn apply(map: &mut ResMap, end: End, given: &At<Text>, specs: &[Spec], report: &mut Report) {
    let (text, pos) = (&given.value, given.pos);
    let fields: Vec<Field<'_>> = specs.iter().map(Field::new).collect();
    let weight = text.len() + size_of::<Previous>();
    for resource in map.renaming() {
        if !report.meter.grow(weight, pos) {
            return;
        }
        if is_exempt(resource) {
            continue;
        }
        for (field, spec) in fields.iter().zip(specs) {
            let kind = resource.original_kind().to_owned();
            let (group, version) = resource.group_version();
            if !selects(spec, group, version, &kind) {
                continue;
            }
            if spec.path == "metadata/name" {
                remember(resource, end, text);
            }
            if let Err(error) = rename(resource, field, end, text, pos) {
                failed(report, resource, pos, if end == End::Prefix { "namePrefix" } else { "nameSuffix" }, &error);
            }
        }
    }
}

fn is_exempt(resource: &Resource) -> bool {
    match resource.original_kind() {
        "CustomResourceDefinition" | "Namespace" => true,
        "APIService" => resource.group_version().0 == "apiregistration.k8s.io",
        _ => false,
    }
}

fn remember(resource: &mut Resource, end: End, text: &Text) {
    if text.is_empty() {
        return;
    }
    let chain = if end == End::Prefix { &mut resource.prefixes } else { &mut resource.suffixes };
    chain.push(text.clone());
    resource.store_previous();
}

fn rename(resource: &mut Resource, field: &Field<'_>, end: End, text: &str, pos: Pos) -> Result<(), String> {
    if !field.applies(resource) {
        return Ok(());
    }
    field.visit(&mut resource.node, Make::Scalar(Tag::Str), pos, &mut |node| {
        let old = node.text().unwrap_or_default();
        let new = if end == End::Prefix { format!("{text}{old}") } else { format!("{old}{text}") };
        set_scalar(node, &new, Tag::Unset, pos)
    })
}

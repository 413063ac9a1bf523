//! `patches`, and the deprecated `patchesStrategicMerge` and `patchesJson6902`.

use lucid_object::yaml::{Key, Node, Pos, Tag, Text};

use super::json_patch::{self, Operation};
use super::merge::merge;
use super::select::Target;
use super::unmatched;
use crate::meter::weight;
use crate::model::{Patch, Selector};
use crate::report::{Report, code};
use crate::resmap::ResMap;
use crate::resource::{Id, Previous, Resource, metadata_mut, string};
use crate::schema::Schema;
use crate::share;
use crate::suggest::nearest;

/// What a text turned out to be.
pub(crate) enum Loaded {
    Strategic(Vec<Resource>),
    Json(Vec<Operation>),
    Nothing,
}

/// Applies one entry of `patches`.
pub(crate) fn apply(map: &mut ResMap, patch: &Patch, loaded: Loaded, schema: &Schema, report: &mut Report) {
    match loaded {
        Loaded::Nothing => {}
        Loaded::Json(operations) => match &patch.target {
            Some(target) => json(map, target, &operations, true, patch.pos, report),
            None => report.error_help(
                code::NO_TARGET,
                patch.pos,
                "a JSON patch needs a target",
                "add `target` with kind and name",
            ),
        },
        Loaded::Strategic(mut patches) => {
            for patched in &mut patches {
                patched.allow_name_change = patch.allow_name_change;
                patched.allow_kind_change = patch.allow_kind_change;
            }
            match &patch.target {
                Some(target) => strategic_to_target(map, target, &patches, patch.pos, schema, report),
                None => patches.into_iter().for_each(|one| strategic_by_id(map, one, patch.pos, schema, report)),
            }
        }
    }
}

/// Where the resources stand that a target selects.
fn selected(map: &ResMap, selector: &Selector, pos: Pos, report: &mut Report) -> Option<Vec<usize>> {
    match Target::new(selector).and_then(|target| target.among(map.list())) {
        Ok(found) => {
            if found.is_empty() {
                unmatched::patch(map, selector, pos, report);
            }
            Some(found)
        }
        Err(error) => {
            report.error(code::WRONG_VALUE, selector.pos, format!("target: {error}"));
            None
        }
    }
}

/// A patch without target: its own identity must match exactly one resource.
fn strategic_by_id(map: &mut ResMap, mut patch: Resource, pos: Pos, schema: &Schema, report: &mut Report) {
    let Some(index) = only_match(map, &patch, pos, report) else { return };
    let renames = patch.allow_name_change || patch.allow_kind_change;
    let resource = if renames { &mut map.renaming()[index] } else { &mut map.list_mut()[index] };
    let kept = merge_into(resource, &mut patch, schema);
    finish(map, index, kept, &patch, report);
}

/// `patchesStrategicMerge`: the same, with labels and annotations of the patch made strings first.
pub(crate) fn strategic_legacy(
    map: &mut ResMap,
    patches: Vec<Resource>,
    pos: Pos,
    schema: &Schema,
    report: &mut Report,
) {
    for patch in patches {
        let Some(index) = only_match(map, &patch, pos, report) else { continue };
        let kept = merge_into(&mut map.list_mut()[index], &mut for_target(&patch, None), schema);
        finish(map, index, kept, &patch, report);
        map.recheck(report);
    }
}

fn strategic_to_target(
    map: &mut ResMap,
    selector: &Selector,
    patches: &[Resource],
    pos: Pos,
    schema: &Schema,
    report: &mut Report,
) {
    let [patch] = patches else {
        if patches.len() > 1 {
            let message = "several strategic merge patches in one entry cannot have a target";
            report.error_help(code::WRONG_VALUE, pos, message, "write one entry for each patch");
        }
        return;
    };
    let Some(found) = selected(map, selector, pos, report) else { return };
    let weight = weight(&patch.node);
    let mut gone = Vec::new();
    let renames = patch.allow_name_change || patch.allow_kind_change;
    let resources = if renames { map.renaming().as_mut_slice() } else { map.list_mut() };
    for index in found {
        let resource = &mut resources[index];
        if !report.meter.grow(weight, pos) {
            return;
        }
        let mut copy = for_target(patch, Some(resource.api_version()));
        match merge_into(resource, &mut copy, schema) {
            Ok(true) => {}
            Ok(false) => gone.push(index),
            Err(error) => tell(resource, patch, &error, report),
        }
    }
    remove(map, &gone);
    map.recheck(report);
}

fn finish(map: &mut ResMap, index: usize, kept: Result<bool, String>, patch: &Resource, report: &mut Report) {
    match kept {
        Ok(true) => {}
        Ok(false) => remove(map, &[index]),
        Err(error) => tell(&map.list()[index], patch, &error, report),
    }
}

fn tell(resource: &Resource, patch: &Resource, error: &str, report: &mut Report) {
    let place = report.files.position(resource.pos()).map_or(String::new(), |position| format!(" at {position}"));
    let message = format!("the patch does not fit {}{place}: {error}", resource.reference());
    report.error(code::PATCH_FAILED, patch.node.pos, message);
}

fn remove(map: &mut ResMap, gone: &[usize]) {
    if !gone.is_empty() {
        let mut index = 0;
        map.renaming().retain(|_| {
            index += 1;
            !gone.contains(&(index - 1))
        });
    }
}

fn only_match(map: &mut ResMap, patch: &Resource, pos: Pos, report: &mut Report) -> Option<usize> {
    let id = patch.id();
    let found = map.find(&id);
    match found.as_slice() {
        [index] => Some(*index),
        [] => {
            no_match(map, &id, patch, report);
            None
        }
        _ => {
            report.error(code::NO_TARGET, pos, format!("the patch matches several objects: {id}"));
            None
        }
    }
}

fn no_match(map: &ResMap, id: &Id, patch: &Resource, report: &mut Report) {
    let same_kind = map.list().iter().filter(|resource| resource.kind() == id.kind);
    let other_place = map.list().iter().find(|resource| resource.kind() == id.kind && resource.name() == id.name);
    let help = match (other_place, nearest(&id.name, same_kind.map(Resource::name))) {
        (Some(resource), _) => format!(
            "there is {} of {}; apiVersion and namespace must be the same too",
            resource.reference(),
            resource.api_version()
        ),
        (None, Some(name)) => format!("did you mean `{name}`?"),
        (None, None) => {
            "the patch must name kind, apiVersion, name and namespace of an object of this kustomization".into()
        }
    };
    report.error_help(code::NO_TARGET, patch.pos(), format!("no object matches the patch for {id}"), help);
}

/// The patch as kustomize copies it for a selected object: labels and annotations become strings.
fn for_target(patch: &Resource, api_version: Option<&str>) -> Resource {
    let mut copy = patch.clone();
    for field in ["labels", "annotations"] {
        restring(&mut copy.node, field);
    }
    if let Some(metadata) = copy.node.get_mut("metadata")
        && metadata.get("namespace").is_some_and(Node::is_null)
    {
        metadata.remove("namespace");
    }
    if let Some(api_version) = api_version {
        let pos = copy.node.pos_at("/apiVersion");
        crate::resource::set_field(&mut copy.node, "apiVersion", api_version, Tag::Unset, pos);
        let (kind, pos) = (patch.kind().to_owned(), copy.node.pos_at("/kind"));
        crate::resource::set_field(&mut copy.node, "kind", &kind, Tag::Unset, pos);
    }
    copy
}

fn restring(node: &mut Node, field: &str) {
    let Some(map) = node.get("metadata").and_then(|metadata| metadata.get(field)).cloned() else { return };
    let mut strings = Node::map(map.pos);
    for entry in map.entries() {
        let text: Text = entry.value.text().unwrap_or_default().into();
        strings.set(entry.key.clone(), string(&text, entry.value.pos));
    }
    let metadata = metadata_mut(node);
    metadata.remove(field);
    if !strings.entries().is_empty() {
        metadata.set(Key::new(field, map.pos), strings);
    }
}

/// Merges, and puts back what a patch may not change. False if the object goes away.
fn merge_into(resource: &mut Resource, patch: &mut Resource, schema: &Schema) -> Result<bool, String> {
    let (name, namespace, kind) =
        (resource.name().to_owned(), resource.namespace().to_owned(), resource.kind().to_owned());
    if patch.allow_name_change || patch.allow_kind_change {
        resource.store_previous();
    }
    let forgets = forgets_history(&patch.node);
    if !merge(&mut resource.node, &mut patch.node, schema)? || resource.node.is_null_or_empty() {
        return Ok(false);
    }
    share::follow(resource);
    if forgets {
        resource.previous.clear();
        resource.prefixes.clear();
        resource.suffixes.clear();
        resource.needs_hash = false;
    }
    if !patch.allow_kind_change {
        resource.set_kind(&kind);
    }
    if !patch.allow_name_change {
        resource.set_name(&name);
    }
    resource.set_namespace(&namespace);
    Ok(true)
}

/// kustomize keeps an object's history in annotations; a patch that throws those away throws it away too.
fn forgets_history(patch: &Node) -> bool {
    let replaced = |node: &Node| node.get("$patch").and_then(Node::text).is_some_and(|text| text != "merge");
    let metadata = patch.get("metadata");
    let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
    metadata.is_some_and(|node| node.is_null() || replaced(node))
        || annotations.is_some_and(|node| node.is_null() || replaced(node))
}

/// A JSON patch over all selected resources.
pub(crate) fn json(
    map: &mut ResMap,
    selector: &Selector,
    operations: &[Operation],
    remember: bool,
    pos: Pos,
    report: &mut Report,
) {
    let Some(found) = selected(map, selector, pos, report) else { return };
    let weight = size_of::<Previous>() + operations.iter().map(Operation::weight).sum::<usize>();
    for index in found {
        let resource = &mut map.renaming()[index];
        if !report.meter.grow(weight, pos) {
            return;
        }
        if remember {
            resource.store_previous();
        }
        // kustomize's own annotations are there by now, so a patch may add to a map that the object does not have.
        if remember || !resource.previous.is_empty() {
            let metadata = metadata_mut(&mut resource.node);
            if metadata.get("annotations").is_none_or(Node::is_null) {
                let pos = metadata.pos;
                metadata.set(Key::new("annotations", pos), Node::map(pos));
            }
        }
        if let Err((at, error)) = json_patch::apply(&mut resource.node, operations, &mut report.meter) {
            let place =
                report.files.position(resource.pos()).map_or(String::new(), |position| format!(" ({position})"));
            let at = if at.is_somewhere() { at } else { pos };
            let message = format!("the patch does not fit {}{place}: {error}", resource.reference());
            report.error(code::PATCH_FAILED, at, message);
        }
    }
}

//! Instructions that match nothing. kustomize passes over them in silence; we say so, and go on.

use lucid_object::yaml::Pos;

use crate::model::{Image, Selector};
use crate::report::{Report, code};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::suggest::nearest;

/// A patch whose target selects no object.
pub(crate) fn patch(map: &ResMap, target: &Selector, pos: Pos, report: &mut Report) {
    let message = format!("the patch changes nothing: its target selects no object ({})", shown(target));
    report.warning_help(code::NO_TARGET, pos, message, help(map, target));
}

/// A target of a replacement that selects no object.
pub(crate) fn replacement(map: &ResMap, target: &Selector, pos: Pos, report: &mut Report) {
    let message = format!("a target of the replacement selects no object ({})", shown(target));
    report.warning_help(code::NO_TARGET, pos, message, help(map, target));
}

/// An entry of `images` whose name no image has: advice, since a list of images is often shared by several overlays.
pub(crate) fn image(image: &Image, report: &mut Report) {
    let message = format!("images: no image is named {:?}", image.name.as_str());
    let help = "the name is the image as the manifests have it, without tag; correct it, or remove the entry";
    report.advice_help(code::NO_TARGET, image.pos, message, help);
}

fn shown(target: &Selector) -> String {
    let parts = [
        ("group", &target.group),
        ("version", &target.version),
        ("kind", &target.kind),
        ("name", &target.name),
        ("namespace", &target.namespace),
        ("labels", &target.labels),
        ("annotations", &target.annotations),
    ];
    let given = parts.iter().filter(|(_, text)| !text.is_empty());
    given.map(|(what, text)| format!("{what} {text}")).collect::<Vec<_>>().join(", ")
}

fn help(map: &ResMap, target: &Selector) -> String {
    let of_kind = |resource: &&Resource| target.kind.is_empty() || resource.kind() == target.kind;
    let names = || map.list().iter().filter(of_kind).map(Resource::name);
    let kinds = map.list().iter().map(Resource::kind);
    let near = match names().next() {
        Some(_) => nearest(&target.name, names()),
        None => nearest(&target.kind, kinds),
    };
    match near.filter(|near| *near != target.name.as_str()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "correct the target, or remove the entry".into(),
    }
}

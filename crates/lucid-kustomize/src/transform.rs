//! Transformers, one a file, each over all resources of an accumulator.

use lucid_object::yaml::Pos;

use crate::report::{Report, code};
use crate::resource::Resource;

pub(crate) mod images;
pub(crate) mod json_patch;
pub(crate) mod labels;
pub(crate) mod merge;
pub(crate) mod names;
pub(crate) mod namespace;
pub(crate) mod patches;
pub(crate) mod replacements;
pub(crate) mod replicas;
pub(crate) mod select;
pub(crate) mod unmatched;

/// Reports a field that a transformer cannot write.
fn failed(report: &mut Report, resource: &Resource, pos: Pos, what: &str, error: &str) {
    let at = report.files.position(resource.pos()).map_or(String::new(), |position| format!(" ({position})"));
    report.error(code::TRANSFORM, pos, format!("{what}: {}{at}: {error}", resource.reference()));
}

//! `replacements`.

use crate::model::Replacement;
use crate::report::Report;
use crate::resmap::ResMap;

pub(crate) fn apply(_map: &mut ResMap, _replacements: &[Replacement], _report: &mut Report) {}

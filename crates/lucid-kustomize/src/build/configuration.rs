//! `configurations`, `crds` and `openapi`.

use super::{Accumulator, Build, Target};
use crate::config::Config;
use crate::report::code;

impl Build<'_> {
    pub(super) fn configurations(&mut self, into: &mut Accumulator, target: &Target) {
        let k = &target.kustomization;
        if let Err(conflict) = into.config.merge(&Config::default()) {
            self.report.error(code::WRONG_VALUE, k.pos, conflict.to_string());
        }
        for (name, list) in [("configurations", &k.configurations), ("crds", &k.crds)] {
            if let Some(first) = list.first() {
                self.not_yet(name, first.pos);
            }
        }
    }

    pub(crate) fn openapi(&mut self, target: &Target) {
        if let Some((_, at)) = target.kustomization.openapi.first() {
            self.not_yet("openapi", at.pos);
        }
    }

    pub(super) fn not_yet(&mut self, field: &str, pos: lucid_object::yaml::Pos) {
        self.report.error(code::NOT_SUPPORTED, pos, format!("the field {field} is not supported yet"));
    }
}

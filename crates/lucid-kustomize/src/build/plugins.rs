//! `generators`, `transformers` and `validators`.

use super::{Accumulator, Build, Folder, Target};
use crate::model::{Replacement, Var};
use crate::origin::Origin;

impl Build<'_> {
    pub(super) fn external_generators(&mut self, _into: &mut Accumulator, target: &Target, _origin: &Origin) {
        if let Some(first) = target.kustomization.generators.first() {
            self.not_yet("generators", first.pos);
        }
    }

    pub(super) fn external_transformers(&mut self, _into: &mut Accumulator, target: &Target, _origin: &Origin) {
        if let Some(first) = target.kustomization.transformers.first() {
            self.not_yet("transformers", first.pos);
        }
    }

    pub(super) fn validate(&mut self, _into: &mut Accumulator, target: &Target, _origin: &Origin) {
        if let Some(first) = target.kustomization.validators.first() {
            self.not_yet("validators", first.pos);
        }
    }

    pub(super) fn merge_vars(&mut self, _into: &mut Accumulator, vars: &[Var]) {
        if let Some(first) = vars.first() {
            self.not_yet("vars", first.pos);
        }
    }

    pub(super) fn add_var(&mut self, into: &mut Accumulator, var: Var) {
        into.vars.push(var);
    }

    pub(crate) fn resolve_vars(&mut self, _into: &mut Accumulator) {}

    pub(super) fn load_replacements(&mut self, replacements: &[Replacement], _folder: &Folder) -> Vec<Replacement> {
        if let Some(first) = replacements.first() {
            self.not_yet("replacements", first.pos);
        }
        Vec::new()
    }
}

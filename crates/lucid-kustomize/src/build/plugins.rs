//! `generators`, `transformers` and `validators`.

use std::cell::RefCell;

use lucid_object::yaml::Node;

use super::{Accumulator, Build, Folder, Target};
use crate::model::{Replacement, Var, replacements_file};
use crate::origin::Origin;
use crate::report::code;

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

    /// Replacements, those of files included.
    pub(super) fn load_replacements(&mut self, replacements: &[Replacement], folder: &Folder) -> Vec<Replacement> {
        let mut loaded = Vec::with_capacity(replacements.len());
        for replacement in replacements {
            if replacement.path.value.is_empty() {
                loaded.push(replacement.clone());
                continue;
            }
            if replacement.source.is_some() || replacement.targets.as_ref().is_some_and(|targets| !targets.is_empty()) {
                let message = "a replacement has a path or its own source and targets, not both";
                self.report.error(code::REPLACEMENT, replacement.pos, message);
                continue;
            }
            let Some(text) = self.text(folder, &replacement.path) else { continue };
            let Some(node) = self.yaml_1_1(&text) else { continue };
            let node = node.unwrap_or_else(|| Node::null(replacement.path.pos));
            loaded.extend(replacements_file(&RefCell::new(&mut self.report), &node));
        }
        loaded
    }
}

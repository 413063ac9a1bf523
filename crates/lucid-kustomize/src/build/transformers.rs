//! Running the transformers of a kustomization, in kustomize's order.

use lucid_object::yaml::Pos;

use super::{Accumulator, Build, Target};
use crate::origin::Origin;
use crate::report::code;
use crate::transform::names::End;
use crate::transform::{images, labels, names, namespace, replacements, replicas};

/// Bytes that a note in the history of a resource takes, about.
const NOTE: usize = 256;

impl Build<'_> {
    /// Patches first, then namespace, names, labels, annotations, JSON patches, replicas, images and replacements.
    pub(super) fn transform(&mut self, into: &mut Accumulator, target: &Target, origin: &Origin) {
        let k = &target.kustomization;
        self.strategic_merge_patches(into, target);
        self.mark(into, !k.patches_strategic_merge.is_empty(), target, origin, "PatchStrategicMergeTransformer");
        for patch in &k.patches {
            if self.is_spent(patch.pos) {
                return;
            }
            self.patch(into, patch, &target.folder);
            self.mark(into, true, target, origin, "PatchTransformer");
        }
        self.namespace_and_names(into, target, origin);
        self.labels(into, target, origin);
        if !k.common_annotations.is_empty() {
            let specs = &into.config.common_annotations;
            labels::apply(&mut into.map, "commonAnnotations", &k.common_annotations, specs, &mut self.report);
            self.mark(into, true, target, origin, "AnnotationsTransformer");
        }
        for patch in &k.patches_json6902 {
            if self.is_spent(patch.pos) {
                return;
            }
            self.json6902(into, patch, &target.folder);
            self.mark(into, true, target, origin, "PatchJson6902Transformer");
        }
        for replica in &k.replicas {
            replicas::apply(&mut into.map, replica, &into.config.replicas, &mut self.report);
            self.mark(into, true, target, origin, "ReplicaCountTransformer");
        }
        images::apply(&mut into.map, &k.images, &into.config.images, &mut self.report);
        for _ in &k.images {
            self.mark(into, true, target, origin, "ImageTagTransformer");
        }
        if !k.replacements.is_empty() {
            let loaded = self.load_replacements(&k.replacements, &target.folder);
            for replacement in &loaded {
                if self.is_spent(replacement.pos) {
                    return;
                }
                replacements::apply(&mut into.map, replacement, &mut self.report);
            }
            self.mark(into, true, target, origin, "ReplacementTransformer");
        }
        self.external_transformers(into, target, origin);
    }

    fn namespace_and_names(&mut self, into: &mut Accumulator, target: &Target, origin: &Origin) {
        let k = &target.kustomization;
        if !k.namespace.value.is_empty() {
            let (namespace, pos) = (k.namespace.value.as_str(), k.namespace.pos);
            let settings = namespace::Settings { namespace, pos, ..Default::default() };
            namespace::apply(&mut into.map, settings, &into.config.namespace, &mut self.report);
            self.mark(into, true, target, origin, "NamespaceTransformer");
        }
        if !k.name_prefix.value.is_empty() {
            let specs = &into.config.name_prefix;
            names::apply(&mut into.map, End::Prefix, &k.name_prefix, specs, &mut self.report);
            self.mark(into, true, target, origin, "PrefixTransformer");
        }
        if !k.name_suffix.value.is_empty() {
            let specs = &into.config.name_suffix;
            names::apply(&mut into.map, End::Suffix, &k.name_suffix, specs, &mut self.report);
            self.mark(into, true, target, origin, "SuffixTransformer");
        }
    }

    fn labels(&mut self, into: &mut Accumulator, target: &Target, origin: &Origin) {
        let k = &target.kustomization;
        if k.labels.is_empty() && k.common_labels.is_empty() {
            return;
        }
        for label in &k.labels {
            match labels::specs(label, &into.config) {
                Ok(specs) => labels::apply(&mut into.map, "labels", &label.pairs, &specs, &mut self.report),
                Err(conflict) => self.report.error(code::WRONG_VALUE, label.pos, format!("labels: {conflict}")),
            }
            self.mark(into, true, target, origin, "LabelTransformer");
        }
        labels::apply(&mut into.map, "commonLabels", &k.common_labels, &into.config.common_labels, &mut self.report);
        self.mark(into, true, target, origin, "LabelTransformer");
    }

    /// Notes a transformer in the history of every resource, if the build asks for that.
    pub(super) fn mark(&mut self, into: &mut Accumulator, ran: bool, target: &Target, origin: &Origin, kind: &str) {
        if ran && self.origins {
            let by = origin.builtin(target.file_name, kind);
            if !self.report.meter.grow(into.map.list().len() * NOTE, Pos::NOWHERE) {
                return;
            }
            into.map.list_mut().iter_mut().for_each(|resource| resource.note(&by));
        }
    }
}

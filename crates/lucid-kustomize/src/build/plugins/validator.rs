//! `validators`: transformers that may change nothing but a label of their own.

use lucid_object::yaml::{Entry, Kind, Node, Pos};

use super::{Accumulator, Build, Target};
use crate::build::FILE_NAMES;
use crate::origin::Origin;
use crate::report::code;
use crate::resource::Resource;

/// What a validator may add.
const OWN: &str = "validated-by";

impl Build<'_> {
    /// Objects of the field `validators`, each run as a transformer.
    pub(in crate::build) fn validate(&mut self, into: &mut Accumulator, target: &Target, origin: &Origin) {
        for plugin in self.plugins(&target.kustomization.validators, target, origin) {
            let before = into.map.list().to_vec();
            self.run_transformer(into, &plugin, &target.folder);
            if self.is_changed(&before, into.map.list()) {
                let message = format!("the validator {} changes objects", plugin.name());
                let help = "list it under `transformers`";
                self.report.error_help(code::TRANSFORM, plugin.pos(), message, help);
            }
        }
    }

    /// kustomize compares nodes: a value from a file that is written once more counts, one that a kustomization has
    /// written before does not.
    fn is_changed(&self, before: &[Resource], after: &[Resource]) -> bool {
        let is_written = |pos: Pos| match self.report.files.position(pos) {
            Some(position) => position.file.rsplit('/').next().is_some_and(|name| FILE_NAMES.contains(&name)),
            None => true,
        };
        let same = |(old, new): (&Resource, &Resource)| match without_own(&new.node, &is_written) {
            Some(cleared) => is_same(&old.node, &cleared, &is_written),
            None => is_same(&old.node, &new.node, &is_written),
        };
        before.len() != after.len() || !before.iter().zip(after).all(same)
    }
}

/// The object without the label of the validator, for which kustomize writes all other labels anew.
fn without_own(node: &Node, is_written: &dyn Fn(Pos) -> bool) -> Option<Node> {
    let labels = node.get("metadata")?.get("labels")?;
    labels.get(OWN)?;
    let mut node = node.clone();
    let metadata = node.get_mut("metadata")?;
    let labels = metadata.get_mut("labels")?;
    labels.remove(OWN);
    if labels.entries().is_empty() {
        metadata.remove("labels");
    } else if let Kind::Map(entries) = &mut labels.kind {
        entries.iter_mut().filter(|entry| !is_written(entry.value.pos)).for_each(|e| e.value.pos = Pos::NOWHERE);
    }
    Some(node)
}

fn is_same(old: &Node, new: &Node, is_written: &dyn Fn(Pos) -> bool) -> bool {
    match (&old.kind, &new.kind) {
        (Kind::Map(old), Kind::Map(new)) => {
            let same = |(a, b): (&Entry, &Entry)| a.key.text == b.key.text && is_same(&a.value, &b.value, is_written);
            old.len() == new.len() && old.iter().zip(new).all(same)
        }
        (Kind::Seq(old), Kind::Seq(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_same(old, new, is_written))
        }
        (Kind::Scalar(a), Kind::Scalar(b)) => {
            let equal = a.text == b.text && a.tag == b.tag && a.style == b.style;
            equal && (old.pos == new.pos || is_written(old.pos))
        }
        _ => false,
    }
}

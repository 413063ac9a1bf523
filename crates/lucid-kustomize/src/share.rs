//! Labels and annotations that one transformer adds to several places of an object stay one value in kustomize: what
//! later changes one of the places changes all of them.
//!
//! A scalar carries the number of its group; the resource remembers what each group holds, so that a change shows.

use lucid_object::yaml::{Kind, Node, Pos, Scalar};

use crate::resource::Resource;

/// Puts a field into a group. Groups count from 1.
pub(crate) fn mark(map: &mut Node, field: &str, group: usize) {
    if let Some(Node { kind: Kind::Scalar(scalar), .. }) = map.get_mut(field) {
        scalar.share = u32::try_from(group).unwrap_or(0);
    }
}

/// Carries changes of one place of a group to the others.
pub(crate) fn follow(resource: &mut Resource) {
    if resource.shares.is_empty() {
        return;
    }
    let mut changes = Vec::new();
    find(&resource.node, &resource.shares, &mut changes);
    if changes.is_empty() {
        return;
    }
    for (scalar, _) in &changes {
        resource.shares[scalar.share as usize - 1] = scalar.clone();
    }
    write(&mut resource.node, &changes);
}

fn find(node: &Node, shares: &[Scalar], changes: &mut Vec<(Scalar, Pos)>) {
    match &node.kind {
        Kind::Seq(items) => items.iter().for_each(|item| find(item, shares, changes)),
        // A merge writes fields in the order of their names, and the last one counts.
        Kind::Map(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by(|a, b| a.key.text.cmp(&b.key.text));
            entries.into_iter().for_each(|entry| find(&entry.value, shares, changes));
        }
        Kind::Scalar(scalar) => {
            let held = (scalar.share as usize).checked_sub(1).and_then(|index| shares.get(index));
            if held.is_some_and(|held| held.text != scalar.text || held.tag != scalar.tag) {
                changes.push((scalar.clone(), node.pos));
            }
        }
    }
}

fn write(node: &mut Node, changes: &[(Scalar, Pos)]) {
    match &mut node.kind {
        Kind::Seq(items) => items.iter_mut().for_each(|item| write(item, changes)),
        Kind::Map(entries) => entries.iter_mut().for_each(|entry| write(&mut entry.value, changes)),
        Kind::Scalar(scalar) => {
            if scalar.share == 0 {
                return;
            }
            if let Some((change, pos)) = changes.iter().rev().find(|(change, _)| change.share == scalar.share) {
                *scalar = change.clone();
                node.pos = *pos;
            }
        }
    }
}

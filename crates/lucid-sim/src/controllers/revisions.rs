//! ControllerRevisions: the history of StatefulSets and DaemonSets.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::world::delete::DeleteOptions;
use crate::world::{By, World};

use super::{owners, template};

const MANAGER: &str = "kube-controller-manager";
/// On pods, and on the revisions of DaemonSets.
pub(crate) const LABEL: &str = "controller-revision-hash";
/// On the revisions of StatefulSets.
const HASH: &str = "controller.kubernetes.io/hash";

type Revision = Arc<Value>;

/// The revisions that an object controls, oldest first.
pub(crate) fn of(world: &World, owner: &Value) -> Vec<Revision> {
    let mut revisions = world.store.owned_in(Table::CONTROLLER_REVISIONS, owner.uid());
    revisions.sort_by_key(|revision| (revision.int("revision"), revision.name().to_owned()));
    revisions
}

/// What a revision remembers: the template, to be put in place of another one.
fn data(owner: &Value) -> Value {
    let mut template = owner.at("spec/template").clone();
    template.put("$patch", "replace");
    json!({"spec": {"template": template}})
}

/// The template that a revision remembers.
pub(crate) fn template(revision: &Value) -> Value {
    let mut template = revision.at("data/spec/template").clone();
    template.cut("$patch");
    template
}

/// The revision of the present template: the newest, an old one raised again, or a new one.
pub(crate) fn update(world: &mut World, owner: &Value, revisions: &[Revision]) -> Option<Revision> {
    let data = data(owner);
    let next = revisions.last().map_or(0, |last| last.int("revision")) + 1;
    let equal = revisions.iter().rfind(|revision| *revision.at("data") == data);
    match equal {
        Some(equal) if equal.name() == revisions.last().map_or("", |last| last.name()) => Some(equal.clone()),
        Some(equal) => {
            world.edit(Table::CONTROLLER_REVISIONS, equal.namespace(), equal.name(), By::system(MANAGER), |revision| {
                revision.put("revision", next);
            });
            world.get(Table::CONTROLLER_REVISIONS, equal.namespace(), equal.name())
        }
        None => create(world, owner, data, next),
    }
}

fn create(world: &mut World, owner: &Value, data: Value, next: i64) -> Option<Revision> {
    let collisions = owner.int("status/collisionCount");
    for attempt in 0..8 {
        let hash = template::hash(&data, collisions + attempt);
        let name = format!("{}-{hash}", owner.name());
        let mut labels = owner.strings("spec/template/metadata/labels");
        let label = if owner.str("kind") == "DaemonSet" { LABEL } else { HASH };
        labels.insert(label.to_owned(), hash);
        let mut revision = json!({"metadata": {"name": name, "labels": labels}, "data": data, "revision": next});
        revision.put("metadata/ownerReferences", json!([owners::reference(owner)]));
        if owner.has("metadata/annotations") {
            revision.put("metadata/annotations", owner.at("metadata/annotations").clone());
        }
        match world.make(Table::CONTROLLER_REVISIONS, owner.namespace(), revision, MANAGER) {
            Ok(revision) => return Some(revision),
            Err(error) if error.reason == "AlreadyExists" => {
                let live = world.live(|world| world.get(Table::CONTROLLER_REVISIONS, owner.namespace(), &name));
                if let Some(live) = live.filter(|live| *live.at("data") == data) {
                    return Some(live);
                }
            }
            Err(_) => return None,
        }
    }
    None
}

/// Deletes revisions that nothing uses any more, beyond the limit.
pub(crate) fn clean(world: &mut World, owner: &Value, live: &[&str]) {
    let limit = usize::try_from(owner.int("spec/revisionHistoryLimit")).unwrap_or(0);
    let dead: Vec<Revision> =
        of(world, owner).into_iter().filter(|revision| !live.contains(&revision.name())).collect();
    let kind = world.kinds.stored(Table::CONTROLLER_REVISIONS).clone();
    for revision in dead.iter().take(dead.len().saturating_sub(limit)) {
        // One that is gone already needs no deletion.
        let _ = world.delete(&kind, revision.namespace(), revision.name(), &DeleteOptions::default());
    }
}

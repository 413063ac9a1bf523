//! The ReplicaSets of a Deployment: which is the new one, making it, sizing and clearing.

use serde_json::{Value, json};

use crate::controllers::{owners, template};
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::time;
use crate::world::delete::DeleteOptions;
use crate::world::{By, World};

use super::{COMPONENT, DESIRED, HASH, MANAGER, MAXIMUM, REVISION, Set, again, arithmetic, progress, replicas};

const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
];

/// The set of the present template, and all others; oldest first.
pub(crate) fn split(deployment: &Value, all: &[Set]) -> (Option<Set>, Vec<Set>) {
    let mut all = all.to_vec();
    all.sort_by_key(|set| age_rank(set));
    let template = without_hash(deployment.at("spec/template"));
    let new = all.iter().find(|set| without_hash(set.at("spec/template")) == template).cloned();
    all.retain(|set| new.as_ref().is_none_or(|new| new.uid() != set.uid()));
    (new, all)
}

pub(crate) fn age_rank(set: &Value) -> (i64, String) {
    (time::parse_seconds(set.str("metadata/creationTimestamp")).unwrap_or(0), set.name().to_owned())
}

fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    template.cut(&format!("metadata/labels/{HASH}"));
    if template.map("metadata").is_some_and(serde_json::Map::is_empty) {
        template.cut("metadata");
    }
    template
}

pub(crate) fn revision(object: &Value) -> i64 {
    object.annotation(REVISION).parse().unwrap_or(0)
}

/// The new set with its revision in order; made when it is missing and may be. The second value: all sets.
pub(crate) fn current(
    world: &mut World,
    deployment: &Value,
    all: &[Set],
    make: bool,
) -> Option<(Option<Set>, Vec<Set>)> {
    let (new, old) = split(deployment, all);
    let next = old.iter().map(|set| revision(set)).max().unwrap_or(0) + 1;
    let new = match new {
        Some(set) => Some(known(world, deployment, &set, next)?),
        None if make => Some(create(world, deployment, &old, next)?),
        None => None,
    };
    Some((new, old))
}

/// An existing set becomes (or stays) the newest revision.
fn known(world: &mut World, deployment: &Value, set: &Set, next: i64) -> Option<Set> {
    world.edit(Table::REPLICA_SETS, set.namespace(), set.name(), By::system(MANAGER), |set| {
        copy_annotations(deployment, set);
        let old = revision(set);
        if old < next {
            if old > 0 {
                let history = set.annotation(HISTORY).to_owned();
                let history = if history.is_empty() { old.to_string() } else { format!("{history},{old}") };
                set.annotate(HISTORY, &history);
            }
            set.annotate(REVISION, &next.to_string());
        }
        if set.int("spec/minReadySeconds") != deployment.int("spec/minReadySeconds") {
            set.put("spec/minReadySeconds", deployment.int("spec/minReadySeconds"));
        }
    });
    let set = again(world, Table::REPLICA_SETS, set)?;
    progress::found(world, deployment, &set);
    Some(set)
}

fn copy_annotations(deployment: &Value, set: &mut Value) {
    for (key, value) in deployment.strings("metadata/annotations") {
        if !NOT_COPIED.contains(&key.as_str()) {
            set.annotate(&key, &value);
        }
    }
}

fn create(world: &mut World, deployment: &Value, old: &[Set], next: i64) -> Option<Set> {
    let hash = template::hash(&without_hash(deployment.at("spec/template")), deployment.int("status/collisionCount"));
    let name = format!("{}-{hash}", deployment.name());
    let size = arithmetic::new_size(deployment, old.iter().map(|set| replicas(set)).sum(), 0);
    let set = new_set(deployment, &name, &hash, size, next);
    match world.make(Table::REPLICA_SETS, deployment.namespace(), set, MANAGER) {
        Ok(set) => {
            if size > 0 {
                let message = format!("Scaled up replica set {name} from 0 to {size}");
                world.normal(COMPONENT, deployment, "ScalingReplicaSet", &message);
            }
            progress::created(world, deployment, &set);
            Some(set)
        }
        Err(error) if error.reason == "AlreadyExists" => {
            world.try_again();
            let known = world.get(Table::REPLICA_SETS, deployment.namespace(), &name)?;
            let is_ours = known.controller().is_some_and(|owner| owner.str("uid") == deployment.uid());
            if is_ours && without_hash(known.at("spec/template")) == without_hash(deployment.at("spec/template")) {
                return Some(known);
            }
            // The name belongs to another template: the next look takes another hash.
            world.edit(
                Table::DEPLOYMENTS,
                deployment.namespace(),
                deployment.name(),
                By::status(MANAGER),
                |deployment| {
                    let collisions = deployment.int("status/collisionCount") + 1;
                    deployment.put("status/collisionCount", collisions);
                },
            );
            None
        }
        Err(error) => {
            progress::not_created(world, deployment, &name, &error.message);
            None
        }
    }
}

fn new_set(deployment: &Value, name: &str, hash: &str, size: i64, next: i64) -> Value {
    let mut set = json!({"metadata": {"name": name, "labels": deployment.strings("spec/template/metadata/labels"),
            "ownerReferences": [owners::reference(deployment)]},
        "spec": {"replicas": size, "selector": deployment.at("spec/selector"), "template": deployment.at("spec/template")}});
    for labels in ["metadata/labels", "spec/selector/matchLabels", "spec/template/metadata/labels"] {
        set.put(&format!("{labels}/{HASH}"), hash);
    }
    if deployment.int("spec/minReadySeconds") > 0 {
        set.put("spec/minReadySeconds", deployment.int("spec/minReadySeconds"));
    }
    copy_annotations(deployment, &mut set);
    set.annotate(REVISION, &next.to_string());
    annotate_size(deployment, &mut set);
    set
}

fn annotate_size(deployment: &Value, set: &mut Value) {
    let wanted = replicas(deployment);
    set.annotate(DESIRED, &wanted.to_string());
    set.annotate(MAXIMUM, &(wanted + arithmetic::max_surge(deployment)).to_string());
}

/// Sizes a set; `true` when its size changed.
pub(crate) fn scale(world: &mut World, deployment: &Value, set: &Value, size: i64) -> bool {
    let before = replicas(set);
    world.edit(Table::REPLICA_SETS, set.namespace(), set.name(), By::system(MANAGER), |set| {
        set.put("spec/replicas", size);
        annotate_size(deployment, set);
    });
    if before != size {
        let way = if before < size { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {} from {before} to {size}", set.name());
        world.normal(COMPONENT, deployment, "ScalingReplicaSet", &message);
    }
    before != size
}

/// Deletes old, empty sets beyond the limit of the history.
pub(crate) fn clean(world: &mut World, deployment: &Value, old: &[Set]) {
    let limit = usize::try_from(deployment.int("spec/revisionHistoryLimit")).unwrap_or(0);
    let mut old: Vec<&Set> = old.iter().filter(|set| !set.is_deleting()).collect();
    let surplus = old.len().saturating_sub(limit);
    old.sort_by_key(|set| revision(set));
    let empty = |set: &&&Set| {
        replicas(set) == 0
            && set.int("status/replicas") == 0
            && set.generation() <= set.int("status/observedGeneration")
    };
    let kind = world.kinds.stored(Table::REPLICA_SETS).clone();
    for set in old.iter().take(surplus).filter(empty) {
        // One that is gone already needs no deletion.
        let _ = world.delete(&kind, set.namespace(), set.name(), &DeleteOptions::default());
    }
}

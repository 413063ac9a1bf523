//! PersistentVolumeClaims of the pods: made from templates, kept or deleted as the policy says.

use serde_json::{Value, json};

use crate::controllers::owners;
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::world::{By, World};

use super::{COMPONENT, MANAGER, Set};

pub(crate) fn name(set: &Set, template: &Value, ordinal: i64) -> String {
    format!("{}-{}-{ordinal}", template.name(), set.object.name())
}

/// Makes the claims that a pod lacks; the error is why one could not be made. `Ok(false)`: one is on its way out.
pub(crate) fn make(world: &mut World, set: &Set, ordinal: i64) -> Result<bool, String> {
    let namespace = set.object.namespace().to_owned();
    for template in set.object.list("spec/volumeClaimTemplates") {
        let claim_name = name(set, template, ordinal);
        if let Some(claim) = world.get(Table::CLAIMS, &namespace, &claim_name) {
            if claim.is_deleting() {
                return Ok(false);
            }
            continue;
        }
        let mut labels = template.labels();
        labels.extend(set.object.strings("spec/selector/matchLabels"));
        let mut claim = json!({"metadata": {"name": claim_name, "labels": labels}, "spec": template.at("spec")});
        if template.has("metadata/annotations") {
            claim.put("metadata/annotations", template.at("metadata/annotations").clone());
        }
        if policy(set, "whenDeleted") == "Delete" {
            claim.put("metadata/ownerReferences", json!([owner(&set.object)]));
        }
        let about = format!(
            "Create Claim {claim_name} Pod {}-{ordinal} in StatefulSet {1}",
            set.object.name(),
            set.object.name()
        );
        match world.make(Table::CLAIMS, &namespace, claim, MANAGER) {
            Ok(_) => world.normal(COMPONENT, &set.object, "SuccessfulCreate", &format!("{about} success")),
            Err(error) if error.reason == "AlreadyExists" => {
                world.try_again();
                return Ok(false);
            }
            Err(error) => {
                world.warning(
                    COMPONENT,
                    &set.object,
                    "FailedCreate",
                    &format!("{about} failed error: {}", error.message),
                );
                return Err(error.message);
            }
        }
    }
    Ok(true)
}

fn policy<'s>(set: &'s Set, when: &str) -> &'s str {
    set.object.str(&format!("spec/persistentVolumeClaimRetentionPolicy/{when}"))
}

fn owner(object: &Value) -> Value {
    let mut reference = owners::reference(object);
    reference.cut("controller");
    reference.cut("blockOwnerDeletion");
    if object.str("kind") == "StatefulSet" {
        reference.put("controller", true);
        reference.put("blockOwnerDeletion", true);
    }
    reference
}

/// Claims belong to the set, or to the pod that is about to be scaled away, when they shall go with it.
pub(crate) fn keep_policy(world: &mut World, set: &Set) {
    let range = set.range();
    for (ordinal, pod) in &set.pods {
        let owner = match range.contains(ordinal) {
            false if policy(set, "whenScaled") == "Delete" => Some(owner(pod)),
            _ if policy(set, "whenDeleted") == "Delete" => Some(owner(&set.object)),
            _ => None,
        };
        for template in set.object.list("spec/volumeClaimTemplates") {
            let name = name(set, template, *ordinal);
            own(world, set.object.namespace(), &name, owner.as_ref(), [set.object.uid(), pod.uid()]);
        }
    }
}

fn own(world: &mut World, namespace: &str, name: &str, owner: Option<&Value>, ours: [&str; 2]) {
    let Some(claim) = world.get(Table::CLAIMS, namespace, name) else { return };
    let mut wanted: Vec<Value> = claim.list("metadata/ownerReferences").to_vec();
    wanted.retain(|one| !ours.contains(&one.str("uid")));
    wanted.extend(owner.cloned());
    if wanted != claim.list("metadata/ownerReferences") {
        world.edit(Table::CLAIMS, namespace, name, By::system(MANAGER), |claim| {
            claim.put("metadata/ownerReferences", wanted)
        });
    }
}

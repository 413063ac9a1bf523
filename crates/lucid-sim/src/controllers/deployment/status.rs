//! The numbers of a Deployment's status, and its condition `Available`.

use serde_json::{Value, json};

use crate::controllers::conditions;
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::world::{By, World};

use super::{MANAGER, Set, arithmetic, replicas};

/// The Deployment with the status that its sets add up to; conditions other than `Available` stay.
pub(crate) fn computed(deployment: &Value, all: &[Set], new: Option<&Set>, now: &str) -> Value {
    let sum = |field: &str| all.iter().map(|set| set.int(&format!("status/{field}"))).sum::<i64>();
    let available = sum("availableReplicas");
    // What the sets want counts here, not what they have: pods that are not made yet are missing too.
    let wanted: i64 = all.iter().map(|set| replicas(set)).sum();
    let mut status = json!({"observedGeneration": deployment.generation()});
    let updated = new.map_or(0, |new| new.int("status/replicas"));
    let rows = [
        ("replicas", sum("replicas")),
        ("updatedReplicas", updated),
        ("readyReplicas", sum("readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (wanted - available).max(0)),
    ];
    for (field, count) in rows.into_iter().filter(|(_, count)| *count > 0) {
        status.put(field, count);
    }
    if all.iter().all(|set| set.has("status/terminatingReplicas")) {
        status.put("terminatingReplicas", sum("terminatingReplicas"));
    }
    for field in ["collisionCount", "conditions"] {
        if deployment.has(&format!("status/{field}")) {
            status.put(field, deployment.at(&format!("status/{field}")).clone());
        }
    }
    let mut computed = deployment.clone();
    computed.put("status", status);
    let least = replicas(deployment) - arithmetic::max_unavailable(deployment);
    if available >= least {
        let message = "Deployment has minimum availability.";
        set(&mut computed, ("Available", "True", "MinimumReplicasAvailable", message), now);
    } else {
        let message = "Deployment does not have minimum availability.";
        set(&mut computed, ("Available", "False", "MinimumReplicasUnavailable", message), now);
    }
    computed
}

/// Type, status, reason, message.
pub(crate) type Row<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Sets a condition unless it has the status and the reason already; it goes to the end of the list.
pub(crate) fn set(deployment: &mut Value, (kind, status, reason, message): Row<'_>, now: &str) {
    let old = conditions::find(deployment, kind).cloned().unwrap_or_default();
    if old.str("status") == status && old.str("reason") == reason {
        return;
    }
    force(deployment, (kind, status, reason, message), now);
}

/// Sets a condition although it may say the same: the time of its update is the point.
pub(crate) fn force(deployment: &mut Value, (kind, status, reason, message): Row<'_>, now: &str) {
    let old = conditions::find(deployment, kind).cloned().unwrap_or_default();
    let since = if old.str("status") == status { old.str("lastTransitionTime") } else { now };
    conditions::remove(deployment, kind);
    conditions::push(
        deployment,
        json!({"type": kind, "status": status, "reason": reason, "message": message,
            "lastUpdateTime": now, "lastTransitionTime": since}),
    );
}

/// Whether the status says that the Deployment is as wanted.
pub(crate) fn is_complete(deployment: &Value, with: &Value) -> bool {
    let wanted = replicas(deployment);
    let is = |field: &str| with.int(&format!("status/{field}")) == wanted;
    is("updatedReplicas")
        && is("replicas")
        && is("availableReplicas")
        && with.int("status/observedGeneration") >= deployment.generation()
}

pub(crate) fn write(world: &mut World, computed: &Value) {
    let status = computed.at("status").clone();
    world.edit(Table::DEPLOYMENTS, computed.namespace(), computed.name(), By::status(MANAGER), |deployment| {
        deployment.put("status", status);
    });
}

/// The numbers without any word about progress, as for a change of size.
pub(crate) fn sync(world: &mut World, deployment: &Value, all: &[Set], new: Option<&Set>) {
    let computed = computed(deployment, all, new, &world.stamp());
    write(world, &computed);
}

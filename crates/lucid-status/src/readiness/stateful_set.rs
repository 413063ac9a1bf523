//! StatefulSet: every pod ready, and those at or above the partition of the new revision.

use serde_json::Value;

use super::counted;
use crate::cluster::Scene;
use crate::read::{count, int, text};
use crate::revision::{is_ready, owned, partition};
use crate::verdict::Verdict;

pub(super) fn rule(set: &Value, scene: &Scene<'_>) -> Verdict {
    let wanted = int(set, "/spec/replicas").unwrap_or(1);
    let to_update = (wanted - partition(set)).max(0);
    let is_on_delete = text(set, "/spec/updateStrategy/type") == "OnDelete";
    if let Some(verdict) = not_all_there(set, wanted) {
        return verdict;
    }
    if is_on_delete {
        return Verdict::current(on_delete_message(set, wanted));
    }
    let updated = updated_replicas(set);
    if updated < to_update {
        let ready_new = owned(set, scene).new.iter().filter(|pod| is_ready(pod)).count();
        return Verdict::in_progress(format!("{ready_new} of {} ready", counted(to_update, "new pod")));
    }
    // With a partition the revisions stay different on purpose.
    let revisions = [text(set, "/status/currentRevision"), text(set, "/status/updateRevision")];
    if partition(set) == 0 && revisions[0] != revisions[1] {
        return Verdict::in_progress("the new revision is not yet the current one");
    }
    Verdict::current(match to_update == wanted {
        true => format!("{} ready", counted(wanted, "pod")),
        false => {
            format!("{} ready, {to_update} of them of the new revision as the partition asks", counted(wanted, "pod"))
        }
    })
}

fn not_all_there(set: &Value, wanted: i64) -> Option<Verdict> {
    let (total, ready) = (count(set, "/status/replicas"), count(set, "/status/readyReplicas"));
    if total > wanted {
        return Some(Verdict::in_progress(format!("{} still to go", counted(total - wanted, "pod"))));
    }
    if ready < wanted {
        return Some(Verdict::in_progress(format!("{ready} of {} ready", counted(wanted, "pod"))));
    }
    let available = int(set, "/status/availableReplicas").unwrap_or(ready);
    (available < wanted).then(|| Verdict::in_progress(format!("{available} of {} available", counted(wanted, "pod"))))
}

/// While a rollout is complete `updatedReplicas` may be left out: then the revisions are equal.
fn updated_replicas(set: &Value) -> i64 {
    let same = text(set, "/status/currentRevision") == text(set, "/status/updateRevision");
    match int(set, "/status/updatedReplicas") {
        Some(updated) => updated,
        None if same => count(set, "/status/replicas"),
        None => 0,
    }
}

fn on_delete_message(set: &Value, wanted: i64) -> String {
    let old = wanted - updated_replicas(set).min(wanted);
    match old {
        0 => format!("{} ready", counted(wanted, "pod")),
        _ => format!("{} ready, {old} of the old revision until they are deleted", counted(wanted, "pod")),
    }
}

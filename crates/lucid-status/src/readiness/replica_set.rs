//! ReplicaSet and ReplicationController: as many available pods as asked for.

use serde_json::Value;

use super::counted;
use crate::read::{count, int};
use crate::verdict::Verdict;

pub(super) fn rule(set: &Value) -> Verdict {
    let wanted = int(set, "/spec/replicas").unwrap_or(1);
    let (total, available) = (count(set, "/status/replicas"), count(set, "/status/availableReplicas"));
    if total > wanted {
        return Verdict::in_progress(format!("{} too many", counted(total - wanted, "pod")));
    }
    if available < wanted {
        return Verdict::in_progress(format!("{available} of {} available", counted(wanted, "pod")));
    }
    Verdict::current(format!("{} available", counted(wanted, "pod")))
}

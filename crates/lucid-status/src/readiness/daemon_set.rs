//! DaemonSet: a new pod available on every node that can run one now.

use serde_json::Value;

use super::counted;
use crate::cluster::Scene;
use crate::diagnose::node::is_down;
use crate::read::{count, int, text};
use crate::revision::{Owned, is_ready, owned};
use crate::verdict::Verdict;

pub(super) fn rule(set: &Value, scene: &Scene<'_>) -> Verdict {
    let Some(desired) = int(set, "/status/desiredNumberScheduled") else {
        return Verdict::in_progress("the controller has not counted its nodes");
    };
    let available = count(set, "/status/numberAvailable").min(count(set, "/status/numberReady"));
    let updated = count(set, "/status/updatedNumberScheduled");
    let is_on_delete = text(set, "/spec/updateStrategy/type") == "OnDelete";
    let owned = owned(set, scene);
    // Dead nodes keep neither old pods nor the rest from being judged.
    let dead = on_dead_nodes(&owned, scene);
    let needed = (desired - dead).max(0);
    if is_on_delete {
        let old = desired - updated.min(desired);
        return match available >= needed {
            true if old > 0 => Verdict::current(format!(
                "{} available, {old} of the old revision until they are deleted",
                counted(desired, "pod")
            )),
            true => Verdict::current(format!("{} available", counted(desired, "pod"))),
            false => Verdict::in_progress(format!("{available} of {} available", counted(desired, "pod"))),
        };
    }
    if updated < needed {
        return Verdict::in_progress(format!("{updated} of {} updated", counted(desired, "pod")));
    }
    if available < needed {
        let ready = owned.new.iter().filter(|pod| is_ready(pod)).count();
        return Verdict::in_progress(format!("{ready} of {} ready", counted(desired, "new pod")));
    }
    Verdict::current(match dead {
        0 => format!("{} available", counted(desired, "pod")),
        _ => format!("{} available, {} on nodes that are not ready left out", counted(available, "pod"), dead),
    })
}

fn on_dead_nodes(owned: &Owned<'_>, scene: &Scene<'_>) -> i64 {
    let pods = owned.new.iter().chain(&owned.old);
    let dead = pods.filter(|pod| !is_ready(pod) && is_down(text(pod, "/spec/nodeName"), scene));
    i64::try_from(dead.count()).unwrap_or(i64::MAX)
}

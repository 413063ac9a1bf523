//! Deployment: every replica of the new revision available, and none of the old ones left.

use jiff::SignedDuration;
use serde_json::Value;

use super::counted;
use crate::cluster::Scene;
use crate::diagnose::clock_stands_still;
use crate::read::{Condition, count, int, is_true};
use crate::revision::{is_ready, owned};
use crate::verdict::Verdict;

pub(super) fn rule(deployment: &Value, scene: &Scene<'_>) -> Verdict {
    let wanted = int(deployment, "/spec/replicas").unwrap_or(1);
    let updated = count(deployment, "/status/updatedReplicas");
    let total = count(deployment, "/status/replicas");
    let available = count(deployment, "/status/availableReplicas");
    if updated >= wanted && total <= updated && available >= wanted {
        return Verdict::current(format!("{} available", counted(wanted, "pod")));
    }
    if is_true(deployment, "/spec/paused") {
        return Verdict::failed("paused, not rolled out");
    }
    let message = waiting_for(deployment, scene, [wanted, updated, total]);
    if has_given_up(deployment, scene) { Verdict::failed(message) } else { Verdict::in_progress(message) }
}

fn waiting_for(deployment: &Value, scene: &Scene<'_>, [wanted, updated, total]: [i64; 3]) -> String {
    let new = owned(deployment, scene).new;
    let ready = i64::try_from(new.iter().filter(|pod| is_ready(pod)).count()).unwrap_or(i64::MAX);
    // Where pods are not cached the status must do; it counts the old revision's pods too.
    let ready = if new.is_empty() { count(deployment, "/status/readyReplicas").min(updated) } else { ready };
    if ready < wanted {
        format!("{ready} of {} ready", counted(wanted, "new pod"))
    } else if total > updated {
        format!("{} still to go", counted(total - updated, "old pod"))
    } else {
        let available = count(deployment, "/status/availableReplicas").min(updated);
        format!("{available} of {} available", counted(wanted, "new pod"))
    }
}

/// The controller's own deadline counts once it has passed since *our* write, and while nothing stops the clock.
fn has_given_up(deployment: &Value, scene: &Scene<'_>) -> bool {
    let Some(progressing) = Condition::of(deployment, "Progressing") else { return false };
    if !progressing.is("False") || progressing.reason() != "ProgressDeadlineExceeded" {
        return false;
    }
    let deadline = SignedDuration::from_secs(int(deployment, "/spec/progressDeadlineSeconds").unwrap_or(600));
    let is_ours = scene.since.applied_at.is_none_or(|applied| applied + deadline <= scene.now);
    is_ours && !clock_stands_still(deployment, scene)
}

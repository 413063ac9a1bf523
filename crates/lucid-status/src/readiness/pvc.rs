//! PersistentVolumeClaim: Bound, or waiting for its first pod as its class says.

use serde_json::Value;

use crate::cluster::Scene;
use crate::diagnose::storage::waits_for_consumer;
use crate::read::text;
use crate::verdict::Verdict;

pub(super) fn rule(claim: &Value, scene: &Scene<'_>) -> Verdict {
    match text(claim, "/status/phase") {
        "Bound" => Verdict::current("bound"),
        "Lost" => Verdict::failed("its volume is lost"),
        // Its consumer waits for the claim to be Current, so waiting here would be waiting for ever.
        _ if waits_for_consumer(claim, scene) => Verdict::current("waits for its first pod, as its class says"),
        _ => Verdict::in_progress("not bound to a volume"),
    }
}

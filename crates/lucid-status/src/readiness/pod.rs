//! Pod: Ready, or done when it is meant to end.

use serde_json::Value;

use crate::read::text;
use crate::revision::is_ready;
use crate::verdict::Verdict;

pub(super) fn rule(pod: &Value) -> Verdict {
    let is_meant_to_end = matches!(text(pod, "/spec/restartPolicy"), "Never" | "OnFailure");
    match text(pod, "/status/phase") {
        "Succeeded" if is_meant_to_end => Verdict::current("completed"),
        "Succeeded" => Verdict::failed("the pod ended although it should go on running"),
        "Failed" => Verdict::failed("the pod failed"),
        _ if is_ready(pod) => Verdict::current("ready"),
        "Running" => Verdict::in_progress("running, not ready"),
        "Unknown" => Verdict::in_progress("its node does not report"),
        _ => Verdict::in_progress("starting"),
    }
}

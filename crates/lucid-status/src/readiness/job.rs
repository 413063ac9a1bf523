//! Job: Current when it completed, never because it started.

use serde_json::Value;

use super::counted;
use crate::read::{Condition, count, has_condition, int, is_true};
use crate::verdict::Verdict;

pub(super) fn rule(job: &Value) -> Verdict {
    // `FailureTarget` comes before `Failed`, while the last pods are being stopped (Kubernetes 1.31).
    for kind in ["Failed", "FailureTarget"] {
        if let Some(failed) = Condition::of(job, kind).filter(|condition| condition.is("True")) {
            return Verdict::failed(format!("the Job failed ({})", failed.reason()));
        }
    }
    if has_condition(job, "Complete", "True") {
        return Verdict::current("completed");
    }
    if is_true(job, "/spec/suspend") {
        return Verdict::in_progress("suspended");
    }
    let (wanted, succeeded) = (int(job, "/spec/completions").unwrap_or(1), count(job, "/status/succeeded"));
    let active = count(job, "/status/active");
    Verdict::in_progress(format!("{succeeded} of {} done, {active} running", counted(wanted, "completion")))
}

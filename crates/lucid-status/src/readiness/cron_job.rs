//! CronJob: Current when it is there; what its runs did is not part of a deploy.

use serde_json::Value;

use crate::read::{is_true, text};
use crate::verdict::Verdict;

pub(super) fn rule(cron_job: &Value) -> Verdict {
    match is_true(cron_job, "/spec/suspend") {
        true => Verdict::current("is there, suspended"),
        false => Verdict::current(format!("is there, at {:?}", text(cron_job, "/spec/schedule"))),
    }
}

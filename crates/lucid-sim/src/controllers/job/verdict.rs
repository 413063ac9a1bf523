//! Whether a Job goes on, and in which words it ends.

use std::sync::Arc;

use serde_json::Value;

use crate::controllers::{conditions, pods};
use crate::json::{Json, JsonMut};
use crate::world::World;

use super::COMPONENT;
use super::status::set_condition;
use super::tally::Tally;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Open,
    Suspended,
    Failed { reason: String, message: String },
    Succeeded { reason: String, message: String },
}

pub(crate) fn of(world: &World, job: &Value, tally: &Tally, claimed: &[Arc<Value>]) -> Verdict {
    if let Some(announced) = earlier(job) {
        return announced;
    }
    let failed = |reason: &str, message: String| Verdict::Failed { reason: reason.into(), message };
    if let Some(message) = ruled_out(job, claimed) {
        return failed("PodFailurePolicy", message);
    }
    let limit = job.int("spec/backoffLimit");
    let per_index = job.has("spec/backoffLimitPerIndex");
    if !per_index && (tally.failed > limit || past_limit_on_failure(job, claimed, limit)) {
        return failed("BackoffLimitExceeded", "Job has reached the specified backoff limit".into());
    }
    let lost = i64::try_from(tally.lost.len()).unwrap_or(i64::MAX);
    if per_index && job.at("spec/maxFailedIndexes").as_i64().is_some_and(|most| lost > most) {
        return failed(
            "MaxFailedIndexesExceeded",
            "Job has exceeded the specified maximal number of failed indexes".into(),
        );
    }
    if per_index && lost > 0 && lost + tally.succeeded >= job.int("spec/completions") {
        return failed("FailedIndexes", "Job has failed indexes".into());
    }
    if past_deadline(world, job) {
        return failed("DeadlineExceeded", "Job was active longer than specified deadline".into());
    }
    if is_complete(job, tally) {
        let message = "Reached expected number of succeeded pods".to_owned();
        return Verdict::Succeeded { reason: "CompletionsReached".into(), message };
    }
    if job.flag("spec/suspend") { Verdict::Suspended } else { Verdict::Open }
}

/// What was announced stays.
fn earlier(job: &Value) -> Option<Verdict> {
    let said = |kind: &str| {
        let condition = conditions::find(job, kind).filter(|condition| condition.str("status") == "True")?;
        Some((condition.str("reason").to_owned(), condition.str("message").to_owned()))
    };
    let failed = said("FailureTarget").map(|(reason, message)| Verdict::Failed { reason, message });
    failed.or_else(|| said("SuccessCriteriaMet").map(|(reason, message)| Verdict::Succeeded { reason, message }))
}

fn is_complete(job: &Value, tally: &Tally) -> bool {
    match job.at("spec/completions").as_i64() {
        Some(completions) => tally.succeeded >= completions,
        // A queue of work is done when one has succeeded and the others have ended.
        None => tally.succeeded > 0 && tally.active == 0,
    }
}

/// With `OnFailure` the kubelet restarts; its restarts are counted against the limit.
fn past_limit_on_failure(job: &Value, claimed: &[Arc<Value>], limit: i64) -> bool {
    if job.str("spec/template/spec/restartPolicy") != "OnFailure" {
        return false;
    }
    let of = |pod: &Arc<Value>| {
        let statuses = pod.list("status/containerStatuses").iter().chain(pod.list("status/initContainerStatuses"));
        statuses.map(|status| status.int("restartCount")).sum::<i64>()
    };
    let restarts: i64 = claimed.iter().filter(|pod| !pods::is_finished(pod)).map(of).sum();
    if limit == 0 { restarts > 0 } else { restarts >= limit }
}

fn past_deadline(world: &World, job: &Value) -> bool {
    let limit = job.int("spec/activeDeadlineSeconds");
    let started = job.str("status/startTime");
    limit > 0
        && !started.is_empty()
        && !job.flag("spec/suspend")
        && world.since(started).as_secs() >= limit.unsigned_abs()
}

/// The first rule of `podFailurePolicy` that ends the Job because of an exit code.
fn ruled_out(job: &Value, claimed: &[Arc<Value>]) -> Option<String> {
    let rules = job.list("spec/podFailurePolicy/rules");
    let failed = claimed.iter().filter(|pod| pod.str("status/phase") == "Failed");
    failed.into_iter().find_map(|pod| {
        let (at, rule, container, code) = rules.iter().enumerate().find_map(|(at, rule)| {
            let (container, code) = exit_matches(rule.at("onExitCodes"), pod)?;
            Some((at, rule, container, code))
        })?;
        let text = format!(
            "Container {container} for pod {}/{} failed with exit code {code} matching {} rule at index {at}",
            pod.namespace(),
            pod.name(),
            rule.str("action")
        );
        (rule.str("action") == "FailJob").then_some(text)
    })
}

fn exit_matches(rule: &Value, pod: &Value) -> Option<(String, i64)> {
    let statuses = pod.list("status/initContainerStatuses").iter().chain(pod.list("status/containerStatuses"));
    let of_container =
        |status: &&Value| rule.str("containerName").is_empty() || rule.str("containerName") == status.str("name");
    statuses.filter(of_container).find_map(|status| {
        let code = status.int("state/terminated/exitCode");
        let listed = rule.list("values").iter().any(|value| value.as_i64() == Some(code));
        let holds = if rule.str("operator") == "In" { listed } else { !listed };
        (status.has("state/terminated") && code != 0 && !rule.is_null() && holds)
            .then(|| (status.str("name").to_owned(), code))
    })
}

impl Verdict {
    /// Whether the Job says so already.
    pub(crate) fn announced(&self, job: &Value) -> bool {
        match self {
            Self::Open | Self::Suspended => false,
            Self::Failed { .. } => conditions::is_true(job, "FailureTarget"),
            Self::Succeeded { .. } => conditions::is_true(job, "SuccessCriteriaMet"),
        }
    }

    /// The condition that comes before the end, and the one about suspension.
    pub(crate) fn announce(&self, job: &mut Value, now: &str) {
        match self {
            Self::Open if conditions::is_true(job, "Suspended") => {
                set_condition(job, "Suspended", "False", "JobResumed", "Job resumed", now);
                job.put("status/startTime", now);
            }
            Self::Open => {}
            Self::Suspended => {
                set_condition(job, "Suspended", "True", "JobSuspended", "Job suspended", now);
                job.cut("status/startTime");
            }
            Self::Failed { reason, message } => set_condition(job, "FailureTarget", "True", reason, message, now),
            Self::Succeeded { reason, message } => {
                set_condition(job, "SuccessCriteriaMet", "True", reason, message, now)
            }
        }
    }

    /// The end.
    pub(crate) fn conclude(&self, job: &mut Value, now: &str) {
        match self {
            Self::Open | Self::Suspended => {}
            Self::Failed { reason, message } => set_condition(job, "Failed", "True", reason, message, now),
            Self::Succeeded { reason, message } => {
                set_condition(job, "Complete", "True", reason, message, now);
                job.put("status/completionTime", now);
            }
        }
    }

    /// The event that goes with an announcement.
    pub(crate) fn report(&self, world: &mut World, job: &Value) {
        match self {
            Self::Open if conditions::is_true(job, "Suspended") => {
                world.normal(COMPONENT, job, "Resumed", "Job resumed")
            }
            Self::Suspended if !conditions::is_true(job, "Suspended") => {
                world.normal(COMPONENT, job, "Suspended", "Job suspended")
            }
            Self::Open | Self::Suspended | Self::Failed { .. } | Self::Succeeded { .. } => {}
        }
    }
}

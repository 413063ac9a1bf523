//! What the controllers of workloads say: that they lag, cannot create pods, or gave up.

use lucid_object::LabelSelector;
use serde_json::Value;

use super::{events, refusal};
use crate::cluster::Scene;
use crate::diagnosis::{Certainty, Class, Diagnosis};
use crate::read::{
    Condition, changed, has_condition, int, is_leaving, is_true, kind, labels, namespace, reference, text, time, uid,
};
use crate::readiness::{counted, observed_generation};
use crate::revision::Owned;

/// The controller has not looked at our change.
pub(super) fn lag(object: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    let (Some(generation), Some(observed)) = (int(object, "/metadata/generation"), observed_generation(object)) else {
        return;
    };
    if observed >= generation {
        return;
    }
    let message = format!("its controller has seen generation {observed} and not yet {generation}");
    found.push(Diagnosis::new(5103, reference(object), message).since(scene.since.applied_at.or(changed(object))));
}

/// Pods that the API server refuses. The reason stands on the ReplicaSet, never on the Deployment (kubernetes#96634).
pub(super) fn cannot_create(object: &Value, owned: &Owned<'_>, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    let holder = owned.replica_set.unwrap_or(object);
    let condition = Condition::of(holder, "ReplicaFailure").filter(|condition| condition.is("True"));
    if let Some(condition) = condition {
        return found.push(refused(object, condition.message(), condition.since(), owned, scene));
    }
    // StatefulSets, DaemonSets and Jobs have no such condition: an event, if the pods are missing still.
    if matches!(kind(object), "Deployment" | "ReplicaSet") || !lacks_pods(object, owned) {
        return;
    }
    let events = events::of(object, scene);
    let Some(event) = events::last(&events, &["FailedCreate", "SuccessfulCreate"]) else { return };
    if event.reason() == "FailedCreate" {
        found.push(refused(object, event.message(), event.first(), owned, scene));
    }
}

fn lacks_pods(object: &Value, owned: &Owned<'_>) -> bool {
    let wanted = match kind(object) {
        "DaemonSet" => int(object, "/status/desiredNumberScheduled").unwrap_or(0),
        "Job" => return owned.new.is_empty() && !has_condition(object, "Complete", "True"),
        _ => int(object, "/spec/replicas").unwrap_or(1),
    };
    i64::try_from(owned.new.len() + owned.old.len()).unwrap_or(i64::MAX) < wanted
}

fn refused(
    object: &Value,
    message: &str,
    since: Option<jiff::Timestamp>,
    owned: &Owned<'_>,
    scene: &Scene<'_>,
) -> Diagnosis {
    let about = reference(object);
    // The pod of an earlier set of this name is on its way out; the controller tries again until it is gone.
    if message.contains("object is being deleted") {
        let new = Diagnosis::new(2001, about, "a pod of the same name is still being deleted").class(Class::Wait);
        return new.seen(message).since(since).help("nothing: its place is free once it is gone");
    }
    let Some(new) = refusal::by_words(message, &about) else {
        let new = Diagnosis::new(2001, about, "its controller cannot create pods").certainty(Certainty::Likely);
        return new.seen(message).since(since);
    };
    let new = new.since(since);
    // Pods that leave, whosever they are, give quota back.
    let mut neighbours = scene.cluster.list("", "Pod", namespace(object)).into_iter().chain(owned.old.iter().copied());
    if new.code() == 1010 && neighbours.any(is_leaving) {
        return new.class(Class::After(60));
    }
    new
}

/// Two workloads of one namespace whose selectors take each other's pods.
pub(super) fn overlap(object: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    let labels = labels(object, "/spec/template/metadata/labels");
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    let others = kinds.iter().flat_map(|kind| scene.cluster.list("apps", kind, namespace(object)));
    let takes_ours = |other: &&Value| {
        let selector = other.pointer("/spec/selector").and_then(LabelSelector::from_value);
        uid(other) != uid(object) && selector.is_some_and(|selector| !selector.is_empty() && selector.matches(&labels))
    };
    let mut names: Vec<String> = others.filter(takes_ours).map(|other| reference(other).short()).collect();
    names.sort_unstable();
    if labels.is_empty() || names.is_empty() {
        return;
    }
    let message = format!("{} selects the pods of {}", names.join(", "), reference(object).short());
    found.push(Diagnosis::new(5108, reference(object), message));
}

pub(super) fn job(job: &Value, owned: &Owned<'_>, found: &mut Vec<Diagnosis>) {
    if is_true(job, "/spec/suspend") {
        found.push(Diagnosis::new(5117, reference(job), "the Job is suspended"));
    }
    let failed = ["Failed", "FailureTarget"]
        .iter()
        .filter_map(|kind| Condition::of(job, kind))
        .find(|condition| condition.is("True"));
    let Some(failed) = failed else { return };
    let failures = int(job, "/status/failed").unwrap_or(0);
    let message = match failed.reason() {
        "BackoffLimitExceeded" => {
            format!("the Job failed: {} failed, more than its backoffLimit allows", counted(failures, "pod"))
        }
        "DeadlineExceeded" => "the Job failed: it ran longer than its activeDeadlineSeconds".to_owned(),
        "PodFailurePolicy" => "the Job failed: a rule of its podFailurePolicy says so".to_owned(),
        reason => format!("the Job failed ({reason})"),
    };
    let last = owned.new.last().map_or(String::new(), |pod| format!("last pod: {}", crate::read::name(pod)));
    found.push(Diagnosis::new(5110, reference(job), message).seen(failed.message()).seen(last).since(failed.since()));
}

pub(super) fn cron_job(cron_job: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    if is_true(cron_job, "/spec/suspend") {
        found.push(Diagnosis::new(5111, reference(cron_job), "the CronJob is suspended"));
    }
    let events = events::of(cron_job, scene);
    let Some(event) = events::last(
        &events,
        &["TooManyMissedTimes", "MissSchedule", "JobAlreadyActive", "UnparseableSchedule", "InvalidSchedule"],
    ) else {
        return;
    };
    if time(cron_job, "/status/lastScheduleTime").is_some_and(|last| event.last().is_some_and(|seen| seen < last)) {
        return;
    }
    let message = format!("the CronJob does not run as planned ({})", event.reason());
    let schedule = format!("schedule: {}", text(cron_job, "/spec/schedule"));
    found.push(
        Diagnosis::new(5111, reference(cron_job), message).seen(event.message()).seen(schedule).since(event.first()),
    );
}

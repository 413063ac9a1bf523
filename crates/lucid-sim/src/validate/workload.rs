//! Deployments, ReplicaSets, StatefulSets and DaemonSets.
//!
//! Source: k8s.io/kubernetes/pkg/apis/apps/validation/validation.go.

use serde_json::{Value, json};

use super::field::{At, Problems};
use super::selector::{self, Choice};
use super::{claim, pod, text};
use crate::error::Cause;
use crate::json::{Json, JsonMut};

pub(super) fn deployment(object: &Value, problems: &mut Problems) {
    let (spec, at) = (object.at("spec"), At::new("spec"));
    problems.not_negative(&at.child("replicas"), spec.at("replicas"));
    replicated(spec, &at, problems);
    deployment_strategy(spec.at("strategy"), &at.child("strategy"), problems);
    for field in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        problems.not_negative(&at.child(field), spec.at(field));
    }
    let deadline = spec.at("progressDeadlineSeconds");
    if deadline.as_i64().is_some_and(|seconds| seconds <= spec.int("minReadySeconds")) {
        let at = at.child("progressDeadlineSeconds");
        problems.invalid(&at, deadline.clone(), "must be greater than minReadySeconds");
    }
}

pub(super) fn replica_set(object: &Value, problems: &mut Problems) {
    let (spec, at) = (object.at("spec"), At::new("spec"));
    for field in ["replicas", "minReadySeconds"] {
        problems.not_negative(&at.child(field), spec.at(field));
    }
    replicated(spec, &at, problems);
}

pub(super) fn replication_controller(object: &Value, problems: &mut Problems) {
    let (spec, at) = (object.at("spec"), At::new("spec"));
    for field in ["replicas", "minReadySeconds"] {
        problems.not_negative(&at.child(field), spec.at(field));
    }
    let selector = spec.strings("selector");
    if selector.is_empty() {
        problems.required(&at.child("selector"), "");
    }
    let template = &at.child("template");
    if !spec.has("template") {
        return problems.required(template, "");
    }
    let labels = spec.strings("template/metadata/labels");
    if selector.iter().any(|(key, value)| labels.get(key) != Some(value)) {
        let shown = spec.map("template/metadata/labels").cloned().unwrap_or_default();
        problems.invalid(&template.child("metadata.labels"), shown, "`selector` does not match template `labels`");
    }
    pod::template(spec.at("template"), template, problems);
    always(spec, template, "activeDeadlineSeconds in ReplicationController is not Supported", problems);
}

/// Selector and template as Deployments and ReplicaSets have them.
fn replicated(spec: &Value, at: &At, problems: &mut Problems) {
    let choice = selector_of(spec, at, "empty selector is invalid for deployment", problems);
    let template = &at.child("template");
    if matches!(choice, Choice::Broken) {
        return problems.invalid(&at.child("selector"), spec.at("selector").clone(), "invalid label selector");
    }
    labels_fit(&choice, spec, template, problems);
    pod::template(spec.at("template"), template, problems);
    always(spec, template, "activeDeadlineSeconds in ReplicaSet is not Supported", problems);
}

fn selector_of(spec: &Value, at: &At, empty: &str, problems: &mut Problems) -> Choice {
    let (held, at) = (spec.at("selector"), at.child("selector"));
    let choice = Choice::of(held);
    if held.is_null() {
        problems.required(&at, "");
        return choice;
    }
    selector::check(held, &at, problems);
    if matches!(choice, Choice::Everything) {
        problems.invalid(&at, held.clone(), empty);
    }
    choice
}

fn labels_fit(choice: &Choice, spec: &Value, template: &At, problems: &mut Problems) {
    if !choice.matches(&spec.strings("template/metadata/labels")) {
        let labels = spec.map("template/metadata/labels").cloned().unwrap_or_default();
        problems.invalid(&template.child("metadata.labels"), labels, "`selector` does not match template `labels`");
    }
}

/// What runs for ever is always restarted and has no deadline.
fn always(spec: &Value, template: &At, deadline: &str, problems: &mut Problems) {
    let policy = spec.str("template/spec/restartPolicy");
    if policy != "Always" {
        problems.unsupported(&template.child("spec.restartPolicy"), policy, &["Always"]);
    }
    if spec.has("template/spec/activeDeadlineSeconds") {
        problems.forbidden(&template.child("spec.activeDeadlineSeconds"), deadline);
    }
}

fn deployment_strategy(strategy: &Value, at: &At, problems: &mut Problems) {
    let (rolling, inner) = (strategy.at("rollingUpdate"), at.child("rollingUpdate"));
    match strategy.str("type") {
        "Recreate" if !rolling.is_null() => {
            problems.forbidden(&inner, "may not be specified when strategy `type` is 'Recreate'");
        }
        "RollingUpdate" if rolling.is_null() => {
            problems.required(&inner, "this should be defaulted and never be nil");
        }
        "RollingUpdate" => {
            let (unavailable, surge) = (rolling.at("maxUnavailable"), rolling.at("maxSurge"));
            count_or_percent(unavailable, &inner.child("maxUnavailable"), problems);
            count_or_percent(surge, &inner.child("maxSurge"), problems);
            if amount(unavailable) == 0 && amount(surge) == 0 {
                let detail = "may not be 0 when `maxSurge` is 0";
                problems.invalid(&inner.child("maxUnavailable"), unavailable.clone(), detail);
            }
            within_whole(unavailable, &inner.child("maxUnavailable"), problems);
        }
        "Recreate" => {}
        _ => unknown_strategy(strategy, at, &["Recreate", "RollingUpdate"], problems),
    }
}

/// The server shows the whole strategy where only its type is wrong.
fn unknown_strategy(strategy: &Value, at: &At, known: &[&str], problems: &mut Problems) {
    let known: Vec<String> = known.iter().map(|word| format!("{word:?}")).collect();
    let message = format!("Unsupported value: {strategy}: supported values: {}", known.join(", "));
    problems.push(Cause::new("FieldValueNotSupported", at.to_string(), message));
}

pub(super) fn count_or_percent(value: &Value, at: &At, problems: &mut Problems) {
    match value.as_str() {
        Some(words) => problems.all_invalid(at, value, text::percent(words)),
        None => problems.not_negative(at, value),
    }
}

fn percentage(value: &Value) -> Option<i64> {
    let words = value.as_str()?;
    if text::percent(words).is_empty() { words.trim_end_matches('%').parse().ok() } else { None }
}

/// The number, or that before the percent sign.
fn amount(value: &Value) -> i64 {
    let number = || value.as_i64().or_else(|| value.as_str()?.parse().ok());
    percentage(value).or_else(number).unwrap_or(0)
}

pub(super) fn within_whole(value: &Value, at: &At, problems: &mut Problems) {
    if percentage(value).is_some_and(|percent| percent > 100) {
        problems.invalid(at, value.clone(), "must not be greater than 100%");
    }
}

pub(super) fn daemon_set(object: &Value, problems: &mut Problems) {
    let (spec, at) = (object.at("spec"), At::new("spec"));
    let (held, template) = (spec.at("selector"), at.child("template"));
    selector::check(held, &at.child("selector"), problems);
    let choice = Choice::of(held);
    if !matches!(choice, Choice::Broken) {
        labels_fit(&choice, spec, &template, problems);
    }
    if matches!(choice, Choice::Everything) {
        problems.invalid(&at.child("selector"), held.clone(), "empty selector is invalid for daemonset");
    }
    pod::template(spec.at("template"), &template, problems);
    always(spec, &template, "activeDeadlineSeconds in DaemonSet is not Supported", problems);
    problems.not_negative(&at.child("minReadySeconds"), spec.at("minReadySeconds"));
    let (strategy, strategy_at) = (spec.at("updateStrategy"), at.child("updateStrategy"));
    let (rolling, inner) = (strategy.at("rollingUpdate"), strategy_at.child("rollingUpdate"));
    match strategy.str("type") {
        "OnDelete" => {}
        "RollingUpdate" if rolling.is_null() => problems.required(&inner, ""),
        "RollingUpdate" => daemon_rolling(rolling, &inner, problems),
        _ => unknown_strategy(strategy, &strategy_at, &["RollingUpdate", "OnDelete"], problems),
    }
    problems.not_negative(&at.child("revisionHistoryLimit"), spec.at("revisionHistoryLimit"));
}

fn daemon_rolling(rolling: &Value, at: &At, problems: &mut Problems) {
    let fields = ["maxUnavailable", "maxSurge"];
    for field in fields {
        count_or_percent(rolling.at(field), &at.child(field), problems);
    }
    for field in fields {
        within_whole(rolling.at(field), &at.child(field), problems);
    }
    match fields.map(|field| amount(rolling.at(field)) != 0) {
        [true, true] => {
            let detail = "may not be set when maxUnavailable is non-zero";
            problems.invalid(&at.child("maxSurge"), rolling.at("maxSurge").clone(), detail);
        }
        [false, false] => problems.required(&at.child("maxUnavailable"), "cannot be 0 when maxSurge is 0"),
        _ => {}
    }
}

pub(super) fn stateful_set(object: &Value, problems: &mut Problems) {
    stateful_spec(object.at("spec"), true, true, problems);
}

/// An update leaves the name of the Service and the claims alone, which cannot change; and a template that is no worse
/// than the one before.
fn stateful_spec(spec: &Value, new: bool, with_template: bool, problems: &mut Problems) {
    let at = At::new("spec");
    match spec.str("podManagementPolicy") {
        "" => problems.required(&at.child("podManagementPolicy"), ""),
        "OrderedReady" | "Parallel" => {}
        other => problems.invalid(&at.child("podManagementPolicy"), other, "must be 'OrderedReady' or 'Parallel'"),
    }
    stateful_strategy(spec.at("updateStrategy"), &at.child("updateStrategy"), problems);
    let retention = spec.at("persistentVolumeClaimRetentionPolicy");
    for field in ["whenDeleted", "whenScaled"].into_iter().filter(|_| !retention.is_null()) {
        let at = at.child("persistentVolumeClaimRetentionPolicy").child(field);
        match retention.str(field) {
            "Retain" | "Delete" => {}
            other => problems.unsupported(&at, other, &["Retain", "Delete"]),
        }
    }
    for (index, template) in spec.list("volumeClaimTemplates").iter().enumerate().filter(|_| new) {
        let at = at.child("volumeClaimTemplates").index(index).child("spec");
        claim::spec(template.at("spec"), &at, problems);
    }
    for field in ["replicas", "minReadySeconds", "ordinals/start"] {
        problems.not_negative(&at.child(&field.replace('/', ".")), spec.at(field));
    }
    let service = spec.str("serviceName");
    if new && !service.is_empty() {
        problems.all_invalid(&at.child("serviceName"), &service.into(), text::label(service));
    }
    let choice = selector_of(spec, &at, "empty selector is invalid for statefulset", problems);
    if matches!(choice, Choice::Broken) {
        problems.invalid(&at.child("selector"), spec.at("selector").clone(), "");
    } else {
        labels_fit(&choice, spec, &at.child("template"), problems);
        let template = with_claims(spec);
        if with_template {
            pod::template(&template, &at.child("template"), problems);
        } else {
            pod::template_metadata(&template, &at.child("template"), problems);
        }
    }
    let deadline = "activeDeadlineSeconds in StatefulSet is not Supported";
    always(spec, &at.child("template"), deadline, problems);
}

fn stateful_strategy(strategy: &Value, at: &At, problems: &mut Problems) {
    let (rolling, inner) = (strategy.at("rollingUpdate"), at.child("rollingUpdate"));
    match strategy.str("type") {
        "" => problems.required(at, ""),
        "OnDelete" if !rolling.is_null() => {
            problems.invalid(&inner, rolling.clone(), "only allowed for updateStrategy 'RollingUpdate'");
        }
        "OnDelete" => {}
        "RollingUpdate" if rolling.is_null() => {}
        "RollingUpdate" => {
            problems.not_negative(&inner.child("partition"), rolling.at("partition"));
            let (unavailable, at) = (rolling.at("maxUnavailable"), inner.child("maxUnavailable"));
            if !unavailable.is_null() {
                count_or_percent(unavailable, &at, problems);
                if amount(unavailable) == 0 {
                    problems.invalid(&at, unavailable.clone(), "cannot be 0");
                }
                within_whole(unavailable, &at, problems);
            }
        }
        _ => problems.invalid(at, strategy.clone(), "must be 'RollingUpdate' or 'OnDelete'"),
    }
}

/// The template as its pods will have it: with a volume for each claim, and names of its own.
fn with_claims(spec: &Value) -> Value {
    let mut template = spec.at("template").clone();
    for field in ["spec/subdomain", "spec/hostname"] {
        template.cut(field);
    }
    let claims = spec.list("volumeClaimTemplates");
    if !claims.is_empty() {
        let claimed = claims.iter().map(Json::name);
        let volume = |name: &str| json!({"name": name, "persistentVolumeClaim": {"claimName": name}});
        let mut volumes: Vec<Value> = claimed.clone().map(volume).collect();
        let others = spec.list("template/spec/volumes").iter();
        volumes.extend(others.filter(|v| claimed.clone().all(|name| name != v.str("name"))).cloned());
        template.put("spec/volumes", volumes);
    }
    template
}

pub(super) fn update(kind: &str, old: &Value, new: &Value, problems: &mut Problems) {
    let fixed = |fields: &[&str], problems: &mut Problems| {
        for field in fields {
            let at = At::new("spec").child(field);
            problems.immutable(&at, old.at("spec").at(field), new.at("spec").at(field));
        }
    };
    match kind {
        "Deployment" => deployment(new, problems),
        "ReplicaSet" => replica_set(new, problems),
        "DaemonSet" => {
            fixed(&["selector"], problems);
            daemon_set(new, problems);
            return;
        }
        _ => {
            let mut before = Problems::default();
            stateful_spec(old.at("spec"), false, true, &mut before);
            stateful_spec(new.at("spec"), false, before.is_empty(), problems);
            return fixed(&["selector", "volumeClaimTemplates", "serviceName", "podManagementPolicy"], problems);
        }
    }
    fixed(&["selector"], problems);
}

/// The counts of a status: none is negative, and some are parts of others.
pub(super) fn status(kind: &str, old: &Value, new: &Value, problems: &mut Problems) {
    let at = At::new("status");
    let status = new.at("status");
    let counts: &[&str] = match kind {
        "DaemonSet" => &[
            "currentNumberScheduled",
            "numberMisscheduled",
            "desiredNumberScheduled",
            "numberReady",
            "observedGeneration",
            "updatedNumberScheduled",
            "numberAvailable",
            "numberUnavailable",
            "collisionCount",
        ],
        _ => &[
            "observedGeneration",
            "replicas",
            "fullyLabeledReplicas",
            "currentReplicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
            "terminatingReplicas",
            "collisionCount",
        ],
    };
    counts.iter().for_each(|field| problems.not_negative(&at.child(field), status.at(field)));
    if kind != "DaemonSet" {
        let parts =
            ["fullyLabeledReplicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
        for part in parts.into_iter().filter(|part| status.int(part) > status.int("replicas")) {
            problems.invalid(&at.child(part), status.int(part), "cannot be greater than status.replicas");
        }
        if status.int("availableReplicas") > status.int("readyReplicas") {
            let prefix = if kind == "StatefulSet" { "status." } else { "" };
            let detail = format!("cannot be greater than {prefix}readyReplicas");
            problems.invalid(&at.child("availableReplicas"), status.int("availableReplicas"), detail);
        }
    }
    if kind != "ReplicaSet" && old.has("status/collisionCount") {
        let count = status.int("collisionCount");
        if !status.has("collisionCount") || count < old.int("status/collisionCount") {
            problems.invalid(&at.child("collisionCount"), count, "cannot be decremented");
        }
    }
}

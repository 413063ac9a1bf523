//! Jobs and CronJobs.
//!
//! Source: k8s.io/kubernetes/pkg/apis/batch/validation/validation.go.

use std::collections::BTreeSet;

use serde_json::Value;

use super::field::{At, Problems};
use super::selector::{self, Choice};
use super::{pod, schedule, text};
use crate::json::{Json, JsonMut};

pub(super) fn create(object: &Value, problems: &mut Problems) {
    generated_selector(object, problems);
    job(object, problems);
}

fn job(object: &Value, problems: &mut Problems) {
    let (spec, at) = (object.at("spec"), At::new("spec"));
    inner(spec, &at, problems);
    let held = spec.at("selector");
    if held.is_null() {
        problems.required(&at.child("selector"), "");
    } else {
        selector::check(held, &at.child("selector"), problems);
    }
    let choice = Choice::of(held);
    if !matches!(choice, Choice::Broken) && !choice.matches(&spec.strings("template/metadata/labels")) {
        let labels = spec.at("template/metadata/labels").clone();
        let detail = "`selector` does not match template `labels`";
        problems.invalid(&at.child("template.metadata.labels"), labels, detail);
    }
    let completions = spec.int("completions");
    if spec.str("completionMode") == "Indexed" && completions > 0 {
        let host = format!("{}-{}", object.name(), completions - 1);
        if !text::label(&host).is_empty() {
            let detail = format!("will not able to create pod with invalid DNS label: {host}");
            problems.invalid(&At::new("metadata.name"), object.name(), detail);
        }
    }
}

const UID_LABELS: [&str; 2] = ["controller-uid", "batch.kubernetes.io/controller-uid"];
const NAME_LABELS: [&str; 2] = ["job-name", "batch.kubernetes.io/job-name"];

/// The labels that the server wrote must be those of this Job.
fn generated_selector(object: &Value, problems: &mut Problems) {
    if object.flag("spec/manualSelector") || !object.has("spec/selector") {
        return;
    }
    let at = At::new("spec.template.metadata.labels");
    let labels = object.strings("spec/template/metadata/labels");
    let mut expected = std::collections::BTreeMap::new();
    let wanted =
        UID_LABELS.map(|key| (key, object.uid())).into_iter().chain(NAME_LABELS.map(|key| (key, object.name())));
    for (key, value) in wanted {
        expected.insert(key.to_owned(), value.to_owned());
        match labels.get(key) {
            Some(label) if label == value => {}
            Some(_) => {
                let shown = object.at("spec/template/metadata/labels").clone();
                problems.invalid(&at.key(key), shown, format!("must be '{value}'"));
            }
            None => problems.required(&at.key(key), &format!("must be '{value}'")),
        }
    }
    let choice = Choice::of(object.at("spec/selector"));
    if !matches!(choice, Choice::Broken) && !choice.matches(&expected) {
        let shown = object.at("spec/selector").clone();
        problems.invalid(&At::new("spec.selector"), shown, "`selector` not auto-generated");
    }
}

/// What Jobs and templates of Jobs have in common.
fn inner(spec: &Value, at: &At, problems: &mut Problems) {
    for field in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        problems.not_negative(&at.child(field), spec.at(field));
    }
    if spec.has("maxFailedIndexes") && !spec.has("backoffLimitPerIndex") {
        problems.required(&at.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    }
    if let Some(manager) = spec.at("managedBy").as_str() {
        if manager.is_empty() {
            problems.required(&at.child("managedBy"), "");
        } else {
            problems.all_invalid(&at.child("managedBy"), &manager.into(), text::domain_prefixed_path(manager));
        }
        if manager.len() > 63 {
            problems.too_long(&at.child("managedBy"), 63);
        }
    }
    completion_mode(spec, at, problems);
    failure_policy(spec, &at.child("podFailurePolicy"), problems);
    success_policy(spec, &at.child("successPolicy"), problems);
    let known: &[&str] = if spec.has("podFailurePolicy") { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
    problems.one_of(&at.child("podReplacementPolicy"), spec.at("podReplacementPolicy"), known);
    pod::template(spec.at("template"), &at.child("template"), problems);
    let policy_at = at.child("template.spec.restartPolicy");
    match spec.str("template/spec/restartPolicy") {
        "" | "Always" => problems.required(&policy_at, "valid values: \"OnFailure\", \"Never\""),
        "Never" => {}
        "OnFailure" if spec.has("podFailurePolicy") => {
            problems.invalid(&policy_at, "OnFailure", "only \"Never\" is supported when podFailurePolicy is specified");
        }
        "OnFailure" => {}
        other => problems.unsupported(&policy_at, other, &["OnFailure", "Never"]),
    }
}

fn completion_mode(spec: &Value, at: &At, problems: &mut Problems) {
    problems.one_of(&at.child("completionMode"), spec.at("completionMode"), &["NonIndexed", "Indexed"]);
    match spec.str("completionMode") {
        "Indexed" => indexed(spec, at, problems),
        "NonIndexed" | "" => {
            for field in ["backoffLimitPerIndex", "maxFailedIndexes"].into_iter().filter(|field| spec.has(field)) {
                problems.invalid(&at.child(field), spec.at(field).clone(), "requires indexed completion mode");
            }
        }
        _ => {}
    }
}

fn indexed(spec: &Value, at: &At, problems: &mut Problems) {
    let (parallelism, failed) = (spec.int("parallelism"), spec.int("maxFailedIndexes"));
    let completions = spec.at("completions").as_i64();
    let most = |field: &str, value: i64, most: i64, why: &str, problems: &mut Problems| {
        if value > most {
            problems.invalid(&at.child(field), value, format!("must be less than or equal to {most}{why}"));
        }
    };
    if completions.is_none() {
        problems.required(&at.child("completions"), "when completion mode is Indexed");
    }
    most("parallelism", parallelism, 100_000, " when completion mode is Indexed", problems);
    if completions.is_some_and(|completions| failed > completions) {
        problems.invalid(&at.child("maxFailedIndexes"), failed, "must be less than or equal to completions");
    }
    most("maxFailedIndexes", failed, 100_000, "", problems);
    if completions.is_some_and(|completions| completions > 100_000) && spec.has("backoffLimitPerIndex") {
        if !spec.has("maxFailedIndexes") {
            problems.required(&at.child("maxFailedIndexes"), "must be specified when completions is above 100000");
        }
        let why = " when completions are above 100000 and used with backoff limit per index";
        most("parallelism", parallelism, 10_000, why, problems);
        most("maxFailedIndexes", failed, 10_000, why, problems);
    }
}

/// Words in the form in which a required field names them: `["Ignore" "Count"]`.
fn values(known: &[&str]) -> String {
    let quoted: Vec<String> = known.iter().map(|word| format!("{word:?}")).collect();
    format!("valid values: [{}]", quoted.join(" "))
}

fn word(value: &str, known: &[&str], at: &At, problems: &mut Problems) {
    if value.is_empty() {
        problems.required(at, &values(known));
    } else if !known.contains(&value) {
        problems.unsupported(at, value, known);
    }
}

fn failure_policy(spec: &Value, at: &At, problems: &mut Problems) {
    let rules = spec.list("podFailurePolicy/rules");
    if rules.len() > 20 {
        problems.too_many(&at.child("rules"), rules.len(), 20);
    }
    let containers = spec.list("template/spec/containers").iter().chain(spec.list("template/spec/initContainers"));
    let containers: BTreeSet<&str> = containers.map(|container| container.str("name")).collect();
    for (index, rule) in rules.iter().enumerate() {
        let at = at.child("rules").index(index);
        if rule.str("action") == "FailIndex" {
            if !spec.has("backoffLimitPerIndex") {
                problems.invalid(&at.child("action"), "FailIndex", "requires the backoffLimitPerIndex to be set");
            }
        } else {
            let known = ["Count", "FailIndex", "FailJob", "Ignore"];
            word(rule.str("action"), &known, &at.child("action"), problems);
        }
        let (codes, conditions) = (rule.at("onExitCodes"), rule.list("onPodConditions"));
        if !codes.is_null() {
            exit_codes(codes, &containers, &at.child("onExitCodes"), problems);
        }
        for (index, pattern) in conditions.iter().enumerate() {
            let (at, kind) = (at.child("onPodConditions").index(index), pattern.str("type"));
            problems.all_invalid(&at.child("type"), &kind.into(), text::qualified_name(kind));
            word(pattern.str("status"), &["False", "True", "Unknown"], &at.child("status"), problems);
        }
        match (!codes.is_null(), !conditions.is_empty()) {
            (true, true) => {
                problems.invalid_whole(&at, "specifying both OnExitCodes and OnPodConditions is not supported");
            }
            (false, false) => {
                problems.invalid_whole(&at, "specifying one of OnExitCodes and OnPodConditions is required");
            }
            _ => {}
        }
    }
}

fn exit_codes(codes: &Value, containers: &BTreeSet<&str>, at: &At, problems: &mut Problems) {
    word(codes.str("operator"), &["In", "NotIn"], &at.child("operator"), problems);
    if let Some(name) = codes.at("containerName").as_str().filter(|name| !containers.contains(name)) {
        let detail = "must be one of the container or initContainer names in the pod template";
        problems.invalid(&at.child("containerName"), name, detail);
    }
    let (list, at) = (codes.list("values"), at.child("values"));
    if list.is_empty() {
        problems.invalid(&at, codes.at("values").clone(), "at least one value is required");
    } else if list.len() > 255 {
        problems.too_many(&at, list.len(), 255);
    }
    let numbers: Vec<i64> = list.iter().filter_map(Value::as_i64).collect();
    for (index, number) in numbers.iter().enumerate() {
        if *number == 0 && codes.str("operator") == "In" {
            problems.invalid(&at.index(index), 0, "must not be 0 for the In operator");
        }
        if numbers[..index].contains(number) {
            problems.duplicate(&at.index(index), *number);
        }
    }
    if !numbers.is_sorted() {
        problems.invalid(&at, list.to_vec(), "must be ordered");
    }
}

fn success_policy(spec: &Value, at: &At, problems: &mut Problems) {
    let policy = spec.at("successPolicy");
    if policy.is_null() {
        return;
    }
    if spec.str("completionMode") != "Indexed" {
        return problems.invalid(at, policy.clone(), "requires indexed completion mode");
    }
    let rules = policy.list("rules");
    if rules.is_empty() {
        let detail = "at least one rules must be specified when the successPolicy is specified";
        problems.required(&at.child("rules"), detail);
    }
    if rules.len() > 20 {
        problems.too_many(&at.child("rules"), rules.len(), 20);
    }
    let completions = spec.int("completions");
    for (index, rule) in rules.iter().enumerate() {
        let at = at.child("rules").index(index);
        if !rule.has("succeededCount") && !rule.has("succeededIndexes") {
            problems.required(&at, "at least one of succeededCount or succeededIndexes must be specified");
        }
        problems.not_negative(&at.child("succeededCount"), rule.at("succeededCount"));
        if rule.int("succeededCount") > completions {
            let detail = format!("must be less than or equal to {completions} (the number of specified completions)");
            problems.invalid(&at.child("succeededCount"), rule.int("succeededCount"), detail);
        }
    }
}

pub(super) fn update(old: &Value, new: &Value, problems: &mut Problems) {
    job(new, problems);
    let (at, before, after) = (At::new("spec"), old.at("spec"), new.at("spec"));
    if after.str("completionMode") != "Indexed" {
        problems.immutable(&at.child("completions"), before.at("completions"), after.at("completions"));
    } else if after.has("completions")
        && before.at("completions") != after.at("completions")
        && after.at("completions") != after.at("parallelism")
    {
        let detail = "can only be modified in tandem with spec.parallelism";
        problems.invalid(&at.child("completions"), after.at("completions").clone(), detail);
    }
    problems.immutable(&at.child("selector"), before.at("selector"), after.at("selector"));
    template(old, new, &at, problems);
    for field in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
        problems.immutable(&at.child(field), before.at(field), after.at(field));
    }
}

/// A suspended Job's pods may still be sent elsewhere and get other resources.
fn template(old: &Value, new: &Value, at: &At, problems: &mut Problems) {
    let suspended = old.flag("spec/suspend");
    let resting = !old.has("status/startTime") || old.condition("Suspended") == "True";
    let open = suspended && resting && old.int("status/active") == 0;
    let (mut before, after) = (old.at("spec/template").clone(), new.at("spec/template"));
    if !open {
        return problems.immutable(&at.child("template"), &before, after);
    }
    let mut take = |path: &str| match after.at(path) {
        Value::Null => drop(before.cut(path)),
        value => before.put(path, value.clone()),
    };
    for path in
        ["spec/nodeSelector", "spec/tolerations", "spec/schedulingGates", "metadata/annotations", "metadata/labels"]
    {
        take(path);
    }
    if after.has("spec/affinity/nodeAffinity") {
        take("spec/affinity/nodeAffinity");
    } else {
        before.cut("spec/affinity/nodeAffinity");
        if !after.has("spec/affinity") && before.map("spec/affinity").is_some_and(serde_json::Map::is_empty) {
            before.cut("spec/affinity");
        }
    }
    for list in ["containers", "initContainers"] {
        let others = after.at("spec").list(list);
        let mine = before.items(&format!("spec/{list}"));
        if mine.len() == others.len() {
            for (one, other) in mine.iter_mut().zip(others).filter(|(one, other)| one.str("name") == other.str("name"))
            {
                match other.at("resources") {
                    Value::Null => drop(one.cut("resources")),
                    resources => one.put("resources", resources.clone()),
                }
            }
        }
    }
    problems.immutable(&at.child("template.spec"), before.at("spec"), after.at("spec"));
}

pub(super) fn status(old: &Value, new: &Value, problems: &mut Problems) {
    let (at, status) = (At::new("status"), new.at("status"));
    for field in ["active", "succeeded", "failed", "ready", "terminating"] {
        problems.not_negative(&at.child(field), status.at(field));
    }
    let is = |object: &Value, condition: &str| object.condition(condition) == "True";
    let changed = |condition: &str| is(old, condition) != is(new, condition);
    let finished = is(new, "Complete") || is(new, "Failed");
    let conditions = at.child("conditions");
    let mut say = |wrong: bool, detail: &str| {
        if wrong {
            problems.invalid_whole(&conditions, detail);
        }
    };
    let complete = is(new, "Complete");
    say(complete && is(new, "Failed"), "cannot set Complete=True and Failed=true conditions");
    say(complete && is(new, "FailureTarget"), "cannot set Complete=True and FailureTarget=true conditions");
    let failing = changed("Failed") && is(new, "Failed") && !is(new, "FailureTarget");
    say(failing, "cannot set Failed=True condition without the FailureTarget=true condition");
    let ending = (changed("Complete") || changed("SuccessCriteriaMet")) && complete && !is(new, "SuccessCriteriaMet");
    say(ending, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
    for condition in ["Failed", "Complete", "FailureTarget"] {
        let detail = format!("cannot disable the terminal {condition}=True condition");
        say(is(old, condition) && !is(new, condition), &detail);
    }
    if finished && status.int("active") > 0 {
        problems.invalid(&at.child("active"), status.int("active"), "active>0 is invalid for finished job");
    }
    if finished && !status.has("startTime") {
        problems.required(&at.child("startTime"), "startTime is required for finished job");
    }
    if status.int("ready") > status.int("active") {
        problems.invalid(&at.child("ready"), status.int("ready"), "cannot set more ready pods than active");
    }
    if complete && !status.has("completionTime") {
        problems.required(&at.child("completionTime"), "completionTime is required for Complete jobs");
    }
    if !complete && status.has("completionTime") {
        let detail = "cannot set completionTime when there is no Complete=True condition";
        problems.invalid(&at.child("completionTime"), status.at("completionTime").clone(), detail);
    }
    for field in ["failed", "succeeded"].into_iter().filter(|field| status.int(field) < old.at("status").int(field)) {
        problems.invalid(&at.child(field), status.int(field), format!("cannot decrease the {field} counter"));
    }
}

pub(super) fn cron_job(old: Option<&Value>, object: &Value, problems: &mut Problems) {
    let (spec, at) = (object.at("spec"), At::new("spec"));
    let before = old.map_or(&Value::Null, |old| old.at("spec"));
    schedule::check(spec, before, &at, problems);
    for field in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        problems.not_negative(&at.child(field), spec.at(field));
    }
    match spec.str("concurrencyPolicy") {
        "" => problems.required(&at.child("concurrencyPolicy"), ""),
        "Allow" | "Forbid" | "Replace" => {}
        other => problems.unsupported(&at.child("concurrencyPolicy"), other, &["Allow", "Forbid", "Replace"]),
    }
    let (job, job_at) = (spec.at("jobTemplate/spec"), at.child("jobTemplate.spec"));
    inner(job, &job_at, problems);
    if job.has("selector") {
        let selector = job.at("selector").clone();
        problems.invalid(&job_at.child("selector"), selector, "`selector` will be auto-generated");
    }
    if job.flag("manualSelector") {
        problems.unsupported(&job_at.child("manualSelector"), "true", &["nil", "false"]);
    }
    if old.is_none() && object.name().len() > 52 {
        problems.invalid(&At::new("metadata.name"), object.name(), "must be no more than 52 characters");
    }
}

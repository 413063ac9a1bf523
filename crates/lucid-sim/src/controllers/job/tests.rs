//! Jobs in a world without a client.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::controllers::testing::{Stage, conditions};
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::world::delete::{DeleteOptions, Propagation};

fn job(spec: Value) -> Value {
    let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"}, "spec": {"template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "app", "image": "migrate:1"}]}}}});
    for (field, value) in spec.as_object().into_iter().flatten() {
        job.put(&format!("spec/{field}"), value.clone());
    }
    job
}

fn migrate(stage: &Stage) -> Arc<Value> {
    stage.get(Table::JOBS, "migrate")
}

fn crashing() -> Value {
    json!({"behaviours": [{"start": 0, "then": {"crash": {"after": 1}}}]})
}

#[test]
fn a_job_completes() {
    let mut stage = Stage::new(json!({}));
    stage.create(job(json!({})));
    stage.until("complete", 10, |s| migrate(s).condition("Complete") == "True");
    let job = migrate(&stage);
    assert_eq!(conditions(&job), ["SuccessCriteriaMet=True CompletionsReached", "Complete=True CompletionsReached"]);
    assert_eq!((job.int("status/succeeded"), job.int("status/ready"), job.has("status/active")), (1, 0, false));
    assert!(job.has("status/startTime") && job.has("status/completionTime"));
    let events = stage.events("migrate");
    assert_eq!(events.last().unwrap(), "Normal Completed: Job completed");
    assert!(stage.list(Table::PODS)[0].list("metadata/finalizers").is_empty());
}

#[test]
fn failures_are_retried_up_to_the_limit() {
    let mut stage = Stage::new(crashing());
    stage.create(job(json!({"backoffLimit": 2})));
    let took = stage.until("failed", 60, |s| migrate(s).condition("Failed") == "True");
    // Three attempts of about a second and a half, 10 and 20 seconds between them.
    assert!((30..=40).contains(&took), "{took}");
    let job = migrate(&stage);
    assert_eq!(conditions(&job), ["FailureTarget=True BackoffLimitExceeded", "Failed=True BackoffLimitExceeded"]);
    assert_eq!((job.int("status/failed"), stage.names(Table::PODS).len()), (3, 3));
    let text = "Warning BackoffLimitExceeded: Job has reached the specified backoff limit";
    assert!(stage.events("migrate").contains(&text.to_owned()));
}

#[test]
fn restarts_in_place_count_too() {
    let mut stage = Stage::new(crashing());
    let mut job = job(json!({"backoffLimit": 1}));
    job.put("spec/template/spec/restartPolicy", "OnFailure");
    stage.create(job);
    stage.until("failed", 60, |s| migrate(s).condition("Failed") == "True");
    stage.advance(5);
    assert!(stage.names(Table::PODS).is_empty());
}

#[test]
fn a_deadline_ends_what_runs() {
    let mut stage = Stage::new(json!({"behaviours": [{"then": {"hang": {"after": 0}}}]}));
    stage.create(job(json!({"activeDeadlineSeconds": 20})));
    let took = stage.until("announced", 30, |s| migrate(s).condition("FailureTarget") == "True");
    assert!((19..=21).contains(&took), "{took}");
    assert_eq!(migrate(&stage).condition("Failed"), "");
    stage.until("failed", 40, |s| migrate(s).condition("Failed") == "True");
    assert_eq!(conditions(&migrate(&stage))[1], "Failed=True DeadlineExceeded");
}

#[test]
fn completions_run_as_parallel_as_allowed() {
    let mut stage = Stage::new(json!({}));
    stage.create(job(json!({"completions": 5, "parallelism": 2, "completionMode": "Indexed"})));
    stage.until("complete", 30, |s| {
        assert!(migrate(s).int("status/active") <= 2);
        migrate(s).condition("Complete") == "True"
    });
    let job = migrate(&stage);
    assert_eq!((job.int("status/succeeded"), job.str("status/completedIndexes")), (5, "0-4"));
}

#[test]
fn a_finished_job_expires() {
    let mut stage = Stage::new(json!({}));
    stage.create(job(json!({"ttlSecondsAfterFinished": 30})));
    stage.until("complete", 10, |s| migrate(s).condition("Complete") == "True");
    stage.advance(25);
    assert_eq!(stage.names(Table::JOBS), ["migrate"]);
    stage.advance(10);
    assert!(stage.names(Table::JOBS).is_empty() && stage.names(Table::PODS).is_empty());
}

#[test]
fn a_suspended_job_has_no_pods() {
    let mut stage = Stage::new(json!({"behaviours": [{"then": {"complete": {"after": 20}}}]}));
    stage.create(job(json!({"suspend": true})));
    stage.advance(5);
    assert!(stage.names(Table::PODS).is_empty());
    assert_eq!(conditions(&migrate(&stage)), ["Suspended=True JobSuspended"]);
    stage.edit(Table::JOBS, "migrate", |job| job.put("spec/suspend", false));
    stage.advance(5);
    assert_eq!(conditions(&migrate(&stage)), ["Suspended=False JobResumed"]);
    assert_eq!(migrate(&stage).int("status/active"), 1);
    stage.edit(Table::JOBS, "migrate", |job| job.put("spec/suspend", true));
    stage.until("stopped", 10, |s| s.names(Table::PODS).is_empty());
}

#[test]
fn a_deleted_job_takes_its_pods_along() {
    let mut stage = Stage::new(json!({"behaviours": [{"then": {"complete": {"after": 100}}}]}));
    stage.create(job(json!({})));
    stage.advance(5);
    let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
    stage.delete(Table::JOBS, "migrate", &options);
    stage.until("gone", 10, |s| s.names(Table::PODS).is_empty());
}

#[test]
fn an_index_fails_for_itself() {
    let mut stage = Stage::new(crashing());
    stage.create(job(
        json!({"completions": 2, "parallelism": 2, "completionMode": "Indexed", "backoffLimitPerIndex": 0}),
    ));
    stage.until("failed", 60, |s| migrate(s).condition("Failed") == "True");
    let job = migrate(&stage);
    assert_eq!(conditions(&job), ["FailureTarget=True FailedIndexes", "Failed=True FailedIndexes"]);
    assert_eq!((job.str("status/failedIndexes"), stage.names(Table::PODS).len()), ("0,1", 2));
}

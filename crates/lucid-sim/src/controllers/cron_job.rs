//! CronJobs: a Job at each moment of the schedule, and a history of so many.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::store::Key;
use crate::time;
use crate::world::delete::{DeleteOptions, Propagation};
use crate::world::{By, World};

use super::cron::Schedule;
use super::{conditions, owners};

const MANAGER: &str = "kube-controller-manager";
const COMPONENT: &str = "cronjob-controller";

pub(crate) fn reconcile(world: &mut World, key: &Key) -> Option<Duration> {
    let cron = world.get(Table::CRON_JOBS, &key.namespace, &key.name)?;
    let jobs = world.store.owned_in(Table::JOBS, cron.uid());
    note_finished(world, &cron, &jobs);
    clean(world, &cron, &jobs);
    let cron = world.get(Table::CRON_JOBS, &key.namespace, &key.name)?;
    if cron.is_deleting() || cron.flag("spec/suspend") {
        return None;
    }
    let Some(schedule) = Schedule::parse(cron.str("spec/schedule")) else {
        let message = format!("unparseable schedule: {}", cron.str("spec/schedule"));
        world.warning(COMPONENT, &cron, "UnparseableSchedule", &message);
        return None;
    };
    let now = world.seconds();
    if let Some(due) = due(&cron, &schedule, now) {
        run(world, &cron, &jobs, due);
    }
    let next = schedule.next(now)?;
    Some(Duration::from_secs(u64::try_from(next - now).unwrap_or(0)))
}

/// The latest moment that has passed since the last one, if it is not too late for it.
fn due(cron: &Value, schedule: &Schedule, now: i64) -> Option<i64> {
    let last = time::parse_seconds(cron.str("status/lastScheduleTime"));
    let created = time::parse_seconds(cron.str("metadata/creationTimestamp"));
    let from = last.or(created)?;
    let mut due = schedule.next(from).filter(|at| *at <= now)?;
    while let Some(next) = schedule.next(due).filter(|at| *at <= now) {
        due = next;
    }
    let limit = cron.at("spec/startingDeadlineSeconds").as_i64();
    limit.is_none_or(|limit| due + limit >= now).then_some(due)
}

fn is_finished(job: &Value) -> bool {
    conditions::is_true(job, "Complete") || conditions::is_true(job, "Failed")
}

fn run(world: &mut World, cron: &Value, jobs: &[Arc<Value>], due: i64) {
    let active: Vec<&Arc<Value>> = jobs.iter().filter(|job| !is_finished(job)).collect();
    match cron.str("spec/concurrencyPolicy") {
        "Forbid" if !active.is_empty() => {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
            world.normal(COMPONENT, cron, "JobAlreadyActive", message);
            return;
        }
        "Replace" => active.iter().for_each(|job| delete(world, cron, job)),
        _ => {}
    }
    let name = format!("{}-{}", cron.name(), due / 60);
    let template = cron.at("spec/jobTemplate");
    let mut job =
        json!({"metadata": {"name": name, "ownerReferences": [owners::reference(cron)]}, "spec": template.at("spec")});
    for field in ["labels", "annotations"] {
        let path = format!("metadata/{field}");
        if template.has(&path) {
            job.put(&path, template.at(&path).clone());
        }
    }
    job.annotate("batch.kubernetes.io/cronjob-scheduled-timestamp", &time::format_seconds(due));
    let made = match world.make(Table::JOBS, cron.namespace(), job, MANAGER) {
        Ok(made) => made,
        Err(error) if error.reason == "AlreadyExists" => return,
        Err(error) => {
            return world.warning(COMPONENT, cron, "FailedCreate", &format!("Error creating job: {}", error.message));
        }
    };
    world.normal(COMPONENT, cron, "SuccessfulCreate", &format!("Created job {name}"));
    world.edit(Table::CRON_JOBS, cron.namespace(), cron.name(), By::status(MANAGER), |cron| {
        cron.put("status/lastScheduleTime", time::format_seconds(due));
        let mut active = cron.list("status/active").to_vec();
        active.push(reference(&made));
        cron.put("status/active", active);
    });
}

fn reference(job: &Value) -> Value {
    json!({"kind": "Job", "apiVersion": "batch/v1", "namespace": job.namespace(), "name": job.name(), "uid": job.uid(),
        "resourceVersion": job.str("metadata/resourceVersion")})
}

/// Takes ended Jobs off the list of active ones.
fn note_finished(world: &mut World, cron: &Value, jobs: &[Arc<Value>]) {
    let running = |reference: &Value| jobs.iter().any(|job| job.uid() == reference.str("uid") && !is_finished(job));
    let (kept, over): (Vec<Value>, Vec<Value>) = cron.list("status/active").iter().cloned().partition(running);
    if over.is_empty() {
        return;
    }
    let ended: Vec<&Arc<Value>> =
        jobs.iter().filter(|job| over.iter().any(|one| one.str("uid") == job.uid())).collect();
    for job in &ended {
        let how = if conditions::is_true(job, "Complete") { "Complete" } else { "Failed" };
        world.normal(
            COMPONENT,
            cron,
            "SawCompletedJob",
            &format!("Saw completed job: {}, condition: {how}", job.name()),
        );
    }
    let success = ended.iter().map(|job| job.str("status/completionTime").to_owned()).filter(|at| !at.is_empty()).max();
    world.edit(Table::CRON_JOBS, cron.namespace(), cron.name(), By::status(MANAGER), |cron| {
        match kept.is_empty() {
            true => drop(cron.cut("status/active")),
            false => cron.put("status/active", kept),
        }
        if let Some(success) = success {
            cron.put("status/lastSuccessfulTime", success);
        }
    });
}

/// Keeps the newest ended Jobs, so many of each kind.
fn clean(world: &mut World, cron: &Value, jobs: &[Arc<Value>]) {
    let limits = [("Complete", "spec/successfulJobsHistoryLimit", 3), ("Failed", "spec/failedJobsHistoryLimit", 1)];
    for (condition, field, default) in limits {
        let limit = if cron.has(field) { cron.int(field) } else { default };
        let mut ended: Vec<&Arc<Value>> = jobs.iter().filter(|job| conditions::is_true(job, condition)).collect();
        ended.sort_by_key(|job| (job.str("metadata/creationTimestamp").to_owned(), job.name().to_owned()));
        let surplus = ended.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
        ended.into_iter().take(surplus).for_each(|job| delete(world, cron, job));
    }
}

fn delete(world: &mut World, cron: &Value, job: &Value) {
    let kind = world.kinds.stored(Table::JOBS).clone();
    let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
    if world.delete(&kind, job.namespace(), job.name(), &options).is_ok() {
        world.normal(COMPONENT, cron, "SuccessfulDelete", &format!("Deleted job {}", job.name()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::testing::Stage;

    fn nightly(spec: Value) -> Value {
        let mut cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tidy"}, "spec": {
            "schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": {"spec": {
                "restartPolicy": "Never", "containers": [{"name": "app", "image": "tidy:1"}]}}}}}});
        for (field, value) in spec.as_object().into_iter().flatten() {
            cron.put(&format!("spec/{field}"), value.clone());
        }
        cron
    }

    #[test]
    fn jobs_come_on_time_and_leave_a_history() {
        let mut stage = Stage::new(json!({}));
        stage.create(nightly(json!({})));
        stage.advance(290);
        assert!(stage.names(Table::JOBS).is_empty());
        stage.advance(20);
        assert_eq!(stage.names(Table::JOBS).len(), 1);
        stage.advance(30 * 60);
        assert_eq!(stage.names(Table::JOBS).len(), 3);
        let cron = stage.get(Table::CRON_JOBS, "tidy");
        assert_eq!(cron.str("status/lastScheduleTime"), "2026-01-01T00:35:00Z");
        assert!(cron.has("status/lastSuccessfulTime") && !cron.has("status/active"));
    }

    #[test]
    fn an_overlap_can_be_forbidden() {
        let mut stage = Stage::new(json!({"behaviours": [{"then": {"complete": {"after": "8m"}}}]}));
        stage.create(nightly(json!({"concurrencyPolicy": "Forbid"})));
        stage.advance(11 * 60);
        assert_eq!(stage.names(Table::JOBS).len(), 1);
        assert!(stage.events("tidy").iter().any(|event| event.starts_with("Normal JobAlreadyActive")));
    }

    #[test]
    fn a_suspended_one_does_nothing() {
        let mut stage = Stage::new(json!({}));
        stage.create(nightly(json!({"suspend": true})));
        stage.advance(20 * 60);
        assert!(stage.names(Table::JOBS).is_empty());
    }
}

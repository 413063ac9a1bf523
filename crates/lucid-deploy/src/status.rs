//! Where each component stands now: one look, no run.

use std::collections::BTreeSet;

use jiff::Timestamp;
use lucid_client::ApiClient;
use lucid_object::{Finding, Findings, ObjectSet};
use lucid_plan::{Input, Plan, Selection, build, scope};
use lucid_release::{ReleaseFile, RunRecord};
use lucid_status::{Class, Cluster, Since, Status, diagnose, readiness};

use crate::cache::Cache;
use crate::deploy::Refusal;
use crate::store;
use crate::survey::{self, Survey, Wish};

/// The state of a release.
#[derive(Debug, Clone)]
pub struct StatusReport {
    pub components: Vec<ComponentStatus>,
    pub last_run: Option<RunRecord>,
}

/// The state of one component.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentStatus {
    pub name: String,
    pub phase: Option<String>,
    pub status: Status,
    /// What its workloads say: "3 of 3 ready".
    pub message: String,
    pub workloads: Vec<WorkloadStatus>,
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadStatus {
    pub object: String,
    pub desired: i64,
    pub ready: i64,
    pub image: String,
}

/// What status looks at, kept so that it can be followed.
pub struct Watcher {
    pub survey: Survey,
    pub wishes: Vec<Wish>,
    plan: Plan,
    last_run: Option<RunRecord>,
}

/// Looks at the cluster once.
///
/// # Errors
/// When it does not answer or does not let us look.
pub async fn status(client: &ApiClient, release: &ReleaseFile, mut objects: ObjectSet) -> Result<Watcher, Refusal> {
    let mut server = survey::ask_server(client).await?;
    server.resources.define(&objects);
    let namespace = &release.spec.namespace;
    let misplaced = scope::place(&mut objects, namespace, &server.resources);
    if !misplaced.is_empty() {
        return Err(Refusal::Cluster(Findings(misplaced)));
    }
    let stored = store::load(client, namespace, release.name()).await?;
    let wishes = survey::wishes(&objects, &[], &server.resources);
    let survey = survey::look(client, &wishes).await?;
    let plan = build(&Input {
        release,
        objects: &objects,
        resources: &server.resources,
        live: &|reference| survey.cache.find(reference),
        inventory: &[],
        selection: Selection::All,
        epoch: None,
        take_ownership: true,
        restart_readers: false,
        given_back: &BTreeSet::new(),
    })
    .map_err(Refusal::Manifests)?;
    Ok(Watcher { survey, wishes, plan, last_run: stored.record.runs.last().cloned() })
}

impl Watcher {
    pub fn report(&self, now: Timestamp) -> StatusReport {
        let lanes = self.plan.lanes.iter().filter(|lane| !lane.is_shared());
        let components = lanes.map(|lane| component(lane, &self.survey.cache, now)).collect();
        StatusReport { components, last_run: self.last_run.clone() }
    }
}

fn component(lane: &lucid_plan::Lane, cache: &Cache, now: Timestamp) -> ComponentStatus {
    let mut worst = (Status::Current, String::new());
    let (mut findings, mut workloads) = (Vec::new(), Vec::new());
    for operation in &lane.operations {
        let Some(live) = cache.get(&operation.object) else {
            worst = (Status::NotFound, format!("{} is not there", operation.object.short()));
            continue;
        };
        workloads.extend(workload(&operation.object.short(), live));
        if !operation.is_watched {
            continue;
        }
        let verdict = readiness(live, &Since::default(), cache, now);
        if verdict.status == Status::Current {
            if worst.0 == Status::Current {
                worst.1 = verdict.message;
            }
            continue;
        }
        worst = (verdict.status, verdict.message);
        let causes = diagnose(live, &Since::default(), cache, now).into_iter();
        findings.extend(
            causes
                .filter(|cause| !matches!(cause.class, Class::Symptom | Class::Advice))
                .map(|cause| cause.finding)
                .take(3),
        );
    }
    ComponentStatus {
        name: lane.name.clone(),
        phase: lane.phase.clone(),
        status: worst.0,
        message: worst.1,
        workloads,
        findings,
    }
}

fn workload(object: &str, live: &serde_json::Value) -> Option<WorkloadStatus> {
    let number = |pointer: &str| live.pointer(pointer).and_then(serde_json::Value::as_i64);
    let image = live.pointer("/spec/template/spec/containers/0/image")?.as_str()?.to_owned();
    let desired = number("/spec/replicas").or_else(|| number("/status/desiredNumberScheduled")).unwrap_or(1);
    let ready = number("/status/readyReplicas")
        .or_else(|| number("/status/numberReady"))
        .or_else(|| number("/status/succeeded"));
    Some(WorkloadStatus { object: object.to_owned(), desired, ready: ready.unwrap_or(0), image })
}

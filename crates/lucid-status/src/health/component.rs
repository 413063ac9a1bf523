//! One component: its objects, its endpoints, its pods.

use serde_json::Value;

use super::areas::{certificate, usage};
use super::facts::{Answer, Endpoint, Look, Part, Subject};
use super::report::{Area, Check, State, Usage};
use super::view::{View, desired, ready, state_of};
use crate::diagnosis::{Class, Diagnosis};
use crate::read::{count, items};
use crate::readiness::readiness;
use crate::verdict::Status;

/// A check with what is known of its causes.
pub(super) struct Found {
    pub(super) check: Check,
    pub(super) diagnoses: Vec<Diagnosis>,
}

/// Pods of a component, and what they use.
#[derive(Default)]
pub(super) struct Pods {
    pub(super) ready: i64,
    pub(super) desired: i64,
    pub(super) restarts: i64,
    pub(super) usage: Option<Usage>,
}

/// What is checked of the component beside the objects that an area judges.
pub(super) fn checks(subject: &Subject, view: &View<'_>) -> (Vec<Found>, Pods) {
    let mut found = Vec::new();
    let mut plain = Vec::new();
    for part in &subject.parts {
        let is_in_area = Look::area_of(&part.object.group, &part.object.kind).is_some();
        match view.facts.cluster.get(&part.object) {
            None => found.push(absent(subject, part, view)),
            Some(_) if is_in_area => {}
            Some(live) if part.is_watched => found.push(workload(subject, part, live, view)),
            Some(live) => match view.diagnose(live) {
                nothing if nothing.is_empty() => plain.push(part),
                diagnoses => found.push(troubled(subject, part, diagnoses, view)),
            },
        }
    }
    if let Some(first) = plain.first() {
        let took = view.facts.coverage.took(&first.object.group, &first.object.kind);
        let words =
            if plain.len() == 1 { "1 object is there".into() } else { format!("{} objects are there", plain.len()) };
        found.push(fine(subject, Area::Objects, "objects".into(), words, took));
    }
    let is_down = found.iter().any(|found| found.check.state == State::Failed);
    found.extend(subject.endpoints.iter().map(|endpoint| asked(subject, endpoint, is_down, view)));
    let (pods, usage) = pods(subject, view);
    found.extend(usage);
    (found, pods)
}

fn fine(subject: &Subject, area: Area, name: String, message: String, took_ms: u64) -> Found {
    let component = Some(subject.name.clone()).filter(|_| !subject.is_shared);
    let check = Check { name, area, component, object: None, state: State::Ok, message, took_ms, findings: Vec::new() };
    Found { check, diagnoses: Vec::new() }
}

fn area_of(part: &Part) -> Area {
    let own = if part.is_watched { Area::Workloads } else { Area::Objects };
    Look::area_of(&part.object.group, &part.object.kind).unwrap_or(own)
}

/// Something that only has to be there, and has a trouble of its own: it is held by a finalizer, or suspended.
fn troubled(subject: &Subject, part: &Part, diagnoses: Vec<Diagnosis>, view: &View<'_>) -> Found {
    let object = &part.object;
    let words = diagnoses[0].finding.message.clone();
    let took = view.facts.coverage.took(&object.group, &object.kind);
    let mut found = fine(subject, Area::Objects, object.short().replace('/', " "), words, took);
    found.check.object = Some(object.clone());
    found.check.state = diagnoses.iter().map(state_of).max().unwrap_or_default();
    found.diagnoses = diagnoses;
    found
}

/// Not there, or not to be seen: two very different things.
fn absent(subject: &Subject, part: &Part, view: &View<'_>) -> Found {
    let object = &part.object;
    let unseen = view.facts.coverage.why_not(&object.group, &object.kind, object.namespace.as_deref());
    let mut found = fine(subject, area_of(part), object.short().replace('/', " "), String::new(), 0);
    found.check.object = Some(object.clone());
    match unseen {
        Some(unseen) => {
            found.check.state = State::Unknown;
            found.check.message = format!("could not be looked at: {}", unseen.reason);
        }
        None => {
            found.check.state = State::Failed;
            found.check.message = "is not there".into();
            let message = format!("{object} is not in the cluster");
            found.diagnoses.push(Diagnosis::new(9025, object.clone(), message));
        }
    }
    found
}

fn workload(subject: &Subject, part: &Part, live: &Value, view: &View<'_>) -> Found {
    let object = &part.object;
    let verdict = readiness(live, &view.since, view.facts.cluster, view.facts.now);
    let mut diagnoses = view.diagnose(live);
    if verdict.status == Status::Current {
        // Whatever a cause could be of, it is not there.
        diagnoses.retain(|diagnosis| diagnosis.class == Class::Advice);
    }
    let state = match verdict.status {
        Status::Current => diagnoses.iter().map(state_of).max().unwrap_or_default(),
        Status::Unknown => State::Unknown,
        // Some of it serves while the rest comes.
        Status::InProgress if ready(live) > 0 || desired(live) == 0 => State::Warning,
        Status::InProgress | Status::Failed | Status::Terminating | Status::NotFound => State::Failed,
    };
    let took = view.facts.coverage.took(&object.group, &object.kind);
    let mut found = fine(subject, Area::Workloads, object.short().replace('/', " "), verdict.message, took);
    found.check.object = Some(object.clone());
    found.check.state = state;
    if let (Status::Current, Some(advice)) =
        (verdict.status, diagnoses.iter().find(|found| state_of(found) > State::Ok))
    {
        found.check.message = format!("{}; {}", found.check.message, advice.finding.message);
    }
    if state == State::Failed && !diagnoses.iter().any(Diagnosis::is_cause) {
        let message = format!("{object} is {}: {}", verdict.status, found.check.message);
        diagnoses.push(Diagnosis::new(9012, object.clone(), message));
    }
    found.diagnoses = diagnoses;
    found
}

fn asked(subject: &Subject, endpoint: &Endpoint, is_down: bool, view: &View<'_>) -> Found {
    let mut found = fine(subject, Area::Endpoints, endpoint.name.clone(), String::new(), endpoint.took_ms);
    match &endpoint.answer {
        Answer::Answers(how) => found.check.message.clone_from(how),
        Answer::NotAsked(why) => {
            found.check.state = State::Unknown;
            found.check.message.clone_from(why);
        }
        Answer::Wrong(finding) => {
            found.check.state = State::Failed;
            found.check.message.clone_from(&finding.message);
            let diagnosis = Diagnosis::of((**finding).clone());
            // Nobody was there to be asked, and why that is has been said.
            let is_symptom = is_down && finding.object.is_none();
            found.diagnoses.push(if is_symptom { diagnosis.class(Class::Symptom) } else { diagnosis });
        }
    }
    if let Some((served, part)) = endpoint.served.as_ref().zip(subject.parts.iter().find(|part| part.is_watched)) {
        let troubles = certificate::of_served(served, &part.object, view.facts.now);
        if let Some(worst) = troubles.iter().max_by_key(|trouble| state_of(trouble)) {
            found.check.state = found.check.state.max(state_of(worst));
            found.check.message = format!("{}; {}", found.check.message, worst.finding.message);
        }
        found.diagnoses.extend(troubles);
    }
    found
}

fn pods(subject: &Subject, view: &View<'_>) -> (Pods, Option<Found>) {
    let workloads = subject.parts.iter().filter(|part| part.is_watched);
    let live: Vec<&Value> = workloads.filter_map(|part| view.facts.cluster.get(&part.object)).collect();
    let pods: Vec<&Value> = live.iter().flat_map(|workload| view.pods_of(workload)).collect();
    let restarts = |pod: &&Value| {
        items(pod, "/status/containerStatuses").map(|status| count(status, "/restartCount")).sum::<i64>()
    };
    let (usage, near) = usage::of_pods(&pods, view);
    let sums = Pods {
        ready: live.iter().map(|workload| ready(workload)).sum(),
        desired: live.iter().map(|workload| desired(workload)).sum(),
        restarts: pods.iter().map(restarts).sum(),
        usage,
    };
    let Some(of) = usage else { return (sums, None) };
    let took = view.facts.coverage.took("metrics.k8s.io", "PodMetrics");
    let words = format!("{} of {} pods measured", of.pods, pods.len());
    let mut found = fine(subject, Area::Usage, "usage".into(), words, took);
    found.check.state = near.iter().map(state_of).max().unwrap_or_default();
    if let Some(first) = near.first() {
        found.check.message.clone_from(&first.finding.message);
    }
    found.diagnoses = near;
    (sums, Some(found))
}

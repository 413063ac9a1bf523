//! From facts to report: every area judged, every check given to its component, every cause said once.

use std::collections::BTreeMap;

use lucid_object::{Finding, Severity};

use super::areas::judge;
use super::component::{self, Found, Pods};
use super::facts::{Facts, Look, Subject, Tls};
use super::report::{Area, Check, ComponentHealth, HealthReport, State, Summary};
use super::view::{Judged, View};
use crate::cluster::Scene;
use crate::diagnosis::{Class, Diagnosis};
use crate::group::group;

/// The report.
pub fn fold(facts: &Facts<'_>) -> HealthReport {
    let view = View::new(facts);
    let mut ours: BTreeMap<&str, Vec<Found>> = BTreeMap::new();
    let mut free: Vec<Found> = Vec::new();
    for area in Area::ALL.into_iter().filter(|area| !facts.skip.contains(area)) {
        share_out(area, &view, &mut ours, &mut free);
    }
    let mut components = Vec::new();
    let mut all: Vec<Found> = Vec::new();
    for subject in facts.subjects {
        let (mut found, pods) = component::checks(subject, &view);
        found.extend(ours.remove(subject.name.as_str()).unwrap_or_default());
        found.retain(|found| !facts.skip.contains(&found.check.area));
        found.sort_by_key(|found| found.check.area);
        settle(&mut found, &subject.name, &view);
        if subject.is_shared {
            free.extend(found);
        } else if facts.only.is_none_or(|only| only == subject.name) {
            components.push(health_of(subject, pods, &found));
            all.extend(found);
        }
    }
    if let Some(Err(why)) = &facts.since {
        free.push(unknown(Area::Objects, "changes since it was healthy".into(), why));
    }
    if facts.only.is_none() {
        free.sort_by_key(|found| found.check.area);
        settle(&mut free, "", &view);
        all.extend(free);
    }
    let checks = all.iter().filter(|found| found.check.component.is_none()).map(|found| found.check.clone()).collect();
    report(facts, components, checks, &all)
}

fn health_of(subject: &Subject, pods: Pods, found: &[Found]) -> ComponentHealth {
    let worst = found.iter().map(|found| found.check.state).max().unwrap_or_default();
    let speaks = found.iter().find(|found| found.check.state == worst).map(|found| found.check.message.clone());
    ComponentHealth {
        name: subject.name.clone(),
        phase: subject.phase.clone(),
        state: worst,
        message: speaks.unwrap_or_else(|| "has nothing to check".into()),
        ready: pods.ready,
        desired: pods.desired,
        restarts: pods.restarts,
        usage: pods.usage,
        checks: found.iter().map(|found| found.check.clone()).collect(),
    }
}

/// Judged objects go to who owns them; what nobody owns is one check for the whole area.
fn share_out<'a>(area: Area, view: &View<'a>, ours: &mut BTreeMap<&'a str, Vec<Found>>, free: &mut Vec<Found>) {
    let mut foreign = Vec::new();
    for judged in judge(area, view) {
        match view.owner(&judged.object) {
            Some(subject) => ours.entry(&subject.name).or_default().push(single(area, subject, judged, view)),
            None => foreign.push(judged),
        }
    }
    free.extend(together(area, foreign, view));
    free.extend(unseen(area, view));
}

fn single(area: Area, subject: &Subject, judged: Judged, view: &View<'_>) -> Found {
    let Judged { object, state, message, diagnoses } = judged;
    let took_ms = view.facts.coverage.took(&object.group, &object.kind);
    let component = Some(subject.name.clone()).filter(|_| !subject.is_shared);
    let name = object.short().replace('/', " ");
    let check = Check { name, area, component, object: Some(object), state, message, took_ms, findings: Vec::new() };
    Found { check, diagnoses }
}

/// What is not the release's own can warn, but not fail it.
fn together(area: Area, judged: Vec<Judged>, view: &View<'_>) -> Option<Found> {
    let looks = || Look::ALL.iter().filter(move |look| look.area == area);
    let was_listed = view
        .facts
        .coverage
        .listed
        .keys()
        .any(|(group, kind, _)| looks().any(|look| look.group == group && look.kind == kind));
    if judged.is_empty() && !was_listed || matches!(area, Area::Workloads | Area::Usage) {
        return None;
    }
    let bad: Vec<&Judged> = judged.iter().filter(|judged| judged.state > State::Ok).collect();
    let message = match (judged.len(), bad.first()) {
        (0, _) => "nothing beside the components' own".to_owned(),
        (all, None) => format!("{all} checked"),
        (all, Some(first)) => format!("{} of {all}: {}", bad.len(), first.message),
    };
    let state = if bad.is_empty() { State::Ok } else { State::Warning };
    let took_ms = looks().map(|look| view.facts.coverage.took(look.group, look.kind)).max().unwrap_or(0);
    let check = Check {
        name: area.as_str().into(),
        area,
        component: None,
        object: None,
        state,
        message,
        took_ms,
        findings: Vec::new(),
    };
    let diagnoses = judged.into_iter().flat_map(|judged| judged.diagnoses).map(as_warning).collect();
    Some(Found { check, diagnoses })
}

fn as_warning(mut diagnosis: Diagnosis) -> Diagnosis {
    if diagnosis.is_cause() {
        diagnosis = diagnosis.class(Class::Advice);
        diagnosis.finding.severity = Severity::Warning;
    }
    diagnosis
}

/// What this area could not look at, each with its reason.
fn unseen(area: Area, view: &View<'_>) -> Vec<Found> {
    let looks = || Look::ALL.iter().filter(move |look| look.area == area);
    let kinds = view
        .facts
        .coverage
        .unseen
        .iter()
        .filter(|unseen| looks().any(|look| look.group == unseen.group && look.kind == unseen.kind));
    let mut found: Vec<Found> = kinds
        .map(|unseen| {
            let place = unseen.namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
            unknown(area, format!("{}{place}", unseen.kind), &unseen.reason)
        })
        .collect();
    if area == Area::Usage && !view.facts.has_metrics {
        found.push(unknown(area, "usage".into(), "the cluster serves no metrics API (L7005)"));
    }
    if area == Area::Ingresses {
        let secrets = view.facts.certificates.iter();
        found.extend(secrets.filter_map(|(secret, tls)| match tls {
            Tls::Unseen(why) => Some(unknown(area, format!("certificate in {secret}"), why)),
            _ => None,
        }));
        let addresses = view.facts.unreached.iter();
        found.extend(
            addresses.map(|address| unknown(area, format!("served certificate of {}", address.what), &address.reason)),
        );
    }
    found
}

fn unknown(area: Area, name: String, reason: &str) -> Found {
    let message = crate::clean::clean(reason);
    let check = Check {
        name,
        area,
        component: None,
        object: None,
        state: State::Unknown,
        message,
        took_ms: 0,
        findings: Vec::new(),
    };
    Found { check, diagnoses: Vec::new() }
}

/// Completes the diagnoses and hands each check its findings.
fn settle(found: &mut [Found], component: &str, view: &View<'_>) {
    let scene = Scene { cluster: view.facts.cluster, since: &view.since, now: view.facts.now };
    for found in found {
        let diagnoses = std::mem::take(&mut found.diagnoses);
        found.diagnoses = diagnoses
            .into_iter()
            .map(|diagnosis| {
                let mut diagnosis = diagnosis.settled(&scene);
                (view.facts.place)(component, &mut diagnosis.finding);
                diagnosis
            })
            .collect();
        found.check.findings = found.diagnoses.iter().map(|diagnosis| diagnosis.finding.clone()).collect();
    }
}

fn report(facts: &Facts<'_>, components: Vec<ComponentHealth>, checks: Vec<Check>, all: &[Found]) -> HealthReport {
    let failed = || all.iter().filter(|found| found.check.state == State::Failed).flat_map(|found| &found.diagnoses);
    let causes: Vec<Diagnosis> = once(failed().filter(|diagnosis| diagnosis.is_cause()).cloned());
    let is_symptom = |diagnosis: &&Diagnosis| diagnosis.class == Class::Symptom;
    let bad = all.iter().filter(|found| found.check.state > State::Ok).flat_map(|found| &found.diagnoses);
    let symptoms = once(bad.filter(is_symptom).cloned());
    let rest = all.iter().filter(|found| found.check.state != State::Failed).flat_map(|found| &found.diagnoses);
    let advice = failed().filter(|diagnosis| diagnosis.class == Class::Advice);
    let warnings = once(rest.chain(advice).filter(|diagnosis| !is_symptom(diagnosis)).cloned());
    let findings = |diagnoses: Vec<Diagnosis>| -> Vec<Finding> {
        diagnoses.into_iter().map(|diagnosis| diagnosis.finding).collect()
    };
    let summary = Summary::of(all.iter().map(|found| &found.check));
    HealthReport {
        release: facts.release.to_owned(),
        namespace: facts.namespace.to_owned(),
        cluster: facts.cluster_id.map(str::to_owned),
        server_version: facts.server_version.to_owned(),
        checked_at: facts.now,
        took_ms: facts.took_ms,
        state: all.iter().map(|found| found.check.state).max().unwrap_or_default(),
        summary,
        components,
        checks,
        causes: group(&causes),
        symptoms: findings(symptoms),
        warnings: findings(warnings),
        since_healthy: facts.since.as_ref().and_then(|since| since.as_ref().ok()).cloned(),
    }
}

/// Each finding once, in the order given: a pod's fault is seen from its workload and from its Service.
fn once(diagnoses: impl Iterator<Item = Diagnosis>) -> Vec<Diagnosis> {
    let mut kept: Vec<Diagnosis> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for diagnosis in diagnoses {
        let key = (diagnosis.finding.code, diagnosis.finding.object.clone(), diagnosis.finding.message.clone());
        if seen.insert(key) {
            kept.push(diagnosis);
        }
    }
    kept
}

//! Each code: evidence that triggers it, and its nearest neighbour that does not.

use std::collections::BTreeSet;

use lucid_status::{Class, catalogue};
use serde_json::Value;

use crate::world::World;

mod cluster;
mod controllers;
mod image;
mod network;
mod placement;
mod running;
mod start;
mod storage;

/// What proves a code, and what looks much like it.
pub(crate) struct Case {
    pub(crate) code: u16,
    pub(crate) class: Class,
    pub(crate) trigger: World,
    pub(crate) neighbour: World,
}

pub(crate) fn case(code: u16, class: Class, trigger: World, neighbour: World) -> Case {
    Case { code, class, trigger, neighbour }
}

/// A case that differs in the pod only.
pub(crate) fn of_pod(code: u16, class: Class, trigger: Value, neighbour: Value) -> Case {
    case(code, class, crate::world::rollout(trigger), crate::world::rollout(neighbour))
}

pub(crate) fn all() -> Vec<Case> {
    let families = [
        placement::cases(),
        image::cases(),
        start::cases(),
        running::cases(),
        controllers::cases(),
        network::cases(),
        storage::cases(),
        cluster::cases(),
    ];
    families.into_iter().flatten().collect()
}

#[test]
fn every_trigger_is_recognised() {
    for case in all() {
        let found = case.trigger.diagnose();
        let codes: Vec<u16> = found.iter().map(|diagnosis| diagnosis.finding.code.0).collect();
        let Some(index) = codes.iter().position(|code| *code == case.code) else {
            panic!("L{} is not among {codes:?}", case.code);
        };
        assert_eq!(found[index].class, case.class, "L{}: {found:#?}", case.code);
        // What can be a cause is the cause; only what is deeper and proven may stand before it.
        if found[index].is_cause() {
            assert_eq!(index, 0, "L{} comes after {codes:?}: {found:#?}", case.code);
        }
        assert!(found[index].finding.help.is_some(), "L{} says what to do", case.code);
    }
}

#[test]
fn no_neighbour_is_mistaken() {
    for case in all() {
        let codes: Vec<u16> = case.neighbour.diagnose().iter().map(|diagnosis| diagnosis.finding.code.0).collect();
        assert!(!codes.contains(&case.code), "L{} is among the neighbour's {codes:?}", case.code);
    }
}

#[test]
fn fatal_causes_end_the_wait_and_others_do_not() {
    for case in all().into_iter().filter(|case| case.code < 5200 || case.code > 5299) {
        let verdict = case.trigger.readiness();
        let first = case.trigger.diagnose().into_iter().next().unwrap();
        let is_failed = verdict.status == lucid_status::Status::Failed;
        if case.class == Class::FatalNow {
            assert!(is_failed, "L{}: {verdict:?}", case.code);
        }
        if first.class == Class::Wait {
            assert!(!is_failed, "L{}: {verdict:?}", case.code);
        }
    }
}

/// Codes that need eyes that this crate does not have, and who has them.
const ELSEWHERE: [(u16, &str); 11] = [
    (1004, "lucid-plan, which holds discovery against the table of removed APIs"),
    (5015, "the engine, which watches restarts after the component was ready"),
    (5017, "the health report: tests in health.rs"),
    (5208, "the health report: tests in health.rs; lucid-health reads the certificates"),
    (5213, "lucid-plan, which evaluates policies"),
    (6005, "the health report: tests in health.rs; lucid-deploy asks the kubelets"),
    (6009, "the health report: tests in health.rs"),
    (7011, "the health report: tests in health.rs"),
    (7005, "lucid-health, which reads discovery"),
    (7006, "the health report: tests in health.rs"),
    (1024, "lucid-client, which sees Warning headers"),
];

#[test]
fn at_least_a_hundred_codes_have_evidence() {
    let mut proven: BTreeSet<u16> = all().iter().map(|case| case.code).collect();
    proven.extend(crate::admission::all().iter().map(|case| case.code));
    let runtime = catalogue().iter().map(|entry| entry.code.0).filter(|code| *code < 8000);
    let elsewhere = ELSEWHERE.map(|(code, _)| code);
    let missing: Vec<u16> = runtime.filter(|code| !proven.contains(code) && !elsewhere.contains(code)).collect();
    assert_eq!(missing, Vec::<u16>::new(), "codes without evidence");
    assert!(proven.len() >= 100, "{}", proven.len());
}

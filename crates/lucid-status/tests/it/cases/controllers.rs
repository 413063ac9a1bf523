//! L51xx: workloads whose controller is stuck, waits or gave up.

use lucid_status::Class::{Advice, After, FatalNow, Symptom, Wait};
use serde_json::{Value, json};

use super::{Case, case};
use crate::world::{
    World, and, condition, crashing, deployment, object, owned, pod, ready, replica_set, rollout, unscheduled, waiting,
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = deployments();
    cases.extend(stateful_sets());
    cases.extend(jobs());
    cases.extend(advice());
    cases.extend(custom());
    cases
}

fn deployments() -> Vec<Case> {
    let alone = |rest: Value| World::of([deployment(rest)]);
    let progressing = |reason: &str| json!({"status": {"conditions": [condition("Progressing", "False", reason, "ReplicaSet has timed out progressing.")]}});
    let labelled = |label: &str| {
        let own = json!({"spec": {"selector": {"matchLabels": {"app": "api"}}, "template": {"metadata": {"labels": {"app": "api"}}}}});
        let other = json!({"spec": {"selector": {"matchLabels": {"app": label}}}});
        alone(own).with(object("apps/v1", "StatefulSet", "db", other))
    };
    let steady = |seconds: i64| rollout(ready()).but("Deployment", json!({"spec": {"minReadySeconds": seconds}}));
    let rolling = |unavailable: i64| {
        let new = unscheduled("0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.");
        World::of([
            deployment(json!({"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": unavailable}}}})),
            replica_set(3, json!({})),
            replica_set(2, json!({})),
            pod("api-3-a", "ReplicaSet-api-3", new),
            pod("api-2-a", "ReplicaSet-api-2", ready()),
        ])
    };
    vec![
        case(
            5101,
            Symptom,
            alone(progressing("ProgressDeadlineExceeded")),
            alone(progressing("NewReplicaSetAvailable")),
        ),
        case(5102, FatalNow, alone(json!({"spec": {"paused": true}})), alone(json!({"spec": {"paused": false}}))),
        case(5103, After(180), alone(json!({"status": {"observedGeneration": 1}})), alone(json!({}))),
        case(5109, After(120), rolling(0), rolling(1)),
        case(5108, Advice, labelled("api"), labelled("db")),
        case(5116, Wait, steady(120), steady(5)),
    ]
}

fn set(rest: Value) -> Value {
    let base = json!({"spec": {"replicas": 2, "serviceName": "db", "updateStrategy": {"type": "RollingUpdate"}},
        "status": {"observedGeneration": 2, "replicas": 2, "readyReplicas": 1, "currentRevision": "db-1", "updateRevision": "db-2", "updatedReplicas": 0}});
    object("apps/v1", "StatefulSet", "db", and(base, rest))
}

fn member(ordinal: u32, revision: &str, rest: Value) -> Value {
    let labels = json!({"metadata": {"labels": {"controller-revision-hash": revision}}});
    pod(&format!("db-{ordinal}"), "StatefulSet-db", and(labels, rest))
}

fn stateful_sets() -> Vec<Case> {
    let broken = || waiting("ImagePullBackOff", "not found");
    let blocked = |revision: &str, rest: Value| {
        World::of([set(json!({})), member(0, "db-1", ready()), member(1, revision, rest)])
    };
    let ordered = |policy: &str| {
        World::of([
            set(json!({"spec": {"podManagementPolicy": policy}})),
            member(0, "db-2", waiting("ContainerCreating", "")),
        ])
    };
    let service = |name: &str, ip: Value| {
        World::of([set(json!({})), object("v1", "Service", name, json!({"spec": {"clusterIP": ip}}))])
    };
    let on_delete = |kind: &str| {
        World::of([
            set(json!({"spec": {"updateStrategy": {"type": kind}}})),
            member(0, "db-1", ready()),
            member(1, "db-1", ready()),
        ])
    };
    let refused = |reason: &str| {
        World::of([set(json!({}))]).told("StatefulSet", reason, "create Pod db-0 in StatefulSet db failed error: pods \"db-0\" is forbidden: exceeded quota: q, requested: cpu=1, used: cpu=1, limited: cpu=1")
    };
    vec![
        case(5104, FatalNow, blocked("db-1", broken()), blocked("db-2", broken())),
        // Starting is not broken.
        case(
            5104,
            FatalNow,
            blocked("db-1", crashing(3, json!({"exitCode": 1}))),
            blocked("db-1", waiting("ContainerCreating", "")),
        ),
        case(5105, Symptom, ordered("OrderedReady"), ordered("Parallel")),
        case(5106, After(60), service("other", json!("None")), service("db", json!("None"))),
        case(5106, Advice, service("db", json!("10.0.0.5")), service("db", json!("None"))),
        case(5118, Advice, on_delete("OnDelete"), on_delete("RollingUpdate")),
        case(1010, FatalNow, refused("FailedCreate"), refused("SuccessfulDelete")),
    ]
}

fn jobs() -> Vec<Case> {
    let job =
        |rest: Value| World::of([object("batch/v1", "Job", "init", and(json!({"spec": {"completions": 1}}), rest))]);
    let ended = |kind: &str, reason: &str| {
        job(
            json!({"status": {"failed": 4, "conditions": [condition(kind, "True", reason, "Job has reached the specified backoff limit")]}}),
        )
    };
    let cron = |suspend: bool| {
        World::of([object(
            "batch/v1",
            "CronJob",
            "nightly",
            json!({"spec": {"suspend": suspend, "schedule": "0 3 * * *"}}),
        )])
    };
    vec![
        case(5110, FatalNow, ended("Failed", "BackoffLimitExceeded"), ended("Complete", "CompletionsReached")),
        case(
            5110,
            FatalNow,
            ended("FailureTarget", "PodFailurePolicy"),
            ended("SuccessCriteriaMet", "CompletionsReached"),
        ),
        case(5117, Wait, job(json!({"spec": {"suspend": true}})), job(json!({}))),
        case(5111, Advice, cron(true), cron(false)),
        case(
            5111,
            Advice,
            cron(false).told("CronJob", "TooManyMissedTimes", "too many missed start times: 101"),
            cron(false).told("CronJob", "SuccessfulCreate", "Created job nightly-1"),
        ),
    ]
}

fn advice() -> Vec<Case> {
    let hpa = |kind: &str, status: &str, reason: &str| {
        World::of([object(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "api",
            json!({"spec": {"maxReplicas": 5}, "status": {"conditions": [condition(kind, status, reason, "words")]}}),
        )])
    };
    let pdb = |allowed: i64| {
        World::of([object(
            "policy/v1",
            "PodDisruptionBudget",
            "api",
            json!({"status": {"disruptionsAllowed": allowed, "expectedPods": 2, "currentHealthy": 2, "desiredHealthy": 2}}),
        )])
    };
    let none = World::of([object(
        "policy/v1",
        "PodDisruptionBudget",
        "api",
        json!({"status": {"disruptionsAllowed": 0, "expectedPods": 0}}),
    )]);
    vec![
        case(
            5112,
            Advice,
            hpa("ScalingActive", "False", "FailedGetResourceMetric"),
            hpa("ScalingActive", "False", "ScalingDisabled"),
        ),
        case(
            5113,
            Advice,
            hpa("ScalingLimited", "True", "TooManyReplicas"),
            hpa("ScalingLimited", "True", "TooFewReplicas"),
        ),
        case(
            5114,
            Advice,
            hpa("AbleToScale", "False", "FailedGetScale"),
            hpa("AbleToScale", "True", "ReadyForNewScale"),
        ),
        case(5115, Advice, pdb(0), pdb(1)),
        case(5115, Advice, pdb(0), none),
    ]
}

fn custom() -> Vec<Case> {
    let of = |group: &str, kind: &str, condition: Value| {
        World::of([object(
            &format!("{group}/v1"),
            kind,
            "x",
            json!({"status": {"observedGeneration": 2, "conditions": [condition]}}),
        )])
    };
    let database = |kind: &str, status: &str| of("example.com", "Database", condition(kind, status, "Reason", "words"));
    vec![
        case(5119, FatalNow, database("Stalled", "True"), database("Stalled", "False")),
        case(5120, After(120), database("Ready", "False"), database("Ready", "True")),
    ]
}

#[test]
fn a_statefulset_pod_is_told_from_its_children() {
    let world = World::of([
        set(json!({})),
        member(0, "db-1", ready()),
        owned(member(1, "db-1", crashing(3, json!({"exitCode": 1}))), "StatefulSet-db"),
    ]);
    let first = world.diagnose().remove(0);
    assert_eq!(first.finding.message, "pod db-1 of the old revision db-1 is broken and blocks the rollout of db-2");
    assert_eq!(
        first.finding.help.as_deref(),
        Some("delete that one pod: `kubectl delete pod db-1 -n shop`; it comes back with the new revision")
    );
}

//! L50xx: containers that run, but badly.

use lucid_status::Class::{Advice, After, FatalNow, Symptom, Wait};
use serde_json::{Value, json};

use super::{Case, case, of_pod};
use crate::world::{
    World, and, bare, cluster_object, condition, container, crashing, object, pod, ready, rollout, running, thrice,
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = crashes();
    cases.extend(probes());
    cases.extend(closer());
    cases.extend(ended());
    cases.extend(conditions());
    cases
}

fn crashes() -> Vec<Case> {
    let error = || json!({"exitCode": 1, "reason": "Error"});
    let oom = json!({"exitCode": 137, "reason": "OOMKilled"});
    let killed = json!({"exitCode": 137, "reason": "Error"});
    let liveness = "Container api failed liveness probe, will be restarted";
    let startup = "Container api failed startup probe, will be restarted";
    // It had crashed before we came, and is quiet since.
    let long_ago = and(crashing(7, error()), json!({"metadata": {"creationTimestamp": "2026-11-24T08:00:00Z"}}));
    let mut long_ago = long_ago;
    long_ago["status"]["containerStatuses"][0]["lastState"]["terminated"]["finishedAt"] = json!("2026-11-24T08:30:00Z");
    vec![
        of_pod(5001, FatalNow, crashing(2, oom.clone()), crashing(2, killed.clone())),
        of_pod(5001, Wait, crashing(1, oom.clone()), running()),
        of_pod(5002, FatalNow, crashing(2, killed.clone()), crashing(2, oom)),
        case(
            5003,
            FatalNow,
            rollout(crashing(2, killed.clone())).told("Pod", "Killing", liveness),
            rollout(crashing(2, killed.clone())),
        ),
        case(
            5004,
            FatalNow,
            rollout(crashing(2, killed.clone())).told("Pod", "Killing", startup),
            rollout(crashing(2, killed)).told("Pod", "Killing", liveness),
        ),
        of_pod(5005, FatalNow, crashing(2, error()), crashing(2, json!({"exitCode": 0, "reason": "Completed"}))),
        of_pod(5005, Wait, crashing(1, error()), long_ago),
        of_pod(5006, FatalNow, crashing(2, json!({"exitCode": 0, "reason": "Completed"})), crashing(2, error())),
    ]
}

/// What only the pods themselves tell.
fn closer() -> Vec<Case> {
    let ended = |message: &str| json!({"exitCode": 1, "reason": "Error", "message": message});
    let logged = |log: &'static str| World { log: Some(log), ..rollout(crashing(2, ended(""))) };
    let readiness = |port: Value| {
        json!({"ports": [{"name": "http", "containerPort": 8080}],
            "readinessProbe": {"httpGet": {"path": "/health", "port": port}, "periodSeconds": 5}})
    };
    let refused = |port: Value| {
        let world = probing(readiness(port), true, "2026-11-24T09:59:45Z");
        world.told("Pod", "Unhealthy", "Readiness probe failed: dial tcp 10.0.0.9:8080: connect: connection refused")
    };
    let late = probing(readiness(json!(8080)), true, "2026-11-24T09:59:45Z");
    let late = late.told("Pod", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503");
    vec![
        of_pod(
            5212,
            FatalNow,
            crashing(2, ended("dial tcp: lookup db on 10.96.0.10:53: no such host")),
            crashing(2, ended("dial tcp 10.96.0.9:5432: connect: connection refused")),
        ),
        of_pod(5212, Wait, crashing(1, ended("Error: getaddrinfo ENOTFOUND db")), running()),
        case(5212, FatalNow, logged("starting\nlookup db: no such host\n"), logged("starting\nno such table\n")),
        case(5214, FatalNow, World { open: vec![8080], ..refused(json!(8080)) }, refused(json!(8080))),
        case(5214, FatalNow, World { open: vec![8080], ..refused(json!("http")) }, World { open: vec![8080], ..late }),
    ]
}

fn probing(probes: Value, started: bool, since: &str) -> World {
    let mut world = rollout(and(
        container(json!({"started": started, "state": {"running": {"startedAt": since}}})),
        json!({"status": {"conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]}}),
    ));
    let pod = world.objects.last_mut().unwrap();
    crate::world::merge(&mut pod["spec"]["containers"][0], probes);
    world
}

fn probes() -> Vec<Case> {
    let readiness = || json!({"readinessProbe": {"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": 5}});
    let startup = || json!({"startupProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 2, "failureThreshold": 30}});
    let refused = "Readiness probe failed: dial tcp 10.0.0.9:8080: connect: connection refused";
    let just_now = "2026-11-24T09:59:45Z";
    vec![
        case(
            5007,
            After(120),
            probing(readiness(), true, just_now).told("Pod", "Unhealthy", refused),
            rollout(ready()).told("Pod", "Unhealthy", refused),
        ),
        // No event has come yet.
        case(5007, After(120), probing(readiness(), true, just_now), probing(json!({}), true, just_now)),
        case(5004, Wait, probing(startup(), false, just_now), probing(startup(), true, just_now)),
        case(
            5009,
            Advice,
            rollout(ready()).told("Pod", "Unhealthy", refused),
            rollout(ready()).told("Pod", "Created", "Created container api"),
        ),
    ]
}

fn job(pod_rest: &Value, state: &str) -> World {
    let job = object(
        "batch/v1",
        "Job",
        "init",
        json!({"status": {"conditions": [condition(state, "True", "BackoffLimitExceeded", "")]}}),
    );
    World::of([job, pod("init-x", "Job-init", pod_rest.clone())])
}

fn ended() -> Vec<Case> {
    let failed =
        |reason: &str, message: &str| json!({"status": {"phase": "Failed", "reason": reason, "message": message}});
    let low = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 10Mi.";
    let own = "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ";
    let exited = |exit: i64| json!({"status": {"phase": "Failed", "containerStatuses": [{"name": "api", "state": {"terminated": {"exitCode": exit, "reason": "Error"}}}]}});
    let unknown = |reason: &str| crashing(2, json!({"exitCode": 137, "reason": reason}));
    vec![
        of_pod(5010, Symptom, failed("Evicted", low), failed("Evicted", own)),
        of_pod(5011, Wait, failed("Evicted", own), failed("Evicted", low)),
        case(5011, FatalNow, thrice(&failed("Evicted", own)), thrice(&failed("Evicted", low))),
        of_pod(
            5013,
            Symptom,
            failed("NodeLost", "Node n1 which was running pod is unresponsive"),
            failed("Evicted", low),
        ),
        of_pod(5013, FatalNow, unknown("ContainerStatusUnknown"), unknown("Error")),
        of_pod(5016, Wait, exited(3), exited(0)),
        case(5016, FatalNow, bare(exited(3)), bare(exited(0))),
        case(5016, FatalNow, job(&exited(3), "Failed"), job(&exited(0), "Failed")),
        // It is tried again.
        case(5016, Wait, job(&exited(3), "Suspended"), job(&exited(0), "Suspended")),
        case(5005, Wait, job(&crashing(5, json!({"exitCode": 1})), "Suspended"), job(&exited(0), "Suspended")),
    ]
}

fn conditions() -> Vec<Case> {
    let leaving = |end: &str| json!({"metadata": {"deletionTimestamp": end, "deletionGracePeriodSeconds": 30, "finalizers": ["example.com/x"]}});
    let gated = |status: &str| {
        let gates = json!({"spec": {"readinessGates": [{"conditionType": "lb.example.com/ready"}]}});
        let conditions = json!({"status": {"conditions": [{"type": "PodScheduled", "status": "True"},
            condition("Ready", "False", status, "the status of pod readiness gate \"lb.example.com/ready\" is not \"True\"")]}});
        rollout(and(running(), and(gates, conditions)))
    };
    let resizing = |kind: &str| {
        let condition = condition(kind, "True", "Infeasible", "Node didn't have enough capacity: cpu");
        World::of([pod(
            "p",
            "x",
            and(ready(), json!({"status": {"conditions": [condition, {"type": "PodScheduled", "status": "True"}]}})),
        )])
    };
    let node = |status: &str| {
        cluster_object(
            "v1",
            "Node",
            "n1",
            json!({"status": {"conditions": [condition("Ready", status, "KubeletReady", "")]}}),
        )
    };
    vec![
        of_pod(
            5012,
            After(60),
            and(ready(), leaving("2026-11-24T09:59:10Z")),
            and(ready(), leaving("2026-11-24T10:00:20Z")),
        ),
        case(5008, Wait, gated("ReadinessGatesNotReady"), gated("ContainersNotReady")),
        case(5014, Advice, resizing("PodResizePending"), resizing("PodResizeInProgress")),
        case(
            5005,
            FatalNow,
            rollout(crashing(2, json!({"exitCode": 1, "reason": "Error"}))).with(node("True")),
            rollout(ready()).with(node("True")),
        ),
    ]
}

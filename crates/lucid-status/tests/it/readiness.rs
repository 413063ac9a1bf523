//! How far each kind is, and what it waits for.

use lucid_status::{Since, Status, readiness};
use serde_json::{Value, json};

use crate::world::{
    NOW, World, and, at, cluster_object, condition, crashing, deployment, event, object, pod, ready, replica_set,
    rollout, running, since, unscheduled, waiting,
};

#[track_caller]
fn check(world: &World, status: Status, message: &str) {
    let verdict = world.readiness();
    assert_eq!((verdict.status, verdict.message.as_str()), (status, message), "{:#?}", world.diagnose());
}

fn alone(object: Value) -> World {
    World::of([object])
}

#[test]
fn deployment_counts_new_pods_only() {
    let complete = json!({"status": {"availableReplicas": 1, "readyReplicas": 1}});
    check(&alone(deployment(complete.clone())), Status::Current, "1 pod available");
    // Old pods are ready, the new one is not: its status counts both (kstatus lists both too).
    let mixed = json!({"status": {"replicas": 2, "readyReplicas": 1, "availableReplicas": 1}});
    let world = rollout(waiting("ContainerCreating", "")).but("Deployment", mixed);
    let world = world.with(replica_set(2, json!({}))).with(pod("api-2-a", "ReplicaSet-api-2", ready()));
    check(&world, Status::InProgress, "0 of 1 new pod ready");
    let leaving = json!({"status": {"replicas": 2, "readyReplicas": 2, "availableReplicas": 2}});
    check(&rollout(ready()).but("Deployment", leaving), Status::InProgress, "1 old pod still to go");
    check(
        &alone(deployment(json!({"spec": {"replicas": 0}, "status": {"replicas": 0, "updatedReplicas": 0}}))),
        Status::Current,
        "0 pods available",
    );
}

#[test]
fn an_old_crashing_pod_does_not_fail_the_repair() {
    let old = crashing(40, json!({"exitCode": 1}));
    let world = rollout(waiting("ContainerCreating", ""));
    let world = world.with(replica_set(2, json!({}))).with(pod("api-2-a", "ReplicaSet-api-2", old));
    check(&world, Status::InProgress, "0 of 1 new pod ready");
}

#[test]
fn a_change_that_was_not_seen_yet_is_not_judged() {
    let complete = json!({"status": {"availableReplicas": 1, "readyReplicas": 1}});
    let old =
        deployment(and(complete.clone(), json!({"metadata": {"generation": 1}, "status": {"observedGeneration": 1}})));
    check(&alone(old), Status::InProgress, "the change has not been seen yet");
    let lagging = deployment(and(complete, json!({"status": {"observedGeneration": 1}})));
    let verdict = alone(lagging.clone()).readiness();
    assert!(verdict.message.starts_with("the controller has not looked at the change"), "{verdict:?}");
    // After its grace it is a failure; without a write of ours it is judged as it stands.
    let late = at("2026-11-24T10:02:00Z");
    assert_eq!(readiness(&lagging, &since(), &World::default(), late).status, Status::Failed);
}

#[test]
fn what_another_run_has_changed_a_moment_ago_is_no_failure() {
    let record = |subresource: &str| {
        json!({"metadata": {"creationTimestamp": "2026-11-01T00:00:00Z", "managedFields": [
            {"manager": "lucid", "time": "2026-11-02T00:00:00Z"},
            {"manager": "lucid", "time": "2026-11-24T09:59:59Z", "subresource": subresource}]},
            "status": {"observedGeneration": 1}})
    };
    let seen = |object: Value| readiness(&object, &Since::default(), &World::default(), at(NOW));
    let changed = seen(deployment(record("")));
    assert!(changed.status == Status::InProgress && changed.message.contains("179 s left"), "{changed:?}");
    assert_eq!(seen(deployment(record("status"))).status, Status::Failed);
}

#[test]
fn a_fatal_cause_is_told_in_the_verdict() {
    let world = rollout(waiting("ErrImagePull", "r.example/api:1: not found"));
    check(&world, Status::Failed, "0 of 1 new pod ready: image r.example/api:1 does not exist");
    assert_eq!(world.readiness().finding.unwrap().code.0, 3002);
}

#[test]
fn patience_is_counted_down() {
    let world = rollout(waiting("CreateContainerConfigError", "secret \"db\" not found"))
        .but("Pod", json!({"metadata": {"creationTimestamp": "2026-11-24T09:59:55Z"}}));
    check(
        &world,
        Status::InProgress,
        "0 of 1 new pod ready: Secret db does not exist, and container api uses it (15 s left)",
    );
    let later = readiness(&world.objects[0], &since(), &world, at("2026-11-24T10:00:15Z"));
    assert_eq!(later.status, Status::Failed);
    assert_eq!(later.message, "0 of 1 new pod ready: Secret db does not exist, and container api uses it");
}

#[test]
fn pulls_and_new_nodes_stop_the_clock() {
    let exceeded = json!({"status": {"conditions": [condition("Progressing", "False", "ProgressDeadlineExceeded", "")]}, "spec": {"progressDeadlineSeconds": 30}});
    let pulling = rollout(waiting("ContainerCreating", "")).but("Deployment", exceeded.clone());
    assert_eq!(pulling.readiness().status, Status::Failed);
    let pulling = pulling.told("Pod", "Pulling", "Pulling image \"r.example/api:1\"");
    check(&pulling, Status::InProgress, "0 of 1 new pod ready: image r.example/api:1 is being pulled, for 10 s");
    let full =
        || rollout(unscheduled("0/1 nodes are available: 1 Insufficient cpu.")).but("Deployment", exceeded.clone());
    assert_eq!(full().readiness().status, Status::Failed);
    let growing = full().told("Pod", "TriggeredScaleUp", "pod triggered scale-up");
    check(&growing, Status::InProgress, "0 of 1 new pod ready: a node is being added for the pod, for 10 s");
}

#[test]
fn the_controllers_deadline_counts_from_our_write() {
    let exceeded =
        json!({"status": {"conditions": [condition("Progressing", "False", "ProgressDeadlineExceeded", "")]}});
    let world = alone(deployment(exceeded));
    assert_eq!(world.readiness().status, Status::InProgress);
    let long_after = at("2026-11-24T10:09:01Z");
    assert_eq!(readiness(&world.objects[0], &since(), &world, long_after).status, Status::Failed);
    // Who did not write takes the controller at its word.
    assert_eq!(readiness(&world.objects[0], &Since::default(), &world, at(NOW)).status, Status::Failed);
}

#[test]
fn paused_is_said() {
    check(
        &alone(deployment(json!({"spec": {"paused": true}, "status": {"updatedReplicas": 0}}))),
        Status::Failed,
        "paused, not rolled out: the rollout is paused",
    );
    let done = json!({"spec": {"paused": true}, "status": {"availableReplicas": 1}});
    check(&alone(deployment(done)), Status::Current, "1 pod available");
}

#[test]
fn min_ready_seconds_are_counted_down() {
    let world =
        rollout(ready()).but("Deployment", json!({"spec": {"minReadySeconds": 60}, "status": {"readyReplicas": 1}}));
    check(&world, Status::InProgress, "0 of 1 new pod available: pods must stay ready for 60 s, 30 s to go");
}

#[test]
fn restarts_count_from_our_write() {
    let crash = crashing(3, json!({"exitCode": 1}));
    assert_eq!(rollout(crash.clone()).readiness().status, Status::Failed);
    // The same pod had been restarted twice before: one more is not yet a loop.
    let world = rollout(crash);
    let mut since = since();
    since.restarts.insert(Since::key("Pod-api-3-a", "api"), 2);
    let verdict = readiness(&world.objects[0], &since, &world, at(NOW));
    assert_eq!(verdict.status, Status::InProgress, "{verdict:?}");
    let mut before = Since::default();
    before.remember_restarts([&world.objects[2]]);
    assert_eq!(before.restarts[&Since::key("Pod-api-3-a", "api")], 3);
}

#[test]
fn a_readiness_probe_has_the_pods_own_budget() {
    let mut world =
        rollout(and(running(), json!({"status": {"conditions": [{"type": "PodScheduled", "status": "True"}]}})));
    world.objects[2]["spec"]["containers"][0]["readinessProbe"] = json!({"httpGet": {"path": "/health", "port": 8080}});
    let words =
        "0 of 1 new pod ready: the readiness probe of container api does not pass: nothing listens on that port";
    let world =
        world.told("Pod", "Unhealthy", "Readiness probe failed: dial tcp 10.0.0.9:8080: connect: connection refused");
    check(&world, Status::InProgress, &format!("{words} (65 s left)"));
    assert_eq!(readiness(&world.objects[0], &since(), &world, at("2026-11-24T10:01:06Z")).status, Status::Failed);
    let slow = |threshold: i64| {
        let mut world = world.clone();
        world.objects[2]["spec"]["containers"][0]["startupProbe"] =
            json!({"httpGet": {"port": 8080}, "failureThreshold": threshold});
        readiness(&world.objects[0], &since(), &world, at("2026-11-24T10:01:06Z")).status
    };
    assert_eq!((slow(30), slow(1)), (Status::InProgress, Status::Failed));
}

fn set(rest: Value) -> Value {
    let base = json!({"spec": {"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}},
        "status": {"observedGeneration": 2, "replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "updatedReplicas": 3, "currentRevision": "db-2", "updateRevision": "db-2"}});
    object("apps/v1", "StatefulSet", "db", and(base, rest))
}

#[test]
fn stateful_set() {
    let of = |rest: Value| alone(set(rest));
    check(&of(json!({})), Status::Current, "3 pods ready");
    check(&of(json!({"status": {"readyReplicas": 2}})), Status::InProgress, "2 of 3 pods ready");
    check(&of(json!({"status": {"availableReplicas": 2}})), Status::InProgress, "2 of 3 pods available");
    check(&of(json!({"status": {"replicas": 4}})), Status::InProgress, "1 pod still to go");
    check(
        &of(json!({"status": {"updatedReplicas": 1, "currentRevision": "db-1"}})),
        Status::InProgress,
        "0 of 3 new pods ready",
    );
    // The API sets the partition to 0, so kstatus never compares revisions.
    check(
        &of(json!({"status": {"currentRevision": "db-1"}})),
        Status::InProgress,
        "the new revision is not yet the current one",
    );
    check(&of(json!({"status": {"updatedReplicas": null}})), Status::Current, "3 pods ready");
}

#[test]
fn stateful_set_partition_and_on_delete() {
    let partition = |partition: i64, updated: i64| {
        alone(set(
            json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": partition}}}, "status": {"updatedReplicas": updated, "currentRevision": "db-1"}}),
        ))
    };
    check(&partition(2, 1), Status::Current, "3 pods ready, 1 of them of the new revision as the partition asks");
    check(&partition(2, 0), Status::InProgress, "0 of 1 new pod ready");
    // More than asked is no reason to wait, and a partition beyond the replicas asks for none.
    check(&partition(2, 2), Status::Current, "3 pods ready, 1 of them of the new revision as the partition asks");
    check(&partition(9, 0), Status::Current, "3 pods ready, 0 of them of the new revision as the partition asks");
    let on_delete = json!({"spec": {"updateStrategy": {"type": "OnDelete"}}, "status": {"updatedReplicas": 1, "currentRevision": "db-1"}});
    check(&alone(set(on_delete)), Status::Current, "3 pods ready, 2 of the old revision until they are deleted");
}

fn daemon(rest: Value) -> Value {
    let base = json!({"status": {"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3, "numberReady": 3}});
    object("apps/v1", "DaemonSet", "agent", and(base, rest))
}

#[test]
fn daemon_set() {
    let of = |rest: Value| alone(daemon(rest));
    check(&of(json!({})), Status::Current, "3 pods available");
    check(&of(json!({"status": {"updatedNumberScheduled": 1}})), Status::InProgress, "1 of 3 pods updated");
    check(&of(json!({"status": {"numberAvailable": 2}})), Status::InProgress, "0 of 3 new pods ready");
    check(
        &of(json!({"status": {"desiredNumberScheduled": 0, "numberAvailable": 0, "updatedNumberScheduled": 0}})),
        Status::Current,
        "0 pods available",
    );
}

#[test]
fn dead_nodes_do_not_hold_a_daemon_set_back() {
    let two = json!({"status": {"updatedNumberScheduled": 2, "numberAvailable": 2, "numberReady": 2}});
    let node = |ready: &str| {
        cluster_object("v1", "Node", "n1", json!({"status": {"conditions": [condition("Ready", ready, "", "")]}}))
    };
    let world =
        |ready: &str| World::of([daemon(two.clone()), pod("agent-x", "DaemonSet-agent", running()), node(ready)]);
    check(&world("Unknown"), Status::Current, "2 pods available, 1 on nodes that are not ready left out");
    check(&world("True"), Status::InProgress, "2 of 3 pods updated");
}

#[test]
fn job_is_never_current_because_it_started() {
    let job = |rest: Value| alone(object("batch/v1", "Job", "init", and(json!({"spec": {"completions": 2}}), rest)));
    check(&job(json!({"status": {"active": 1}})), Status::InProgress, "0 of 2 completions done, 1 running");
    check(
        &job(json!({"status": {"conditions": [condition("Complete", "True", "", "")]}})),
        Status::Current,
        "completed",
    );
    check(&job(json!({"spec": {"suspend": true}})), Status::InProgress, "suspended: the Job is suspended");
    let failed =
        job(json!({"status": {"failed": 7, "conditions": [condition("Failed", "True", "BackoffLimitExceeded", "")]}}));
    check(
        &failed,
        Status::Failed,
        "the Job failed (BackoffLimitExceeded): the Job failed: 7 pods failed, more than its backoffLimit allows",
    );
}

#[test]
fn a_jobs_crash_ends_the_wait_when_no_retry_can_help() {
    let job = object("batch/v1", "Job", "init", json!({"spec": {"completions": 1}, "status": {"active": 1}}));
    let pod = pod("init-x", "Job-init", waiting("ErrImagePull", "manifest unknown"));
    check(
        &World::of([job, pod]),
        Status::Failed,
        "0 of 1 completion done, 1 running: image r.example/api:1 does not exist",
    );
}

#[test]
fn pods() {
    let of = |rest: Value| alone(crate::world::pod("p", "x", rest));
    check(&of(ready()), Status::Current, "ready");
    check(
        &of(json!({"spec": {"restartPolicy": "Never"}, "status": {"phase": "Succeeded"}})),
        Status::Current,
        "completed",
    );
    check(
        &of(json!({"status": {"phase": "Succeeded"}})),
        Status::Failed,
        "the pod ended although it should go on running",
    );
    // kstatus says Current.
    check(&of(json!({"status": {"phase": "Failed"}})), Status::Failed, "the pod failed");
    check(&of(json!({})), Status::InProgress, "starting");
}

#[test]
fn claims_wait_for_their_consumer_without_blocking_it() {
    let claim = |phase: &str| {
        object(
            "v1",
            "PersistentVolumeClaim",
            "data",
            json!({"spec": {"storageClassName": "local"}, "status": {"phase": phase}}),
        )
    };
    let class =
        |mode: &str| cluster_object("storage.k8s.io/v1", "StorageClass", "local", json!({"volumeBindingMode": mode}));
    check(&alone(claim("Bound")), Status::Current, "bound");
    check(
        &World::of([claim("Pending"), class("WaitForFirstConsumer")]),
        Status::Current,
        "waits for its first pod, as its class says",
    );
    let waiting = World::of([claim("Pending"), class("Immediate")]).readiness();
    assert_eq!((waiting.status, waiting.finding.unwrap().code.0), (Status::InProgress, 6008));
    let told = alone(claim("Pending")).with(event(
        "PersistentVolumeClaim-data",
        "WaitForFirstConsumer",
        "waiting for first consumer",
    ));
    assert_eq!(told.readiness().status, Status::Current);
    let lost = alone(claim("Lost")).readiness();
    assert_eq!((lost.status, lost.finding.unwrap().code.0), (Status::Failed, 6004));
}

#[test]
fn services() {
    let of = |spec: Value| alone(object("v1", "Service", "api", json!({"spec": spec})));
    check(&of(json!({"type": "ClusterIP"})), Status::Current, "is there");
    check(&of(json!({"type": "ExternalName"})), Status::Current, "is there");
    check(&of(json!({"type": "LoadBalancer", "externalIPs": ["192.0.2.9"]})), Status::Current, "is there");
    check(
        &of(json!({"type": "LoadBalancer"})),
        Status::InProgress,
        "the load balancer has no address: the load balancer of Service api has no address (242 s left)",
    );
    let mut balanced = of(json!({"type": "LoadBalancer"}));
    balanced.objects[0]["status"] = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
    check(&balanced, Status::Current, "has an address");
}

#[test]
fn definitions_need_their_names() {
    let crd = |conditions: Value| {
        alone(cluster_object(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            "x",
            json!({"status": {"conditions": conditions}}),
        ))
    };
    let of = |kind: &str, status: &str| condition(kind, status, "", "");
    check(&crd(json!([of("Established", "True"), of("NamesAccepted", "True")])), Status::Current, "established");
    assert_eq!(
        crd(json!([of("Established", "False"), of("NamesAccepted", "True")])).readiness().status,
        Status::Failed,
        "after its grace of 30 s"
    );
    assert_eq!(
        crd(json!([of("Established", "True"), of("NamesAccepted", "False")])).readiness().status,
        Status::Failed
    );
}

#[test]
fn what_never_holds_back_a_deploy() {
    let bad = json!({"metadata": {"generation": 5}, "status": {"observedGeneration": 1, "conditions": [condition("ScalingActive", "False", "FailedGetResourceMetric", "")], "disruptionsAllowed": 0, "expectedPods": 2}});
    for (api, kind) in [
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("policy/v1", "PodDisruptionBudget"),
        ("networking.k8s.io/v1", "Ingress"),
        ("v1", "ConfigMap"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
    ] {
        check(&alone(object(api, kind, "x", bad.clone())), Status::Current, "is there");
    }
}

#[test]
fn namespaces_on_their_way_out_take_nothing() {
    let namespace = |rest: Value| alone(cluster_object("v1", "Namespace", "shop", rest));
    check(&namespace(json!({"status": {"phase": "Active"}})), Status::Current, "is there");
    let leaving = namespace(
        json!({"metadata": {"deletionTimestamp": "2026-11-24T09:59:30Z"}, "status": {"phase": "Terminating"}}),
    );
    assert_eq!(leaving.readiness().status, Status::Failed);
}

#[test]
fn deleted_objects_are_terminating() {
    let leaving = deployment(json!({"metadata": {"deletionTimestamp": "2026-11-24T09:59:30Z"}}));
    assert_eq!(alone(leaving).readiness().status, Status::Terminating);
}

#[test]
fn custom_resources_are_read_or_assumed_and_said_so() {
    let of = |status: Value| alone(object("example.com/v1", "Database", "main", json!({"status": status})));
    let ready = |status: &str| condition("Ready", status, "", "");
    check(&of(json!({"observedGeneration": 2, "conditions": [ready("True")]})), Status::Current, "ready");
    check(&of(json!({"observedGeneration": "2", "conditions": [ready("True")]})), Status::Current, "ready");
    assert_eq!(
        of(json!({"observedGeneration": "1", "conditions": [ready("True")]})).readiness().status,
        Status::InProgress
    );
    assert_eq!(of(json!({"conditions": [ready("False")]})).readiness().status, Status::InProgress);
    let mut old = ready("True");
    old["observedGeneration"] = json!(1);
    check(&of(json!({"conditions": [old]})), Status::InProgress, "its condition Ready speaks of an older generation");
    check(&of(json!({"phase": "Running"})), Status::Current, "Running");
    check(&of(json!({"phase": "Degraded"})), Status::InProgress, "its phase is Degraded");
    assert_eq!(
        of(json!({"conditions": [condition("Stalled", "True", "Nope", "")]})).readiness().status,
        Status::Failed
    );
    check(
        &of(json!({})),
        Status::Current,
        "is there; example.com/v1 Database says nothing of readiness, so it is assumed",
    );
}

#[test]
fn nothing_known_is_survived() {
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"] {
        let bare = json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "x", "generation": 1}});
        assert_eq!(
            readiness(&bare, &Since::default(), &World::default(), at(NOW)).status,
            Status::InProgress,
            "{kind}"
        );
    }
    for value in [json!(null), json!([]), json!("x"), json!({"kind": 7, "status": "odd", "metadata": []})] {
        readiness(&value, &Since::default(), &World::default(), at(NOW));
    }
}

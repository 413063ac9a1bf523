//! L20xx: pods that are not made, or find no node.

use lucid_status::Class::{Advice, After, FatalNow, Symptom, Wait};
use serde_json::{Value, json};

use super::{Case, case, of_pod};
use crate::world::{
    World, and, bare, cluster_object, condition, deployment, pod, ready, replica_set, rollout, thrice, unscheduled,
};

fn refused(message: &str) -> World {
    let failure = condition("ReplicaFailure", "True", "FailedCreate", message);
    World::of([deployment(json!({})), replica_set(3, json!({"status": {"conditions": [failure]}}))])
}

/// The same words, on a ReplicaSet of an older revision.
fn refused_before(message: &str) -> World {
    let failure = condition("ReplicaFailure", "True", "FailedCreate", message);
    World::of([
        deployment(json!({})),
        replica_set(3, json!({})),
        replica_set(2, json!({"status": {"conditions": [failure]}})),
    ])
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = refusals();
    cases.extend(unschedulable());
    cases.extend(held());
    cases
}

fn refusals() -> Vec<Case> {
    let of = |code, class, words: &str| case(code, class, refused(words), refused_before(words));
    vec![
        of(2001, FatalNow, "something that nobody has seen before"),
        // The pod of an earlier set of this name is still leaving.
        of(2001, lucid_status::Class::Wait, "object is being deleted: pods \"c1-0\" already exists"),
        of(
            2002,
            After(15),
            "pods \"api-3-\" is forbidden: error looking up service account shop/api: serviceaccount \"api\" not found",
        ),
        of(
            1009,
            FatalNow,
            "pods \"api-3-x\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true (pod or container \"api\" must set securityContext.runAsNonRoot=true)",
        ),
        of(
            1010,
            FatalNow,
            "pods \"api-3-x\" is forbidden: exceeded quota: compute, requested: requests.cpu=1, used: requests.cpu=4, limited: requests.cpu=4",
        ),
        of(
            1011,
            FatalNow,
            "pods \"api-3-x\" is forbidden: failed quota: compute: must specify requests.memory for: api",
        ),
        of(1012, FatalNow, "pods \"api-3-x\" is forbidden: maximum cpu usage per Container is 1, but limit is 2"),
        of(1006, FatalNow, "admission webhook \"policy.example.com\" denied the request: no latest tags"),
        of(
            1007,
            FatalNow,
            "Internal error occurred: failed calling webhook \"p.example.com\": failed to call webhook: Post \"https://p.n.svc:443/\": x509: certificate has expired",
        ),
        of(
            1008,
            FatalNow,
            "pods \"api-3-x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
        ),
    ]
}

fn unschedulable() -> Vec<Case> {
    let of = |code, class, clause: &str| {
        let message = format!(
            "0/5 nodes are available: 1 node(s) had untolerated taint {{node-role.kubernetes.io/control-plane: }}, {clause}. preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling."
        );
        let other = "0/5 nodes are available: 5 node(s) were on fire.";
        of_pod(code, class, unscheduled(&message), unscheduled(other))
    };
    let nodes = |label: &str| {
        let world = rollout(and(
            unscheduled("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."),
            json!({"spec": {"nodeSelector": {"disk": "ssd"}}}),
        ));
        world.with(cluster_object("v1", "Node", "n1", json!({"metadata": {"labels": {"disk": label}}})))
    };
    // One node is tainted, and only itself can tell whether it has the label too.
    let among = |label: &str| {
        let said = "0/5 nodes are available: 1 node(s) had untolerated taint(s), 4 node(s) didn't match Pod's node affinity/selector.";
        let world = rollout(and(unscheduled(said), json!({"spec": {"nodeSelector": {"disk": "ssd"}}})));
        world.with(cluster_object("v1", "Node", "n1", json!({"metadata": {"labels": {"disk": label}}})))
    };
    let is_absent =
        case(2005, FatalNow, nodes("hdd"), rollout(unscheduled("0/1 nodes are available: 1 Too many pods.")));
    let unknown = "0/5 nodes are available: 5 node(s) were on fire.";
    vec![
        of(2003, After(180), "4 Insufficient cpu"),
        of(2005, After(120), "4 node(s) didn't match Pod's node affinity/selector"),
        is_absent,
        // Another node has the label, so it may have room later.
        case(2005, After(120), nodes("ssd"), rollout(ready())),
        of(2006, After(120), "4 node(s) didn't match pod anti-affinity rules"),
        of(2007, After(120), "4 node(s) didn't match pod topology spread constraints"),
        of(2008, FatalNow, "4 node(s) had volume node affinity conflict"),
        of(2010, After(120), "4 Too many pods"),
        of_pod(
            2004,
            After(120),
            unscheduled("0/5 nodes are available: 5 node(s) had untolerated taint {pool: gpu}."),
            unscheduled("0/5 nodes are available: 1 node(s) had untolerated taint {pool: gpu}, 4 Insufficient cpu."),
        ),
        case(2004, After(120), among("ssd"), among("hdd")),
        of(
            2007,
            After(120),
            "3 node(s) didn't match Pod's node affinity/selector, 1 node(s) didn't match pod topology spread constraints",
        ),
        of_pod(2016, After(120), unscheduled(unknown), unscheduled("0/5 nodes are available: 5 Insufficient cpu.")),
        of_pod(
            2009,
            Symptom,
            and(
                unscheduled("0/5 nodes are available: persistentvolumeclaim \"data\" not found."),
                json!({"spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}}),
            ),
            unscheduled(unknown),
        ),
    ]
}

fn refused_by_node(reason: &str) -> Value {
    json!({"status": {"phase": "Failed", "reason": reason, "message": "Pod was rejected: Node didn't have enough resource: cpu"}})
}

fn held() -> Vec<Case> {
    let full = || rollout(unscheduled("0/5 nodes are available: 5 Insufficient cpu."));
    let old = json!({"metadata": {"creationTimestamp": "2026-11-24T09:59:01Z"}});
    let gated = condition(
        "PodScheduled",
        "False",
        "SchedulingGated",
        "Scheduling is blocked due to non-empty scheduling gates",
    );
    let preempted = condition(
        "DisruptionTarget",
        "True",
        "PreemptionByScheduler",
        "preempting to accommodate a higher priority pod",
    );
    let drained = condition("DisruptionTarget", "True", "EvictionByEvictionAPI", "Eviction API: evicting");
    let of_preempted = |condition: serde_json::Value| {
        World::of([pod(
            "p",
            "x",
            and(ready(), json!({"status": {"conditions": [condition, {"type": "PodScheduled", "status": "True"}]}})),
        )])
    };
    vec![
        case(
            2011,
            Wait,
            full().told("Pod", "TriggeredScaleUp", "pod triggered scale-up: [{pool-1 3->4 (max: 9)}]"),
            full(),
        ),
        case(2011, Wait, full().told("Pod", "Nominated", "Pod should schedule on: nodeclaim/default-x1"), full()),
        case(
            2003,
            FatalNow,
            full().but("Pod", old).told(
                "Pod",
                "NotTriggerScaleUp",
                "pod didn't trigger scale-up: 1 max node group size reached",
            ),
            rollout(unscheduled(
                "0/5 nodes are available: 5 node(s) didn't have free ports for the requested pod ports.",
            )),
        ),
        of_pod(
            2012,
            Wait,
            json!({"spec": {"nodeName": null, "schedulingGates": [{"name": "example.com/quota"}]}, "status": {"conditions": [gated]}}),
            unscheduled("0/1 nodes are available: 1 Insufficient cpu."),
        ),
        of_pod(
            2013,
            After(120),
            json!({"spec": {"nodeName": null, "schedulerName": "mine"}, "status": {"conditions": []}}),
            json!({"spec": {"schedulerName": "mine"}}),
        ),
        case(2014, After(60), bare(refused_by_node("OutOfcpu")), bare(refused_by_node("Evicted"))),
        // Replaced, and that is that; the third of its kind is no accident.
        case(2014, Wait, rollout(refused_by_node("OutOfcpu")), rollout(refused_by_node("Evicted"))),
        case(2014, After(60), thrice(&refused_by_node("OutOfcpu")), thrice(&refused_by_node("Evicted"))),
        case(2015, Advice, of_preempted(preempted), of_preempted(drained)),
    ]
}

//! kstatus, asked about the same objects: the same answer, or a difference with its reason.
//!
//! `fixtures/kstatus.json` holds what kstatus of github.com/fluxcd/cli-utils v1.2.0 (the one in Helm 4) answers to each
//! object alone. We are asked ten seconds after the object was made, with nothing else in sight and no write of ours.

use lucid_status::{Since, Status, readiness};
use serde::Deserialize;
use serde_json::Value;

use crate::world::{World, at};

#[derive(Deserialize)]
struct Case {
    kstatus: String,
    object: Value,
}

struct Difference {
    kind: &'static str,
    theirs: &'static str,
    ours: Status,
    when: fn(&Value) -> bool,
    reason: &'static str,
}

fn number(value: &Value, pointer: &str) -> i64 {
    value.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// True if a condition gives this reason.
fn condition_says(value: &Value, reason: &str) -> bool {
    let conditions = value.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| condition["reason"] == reason)
}

fn waits(value: &Value, reasons: &[&str]) -> bool {
    reasons.iter().any(|reason| has(value, "/status/containerStatuses/0/state/waiting/reason", reason))
}

fn has(value: &Value, pointer: &str, text: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_str) == Some(text)
}

fn condition(value: &Value, kind: &str, status: &str) -> bool {
    let conditions = value.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| condition["type"] == kind && condition["status"] == status)
}

#[rustfmt::skip]
const DIFFERENCES: &[Difference] = &[
    Difference { kind: "Deployment", theirs: "Current", ours: Status::InProgress, when: |object| object.pointer("/status/observedGeneration").is_none(), reason: "no observedGeneration means that no controller has looked, not that there is none to look" },
    Difference { kind: "Deployment", theirs: "InProgress", ours: Status::Current, when: |object| number(object, "/status/observedGeneration") > number(object, "/metadata/generation"), reason: "what was observed later than our write includes it" },
    Difference { kind: "Deployment", theirs: "InProgress", ours: Status::Current, when: |object| !(condition(object, "Available", "True") && condition(object, "Progressing", "True")) && number(object, "/status/availableReplicas") >= number(object, "/spec/replicas"), reason: "the counts of the same status are the truth; its conditions only repeat them, and some are never set" },
    Difference { kind: "Deployment", theirs: "InProgress", ours: Status::Current, when: |object| condition(object, "Progressing", "True") && !condition_says(object, "NewReplicaSetAvailable"), reason: "as before: every new pod is available" },
    Difference { kind: "Deployment", theirs: "Failed", ours: Status::Current, when: |object| condition(object, "Progressing", "False") && number(object, "/status/availableReplicas") >= number(object, "/spec/replicas"), reason: "late, but complete" },
    Difference { kind: "Deployment", theirs: "InProgress", ours: Status::Failed, when: |object| object.pointer("/spec/paused") == Some(&Value::Bool(true)), reason: "nobody resumes it by waiting (deploy.md: kstatus waits for ever)" },
    Difference { kind: "Deployment", theirs: "InProgress", ours: Status::Failed, when: |object| condition(object, "ReplicaFailure", "True"), reason: "the quota refuses the pods, and no old pod is leaving" },
    Difference { kind: "ReplicaSet", theirs: "InProgress", ours: Status::Failed, when: |object| condition(object, "ReplicaFailure", "True"), reason: "the API server refuses the pods" },
    Difference { kind: "ReplicaSet", theirs: "InProgress", ours: Status::Current, when: |object| number(object, "/status/fullyLabeledReplicas") < number(object, "/spec/replicas"), reason: "extra labels of the template say nothing of readiness" },
    Difference { kind: "StatefulSet", theirs: "Current", ours: Status::InProgress, when: |object| has(object, "/spec/updateStrategy/type", "RollingUpdate") && object.pointer("/status/currentRevision") != object.pointer("/status/updateRevision"), reason: "the API sets the partition to 0, so kstatus never compares the revisions" },
    Difference { kind: "StatefulSet", theirs: "Current", ours: Status::InProgress, when: |object| has(object, "/spec/updateStrategy/type", "OnDelete") && number(object, "/status/readyReplicas") < number(object, "/spec/replicas"), reason: "OnDelete says who replaces pods, not that they need not be ready" },
    Difference { kind: "DaemonSet", theirs: "InProgress", ours: Status::Current, when: |object| object.pointer("/metadata/generation").is_none(), reason: "the API server always sets it" },
    Difference { kind: "DaemonSet", theirs: "InProgress", ours: Status::Current, when: |object| has(object, "/spec/updateStrategy/type", "OnDelete"), reason: "kstatus waits for ever for what only a person does; the old pods are told" },
    Difference { kind: "Job", theirs: "Current", ours: Status::InProgress, when: |object| !condition(object, "Complete", "True") && object.pointer("/status/startTime").is_some(), reason: "a Job that started has done nothing yet" },
    Difference { kind: "Job", theirs: "Current", ours: Status::Failed, when: |object| condition(object, "FailureTarget", "True"), reason: "since Kubernetes 1.31 the failure is certain then; Failed follows when the last pod is gone" },
    Difference { kind: "Pod", theirs: "Current", ours: Status::Failed, when: |object| has(object, "/status/phase", "Failed"), reason: "it failed" },
    Difference { kind: "Pod", theirs: "Current", ours: Status::Failed, when: |object| has(object, "/status/phase", "Succeeded") && has(object, "/spec/restartPolicy", "Always"), reason: "it should have gone on running" },
    Difference { kind: "Pod", theirs: "error", ours: Status::InProgress, when: |object| has(object, "/status/phase", "Unknown"), reason: "a node that does not report may come back" },
    Difference { kind: "Pod", theirs: "Failed", ours: Status::InProgress, when: |object| condition(object, "PodScheduled", "False"), reason: "fifteen seconds are too short where nodes are added on demand (skaffold#8972)" },
    Difference { kind: "Pod", theirs: "Failed", ours: Status::InProgress, when: |object| number(object, "/status/containerStatuses/0/restartCount") < 2, reason: "one crash may be bad luck" },
    Difference { kind: "Pod", theirs: "InProgress", ours: Status::Failed, when: |object| waits(object, &["ImagePullBackOff", "CreateContainerConfigError", "InvalidImageName"]), reason: "time does not make an image, a key or a name" },
    Difference { kind: "Pod", theirs: "InProgress", ours: Status::Failed, when: |object| number(object, "/status/initContainerStatuses/0/restartCount") >= 2, reason: "init containers crash as well" },
    Difference { kind: "PersistentVolumeClaim", theirs: "InProgress", ours: Status::Failed, when: |object| has(object, "/status/phase", "Lost"), reason: "the volume is gone" },
    Difference { kind: "Service", theirs: "Current", ours: Status::InProgress, when: |object| has(object, "/spec/type", "LoadBalancer") && object.pointer("/status/loadBalancer").is_none(), reason: "a load balancer without an address balances nothing" },
    Difference { kind: "PodDisruptionBudget", theirs: "InProgress", ours: Status::Current, when: |object| number(object, "/status/observedGeneration") < number(object, "/metadata/generation"), reason: "a budget never holds back a deploy" },
    Difference { kind: "HorizontalPodAutoscaler", theirs: "InProgress", ours: Status::Current, when: |object| number(object, "/status/observedGeneration") < number(object, "/metadata/generation"), reason: "an autoscaler never holds back a deploy" },
    Difference { kind: "CustomResourceDefinition", theirs: "Current", ours: Status::InProgress, when: |object| !condition(object, "NamesAccepted", "True"), reason: "served under the names that it asked for needs both conditions" },
    Difference { kind: "CustomResourceDefinition", theirs: "Current", ours: Status::Failed, when: |object| condition(object, "NamesAccepted", "False"), reason: "its names are taken, whatever was established before" },
    Difference { kind: "CustomResourceDefinition", theirs: "Failed", ours: Status::InProgress, when: |object| condition(object, "Established", "False") && condition(object, "NamesAccepted", "True"), reason: "registering has a grace of thirty seconds, whatever the reason is called" },
    Difference { kind: "Namespace", theirs: "Current", ours: Status::Failed, when: |object| has(object, "/status/phase", "Terminating"), reason: "nothing new can be made in it" },
    Difference { kind: "Namespace", theirs: "Terminating", ours: Status::Failed, when: |object| has(object, "/status/phase", "Terminating"), reason: "nothing new can be made in it, so waiting for it to be there is in vain" },
    Difference { kind: "APIService", theirs: "Current", ours: Status::InProgress, when: |object| !condition(object, "Available", "True"), reason: "kstatus has no rule for it" },
    Difference { kind: "Thing", theirs: "InProgress", ours: Status::Current, when: |object| number(object, "/status/observedGeneration") > number(object, "/metadata/generation"), reason: "what was observed later than our write includes it" },
    Difference { kind: "Thing", theirs: "InProgress", ours: Status::Failed, when: |object| condition(object, "Stalled", "True") && condition(object, "Reconciling", "True"), reason: "kstatus lets the order of the list decide; stalled outranks" },
    Difference { kind: "Thing", theirs: "Current", ours: Status::InProgress, when: |object| condition(object, "Available", "False") || has(object, "/status/phase", "Failed"), reason: "kstatus reads Ready alone; other words for it count" },
    Difference { kind: "Thing", theirs: "error", ours: Status::Current, when: |object| has(object, "/status/observedGeneration", "2"), reason: "Argo Rollouts writes it as text" },
];

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("fixtures/kstatus.json")).unwrap()
}

fn ours(object: &Value) -> Status {
    readiness(object, &Since::default(), &World::default(), at("2026-01-01T00:00:10Z")).status
}

fn explains(difference: &Difference, case: &Case, answer: Status) -> bool {
    difference.kind == case.object["kind"]
        && difference.theirs == case.kstatus
        && difference.ours == answer
        && (difference.when)(&case.object)
}

#[test]
fn the_same_answer_or_a_reasoned_difference() {
    let mut unexplained = Vec::new();
    for case in cases() {
        let answer = ours(&case.object);
        let is_explained = DIFFERENCES.iter().any(|difference| explains(difference, &case, answer));
        if answer.as_str() != case.kstatus && !is_explained {
            unexplained.push(format!("{} → {answer}: {}", case.kstatus, case.object));
        }
    }
    assert!(unexplained.is_empty(), "{} unexplained:\n{}", unexplained.len(), unexplained.join("\n"));
}

/// A reason that explains nothing is a reason that has gone stale.
#[test]
fn every_reason_is_needed() {
    let cases = cases();
    assert!(cases.len() > 200);
    for (index, difference) in DIFFERENCES.iter().enumerate() {
        assert_ne!(difference.theirs, difference.ours.as_str());
        let is_used = cases.iter().any(|case| explains(difference, case, ours(&case.object)));
        assert!(is_used, "number {index}, {} {}: {}", difference.kind, difference.theirs, difference.reason);
    }
}

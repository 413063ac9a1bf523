//! L60xx: volumes and claims.

use lucid_status::Class::{Advice, After, FatalNow, Wait};
use serde_json::{Value, json};

use super::{Case, case};
use crate::world::{World, and, cluster_object, condition, object, rollout, unscheduled};

fn claim(rest: Value) -> World {
    let base = json!({"spec": {"storageClassName": "fast"}, "status": {"phase": "Pending"}});
    World::of([object("v1", "PersistentVolumeClaim", "data", and(base, rest))])
}

fn class(name: &str, mode: &str) -> Value {
    cluster_object("storage.k8s.io/v1", "StorageClass", name, json!({"volumeBindingMode": mode}))
}

pub(super) fn cases() -> Vec<Case> {
    let pending = || claim(json!({}));
    let phase = |phase: &str| claim(json!({"status": {"phase": phase}}));
    let resizing = |kind: &str| {
        claim(
            json!({"status": {"phase": "Bound", "conditions": [condition(kind, "True", "", "Waiting for user to (re-)start a pod")]}}),
        )
    };
    let said = |reason: &str, words: &str| pending().told("PersistentVolumeClaim", reason, words);
    let mounts = |message: &str, claim_name: &str| {
        let volumes =
            json!({"spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}]}});
        let world = rollout(and(unscheduled(message), volumes));
        world.with(object("v1", "PersistentVolumeClaim", "data", json!({"status": {"phase": "Bound"}})))
    };
    let no_class = "no persistent volumes available for this claim and no storage class is set";
    vec![
        case(6001, FatalNow, pending().with(class("slow", "Immediate")), pending().with(class("fast", "Immediate"))),
        case(
            6001,
            FatalNow,
            said("FailedBinding", no_class),
            said("FailedBinding", "no persistent volumes available for this claim"),
        ),
        case(
            6001,
            FatalNow,
            said("ProvisioningFailed", "storageclass.storage.k8s.io \"fast\" not found"),
            said("ProvisioningFailed", "quota of disks is used up"),
        ),
        case(
            6002,
            After(60),
            said("ProvisioningFailed", "quota of disks is used up"),
            said("Provisioning", "External provisioner is provisioning volume"),
        ),
        case(
            6003,
            Wait,
            pending().with(class("fast", "WaitForFirstConsumer")),
            pending().with(class("fast", "Immediate")),
        ),
        case(
            6003,
            Wait,
            said("WaitForFirstConsumer", "waiting for first consumer to be created before binding"),
            said("Provisioning", "x"),
        ),
        case(6004, FatalNow, phase("Lost"), phase("Bound")),
        case(6006, Advice, resizing("FileSystemResizePending"), resizing("Resizing")),
        case(
            6007,
            After(20),
            mounts("0/1 nodes are available: persistentvolumeclaim \"dat\" not found.", "dat"),
            mounts("0/1 nodes are available: 1 Insufficient cpu.", "dat"),
        ),
        case(6008, After(120), pending(), phase("Bound")),
    ]
}

#[test]
fn the_classes_there_are_are_named() {
    let found = claim(json!({})).with(class("slow", "Immediate")).diagnose();
    assert_eq!(found[0].finding.evidence, ["storage classes there are: slow"]);
}

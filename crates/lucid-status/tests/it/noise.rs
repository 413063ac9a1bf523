//! Unrelated objects and events never change the first cause.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::cases::all;
use crate::world::{World, cluster_object, crashing, event, object, owned, pod, ready, unscheduled, waiting};

/// One loud thing that has nothing to do with the case: other owners, other names, other uids.
fn noise() -> impl Strategy<Value = Value> {
    let reasons = [
        "Failed",
        "FailedCreate",
        "BackOff",
        "Unhealthy",
        "Killing",
        "FailedMount",
        "TriggeredScaleUp",
        "NotTriggerScaleUp",
        "Pulling",
        "FailedScheduling",
    ];
    let texts = [
        "secret \"x\" not found",
        "manifest unknown",
        "0/3 nodes are available: 3 Insufficient cpu.",
        "Container x failed liveness probe, will be restarted",
        "exceeded quota: q, requested: a",
    ];
    let events = (prop::sample::select(reasons.to_vec()), prop::sample::select(texts.to_vec()), 0..50_u32)
        .prop_map(|(reason, text, n)| event(&format!("Pod-noise-{n}"), reason, text));
    let states = prop::sample::select(vec![
        ready(),
        waiting("ErrImagePull", "manifest unknown"),
        waiting("CreateContainerConfigError", "secret \"x\" not found"),
        crashing(9, json!({"exitCode": 1})),
        unscheduled("0/3 nodes are available: 3 Insufficient cpu."),
    ]);
    // In another namespace, so that nothing of the case selects or names it.
    let pods = (states, 0..50_u32, 0..5_u32).prop_map(|(state, n, owner)| {
        let mut noise = pod(&format!("noise-{n}"), &format!("ReplicaSet-noise-{owner}"), state);
        noise["metadata"]["namespace"] = json!("elsewhere");
        noise["spec"]["nodeName"] = json!("noise-node");
        noise
    });
    let others = (0..50_u32, prop::sample::select(vec!["ConfigMap", "Secret", "Service"])).prop_map(|(n, kind)| {
        let mut noise = object("v1", kind, &format!("noise-{n}"), json!({"data": {"DB_PASSWRD": "eA=="}}));
        noise["metadata"]["namespace"] = json!("elsewhere");
        noise
    });
    let nodes = (0..50_u32).prop_map(|n| {
        let down =
            json!({"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "KubeletNotReady"}]}});
        cluster_object("v1", "Node", &format!("noise-node-{n}"), down)
    });
    let sets = (0..50_u32).prop_map(|n| {
        let failure = json!({"status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: q, requested: a"}]}});
        owned(object("apps/v1", "ReplicaSet", &format!("noise-{n}"), failure), &format!("Deployment-noise-{n}"))
    });
    prop_oneof![events, pods, others, nodes, sets]
}

/// Noise in every place between the objects of a case; its first stays first.
fn drowned(world: &World, noise: &[(usize, Value)]) -> World {
    let mut objects = world.objects.clone();
    for (at, object) in noise {
        let at = 1 + at % objects.len();
        objects.insert(at, object.clone());
    }
    World { objects, ..world.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_first_cause_stays(noise in prop::collection::vec((0..100_usize, noise()), 1..12)) {
        for case in all() {
            let quiet = case.trigger.diagnose().remove(0);
            let loud = drowned(&case.trigger, &noise).diagnose().remove(0);
            prop_assert_eq!(&quiet.finding, &loud.finding, "L{}", case.code);
            prop_assert_eq!(quiet.class, loud.class);
            prop_assert_eq!(case.trigger.readiness(), drowned(&case.trigger, &noise).readiness());
        }
    }

    /// The caches hand out children and events in any order.
    #[test]
    fn the_order_of_what_is_cached_does_not_matter(seed in 0..1000_usize) {
        for case in all() {
            let mut shuffled = case.trigger.clone();
            let rest = shuffled.objects.len() - 1;
            if rest > 1 {
                shuffled.objects[1..].rotate_left(seed % rest);
            }
            prop_assert_eq!(case.trigger.diagnose(), shuffled.diagnose());
        }
    }

    /// Whatever a controller writes where text is expected, nothing breaks and nothing unprintable comes out.
    #[test]
    fn any_text_is_survived(text in "\\PC{0,40}|.{0,40}") {
        for state in [waiting(&text, &text), waiting("CreateContainerError", &text), crashing(2, json!({"exitCode": 1, "reason": text, "message": text})), unscheduled(&text)] {
            for found in crate::world::rollout(state).told("Pod", "Failed", &text).diagnose() {
                let shown = [vec![found.finding.message], found.finding.evidence].concat();
                prop_assert!(!shown.iter().any(|line| line.chars().any(char::is_control)));
            }
        }
    }
}

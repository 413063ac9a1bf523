//! What is kept of objects is enough: every case is judged as if all of it had been kept.

use lucid_status::Diagnosis;
use lucid_status::health::Sieve;
use serde_json::{Value, json};

use crate::cases;
use crate::world::{World, and, merge, pod, ready};

/// Events come last, as in a look.
fn sifted(world: &World) -> World {
    let mut sieve = Sieve::default();
    let (events, others): (Vec<&Value>, Vec<&Value>) =
        world.objects.iter().partition(|object| object["kind"] == "Event");
    let objects = others.into_iter().chain(events).cloned().filter_map(|object| sieve.keep(object)).collect();
    World { objects, ..world.clone() }
}

#[test]
fn every_case_is_judged_the_same() {
    for case in cases::all() {
        for world in [case.trigger, case.neighbour] {
            let kept = sifted(&world);
            // Only that a probe once failed, of a pod that is ready now, goes unsaid.
            let told = |world: &World| -> Vec<Diagnosis> {
                world.diagnose().into_iter().filter(|diagnosis| diagnosis.finding.code.0 != 5009).collect()
            };
            assert_eq!(told(&kept), told(&world), "L{}", case.code);
            assert_eq!(kept.readiness(), world.readiness(), "L{}", case.code);
        }
    }
}

/// As an API server shows it, with what no check asks for.
fn whole() -> Value {
    let mut whole = pod("api-1", "u-rs", and(ready(), json!({"status": {"podIP": "10.0.0.7"}})));
    merge(
        &mut whole,
        json!({"metadata": {"labels": {"app": "api"}, "managedFields": [{"manager": "kubelet"}], "annotations": {"a": "b"}},
        "spec": {"nodeName": "n1", "volumes": [{"name": "v"}], "tolerations": [{"key": "k"}]}}),
    );
    whole
}

#[test]
fn of_a_pod_that_is_well_little_is_kept_and_of_any_other_all_but_the_record() {
    let kept = Sieve::default().keep(whole()).unwrap();
    for pointer in ["/metadata/labels/app", "/metadata/uid", "/spec/nodeName", "/status/podIP", "/status/phase"] {
        assert_eq!(kept.pointer(pointer), whole().pointer(pointer), "{pointer}");
    }
    for pointer in ["/metadata/managedFields", "/metadata/annotations", "/spec/volumes", "/spec/tolerations"] {
        assert_eq!(kept.pointer(pointer), None, "{pointer}");
    }
    for trouble in [
        json!({"metadata": {"deletionTimestamp": "2026-11-24T10:00:00Z"}}),
        json!({"status": {"containerStatuses": [{"name": "main", "restartCount": 1}]}}),
        json!({"status": {"phase": "Pending"}}),
        json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}),
        json!({"status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "DisruptionTarget", "status": "True"}]}}),
    ] {
        let mut pod = whole();
        merge(&mut pod, trouble);
        let kept = Sieve::default().keep(pod.clone()).unwrap();
        pod["metadata"].as_object_mut().unwrap().remove("managedFields");
        assert_eq!(kept, pod);
    }
}

#[test]
fn what_events_said_of_a_pod_that_is_well_is_over() {
    let event = |uid: &str, reason: &str| json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "reason": reason, "involvedObject": {"uid": uid}});
    let mut sieve = Sieve::default();
    let pod = sieve.keep(whole()).unwrap();
    let uid = pod["metadata"]["uid"].as_str().unwrap();
    assert_eq!(sieve.keep(event(uid, "Unhealthy")), None);
    assert_eq!(sieve.keep(event("another", "Scheduled")), None);
    assert!(sieve.keep(event("another", "Unhealthy")).is_some());
}

#[test]
fn endpoints_are_only_counted() {
    let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "s"}, "endpoints": [
        {"addresses": ["10.0.0.1"], "conditions": {"ready": true, "serving": true}},
        {"addresses": ["10.0.0.2"], "conditions": {"ready": false}}, {"addresses": ["10.0.0.3"]}]});
    let kept = Sieve::default().keep(slice).unwrap();
    assert_eq!(kept["endpoints"], json!([{}, {"conditions": {"ready": false}}, {}]));
}

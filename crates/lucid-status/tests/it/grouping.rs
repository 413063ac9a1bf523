//! One sentence for many findings.

use lucid_status::{Axis, Diagnosis, group};
use serde_json::json;

use crate::world::{World, and, at, deployment, object, pod, replica_set, since, unscheduled, waiting};

const DENIED: &str = "unexpected status from HEAD request to https://r.example/v2/api/manifests/1: 401 Unauthorized";

fn findings(pods: Vec<serde_json::Value>) -> Vec<Diagnosis> {
    let mut world = World::of([deployment(json!({"spec": {"replicas": pods.len()}})), replica_set(3, json!({}))]);
    world.objects.extend(pods);
    lucid_status::diagnose(&world.objects[0], &since(), &world, at(crate::world::NOW))
}

fn denied(number: usize, image: &str) -> serde_json::Value {
    let mut denied = pod(
        &format!("api-3-{number:03}"),
        "ReplicaSet-api-3",
        and(
            waiting("ErrImagePull", DENIED),
            json!({"spec": {"nodeName": format!("n{}", number % 7), "imagePullSecrets": [{"name": "regcred"}]}}),
        ),
    );
    denied["spec"]["containers"][0]["image"] = json!(image);
    denied
}

#[test]
fn a_shared_pull_secret_is_the_diagnosis() {
    let mut pods: Vec<_> = (0..137).map(|number| denied(number, &format!("r.example/svc{}:1", number % 20))).collect();
    pods.extend((137..140).map(|number| {
        pod(
            &format!("api-3-{number:03}"),
            "ReplicaSet-api-3",
            unscheduled("0/9 nodes are available: 9 Insufficient cpu."),
        )
    }));
    let groups = group(&findings(pods));
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[0].members.len(), 137);
    assert!(groups[0].message.starts_with("137 of 140: the registry refuses the credentials"), "{}", groups[0].message);
    assert!(groups[0].shares.contains(&(Axis::Secret, "regcred".into())));
    assert_eq!(groups[1].members.len(), 3);
}

#[test]
fn one_bad_node_is_named() {
    let sandbox = |number: usize, node: &str| {
        let mut pod = pod(
            &format!("api-3-{number}"),
            "ReplicaSet-api-3",
            waiting("CreateContainerError", "context deadline exceeded"),
        );
        pod["spec"]["nodeName"] = json!(node);
        pod
    };
    let on_one = group(&findings((0..7).map(|number| sandbox(number, "n3")).collect()));
    assert!(on_one[0].shares.contains(&(Axis::Node, "n3".into())));
    assert!(on_one[0].message.contains("on node n3"), "{}", on_one[0].message);
    let on_many = group(&findings((0..7).map(|number| sandbox(number, ["n1", "n2"][number % 2])).collect()));
    assert!(!on_many[0].shares.iter().any(|(axis, _)| *axis == Axis::Node));
}

#[test]
fn different_images_that_do_not_exist_are_different_causes() {
    let missing = |number: usize, image: &str| {
        let mut pod = pod(&format!("api-3-{number}"), "ReplicaSet-api-3", waiting("ErrImagePull", "manifest unknown"));
        pod["spec"]["containers"][0]["image"] = json!(image);
        pod
    };
    let groups = group(&findings(vec![missing(0, "a:1"), missing(1, "b:1"), missing(2, "a:1")]));
    assert_eq!(groups.iter().map(|group| group.members.len()).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_single_finding_keeps_its_own_words() {
    let groups = group(&findings(vec![denied(1, "r.example/api:1")]));
    assert_eq!(groups[0].message, "the registry refuses the credentials for image r.example/api:1");
    assert!(groups[0].shares.is_empty());
}

#[test]
fn zones_are_named_when_no_single_node_explains_it() {
    let nodes = ["n1", "n2"].map(|name| {
        let mut node =
            object("v1", "Node", name, json!({"metadata": {"labels": {"topology.kubernetes.io/zone": "eu-1a"}}}));
        node["metadata"].as_object_mut().unwrap().remove("namespace");
        node
    });
    let mut pods: Vec<_> = (0..4)
        .map(|number| {
            let mut pod = pod(
                &format!("api-3-{number}"),
                "ReplicaSet-api-3",
                waiting("CreateContainerError", "context deadline exceeded"),
            );
            pod["spec"]["nodeName"] = json!(["n1", "n2"][number % 2]);
            pod
        })
        .collect();
    pods.extend(nodes);
    let groups = group(&findings(pods));
    assert!(groups[0].message.contains("in zone eu-1a"), "{}", groups[0].message);
}

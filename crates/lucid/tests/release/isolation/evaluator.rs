//! The evaluator itself, on policies of a few lines.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::policy::{Direction, Labels, Peer, Pod, Policy, allowed};

fn pod(namespace: &str, app: &str) -> Pod {
    let pair = |key: &str, value: &str| Labels::from([(key.to_owned(), value.to_owned())]);
    let ports = [("http".to_owned(), ("TCP", 8080))].into();
    Pod { namespace: namespace.into(), namespace_labels: pair("name", namespace), labels: pair("app", app), ports }
}

fn peer(pod: Option<Pod>, address: [u8; 4]) -> Peer {
    Peer { name: String::new(), pod, address: Ipv4Addr::from(address) }
}

/// The ports, of 80, 8080, 8081 and 53/UDP, that a policy in namespace `here` leaves to its pod `web`.
#[track_caller]
fn check(direction: Direction, spec: &Value, other: &Peer, want: &[u16]) {
    let policy = Policy::parse(&json!({"metadata": {"name": "p", "namespace": "here"}, "spec": spec}));
    let ports = [("TCP", 80), ("TCP", 8080), ("TCP", 8081), ("UDP", 53)];
    let got = allowed(&[&policy], direction, (&pod("here", "web"), other), &ports);
    assert_eq!(got.into_iter().map(|(_, number)| number).collect::<Vec<_>>(), want, "{spec}");
}

const ALL: [u16; 4] = [80, 8080, 8081, 53];

#[test]
fn a_pod_that_no_policy_selects_is_open_and_one_that_is_selected_is_not() {
    let other = peer(Some(pod("here", "db")), [10, 0, 0, 1]);
    check(Direction::Ingress, &json!({"podSelector": {"matchLabels": {"app": "db"}}}), &other, &ALL);
    check(Direction::Ingress, &json!({"podSelector": {}}), &other, &[]);
    // Without policyTypes, egress is restricted only where there is a rule for it.
    check(Direction::Egress, &json!({"podSelector": {}}), &other, &ALL);
    check(Direction::Egress, &json!({"podSelector": {}, "policyTypes": ["Egress"]}), &other, &[]);
    check(Direction::Ingress, &json!({"podSelector": {}, "policyTypes": ["Egress"]}), &other, &ALL);
    let rule = json!({"podSelector": {}, "egress": [{"to": [{"podSelector": {}}], "ports": [{"port": 80}]}]});
    check(Direction::Egress, &rule, &other, &[80]);
}

#[test]
fn selectors_of_pods_and_namespaces_narrow_each_other() {
    let from = |peers: Value| json!({"podSelector": {}, "ingress": [{"from": peers, "ports": [{"port": 80}]}]});
    let here = peer(Some(pod("here", "db")), [10, 0, 0, 1]);
    let there = peer(Some(pod("there", "db")), [10, 0, 0, 2]);
    let outside = peer(None, [10, 0, 0, 3]);
    let pods = json!([{"podSelector": {"matchLabels": {"app": "db"}}}]);
    check(Direction::Ingress, &from(pods.clone()), &here, &[80]);
    check(Direction::Ingress, &from(pods), &there, &[]);
    let namespace = json!({"matchExpressions": [{"key": "name", "operator": "In", "values": ["there"]}]});
    check(Direction::Ingress, &from(json!([{"namespaceSelector": namespace}])), &there, &[80]);
    check(Direction::Ingress, &from(json!([{"namespaceSelector": namespace}])), &here, &[]);
    let both = json!([{"namespaceSelector": namespace, "podSelector": {"matchLabels": {"app": "web"}}}]);
    check(Direction::Ingress, &from(both), &there, &[]);
    // Two peers are one or the other.
    let either = json!([{"namespaceSelector": namespace}, {"podSelector": {"matchLabels": {"app": "db"}}}]);
    check(Direction::Ingress, &from(either), &here, &[80]);
    check(Direction::Ingress, &from(json!([{"namespaceSelector": {}}])), &outside, &[]);
    check(Direction::Ingress, &from(json!([])), &outside, &[80]);
}

#[test]
fn blocks_have_exceptions() {
    let to = json!([{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "192.168.1.0/24"]}}]);
    let spec = json!({"podSelector": {}, "egress": [{"to": to}]});
    check(Direction::Egress, &spec, &peer(None, [203, 0, 113, 1]), &ALL);
    check(Direction::Egress, &spec, &peer(None, [10, 255, 0, 1]), &[]);
    check(Direction::Egress, &spec, &peer(None, [192, 168, 1, 9]), &[]);
    check(Direction::Egress, &spec, &peer(None, [192, 168, 2, 9]), &ALL);
    check(Direction::Egress, &spec, &peer(Some(pod("there", "db")), [10, 0, 0, 1]), &[]);
}

#[test]
fn ports_by_number_range_name_and_protocol() {
    let ports = |ports: Value| json!({"podSelector": {}, "ingress": [{"ports": ports}], "egress": [{"ports": ports}]});
    let db = peer(Some(pod("here", "db")), [10, 0, 0, 1]);
    check(Direction::Ingress, &ports(json!([{"port": 8080, "endPort": 8090}])), &db, &[8080, 8081]);
    check(
        Direction::Ingress,
        &ports(json!([{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 80}])),
        &db,
        &[80, 53],
    );
    check(Direction::Ingress, &ports(json!([{"protocol": "UDP"}])), &db, &[53]);
    // A name is that of a port of whoever receives.
    check(Direction::Ingress, &ports(json!([{"port": "http"}])), &peer(None, [10, 0, 0, 3]), &[8080]);
    check(Direction::Egress, &ports(json!([{"port": "http"}])), &db, &[8080]);
    check(Direction::Egress, &ports(json!([{"port": "http"}])), &peer(None, [10, 0, 0, 3]), &[]);
    check(Direction::Ingress, &ports(json!([{"port": "metrics"}])), &db, &[]);
    check(Direction::Ingress, &ports(json!([])), &db, &ALL);
}

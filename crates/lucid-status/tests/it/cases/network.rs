//! L52xx: Services, Ingresses, Gateways and certificates.

use lucid_status::Class::{Advice, After, FatalNow, Symptom, Wait};
use serde_json::{Value, json};

use super::{Case, case};
use crate::world::{World, and, cluster_object, condition, object, pod, ready, running};

fn service(rest: Value) -> Value {
    let base = json!({"spec": {"type": "ClusterIP", "clusterIP": "10.0.0.5", "selector": {"app": "api"}, "ports": [{"name": "http", "port": 80, "targetPort": "web"}]}});
    object("v1", "Service", "api", and(base, rest))
}

fn labelled(label: &str, rest: Value) -> Value {
    let rest = and(rest, json!({"metadata": {"labels": {"app": label}}}));
    let mut pod = pod("api-3-a", "ReplicaSet-api-3", rest);
    pod["spec"]["containers"][0]["ports"] = json!([{"name": "web", "containerPort": 8080}]);
    pod
}

fn ingress(rest: Value) -> Value {
    let base = json!({"spec": {"ingressClassName": "nginx", "tls": [{"hosts": ["a.example"], "secretName": "tls"}],
        "rules": [{"host": "a.example", "http": {"paths": [{"path": "/", "backend": {"service": {"name": "api", "port": {"number": 80}}}}]}}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}});
    object("networking.k8s.io/v1", "Ingress", "web", and(base, rest))
}

/// Everything that the Ingress refers to.
fn behind(ingress: Value) -> World {
    World::of([
        ingress,
        service(json!({})),
        cluster_object("networking.k8s.io/v1", "IngressClass", "nginx", json!({})),
        object("v1", "Secret", "tls", json!({"type": "kubernetes.io/tls"})),
    ])
}

pub(super) fn cases() -> Vec<Case> {
    let with = |rest: Value, pod: Value| World::of([service(rest), pod]);
    let good = || with(json!({}), labelled("api", ready()));
    let backend = |name: &str, port: i64| {
        behind(ingress(
            json!({"spec": {"rules": [{"http": {"paths": [{"backend": {"service": {"name": name, "port": {"number": port}}}}]}}]}}),
        ))
    };
    let balanced = |kind: &str| World::of([service(json!({"spec": {"type": kind, "selector": null}}))]);
    let mut cases = vec![
        case(5201, After(120), with(json!({}), labelled("apu", ready())), good()),
        case(5202, Symptom, with(json!({}), labelled("api", running())), good()),
        case(
            5203,
            After(120),
            with(json!({"spec": {"ports": [{"port": 80, "targetPort": "wed"}]}}), labelled("api", ready())),
            good(),
        ),
        case(5204, After(300), balanced("LoadBalancer"), balanced("ClusterIP")),
        case(
            5205,
            Advice,
            behind(ingress(json!({"spec": {"ingressClassName": "traefik"}}))),
            behind(ingress(json!({}))),
        ),
        case(5206, FatalNow, backend("apj", 80), backend("api", 80)),
        case(5206, FatalNow, backend("api", 81), backend("api", 80)),
        case(
            5207,
            Advice,
            behind(ingress(json!({}))).but("Secret", json!({"type": "Opaque"})),
            behind(ingress(json!({}))),
        ),
        case(
            5207,
            Advice,
            behind(ingress(json!({}))).but("Secret", json!({"metadata": {"name": "other"}})),
            behind(ingress(json!({}))),
        ),
        case(5210, Advice, behind(ingress(json!({"status": null}))), behind(ingress(json!({})))),
    ];
    cases.extend(conditions());
    cases
}

fn conditions() -> Vec<Case> {
    let of = |api: &str, kind: &str, conditions: Value| {
        World::of([object(api, kind, "x", json!({"status": {"conditions": conditions}}))])
    };
    let certificate = |status: &str, issuing: Option<&str>| {
        let issuing = issuing.map(|reason| condition("Issuing", "False", reason, "The certificate request has failed"));
        let conditions: Vec<Value> = [Some(condition("Ready", status, "DoesNotExist", "Issuing certificate")), issuing]
            .into_iter()
            .flatten()
            .collect();
        of("cert-manager.io/v1", "Certificate", json!(conditions))
    };
    let order =
        |state: &str| World::of([object("acme.cert-manager.io/v1", "Order", "x", json!({"status": {"state": state}}))]);
    let route = |reason: &str| {
        let condition = condition("ResolvedRefs", "False", reason, "Service \"api\" not found");
        World::of([object(
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            "x",
            json!({"status": {"parents": [{"conditions": [condition]}]}}),
        )])
    };
    vec![
        case(5209, Wait, certificate("False", None), certificate("True", None)),
        case(5209, FatalNow, certificate("False", Some("Failed")), certificate("True", Some("Failed"))),
        case(5209, FatalNow, order("invalid"), order("pending")),
        case(5211, FatalNow, route("BackendNotFound"), route("Pending")),
    ]
}

#[test]
fn the_differing_label_is_named() {
    let found = World::of([service(json!({})), labelled("apu", ready())]).diagnose();
    assert_eq!(found[0].finding.evidence, ["nearest pod api-3-a has app=apu, not api"]);
}

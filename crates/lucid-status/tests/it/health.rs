//! The health of a release: facts in, report out.

use std::collections::{BTreeMap, BTreeSet};

use lucid_object::{Finding, ObjectRef};
use lucid_status::health::{
    Answer, Certificate, Coverage, Endpoint, Facts, Look, Part, Scope, Served, Subject, Tls, Unreached, Unseen,
    VolumeUse, fold,
};
use lucid_status::{Area, HealthReport, State};
use serde_json::{Value, json};

use crate::world::{NOW, World, at, merge, reference};

/// A namespaced object as the API server shows it.
fn thing(api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": name, "namespace": "shop", "uid": format!("{kind}-{name}")}});
    merge(&mut object, rest);
    object
}

fn deployment(name: &str, ready: i64) -> Value {
    let labels = json!({"app": name});
    thing(
        "apps/v1",
        "Deployment",
        name,
        json!({"metadata": {"generation": 1},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready, "availableReplicas": ready}}),
    )
}

fn service(name: &str) -> Value {
    thing("v1", "Service", name, json!({"spec": {"selector": {"app": name}, "ports": [{"port": 80}]}}))
}

fn slice(service: &str, ready: bool) -> Value {
    thing(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        service,
        json!({
        "metadata": {"labels": {"kubernetes.io/service-name": service}}, "endpoints": [{"conditions": {"ready": ready}}]}),
    )
}

/// One component, `api`, with the named objects; everything could be listed.
struct Scene {
    world: World,
    own: Vec<ObjectRef>,
    coverage: Coverage,
    certificates: BTreeMap<ObjectRef, Tls>,
    served: Vec<Served>,
    unreached: Vec<Unreached>,
    volumes: BTreeMap<ObjectRef, VolumeUse>,
    endpoints: Vec<Endpoint>,
    skip: BTreeSet<Area>,
}

impl Scene {
    fn new(own: &[Value], beside: &[Value]) -> Self {
        let mut coverage = Coverage::default();
        for look in Look::ALL {
            let namespace = (look.scope == Scope::Namespaces).then(|| "shop".to_owned());
            coverage.listed.insert((look.group.into(), look.kind.into(), namespace), 7);
        }
        Self {
            world: World::of(own.iter().chain(beside).cloned()),
            own: own.iter().map(reference).collect(),
            coverage,
            certificates: BTreeMap::new(),
            served: Vec::new(),
            unreached: Vec::new(),
            volumes: BTreeMap::new(),
            endpoints: Vec::new(),
            skip: BTreeSet::from([Area::Usage]),
        }
    }

    fn unseen(mut self, group: &str, kind: &str, namespace: Option<&str>) -> Self {
        let namespace = namespace.map(str::to_owned);
        self.coverage.listed.remove(&(group.into(), kind.into(), namespace.clone()));
        let reason = "we may not look".into();
        self.coverage.unseen.push(Unseen { group: group.into(), kind: kind.into(), namespace, reason });
        self.world.objects.retain(|object| reference(object).kind != kind);
        self
    }

    fn report(&self) -> HealthReport {
        let is_watched = |object: &ObjectRef| object.kind == "Deployment";
        let parts = self.own.iter().map(|object| Part { object: object.clone(), is_watched: is_watched(object) });
        let api = Subject {
            name: "api".into(),
            parts: parts.collect(),
            endpoints: self.endpoints.clone(),
            ..Subject::default()
        };
        fold(&Facts {
            release: "shop",
            namespace: "shop",
            cluster_id: None,
            server_version: "v1.37.0",
            subjects: &[api],
            namespaces: &["shop".into()],
            cluster: &self.world,
            coverage: &self.coverage,
            certificates: &self.certificates,
            served: &self.served,
            unreached: &self.unreached,
            volumes: &self.volumes,
            has_metrics: false,
            since: None,
            skip: &self.skip,
            only: None,
            place: &|_, _| {},
            now: at(NOW),
            took_ms: 40,
        })
    }
}

/// The state, and the codes of causes, symptoms and warnings.
#[track_caller]
fn check(scene: &Scene, state: State, expect: [&[&str]; 3]) {
    let report = scene.report();
    let codes = |findings: &[Finding]| findings.iter().map(|finding| finding.code.to_string()).collect::<Vec<_>>();
    let causes: Vec<String> = report.causes.iter().map(|cause| cause.code.to_string()).collect();
    assert_eq!(
        (report.state, [causes, codes(&report.symptoms), codes(&report.warnings)]),
        (state, expect.map(|codes| codes.iter().map(|code| (*code).to_owned()).collect())),
        "{report:#?}"
    );
}

#[test]
fn what_is_well_is_ok() {
    let scene = Scene::new(&[deployment("api", 1), service("api")], &[slice("api", true)]);
    check(&scene, State::Ok, [&[], &[], &[]]);
    let report = scene.report();
    assert_eq!((report.components[0].ready, report.components[0].desired), (1, 1));
    assert_eq!(report.summary.failed + report.summary.unknown, 0);
    assert!(report.all_checks().all(|check| !check.message.is_empty()));
}

#[test]
fn a_service_without_endpoints_follows_from_its_pods_or_fails_by_itself() {
    let down = Scene::new(&[deployment("api", 0), service("api")], &[slice("api", false)]);
    check(&down, State::Failed, [&["L9012"], &["L5202"], &[]]);
    let lost = Scene::new(&[deployment("api", 1), service("lost")], &[]);
    check(&lost, State::Failed, [&["L5202"], &[], &[]]);
    let mut asleep = Scene::new(&[deployment("api", 0), service("api")], &[]);
    merge(
        &mut asleep.world.objects[0],
        json!({"spec": {"replicas": 0}, "status": {"replicas": 0, "updatedReplicas": 0}}),
    );
    check(&asleep, State::Ok, [&[], &[], &[]]);
}

#[test]
fn a_port_that_the_pods_do_not_have_fails_a_service_with_endpoints() {
    let pod = thing(
        "v1",
        "Pod",
        "api-1",
        json!({"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{"name": "main", "ports": [{"name": "http"}]}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}),
    );
    let at_port = |name: &str| {
        let mut service = service("api");
        service["spec"]["ports"] = json!([{"port": 80, "targetPort": name}]);
        Scene::new(&[deployment("api", 1), service], &[slice("api", true), pod.clone()])
    };
    check(&at_port("http"), State::Ok, [&[], &[], &[]]);
    check(&at_port("htpp"), State::Failed, [&["L5203"], &[], &[]]);
}

#[test]
fn what_only_has_to_be_there_may_have_troubles_of_its_own() {
    let held = thing(
        "v1",
        "ConfigMap",
        "settings",
        json!({"metadata": {"deletionTimestamp": "2026-11-24T09:00:00Z", "finalizers": ["shop.example/held"]}}),
    );
    let report = Scene::new(&[deployment("api", 1), held], &[]).report();
    let check = report.all_checks().find(|check| check.name == "ConfigMap settings").unwrap();
    assert_eq!(check.findings[0].code.to_string(), "L7008");
    assert!(check.state > State::Ok);
}

#[test]
fn what_is_not_the_releases_own_only_warns() {
    let foreign = Scene::new(&[deployment("api", 1)], &[service("theirs")]);
    check(&foreign, State::Warning, [&[], &[], &["L5202"]]);
}

#[test]
fn what_may_not_be_seen_is_neither_missing_nor_fine() {
    let whole = || Scene::new(&[deployment("api", 1), service("api")], &[slice("api", true)]);
    let report = whole().unseen("apps", "Deployment", Some("shop")).report();
    assert_eq!(report.components[0].checks[0].state, State::Unknown);
    assert_eq!(report.components[0].checks[0].message, "could not be looked at: we may not look");
    assert!(report.causes.is_empty());
    for (group, kind, namespace) in
        [("", "Node", None), ("discovery.k8s.io", "EndpointSlice", Some("shop")), ("", "Pod", Some("shop"))]
    {
        let report = whole().unseen(group, kind, namespace).report();
        assert_eq!((report.state, report.summary.unknown), (State::Unknown, 1), "{kind}: {report:#?}");
    }
    let mut gone = whole();
    gone.world.objects.remove(0);
    check(&gone, State::Failed, [&["L9025"], &[], &[]]);
}

#[test]
fn without_a_metrics_api_the_use_is_unknown() {
    let mut scene = Scene::new(&[deployment("api", 1)], &[]);
    scene.skip.clear();
    check(&scene, State::Unknown, [&[], &[], &[]]);
}

#[test]
fn endpoints_fail_are_unknown_or_follow_from_what_is_down() {
    let endpoint = |answer: Answer| vec![Endpoint { name: "GET / on 80".into(), answer, took_ms: 3, served: None }];
    let wrong = |finding: Finding| Answer::Wrong(Box::new(finding));
    let pod = ObjectRef::new("", "Pod", Some("shop"), "api-1");
    let mut scene = Scene::new(&[deployment("api", 1)], &[]);
    scene.endpoints = endpoint(wrong(Finding::error(9011, "503").on(pod)));
    check(&scene, State::Failed, [&["L9011"], &[], &[]]);
    scene.endpoints = endpoint(Answer::NotAsked("we may not".into()));
    check(&scene, State::Unknown, [&[], &[], &[]]);
    let mut down = Scene::new(&[deployment("api", 0)], &[]);
    down.endpoints = endpoint(wrong(Finding::error(9011, "no ready pod")));
    check(&down, State::Failed, [&["L9012"], &["L9011"], &[]]);
}

fn ingress() -> Value {
    thing(
        "networking.k8s.io/v1",
        "Ingress",
        "door",
        json!({
        "spec": {"tls": [{"hosts": ["shop.example"], "secretName": "tls"}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}),
    )
}

fn certificate(until: &str, names: &[&str], fingerprint: &str) -> Certificate {
    Certificate {
        not_before: at("2026-01-01T00:00:00Z"),
        not_after: at(until),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        fingerprint: fingerprint.to_owned(),
        key_fits: None,
    }
}

fn secret(scene: &mut Scene, certificate: Certificate) {
    scene.certificates.insert(ObjectRef::new("", "Secret", Some("shop"), "tls"), Tls::Certificate(certificate));
}

const FAR: &str = "2027-06-01T00:00:00Z";

#[test]
fn certificates_are_judged_by_time_name_and_key() {
    let said = |until: &str, names: &[&str], key_fits: Option<bool>| {
        let mut scene = Scene::new(&[ingress()], &[]);
        secret(&mut scene, Certificate { key_fits, ..certificate(until, names, "f") });
        let report = scene.report();
        let found = report
            .all_checks()
            .find(|check| check.area == Area::Ingresses && check.component.is_some())
            .unwrap()
            .clone();
        (found.state, found.message)
    };
    assert_eq!(said(FAR, &["*.example"], Some(true)).0, State::Ok);
    let (state, message) = said("2026-11-20T10:00:00Z", &["shop.example"], None);
    assert_eq!((state, message.ends_with("expired 4 days ago")), (State::Failed, true), "{message}");
    assert_eq!(said("2026-12-01T00:00:00Z", &["shop.example"], None).0, State::Warning);
    assert!(said(FAR, &["other.example"], None).1.ends_with("is not for shop.example"));
    assert!(said(FAR, &["shop.example"], Some(false)).1.ends_with("does not belong to the key beside it"));
}

#[test]
fn what_is_served_is_held_against_the_secret() {
    let served = |certificate: Certificate| {
        vec![Served { host: "shop.example".into(), by: "10.0.0.1".into(), tls: Tls::Certificate(certificate) }]
    };
    let mut scene = Scene::new(&[ingress()], &[]);
    secret(&mut scene, certificate(FAR, &["shop.example"], "new"));
    scene.served = served(certificate(FAR, &["shop.example"], "new"));
    check(&scene, State::Ok, [&[], &[], &[]]);
    // The controller has not taken up the renewed one, which is still good,
    scene.served = served(certificate("2027-01-01T00:00:00Z", &["shop.example"], "old"));
    check(&scene, State::Warning, [&[], &[], &["L5208"]]);
    // or has run out,
    scene.served = served(certificate("2026-11-20T10:00:00Z", &["shop.example"], "old"));
    check(&scene, State::Failed, [&["L5208"], &[], &["L5208"]]);
    // or serves its default. That is seen without the right to read the Secret.
    scene.certificates.clear();
    scene.served = served(certificate(FAR, &["ingress.local"], "default"));
    check(&scene, State::Failed, [&["L5208"], &[], &[]]);
    scene.served.clear();
    scene.unreached = vec![Unreached { what: "10.0.0.1 of Ingress shop/door".into(), reason: "refused".into() }];
    check(&scene, State::Unknown, [&[], &[], &[]]);
}

#[test]
fn what_an_endpoint_shows_is_judged_at_that_endpoint() {
    let shown = |until: &str| {
        let tls = Tls::Certificate(certificate(until, &["api.example"], "f"));
        let served = Some(Served { host: "api.example".into(), by: "port 8443 of pod api-1".into(), tls });
        let mut scene = Scene::new(&[deployment("api", 1)], &[]);
        let answer = Answer::Answers("https://api.example:8443/ answers at 1 pod".into());
        scene.endpoints = vec![Endpoint { name: "GET https://api.example:8443/".into(), answer, took_ms: 3, served }];
        scene
    };
    check(&shown(FAR), State::Ok, [&[], &[], &[]]);
    check(&shown("2026-11-20T10:00:00Z"), State::Failed, [&["L5208"], &[], &[]]);
    check(&shown("2026-11-30T10:00:00Z"), State::Warning, [&[], &[], &["L5208"]]);
}

#[test]
fn quotas_policies_webhooks_nodes_and_apis() {
    let quota = thing(
        "v1",
        "ResourceQuota",
        "q",
        json!({"status": {"hard": {"pods": "10", "cpu": "2"}, "used": {"pods": "9", "cpu": "1790m"}}}),
    );
    check(&Scene::new(&[], &[quota]), State::Warning, [&[], &[], &["L7011"]]);
    let policy = |app: &str| {
        thing(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "p",
            json!({"spec": {"podSelector": {"matchLabels": {"app": app}}}}),
        )
    };
    check(&Scene::new(&[deployment("api", 1)], &[policy("api")]), State::Ok, [&[], &[], &[]]);
    check(&Scene::new(&[deployment("api", 1)], &[policy("apj")]), State::Warning, [&[], &[], &["L8203"]]);
    let wide = |api_version: &str, kind: &str, rest: Value| {
        let mut object = thing(api_version, kind, "x", rest);
        object["metadata"].as_object_mut().unwrap().remove("namespace");
        object
    };
    let hook = wide(
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        json!({
        "webhooks": [{"name": "v.example", "clientConfig": {"service": {"namespace": "shop", "name": "hook"}}}]}),
    );
    check(&Scene::new(&[], std::slice::from_ref(&hook)), State::Warning, [&[], &[], &["L1007"]]);
    check(&Scene::new(&[], &[hook, slice("hook", true)]), State::Ok, [&[], &[], &[]]);
    let node = wide(
        "v1",
        "Node",
        json!({"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "KubeletNotReady"}]}}),
    );
    check(&Scene::new(&[], &[node]), State::Warning, [&[], &[], &["L7001"]]);
    let api = wide(
        "apiregistration.k8s.io/v1",
        "APIService",
        json!({"spec": {"service": {"name": "m", "namespace": "k"}},
        "status": {"conditions": [{"type": "Available", "status": "False", "reason": "MissingEndpoints"}]}}),
    );
    check(&Scene::new(&[], &[api]), State::Warning, [&[], &[], &["L7004"]]);
    let volume = wide(
        "v1",
        "PersistentVolume",
        json!({"spec": {"claimRef": {"namespace": "shop", "name": "c"}}, "status": {"phase": "Failed"}}),
    );
    check(&Scene::new(&[], &[volume]), State::Warning, [&[], &[], &["L6009"]]);
}

#[test]
fn a_volume_that_is_nearly_full_warns() {
    let claim = thing(
        "v1",
        "PersistentVolumeClaim",
        "data",
        json!({"status": {"phase": "Bound"}, "spec": {"volumeName": "pv"}}),
    );
    let full = |bytes: u64, inodes: u64| {
        let mut scene = Scene::new(std::slice::from_ref(&claim), &[]);
        scene.volumes.insert(reference(&claim), VolumeUse { bytes, capacity: 1000, inodes, inodes_capacity: 100 });
        scene
    };
    check(&full(849, 84), State::Ok, [&[], &[], &[]]);
    check(&full(850, 1), State::Warning, [&[], &[], &["L6005"]]);
    check(&full(1, 85), State::Warning, [&[], &[], &["L6005"]]);
    let report = full(120, 1).report();
    let of_claim = report.all_checks().find(|check| check.area == Area::Volumes).unwrap();
    assert_eq!(of_claim.message, "bound to pv, 12 % full");
}

#[test]
fn what_the_cluster_itself_runs_is_looked_at() {
    let names = |ready: i64| {
        let mut names = deployment("coredns", ready);
        merge(&mut names, json!({"metadata": {"namespace": "kube-system"}}));
        names
    };
    check(&Scene::new(&[deployment("api", 1)], &[names(1)]), State::Ok, [&[], &[], &[]]);
    let sick = Scene::new(&[deployment("api", 1)], &[names(0)]);
    check(&sick, State::Warning, [&[], &[], &["L7006"]]);
    assert_eq!(sick.report().warnings[0].message, "Deployment coredns of the cluster itself: 0 of 1 pods are ready");
    // What belongs to a component is judged with it.
    check(&Scene::new(&[names(0)], &[]), State::Failed, [&["L9012"], &[], &[]]);
    let unseen = Scene::new(&[deployment("api", 1)], &[]).unseen("apps", "DaemonSet", Some("kube-system"));
    check(&unseen, State::Unknown, [&[], &[], &[]]);
}

#[test]
fn use_is_held_against_requests_and_limits() {
    let pod = thing(
        "v1",
        "Pod",
        "api-1",
        json!({"metadata": {"ownerReferences": [{"uid": "Deployment-api", "controller": true}]},
        "spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "100Mi"}}}]}}),
    );
    let metrics = |memory: &str| {
        thing(
            "metrics.k8s.io/v1beta1",
            "PodMetrics",
            "api-1",
            json!({"containers": [{"name": "main", "usage": {"cpu": "25m", "memory": memory}}]}),
        )
    };
    let scene = |memory: &str| {
        let mut scene = Scene::new(&[deployment("api", 1)], &[pod.clone(), metrics(memory)]);
        scene.skip.clear();
        scene.report().components.remove(0)
    };
    let usage = scene("50Mi").usage.unwrap();
    assert_eq!(
        (usage.cpu_milli, usage.cpu_request_milli, usage.memory, usage.memory_limit),
        (25, 100, 50 << 20, 100 << 20)
    );
    assert_eq!(scene("50Mi").state, State::Ok);
    let near = scene("95Mi");
    assert_eq!(near.state, State::Warning);
    assert!(near.message.contains("95 % of its memory limit"), "{}", near.message);
}

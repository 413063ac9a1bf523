//! `lucid health` over ten thousand pods (fifty thousand in the soak), listed by a server that plays the API's part with
//! objects as large as real ones: requests, memory, and the one cause among them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::bench::Bench;

const REPLICAS: usize = 50;
/// Events that each start of a pod leaves behind.
const STORY: [&str; 4] = ["Scheduled", "Pulled", "Created", "Started"];

/// Requests by path, without their query.
type Asked = Arc<Mutex<BTreeMap<String, usize>>>;

struct Server {
    address: String,
    asked: Asked,
}

impl Server {
    fn start(pods: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Asked::default();
        let log = asked.clone();
        std::thread::spawn(move || {
            for line in listener.incoming().map_while(Result::ok) {
                let log = log.clone();
                std::thread::spawn(move || serve(&line, pods, &log));
            }
        });
        Self { address, asked }
    }
}

/// Requests of one connection, one after the other.
fn serve(line: &TcpStream, pods: usize, log: &Asked) {
    let mut lines = BufReader::new(line.try_clone().unwrap()).lines();
    let mut line = line;
    while let Some(Ok(first)) = lines.next() {
        while lines.next().is_some_and(|header| header.is_ok_and(|header| !header.is_empty())) {}
        let url = first.split(' ').nth(1).unwrap_or("/");
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        *log.lock().unwrap().entry(path.to_owned()).or_default() += 1;
        let body = answer(path, query, pods);
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        if line.write_all(head.as_bytes()).and_then(|()| line.write_all(body.as_bytes())).is_err() {
            return;
        }
    }
}

fn answer(path: &str, query: &str, pods: usize) -> String {
    let workloads = pods / REPLICAS;
    match path.rsplit('/').next().unwrap_or_default() {
        "version" => json!({"major": "1", "minor": "37", "gitVersion": "v1.37.2"}).to_string(),
        "api" => discovery(&[("", "v1", &[("pods", "Pod"), ("events", "Event"), ("services", "Service")])]),
        "apis" => discovery(&[
            ("apps", "v1", &[("deployments", "Deployment"), ("replicasets", "ReplicaSet")]),
            ("discovery.k8s.io", "v1", &[("endpointslices", "EndpointSlice")]),
        ]),
        "kube-system" => json!({"metadata": {"uid": "cluster"}}).to_string(),
        "pods" => page(query, pods, &pod()),
        "events" => page(query, pods * STORY.len(), &event()),
        "deployments" if path.contains("/kube-system/") => page(query, 0, &deployment()),
        "deployments" => page(query, workloads, &deployment()),
        "log" => "no such table\n".to_owned(),
        "replicasets" => page(query, workloads, &replica_set()),
        "services" => page(query, workloads, &service()),
        "endpointslices" => page(query, workloads, &slice()),
        other => panic!("nobody asks for {other}"),
    }
}

/// A group, a version, and its kinds by plural.
type Group<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

fn discovery(groups: &[Group<'_>]) -> String {
    let group = |(name, version, kinds): &Group<'_>| {
        let resource = |(plural, kind): &(&str, &str)| json!({"resource": plural, "responseKind": {"kind": kind}, "scope": "Namespaced"});
        let resources: Vec<Value> = kinds.iter().map(resource).collect();
        json!({"metadata": {"name": name}, "versions": [{"version": version, "resources": resources}]})
    };
    json!({"items": groups.iter().map(group).collect::<Vec<_>>()}).to_string()
}

/// A page of copies of a template: `#P` is the number of a pod, `#W` that of its workload, `#R` an event's reason. All pods
/// of the first workload crash: `{sick:…|well:…}` decides.
fn page(query: &str, all: usize, template: &str) -> String {
    let of = |key: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(name, _)| *name == key).map(|(_, value)| value.parse::<usize>().unwrap())
    };
    let (from, limit) = (of("continue").unwrap_or(0), of("limit").unwrap());
    let end = (from + limit).min(all);
    let next = if end < all { end.to_string() } else { String::new() };
    let mut body = format!("{{\"metadata\":{{\"resourceVersion\":\"7\",\"continue\":\"{next}\"}},\"items\":[");
    let is_event = template.contains("#R");
    let is_of_pod = template.contains("#P");
    for number in from..end {
        let pod = if is_event { number / STORY.len() } else { number };
        let workload = if is_of_pod { pod / REPLICAS } else { number };
        let comma = if number == from { "" } else { "," };
        let text = template.replace("#P", &pod.to_string()).replace("#W", &workload.to_string());
        let text = text.replace("#R", STORY[number % STORY.len()]).replace("#N", &number.to_string());
        let _ = write!(body, "{comma}{}", chosen(&text, workload == 0));
    }
    body + "]}"
}

/// The state of a container that is well, or of one that crashes.
fn chosen(text: &str, is_sick: bool) -> String {
    let (well, sick) = (
        json!({"name": "main", "ready": true, "started": true, "restartCount": 0, "image": "r.example/app:1",
            "imageID": "r.example/app@sha256:0123", "containerID": "containerd://0123", "state": {"running": {"startedAt": "2026-11-24T09:00:00Z"}}}),
        json!({"name": "main", "ready": false, "started": false, "restartCount": 9, "image": "r.example/app:1",
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-24T09:09:00Z"}}}),
    );
    let text = text.replace("\"#STATE\"", &if is_sick { sick } else { well }.to_string());
    let text = text.replace("\"#IS\"", if is_sick { "\"False\"" } else { "\"True\"" });
    text.replace("\"#COUNT\"", if is_sick { "0" } else { "50" })
        .replace("\"#ENDPOINT\"", if is_sick { "false" } else { "true" })
}

fn metadata(name: &str, uid: &str, owner: Option<(&str, &str)>) -> Value {
    // Who set which field, as long as kubectl shows it.
    let fields: BTreeMap<String, Value> = (0..24)
        .map(|number| (format!("f:field{number}"), json!({"f:inner": {}, "k:{\"name\":\"main\"}": {".": {}}})))
        .collect();
    let mut metadata = json!({"name": name, "namespace": "crowd", "uid": uid, "generation": 1,
        "creationTimestamp": "2026-11-24T09:00:00Z", "labels": {"app": "app-#W", "pod-template-hash": "5d4f8b"},
        "annotations": {"deployment.kubernetes.io/revision": "1", "example.com/config": "0123456789abcdef".repeat(8)},
        "managedFields": [{"manager": "kubelet", "operation": "Update", "time": "2026-11-24T09:00:00Z", "fieldsV1": fields}]});
    if let Some((kind, uid)) = owner {
        metadata["ownerReferences"] =
            json!([{"apiVersion": "apps/v1", "kind": kind, "name": "app-#W", "uid": uid, "controller": true}]);
    }
    metadata
}

fn pod() -> String {
    let environment: Vec<Value> =
        (0..20).map(|n| json!({"name": format!("VARIABLE_{n}"), "value": "some value of some length"})).collect();
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastTransitionTime": "2026-11-24T09:00:00Z"});
    json!({"metadata": metadata("app-#W-#P", "pod-#P", Some(("ReplicaSet", "set-#W"))),
        "spec": {"nodeName": "node-1", "restartPolicy": "Always", "serviceAccountName": "default",
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}],
            "volumes": [{"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}],
            "containers": [{"name": "main", "image": "r.example/app:1", "env": environment, "ports": [{"containerPort": 8080}],
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
                "readinessProbe": {"httpGet": {"path": "/health", "port": 8080}},
                "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets"}]}]},
        "status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}], "qosClass": "Burstable",
            "conditions": [condition("PodScheduled", "True"), condition("Initialized", "True"), condition("PodReadyToStartContainers", "True"),
                condition("ContainersReady", "#IS"), condition("Ready", "#IS")],
            "containerStatuses": ["#STATE"]}})
    .to_string()
}

fn event() -> String {
    json!({"metadata": metadata("app-#W-#P.#N", "event-#N", None), "type": "Normal", "reason": "#R", "count": 1,
        "message": "something happened to the pod, as it does to every one of them",
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "crowd", "name": "app-#W-#P", "uid": "pod-#P"},
        "firstTimestamp": "2026-11-24T09:00:00Z", "lastTimestamp": "2026-11-24T09:00:00Z", "source": {"component": "kubelet"}})
    .to_string()
}

fn workload(kind: &str, uid: &str, owner: Option<(&str, &str)>) -> String {
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata("app-#W", uid, owner),
        "spec": {"replicas": REPLICAS, "selector": {"matchLabels": {"app": "app-#W"}},
            "template": {"metadata": {"labels": {"app": "app-#W"}}, "spec": {"containers": [{"name": "main", "image": "r.example/app:1"}]}}},
        "status": {"observedGeneration": 1, "replicas": REPLICAS, "updatedReplicas": REPLICAS, "readyReplicas": "#COUNT", "availableReplicas": "#COUNT"}})
    .to_string()
}

fn deployment() -> String {
    workload("Deployment", "deployment-#W", None)
}

fn replica_set() -> String {
    workload("ReplicaSet", "set-#W", Some(("Deployment", "deployment-#W")))
}

fn service() -> String {
    json!({"metadata": metadata("app-#W", "service-#W", None), "spec": {"selector": {"app": "app-#W"}, "ports": [{"port": 80, "targetPort": 8080}]}})
        .to_string()
}

fn slice() -> String {
    let mut metadata = metadata("app-#W", "slice-#W", None);
    metadata["labels"]["kubernetes.io/service-name"] = "app-#W".into();
    let endpoint = json!({"addresses": ["10.0.0.1"], "conditions": {"ready": "#ENDPOINT"}, "nodeName": "node-1",
        "targetRef": {"kind": "Pod", "namespace": "crowd", "name": "app-#W-x", "uid": "pod-x"}});
    json!({"metadata": metadata, "addressType": "IPv4", "endpoints": vec![endpoint; REPLICAS]}).to_string()
}

/// The manifests of the workloads, and a kubeconfig that leads to the server.
fn bench(server: &Server, workloads: usize) -> Bench {
    let mut manifests = String::new();
    for number in 0..workloads {
        for (kind, version, template) in [("Deployment", "apps/v1", deployment()), ("Service", "v1", service())] {
            let template = template.replace("#W", &number.to_string()).replace("\"#COUNT\"", "0");
            let mut object: Value = serde_json::from_str(&template).unwrap();
            object["metadata"] = json!({"name": format!("app-{number}"), "labels": {"app": format!("app-{number}")}});
            object.as_object_mut().unwrap().remove("status");
            object["apiVersion"] = version.into();
            object["kind"] = kind.into();
            let _ = write!(manifests, "---\n{object}\n");
        }
    }
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": server.address}}], "users": [{"name": "u", "user": {}}]});
    Bench::new(&[
        ("k8s/kustomization.yaml", "resources: [all.yaml]\n"),
        ("k8s/all.yaml", &manifests),
        ("config", &config.to_string()),
    ])
}

/// What a process has in memory now, in KiB, beside its own program, which is large in a debug build.
fn memory(process: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
#[expect(clippy::print_stderr, reason = "the figures, for the soak")]
fn ten_thousand_pods_are_looked_at_in_little_memory_and_few_requests() {
    let (pods, limit) =
        if std::env::var_os("LUCID_SOAK").is_some() { (50_000, 500 << 10) } else { (10_000, 150 << 10) };
    let server = Server::start(pods);
    let bench = bench(&server, pods / REPLICAS);
    let mut lucid = Command::new(env!("CARGO_BIN_EXE_lucid"));
    lucid.args(["health", "./k8s", "-n", "crowd", "-o", "json", "--timeout", "120s"]).current_dir(bench.path(""));
    lucid.env("KUBECONFIG", bench.path("config")).stdout(Stdio::piped());
    let mut child = lucid.spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        text
    });
    let mut peak = 0;
    let code = loop {
        peak = memory(child.id()).unwrap_or(0).max(peak);
        match child.try_wait().unwrap() {
            Some(status) => break status.code(),
            None => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    };
    let report: Value = serde_json::from_str(&reader.join().unwrap()).unwrap();
    assert_eq!(code, Some(1), "{:#}", report["summary"]);
    let causes: Vec<&Value> = report["causes"].as_array().unwrap().iter().collect();
    assert_eq!(causes.len(), 1, "{causes:#?}");
    assert_eq!((&causes[0]["code"], causes[0]["members"].as_array().unwrap().len()), (&json!("L5005"), REPLICAS));
    assert_eq!(report["components"].as_array().unwrap().len(), pods / REPLICAS);
    let asked = server.asked.lock().unwrap();
    let all: usize = asked.values().sum();
    eprintln!("{pods} pods: {} ms, {} MiB, {all} requests", report["tookMs"], peak >> 10);
    // Seven kinds, four questions about the server, one log of all the pods that crash alike, and a page for each five
    // hundred objects.
    let pages = |objects: usize| objects.div_ceil(500);
    let workloads = pages(pods / REPLICAS);
    assert_eq!(all, 6 + pages(pods) + pages(pods * STORY.len()) + 4 * workloads, "{asked:?}");
    assert!(peak > 0 && peak <= limit, "{} MiB at {pods} pods", peak >> 10);
}

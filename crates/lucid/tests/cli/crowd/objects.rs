//! Objects of a crowd, as large as real ones, from templates: `#P` is the number of a pod, `#W` that of its workload, `#H`
//! that of its node, `#R` an event's reason, `#T` the time. All pods of the first workload crash.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use serde_json::{Value, json};

pub(super) const REPLICAS: usize = 50;
/// As many as a kubelet takes.
pub(super) const PODS_PER_NODE: usize = 110;
/// Events that each start of a pod leaves behind.
pub(super) const STORY: [&str; 4] = ["Scheduled", "Pulled", "Created", "Started"];

/// Copies of a template, by their numbers.
pub(super) fn copies(template: &Value, numbers: Range<usize>) -> impl Iterator<Item = String> {
    let template =
        template.to_string().replace("#T", &jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let (is_event, is_of_pod) = (template.contains("#R"), template.contains("#P"));
    numbers.map(move |number| {
        let pod = if is_event { number / STORY.len() } else { number };
        let workload = if is_of_pod { pod / REPLICAS } else { number };
        let text = template.replace("#P", &pod.to_string()).replace("#W", &workload.to_string());
        let text = text.replace("#H", &(pod / PODS_PER_NODE + 1).to_string());
        let text = text.replace("#R", STORY[number % STORY.len()]).replace("#N", &number.to_string());
        chosen(&text, workload == 0)
    })
}

/// The state of a container that is well, or of one that crashes.
fn chosen(text: &str, is_sick: bool) -> String {
    let (well, sick) = (
        json!({"name": "main", "ready": true, "started": true, "restartCount": 0, "image": "r.example/app:1",
            "imageID": "r.example/app@sha256:0123", "containerID": "containerd://0123", "state": {"running": {"startedAt": "#T"}}}),
        json!({"name": "main", "ready": false, "started": false, "restartCount": 9, "image": "r.example/app:1",
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "#T"}}}),
    );
    let text = text.replace("\"#STATE\"", &if is_sick { sick } else { well }.to_string());
    let text = text.replace("\"#IS\"", if is_sick { "\"False\"" } else { "\"True\"" });
    text.replace("\"#COUNT\"", if is_sick { "0" } else { "50" })
        .replace("\"#ENDPOINT\"", if is_sick { "false" } else { "true" })
}

fn metadata(name: &str, uid: &str, owner: Option<(&str, &str)>) -> Value {
    recorded(name, uid, owner, 24)
}

/// With a record of so many fields that somebody has set.
fn recorded(name: &str, uid: &str, owner: Option<(&str, &str)>, count: usize) -> Value {
    // Who set which field, as long as kubectl shows it.
    let fields: BTreeMap<String, Value> = (0..count)
        .map(|number| (format!("f:field{number}"), json!({"f:inner": {}, "k:{\"name\":\"main\"}": {".": {}}})))
        .collect();
    let mut metadata = json!({"name": name, "namespace": "crowd", "uid": uid, "generation": 1,
        "creationTimestamp": "#T", "labels": {"app": "app-#W", "pod-template-hash": "5d4f8b"},
        "annotations": {"deployment.kubernetes.io/revision": "1", "example.com/config": "0123456789abcdef".repeat(8)},
        "managedFields": [{"manager": "kubelet", "operation": "Update", "time": "#T", "fieldsV1": fields}]});
    if let Some((kind, uid)) = owner {
        metadata["ownerReferences"] =
            json!([{"apiVersion": "apps/v1", "kind": kind, "name": "app-#W", "uid": uid, "controller": true}]);
    }
    metadata
}

pub(super) fn pod() -> Value {
    let environment: Vec<Value> =
        (0..20).map(|n| json!({"name": format!("VARIABLE_{n}"), "value": "some value of some length"})).collect();
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastTransitionTime": "#T"});
    json!({"metadata": metadata("app-#W-#P", "pod-#P", Some(("ReplicaSet", "set-#W"))),
        "spec": {"nodeName": "node-#H", "restartPolicy": "Always", "serviceAccountName": "default",
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
}

pub(super) fn event() -> Value {
    json!({"metadata": recorded("app-#W-#P.#N", "event-#N", None, 6), "type": "Normal", "reason": "#R", "count": 1,
        "message": "something happened to the pod, as it does to every one of them",
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "crowd", "name": "app-#W-#P", "uid": "pod-#P"},
        "firstTimestamp": "#T", "lastTimestamp": "#T", "source": {"component": "kubelet"}})
}

fn workload(kind: &str, uid: &str, owner: Option<(&str, &str)>) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata("app-#W", uid, owner),
        "spec": {"replicas": REPLICAS, "selector": {"matchLabels": {"app": "app-#W"}},
            "template": {"metadata": {"labels": {"app": "app-#W"}}, "spec": {"containers": [{"name": "main", "image": "r.example/app:1"}]}}},
        "status": {"observedGeneration": 1, "replicas": REPLICAS, "updatedReplicas": REPLICAS, "readyReplicas": "#COUNT", "availableReplicas": "#COUNT"}})
}

pub(super) fn deployment() -> Value {
    workload("Deployment", "deployment-#W", None)
}

pub(super) fn replica_set() -> Value {
    workload("ReplicaSet", "set-#W", Some(("Deployment", "deployment-#W")))
}

pub(super) fn service() -> Value {
    json!({"metadata": metadata("app-#W", "service-#W", None), "spec": {"selector": {"app": "app-#W"}, "ports": [{"port": 80, "targetPort": 8080}]}})
}

pub(super) fn slice() -> Value {
    let mut metadata = metadata("app-#W", "slice-#W", None);
    metadata["labels"]["kubernetes.io/service-name"] = "app-#W".into();
    let endpoint = json!({"addresses": ["10.0.0.1"], "conditions": {"ready": "#ENDPOINT"}, "nodeName": "node-1",
        "targetRef": {"kind": "Pod", "namespace": "crowd", "name": "app-#W-x", "uid": "pod-x"}});
    json!({"metadata": metadata, "addressType": "IPv4", "endpoints": vec![endpoint; REPLICAS]})
}

/// The manifests of the workloads.
pub(super) fn manifests(workloads: usize) -> String {
    let mut manifests = String::new();
    for number in 0..workloads {
        for (kind, version, template) in [("Deployment", "apps/v1", deployment()), ("Service", "v1", service())] {
            let template = template.to_string().replace("#W", &number.to_string()).replace("\"#COUNT\"", "0");
            let mut object: Value = serde_json::from_str(&template).unwrap();
            object["metadata"] = json!({"name": format!("app-{number}"), "labels": {"app": format!("app-{number}")}});
            object.as_object_mut().unwrap().remove("status");
            object["apiVersion"] = version.into();
            object["kind"] = kind.into();
            let _ = write!(manifests, "---\n{object}\n");
        }
    }
    manifests
}

/// Everything that a saved cluster needs besides what it was born with.
pub(super) fn all(pods: usize, node: &Value) -> Vec<String> {
    let workloads = pods / REPLICAS;
    let namespace = json!({"metadata": {"name": "crowd", "uid": "crowd"}, "status": {"phase": "Active"}});
    let mut host = node.clone();
    for (path, value) in [("name", "node-#P"), ("uid", "node-uid-#P")] {
        host["metadata"][path] = value.into();
    }
    host["metadata"]["labels"]["kubernetes.io/hostname"] = "node-#P".into();
    // The first five are there from the start.
    let hosts = 6..(pods.div_ceil(PODS_PER_NODE) + 1).max(6);
    let kinds = [
        ("v1", "Namespace", namespace, 0..1),
        ("v1", "Node", host, hosts),
        ("apps/v1", "Deployment", deployment(), 0..workloads),
        ("apps/v1", "ReplicaSet", replica_set(), 0..workloads),
        ("v1", "Service", service(), 0..workloads),
        ("discovery.k8s.io/v1", "EndpointSlice", slice(), 0..workloads),
        ("v1", "Pod", pod(), 0..pods),
        ("v1", "Event", event(), 0..pods * STORY.len()),
    ];
    let of_kind = |(version, kind, mut template, numbers): (&str, &str, Value, Range<usize>)| {
        template["apiVersion"] = version.into();
        template["kind"] = kind.into();
        copies(&template, numbers).collect::<Vec<_>>()
    };
    kinds.into_iter().flat_map(of_kind).collect()
}

//! The same manifests on the real control plane and on the simulator: the same states in the same order.

use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt;
use lucid_client::{ApiClient, Apply, Change, ConnectOptions, ListKind, Target, connect, follow};
use lucid_object::Gvk;
use lucid_sim::{Config, Sim};
use serde_json::{Value, json};

use crate::harness::{Namespace, kubeconfig};

/// Something that happens to the object, and when it has come to rest.
struct Step {
    change: Box<dyn Fn(&mut Value)>,
    rests: fn(&Value) -> bool,
}

/// An object, what its pods do (in kwok's words and in the simulator's), and what happens to it.
struct Case {
    object: Value,
    /// Objects that are there before it.
    beside: Vec<Value>,
    behaviours: Value,
    steps: Vec<Step>,
}

impl Case {
    fn new(object: Value) -> Self {
        let behaviours = json!([{"start": 0, "readyAfter": 0, "then": "run"}]);
        Self { object, beside: Vec::new(), behaviours, steps: Vec::new() }
    }

    /// How the pods fail: kwok is told by an annotation, the simulator by its scenario.
    fn behaving(mut self, kwok: &str, behaviour: Value) -> Self {
        self.object["spec"]["template"]["metadata"]["annotations"]["lucid.dev/test-fail"] = kwok.into();
        self.behaviours = json!([behaviour]);
        self
    }

    fn beside(mut self, object: Value) -> Self {
        self.beside.push(object);
        self
    }

    fn rests(self, rests: fn(&Value) -> bool) -> Self {
        self.then(|_| {}, rests)
    }

    fn then(mut self, change: impl Fn(&mut Value) + 'static, rests: fn(&Value) -> bool) -> Self {
        self.steps.push(Step { change: Box::new(change), rests });
        self
    }

    /// Every state that a watch shows, in order, each once.
    async fn play(&self, client: &ApiClient, namespace: &str) -> Played {
        for object in &self.beside {
            client.create(&target(object, namespace), object, "test").await.expect("create");
        }
        let target = target(&self.object, namespace);
        let mut changes = follow(client.clone(), target.clone(), ListKind::Full, None);
        changes.next().await;
        let mut object = self.object.clone();
        let mut states: Vec<String> = Vec::new();
        for step in &self.steps {
            (step.change)(&mut object);
            let apply = Apply { manager: "test", body: &object, dry_run: false, force: true };
            let name = object["metadata"]["name"].as_str().unwrap();
            let written = client.apply(&target, name, &apply).await.expect("apply").object;
            let generation = written["metadata"]["generation"].as_i64();
            loop {
                let Some(Change::Set(seen)) = changes.next().await else { continue };
                let rests = seen["metadata"]["generation"].as_i64() >= generation && (step.rests)(&seen);
                let state = state(&seen, rests);
                if states.last() != Some(&state) {
                    states.push(state);
                }
                if rests {
                    break;
                }
            }
        }
        let events = events(client, namespace).await;
        Played { states, events, children: children(client, namespace).await }
    }
}

fn target(object: &Value, namespace: &str) -> Target {
    let (version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    Target::new(Gvk::new(group, version, kind), format!("{}s", kind.to_lowercase()), Some(namespace))
}

/// What was seen of an object and its children.
#[derive(Debug, PartialEq, Eq)]
struct Played {
    states: Vec<String>,
    events: Vec<String>,
    children: Vec<String>,
}

/// What controllers said, each sentence once; kwok has its own words for what kubelets say.
async fn events(client: &ApiClient, namespace: &str) -> Vec<String> {
    // Events are written in their own time.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let listed = client.list(&Target::core("Event", "events", Some(namespace)), ListKind::Full).await.expect("events");
    let of_controllers = |event: &&Value| {
        event["source"]["component"]
            .as_str()
            .is_some_and(|from| from.ends_with("-controller") || from.ends_with("-autoscaler"))
    };
    let text = |event: &Value| {
        let field = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let kind = event["involvedObject"]["kind"].as_str().unwrap_or_default();
        let message = without_names(&without_hashes(&field("message"))).replace(namespace, "NAMESPACE");
        format!("{kind}: {} {}: {message}", field("type"), field("reason"))
    };
    let mut events: Vec<String> = listed.items.iter().filter(of_controllers).map(text).collect();
    events.sort();
    events.dedup();
    events
}

/// What controllers have made, but for what is made up anew each time and for what kubelets write.
async fn children(client: &ApiClient, namespace: &str) -> Vec<String> {
    let mut bodies = Vec::new();
    for (group, version, kind, plural) in CHILDREN {
        let target = Target::new(Gvk::new(group, version, kind), plural, Some(namespace));
        let listed = client.list(&target, ListKind::Full).await.expect("children");
        bodies.extend(listed.items.into_iter().map(|mut item| {
            item["kind"] = kind.into();
            plain(&mut item, kind);
            serde_json::to_string_pretty(&item).expect("JSON").replace(namespace, "NAMESPACE")
        }));
    }
    bodies.sort();
    bodies
}

const CHILDREN: [(&str, &str, &str, &str); 8] = [
    ("apps", "v1", "ReplicaSet", "replicasets"),
    ("apps", "v1", "ControllerRevision", "controllerrevisions"),
    ("", "v1", "Pod", "pods"),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    ("", "v1", "Endpoints", "endpoints"),
    ("", "v1", "ServiceAccount", "serviceaccounts"),
    ("", "v1", "ConfigMap", "configmaps"),
];

/// Takes out what no two runs share: identities, times, hashes, addresses, nodes; and data of the cluster's own.
fn plain(value: &mut Value, kind: &str) {
    const DROPPED: [&str; 13] = [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
        "nodeName",
        "zone",
        "lastTransitionTime",
        "addresses",
        "ip",
        "ca.crt",
        "startTime",
        "batch.kubernetes.io/controller-uid",
        "controller-uid",
    ];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !(DROPPED.contains(&name.as_str()) || kind == "Pod" && name == "status"));
            if let Some(time) = fields.get_mut("endpoints.kubernetes.io/last-change-trigger-time") {
                *time = "then".into();
            }
            // One object is written as often as its controller likes.
            fields.retain(|name, _| !(kind == "EndpointSlice" && name == "generation"));
            // Nodes are called otherwise there.
            fields.retain(|name, _| !name.starts_with("topology.kubernetes.io/") || kind != "Pod");
            fields.values_mut().for_each(|field| plain(field, kind));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| plain(item, kind)),
        Value::String(text) => *text = made_up(text),
        _ => {}
    }
}

/// Generated names and hashes.
fn made_up(text: &str) -> String {
    let hash = |text: &str| {
        (8..=10).contains(&text.len()) && text.bytes().all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b))
    };
    if hash(text) {
        return "HASH".to_owned();
    }
    if let Some(base) = text.strip_prefix("kube-api-access-") {
        return format!("kube-api-access-{}", "x".repeat(base.len()));
    }
    without_names(&without_hashes(text))
}

/// Names that were made up, in a text without quotes around them.
fn without_names(message: &str) -> String {
    let plain = |word: &str| {
        let parts = word.split('-').count();
        if word.starts_with("app-") && (parts > 2 || word.len() > 8) { "app-…".to_owned() } else { word.to_owned() }
    };
    message.split(' ').map(plain).collect::<Vec<_>>().join(" ")
}

/// Generations, conditions and, where there are none or the object rests, numbers: how many changes of numbers fall
/// into one is a matter of milliseconds. Hashes in names are left out.
fn state(object: &Value, rests: bool) -> String {
    let status = &object["status"];
    let counted = rests || object["kind"] != "Deployment" && object["kind"] != "Job";
    let mut text =
        format!("g{} o{}", object["metadata"]["generation"], status["observedGeneration"].as_i64().unwrap_or(0));
    for field in COUNTED.into_iter().filter(|_| counted) {
        if let Some(count) = status[field].as_i64().filter(|count| *count > 0) {
            text += &format!(" {field}={count}");
        }
    }
    if status["updateRevision"].is_string() {
        text += if status["updateRevision"] == status["currentRevision"] { " one revision" } else { " two revisions" };
    }
    let mut conditions: Vec<String> = status["conditions"].as_array().into_iter().flatten().map(condition).collect();
    conditions.sort();
    let text = conditions.iter().fold(text, |text, condition| text + "\n    " + condition);
    text.replace(object["metadata"]["namespace"].as_str().unwrap_or_default(), "NAMESPACE")
}

const COUNTED: [&str; 24] = [
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "currentReplicas",
    "unavailableReplicas",
    "terminatingReplicas",
    "active",
    "ready",
    "terminating",
    "succeeded",
    "failed",
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "updatedNumberScheduled",
    "numberReady",
    "numberAvailable",
    "numberUnavailable",
    "desiredReplicas",
    "disruptionsAllowed",
    "currentHealthy",
    "desiredHealthy",
    "expectedPods",
    "collisionCount",
];

fn condition(condition: &Value) -> String {
    let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
    format!("{}={} {}: {}", text("type"), text("status"), text("reason"), without_hashes(&text("message")))
}

/// `"app-5d4f8b"` becomes `"app-…"`.
fn without_hashes(message: &str) -> String {
    let plain = |name: &str| if name.starts_with("app-") { "app-…".to_owned() } else { name.to_owned() };
    message.split('"').map(plain).collect::<Vec<_>>().join("\"")
}

fn runtime(paused: bool) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build().expect("a runtime")
}

/// On the cluster, in wall-clock time.
#[track_caller]
fn real(case: &Case) -> Played {
    let namespace = Namespace::new("controllers");
    runtime(false).block_on(async {
        let kubeconfig: Option<PathBuf> = Some(kubeconfig("admin"));
        let connected = connect(&ConnectOptions { kubeconfig, ..ConnectOptions::default() }).await.expect("connect");
        let played = tokio::time::timeout(Duration::from_secs(90), case.play(&connected.client, &namespace.0));
        played.await.expect("the object came to rest")
    })
}

/// In the simulator, in no time.
#[track_caller]
fn simulated(case: &Case, seed: u64) -> Played {
    let config = json!({"behaviours": case.behaviours, "seed": seed});
    let config: Config = serde_json::from_value(config).expect("a scenario");
    runtime(true).block_on(async {
        let sim = Sim::new(config);
        let running = sim.clone();
        tokio::spawn(async move { running.run().await });
        tokio::time::sleep(Duration::from_secs(1)).await;
        let client = ApiClient::from_service(sim.service());
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "simulated"}});
        client.create(&Target::core("Namespace", "namespaces", None), &namespace, "test").await.expect("a namespace");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let played = tokio::time::timeout(Duration::from_secs(3600), case.play(&client, "simulated"));
        played.await.expect("the object came to rest")
    })
}

/// What the real control plane does is one of the things that the simulated one can do.
#[track_caller]
fn check(case: &Case) {
    let real = real(case);
    let mut simulated: Vec<Played> = Vec::new();
    for seed in 1..=SEEDS {
        simulated.push(self::simulated(case, seed));
        if simulated.last() == Some(&real) {
            return;
        }
    }
    let like = |same: fn(&Played, &Played) -> bool| simulated.iter().any(|one| same(one, &real));
    let told = |of: fn(&Played) -> &Vec<String>| {
        format!("real:\n{}\n\nsimulated:\n{}", of(&real).join("\n"), of(&simulated[0]).join("\n"))
    };
    assert!(like(|a, b| a.states == b.states), "{}", told(|one| &one.states));
    assert!(like(|a, b| a.events == b.events), "{}", told(|one| &one.events));
    if !like(|a, b| a.children == b.children) {
        difference(&real.children, &simulated[0].children);
    }
}

/// Fails with the lines that only one side has.
#[track_caller]
fn difference(real: &[String], simulated: &[String]) {
    let lines =
        |bodies: &[String]| -> Vec<String> { bodies.iter().flat_map(|body| body.lines().map(str::to_owned)).collect() };
    let (ours, theirs) = (lines(simulated), lines(real));
    let mut told = String::new();
    for (mark, all, others) in [('-', &theirs, &ours), ('+', &ours, &theirs)] {
        let mut others = others.clone();
        for line in all {
            match others.iter().position(|other| other == line) {
                Some(at) => drop(others.remove(at)),
                None => told += &format!("{mark} {line}\n"),
            }
        }
    }
    panic!("- real, + simulated:\n{told}\n{}", real.join("\n"));
}

const SEEDS: u64 = 40;

/// Where the real controller may act on what it saw too long ago: it does what the simulated one does, and more.
#[track_caller]
fn check_in_order(case: &Case) {
    let (real, simulated) = (real(case), simulated(case, 1));
    let mut rest = real.states.iter();
    let found = simulated.states.iter().all(|state| rest.any(|other| other == state));
    assert!(found, "real:\n{}\n\nsimulated:\n{}", real.states.join("\n"), simulated.states.join("\n"));
}

/// Pods go at once, as kwok's do.
fn workload(kind: &str, replicas: i64) -> Value {
    let annotations = json!({"lucid.dev/test-ready-delay": "1s"});
    let container = json!({"name": "main", "image": "registry.test/app:1",
        "readinessProbe": {"httpGet": {"port": 8080}, "initialDelaySeconds": 1, "periodSeconds": 1}});
    let mut object = json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "app"}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": "app"}},
        "template": {"metadata": {"labels": {"app": "app"}, "annotations": annotations}, "spec": {
            "terminationGracePeriodSeconds": 0, "containers": [container]}}}});
    if kind == "StatefulSet" {
        object["spec"]["serviceName"] = "app".into();
    }
    object
}

/// kwok's Job pods are never ready before they end, so ours are not either.
fn job(spec: &Value) -> Value {
    let container = json!({"name": "main", "image": "registry.test/app:1",
        "readinessProbe": {"httpGet": {"port": 8080}, "initialDelaySeconds": 100}});
    let mut object = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "app"}, "spec": {
        "template": {"metadata": {"annotations": {"lucid.dev/test-ready-delay": "1s"}}, "spec": {
            "restartPolicy": "Never", "containers": [container]}}}});
    for (field, value) in spec.as_object().into_iter().flatten() {
        object["spec"][field] = value.clone();
    }
    object
}

fn set_image(object: &mut Value) {
    object["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.test/app:2".into();
}

/// All pods there, updated and available, and the controller says so.
fn is_complete(object: &Value) -> bool {
    let (spec, status) = (&object["spec"], &object["status"]);
    let count = |field: &str| status[field].as_i64().unwrap_or(0);
    let wanted = spec["replicas"].as_i64().unwrap_or(1);
    let one_revision = status["updateRevision"] == status["currentRevision"];
    let fields = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"];
    count("observedGeneration") == object["metadata"]["generation"].as_i64().unwrap_or(0)
        && fields.iter().all(|field| count(field) == wanted)
        && count("terminatingReplicas") == 0
        && one_revision
        && has(object, "Progressing", "True").is_none_or(|reason| reason == "NewReplicaSetAvailable")
}

/// The reason of a condition with that status.
fn has<'o>(object: &'o Value, kind: &str, status: &str) -> Option<&'o str> {
    let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.find(|c| c["type"] == kind && c["status"] == status).and_then(|c| c["reason"].as_str())
}

#[test]
fn a_deployment_is_made_updated_and_scaled() {
    let case = Case::new(workload("Deployment", 1));
    let case = case.rests(is_complete).then(set_image, is_complete);
    check(&case.then(|object| object["spec"]["replicas"] = 0.into(), is_complete));
}

#[test]
fn a_deployment_goes_back_to_its_first_revision() {
    let first = |object: &mut Value| {
        object["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.test/app:1".into();
    };
    let case = Case::new(workload("Deployment", 2)).rests(is_complete);
    check(&case.then(set_image, is_complete).then(first, is_complete));
}

#[test]
fn a_deployment_rolls_within_its_surge() {
    let mut object = workload("Deployment", 4);
    object["spec"]["minReadySeconds"] = 1.into();
    check(&Case::new(object).rests(is_complete).then(set_image, is_complete));
}

#[test]
fn a_deployment_gets_stuck_on_a_bad_image_and_is_mended() {
    let mut object = workload("Deployment", 2);
    object["spec"]["progressDeadlineSeconds"] = 5.into();
    let case = Case::new(object).rests(is_complete);
    let mut case = case.then(
        |object| {
            set_image(object);
            object["spec"]["template"]["metadata"]["annotations"]["lucid.dev/test-fail"] = "image-not-found".into();
        },
        |object| has(object, "Progressing", "False") == Some("ProgressDeadlineExceeded"),
    );
    case.behaviours = json!([{"select": {"image": "app:2"}, "pull": "notFound"}, {"start": 0}]);
    let mended = |object: &mut Value| {
        object["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.test/app:3".into();
        object["spec"]["template"]["metadata"]["annotations"].as_object_mut().unwrap().remove("lucid.dev/test-fail");
    };
    check(&case.then(mended, is_complete));
}

#[test]
fn an_autoscaler_without_metrics_keeps_its_bounds() {
    let object = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "app"}, "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}, "minReplicas": 2, "maxReplicas": 3,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]}});
    let case = Case::new(object).beside(workload("Deployment", 1));
    check(
        &case.rests(|object| {
            has(object, "ScalingActive", "False").is_some() && object["status"]["currentReplicas"] == 2
        }),
    );
}

#[test]
fn a_budget_counts_what_is_healthy() {
    let object = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "app"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "app"}}}});
    let case = Case::new(object).beside(workload("StatefulSet", 2));
    check(&case.rests(|object| object["status"]["currentHealthy"] == 2));
}

#[test]
fn a_service_has_its_pods_behind_it() {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "app", "labels": {"app": "app"}},
        "spec": {"clusterIP": "None", "selector": {"app": "app"}, "ports": [{"port": 80, "targetPort": 8080}]}});
    check(&Case::new(workload("StatefulSet", 2)).beside(service).rests(is_complete));
}

#[test]
fn a_deployment_is_recreated() {
    let mut object = workload("Deployment", 1);
    object["spec"]["strategy"] = json!({"type": "Recreate"});
    check(&Case::new(object).rests(is_complete).then(set_image, is_complete));
}

#[test]
fn a_deployment_runs_out_of_time() {
    let mut object = workload("Deployment", 1);
    object["spec"]["progressDeadlineSeconds"] = 4.into();
    let case = Case::new(object).behaving("never-ready", json!({"start": 0, "then": "neverReady"}));
    check(&case.rests(|object| has(object, "Progressing", "False").is_some()));
}

#[test]
fn a_deployment_is_paused_and_resumed() {
    let case = Case::new(workload("Deployment", 1)).rests(is_complete);
    let paused = |object: &Value| {
        has(object, "Progressing", "Unknown") == Some("DeploymentPaused")
            && object["status"]["observedGeneration"] == object["metadata"]["generation"]
    };
    let case = case.then(|object| object["spec"]["paused"] = true.into(), paused);
    check(&case.then(|object| object["spec"]["paused"] = false.into(), is_complete));
}

#[test]
fn a_stateful_set_is_made_and_updated_in_order() {
    check(&Case::new(workload("StatefulSet", 2)).rests(is_complete).then(set_image, is_complete));
}

#[test]
fn a_stateful_set_stops_at_its_partition() {
    let case = Case::new(workload("StatefulSet", 2)).rests(is_complete);
    let case = case.then(
        |object| {
            set_image(object);
            object["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}});
        },
        |object| {
            let status = &object["status"];
            status["updatedReplicas"] == 1
                && status["readyReplicas"] == 2
                && status["observedGeneration"] == object["metadata"]["generation"]
        },
    );
    check(&case.then(|object| object["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = 0.into(), is_complete));
}

#[test]
fn a_parallel_set_replaces_what_is_broken() {
    let mut object = workload("StatefulSet", 2);
    object["spec"]["podManagementPolicy"] = "Parallel".into();
    let broken = json!({"select": {"image": "app:1"}, "pull": "notFound"});
    let case = Case::new(object).behaving("image-not-found", broken).rests(|object| object["status"]["replicas"] == 2);
    let mended = |object: &mut Value| {
        set_image(object);
        let annotations = &mut object["spec"]["template"]["metadata"]["annotations"];
        annotations.as_object_mut().unwrap().remove("lucid.dev/test-fail");
    };
    // Deletes by name, so a pod that has come back already can go a second time.
    check_in_order(&case.then(mended, is_complete));
}

#[test]
fn a_stateful_set_is_scaled_down_in_order() {
    let case = Case::new(workload("StatefulSet", 3)).rests(is_complete);
    check(&case.then(|object| object["spec"]["replicas"] = 1.into(), is_complete));
}

#[test]
fn a_daemon_set_is_made_and_updated() {
    let mut object = workload("DaemonSet", 0);
    object["spec"].as_object_mut().unwrap().remove("replicas");
    object["spec"]["template"]["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": "node-3"});
    let available = |object: &Value| {
        let status = &object["status"];
        status["observedGeneration"] == object["metadata"]["generation"]
            && status["updatedNumberScheduled"] == 1
            && status["numberAvailable"] == 1
    };
    check(&Case::new(object).rests(available).then(set_image, available));
}

#[test]
fn a_deployment_without_its_account_says_so() {
    let mut object = workload("Deployment", 1);
    object["spec"]["template"]["spec"]["serviceAccountName"] = "missing".into();
    check(&Case::new(object).rests(|object| has(object, "ReplicaFailure", "True").is_some()));
}

#[test]
fn a_job_completes() {
    check(&Case::new(job(&json!({}))).rests(|object| has(object, "Complete", "True").is_some()));
}

#[test]
fn a_job_fails() {
    let case = Case::new(job(&json!({"backoffLimit": 0})));
    let case = case.behaving("crash", json!({"start": 0, "then": {"crash": {"after": 1}}}));
    check(&case.rests(|object| has(object, "Failed", "True").is_some()));
}

#[test]
fn a_job_runs_out_of_time() {
    let case = Case::new(job(&json!({"activeDeadlineSeconds": 3})));
    let case = case.behaving("image-not-found", json!({"pull": "notFound"}));
    check(&case.rests(|object| has(object, "Failed", "True").is_some()));
}

#[test]
fn a_job_is_suspended_and_resumed() {
    let case = Case::new(job(&json!({"suspend": true})));
    let case = case.rests(|object| has(object, "Suspended", "True").is_some());
    check(
        &case.then(
            |object| object["spec"]["suspend"] = false.into(),
            |object| has(object, "Complete", "True").is_some(),
        ),
    );
}

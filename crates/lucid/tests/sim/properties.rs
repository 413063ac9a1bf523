//! What must hold for any releases: how one was reached does not show, what was gone back from leaves nothing, and what is
//! there already is not written again. In process, under virtual time, with the very client and engine of production.

use std::collections::BTreeMap;
use std::time::Duration;

use lucid_client::{ApiClient, ListKind, Target};
use lucid_deploy::evidence::Cleaner;
use lucid_deploy::lease::Identity;
use lucid_deploy::rollback::{Wanted, rollback};
use lucid_deploy::{Deployed, DryRun, FreshKey, OnFail, Request, Verdict, deploy};
use lucid_engine::{RunOutcome, Signal, Stamped};
use lucid_object::{Gvk, Object, ObjectSet};
use lucid_plan::Selection;
use lucid_release::ReleaseFile;
use lucid_sim::{Config, Edit, Happening, Sim};
use serde_json::{Value, json};
use tokio::sync::mpsc;

const NAMESPACE: &str = "shop";

/// How many triples of releases are tried.
fn rounds() -> u64 {
    if std::env::var_os("LUCID_SOAK").is_some() { 300 } else { 12 }
}

/// SplitMix64: the same releases in every test run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

/// A release: its file and its manifests.
#[derive(Clone)]
struct Version {
    release: ReleaseFile,
    objects: ObjectSet,
}

/// Up to six components, of which any may be missing; each with a workload, a Service, a ConfigMap and perhaps a Secret,
/// a budget or an autoscaler. Two of the components are StatefulSets, whose fixed fields change now and then.
fn version(dice: &mut Dice) -> Version {
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
        object("v1", "ConfigMap", "common", "none", json!({"data": {"setting": dice.below(3).to_string()}})),
    ];
    let mut components = String::new();
    let mut names: Vec<String> = Vec::new();
    for number in 0..6 {
        if number > 0 && dice.one_in(4) {
            continue;
        }
        let name = format!("c{number}");
        objects.extend(component(&name, number < 2, dice));
        let needs: Vec<&str> = names.iter().filter(|_| dice.one_in(2)).map(String::as_str).collect();
        components.push_str(&format!("  - {{name: {name}, select: {{app: {name}}}, needs: [{}]}}\n", needs.join(", ")));
        names.push(name);
    }
    let text = format!(
        "apiVersion: lucid.dev/v1alpha1\nkind: Release\nmetadata: {{name: shop}}\nspec:\n  source: k8s\n  namespace: {NAMESPACE}\n  components:\n{components}"
    );
    let release = lucid_release::load(&text, "lucid.yaml").expect("a valid release file");
    Version { release, objects: objects.into_iter().map(Object::new).collect() }
}

fn component(name: &str, is_set: bool, dice: &mut Dice) -> Vec<Value> {
    // Some versions have a key that others lack.
    let mut data = json!({"setting": dice.below(3).to_string()});
    if dice.one_in(2) {
        data["more"] = dice.below(2).to_string().into();
    }
    let mut made = vec![
        object("v1", "ConfigMap", name, name, json!({"data": data})),
        object(
            "v1",
            "Service",
            name,
            name,
            json!({"spec": {"selector": {"app": name}, "ports": [{"port": 80 + dice.below(2)}]}}),
        ),
    ];
    let mut env = vec![json!({"name": "SETTING", "valueFrom": {"configMapKeyRef": {"name": name, "key": "setting"}}})];
    if dice.one_in(2) {
        made.push(object(
            "v1",
            "Secret",
            name,
            name,
            json!({"stringData": {"token": format!("token-{}", dice.below(3))}}),
        ));
        env.push(json!({"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": name, "key": "token"}}}));
    }
    if dice.one_in(3) {
        let spec = json!({"spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": name}}}});
        made.push(object("policy/v1", "PodDisruptionBudget", name, name, spec));
    }
    let template = json!({
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": format!("registry.test/{name}:{}", dice.below(3)), "env": env}]},
    });
    let mut spec =
        json!({"replicas": 1 + dice.below(3), "selector": {"matchLabels": {"app": name}}, "template": template});
    if is_set {
        spec["serviceName"] = name.into();
        // It cannot change: the set is made anew.
        spec["podManagementPolicy"] = ["OrderedReady", "Parallel"][usize::try_from(dice.below(2)).unwrap()].into();
        made.push(object("apps/v1", "StatefulSet", name, name, json!({"spec": spec})));
        return made;
    }
    if dice.one_in(3) {
        made.push(object("autoscaling/v2", "HorizontalPodAutoscaler", name, name, json!({"spec": {
            "minReplicas": 2, "maxReplicas": 4, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}],
        }})));
    }
    made.push(object("apps/v1", "Deployment", name, name, json!({"spec": spec})));
    made
}

fn object(version: &str, kind: &str, name: &str, app: &str, rest: Value) -> Value {
    let mut value = json!({"apiVersion": version, "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": app}}});
    for (field, content) in rest.as_object().expect("fields") {
        value[field] = content.clone();
    }
    value
}

/// No text that leaves these tests needs cleaning.
struct Nobody;

impl Cleaner for Nobody {
    fn keep(&self, _: &str) {}
    fn clean(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// A cluster of its own, and those who deploy to it.
struct Stage {
    sim: Sim,
    seed: u64,
    client: ApiClient,
    cluster: tokio::task::JoinHandle<()>,
}

impl Stage {
    fn new(seed: u64) -> Self {
        let sim = Sim::new(Config { seed, ..Config::default() });
        let client = ApiClient::from_service(sim.service());
        let running = sim.clone();
        let cluster = tokio::spawn(async move { running.run().await });
        Self { sim, seed, client, cluster }
    }

    async fn deploy(&self, version: &Version) -> Deployed {
        let request = Request {
            release: &version.release,
            objects: version.objects.clone(),
            selection: Selection::All,
            dry_run: DryRun::No,
            deadline: Duration::from_secs(600),
            take_ownership: false,
            probe: true,
            on_failure: OnFail::Stop,
            way_back: None,
            cleaner: &Nobody,
            emergency: false,
            may_replace: Vec::new(),
            bake: Duration::ZERO,
            only_if: None,
            images: None,
            source: "test".into(),
            command: "deploy".into(),
            identity: identity(),
            fresh_key: FreshKey([7; 32]),
            wall: wall(),
        };
        let (_sender, mut signals) = mpsc::unbounded_channel::<Signal>();
        let mut told = Vec::new();
        let mut sink = |stamped: &Stamped| told.push(format!("{stamped:?}"));
        let deployed = deploy(&self.client, request, &mut sink, &mut signals).await.expect("a run");
        let is_verified = deployed.verdict == Verdict::Run(RunOutcome::Verified);
        assert!(is_verified, "seed {}: {:?}\n{}", self.seed, deployed.verdict, told.join("\n"));
        deployed
    }

    async fn go_back(&self) {
        let wanted = Wanted {
            cleaner: &Nobody,
            release: "shop".into(),
            namespace: NAMESPACE.into(),
            to: None,
            component: None,
            dry_run: DryRun::No,
            emergency: false,
            may_replace: Vec::new(),
            deadline: Some(Duration::from_secs(600)),
            probe: true,
            identity: identity(),
            fresh_key: FreshKey([7; 32]),
            wall: wall(),
        };
        let (_sender, mut signals) = mpsc::unbounded_channel::<Signal>();
        let mut sink = |_: &Stamped| {};
        let (_, back) = rollback(&self.client, wanted, &mut sink, &mut signals).await.expect("a way back");
        assert_eq!(back.verdict, Verdict::Run(RunOutcome::Verified));
    }

    /// Every object of the release as the server has it, once nothing moves any more.
    async fn objects(&self) -> Vec<Value> {
        tokio::time::sleep(Duration::from_secs(120)).await;
        let kinds = [
            ("", "v1", "ConfigMap", "configmaps"),
            ("", "v1", "Secret", "secrets"),
            ("", "v1", "Service", "services"),
            ("apps", "v1", "Deployment", "deployments"),
            ("apps", "v1", "StatefulSet", "statefulsets"),
            ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
            ("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
        ];
        let mut all = Vec::new();
        for (group, version, kind, plural) in kinds {
            let target = Target::new(Gvk::new(group, version, kind), plural.to_owned(), Some(NAMESPACE));
            let listed = self.client.list(&target, ListKind::Full).await.expect("a list");
            let is_ours = |item: &Value| item["metadata"]["labels"]["lucid.dev/release-namespace"] == NAMESPACE;
            all.extend(listed.items.into_iter().filter(is_ours));
        }
        all
    }

    /// The same, without what the server and the course of things put in.
    async fn content(&self) -> BTreeMap<String, Value> {
        let objects = self.objects().await;
        let is_scaler = |object: &&Value| object["kind"] == "HorizontalPodAutoscaler";
        let targets = objects.iter().filter(is_scaler).map(|scaler| scaler["spec"]["scaleTargetRef"]["name"].clone());
        let autoscaled: Vec<Value> = targets.collect();
        let canonical = |object: Value| {
            let is_autoscaled = object["kind"] == "Deployment" && autoscaled.contains(&object["metadata"]["name"]);
            (name(&object), canonical(object, is_autoscaled))
        };
        objects.into_iter().map(canonical).collect()
    }

    async fn versions(&self) -> BTreeMap<String, Value> {
        let objects = self.objects().await.into_iter();
        objects.map(|object| (name(&object), object["metadata"]["resourceVersion"].clone())).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.cluster.abort();
    }
}

fn identity() -> Identity {
    Identity { who: "test".into(), process: "test".into() }
}

fn wall() -> jiff::Timestamp {
    "2026-01-01T00:00:00Z".parse().expect("a valid time")
}

fn name(object: &Value) -> String {
    format!(
        "{}/{}",
        object["kind"].as_str().unwrap_or_default(),
        object["metadata"]["name"].as_str().unwrap_or_default()
    )
}

/// Its labels, and what it says.
fn canonical(object: Value, is_autoscaled: bool) -> Value {
    let mut canonical = json!({"labels": object["metadata"]["labels"]});
    for field in ["spec", "data", "type"] {
        canonical[field] = object[field].clone();
    }
    if let Some(spec) = canonical["spec"].as_object_mut() {
        // Addresses are the server's to give.
        spec.retain(|field, _| !field.starts_with("clusterIP"));
        // So is the number of an autoscaled workload, which depends on what it was before.
        if is_autoscaled {
            spec.remove("replicas");
        }
    }
    let annotations = canonical.pointer_mut("/spec/template/metadata/annotations").and_then(Value::as_object_mut);
    if let Some(annotations) = annotations {
        annotations.remove("lucid.dev/restarted");
    }
    if let Some(metadata) = canonical.pointer_mut("/spec/template/metadata").and_then(Value::as_object_mut)
        && metadata.get("annotations").and_then(Value::as_object).is_some_and(serde_json::Map::is_empty)
    {
        metadata.remove("annotations");
    }
    canonical
}

/// What is on one side only, or not the same on both.
fn differences(one: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differs = |name: &&String| one.get(*name) != other.get(*name);
    let fields = |name: &String| {
        let side = |objects: &BTreeMap<String, Value>| objects.get(name).cloned().unwrap_or_default();
        let changes = lucid_plan::diff::fields(&side(one), &side(other));
        changes.into_iter().map(|change| format!("{name} {change:?}")).collect::<Vec<_>>()
    };
    names.into_iter().filter(differs).flat_map(fields).collect()
}

/// Runs something under virtual time.
fn played(story: impl AsyncFnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(story());
}

#[test]
fn how_a_release_was_reached_does_not_show() {
    let mut dice = Dice(1);
    for round in 0..rounds() {
        let [a, b, c] = [version(&mut dice), version(&mut dice), version(&mut dice)];
        played(async || {
            let (straight, detour) = (Stage::new(round), Stage::new(round));
            for version in [&a, &c] {
                straight.deploy(version).await;
            }
            for version in [&a, &b, &c] {
                detour.deploy(version).await;
            }
            let differences = differences(&straight.content().await, &detour.content().await);
            assert_eq!(differences, Vec::<String>::new(), "round {round}");
        });
    }
}

/// Two Deployments one after the other; the first may have an autoscaler, which wants two pods where it says one.
fn scaled(tag: &str, has_scaler: bool) -> Version {
    let text = format!(
        "apiVersion: lucid.dev/v1alpha1\nkind: Release\nmetadata: {{name: shop}}\nspec:\n  source: k8s\n  namespace: {NAMESPACE}\n  components:\n\
         \x20 - {{name: a, select: {{app: a}}, needs: []}}\n  - {{name: b, select: {{app: b}}, needs: [a]}}\n"
    );
    let deployment = |name: &str| {
        let containers = json!([{"name": "main", "image": format!("registry.test/{name}:{tag}")}]);
        let template = json!({"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}});
        let spec = json!({"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template});
        object("apps/v1", "Deployment", name, name, json!({"spec": spec}))
    };
    let scaler = json!({"spec": {"minReplicas": 2, "maxReplicas": 4,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}}});
    let mut objects = vec![deployment("a"), deployment("b")];
    objects.extend(has_scaler.then(|| object("autoscaling/v2", "HorizontalPodAutoscaler", "a", "a", scaler)));
    let release = lucid_release::load(&text, "lucid.yaml").expect("a valid release file");
    Version { release, objects: objects.into_iter().map(Object::new).collect() }
}

/// It is taken away last; until then it acts, and in the soak of the property above it once did.
#[test]
fn an_autoscaler_does_not_keep_the_number_that_it_sets_while_it_leaves() {
    played(async || {
        let stage = Stage::new(1);
        stage.deploy(&scaled("1", true)).await;
        let once_more = Edit {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: NAMESPACE.into(),
            name: "a".into(),
            patch: json!({"spec": {"replicas": 2}}),
            by: "kube-controller-manager".into(),
        };
        stage.sim.plan(Duration::from_secs(1), Happening::Edit(once_more));
        stage.deploy(&scaled("2", false)).await;
        let content = stage.content().await;
        assert!(!content.contains_key("HorizontalPodAutoscaler/a"), "{content:?}");
        assert_eq!(content["Deployment/a"]["spec"]["replicas"], 1);
    });
}

#[test]
fn a_way_back_leaves_nothing_of_where_it_came_from() {
    let mut dice = Dice(2);
    for round in 0..rounds() {
        let [a, b] = [version(&mut dice), version(&mut dice)];
        played(async || {
            let stage = Stage::new(round);
            stage.deploy(&a).await;
            let before = stage.content().await;
            stage.deploy(&b).await;
            assert_ne!(
                differences(&before, &stage.content().await),
                Vec::<String>::new(),
                "round {round}: no difference"
            );
            stage.go_back().await;
            assert_eq!(differences(&before, &stage.content().await), Vec::<String>::new(), "round {round}");
        });
    }
}

#[test]
fn what_is_there_already_is_not_written_again() {
    let mut dice = Dice(3);
    for round in 0..rounds() {
        let [a, b] = [version(&mut dice), version(&mut dice)];
        played(async || {
            let stage = Stage::new(round);
            stage.deploy(&a).await;
            stage.deploy(&b).await;
            let before = stage.versions().await;
            let (_, writes) = stage.client.requests();
            stage.deploy(&b).await;
            let (_, after) = stage.client.requests();
            assert_eq!(stage.versions().await, before, "round {round}");
            assert!(after - writes <= 4, "round {round}: {} requests that change something", after - writes);
        });
    }
}

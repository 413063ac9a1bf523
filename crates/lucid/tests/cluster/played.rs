//! One object played on the real control plane and on the simulator, and what is compared of it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt;
use lucid_client::{ApiClient, Apply, Change, ConnectOptions, ListKind, Target, connect, follow};
use lucid_object::Gvk;
use lucid_sim::{Config, Sim};
use serde_json::{Value, json};

use crate::harness::{Namespace, kubeconfig};
use crate::seen::{children, events, state};

/// Something that happens to the object, and when it has come to rest.
struct Step {
    change: Box<dyn Fn(&mut Value)>,
    rests: fn(&Value) -> bool,
}

/// An object, what its pods do (in kwok's words and in the simulator's), and what happens to it.
pub(crate) struct Case {
    object: Value,
    /// Objects that are there before it.
    beside: Vec<Value>,
    pub(crate) behaviours: Value,
    steps: Vec<Step>,
}

impl Case {
    pub(crate) fn new(object: Value) -> Self {
        let behaviours = json!([{"start": 0, "readyAfter": 0, "then": "run"}]);
        Self { object, beside: Vec::new(), behaviours, steps: Vec::new() }
    }

    /// How the pods fail: kwok is told by an annotation, the simulator by its scenario.
    pub(crate) fn behaving(mut self, kwok: &str, behaviour: Value) -> Self {
        self.object["spec"]["template"]["metadata"]["annotations"]["lucid.dev/test-fail"] = kwok.into();
        self.behaviours = json!([behaviour]);
        self
    }

    pub(crate) fn beside(mut self, object: Value) -> Self {
        self.beside.push(object);
        self
    }

    pub(crate) fn rests(self, rests: fn(&Value) -> bool) -> Self {
        self.then(|_| {}, rests)
    }

    pub(crate) fn then(mut self, change: impl Fn(&mut Value) + 'static, rests: fn(&Value) -> bool) -> Self {
        self.steps.push(Step { change: Box::new(change), rests });
        self
    }

    /// Every state that a watch shows, in order, each once.
    async fn play(&self, client: &ApiClient, namespace: &str) -> Played {
        for object in &self.beside {
            client.create(&target(object, namespace), object, "test").await.expect("create");
            // Whoever minds it gets the time to do so.
            tokio::time::sleep(Duration::from_secs(1)).await;
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
    let config: Config = serde_json::from_value(json!({"behaviours": case.behaviours})).expect("a scenario");
    let config = Config { seed, ..config };
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

/// What the real control plane does is one of the things that the simulated one can do. A machine that is short of time
/// may make it merge or delay more steps than that, so it is asked three times.
#[track_caller]
pub(crate) fn check(case: &Case) {
    let mut simulated: Vec<Played> = Vec::new();
    ask(|| differs(&real(case), case, &mut simulated));
}

/// Until there is no difference.
#[track_caller]
fn ask(mut attempt: impl FnMut() -> Option<String>) {
    let told: Vec<String> = (0..ATTEMPTS).map_while(|_| attempt()).collect();
    assert!(told.len() < ATTEMPTS, "{}", told.join("\n\nand again:\n"));
}

const ATTEMPTS: usize = 3;

/// What none of the simulated runs does.
fn differs(real: &Played, case: &Case, simulated: &mut Vec<Played>) -> Option<String> {
    for seed in 1..=SEEDS {
        if simulated.len() < usize::try_from(seed).expect("a small number") {
            simulated.push(self::simulated(case, seed));
        }
        if simulated[usize::try_from(seed).expect("a small number") - 1] == *real {
            return None;
        }
    }
    let like = |same: fn(&Played, &Played) -> bool| simulated.iter().any(|one| same(one, real));
    let told = |of: fn(&Played) -> &Vec<String>| {
        format!("real:\n{}\n\nsimulated:\n{}", of(real).join("\n"), of(&simulated[0]).join("\n"))
    };
    if !like(|ours, real| merges_one(&real.states, &ours.states)) {
        return Some(told(|one| &one.states));
    }
    if !like(|a, b| a.events == b.events) {
        return Some(told(|one| &one.events));
    }
    (!like(|a, b| a.children == b.children)).then(|| difference(&real.children, &simulated[0].children))
}

/// The same states but for one on the way: a busy control plane does two steps between two writes now and then.
fn merges_one(real: &[String], simulated: &[String]) -> bool {
    let without =
        |at: usize| simulated.iter().enumerate().filter(move |(other, _)| *other != at).map(|(_, state)| state);
    let way = simulated.len().saturating_sub(1);
    real == simulated || (0..way).any(|at| real.iter().eq(without(at)))
}

/// Where retries make conditions come and go: the same sentences, and the same end.
#[track_caller]
pub(crate) fn check_words(case: &Case) {
    let (real, simulated) = (real(case), simulated(case, 1));
    let words = |played: &Played| -> BTreeSet<String> {
        played.states.iter().flat_map(|state| state.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    assert_eq!(words(&real), words(&simulated));
    assert_eq!(real.states.last(), simulated.states.last());
}

/// The lines that only one side has.
fn difference(real: &[String], simulated: &[String]) -> String {
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
    format!("- real, + simulated:\n{told}\n{}", real.join("\n"))
}

const SEEDS: u64 = 40;

/// Where the real controller may act on what it saw too long ago: it does what one of the simulated runs does, and more.
/// Like [`check`], it may do two steps between two writes, and is asked again.
#[track_caller]
pub(crate) fn check_in_order(case: &Case) {
    let simulated: Vec<Played> = (1..=SEEDS).map(|seed| simulated(case, seed)).collect();
    ask(|| {
        let real = real(case);
        let found = simulated.iter().any(|ours| includes(&real.states, &ours.states));
        (!found).then(|| format!("real:\n{}\n\nsimulated:\n{}", real.states.join("\n"), simulated[0].states.join("\n")))
    });
}

/// All of those states in their order, but for one on the way, and others between them.
fn includes(real: &[String], simulated: &[String]) -> bool {
    let way = simulated.len().saturating_sub(1);
    (0..way).map(Some).chain([None]).any(|skipped| {
        let mut rest = real.iter();
        let mut wanted = simulated.iter().enumerate().filter(|(at, _)| Some(*at) != skipped);
        wanted.all(|(_, state)| rest.any(|other| other == state))
    })
}

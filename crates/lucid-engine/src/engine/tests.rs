//! Runs of small releases, played by hand: effects are answered one by one, and the events are drawn as text.

use std::collections::BTreeMap;

use lucid_object::{Object, ObjectSet};
use lucid_plan::{Input as PlanInput, Resource, Resources, Selection, build};
use lucid_release::InventoryEntry;
use serde_json::json;

use super::*;
use crate::event::Stamped;

mod bake;
mod replace;

const RELEASE: &str = "apiVersion: lucid.dev/v1alpha1
kind: Release
metadata: {name: shop}
spec:
  source: k8s
  namespace: n
  components:
  - {name: db, select: {app: db}, needs: []}
  - {name: cache, select: {app: cache}, needs: []}
  - {name: api, select: {app: api}, needs: [db], health: [{http: {port: 80, path: /health}}]}
  - {name: web, select: {app: web}, needs: [api]}
";

fn deployment(name: &str) -> Object {
    Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "n", "labels": {"app": name}},
        "spec": {"replicas": 1, "progressDeadlineSeconds": 1, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}}))
}

fn reference(name: &str) -> ObjectRef {
    ObjectRef::new("apps", "Deployment", Some("n"), name)
}

/// A cluster that holds what the test puts into it.
#[derive(Default)]
struct Shown(BTreeMap<ObjectRef, Value>);

impl Cluster for Shown {
    fn get(&self, reference: &ObjectRef) -> Option<&Value> {
        self.0.get(reference)
    }
    fn owned_by(&self, _: &str) -> Vec<&Value> {
        Vec::new()
    }
    fn events_for(&self, _: &str) -> Vec<&Value> {
        Vec::new()
    }
    fn list(&self, _: &str, _: &str, _: Option<&str>) -> Vec<&Value> {
        Vec::new()
    }
}

struct Play {
    engine: Engine,
    cluster: Shown,
    elapsed: Duration,
    events: Vec<Stamped>,
    waiting: Vec<Effect>,
    wake: Option<Duration>,
    generation: i64,
}

impl Play {
    fn new() -> Self {
        Self::of(&["db", "cache", "api", "web"], Vec::new(), &Shown::default())
    }

    fn of(names: &[&str], inventory: Vec<InventoryEntry>, live: &Shown) -> Self {
        let release = lucid_release::load(RELEASE, "lucid.yaml").unwrap();
        let objects: ObjectSet = names.iter().map(|name| deployment(name)).collect();
        let kind = lucid_object::Gvk::new("apps", "v1", "Deployment");
        let resources = Resources::new([(kind, Resource { plural: "deployments".into(), namespaced: true })].into());
        let plan = build(&PlanInput {
            release: &release,
            objects: &objects,
            resources: &resources,
            live: &|reference| live.0.get(reference).cloned().map(Arc::new),
            inventory: &inventory,
            selection: Selection::All,
            epoch: Some(1),
            take_ownership: true,
            restart_readers: false,
            given_back: &std::collections::BTreeSet::new(),
        })
        .unwrap();
        let options = Options {
            release: "shop".into(),
            namespace: "n".into(),
            command: "deploy".into(),
            run: Some(1),
            cluster: None,
            deadline: Duration::from_secs(30),
            probe: true,
            probe_unchanged: false,
            unstick: false,
            tolerated: BTreeSet::new(),
            bake: Duration::ZERO,
        };
        let mut play = Self {
            engine: Engine::new(plan, options),
            cluster: Shown(live.0.clone()),
            elapsed: Duration::ZERO,
            events: Vec::new(),
            waiting: Vec::new(),
            wake: None,
            generation: 1,
        };
        play.step(Input::Start);
        play
    }

    fn step(&mut self, input: Input) {
        let wall = "2026-01-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap() + self.elapsed;
        for effect in self.engine.step(Now { elapsed: self.elapsed, wall }, input, &self.cluster) {
            match effect {
                Effect::Emit(event) => {
                    self.events.push(Stamped { at_ms: u64::try_from(self.elapsed.as_millis()).unwrap(), event });
                }
                Effect::WakeAt(at) => self.wake = Some(at),
                Effect::Finish => {}
                other => self.waiting.push(other),
            }
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.elapsed += Duration::from_secs(seconds);
        self.step(Input::Tick);
    }

    /// Takes the effect that is about this component.
    #[track_caller]
    fn effect(&mut self, name: &str) -> Effect {
        let is_its = |effect: &Effect| match effect {
            Effect::Apply { operation, .. } | Effect::Delete { operation, .. } => operation.object.name == name,
            Effect::Probe { component, .. } => component == name,
            _ => false,
        };
        let index = self
            .waiting
            .iter()
            .position(is_its)
            .unwrap_or_else(|| panic!("nothing is sent for {name}: {:?}", self.sent()));
        self.waiting.remove(index)
    }

    /// The server takes the apply, and the controller has not seen it yet.
    #[track_caller]
    fn accept(&mut self, name: &str) -> EffectId {
        let Effect::Apply { effect, request, .. } = self.effect(name) else { panic!("not an apply") };
        let mut object = (*request.body).clone();
        object["metadata"]["generation"] = self.generation.into();
        object["metadata"]["uid"] = name.into();
        self.cluster.0.insert(reference(name), object.clone());
        self.step(Input::Applied { effect, outcome: Ok(Arc::new(object)) });
        effect
    }

    fn refuse(&mut self, name: &str, is_transient: bool) {
        let Effect::Apply { effect, .. } = self.effect(name) else { panic!("not an apply") };
        let finding = Finding::error(1013, "no");
        self.step(Input::Applied { effect, outcome: Err(ApplyError { finding, is_transient }) });
    }

    /// The Deployment reports itself rolled out.
    fn roll_out(&mut self, name: &str) {
        self.set_status(
            name,
            json!({"observedGeneration": self.generation, "replicas": 1, "updatedReplicas": 1,
            "readyReplicas": 1, "availableReplicas": 1, "conditions": [{"type": "Available", "status": "True"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]}),
        );
    }

    /// It reports that it made no progress for longer than its deadline of a second.
    fn break_down(&mut self, name: &str) {
        self.elapsed += Duration::from_secs(3);
        self.set_status(name, json!({"observedGeneration": self.generation, "replicas": 1, "updatedReplicas": 1,
            "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}]}));
    }

    fn set_status(&mut self, name: &str, status: Value) {
        self.cluster.0.get_mut(&reference(name)).unwrap()["status"] = status;
        self.step(Input::Observed(vec![reference(name)]));
    }

    #[track_caller]
    fn answer_probe(&mut self, name: &str, outcome: Result<String, ProbeError>) {
        let Effect::Probe { effect, .. } = self.effect(name) else { panic!("not a probe") };
        self.step(Input::Probed { effect, outcome });
    }

    fn deploy(&mut self, name: &str) {
        self.accept(name);
        self.roll_out(name);
    }

    fn sent(&self) -> Vec<String> {
        let shown = |effect: &Effect| match effect {
            Effect::Apply { operation, .. } => format!("apply {}", operation.object.name),
            Effect::Delete { operation, .. } => format!("delete {}", operation.object.name),
            Effect::Probe { component, .. } => format!("probe {component}"),
            other => format!("{other:?}"),
        };
        self.waiting.iter().map(shown).collect()
    }

    fn told(&self) -> Vec<String> {
        let shown = |stamped: &Stamped| match &stamped.event {
            Event::Started { component } => Some(format!("started {component}")),
            Event::Ready { component } => Some(format!("ready {component}")),
            Event::Verified { component, .. } => Some(format!("verified {component}")),
            Event::Failed { component, findings, .. } => Some(format!("failed {component} {}", findings[0].code)),
            Event::Skipped { component, because } => Some(format!("skipped {component} because {because}")),
            Event::RunFinished { outcome, .. } => Some(format!("finished {outcome:?}")),
            Event::Stopping { .. } => Some("stopping".into()),
            _ => None,
        };
        self.events.iter().filter_map(shown).collect()
    }

    #[track_caller]
    fn check_told(&self, expect: &[&str]) {
        assert_eq!(self.told(), expect);
    }
}

const ANSWERS: fn() -> Result<String, ProbeError> = || Ok("/health answers".into());

#[test]
fn nothing_waits_for_what_it_does_not_need() {
    let mut play = Play::new();
    assert_eq!(play.sent(), ["apply db", "apply cache"]);
    play.deploy("db");
    assert_eq!(play.sent(), ["apply cache", "apply api"]);
    play.deploy("api");
    play.deploy("web");
    play.answer_probe("api", ANSWERS());
    play.deploy("cache");
    play.check_told(&[
        "started db",
        "started cache",
        "ready db",
        "started api",
        "ready api",
        "started web",
        "ready web",
        "verified api",
        "ready cache",
        "finished Verified",
    ]);
}

#[test]
fn a_failure_stops_what_depends_on_it_and_nothing_else() {
    let mut play = Play::new();
    play.accept("db");
    play.break_down("db");
    play.deploy("cache");
    play.check_told(&[
        "started db",
        "started cache",
        "failed db L5101",
        "skipped api because db",
        "skipped web because db",
        "ready cache",
        "finished Failed",
    ]);
}

#[test]
fn an_answer_that_comes_twice_counts_once() {
    let mut play = Play::new();
    let effect = play.accept("db");
    let object = Arc::new(play.cluster.0[&reference("db")].clone());
    play.step(Input::Applied { effect, outcome: Ok(object) });
    play.step(Input::Applied {
        effect: EffectId(999),
        outcome: Err(ApplyError { finding: Finding::error(1, "x"), is_transient: false }),
    });
    play.roll_out("db");
    assert_eq!(play.sent(), ["apply cache", "apply api"]);
}

#[test]
fn a_status_of_an_older_generation_does_not_count() {
    let mut play = Play::new();
    play.generation = 7;
    play.accept("db");
    play.generation = 6;
    play.roll_out("db");
    assert_eq!(play.sent(), ["apply cache"]);
    play.generation = 7;
    play.roll_out("db");
    assert_eq!(play.sent(), ["apply cache", "apply api"]);
}

#[test]
fn what_may_pass_later_is_sent_again() {
    let mut play = Play::new();
    play.refuse("db", true);
    assert_eq!(play.sent(), ["apply cache"]);
    play.wait(1);
    assert_eq!(play.sent(), ["apply cache", "apply db"]);
}

#[test]
fn what_is_refused_for_good_fails_the_component() {
    let mut play = Play::new();
    play.refuse("db", false);
    play.deploy("cache");
    assert_eq!(play.told().last().unwrap(), "finished Failed");
}

#[test]
fn a_signal_stops_sending_and_waits_for_answers() {
    let mut play = Play::new();
    play.step(Input::Signal(Signal::Interrupt));
    assert!(!play.engine.is_finished());
    play.accept("db");
    play.accept("cache");
    assert!(play.engine.is_finished());
    play.check_told(&["started db", "started cache", "stopping", "finished Interrupted"]);
}

#[test]
fn a_signal_does_not_wait_for_ever() {
    let mut play = Play::new();
    play.step(Input::Signal(Signal::Terminate));
    play.wait(2);
    assert_eq!(play.told().last().unwrap(), "finished Terminated");
}

#[test]
fn a_lost_lock_ends_the_run_at_once() {
    let mut play = Play::new();
    play.step(Input::LockLost("ann@host".into()));
    assert_eq!(play.told().last().unwrap(), "finished LockLost");
}

#[test]
fn the_deadline_names_what_was_not_ready() {
    let mut play = Play::new();
    play.accept("db");
    play.deploy("cache");
    play.wait(30);
    play.check_told(&[
        "started db",
        "started cache",
        "ready cache",
        "failed db L9003",
        "skipped api because db",
        "skipped web because db",
        "finished DeadlinePassed",
    ]);
}

#[test]
fn a_health_endpoint_may_need_a_moment() {
    let mut play = Play::new();
    play.deploy("db");
    play.deploy("api");
    play.answer_probe("api", Err(ProbeError::Failed(Box::new(Finding::error(9011, "502")))));
    play.wait(1);
    play.answer_probe("api", ANSWERS());
    assert!(play.told().contains(&"verified api".to_owned()));
}

#[test]
fn a_health_endpoint_that_never_answers_fails_the_component() {
    let mut play = Play::new();
    play.deploy("db");
    play.deploy("api");
    for _ in 0..20 {
        if play.sent().contains(&"probe api".to_owned()) {
            play.answer_probe("api", Err(ProbeError::Failed(Box::new(Finding::error(9011, "502")))));
        }
        play.wait(1);
    }
    assert!(play.told().contains(&"failed api L9011".to_owned()));
}

#[test]
fn a_component_that_breaks_after_it_was_ready_is_noticed() {
    let mut play = Play::new();
    play.deploy("db");
    play.break_down("db");
    assert!(play.told().contains(&"failed db L5101".to_owned()));
}

/// What the cluster shows after a complete deploy.
fn deployed() -> Shown {
    let mut play = Play::new();
    for name in ["db", "cache", "api", "web"] {
        play.deploy(name);
    }
    let mut shown = play.cluster;
    for object in shown.0.values_mut() {
        let fields = |value: &Value| fields_of(value);
        let applied = json!({"f:metadata": {"f:labels": fields(&object["metadata"]["labels"]),
            "f:annotations": fields(&object["metadata"]["annotations"])}, "f:spec": fields(&object["spec"])});
        object["metadata"]["managedFields"] = json!([{"manager": "lucid", "operation": "Apply", "fieldsV1": applied}]);
    }
    shown
}

fn fields_of(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (format!("f:{key}"), fields_of(value))).collect(),
        _ => json!({}),
    }
}

#[test]
fn what_is_already_there_is_checked_and_left_alone() {
    let play = Play::of(&["db", "cache", "api", "web"], Vec::new(), &deployed());
    assert!(play.waiting.is_empty());
    assert_eq!(play.told().last().unwrap(), "finished Verified");
}

#[test]
fn what_left_the_release_goes_last_and_only_after_success() {
    let entry = InventoryEntry { object: reference("old"), version: "v1".into(), component: "old".into() };
    let mut live = deployed();
    let mut old = live.0[&reference("db")].clone();
    old["metadata"]["name"] = "old".into();
    live.0.insert(reference("old"), old);
    let mut play = Play::of(&["db", "cache", "api", "web"], vec![entry.clone()], &live);
    assert_eq!(play.sent(), ["delete old"]);
    let Effect::Delete { effect, .. } = play.effect("old") else { panic!("not a delete") };
    play.step(Input::Deleted { effect, outcome: Ok(()) });
    assert_eq!(play.told().last().unwrap(), "finished Verified");

    live.0.get_mut(&reference("db")).unwrap()["status"] = json!({"observedGeneration": 1, "conditions": [
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]});
    let play = Play::of(&["db", "cache", "api", "web"], vec![entry], &live);
    assert!(play.waiting.is_empty(), "{:?}", play.sent());
}

#[test]
fn what_was_broken_before_is_said_to_have_been() {
    let mut live = deployed();
    live.0.get_mut(&reference("cache")).unwrap()["status"] = json!({"observedGeneration": 1, "conditions": [
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]});
    let play = Play::of(&["db", "cache", "api", "web"], Vec::new(), &live);
    let findings = play.events.iter().find_map(|stamped| match &stamped.event {
        Event::Failed { findings, .. } => Some(findings),
        _ => None,
    });
    assert_eq!(findings.unwrap()[0].evidence.last().unwrap(), "it was failing before this run began");
}

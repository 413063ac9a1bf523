//! The loop around the engine: its effects become requests, and what happens becomes its inputs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use lucid_client::{ApiClient, Apply, Change, Error, Manner, Target, follow};
use lucid_engine::{ApplyError, Effect, EffectId, Engine, Event, Input, ProbeError, RunOutcome, Signal, Stamped};
use lucid_health::{NotHealthy, Pod, Site, probe};
use lucid_object::{Finding, Object, ObjectRef};
use lucid_plan::{Action, Operation, Request, Resources, managers};
use lucid_release::HealthCheck;
use lucid_status::{Class, Cluster, classify_status};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cache::Cache;
use crate::clock::Clock;
use crate::doors;
use crate::fence::{self, Denied, Seen};
use crate::queue::Queue;
use crate::removal::Removal;
use crate::survey::Wish;

/// Where the events of a run go.
pub type Sink<'a> = &'a mut (dyn FnMut(&Stamped) + Send);

/// Everything a run needs besides its engine.
pub struct Run<'a> {
    pub client: ApiClient,
    pub resources: &'a Resources,
    pub cache: Cache,
    pub wishes: &'a [Wish],
    pub versions: std::collections::BTreeMap<Target, String>,
    pub clock: Clock,
    pub sink: Sink<'a>,
    pub signals: &'a mut mpsc::UnboundedReceiver<Signal>,
    /// The epoch of this run; a higher one on an object is a successor's.
    pub epoch: u64,
    /// Resolves when someone else has the lock.
    pub lock: std::pin::Pin<Box<dyn Future<Output = String> + Send + 'a>>,
}

/// What came of a run.
pub struct Ended {
    pub outcome: RunOutcome,
    pub cache: Cache,
    /// Writes were sent whose answers have not come: nobody knows whether they were or will be carried out.
    pub is_unsettled: bool,
}

enum Answer {
    Applied {
        effect: EffectId,
        outcome: Result<Arc<Value>, Denied>,
        object: ObjectRef,
        took: Duration,
        warnings: Vec<String>,
    },
    Deleted {
        effect: EffectId,
        /// What is left of it, and whether it may yet go.
        outcome: Result<Option<ApplyError>, Denied>,
        object: ObjectRef,
    },
    Probed {
        effect: EffectId,
        outcome: Result<String, ProbeError>,
    },
}

struct Outgoing {
    effect: EffectId,
    operation: Operation,
    request: Request,
}

type Heard = (usize, Change);

/// What this run has written, as the server answered.
type Written = BTreeMap<ObjectRef, Seen>;

/// Runs the engine until it is finished.
pub async fn drive(mut engine: Engine, mut run: Run<'_>) -> Ended {
    let mut changes = watch_all(&run);
    let mut answers: JoinSet<Answer> = JoinSet::new();
    let mut written = Written::new();
    let mut queue = Queue::default();
    let mut wake: Option<Duration> = None;
    let mut outcome = RunOutcome::Failed;
    // Who was told to stop before the first write makes none.
    let mut inputs = vec![run.signals.try_recv().map_or(Input::Start, Input::Signal)];
    loop {
        for input in inputs.drain(..) {
            for effect in engine.step(run.clock.now(), input, &run.cache) {
                carry_out(effect, &mut run, &mut queue, &mut answers, &mut wake, &mut outcome);
            }
        }
        if engine.is_finished() {
            // Those that are left were sent, and are not waited for.
            let is_unsettled = !answers.is_empty();
            answers.abort_all();
            return Ended { outcome, cache: run.cache, is_unsettled };
        }
        while let Some(send) = queue.pop() {
            let plural = run.resources.get(&send.operation.gvk).map(|resource| resource.plural.clone());
            let seen = last_seen(&send, &run.cache, &written);
            answers.spawn(apply(run.client.clone(), plural, send, seen, run.epoch));
        }
        let alarm = async {
            match wake {
                Some(at) => tokio::time::sleep_until(run.clock.at(at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(signal) = run.signals.recv() => inputs.push(Input::Signal(signal)),
            holder = &mut run.lock => inputs.push(Input::LockLost(holder)),
            Some(Ok(answer)) = answers.join_next(), if !answers.is_empty() => {
                inputs.extend(understand(answer, &mut queue, &mut run, &mut written));
            }
            Some(first) = changes.recv() => {
                let mut heard = vec![first];
                while let Ok(more) = changes.try_recv() {
                    heard.push(more);
                }
                inputs.push(Input::Observed(take_in(heard, &mut run)));
            }
            () = alarm => {
                wake = None;
                inputs.push(Input::Tick);
            }
        }
    }
}

/// One task a target, each feeding the one channel.
fn watch_all(run: &Run<'_>) -> mpsc::UnboundedReceiver<Heard> {
    let (sender, receiver) = mpsc::unbounded_channel();
    for (index, wish) in run.wishes.iter().enumerate().filter(|(_, wish)| wish.is_followed) {
        let from = run.versions.get(&wish.target).cloned();
        let mut stream = follow(run.client.clone(), wish.target.clone(), wish.kind, from);
        let sender = sender.clone();
        tokio::spawn(async move {
            // The task ends with the receiver: the run is over.
            loop {
                tokio::select! {
                    biased;
                    () = sender.closed() => return,
                    change = stream.next() => {
                        let Some(change) = change else { return };
                        if sender.send((index, change)).is_err() {
                            return;
                        }
                    }
                }
            }
        });
    }
    receiver
}

fn take_in(heard: Vec<Heard>, run: &mut Run<'_>) -> Vec<ObjectRef> {
    let mut touched = Vec::new();
    for (index, change) in heard {
        if let Change::Trouble(error) = &change {
            tracing::warn!(%error, "a watch was interrupted");
        }
        let target = &run.wishes[index].target;
        touched.extend(run.cache.take(&target.gvk.group, &target.gvk.kind, target.namespace.as_deref(), change));
    }
    touched.sort();
    touched.dedup();
    touched
}

fn carry_out(
    effect: Effect,
    run: &mut Run<'_>,
    queue: &mut Queue<Outgoing>,
    answers: &mut JoinSet<Answer>,
    wake: &mut Option<Duration>,
    outcome: &mut RunOutcome,
) {
    match effect {
        Effect::Apply { effect, operation, request, weight } => {
            queue.push(weight, Outgoing { effect, operation, request })
        }
        Effect::Delete { effect, operation } => {
            let plural = run.resources.get(&operation.gvk).map(|resource| resource.plural.clone());
            let version = run.cache.get(&operation.object).and_then(Seen::of).map(|seen| seen.version);
            answers.spawn(delete(run.client.clone(), plural, effect, operation, version, run.epoch));
        }
        Effect::DeletePod { effect, pod, uid } => {
            answers.spawn(delete_pod(run.client.clone(), effect, pod, uid));
        }
        Effect::Probe { effect, component, workloads, checks } => {
            let pods = ready_pods(&run.cache, &workloads);
            let door = Door { addresses: doors::addresses(&run.cache, &workloads), workloads };
            answers.spawn(ask(run.client.clone(), effect, component, checks, pods, door));
        }
        Effect::WakeAt(at) => {
            *wake = Some(wake.map_or(at, |old| if old <= run.clock.now().elapsed { at } else { old.min(at) }))
        }
        Effect::Emit(event) => {
            if let Event::RunFinished { outcome: ended, .. } = &event {
                *outcome = *ended;
            }
            let at_ms = u64::try_from(run.clock.now().elapsed.as_millis()).unwrap_or(u64::MAX);
            (run.sink)(&Stamped { at_ms, event });
        }
        Effect::Finish => {}
    }
}

/// The object as it was last seen or written; none when the plan creates it.
fn last_seen(send: &Outgoing, cache: &Cache, written: &Written) -> Option<Seen> {
    let own = written.get(&send.operation.object).cloned();
    let shown = match send.operation.action {
        Action::Create | Action::Replace { .. } => None,
        _ => cache.get(&send.operation.object).and_then(Seen::of),
    };
    match (shown, own) {
        (Some(shown), Some(own)) => Some(shown.later(own)),
        (shown, own) => shown.or(own),
    }
}

async fn apply(client: ApiClient, plural: Option<String>, send: Outgoing, seen: Option<Seen>, epoch: u64) -> Answer {
    let began = tokio::time::Instant::now();
    let object = &send.operation.object;
    let target = Target::new(send.operation.gvk.clone(), plural.unwrap_or_default(), object.namespace.as_deref());
    let what =
        Apply { manager: send.request.manager, body: &send.request.body, dry_run: false, force: send.request.force };
    let result = fence::apply(&client, &target, &object.name, &what, seen, epoch).await;
    let (outcome, warnings) = match result {
        Ok(written) => (Ok(Arc::new(written.object)), written.warnings),
        Err(denied) => (Err(denied), Vec::new()),
    };
    Answer::Applied { effect: send.effect, outcome, object: send.operation.object, took: began.elapsed(), warnings }
}

async fn delete(
    client: ApiClient,
    plural: Option<String>,
    effect: EffectId,
    operation: Operation,
    version: Option<String>,
    epoch: u64,
) -> Answer {
    let object = operation.object;
    let target = Target::new(operation.gvk, plural.unwrap_or_default(), object.namespace.as_deref());
    let outcome = match (operation.action, version) {
        (Action::Delete { uid }, Some(version)) => {
            let seen = Seen { uid, version };
            fence::delete(&client, &target, &object.name, seen, Manner::Background, epoch).await.map(|()| None)
        }
        (Action::Replace { uid, children }, Some(version)) => {
            let removal = Removal { object: object.clone(), target, seen: Seen { uid, version } };
            removal.make_room(&client, children, epoch).await
        }
        // It is gone already.
        _ => Ok(None),
    };
    Answer::Deleted { effect, outcome, object }
}

async fn delete_pod(client: ApiClient, effect: EffectId, pod: ObjectRef, uid: String) -> Answer {
    let target = Target::core("Pod", "pods", pod.namespace.as_deref());
    let outcome = client.delete(&target, &pod.name, &uid).await.map(|()| None).map_err(Denied::from);
    Answer::Deleted { effect, outcome, object: pod }
}

/// Where a component without pods answers.
struct Door {
    addresses: Vec<String>,
    workloads: Vec<ObjectRef>,
}

async fn ask(
    client: ApiClient,
    effect: EffectId,
    component: String,
    checks: Vec<HealthCheck>,
    pods: Vec<Pod>,
    door: Door,
) -> Answer {
    let by_name = checks.iter().any(|check| check.host().is_some());
    let addresses = match pods.is_empty() && door.addresses.is_empty() && by_name {
        true => doors::awaited(&client, &door.workloads).await,
        false => door.addresses,
    };
    let site = Site { pods: &pods, addresses: &addresses };
    let outcome = match probe(&client, &component, &checks, site).await {
        Ok(asked) => Ok(asked.how),
        Err(NotHealthy(finding)) => Err(ProbeError::Failed(Box::new(finding))),
    };
    Answer::Probed { effect, outcome }
}

/// Ready pods of these workloads, newest first: those of the revision that was just rolled out.
pub fn ready_pods(cache: &Cache, workloads: &[ObjectRef]) -> Vec<Pod> {
    let mut found: Vec<(String, Pod)> = Vec::new();
    for workload in workloads {
        let Some(uid) = cache.get(workload).and_then(uid_of) else { continue };
        let children = cache.owned_by(uid);
        let grandchildren = children.iter().filter_map(|child| uid_of(child)).flat_map(|uid| cache.owned_by(uid));
        for pod in grandchildren.chain(children.iter().copied()).filter(|pod| is_ready_pod(pod)) {
            let object = Object::new(pod.clone());
            let created = object.str_at("/metadata/creationTimestamp").unwrap_or_default().to_owned();
            let namespace = object.namespace().unwrap_or_default().to_owned();
            let ip = object.str_at("/status/podIP").map(str::to_owned);
            found.push((created, Pod { namespace, name: object.name().to_owned(), ip }));
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0));
    found.into_iter().map(|(_, pod)| pod).collect()
}

fn uid_of(value: &Value) -> Option<&str> {
    value.pointer("/metadata/uid")?.as_str()
}

fn is_ready_pod(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    pod["kind"] == "Pod"
        && pod.pointer("/metadata/deletionTimestamp").is_none()
        && conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn understand(answer: Answer, queue: &mut Queue<Outgoing>, run: &mut Run<'_>, written: &mut Written) -> Vec<Input> {
    match answer {
        Answer::Applied { effect, outcome, object, took, warnings } => {
            let is_overload = matches!(&outcome, Err(Denied::Client(error)) if error.code() == Some(429));
            queue.answered(took, is_overload);
            for warning in warnings {
                let finding = Finding::warning(9015, warning).on(object.clone());
                let at_ms = u64::try_from(run.clock.now().elapsed.as_millis()).unwrap_or(u64::MAX);
                (run.sink)(&Stamped { at_ms, event: Event::Note { finding } });
            }
            if let Some(seen) = outcome.as_ref().ok().and_then(|object| Seen::of(object)) {
                written.insert(object.clone(), seen);
            }
            let live = run.cache.find(&object).unwrap_or_default();
            let date = |refusal: ApplyError| ApplyError { finding: managers::date(refusal.finding, &live), ..refusal };
            told_of(outcome, &object, |outcome| Input::Applied { effect, outcome: outcome.map_err(date) })
        }
        Answer::Deleted { effect, outcome: Ok(Some(left)), .. } => vec![Input::Deleted { effect, outcome: Err(left) }],
        Answer::Deleted { effect, outcome, object } => {
            told_of(outcome.map(drop), &object, |outcome| Input::Deleted { effect, outcome })
        }
        Answer::Probed { effect, outcome } => vec![Input::Probed { effect, outcome }],
    }
}

/// A write that a successor has made void ends the run; any other outcome is the engine's to judge.
fn told_of<T>(
    outcome: Result<T, Denied>,
    object: &ObjectRef,
    input: impl FnOnce(Result<T, ApplyError>) -> Input,
) -> Vec<Input> {
    match outcome {
        Ok(value) => vec![input(Ok(value))],
        Err(Denied::Client(error)) => vec![input(Err(explain(&error, object)))],
        Err(Denied::Fenced(epoch)) => vec![Input::LockLost(format!("a later run (epoch {epoch})"))],
    }
}

/// What the server's refusal means.
pub fn explain(error: &Error, object: &ObjectRef) -> ApplyError {
    match error {
        Error::Status { code, status, .. } => {
            let diagnosis = classify_status(status, *code, Some(object));
            ApplyError {
                is_transient: error.is_transient() || matches!(diagnosis.class, Class::Wait),
                finding: diagnosis.finding,
            }
        }
        _ => {
            let finding =
                Finding::error(1019, format!("{object} could not be sent")).on(object.clone()).seen(error.to_string());
            ApplyError { finding, is_transient: error.is_transient() }
        }
    }
}

//! The engine: lanes, the order between them, and how a run ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lucid_object::{Finding, ObjectRef};
use lucid_plan::{Action, Lane, Operation, Plan};
use lucid_release::names::SHARED;
use lucid_status::{Class, Cluster, Diagnosis, Since, Status, blocking_pod, diagnose, readiness};
use serde_json::Value;

use crate::bake::Bake;
use crate::event::{AppliedAs, Event, LaneInfo, RunOutcome};
use crate::input::{ApplyError, Effect, EffectId, Input, Now, ProbeError, Signal};
use crate::lane::{LaneRun, ObjectRun, State, Verification};

/// How often what is under way is judged anew although nothing was heard of it: graces and budgets run out silently.
/// What a component waits for is told at this pace too, so that states that pass at once are not.
const TICK: Duration = Duration::from_millis(500);
/// How long after a signal the answers to writes under way are waited for.
const FAREWELL: Duration = Duration::from_millis(1500);
/// How long a ready component may take until its health endpoint answers.
const PROBE_PATIENCE: Duration = Duration::from_secs(15);
const PROBE_PAUSE: Duration = Duration::from_millis(500);
const APPLY_PAUSE: Duration = Duration::from_secs(1);
/// Most findings that are told of one failure; the rest are its echoes.
const FINDINGS_TOLD: usize = 5;

/// What a run is called, and how long it may take.
#[derive(Debug, Clone)]
pub struct Options {
    pub release: String,
    pub namespace: String,
    pub command: String,
    pub run: Option<u64>,
    pub cluster: Option<String>,
    pub deadline: Duration,
    /// Ask the health endpoints of components that this run changed.
    pub probe: bool,
    /// Ask those of unchanged components too.
    pub probe_unchanged: bool,
    /// The run goes back: a broken pod that keeps a StatefulSet from following is deleted.
    pub unstick: bool,
    /// Components whose failure does not make this run a failure, because they had failed before.
    pub tolerated: BTreeSet<String>,
    /// How long everything is watched after it was verified, before the run counts as good.
    pub bake: Duration,
}

/// A run under way.
#[derive(Debug)]
pub struct Engine {
    pub(crate) options: Options,
    pub(crate) lanes: Vec<LaneRun>,
    prune: Vec<Operation>,
    pruned: usize,
    prune_effect: Option<EffectId>,
    /// Lane of each effect under way.
    under_way: BTreeMap<EffectId, usize>,
    watched: BTreeMap<ObjectRef, usize>,
    next_effect: u64,
    ending: Option<Ending>,
    pub(crate) bake: Bake,
    shared_left: usize,
    is_finished: bool,
}

/// A run that ends before its work is done.
#[derive(Debug, Clone, Copy)]
struct Ending {
    outcome: RunOutcome,
    until: Duration,
}

impl Engine {
    pub fn new(plan: Plan, options: Options) -> Self {
        let lanes: Vec<LaneRun> = plan.lanes.into_iter().map(LaneRun::new).collect();
        let watched = lanes
            .iter()
            .enumerate()
            .flat_map(|(index, lane)| lane.objects.iter().map(move |object| (object.object.clone(), index)))
            .collect();
        let shared_left = lanes.iter().filter(|lane| lane.plan.is_shared()).count();
        Self {
            options,
            lanes,
            prune: plan.prune,
            pruned: 0,
            prune_effect: None,
            under_way: BTreeMap::new(),
            watched,
            next_effect: 0,
            ending: None,
            bake: Bake::default(),
            shared_left,
            is_finished: false,
        }
    }

    pub fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Takes in what happened and says what is to be done. `cluster` is the view of the cluster at this moment.
    pub fn step(&mut self, now: Now, input: Input, cluster: &dyn Cluster) -> Vec<Effect> {
        if self.is_finished {
            return Vec::new();
        }
        let mut step = Step { now, cluster, effects: Vec::new() };
        match input {
            Input::Start => self.start(&mut step),
            Input::Applied { effect, outcome } => self.applied(effect, outcome, &mut step),
            Input::Deleted { effect, outcome } => self.deleted(effect, outcome, &mut step),
            Input::Probed { effect, outcome } => self.probed(effect, outcome, &mut step),
            Input::Observed(objects) => self.observed(&objects, &mut step),
            Input::Tick => self.tick(&mut step),
            Input::Signal(signal) => self.signalled(signal, &mut step),
            Input::LockLost(holder) => self.lock_lost(&holder, &mut step),
        }
        self.advance(&mut step);
        step.effects
    }

    fn start(&mut self, step: &mut Step<'_>) {
        let operations = || self.lanes.iter().flat_map(|lane| &lane.plan.operations);
        let count = |action: &Action| operations().filter(|operation| &operation.action == action).count();
        step.emit(Event::RunStarted {
            release: self.options.release.clone(),
            namespace: self.options.namespace.clone(),
            command: self.options.command.clone(),
            run: self.options.run,
            cluster: self.options.cluster.clone(),
            components: self.describe(),
            create: count(&Action::Create),
            update: count(&Action::Update),
            replace: operations().filter(|operation| is_replacement(operation)).count(),
            delete: self.prune.len(),
            unchanged: count(&Action::Unchanged),
        });
        for lane in &mut self.lanes {
            lane.failed_before = judge(lane, step).judgement == Judgement::Failed;
        }
    }

    fn describe(&self) -> Vec<LaneInfo> {
        let shared: Vec<&Lane> = self.lanes.iter().map(|lane| &lane.plan).filter(|lane| lane.is_shared()).collect();
        let first = (!shared.is_empty()).then(|| LaneInfo {
            name: SHARED.into(),
            phase: None,
            needs: Vec::new(),
            objects: shared.iter().map(|lane| lane.operations.len()).sum(),
            changes: shared.iter().map(|lane| lane.changes()).sum(),
        });
        let components =
            self.lanes.iter().map(|lane| &lane.plan).filter(|lane| !lane.is_shared()).map(|lane| LaneInfo {
                name: lane.name.clone(),
                phase: lane.phase.clone(),
                needs: self.component_needs(lane),
                objects: lane.operations.len(),
                changes: lane.changes(),
            });
        first.into_iter().chain(components).collect()
    }

    fn component_needs(&self, lane: &Lane) -> Vec<String> {
        let needs = lane.needs.iter().map(|need| &self.lanes[*need].plan);
        needs.filter(|need| !need.is_shared()).map(|need| need.name.clone()).collect()
    }

    fn applied(&mut self, effect: EffectId, outcome: Result<Arc<Value>, ApplyError>, step: &mut Step<'_>) {
        // An answer that is not awaited any more changes nothing.
        let Some(index) = self.under_way.remove(&effect) else { return };
        self.lanes[index].in_flight = None;
        match outcome {
            Ok(object) => self.accepted(index, object, step),
            Err(error) if error.is_transient => {
                self.lanes[index].retry_at = Some(step.now.elapsed + APPLY_PAUSE);
                self.say(index, None, &error.finding.message, Some(&error.finding), step);
            }
            Err(error) => self.fail(index, vec![error.finding], step),
        }
    }

    fn accepted(&mut self, index: usize, object: Arc<Value>, step: &mut Step<'_>) {
        let lane = &mut self.lanes[index];
        let operation = &lane.plan.operations[lane.operation];
        let run = &mut lane.objects[lane.operation];
        run.since = Since {
            generation: object.pointer("/metadata/generation").and_then(Value::as_i64),
            applied_at: Some(step.now.wall),
            ..run.since.clone()
        };
        run.written = Some(object);
        lane.request += 1;
        if lane.request == operation.requests.len() {
            let as_what = match operation.action {
                Action::Create => AppliedAs::Created,
                Action::Replace { .. } => AppliedAs::Replaced,
                _ => AppliedAs::Configured,
            };
            let component = lane.plan.name.clone();
            step.emit(Event::Applied { component, object: operation.object.clone(), as_what });
            lane.operation += 1;
            lane.request = 0;
            lane.is_cleared = false;
        }
    }

    /// The object that a lane replaces is gone, or not yet.
    fn cleared(&mut self, index: usize, outcome: Result<(), ApplyError>, step: &mut Step<'_>) {
        let lane = &mut self.lanes[index];
        lane.in_flight = None;
        match outcome {
            Ok(()) => lane.is_cleared = true,
            Err(error) if error.is_transient => {
                lane.retry_at = Some(step.now.elapsed + APPLY_PAUSE);
                self.say(index, None, &error.finding.message, Some(&error.finding), step);
            }
            Err(error) => self.fail(index, vec![error.finding], step),
        }
    }

    fn deleted(&mut self, effect: EffectId, outcome: Result<(), ApplyError>, step: &mut Step<'_>) {
        if let Some(index) = self.under_way.remove(&effect) {
            if self.lanes[index].in_flight == Some(effect) {
                return self.cleared(index, outcome, step);
            }
            // The pod may have gone by itself; what follows is seen by the watch.
            if let Err(error) = outcome {
                self.say(index, None, &error.finding.message, Some(&error.finding), step);
            }
            return;
        }
        if self.prune_effect != Some(effect) {
            return;
        }
        self.prune_effect = None;
        let object = self.prune[self.pruned].object.clone();
        self.pruned += 1;
        match outcome {
            Ok(()) => step.emit(Event::Applied { component: SHARED.into(), object, as_what: AppliedAs::Deleted }),
            // It left the release, so nothing depends on it: say it, and let the next run try again.
            Err(error) => step.emit(Event::Note { finding: error.finding }),
        }
    }

    fn probed(&mut self, effect: EffectId, outcome: Result<String, ProbeError>, step: &mut Step<'_>) {
        let Some(index) = self.under_way.remove(&effect) else { return };
        let lane = &mut self.lanes[index];
        match outcome {
            Ok(how) | Err(ProbeError::NotPossible(how)) => {
                lane.verification = Verification::Done;
                if !std::mem::replace(&mut lane.is_told_verified, true) {
                    step.emit(Event::Verified { component: lane.plan.name.clone(), how });
                }
            }
            Err(ProbeError::Failed(finding)) => {
                let first = *lane.first_probe_failure.get_or_insert(step.now.elapsed);
                if step.now.elapsed >= first + PROBE_PATIENCE {
                    self.fail(index, vec![*finding], step);
                } else {
                    lane.verification = Verification::RetryAt(step.now.elapsed + PROBE_PAUSE);
                    lane.is_told_verified = false;
                    self.say(index, None, &finding.message.clone(), Some(&finding), step);
                }
            }
        }
    }

    fn observed(&mut self, objects: &[ObjectRef], step: &mut Step<'_>) {
        let mut lanes: Vec<usize> = objects.iter().filter_map(|object| self.watched.get(object).copied()).collect();
        lanes.sort_unstable();
        lanes.dedup();
        for index in lanes {
            match self.lanes[index].state {
                State::Settling => self.settle(index, false, step),
                State::Ready => self.reconsider(index, step),
                _ => {}
            }
        }
    }

    fn tick(&mut self, step: &mut Step<'_>) {
        for index in 0..self.lanes.len() {
            if self.lanes[index].state == State::Settling {
                self.settle(index, true, step);
            }
        }
    }

    fn signalled(&mut self, signal: Signal, step: &mut Step<'_>) {
        let (outcome, name) = match signal {
            Signal::Interrupt => (RunOutcome::Interrupted, "interrupted"),
            Signal::Terminate => (RunOutcome::Terminated, "terminated"),
        };
        if self.ending.is_none() {
            let reason = format!("{name}: nothing more is sent; deploying again goes on from here");
            step.emit(Event::Stopping { reason });
            self.ending = Some(Ending { outcome, until: step.now.elapsed + FAREWELL });
        }
    }

    fn lock_lost(&mut self, holder: &str, step: &mut Step<'_>) {
        step.emit(Event::Stopping { reason: format!("the release's Lease was taken over by {holder}") });
        self.ending = Some(Ending { outcome: RunOutcome::LockLost, until: step.now.elapsed });
    }

    /// Starts, sends, skips and ends whatever is due.
    fn advance(&mut self, step: &mut Step<'_>) {
        if let Some(ending) = self.ending {
            return self.wind_up(ending, step);
        }
        if step.now.elapsed >= self.options.deadline {
            self.give_up(step);
        }
        // A lane that needs no request may settle at once and free others, so go on until nothing moves.
        while self.pass(step) {}
        self.bake(step);
        self.probe_due(step);
        self.prune_next(step);
        if self.is_done() {
            let outcome = self.outcome();
            self.finish(outcome, step);
        } else if let Some(at) = self.wake_at(step.now.elapsed) {
            step.effects.push(Effect::WakeAt(at));
        }
    }

    fn wind_up(&mut self, ending: Ending, step: &mut Step<'_>) {
        let has_writes = self.lanes.iter().any(|lane| lane.state == State::Applying && lane.in_flight.is_some());
        if (has_writes || self.prune_effect.is_some()) && step.now.elapsed < ending.until {
            step.effects.push(Effect::WakeAt(ending.until));
        } else {
            self.finish(ending.outcome, step);
        }
    }

    fn pass(&mut self, step: &mut Step<'_>) -> bool {
        let mut moved = false;
        for index in 0..self.lanes.len() {
            match self.lanes[index].state {
                State::Waiting => moved |= self.start_or_skip(index, step),
                State::Applying => moved |= self.send_next(index, step),
                _ => {}
            }
        }
        moved
    }

    fn start_or_skip(&mut self, index: usize, step: &mut Step<'_>) -> bool {
        let needs = &self.lanes[index].plan.needs;
        if let Some(broken) =
            needs.iter().find(|need| matches!(self.lanes[**need].state, State::Failed | State::Skipped))
        {
            let because = self.root_of(*broken);
            self.lanes[index].state = State::Skipped;
            if !self.lanes[index].plan.is_shared() {
                step.emit(Event::Skipped { component: self.lanes[index].plan.name.clone(), because });
            }
            return true;
        }
        if needs.iter().any(|need| self.lanes[*need].state != State::Ready) {
            return false;
        }
        let lane = &mut self.lanes[index];
        lane.state = State::Applying;
        if lane.plan.changes() > 0 && !lane.plan.is_shared() {
            step.emit(Event::Started { component: lane.plan.name.clone() });
        }
        true
    }

    /// The failed lane at the start of a chain of skipped ones.
    fn root_of(&self, index: usize) -> String {
        let lane = &self.lanes[index];
        let broken =
            lane.plan.needs.iter().find(|need| matches!(self.lanes[**need].state, State::Failed | State::Skipped));
        match (&lane.state, broken) {
            (State::Skipped, Some(need)) => self.root_of(*need),
            _ => lane.plan.name.clone(),
        }
    }

    fn send_next(&mut self, index: usize, step: &mut Step<'_>) -> bool {
        let now = step.now.elapsed;
        let lane = &mut self.lanes[index];
        if lane.in_flight.is_some() || lane.retry_at.is_some_and(|at| at > now) {
            return false;
        }
        lane.retry_at = None;
        while lane.plan.operations.get(lane.operation).is_some_and(|operation| operation.requests.is_empty()) {
            lane.operation += 1;
        }
        let Some(operation) = lane.plan.operations.get(lane.operation) else {
            lane.state = State::Settling;
            self.settle(index, false, step);
            return true;
        };
        self.next_effect += 1;
        let effect = EffectId(self.next_effect);
        lane.in_flight = Some(effect);
        self.under_way.insert(effect, index);
        if is_replacement(operation) && !lane.is_cleared {
            step.effects.push(Effect::Delete { effect, operation: operation.clone() });
            return false;
        }
        let (request, weight) = (operation.requests[lane.request].clone(), lane.plan.weight);
        step.effects.push(Effect::Apply { effect, operation: operation.clone(), request, weight });
        false
    }

    /// Deletes the pod that keeps a StatefulSet of this lane from going back; each only once.
    fn unstick(&mut self, index: usize, step: &mut Step<'_>) -> bool {
        let lane = &self.lanes[index];
        let blocking = |run: &ObjectRun| {
            let set = step.cluster.get(&run.object).filter(|_| run.object.kind == "StatefulSet")?;
            let observed = set.pointer("/status/observedGeneration").and_then(Value::as_i64);
            let is_current = run.since.generation.is_none_or(|own| observed.is_some_and(|seen| seen >= own));
            let pod = blocking_pod(set, &run.since, step.cluster, step.now.wall).filter(|_| is_current)?;
            let text = |pointer: &str| Some(pod.pointer(pointer)?.as_str()?.to_owned());
            let object = ObjectRef::new("", "Pod", run.object.namespace.as_deref(), &text("/metadata/name")?);
            Some((object, text("/metadata/uid")?))
        };
        let Some((pod, uid)) = lane.objects.iter().find_map(blocking) else { return false };
        if !self.lanes[index].unstuck.insert(uid.clone()) {
            return true;
        }
        self.next_effect += 1;
        let effect = EffectId(self.next_effect);
        self.under_way.insert(effect, index);
        step.emit(Event::Unstuck { component: self.lanes[index].plan.name.clone(), pod: pod.clone() });
        step.effects.push(Effect::DeletePod { effect, pod, uid });
        true
    }

    fn settle(&mut self, index: usize, is_told: bool, step: &mut Step<'_>) {
        if self.options.unstick && self.unstick(index, step) {
            return;
        }
        let Judged { judgement, object, message, finding } = judge(&self.lanes[index], step);
        match judgement {
            Judgement::Current => self.become_ready(index, step),
            Judgement::Failed => {
                let findings = self.explain_failure(index, &object, &message, step);
                self.fail(index, findings, step);
            }
            Judgement::InProgress if !is_told => {}
            Judgement::InProgress => self.say(index, Some(&object), &message, finding.as_ref(), step),
        }
    }

    fn become_ready(&mut self, index: usize, step: &mut Step<'_>) {
        let lane = &mut self.lanes[index];
        lane.state = State::Ready;
        let is_asked =
            self.options.probe && lane.needs_probe() && (lane.plan.changes() > 0 || self.options.probe_unchanged);
        if !is_asked {
            lane.verification = Verification::Done;
        }
        if !lane.plan.is_shared() {
            return step.emit(Event::Ready { component: lane.plan.name.clone() });
        }
        self.shared_left = self.shared_left.saturating_sub(1);
        if self.shared_left == 0 {
            step.emit(Event::Ready { component: SHARED.into() });
        }
    }

    /// A component that was ready and is not any more.
    fn reconsider(&mut self, index: usize, step: &mut Step<'_>) {
        let Judged { judgement, object, message, .. } = judge(&self.lanes[index], step);
        if judgement == Judgement::Current {
            return;
        }
        let lane = &mut self.lanes[index];
        lane.state = State::Settling;
        if std::mem::take(&mut lane.is_told_verified) {
            // What it answered before says nothing about what comes back.
            lane.verification = Verification::NotAsked;
        }
        if judgement == Judgement::Failed {
            let findings = self.explain_failure(index, &object, &message, step);
            return self.fail(index, findings, step);
        }
        self.say(index, Some(&object), &format!("was ready and is not any more: {message}"), None, step);
    }

    fn explain(&self, index: usize, object: &ObjectRef, step: &Step<'_>) -> Vec<Finding> {
        let Some(run) = self.lanes[index].objects.iter().find(|run| &run.object == object) else { return Vec::new() };
        let Some(value) = current_value(run, step.cluster) else { return Vec::new() };
        let diagnoses = diagnose(value, &run.since, step.cluster, step.now.wall);
        let told = diagnoses.into_iter().filter(|diagnosis| !matches!(diagnosis.class, Class::Advice));
        // Where a cause is known, its echoes are not told.
        let (causes, symptoms): (Vec<_>, Vec<_>) = told.partition(Diagnosis::is_cause);
        let told = if causes.is_empty() { symptoms } else { causes };
        told.into_iter().map(|diagnosis| diagnosis.finding).take(FINDINGS_TOLD).collect()
    }

    fn explain_failure(&self, index: usize, object: &ObjectRef, message: &str, step: &Step<'_>) -> Vec<Finding> {
        let mut findings = self.explain(index, object, step);
        if findings.is_empty() {
            findings.push(Finding::error(9012, format!("{object} has failed: {message}")).on(object.clone()));
        }
        if self.lanes[index].failed_before {
            findings[0].evidence.push("it was failing before this run began".into());
        }
        findings
    }

    pub(crate) fn fail(&mut self, index: usize, findings: Vec<Finding>, step: &mut Step<'_>) {
        let lane = &mut self.lanes[index];
        lane.state = State::Failed;
        step.emit(Event::Failed { component: lane.plan.name.clone(), findings, before: lane.failed_before });
    }

    fn say(
        &mut self,
        index: usize,
        object: Option<&ObjectRef>,
        message: &str,
        finding: Option<&Finding>,
        step: &mut Step<'_>,
    ) {
        let lane = &mut self.lanes[index];
        let code = finding.map(|finding| finding.code.to_string()).unwrap_or_default();
        // A countdown alone is no news.
        let said = format!("{code} {}", message.split(" (").next().unwrap_or(message));
        if lane.said == said {
            return;
        }
        lane.said = said;
        let object =
            object.or_else(|| lane.objects.get(lane.operation.min(lane.objects.len() - 1)).map(|run| &run.object));
        let Some(object) = object.cloned() else { return };
        let component = lane.plan.name.clone();
        step.emit(Event::Waiting { component, object, message: message.to_owned(), finding: finding.cloned() });
    }

    fn probe_due(&mut self, step: &mut Step<'_>) {
        for index in 0..self.lanes.len() {
            let lane = &mut self.lanes[index];
            let is_due = match lane.verification {
                Verification::NotAsked => true,
                Verification::RetryAt(at) => at <= step.now.elapsed,
                _ => false,
            };
            if lane.state != State::Ready || !is_due {
                continue;
            }
            self.next_effect += 1;
            let effect = EffectId(self.next_effect);
            lane.verification = Verification::InFlight;
            self.under_way.insert(effect, index);
            let (component, checks) = (lane.plan.name.clone(), lane.plan.health.clone());
            step.effects.push(Effect::Probe { effect, component, workloads: lane.workloads(), checks });
        }
    }

    /// Prunes only when everything else has worked: what is about to go may be what the old release needs.
    fn prune_next(&mut self, step: &mut Step<'_>) {
        let all_good = self.lanes.iter().all(|lane| lane.state == State::Ready && lane.is_over());
        if !all_good || self.is_to_be_baked() || self.prune_effect.is_some() {
            return;
        }
        let Some(operation) = self.prune.get(self.pruned) else { return };
        self.next_effect += 1;
        let effect = EffectId(self.next_effect);
        self.prune_effect = Some(effect);
        step.effects.push(Effect::Delete { effect, operation: operation.clone() });
    }

    fn give_up(&mut self, step: &mut Step<'_>) {
        for index in 0..self.lanes.len() {
            let lane = &self.lanes[index];
            if lane.is_over() || lane.state == State::Waiting {
                continue;
            }
            let said = lane.said.split_once(' ').map_or("", |(_, message)| message);
            let message = format!(
                "{} was not ready when the deadline of {} s passed: {said}",
                lane.plan.name,
                self.options.deadline.as_secs()
            );
            let finding = Finding::error(9003, message)
                .help("look at `lucid status`, and raise the deadline with --timeout if it only needs longer");
            self.lanes[index].timed_out = true;
            self.fail(index, vec![finding], step);
        }
    }

    fn is_done(&self) -> bool {
        let failed = self.lanes.iter().any(|lane| matches!(lane.state, State::Failed | State::Skipped));
        let all_over = self.lanes.iter().all(LaneRun::is_over);
        all_over && (failed || self.pruned == self.prune.len() && !self.is_to_be_baked())
    }

    fn outcome(&self) -> RunOutcome {
        let is_blamed = |lane: &&LaneRun| !self.options.tolerated.contains(&lane.plan.name);
        let failed: Vec<&LaneRun> =
            self.lanes.iter().filter(|lane| lane.state == State::Failed).filter(is_blamed).collect();
        match failed.iter().all(|lane| lane.timed_out) {
            _ if failed.is_empty() => RunOutcome::Verified,
            true => RunOutcome::DeadlinePassed,
            false => RunOutcome::Failed,
        }
    }

    fn finish(&mut self, outcome: RunOutcome, step: &mut Step<'_>) {
        let took_ms = u64::try_from(step.now.elapsed.as_millis()).unwrap_or(u64::MAX);
        step.emit(Event::RunFinished { outcome, took_ms });
        step.effects.push(Effect::Finish);
        self.is_finished = true;
    }

    fn wake_at(&self, now: Duration) -> Option<Duration> {
        let times = self.lanes.iter().filter_map(|lane| match (&lane.state, &lane.verification) {
            (State::Settling, _) => Some(now + TICK),
            (State::Applying, _) => lane.retry_at,
            (State::Ready, Verification::RetryAt(at)) => Some(*at),
            _ => None,
        });
        times.chain(self.bake.next_look()).chain([self.options.deadline]).min()
    }
}

/// One step's inputs and outputs.
pub(crate) struct Step<'a> {
    pub(crate) now: Now,
    pub(crate) cluster: &'a dyn Cluster,
    effects: Vec<Effect>,
}

impl Step<'_> {
    pub(crate) fn emit(&mut self, event: Event) {
        self.effects.push(Effect::Emit(event));
    }
}

fn is_replacement(operation: &Operation) -> bool {
    matches!(operation.action, Action::Replace { .. })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judgement {
    Current,
    InProgress,
    Failed,
}

/// The worst of a lane's objects: which it is, and what is said of it.
struct Judged {
    judgement: Judgement,
    object: ObjectRef,
    message: String,
    finding: Option<Finding>,
}

fn judge(lane: &LaneRun, step: &Step<'_>) -> Judged {
    let mut worst: Option<Judged> = None;
    for run in lane.objects.iter().filter(|run| run.is_watched) {
        let judged = judge_object(run, step);
        let is_worse = match &worst {
            None => true,
            // Of two that wait, the later in the lane's order is the workload, which is what people ask for.
            Some(other) => other.judgement != Judgement::Failed && judged.judgement != Judgement::Current,
        };
        if is_worse {
            worst = Some(judged);
        }
    }
    worst.unwrap_or_else(|| Judged {
        judgement: Judgement::Current,
        object: ObjectRef::new("", "", None, &lane.plan.name),
        message: String::new(),
        finding: None,
    })
}

fn judge_object(run: &ObjectRun, step: &Step<'_>) -> Judged {
    let object = run.object.clone();
    let Some(value) = current_value(run, step.cluster) else {
        let message = format!("{} is not there", run.object.short());
        return Judged { judgement: Judgement::InProgress, object, message, finding: None };
    };
    let verdict = readiness(value, &run.since, step.cluster, step.now.wall);
    let judgement = match verdict.status {
        Status::Current => Judgement::Current,
        Status::Failed => Judgement::Failed,
        _ => Judgement::InProgress,
    };
    Judged { judgement, object, message: verdict.message, finding: verdict.finding }
}

/// What the watch says, or what the server answered until the watch has caught up.
fn current_value<'a>(run: &'a ObjectRun, cluster: &'a dyn Cluster) -> Option<&'a Value> {
    let uid = |value: &'_ Value| value.pointer("/metadata/uid").cloned();
    // Of an object that was made anew, the watch may still show the one before.
    let is_ours = |live: &&Value| run.written.as_deref().is_none_or(|written| uid(written) == uid(live));
    cluster.get(&run.object).filter(is_ours).or(run.written.as_deref())
}

#[cfg(test)]
mod tests;

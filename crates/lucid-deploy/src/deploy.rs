//! A whole run, from looking at the cluster to the record of what happened.

use std::time::Duration;

use jiff::Timestamp;
use lucid_client::{ApiClient, Apply, Error, Target};
use lucid_engine::{Engine, Event, Options, RunOutcome, Signal, Stamped};
use lucid_object::{Finding, Findings, Object, ObjectRef, ObjectSet};
use lucid_plan::intent::Marks;
use lucid_plan::{Action, Input, Lane, Plan, Selection, build, scope};
use lucid_release::names::{FIELD_MANAGER, SHARED};
use lucid_release::{ComponentOutcome, Outcome, ReleaseFile, RunRecord, Span};
use lucid_status::{Since, Status, readiness};
use tokio::sync::mpsc;

use crate::cache::Cache;
use crate::checks;
use crate::clock::Clock;
use crate::drive::{Run, Sink, drive, explain};
use crate::lease::{self, Held, Identity, NotHeld};
use crate::locate::Places;
use crate::store::{self, Stored};
use crate::survey::{self, Server, Survey, Wish};

/// What is to be deployed, and how.
pub struct Request<'a> {
    pub release: &'a ReleaseFile,
    /// The rendered manifests.
    pub objects: ObjectSet,
    pub selection: Selection,
    pub dry_run: DryRun,
    pub deadline: Duration,
    pub take_ownership: bool,
    pub probe: bool,
    /// As the user typed it, for the record and for whoever finds the lock taken.
    pub command: String,
    pub identity: Identity,
    /// What the calendar says when the run begins.
    pub wall: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryRun {
    No,
    /// Compare with what is live; send nothing that could write.
    Client,
    /// Let the server try every change without keeping it.
    Server,
}

/// A run that was made, or would have been.
#[derive(Debug)]
pub struct Deployed {
    pub verdict: Verdict,
    pub plan: Plan,
    pub findings: Findings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    DryRun,
    Run(RunOutcome),
}

/// Why there was no run. Nothing was changed, but perhaps a namespace for the lock.
#[derive(Debug)]
pub enum Refusal {
    /// The manifests or the release file are wrong.
    Manifests(Findings),
    /// The cluster does not let us, or is not ready for it.
    Cluster(Findings),
    /// It does not answer, or does not know us.
    Unreachable(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match &error {
            error if error.is_unreachable() => Self::Unreachable(error.clone()),
            Error::Config(_) => Self::Unreachable(error),
            Error::Status { code, status, .. } => {
                Self::Cluster(Findings(vec![lucid_status::classify_status(status, *code, None).finding]))
            }
            Error::Transport { .. } | Error::Answer { .. } => Self::Unreachable(error),
        }
    }
}

impl From<Finding> for Refusal {
    fn from(finding: Finding) -> Self {
        Self::Cluster(Findings(vec![finding]))
    }
}

/// Deploys, or says what a deploy would do.
///
/// # Errors
/// When the run may not begin: every reason at once.
pub async fn deploy(
    client: &ApiClient,
    mut request: Request<'_>,
    sink: Sink<'_>,
    signals: &mut mpsc::UnboundedReceiver<Signal>,
) -> Result<Deployed, Refusal> {
    let clock = Clock::start(request.wall);
    let mut server = survey::ask_server(client).await?;
    server.resources.define(&request.objects);
    let mut findings = Findings::default();
    findings.extend(checks::version(&server));
    let namespace = request.release.spec.namespace.clone();
    let misplaced = scope::place(&mut request.objects, &namespace, &server.resources);
    if !misplaced.is_empty() {
        return Err(Refusal::Cluster(Findings(misplaced)));
    }
    // What is wrong with the manifests alone is said before anything is written, the lock included.
    plan_blind(&request, &server).map_err(Refusal::Manifests)?;
    if request.dry_run != DryRun::No {
        return dry_run(client, &request, &server, findings).await;
    }
    let (planned, mut held) = plan_and_lock(client, &request, &server, findings, clock).await?;
    let result = under_lock(client, &request, &server, planned, &mut held, clock, sink, signals).await;
    if !matches!(&result, Ok(Deployed { verdict: Verdict::Run(RunOutcome::LockLost), .. })) {
        held.give_back().await;
    }
    result
}

/// Plans first, so that a refusal has written nothing, and then takes the lock as it was before the planning began: had
/// anyone else deployed meanwhile, the Lease would have another version, and we plan anew.
async fn plan_and_lock(
    client: &ApiClient,
    request: &Request<'_>,
    server: &Server,
    findings: Findings,
    clock: Clock,
) -> Result<(Planned, Held), Refusal> {
    let (namespace, name) = (&request.release.spec.namespace, request.release.name());
    loop {
        let turn = match lease::wait_for_turn(client, namespace, name, &request.identity).await {
            Ok(turn) => turn,
            Err(NotHeld::Busy(finding)) => return Err(finding.into()),
            Err(NotHeld::Client(error)) if error.is_forbidden() => {
                return Err(unprivileged(client, request, server, &error).await);
            }
            Err(NotHeld::Client(error)) => return Err(error.into()),
        };
        let planned = make_plan(client, request, server, Some(turn.epoch), findings.clone()).await?;
        ensure_namespace(client, request).await?;
        let now = clock.now().wall;
        if let Some(held) = turn.claim(client, namespace, name, &request.identity, &request.command, now).await? {
            return Ok((planned, held));
        }
    }
}

/// We may not even look at the lock: say what else we may not do.
async fn unprivileged(client: &ApiClient, request: &Request<'_>, server: &Server, error: &Error) -> Refusal {
    let wishes = survey::wishes(&request.objects, &[], &server.resources);
    let mut findings = vec![checks::forbidden("leases cannot be read", error)];
    match survey::look(client, &wishes).await {
        Ok(survey) => findings.extend(checks::refused(&survey)),
        Err(error) => return error.into(),
    }
    Refusal::Cluster(Findings(findings))
}

fn plan_blind(request: &Request<'_>, server: &Server) -> Result<(), Findings> {
    build(&Input {
        release: request.release,
        objects: &request.objects,
        resources: &server.resources,
        live: &|_| None,
        inventory: &[],
        selection: request.selection.clone(),
        epoch: None,
        take_ownership: true,
    })
    .map(|_| ())
}

/// The namespace of the lock is the one thing that may have to be made before it.
async fn ensure_namespace(client: &ApiClient, request: &Request<'_>) -> Result<(), Refusal> {
    let name = &request.release.spec.namespace;
    let target = Target::core("Namespace", "namespaces", None);
    match client.get(&target, name).await {
        Err(error) if error.is_not_found() => {}
        // Allowed to work in it, but not to look at it.
        Err(error) if error.is_forbidden() => return Ok(()),
        result => return result.map(|_| ()).map_err(Refusal::from),
    }
    let bare = Object::new(serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    let own = request.objects.get(&ObjectRef::new("", "Namespace", None, name)).unwrap_or(&bare);
    let marks = Marks { release: request.release.name(), namespace: name };
    let body = marks.put_on(own, None);
    let apply = Apply { manager: FIELD_MANAGER, body: &body, dry_run: false, force: false };
    client.apply(&target, name, &apply).await?;
    Ok(())
}

/// A look at the cluster and the plan that follows from it.
struct Planned {
    plan: Plan,
    survey: Survey,
    wishes: Vec<Wish>,
    stored: Stored,
    findings: Findings,
}

async fn make_plan(
    client: &ApiClient,
    request: &Request<'_>,
    server: &Server,
    epoch: Option<u64>,
    mut findings: Findings,
) -> Result<Planned, Refusal> {
    let (namespace, name) = (&request.release.spec.namespace, request.release.name());
    let stored = store::load(client, namespace, name).await?;
    let wishes = survey::wishes(&request.objects, &stored.record.inventory, &server.resources);
    let mut survey = survey::look(client, &wishes).await?;
    let refused = checks::refused(&survey);
    if !refused.is_empty() {
        return Err(Refusal::Cluster(Findings(refused)));
    }
    let own_secrets: Vec<ObjectRef> = request
        .objects
        .iter()
        .map(Object::reference)
        .filter(|object| object.group.is_empty() && object.kind == "Secret")
        .collect();
    survey::read_whole(client, &mut survey.cache, &own_secrets).await?;
    let plan = build(&Input {
        release: request.release,
        objects: &request.objects,
        resources: &server.resources,
        live: &|reference| survey.cache.find(reference),
        inventory: &stored.record.inventory,
        selection: request.selection.clone(),
        epoch,
        take_ownership: request.take_ownership,
    })
    .map_err(Refusal::Cluster)?;
    findings.extend(plan.findings.clone());
    findings.extend(precondition(client, request, server, &plan, &survey.cache).await?);
    if findings.has_errors() {
        return Err(Refusal::Cluster(findings));
    }
    Ok(Planned { plan, survey, wishes, stored, findings })
}

/// Everything about the cluster that speaks against this plan.
async fn precondition(
    client: &ApiClient,
    request: &Request<'_>,
    server: &Server,
    plan: &Plan,
    cache: &Cache,
) -> Result<Vec<Finding>, Refusal> {
    let mut findings: Vec<Finding> =
        plan.preconditions.iter().filter_map(|lane| not_ready(lane, cache, request.wall)).collect();
    if plan.lanes.iter().all(|lane| lane.changes() == 0) && plan.prune.is_empty() {
        return Ok(findings);
    }
    let marks = Marks { release: request.release.name(), namespace: &request.release.spec.namespace };
    let touched = changed_objects(request, plan);
    let (permissions, references, room) = tokio::join!(
        checks::permissions(client, plan, server),
        checks::missing_references(client, &touched, cache),
        checks::room(client, &touched, &marks)
    );
    findings.extend(permissions?);
    findings.extend(references?);
    findings.extend(room?);
    Ok(findings)
}

/// The objects of lanes that change something, so that one component can be deployed although another is broken.
fn changed_objects(request: &Request<'_>, plan: &Plan) -> ObjectSet {
    let changing = plan.lanes.iter().filter(|lane| lane.changes() > 0);
    let touched: std::collections::BTreeSet<&ObjectRef> =
        changing.flat_map(|lane| &lane.operations).map(|operation| &operation.object).collect();
    request
        .objects
        .iter()
        .filter(|object| touched.contains(&object.reference()) || object.pod_spec().is_none())
        .cloned()
        .collect()
}

fn not_ready(lane: &Lane, cache: &Cache, now: Timestamp) -> Option<Finding> {
    let state = |operation: &lucid_plan::Operation| match cache.find(&operation.object) {
        None => Some(format!("{} is not there", operation.object.short())),
        Some(live) if operation.is_watched => {
            let verdict = readiness(&live, &Since::default(), cache, now);
            (verdict.status != Status::Current).then(|| format!("{}: {}", operation.object.short(), verdict.message))
        }
        Some(_) => None,
    };
    let why = lane.operations.iter().find_map(state)?;
    let finding = Finding::error(9008, format!("{} is needed and not ready", lane.name)).seen(why);
    Some(finding.help(format!("deploy it first, or add --with-needs: `lucid deploy --component {}`", lane.name)))
}

async fn dry_run(
    client: &ApiClient,
    request: &Request<'_>,
    server: &Server,
    findings: Findings,
) -> Result<Deployed, Refusal> {
    let planned = make_plan(client, request, server, None, findings).await?;
    let mut findings = planned.findings;
    if request.dry_run == DryRun::Server {
        findings.extend(try_on_server(client, server, &planned.plan, &planned.survey.cache).await?);
        if findings.has_errors() {
            return Err(Refusal::Cluster(findings));
        }
    }
    Ok(Deployed { verdict: Verdict::DryRun, plan: planned.plan, findings })
}

/// Sends every change with `dryRun=All`. What cannot be tried yet, because its namespace or kind comes with this
/// release, is said.
async fn try_on_server(
    client: &ApiClient,
    server: &Server,
    plan: &Plan,
    cache: &Cache,
) -> Result<Vec<Finding>, Refusal> {
    let mut findings = Vec::new();
    for operation in plan.lanes.iter().flat_map(|lane| &lane.operations) {
        let Some(request) = operation.requests.iter().find(|request| request.manager == FIELD_MANAGER) else {
            continue;
        };
        let namespace = operation.object.namespace.as_deref();
        let has_namespace =
            namespace.is_none_or(|name| cache.find(&ObjectRef::new("", "Namespace", None, name)).is_some());
        let Some(resource) = server
            .resources
            .get(&operation.gvk)
            .filter(|_| has_namespace && server.resources.is_served(&operation.gvk))
        else {
            let message = format!(
                "{} was not tried by the server: its namespace or kind comes with this release",
                operation.object
            );
            findings.push(Finding::advice(9016, message).on(operation.object.clone()));
            continue;
        };
        let target = Target::new(operation.gvk.clone(), resource.plural.clone(), namespace);
        let apply = Apply { manager: FIELD_MANAGER, body: &request.body, dry_run: true, force: false };
        match client.apply(&target, &operation.object.name, &apply).await {
            Ok(written) => findings.extend(
                written
                    .warnings
                    .into_iter()
                    .map(|warning| Finding::warning(9015, warning).on(operation.object.clone())),
            ),
            Err(error) if error.is_unreachable() => return Err(error.into()),
            Err(error) => findings.push(explain(&error, &operation.object).finding),
        }
    }
    Ok(findings)
}

#[expect(clippy::too_many_arguments, reason = "the parts of one run, used once")]
async fn under_lock(
    client: &ApiClient,
    request: &Request<'_>,
    server: &Server,
    planned: Planned,
    held: &mut Held,
    clock: Clock,
    sink: Sink<'_>,
    signals: &mut mpsc::UnboundedReceiver<Signal>,
) -> Result<Deployed, Refusal> {
    let Planned { plan, survey, wishes, mut stored, findings } = planned;
    let run_number = stored.record.run + 1;
    let engine = Engine::new(
        plan.clone(),
        Options {
            release: request.release.name().to_owned(),
            namespace: request.release.spec.namespace.clone(),
            command: request.command.clone(),
            run: Some(run_number),
            cluster: server.cluster.clone(),
            deadline: request.deadline,
            probe: request.probe,
            probe_unchanged: false,
        },
    );
    let mut fold = RunFold::default();
    let places = Places::new(&plan, &request.objects);
    let mut both = |stamped: &Stamped| {
        let stamped = places.add_to(stamped);
        fold.take(&stamped);
        sink(&stamped);
    };
    for finding in findings.iter() {
        both(&Stamped { at_ms: 0, event: Event::Note { finding: finding.clone() } });
    }
    let lock = Box::pin(held.keep(move || clock.now().wall));
    let ended = drive(
        engine,
        Run {
            client: client.clone(),
            resources: &server.resources,
            cache: survey.cache,
            wishes: &wishes,
            versions: survey.versions,
            clock,
            sink: &mut both,
            signals,
            lock,
        },
    )
    .await;
    let wrote = fold.wrote > 0;
    if (wrote || ended.outcome != RunOutcome::Verified) && ended.outcome != RunOutcome::LockLost {
        stored.record.inventory = inventory(&plan, &stored.record.inventory, ended.outcome);
        stored.record.push(fold.into_record(run_number, request, ended.outcome, clock.now().elapsed));
        store::save(client, &request.release.spec.namespace, request.release.name(), &stored).await?;
    }
    Ok(Deployed { verdict: Verdict::Run(ended.outcome), plan, findings })
}

/// What the release owns after a run. A run that did not finish owns what it meant to as well as what it had: nothing
/// that may exist is forgotten.
fn inventory(
    plan: &Plan,
    before: &[lucid_release::InventoryEntry],
    outcome: RunOutcome,
) -> Vec<lucid_release::InventoryEntry> {
    let mut inventory = plan.inventory.clone();
    if outcome != RunOutcome::Verified {
        inventory.extend(before.iter().cloned());
        inventory.sort();
        inventory.dedup_by(|a, b| a.object == b.object);
    }
    inventory
}

/// What the record keeps of a run's events.
#[derive(Default)]
struct RunFold {
    components: std::collections::BTreeMap<String, (String, usize)>,
    findings: Vec<Finding>,
    wrote: usize,
}

impl RunFold {
    fn take(&mut self, stamped: &Stamped) {
        let mut result = |component: &str, result: &str| {
            if component != SHARED {
                result.clone_into(&mut self.components.entry(component.to_owned()).or_default().0);
            }
        };
        match &stamped.event {
            Event::Ready { component } => result(component, "ready"),
            Event::Verified { component, .. } => result(component, "verified"),
            Event::Skipped { component, .. } => result(component, "skipped"),
            Event::Failed { component, findings } => {
                result(component, "failed");
                self.findings.extend(findings.iter().cloned());
            }
            Event::Applied { component, .. } => {
                self.wrote += 1;
                self.components.entry(component.clone()).or_default().1 += 1;
            }
            _ => {}
        }
    }

    fn into_record(self, run: u64, request: &Request<'_>, outcome: RunOutcome, took: Duration) -> RunRecord {
        let is_partial = request.selection != Selection::All;
        RunRecord {
            run,
            command: request.command.clone(),
            outcome: match outcome {
                RunOutcome::Verified if is_partial => Outcome::Partial,
                RunOutcome::Verified => Outcome::Verified,
                RunOutcome::Failed | RunOutcome::DeadlinePassed => Outcome::Failed,
                RunOutcome::Interrupted | RunOutcome::Terminated | RunOutcome::LockLost => Outcome::Abandoned,
            },
            started_at: format!("{:.0}", request.wall),
            took: Span(took),
            by: request.identity.who.clone(),
            components: self
                .components
                .into_iter()
                .map(|(name, (result, changed))| ComponentOutcome { name, result, changed })
                .collect(),
            findings: self.findings,
        }
    }
}

/// Number of operations of each kind, for summaries.
pub fn count(plan: &Plan) -> (usize, usize, usize, usize) {
    let of =
        |action: &Action| plan.lanes.iter().flat_map(|lane| &lane.operations).filter(|op| &op.action == action).count();
    (of(&Action::Create), of(&Action::Update), plan.prune.len(), of(&Action::Unchanged))
}

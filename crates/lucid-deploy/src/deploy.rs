//! A whole run, from looking at the cluster to the record of what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use lucid_client::{ApiClient, Error};
use lucid_engine::{RunOutcome, Signal};
use lucid_object::{Finding, Findings, ObjectRef, ObjectSet};
use lucid_plan::pins::Pinned;
use lucid_plan::{Action, FieldChange, Manager, Plan, Selection, managers, scope};
use lucid_release::ReleaseFile;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::cache::Cache;
use crate::checks;
use crate::clock::Clock;
use crate::drive::Sink;
use crate::emergency;
use crate::evidence::Cleaner;
use crate::fence;
use crate::lease::{Held, Identity};
use crate::prepare::{Planned, make_plan, plan_again, plan_and_lock, plan_blind, try_on_server};
use crate::replace;
use crate::revisions::FreshKey;
use crate::run::{Site, under_lock};
use crate::store;
use crate::survey::{self, Server};

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
    /// What happens when a component fails.
    pub on_failure: OnFail,
    /// The run leads back to what a revision contained.
    pub way_back: Option<WayBack>,
    /// Knows the Secret values that must not stand in the evidence of a failure.
    pub cleaner: &'a dyn Cleaner,
    /// Workloads are deleted by force before they are made again.
    pub emergency: bool,
    /// Objects, as `Kind/name`, that may be deleted and made anew where they cannot be changed.
    pub may_replace: Vec<String>,
    /// How long the release is watched after it was verified, before the run counts as good.
    pub bake: Duration,
    /// Says why the plan may not be run.
    pub only_if: Option<&'a OnlyIf<'a>>,
    /// Looks for the images of what would change, beside the other checks.
    pub images: Option<&'a dyn ImageCheck>,
    /// The overlay or folder that the manifests were rendered from.
    pub source: String,
    /// As the user typed it, for the record and for whoever finds the lock taken.
    pub command: String,
    pub identity: Identity,
    /// The key of the release's content hashes, should it have none yet.
    pub fresh_key: FreshKey,
    /// What the calendar says when the run begins.
    pub wall: Timestamp,
}

/// A reason not to run a plan.
pub type OnlyIf<'a> = dyn Fn(&Plan) -> Option<Finding> + Sync + 'a;

/// Asks whether the images of these objects are there. Bounded in time by itself; errors refuse the run.
pub trait ImageCheck: Sync {
    fn check<'a>(&'a self, objects: &'a ObjectSet) -> BoxFuture<'a, ImagesFound>;
}

/// What registries said.
#[derive(Debug, Default)]
pub struct ImagesFound {
    pub findings: Vec<Finding>,
    /// Images by their tags, as manifests have them → the same with the digest that was found.
    pub digests: BTreeMap<String, Pinned>,
}

/// What a failed run does before it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFail {
    /// Leaves everything as it is.
    Stop,
    /// Brings the revision in service back. A first install stops.
    Rollback,
    /// As `Rollback`; and a first install takes away what it has created, volumes excepted.
    Remove,
}

/// Where a rollback leads, and what the record was when that was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WayBack {
    pub to: u64,
    /// Number of the newest run then; another one since makes the decision void.
    pub run: u64,
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
    /// What came of bringing the old revision back, after a failure.
    pub rollback: Option<Rollback>,
    /// What a dry run on the server has shown.
    pub preview: Preview,
    /// The revision that the run led to; none when nothing had to be kept.
    pub revision: Option<u64>,
}

/// The fields that would change, as the server sees it.
#[derive(Debug, Default)]
pub struct Preview {
    /// Of objects that exist already.
    pub changes: BTreeMap<ObjectRef, Vec<FieldChange>>,
    /// Objects that the server could not try yet.
    pub untried: BTreeSet<ObjectRef>,
    /// Who else writes to objects that would be touched.
    pub managers: BTreeMap<ObjectRef, Vec<Manager>>,
}

/// An automatic rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollback {
    /// The revision that was brought back; `None` when a first install was taken away.
    pub to: Option<u64>,
    pub outcome: RunOutcome,
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
    /// Something was deleted and does not go.
    Stuck(Findings),
    /// It does not answer, or does not know us.
    Unreachable(Error),
    /// A signal came before the first change.
    Stopped(Signal),
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
    let mut server = survey::ask_server(client).await?;
    // What stands in objects was written by the server's clock; ours may be wrong.
    request.wall = client.server_time().unwrap_or(request.wall);
    let clock = Clock::start(request.wall);
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
    // Nothing is written yet but perhaps the Lease, which a run that is gone does not hold.
    let (planned, mut held) = tokio::select! {
        biased;
        Some(signal) = signals.recv() => return Err(Refusal::Stopped(signal)),
        result = plan_and_lock(client, &request, &server, findings, clock) => result?,
    };
    let objects = &request.objects;
    let site = Site { client, request: &request, objects, server: &server, clock, is_repeated: false };
    let result = take_turns(&site, planned, &mut held, sink, signals).await;
    if !matches!(&result, Ok(Deployed { verdict: Verdict::Run(RunOutcome::LockLost), .. })) {
        held.give_back().await;
    }
    result
}

/// How often what late writes have changed is put right.
const TURNS: usize = 4;

/// Runs the plan; after a run that died, until nothing that it had sent shows any more.
async fn take_turns(
    site: &Site<'_>,
    mut planned: Planned,
    held: &mut Held,
    sink: Sink<'_>,
    signals: &mut mpsc::UnboundedReceiver<Signal>,
) -> Result<Deployed, Refusal> {
    let Site { client, request, server, .. } = *site;
    let is_heir = held.took_over || planned.stored.record.journal.is_some();
    if is_heir {
        let owned = planned.stored.record.may_own();
        fence::raise(client, server, &planned.survey, &owned, held.epoch).await?;
        store::fence(client, &request.release.spec.namespace, request.release.name(), held.epoch).await?;
        planned = make_plan(client, request, server, Some(held.epoch), planned.findings).await?;
    }
    if request.emergency {
        let (epoch, wall) = (held.epoch, site.clock);
        planned = tokio::select! {
            biased;
            planned = emergency::clear(client, request, server, planned, epoch) => planned?,
            // Deleting may take longer than a Lease that is not renewed is believed.
            holder = held.keep(move || wall.now().wall) => {
                let finding = Finding::error(9001, format!("the release's Lease was taken over by {holder}"));
                return Err(finding.help("look at `lucid history`; nothing more was sent").into());
            }
        };
    }
    let findings = planned.findings.clone();
    let mut first: Option<Deployed> = None;
    for turn in 0..TURNS {
        let site = &Site { is_repeated: turn > 0, ..*site };
        let given_back = planned.plan.given_back.clone();
        // Nothing is done when a late write of the run before has changed the record meanwhile.
        let deployed = under_lock(site, planned, held, sink, signals).await?;
        let is_verified =
            deployed.as_ref().is_none_or(|deployed| deployed.verdict == Verdict::Run(RunOutcome::Verified));
        let moved = deployed.is_none();
        // What the first turn did is what the run did; the others only put it right.
        first = match (first, deployed) {
            (Some(first), Some(later)) => Some(Deployed { verdict: later.verdict, revision: later.revision, ..first }),
            (first, later) => first.or(later),
        };
        // An autoscaler that leaves may set its workload's number once more before it is gone.
        if !(moved || is_verified && (is_heir || !given_back.is_empty())) {
            break;
        }
        planned = plan_again(client, request, server, held.epoch, &given_back, findings.clone()).await?;
        let changes = planned.plan.lanes.iter().any(|lane| lane.changes() > 0) || !planned.plan.prune.is_empty();
        if !moved && !changes {
            break;
        }
    }
    first.ok_or_else(|| {
        let finding = Finding::error(9017, "the release's record is changed by somebody else again and again");
        finding.help("look at `lucid history`, and run the command again").into()
    })
}

async fn dry_run(
    client: &ApiClient,
    request: &Request<'_>,
    server: &Server,
    findings: Findings,
) -> Result<Deployed, Refusal> {
    let planned = make_plan(client, request, server, None, findings).await?;
    let mut findings = planned.findings;
    let mut preview = Preview::default();
    if request.dry_run == DryRun::Server {
        let cache = &planned.survey.cache;
        let tried = try_on_server(client, server, &planned.plan, cache).await?;
        findings.extend(tried.findings);
        if findings.has_errors() {
            return Err(Refusal::Cluster(findings));
        }
        let change = |(object, becomes): (ObjectRef, Value)| {
            let live = cache.find(&object)?;
            let fields = replace::fields(&object, &live, &becomes);
            Some((object, fields))
        };
        preview = Preview {
            changes: tried.becomes.into_iter().filter_map(change).collect(),
            untried: tried.untried,
            managers: other_managers(&planned.plan, cache),
        };
    }
    Ok(Deployed { verdict: Verdict::DryRun, plan: planned.plan, findings, rollback: None, revision: None, preview })
}

fn other_managers(plan: &Plan, cache: &Cache) -> BTreeMap<ObjectRef, Vec<Manager>> {
    let operations = plan.lanes.iter().flat_map(|lane| &lane.operations).chain(&plan.prune);
    let touched = operations.filter(|operation| operation.action != Action::Unchanged);
    let others = touched
        .filter_map(|operation| Some((operation.object.clone(), managers::others(&*cache.find(&operation.object)?))));
    others.filter(|(_, others)| !others.is_empty()).collect()
}

/// Number of operations of each kind, for summaries; a replacement is an update.
pub fn count(plan: &Plan) -> (usize, usize, usize, usize) {
    let of =
        |action: &Action| plan.lanes.iter().flat_map(|lane| &lane.operations).filter(|op| &op.action == action).count();
    let operations = plan.lanes.iter().flat_map(|lane| &lane.operations);
    let replaced = operations.filter(|operation| matches!(operation.action, Action::Replace { .. })).count();
    (of(&Action::Create), of(&Action::Update) + replaced, plan.prune.len(), of(&Action::Unchanged))
}

//! What happens under the lock: the revision is kept, the engine driven, what came of it written down, and after a
//! failure what served before is brought back.

use std::collections::BTreeSet;

use lucid_client::ApiClient;
use lucid_engine::{Engine, Event, Options, RunOutcome, Signal, Stamped};
use lucid_object::{Findings, Gvk, Object, ObjectSet};
use lucid_plan::{Action, Input, Operation, Plan, Selection, build, order};
use lucid_release::Content;
use tokio::sync::mpsc;

use crate::book::{self, Book, RunFold};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::deploy::{Deployed, OnFail, Refusal, Request, Rollback, Verdict};
use crate::drive::{self, Run, Sink};
use crate::evidence;
use crate::lease::Held;
use crate::locate::Places;
use crate::prepare::Planned;
use crate::replace;
use crate::revisions::Shelf;
use crate::survey::{self, Server, Survey, Wish};

/// Where and for what a run happens.
pub(crate) struct Site<'a> {
    pub(crate) client: &'a ApiClient,
    pub(crate) request: &'a Request<'a>,
    /// What is sent: those of the request, or the same with the digests of their images.
    pub(crate) objects: &'a ObjectSet,
    pub(crate) server: &'a Server,
    pub(crate) clock: Clock,
    /// The same run has been here before, and puts right what others have changed meanwhile.
    pub(crate) is_repeated: bool,
}

type Signals<'a> = &'a mut mpsc::UnboundedReceiver<Signal>;

/// Runs the plan. `None`: the record has been changed since it was read, and nothing was done.
pub(crate) async fn under_lock(
    site: &Site<'_>,
    planned: Planned,
    held: &mut Held,
    sink: Sink<'_>,
    signals: Signals<'_>,
) -> Result<Option<Deployed>, Refusal> {
    let Planned { plan, survey, wishes, stored, findings, pinned } = planned;
    let site = &Site { objects: pinned.as_ref().unwrap_or(site.objects), ..*site };
    let release = site.request.release;
    let shelf = Shelf { client: site.client, namespace: &release.spec.namespace, release: release.name() };
    let served_before = stored.record.in_service;
    let mut book = Book::open(shelf, stored, held.since);
    if !book.begin(site, &plan, held.epoch).await? {
        return Ok(None);
    }
    let mut fold = RunFold::default();
    let places = Places::new(&plan, site.objects);
    let mut both = |stamped: &Stamped| {
        let stamped = places.add_to(stamped);
        fold.take(&stamped);
        sink(&stamped);
    };
    for finding in findings.iter() {
        both(&Stamped { at_ms: 0, event: Event::Note { finding: finding.clone() } });
    }
    let is_back = site.request.way_back.is_some();
    let tour =
        Tour { plan: &plan, command: site.request.command.clone(), run: book.run, is_back, tolerated: BTreeSet::new() };
    let drive::Ended { outcome, cache, is_unsettled } =
        tour.drive(site, Scenery { survey, wishes: &wishes }, held, &mut both, signals).await;
    if matches!(outcome, RunOutcome::Failed | RunOutcome::DeadlinePassed) {
        freeze(site, &book, &plan, &cache, &fold, served_before).await;
    }
    let mut rollback = None;
    if is_reason_to_go_back(outcome, &fold) {
        let went = go_back(site, &book, &plan, &fold, served_before, held, sink, signals).await;
        rollback = went.or_else(|refusal| no_way_back(refusal, served_before, sink).map(Some))?;
    }
    if outcome != RunOutcome::LockLost {
        let took = site.clock.now().elapsed;
        let plan = &rollback.as_ref().and_then(|back| back.plan.clone()).unwrap_or_else(|| plan.clone());
        let rollback = rollback.as_ref().map(|back| back.result);
        book.end(site, plan, book::Ended { fold, outcome, rollback, took, is_unsettled }).await?;
    }
    let (revision, rollback) = (book.revision, rollback.map(|back| back.result));
    let verdict = Verdict::Run(outcome);
    Ok(Some(Deployed { verdict, plan, findings, rollback, revision, preview: Default::default() }))
}

/// Keeps what is seen of the failure. It explains, so not being able to keep it stops nothing.
async fn freeze(
    site: &Site<'_>,
    book: &Book<'_>,
    plan: &Plan,
    cache: &Cache,
    fold: &RunFold,
    served_before: Option<u64>,
) {
    let failed = fold.findings_by_component();
    let components = evidence::collect(site.client, plan, cache, &failed, site.request.cleaner).await;
    let served = match served_before {
        Some(number) => book.shelf.load(number).await.ok(),
        None => None,
    };
    let new = Content { release: Some(site.request.release.clone()), objects: site.objects.clone() };
    let changes = served.map(|old| evidence::changes(&old, &new, &failed, site.request.cleaner)).unwrap_or_default();
    let evidence = evidence::whole(book.run, &site.request.command, components, changes);
    if let Err(error) = book.shelf.keep_evidence(&evidence).await {
        tracing::warn!(%error, "the evidence of the failure could not be kept");
    }
}

/// The run has changed something, and something is broken that was not broken before.
fn is_reason_to_go_back(outcome: RunOutcome, fold: &RunFold) -> bool {
    matches!(outcome, RunOutcome::Failed | RunOutcome::DeadlinePassed)
        && fold.wrote > 0
        && fold.failed.values().any(|before| !before)
}

/// The way back may not be gone: that is told, and is a failure of it like any other. When nobody answers, nobody knows.
fn no_way_back(refusal: Refusal, to: Option<u64>, sink: Sink<'_>) -> Result<Back, Refusal> {
    let findings = match refusal {
        Refusal::Manifests(findings) | Refusal::Cluster(findings) | Refusal::Stuck(findings) => findings,
        refusal @ (Refusal::Unreachable(_) | Refusal::Stopped(_)) => return Err(refusal),
    };
    for finding in findings.iter() {
        sink(&Stamped { at_ms: 0, event: Event::Note { finding: finding.clone() } });
    }
    Ok(Back { result: Rollback { to, outcome: RunOutcome::Failed }, plan: None })
}

/// One engine from start to end.
struct Tour<'a> {
    plan: &'a Plan,
    command: String,
    run: u64,
    is_back: bool,
    tolerated: BTreeSet<String>,
}

/// What is known of the cluster, and what goes on being watched.
struct Scenery<'a> {
    survey: Survey,
    wishes: &'a [Wish],
}

impl Tour<'_> {
    async fn drive(
        self,
        site: &Site<'_>,
        scenery: Scenery<'_>,
        held: &mut Held,
        sink: Sink<'_>,
        signals: Signals<'_>,
    ) -> drive::Ended {
        let release = site.request.release;
        let clock = if self.is_back { Clock::start(site.clock.now().wall) } else { site.clock };
        let options = Options {
            release: release.name().to_owned(),
            namespace: release.spec.namespace.clone(),
            command: self.command,
            run: Some(self.run),
            cluster: site.server.cluster.clone(),
            deadline: site.request.deadline,
            probe: site.request.probe,
            probe_unchanged: false,
            unstick: self.is_back,
            tolerated: self.tolerated,
            bake: if self.is_back { std::time::Duration::ZERO } else { site.request.bake },
        };
        let ended = drive::drive(
            Engine::new(self.plan.clone(), options),
            Run {
                client: site.client.clone(),
                resources: &site.server.resources,
                cache: scenery.survey.cache,
                wishes: scenery.wishes,
                versions: scenery.survey.versions,
                clock,
                sink,
                signals,
                epoch: held.epoch,
                lock: Box::pin(held.keep(move || clock.now().wall)),
            },
        );
        ended.await
    }
}

/// A way back that was gone.
struct Back {
    result: Rollback,
    /// The plan that now says what the release owns; absent when the way was not gone to its end.
    plan: Option<Plan>,
}

/// Brings the revision back that was in service, or takes away what a first install has made.
#[expect(clippy::too_many_arguments, reason = "the parts of one run, used once")]
async fn go_back(
    site: &Site<'_>,
    book: &Book<'_>,
    failed: &Plan,
    fold: &RunFold,
    served_before: Option<u64>,
    held: &mut Held,
    sink: Sink<'_>,
    signals: Signals<'_>,
) -> Result<Option<Back>, Refusal> {
    let to = match (site.request.on_failure, served_before) {
        (OnFail::Stop, _) | (OnFail::Rollback, None) => return Ok(None),
        (_, to) => to,
    };
    let because: Vec<String> = fold.failed.keys().cloned().collect();
    let at_ms = u64::try_from(site.clock.now().elapsed.as_millis()).unwrap_or(u64::MAX);
    sink(&Stamped { at_ms, event: Event::RollingBack { to, because } });
    let tolerated = fold.failed.iter().filter(|(_, before)| **before).map(|(name, _)| name.clone()).collect();
    let (plan, scenery, wishes) = match to {
        Some(number) => plan_back(site, book, number, failed, held.epoch).await?,
        None => plan_removal(site, failed).await?,
    };
    let command = match to {
        Some(number) => format!("rollback to revision {number}"),
        None => "remove what the first install has created".to_owned(),
    };
    let tour = Tour { plan: &plan, command, run: book.run, is_back: true, tolerated };
    let outcome = tour.drive(site, Scenery { survey: scenery, wishes: &wishes }, held, sink, signals).await.outcome;
    let plan = (outcome == RunOutcome::Verified).then_some(plan);
    Ok(Some(Back { result: Rollback { to, outcome }, plan }))
}

type Back3 = (Plan, Survey, Vec<Wish>);

async fn plan_back(site: &Site<'_>, book: &Book<'_>, number: u64, failed: &Plan, epoch: u64) -> Result<Back3, Refusal> {
    let content = book.shelf.load(number).await?;
    let release = content.release.as_ref().unwrap_or(site.request.release);
    let inventory = book.stored.record.may_own();
    let wishes = survey::wishes(&content.objects, &inventory, &site.server.resources);
    let mut survey = survey::look(site.client, &wishes).await?;
    let secrets = content.objects.iter().filter(|object| object.kind() == "Secret").map(Object::reference);
    survey::read_whole(site.client, &mut survey.cache, &secrets.collect::<Vec<_>>()).await?;
    let mut plan = build(&Input {
        release,
        objects: &content.objects,
        resources: &site.server.resources,
        live: &|reference| survey.cache.find(reference),
        inventory: &inventory,
        selection: Selection::All,
        epoch: Some(epoch),
        take_ownership: true,
        restart_readers: true,
        given_back: &BTreeSet::new(),
    })
    .map_err(Refusal::Cluster)?;
    let may = replace::may_go_back(failed, &site.request.may_replace);
    let refused = replace::find(site.client, site.server, &mut plan, &survey.cache, &may).await?;
    if !refused.is_empty() {
        return Err(Refusal::Cluster(Findings(refused)));
    }
    replace::prune_left_behind(&mut plan, &inventory, &survey.cache);
    Ok((plan, survey, wishes))
}

/// Everything that the failed plan has created, users before what they use; what holds data stays.
async fn plan_removal(site: &Site<'_>, failed: &Plan) -> Result<Back3, Refusal> {
    let made = book::created(failed);
    let wishes = survey::wishes(site.objects, &made, &site.server.resources);
    let survey = survey::look(site.client, &wishes).await?;
    let delete = |entry: &lucid_release::InventoryEntry| {
        let uid = survey.cache.find(&entry.object)?.pointer("/metadata/uid")?.as_str()?.to_owned();
        let gvk = Gvk::new(entry.object.group.clone(), entry.version.clone(), entry.object.kind.clone());
        let object = entry.object.clone();
        Some(Operation { object, gvk, action: Action::Delete { uid }, requests: Vec::new(), is_watched: false })
    };
    let mut prune: Vec<Operation> =
        made.iter().filter(|entry| !order::holds_data(&entry.object)).filter_map(delete).collect();
    prune.sort_by_key(|operation| std::cmp::Reverse(order::rank(&operation.object.group, &operation.object.kind)));
    let kept = |entry: &&lucid_release::InventoryEntry| order::holds_data(&entry.object);
    let inventory = made.iter().filter(kept).cloned().collect();
    Ok((Plan { prune, inventory, ..Plan::default() }, survey, wishes))
}

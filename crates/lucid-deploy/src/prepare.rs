//! What comes before the first write: the plan, everything that speaks against it, and the lock.

use futures::StreamExt as _;
use jiff::Timestamp;
use lucid_client::{ApiClient, Apply, Error, Target};
use lucid_object::{Finding, Findings, Object, ObjectRef, ObjectSet};
use lucid_plan::intent::Marks;
use lucid_plan::{Action, Input, Lane, Operation, Plan, build, managers, pins};
use lucid_release::InventoryEntry;
use lucid_release::names::FIELD_MANAGER;
use lucid_status::{Since, Status, readiness};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

use crate::cache::Cache;
use crate::checks;
use crate::clock::Clock;
use crate::deploy::{ImagesFound, Refusal, Request};
use crate::drive::explain;
use crate::foresight::foreseen;
use crate::lease::{self, Held, NotHeld};
use crate::replace;
use crate::schema;
use crate::store::{self, Stored};
use crate::survey::{self, Server, Survey, Wish};

/// Plans first, so that a refusal has written nothing, and then takes the lock as it was before the planning began: had
/// anyone else deployed meanwhile, the Lease would have another version, and we plan anew.
pub(crate) async fn plan_and_lock(
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

pub(crate) fn plan_blind(request: &Request<'_>, server: &Server) -> Result<(), Findings> {
    build(&Input {
        release: request.release,
        objects: &request.objects,
        resources: &server.resources,
        live: &|_| None,
        inventory: &[],
        selection: request.selection.clone(),
        epoch: None,
        take_ownership: true,
        restart_readers: false,
        given_back: &BTreeSet::new(),
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
    // What else it is to say comes with the plan. A create that arrives late changes nothing.
    let bare = Object::new(serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    let marks = Marks { release: request.release.name(), namespace: name };
    store::write(client, &target, name, &marks.put_on(&bare, None), true).await.map(drop).map_err(Refusal::from)
}

/// A look at the cluster and the plan that follows from it.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) survey: Survey,
    pub(crate) wishes: Vec<Wish>,
    pub(crate) stored: Stored,
    pub(crate) findings: Findings,
    /// What is sent, where tags in the manifests were resolved; none: the manifests as they are.
    pub(crate) pinned: Option<ObjectSet>,
}

pub(crate) async fn make_plan(
    client: &ApiClient,
    request: &Request<'_>,
    server: &Server,
    epoch: Option<u64>,
    findings: Findings,
) -> Result<Planned, Refusal> {
    let (namespace, name) = (&request.release.spec.namespace, request.release.name());
    let stored = store::load(client, namespace, name).await?;
    if request.way_back.is_some_and(|back| back.run != stored.record.run) {
        let finding = Finding::error(9017, "another run has changed the release since the way back was chosen");
        return Err(finding.help("look at `lucid history`, and run the rollback again").into());
    }
    plan_from(client, request, server, Occasion::First(epoch), stored, findings).await
}

/// When a plan is made.
enum Occasion<'a> {
    /// Before anything is sent; with the epoch of the run, when there is one.
    First(Option<u64>),
    /// In the middle of a run, after the autoscalers of these workloads have left.
    Again(u64, &'a BTreeSet<ObjectRef>),
}

/// As [`make_plan`], in the middle of a run: the record has changed since a way back was chosen, by this very run, and
/// what was planned at first has been done.
pub(crate) async fn plan_again(
    client: &ApiClient,
    request: &Request<'_>,
    server: &Server,
    epoch: u64,
    given_back: &BTreeSet<ObjectRef>,
    findings: Findings,
) -> Result<Planned, Refusal> {
    let stored = store::load(client, &request.release.spec.namespace, request.release.name()).await?;
    plan_from(client, request, server, Occasion::Again(epoch, given_back), stored, findings).await
}

async fn plan_from(
    client: &ApiClient,
    request: &Request<'_>,
    server: &Server,
    occasion: Occasion<'_>,
    stored: Stored,
    mut findings: Findings,
) -> Result<Planned, Refusal> {
    let nothing = BTreeSet::new();
    let (epoch, given_back, only_if) = match occasion {
        Occasion::First(epoch) => (epoch, &nothing, request.only_if),
        Occasion::Again(epoch, given_back) => (Some(epoch), given_back, None),
    };
    let inventory = stored.record.may_own();
    let wishes = survey::wishes(&request.objects, &inventory, &server.resources);
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
    let draft = Draft { client, request, server, cache: &survey.cache, inventory: &inventory, epoch, given_back };
    let live = |reference: &ObjectRef| survey.cache.find(reference);
    let mut pinned = pins::keep(&request.objects, &live);
    let objects = pinned.as_ref().unwrap_or(&request.objects);
    let (mut plan, mut replaced) = draft.plan(objects).await?;
    let (against, digests) = precondition(client, request, server, objects, &plan, &survey.cache).await?;
    if let Some(resolved) = pins::pin(objects, &live, &digests) {
        (plan, replaced) = draft.plan(&resolved).await?;
        pinned = Some(resolved);
    }
    if let Some(finding) = only_if.and_then(|why_not| why_not(&plan)) {
        return Err(finding.into());
    }
    findings.extend(replaced);
    findings.extend(plan.findings.clone());
    findings.extend(against);
    if findings.has_errors() {
        return Err(Refusal::Cluster(findings));
    }
    Ok(Planned { plan, survey, wishes, stored, findings, pinned })
}

/// All that a plan follows from, but the objects.
struct Draft<'a> {
    client: &'a ApiClient,
    request: &'a Request<'a>,
    server: &'a Server,
    cache: &'a Cache,
    inventory: &'a [InventoryEntry],
    epoch: Option<u64>,
    given_back: &'a BTreeSet<ObjectRef>,
}

impl Draft<'_> {
    /// The plan, and what is to be said of the objects that must be made anew.
    async fn plan(&self, objects: &ObjectSet) -> Result<(Plan, Vec<Finding>), Refusal> {
        let Self { client, request, server, cache, inventory, .. } = *self;
        let mut plan = build(&Input {
            release: request.release,
            objects,
            resources: &server.resources,
            live: &|reference| cache.find(reference),
            inventory,
            selection: request.selection.clone(),
            epoch: self.epoch,
            take_ownership: request.take_ownership,
            restart_readers: request.way_back.is_some(),
            given_back: self.given_back,
        })
        .map_err(Refusal::Cluster)?;
        let replaced = replace::find(client, server, &mut plan, cache, &request.may_replace).await?;
        replace::prune_left_behind(&mut plan, inventory, cache);
        Ok((plan, replaced))
    }
}

/// Everything about the cluster that speaks against this plan; and the digests of the images of what changes.
async fn precondition(
    client: &ApiClient,
    request: &Request<'_>,
    server: &Server,
    objects: &ObjectSet,
    plan: &Plan,
    cache: &Cache,
) -> Result<(Vec<Finding>, BTreeMap<String, pins::Pinned>), Refusal> {
    let mut findings: Vec<Finding> =
        plan.preconditions.iter().filter_map(|lane| not_ready(lane, cache, request.wall)).collect();
    if plan.lanes.iter().all(|lane| lane.changes() == 0) && plan.prune.is_empty() {
        return Ok((findings, BTreeMap::new()));
    }
    let marks = Marks { release: request.release.name(), namespace: &request.release.spec.namespace };
    let touched = changed_objects(objects, plan);
    let (permissions, references, room, foreseen, images) = tokio::join!(
        checks::permissions(client, plan, server),
        checks::missing_references(client, &touched, cache),
        checks::room(client, &touched, &marks),
        foreseen(client, &touched, &server.resources, cache, request.wall),
        look_for_images(request, &touched)
    );
    for more in [permissions, references, room, foreseen] {
        findings.extend(more?);
    }
    findings.extend(images.findings);
    Ok((findings, images.digests))
}

/// Only of what changes: the images of the rest have been pulled.
async fn look_for_images(request: &Request<'_>, touched: &ObjectSet) -> ImagesFound {
    match request.images {
        Some(images) => images.check(touched).await,
        None => ImagesFound::default(),
    }
}

/// The objects of lanes that change something, so that one component can be deployed although another is broken.
fn changed_objects(objects: &ObjectSet, plan: &Plan) -> ObjectSet {
    let changing = plan.lanes.iter().filter(|lane| lane.changes() > 0);
    let touched: std::collections::BTreeSet<&ObjectRef> =
        changing.flat_map(|lane| &lane.operations).map(|operation| &operation.object).collect();
    objects
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

/// What came of trying every change on the server, which keeps none.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    pub(crate) findings: Vec<Finding>,
    /// What would become of each object that would be written.
    pub(crate) becomes: BTreeMap<ObjectRef, Value>,
    /// Objects whose namespace, kind or role comes with this release.
    pub(crate) untried: BTreeSet<ObjectRef>,
}

/// Most changes that are tried at once.
pub(crate) const TRIED_AT_ONCE: usize = 16;

/// Sends every change with `dryRun=All`. What cannot be tried yet, because its namespace or kind comes with this
/// release, is said.
pub(crate) async fn try_on_server(
    client: &ApiClient,
    server: &Server,
    plan: &Plan,
    cache: &Cache,
) -> Result<Tried, Refusal> {
    let operations = plan.lanes.iter().flat_map(|lane| &lane.operations);
    let own = |operation: &'_ Operation| {
        let index = operation.requests.iter().position(|request| request.manager == FIELD_MANAGER);
        index.or_else(|| operation.requests.len().checked_sub(1))
    };
    let coming = coming(plan);
    let changes = operations.filter_map(|operation| Some((operation, &operation.requests[own(operation)?])));
    let attempts = futures::stream::iter(changes.map(|(operation, request)| async {
        match operation.object.namespace.as_ref().is_some_and(|name| coming.contains(name.as_str())) {
            true => (operation.object.clone(), Attempt::NotPossible),
            false => replace::attempt(client, server, operation, request).await,
        }
    }));
    let results: Vec<_> = attempts.buffered(TRIED_AT_ONCE).collect().await;
    let mut tried = Tried::default();
    for (object, result) in results {
        match result {
            Attempt::Taken { becomes, warnings } => {
                let warn = |warning: String| Finding::warning(9015, warning).on(object.clone());
                tried.findings.extend(warnings.into_iter().map(warn));
                tried.becomes.insert(object, becomes);
            }
            Attempt::NotPossible => {
                let message = format!("{object} was not tried by the server: what it needs comes with this release");
                tried.findings.push(Finding::advice(9016, message).on(object.clone()));
                tried.untried.insert(object);
            }
            Attempt::Refused(error) if error.is_unreachable() => return Err(error.into()),
            Attempt::Refused(error) => {
                let finding = explain(&error, &object).finding;
                tried.findings.push(match cache.find(&object) {
                    Some(live) => managers::date(finding, &live),
                    None => finding,
                });
            }
        }
    }
    tried.findings.extend(schema::check(client, plan, &tried.untried).await?);
    Ok(tried)
}

/// The namespaces that the plan makes.
fn coming(plan: &Plan) -> BTreeSet<&str> {
    let operations = plan.lanes.iter().flat_map(|lane| &lane.operations);
    let made =
        operations.filter(|operation| operation.action == Action::Create && operation.object.kind == "Namespace");
    made.map(|operation| operation.object.name.as_str()).collect()
}

pub(crate) enum Attempt {
    Taken { becomes: Value, warnings: Vec<String> },
    NotPossible,
    Refused(Error),
}

pub(crate) async fn attempt(
    client: &ApiClient,
    server: &Server,
    operation: &Operation,
    request: &lucid_plan::Request,
) -> (ObjectRef, Attempt) {
    let object = operation.object.clone();
    let is_served = server.resources.is_served(&operation.gvk);
    let Some(resource) = server.resources.get(&operation.gvk).filter(|_| is_served) else {
        return (object, Attempt::NotPossible);
    };
    let target = Target::new(operation.gvk.clone(), resource.plural.clone(), object.namespace.as_deref());
    // What one request takes by force, the next one has; the server tries each alone.
    let force = operation.requests.iter().any(|request| request.force);
    let apply = Apply { manager: request.manager, body: &request.body, dry_run: true, force };
    let attempt = match client.apply(&target, &object.name, &apply).await {
        Ok(written) => Attempt::Taken { becomes: written.object, warnings: written.warnings },
        // Of a namespace that is not there; or a binding, which is looked at together with its role.
        Err(error) if error.is_not_found() => Attempt::NotPossible,
        Err(error) => Attempt::Refused(error),
    };
    (object, attempt)
}

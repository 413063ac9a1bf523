//! One look at everything that the health of a release depends on, and the report that follows from it.

mod closer;
mod look;
mod secrets;
mod served;
mod since;
mod volumes;

pub(crate) use secrets::tls_of;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use jiff::Timestamp;
use lucid_client::ApiClient;
use lucid_health::{Site, Whom, ask_all};
use lucid_object::{Finding, Findings, Gvk, ObjectRef, ObjectSet};
use lucid_plan::{Input, Lane, Plan, Selection, build, scope};
use lucid_release::ReleaseFile;
use lucid_status::Cluster;
use lucid_status::health::{Area, Coverage, Endpoint, Facts, HealthReport, Part, Sieve, Subject, fold};
use serde_json::Value;

use crate::cache::Cache;
use crate::deploy::Refusal;
use crate::doors;
use crate::drive::ready_pods;
use crate::evidence::Cleaner;
use crate::locate::Places;
use crate::survey;

/// What is wanted.
pub struct HealthRequest<'a> {
    pub release: &'a ReleaseFile,
    pub objects: ObjectSet,
    /// Only this component.
    pub only: Option<String>,
    pub skip: BTreeSet<Area>,
    /// Also what has changed since the release was last verified.
    pub since_healthy: bool,
    /// How long one question may take, to the API server or to an endpoint.
    pub patience: Duration,
    pub cleaner: &'a dyn Cleaner,
}

/// An endpoint is a question to a person's service: more than this is no health.
const ENDPOINT_PATIENCE: Duration = Duration::from_secs(5);

/// Looks once.
///
/// # Errors
/// When the cluster does not answer at all, or the manifests cannot be planned.
pub async fn health(
    client: &ApiClient,
    mut request: HealthRequest<'_>,
    now: impl Fn() -> Timestamp,
) -> Result<HealthReport, Refusal> {
    let began = Instant::now();
    let mut server = look::in_time(request.patience, "discover the cluster", survey::ask_server(client)).await?;
    server.resources.define(&request.objects);
    let misplaced = scope::place(&mut request.objects, &request.release.spec.namespace, &server.resources);
    if !misplaced.is_empty() {
        return Err(Refusal::Cluster(Findings(misplaced)));
    }
    let namespaces = namespaces(&request);
    let wishes = look::wishes(&request.objects, &namespaces, &server.resources, &request.skip);
    let last = if request.since_healthy { Some(since::last_healthy(client, &request).await) } else { None };
    let noting_since = last.as_ref().and_then(|last| Some(last.as_ref().ok()?.at));
    let has_metrics = server.resources.is_served(&Gvk::new("metrics.k8s.io", "v1beta1", "PodMetrics"));
    let sieve = Mutex::new(Sieve::new(noting_since, has_metrics));
    let (mut cache, mut coverage) = look::look(client, &wishes, request.patience, &sieve).await?;
    let mut further = look::of_webhooks(&cache, &coverage, &server.resources);
    further.extend(look::of_operators(&cache, &request.objects, &server.resources, now()));
    look::add(client, &further, request.patience, &sieve, &mut cache, &mut coverage).await;
    let changes = sieve.into_inner().unwrap_or_else(PoisonError::into_inner).changes;
    let plan = plan(&request, &server.resources)?;
    let certificates = secrets::certificates(client, &cache, &namespaces, &request).await;
    let ((served, unreached), volumes, told, subjects) = tokio::join!(
        served::served(&cache, &namespaces, &request),
        volumes::used(client, &cache, &namespaces, &request),
        closer::ask_all(client, &cache, &namespaces, request.patience, now()),
        subjects(client, &plan, &cache, &coverage, &request)
    );
    closer::keep(&mut cache, told);
    let places = Places::new(&plan, &request.objects);
    let mut report = fold(&Facts {
        release: request.release.name(),
        namespace: &request.release.spec.namespace,
        cluster_id: server.cluster.as_deref(),
        server_version: &server.version,
        subjects: &subjects,
        namespaces: &namespaces,
        cluster: &cache,
        coverage: &coverage,
        certificates: &certificates,
        served: &served,
        unreached: &unreached,
        volumes: &volumes,
        has_metrics,
        since: last.map(|last| last.map(|last| last.with(request.release.name(), changes))),
        skip: &request.skip,
        only: request.only.as_deref(),
        place: &|component: &str, finding: &mut Finding| places.place(component, finding),
        now: client.server_time().unwrap_or_else(&now),
        took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    report.clean(&|text| request.cleaner.clean(text));
    Ok(report)
}

fn namespaces(request: &HealthRequest<'_>) -> Vec<String> {
    let mut namespaces: BTreeSet<String> =
        request.objects.iter().filter_map(|object| object.namespace().map(str::to_owned)).collect();
    namespaces.insert(request.release.spec.namespace.clone());
    namespaces.into_iter().collect()
}

/// Only to know which object belongs to which component; nothing of it is carried out.
fn plan(request: &HealthRequest<'_>, resources: &lucid_plan::Resources) -> Result<Plan, Refusal> {
    build(&Input {
        release: request.release,
        objects: &request.objects,
        resources,
        // Whatever is there is judged later; none of it is a reason not to look.
        live: &|_| None,
        inventory: &[],
        selection: Selection::All,
        epoch: None,
        take_ownership: true,
        restart_readers: false,
        given_back: &BTreeSet::new(),
    })
    .map_err(Refusal::Manifests)
}

async fn subjects(
    client: &ApiClient,
    plan: &Plan,
    cache: &Cache,
    coverage: &Coverage,
    request: &HealthRequest<'_>,
) -> Vec<Subject> {
    let wanted =
        |lane: &&Lane| request.only.is_none() || request.only.as_deref() == Some(&lane.name) || lane.is_shared();
    let lanes: Vec<&Lane> = plan.lanes.iter().filter(wanted).collect();
    let asked = join_all(lanes.iter().map(|lane| endpoints(client, lane, cache, coverage, request))).await;
    let subject = |(lane, endpoints): (&Lane, Vec<Endpoint>)| Subject {
        name: lane.name.clone(),
        phase: lane.phase.clone(),
        is_shared: lane.is_shared(),
        parts: lane
            .operations
            .iter()
            .map(|operation| Part { object: operation.object.clone(), is_watched: operation.is_watched })
            .collect(),
        endpoints,
    };
    let (mut shared, mut own): (Vec<Subject>, Vec<Subject>) = (Vec::new(), Vec::new());
    for subject in lanes.into_iter().zip(asked).map(subject) {
        if subject.is_shared { shared.push(subject) } else { own.push(subject) }
    }
    // In the order in which people wrote them, phase by phase, and not in that of the graph.
    let spec = &request.release.spec;
    let place = |name: &str| spec.components.iter().position(|component| component.name == name);
    let phase =
        |name: &Option<String>| name.as_ref().and_then(|name| spec.phases.iter().position(|phase| phase == name));
    own.sort_by_key(|subject| (phase(&subject.phase), place(&subject.name)));
    // Each shared object is a lane of its own; for a reader they are one.
    let all_shared = Subject {
        name: lucid_release::names::SHARED.into(),
        is_shared: true,
        parts: shared.into_iter().flat_map(|subject| subject.parts).collect(),
        ..Subject::default()
    };
    own.push(all_shared);
    own
}

async fn endpoints(
    client: &ApiClient,
    lane: &Lane,
    cache: &Cache,
    coverage: &Coverage,
    request: &HealthRequest<'_>,
) -> Vec<Endpoint> {
    let workloads: Vec<ObjectRef> = lane.operations.iter().map(|operation| operation.object.clone()).collect();
    let pods = ready_pods(cache, &workloads);
    let is_probed = |pod: &&lucid_health::Pod| {
        let key = ObjectRef::new("", "Pod", Some(&pod.namespace), &pod.name);
        let containers = cache.get(&key).and_then(|pod| pod.pointer("/spec/containers")?.as_array());
        containers.into_iter().flatten().any(|container| container.get("readinessProbe").is_some_and(Value::is_object))
    };
    let homes: BTreeSet<&str> = workloads.iter().filter_map(|workload| workload.namespace.as_deref()).collect();
    let unseen = coverage.unseen.iter().find(|unseen| {
        unseen.group.is_empty()
            && unseen.kind == "Pod"
            && unseen.namespace.as_deref().is_some_and(|namespace| homes.contains(namespace))
    });
    let addresses = doors::addresses(cache, &workloads);
    let whom = Whom {
        component: &lane.name,
        site: Site { pods: &pods, addresses: &addresses },
        probed: pods.iter().filter(is_probed).count(),
        unseen: unseen.map(|unseen| unseen.reason.as_str()),
    };
    if request.skip.contains(&Area::Endpoints) {
        return Vec::new();
    }
    ask_all(client, whom, &lane.health, request.patience.min(ENDPOINT_PATIENCE)).await
}

//! One LIST a kind and namespace, each with its time, or with the reason why it could not be had.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use lucid_client::{ApiClient, Change, Error, ListKind, Result, Target};
use lucid_object::{Gvk, Object, ObjectSet};
use lucid_plan::Resources;
use lucid_status::health::{Area, Coverage, Look, SYSTEM, Scope, Sieve, Unseen};
use lucid_status::{Cluster, Since};
use serde_json::Value;

use crate::cache::Cache;

/// LISTs under way at the same time: each may be large.
const AT_ONCE: usize = 12;

/// Waits so long, and no longer.
///
/// # Errors
/// What went wrong, or that nothing came in time.
pub(super) async fn in_time<T>(patience: Duration, doing: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(patience, work).await {
        Ok(result) => result,
        Err(_) => Err(Error::Transport {
            doing: doing.to_owned(),
            cause: format!("no answer within {:.1} s", patience.as_secs_f64()),
        }),
    }
}

/// The kinds of the release, and those that health needs beside them, where the cluster serves them.
pub(super) fn wishes(
    objects: &ObjectSet,
    namespaces: &[String],
    resources: &Resources,
    skip: &BTreeSet<Area>,
) -> BTreeSet<Target> {
    let mut wanted: BTreeSet<(Gvk, Option<String>)> =
        objects.iter().map(|object| (object.gvk(), object.namespace().map(str::to_owned))).collect();
    for look in Look::ALL.iter().filter(|look| !skip.contains(&look.area)) {
        let gvk = Gvk::new(look.group, look.version, look.kind);
        match look.scope {
            Scope::Cluster => drop(wanted.insert((gvk, None))),
            Scope::System => drop(wanted.insert((gvk, Some(SYSTEM.to_owned())))),
            Scope::Namespaces => {
                wanted.extend(namespaces.iter().map(|namespace| (gvk.clone(), Some(namespace.clone()))))
            }
        }
    }
    let target = |(gvk, namespace): (Gvk, Option<String>)| {
        let plural = resources.get(&gvk)?.plural.clone();
        Some(Target::new(gvk, plural, namespace.as_deref()))
    };
    wanted.into_iter().filter_map(target).collect()
}

/// # Errors
/// When not one LIST got an answer, or the cluster does not know us: then nothing is known.
pub(super) async fn look(
    client: &ApiClient,
    wishes: &BTreeSet<Target>,
    patience: Duration,
    sieve: &Mutex<Sieve>,
) -> Result<(Cache, Coverage)> {
    let (mut cache, mut coverage) = (Cache::default(), Coverage::default());
    // What events say of pods that turn out to be well is not kept.
    let (events, others): (BTreeSet<Target>, BTreeSet<Target>) =
        wishes.iter().cloned().partition(|target| target.gvk.kind == "Event");
    let mut lost = add(client, &others, patience, sieve, &mut cache, &mut coverage).await;
    if lost.is_none() || !coverage.listed.is_empty() {
        lost = add(client, &events, patience, sieve, &mut cache, &mut coverage).await.or(lost);
    }
    match lost {
        Some(error) if coverage.listed.is_empty() || error.code() == Some(401) => Err(error),
        _ => Ok((cache, coverage)),
    }
}

/// Lists these too. Answers with an error that leaves the verdict open, if there was one.
pub(super) async fn add(
    client: &ApiClient,
    wishes: &BTreeSet<Target>,
    patience: Duration,
    sieve: &Mutex<Sieve>,
    cache: &mut Cache,
    coverage: &mut Coverage,
) -> Option<Error> {
    let lists = wishes.iter().map(|target| one(client, target, patience, sieve));
    let mut lists = stream::iter(lists).buffer_unordered(AT_ONCE);
    let mut lost = None;
    while let Some((target, took, listed)) = lists.next().await {
        let gvk = &target.gvk;
        match listed {
            Ok(objects) => {
                coverage.listed.insert((gvk.group.clone(), gvk.kind.clone(), target.namespace.clone()), took);
                cache.take(&gvk.group, &gvk.kind, target.namespace.as_deref(), Change::Replace(objects));
            }
            // Its definition comes with the release, and is not there yet.
            Err(error) if error.is_not_found() => {}
            Err(error) => {
                coverage.unseen.push(Unseen {
                    group: gvk.group.clone(),
                    kind: gvk.kind.clone(),
                    namespace: target.namespace.clone(),
                    reason: reason(&error, target),
                });
                lost = lost.or(error.is_unreachable().then_some(error));
            }
        }
    }
    // As the answers came in, which says nothing.
    coverage.unseen.sort_by(|a, b| (&a.namespace, &a.group, &a.kind).cmp(&(&b.namespace, &b.group, &b.kind)));
    lost
}

async fn one<'a>(
    client: &ApiClient,
    target: &'a Target,
    patience: Duration,
    sieve: &Mutex<Sieve>,
) -> (&'a Target, u64, Result<Vec<Value>>) {
    let began = Instant::now();
    let is_secret = target.gvk.group.is_empty() && target.gvk.kind == "Secret";
    let kind = if is_secret { ListKind::Metadata } else { ListKind::Full };
    let mut keep = |object: Value| sieve.lock().unwrap_or_else(PoisonError::into_inner).keep(object);
    let listed = client.list_keeping(target, kind, &mut keep);
    let listed = in_time(patience, &format!("list {}", target.plural), listed).await;
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    (target, took, listed.map(|listed| listed.items))
}

fn reason(error: &Error, target: &Target) -> String {
    match error {
        Error::Status { code: 403, .. } => format!("we may not list {}", target.plural),
        other => other.to_string(),
    }
}

/// The namespaces of webhook backends, where they are not the release's own: whether these answer is the question.
pub(super) fn of_webhooks(cache: &Cache, coverage: &Coverage, resources: &Resources) -> BTreeSet<Target> {
    let slices = Gvk::new("discovery.k8s.io", "v1", "EndpointSlice");
    let Some(resource) = resources.get(&slices) else { return BTreeSet::new() };
    let kinds = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"];
    let all = kinds.into_iter().flat_map(|kind| cache.list("admissionregistration.k8s.io", kind, None));
    let webhooks = all.filter_map(|configuration| configuration.get("webhooks")?.as_array()).flatten();
    let homes = webhooks.filter_map(|webhook| webhook.pointer("/clientConfig/service/namespace")?.as_str());
    let is_new = |home: &&str| {
        let key = (slices.group.clone(), slices.kind.clone(), Some((*home).to_owned()));
        !coverage.listed.contains_key(&key)
    };
    homes.filter(is_new).map(|home| Target::new(slices.clone(), resource.plural.clone(), Some(home))).collect()
}

/// Every Deployment of the cluster, once a custom resource of the release is not well: its operator may be anywhere.
pub(super) fn of_operators(
    cache: &Cache,
    objects: &ObjectSet,
    resources: &Resources,
    now: Timestamp,
) -> BTreeSet<Target> {
    let deployments = Gvk::new("apps", "v1", "Deployment");
    let is_well = |object: &Object| {
        let Some(live) = cache.get(&object.reference()) else { return true };
        lucid_status::diagnose(live, &Since::default(), cache, now).is_empty()
    };
    let custom = |object: &&Object| !lucid_status::is_built_in(&object.reference().group);
    match (objects.iter().filter(custom).all(is_well), resources.get(&deployments)) {
        (false, Some(resource)) => BTreeSet::from([Target::new(deployments, resource.plural.clone(), None)]),
        _ => BTreeSet::new(),
    }
}

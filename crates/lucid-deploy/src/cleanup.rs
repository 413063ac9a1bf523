//! The end of a release: its objects in reverse order, its record last.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use lucid_client::{ApiClient, ListKind, Manner, Target};
use lucid_object::{Finding, Findings, Gvk, ObjectRef};
use lucid_plan::intent::Marks;
use lucid_plan::{Operation, graph, order, ownership};
use lucid_release::names::{self, RELEASE_LABEL, SHARED};
use lucid_release::{Content, InventoryEntry, Record};
use serde_json::Value;
use tokio::time::Instant;

use crate::deploy::Refusal;
use crate::fence::Seen;
use crate::lease::{Identity, NotHeld, wait_for_turn};
use crate::removal::{self, Left, Pauses, Removal, remove};
use crate::replace;
use crate::revisions::Shelf;
use crate::store;
use crate::survey::{self, Server, Survey};

/// How long after its client has died a request may still be carried out: the API server gives up after 60 s itself.
const LATEST: Duration = Duration::from_secs(65);

/// What is to be cleaned up.
pub struct Wanted {
    pub release: String,
    pub namespace: String,
    /// Only this component.
    pub component: Option<String>,
    /// Claims, and the Secrets that `lucid secrets init` has made, go too.
    pub delete_data: bool,
    /// How long each component may take until its objects are gone.
    pub patience: Duration,
    pub identity: Identity,
    pub wall: Timestamp,
}

/// What will be removed, and what stays.
#[derive(Debug, Default)]
pub struct Cleanup {
    /// Those that nothing needs come first.
    pub steps: Vec<Step>,
    /// Objects of the release that hold data or definitions, and stay.
    pub kept: Vec<ObjectRef>,
    run: u64,
    server: Option<Server>,
}

/// A component, or the shared part.
#[derive(Debug)]
pub struct Step {
    pub name: String,
    pub objects: Vec<Removal>,
    /// Those that must be gone before, by name: what needs it.
    after: BTreeSet<String>,
}

/// What came of it.
#[derive(Debug)]
pub struct Cleaned {
    pub removed: usize,
    pub left: Vec<Left>,
    /// The release's record is gone too.
    pub is_over: bool,
}

/// Looks at what there is to remove; writes nothing.
///
/// # Errors
/// When the cluster does not let us look, or the component is unknown.
pub async fn plan(client: &ApiClient, wanted: &Wanted) -> Result<Cleanup, Refusal> {
    let server = survey::ask_server(client).await?;
    let stored = store::load(client, &wanted.namespace, &wanted.release).await?;
    let record = stored.record;
    let inventory = record.may_own();
    let order = Order::of(client, wanted, &record).await;
    if let Some(name) = &wanted.component
        && !inventory.iter().any(|entry| &entry.component == name)
    {
        let known: BTreeSet<&str> = inventory.iter().map(|entry| entry.component.as_str()).collect();
        let help = lucid_release::load::nearest(name, known.into_iter());
        let finding = Finding::error(8114, format!("the release owns nothing of a component {name}"));
        return Err(finding.help(help.unwrap_or_else(|| "`lucid status` lists the components".into())).into());
    }
    let wishes = survey::wishes(&lucid_object::ObjectSet::default(), &inventory, &server.resources);
    let survey = survey::look(client, &wishes).await?;
    let refused = crate::checks::refused(&survey);
    if !refused.is_empty() {
        return Err(Refusal::Cluster(Findings(refused)));
    }
    let mut cleanup = Cleanup { run: record.run, ..Cleanup::default() };
    let mut steps: BTreeMap<(usize, String), Step> = BTreeMap::new();
    let chosen = inventory.iter().filter(|entry| wanted.component.as_ref().is_none_or(|name| *name == entry.component));
    for entry in chosen {
        let Some(removal) = removal(entry, wanted, &server, &survey) else { continue };
        if is_kept(entry, wanted) {
            cleanup.kept.push(entry.object.clone());
            continue;
        }
        order.step(&mut steps, &entry.component).objects.push(removal);
    }
    for (entry, pod) in left_behind(wanted, &inventory, &survey) {
        order.step(&mut steps, &entry.component).objects.push(pod);
    }
    cleanup.steps = order.close(steps);
    for step in &mut cleanup.steps {
        step.objects.sort_by_key(|removal| std::cmp::Reverse(order::rank(&removal.object.group, &removal.object.kind)));
    }
    cleanup.server = Some(server);
    Ok(cleanup)
}

/// In which order components go.
#[derive(Default)]
struct Order {
    /// Those that nothing needs have the highest; the shared part has none.
    places: BTreeMap<String, usize>,
    /// What needs each of them, directly or not.
    dependents: BTreeMap<String, BTreeSet<String>>,
}

impl Order {
    /// By the graph of the newest revision; without one, components go all at once.
    async fn of(client: &ApiClient, wanted: &Wanted, record: &Record) -> Self {
        let shelf = Shelf { client, namespace: &wanted.namespace, release: &wanted.release };
        let newest = record.in_service.or_else(|| record.revisions.last().map(|revision| revision.number));
        let content = match newest {
            Some(number) => shelf.load(number).await.unwrap_or_default(),
            None => Content::default(),
        };
        let Some(release) = &content.release else {
            let names: BTreeSet<&String> = record.inventory.iter().map(|entry| &entry.component).collect();
            let places = names.into_iter().cloned().zip(1..).filter(|(name, _)| name != SHARED);
            return Self { places: places.collect(), ..Self::default() };
        };
        let owners = ownership::assign(release, &content.objects).owners;
        let needs = graph::needs(release, &content.objects, &owners).of;
        let behind = graph::weights(&needs);
        // Those on which most depend come first, and go last.
        let mut indices: Vec<usize> = (0..needs.len()).collect();
        indices.sort_by_key(|index| (std::cmp::Reverse(behind[*index]), *index));
        let name = |index: usize| release.spec.components[index].name.clone();
        let mut order = Self::default();
        for (place, index) in (1..).zip(indices) {
            order.places.insert(name(index), place);
            for needed in graph::with_needs(index, &needs).into_iter().filter(|needed| *needed != index) {
                order.dependents.entry(name(needed)).or_default().insert(name(index));
            }
        }
        order
    }

    fn step<'s>(&self, steps: &'s mut BTreeMap<(usize, String), Step>, component: &str) -> &'s mut Step {
        // What a revision brought that never served may need anything, and goes first.
        let place = if component == SHARED { 0 } else { self.places.get(component).copied().unwrap_or(usize::MAX) };
        steps.entry((place, component.to_owned())).or_insert_with(|| Step {
            name: component.to_owned(),
            objects: Vec::new(),
            after: self.dependents.get(component).cloned().unwrap_or_default(),
        })
    }

    /// The shared part goes after all others, and what the graph does not know before all others.
    fn close(&self, steps: BTreeMap<(usize, String), Step>) -> Vec<Step> {
        let mut steps: Vec<Step> = steps.into_values().rev().collect();
        let all: BTreeSet<String> = steps.iter().map(|step| step.name.clone()).filter(|name| name != SHARED).collect();
        let unknown: BTreeSet<String> = all.iter().filter(|name| !self.places.contains_key(*name)).cloned().collect();
        for step in steps.iter_mut().filter(|step| !unknown.contains(&step.name)) {
            step.after.extend(if step.name == SHARED { all.clone() } else { unknown.clone() });
        }
        steps
    }
}

/// Pods of StatefulSets that an interrupted replacement has taken away.
fn left_behind<'a>(
    wanted: &Wanted,
    inventory: &'a [InventoryEntry],
    survey: &Survey,
) -> Vec<(&'a InventoryEntry, Removal)> {
    let is_meant = |entry: &InventoryEntry| wanted.component.as_ref().is_none_or(|name| *name == entry.component);
    let is_there = |entry: &InventoryEntry| !is_meant(entry) || survey.cache.find(&entry.object).is_some();
    let removal = |(set, pod): (ObjectRef, Operation)| {
        let entry = inventory.iter().find(|entry| entry.object == set)?;
        let seen = Seen::of(&*survey.cache.find(&pod.object)?)?;
        let target = Target::core("Pod", "pods", pod.object.namespace.as_deref());
        Some((entry, Removal { object: pod.object, target, seen }))
    };
    replace::left_behind(inventory, &is_there, &survey.cache).into_iter().filter_map(removal).collect()
}

fn is_kept(entry: &InventoryEntry, wanted: &Wanted) -> bool {
    match entry.object.kind.as_str() {
        "PersistentVolumeClaim" | "PersistentVolume" => !wanted.delete_data,
        // What others have made of that kind, or in it, would go too.
        "CustomResourceDefinition" | "Namespace" => true,
        _ => false,
    }
}

fn removal(entry: &InventoryEntry, wanted: &Wanted, server: &Server, survey: &Survey) -> Option<Removal> {
    let live = survey.cache.find(&entry.object)?;
    if !(Marks { release: &wanted.release, namespace: &wanted.namespace }).are_on(&live) {
        return None;
    }
    let gvk = Gvk::new(entry.object.group.clone(), entry.version.clone(), entry.object.kind.clone());
    let plural = server.resources.get(&gvk)?.plural.clone();
    let seen = Seen::of(&live)?;
    let target = Target::new(gvk, plural, entry.object.namespace.as_deref());
    Some(Removal { object: entry.object.clone(), target, seen })
}

/// What whoever waits for a cleanup is told.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Nothing is left of it.
    Gone(&'a Step),
    /// It takes longer than it may.
    NotGone(&'a Step),
    /// A run that died may have sent something that arrives within this time.
    Latecomers(Duration),
}

/// Removes step by step; `tell` hears of each step when it is over.
///
/// # Errors
/// When someone else is at work on the release, or the server does not answer.
pub async fn clean(
    client: &ApiClient,
    wanted: &Wanted,
    cleanup: &Cleanup,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Cleaned, Refusal> {
    let turn = wait_for_turn(client, &wanted.namespace, &wanted.release, &wanted.identity).await;
    let turn = turn.map_err(|error| match error {
        NotHeld::Busy(finding) => Refusal::from(finding),
        NotHeld::Client(error) => error.into(),
    })?;
    let (namespace, release) = (&wanted.namespace, &wanted.release);
    let held = match turn.claim(client, namespace, release, &wanted.identity, "cleanup", wanted.wall).await {
        // Without the namespace of its record, nothing is left of the release.
        Err(error) if error.is_not_found() => return Ok(Cleaned { removed: 0, left: Vec::new(), is_over: true }),
        result => result?,
    };
    let Some(mut held) = held else {
        return Err(Finding::error(9001, "someone else took the release's lock").help("run the command again").into());
    };
    let (wall, epoch, is_heir) = (wanted.wall, held.epoch, held.took_over);
    let result = tokio::select! {
        biased;
        result = under_lock(client, wanted, cleanup, epoch, is_heir, tell) => result,
        holder = held.keep(move || wall) => {
            let finding = Finding::error(9001, format!("the release's Lease was taken over by {holder}"));
            Err(Refusal::from(finding))
        }
    };
    match &result {
        Ok(Cleaned { is_over: true, .. }) => held.remove().await,
        _ => held.give_back().await,
    }
    result
}

async fn under_lock(
    client: &ApiClient,
    wanted: &Wanted,
    cleanup: &Cleanup,
    epoch: u64,
    is_heir: bool,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Cleaned, Refusal> {
    let began = Instant::now();
    let mut stored = store::load(client, &wanted.namespace, &wanted.release).await?;
    if stored.record.run != cleanup.run {
        let finding = Finding::error(9017, "another run has changed the release since this was planned");
        return Err(finding.help("run the command again").into());
    }
    let (mut removed, left) = take_down(client, &cleanup.steps, wanted.patience, epoch, tell).await?;
    if !left.is_empty() {
        return Ok(Cleaned { removed, left, is_over: false });
    }
    if wanted.component.is_some() {
        let gone: BTreeSet<&ObjectRef> =
            cleanup.steps.iter().flat_map(|step| &step.objects).map(|removal| &removal.object).collect();
        stored.record.inventory = stored.record.may_own();
        stored.record.inventory.retain(|entry| !gone.contains(&entry.object));
        store::save(client, &wanted.namespace, &wanted.release, &mut stored).await?;
        return Ok(Cleaned { removed, left: Vec::new(), is_over: false });
    }
    // A first run that died may not have come as far as its record.
    if is_heir || stored.record.journal.is_some() || !stored.record.late.is_empty() {
        tell(Progress::Latecomers(LATEST.saturating_sub(began.elapsed())));
        tokio::time::sleep_until(began + LATEST).await;
        removed += remove_latecomers(client, wanted, cleanup, &stored.record.may_own(), epoch).await?;
    }
    if wanted.delete_data {
        removed += remove_data(client, wanted, cleanup, epoch).await?;
    }
    if !stored.record.revisions.is_empty() {
        // Some of its Secrets are no way back to a revision. Whoever comes while they go must not try one.
        stored.record.revisions.clear();
        stored.record.in_service = None;
        store::save(client, &wanted.namespace, &wanted.release, &mut stored).await?;
    }
    remove_record(client, wanted, epoch).await?;
    Ok(Cleaned { removed, left: Vec::new(), is_over: true })
}

/// Removes each component as soon as nothing is left of those that need it. Ends when one takes longer than it may; says
/// how many objects are gone, and what is left then.
async fn take_down(
    client: &ApiClient,
    steps: &[Step],
    patience: Duration,
    epoch: u64,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<(usize, Vec<Left>), Refusal> {
    let mut waiting: Vec<&Step> = steps.iter().collect();
    let mut going: Vec<(&Step, Instant)> = Vec::new();
    let (mut removed, mut pauses) = (0, Pauses::new());
    while !(waiting.is_empty() && going.is_empty()) {
        let free = release(&mut waiting, &going);
        removal::start(client, free.iter().flat_map(|step| &step.objects), Manner::Foreground, epoch).await?;
        going.extend(free.into_iter().map(|step| (step, Instant::now() + patience)));
        let objects: Vec<&Removal> = going.iter().flat_map(|(step, _)| &step.objects).collect();
        let left = removal::still_there(client, &objects).await?;
        let there: BTreeSet<&ObjectRef> = left.iter().map(|left| &left.object).collect();
        let is_left = |step: &Step| step.objects.iter().any(|removal| there.contains(&removal.object));
        let (still, gone): (Vec<_>, Vec<_>) = going.into_iter().partition(|(step, _)| is_left(step));
        gone.iter().for_each(|(step, _)| tell(Progress::Gone(step)));
        removed += gone.iter().map(|(step, _)| step.objects.len()).sum::<usize>();
        going = still;
        if let Some((step, _)) = going.iter().find(|(_, until)| Instant::now() >= *until) {
            tell(Progress::NotGone(step));
            removed += going.iter().map(|(step, _)| step.objects.len()).sum::<usize>() - left.len();
            return Ok((removed, left));
        }
        if !gone.is_empty() {
            pauses = Pauses::new();
            continue;
        }
        pauses.next().await;
    }
    Ok((removed, Vec::new()))
}

/// Takes those out of the waiting ones that nothing needs any more. Where components need each other, all go.
fn release<'s>(waiting: &mut Vec<&'s Step>, going: &[(&Step, Instant)]) -> Vec<&'s Step> {
    let there: BTreeSet<&str> =
        waiting.iter().chain(going.iter().map(|(step, _)| step)).map(|step| step.name.as_str()).collect();
    let (free, held): (Vec<_>, Vec<_>) =
        waiting.drain(..).partition(|step| !step.after.iter().any(|name| there.contains(name.as_str())));
    if free.is_empty() && going.is_empty() {
        return held;
    }
    *waiting = held;
    free
}

/// What a run that died had sent, and what was created only after we had looked.
async fn remove_latecomers(
    client: &ApiClient,
    wanted: &Wanted,
    cleanup: &Cleanup,
    inventory: &[InventoryEntry],
    epoch: u64,
) -> Result<usize, Refusal> {
    let Some(server) = &cleanup.server else { return Ok(0) };
    let wishes = survey::wishes(&lucid_object::ObjectSet::default(), inventory, &server.resources);
    let survey = survey::look(client, &wishes).await?;
    let late: Vec<Removal> = inventory
        .iter()
        .filter(|entry| !is_kept(entry, wanted))
        .filter_map(|entry| removal(entry, wanted, server, &survey))
        .collect();
    remove(client, &late, Manner::Background, wanted.patience, epoch).await?;
    Ok(late.len())
}

/// Claims that StatefulSets have made, and Secrets of `lucid secrets init`.
async fn remove_data(client: &ApiClient, wanted: &Wanted, cleanup: &Cleanup, epoch: u64) -> Result<usize, Refusal> {
    let gone = || cleanup.steps.iter().flat_map(|step| &step.objects);
    let namespaces: BTreeSet<&str> =
        gone().filter_map(|removal| removal.object.namespace.as_deref()).chain([wanted.namespace.as_str()]).collect();
    let sets: Vec<&ObjectRef> =
        gone().map(|removal| &removal.object).filter(|object| object.kind == "StatefulSet").collect();
    let mut data = Vec::new();
    for namespace in namespaces {
        let made_by_set = |item: &Value| {
            let name = item.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            sets.iter().any(|set| set.namespace.as_deref() == Some(namespace) && is_claim_of(name, &set.name))
        };
        let made_by_us = |item: &Value| {
            let labels = item.pointer("/metadata/labels");
            labels.and_then(|labels| labels.get("lucid.dev/secret-of")?.as_str()) == Some(wanted.release.as_str())
        };
        let claims = Target::core("PersistentVolumeClaim", "persistentvolumeclaims", Some(namespace));
        data.extend(listed(client, &claims, &made_by_set).await?);
        data.extend(listed(client, &Target::core("Secret", "secrets", Some(namespace)), &made_by_us).await?);
    }
    remove(client, &data, Manner::Background, Duration::ZERO, epoch).await?;
    Ok(data.len())
}

/// `<template>-<set>-<ordinal>`.
fn is_claim_of(claim: &str, set: &str) -> bool {
    let Some((front, ordinal)) = claim.rsplit_once('-') else { return false };
    let template = front.strip_suffix(set).and_then(|template| template.strip_suffix('-'));
    template.is_some_and(|template| !template.is_empty()) && ordinal.parse::<u32>().is_ok()
}

async fn listed(
    client: &ApiClient,
    target: &Target,
    is_meant: &dyn Fn(&Value) -> bool,
) -> Result<Vec<Removal>, Refusal> {
    let items = client.list(target, ListKind::Metadata).await?.items;
    let removal = |item: &Value| {
        let name = item.pointer("/metadata/name")?.as_str()?;
        let object = ObjectRef::new(&target.gvk.group, &target.gvk.kind, target.namespace.as_deref(), name);
        Some(Removal { object, target: target.clone(), seen: Seen::of(item)? })
    };
    Ok(items.iter().filter(|item| is_meant(item)).filter_map(removal).collect())
}

/// Revisions, packs and key, then the record itself.
async fn remove_record(client: &ApiClient, wanted: &Wanted, epoch: u64) -> Result<(), Refusal> {
    let target = Target::core("Secret", "secrets", Some(&wanted.namespace));
    let record = names::record(&wanted.release);
    let is_ours = |item: &Value| {
        item.pointer("/metadata/labels").and_then(|labels| labels.get(RELEASE_LABEL)?.as_str())
            == Some(wanted.release.as_str())
    };
    let name_of = |item: &Value| item.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let prefixes = ["lucid-revision", "lucid-pack", "lucid-run"].map(|kind| format!("{kind}-{}-", wanted.release));
    let is_part = |item: &Value| {
        let name = name_of(item);
        is_ours(item) && (name == names::key(&wanted.release) || prefixes.iter().any(|prefix| name.starts_with(prefix)))
    };
    let parts = listed(client, &target, &is_part).await?;
    remove(client, &parts, Manner::Background, Duration::ZERO, epoch).await?;
    let last = listed(client, &target, &|item| is_ours(item) && name_of(item) == record).await?;
    remove(client, &last, Manner::Background, Duration::ZERO, epoch).await?;
    Ok(())
}

/// The release's namespaces that hold nothing any more but what every namespace holds. Deletes them.
///
/// # Errors
/// When the cluster does not let us look.
pub async fn remove_empty_namespaces(
    client: &ApiClient,
    cleanup: &Cleanup,
) -> Result<(Vec<String>, Vec<String>), Refusal> {
    let Some(server) = &cleanup.server else { return Ok(Default::default()) };
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for namespace in cleanup.kept.iter().filter(|object| object.kind == "Namespace") {
        match foreign(client, server, &namespace.name).await? {
            Some(other) => kept.push(format!("{}: it still holds {other}", namespace.name)),
            None => {
                let target = Target::core("Namespace", "namespaces", None);
                let here = listed(client, &target, &|item| item["metadata"]["name"] == namespace.name.as_str()).await?;
                remove(client, &here, Manner::Background, Duration::ZERO, u64::MAX).await?;
                gone.push(namespace.name.clone());
            }
        }
    }
    Ok((gone, kept))
}

/// Something in the namespace that is not of the kind that every namespace has.
async fn foreign(client: &ApiClient, server: &Server, namespace: &str) -> Result<Option<String>, Refusal> {
    for (gvk, resource) in server.resources.namespaced() {
        let is_passing = matches!(
            (gvk.group.as_str(), gvk.kind.as_str()),
            ("" | "events.k8s.io", "Event")
                | ("", "Endpoints" | "PodTemplate")
                | ("discovery.k8s.io", "EndpointSlice")
                | ("metrics.k8s.io", _)
                | ("authorization.k8s.io", _)
        );
        if is_passing {
            continue;
        }
        let target = Target::new(gvk.clone(), resource.plural.clone(), Some(namespace));
        let items = match client.list(&target, ListKind::Metadata).await {
            // Not every kind can be listed.
            Err(error) if error.code().is_some_and(|code| code == 404 || code == 405) => continue,
            result => result?.items,
        };
        let name = |item: &Value| item["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let is_standard = |item: &&Value| {
            let name = name(item);
            let is_going = item.pointer("/metadata/deletionTimestamp").is_some();
            is_going
                || matches!((gvk.kind.as_str(), name.as_str()), ("ServiceAccount", "default"))
                || (gvk.kind == "ConfigMap" && name == "kube-root-ca.crt")
        };
        if let Some(item) = items.iter().find(|item| !is_standard(item)) {
            return Ok(Some(format!("{}/{}", gvk.kind, name(item))));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_known_by_their_set() {
        assert!(is_claim_of("data-lucid-redis-0", "lucid-redis"));
        assert!(is_claim_of("data-lucid-redis-12", "lucid-redis"));
        assert!(!is_claim_of("data-lucid-redis-x", "lucid-redis"));
        assert!(!is_claim_of("lucid-redis-0", "lucid-redis"));
        assert!(!is_claim_of("data-other-lucid-redi-0", "lucid-redis"));
        assert!(!is_claim_of("data", "lucid-redis"));
    }
}

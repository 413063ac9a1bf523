//! What must hold: of the cluster in the end, and of everything that happened on the way.
//!
//! Nothing here asks lucid. The state is compared with the manifests as they were written, the running containers are the
//! simulator's own truth, and the rules of the way (I1, I3, ...) are checked from the server's history.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lucid_release::Record;
use lucid_sim::{Commit, History, Sim};
use serde_json::Value;

use crate::shop::{self, NAMESPACE, RELEASE, VERSIONS, Version};

/// Kind and name; everything is in one namespace.
type Id = (String, String);

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

fn id(object: &Value) -> Id {
    (text(object, "/kind").to_owned(), text(object, "/metadata/name").to_owned())
}

fn ids(version: Version) -> BTreeSet<Id> {
    shop::manifests(version).iter().map(id).collect()
}

fn label<'a>(object: &'a Value, name: &str) -> &'a str {
    object.pointer("/metadata/labels").and_then(|labels| labels.get(name)?.as_str()).unwrap_or_default()
}

fn is_of_release(object: &Value) -> bool {
    label(object, "lucid.dev/release") == RELEASE
}

/// The Secrets and the Lease that lucid keeps for itself.
fn is_own_record(object: &Value) -> bool {
    text(object, "/type").starts_with("lucid.dev/") || text(object, "/kind") == "Lease"
}

/// The record as it stands in the cluster.
pub(crate) fn record(sim: &Sim) -> Option<Record> {
    sim.get("v1", "Secret", NAMESPACE, &format!("lucid-record-{RELEASE}")).and_then(|secret| decode(&secret))
}

fn decode(secret: &Value) -> Option<Record> {
    let bytes = STANDARD.decode(text(secret, "/data/record")).ok()?;
    Record::decode(&bytes).ok()
}

/// What is wrong with the cluster if this version (or nothing) is what it should hold.
pub(crate) fn state(sim: &Sim, want: Option<Version>) -> Vec<String> {
    let mut wrong = standing(sim, want);
    wrong.extend(want.map(|version| serving(sim, version)).unwrap_or_default());
    wrong
}

/// What must be true of the record when everything has come to rest.
pub(crate) fn at_rest(sim: &Sim, want: Option<Version>) -> Vec<String> {
    let Some(record) = record(sim) else {
        return if want.is_some() { vec!["the record is gone".into()] } else { Vec::new() };
    };
    let Some(want) = want else { return vec!["the record is still there".into()] };
    let mut wrong = Vec::new();
    if record.journal.is_some() {
        wrong.push("a journal is left".into());
    }
    if !record.late.is_empty() {
        wrong.push(format!("{} objects are still waited for", record.late.len()));
    }
    let served = record.in_service.and_then(|number| record.revision(number));
    if served.map(|revision| revision.source.as_str()) != Some(format!("{want:?}").as_str()) {
        wrong.push(format!("in service is {:?}", served.map(|revision| (revision.number, &revision.source))));
    }
    let owned: BTreeSet<Id> =
        record.inventory.iter().map(|entry| (entry.object.kind.clone(), entry.object.name.clone())).collect();
    let wanted = ids(want);
    for missing in wanted.difference(&owned).filter(|id| id.0 != "Namespace") {
        wrong.push(format!("the inventory lacks {missing:?}"));
    }
    for surplus in owned.difference(&wanted) {
        wrong.push(format!("the inventory has {surplus:?}"));
    }
    wrong
}

fn standing(sim: &Sim, want: Option<Version>) -> Vec<String> {
    let mut wrong = Vec::new();
    let manifests = want.map(shop::manifests).unwrap_or_default();
    for manifest in &manifests {
        let namespace = text(manifest, "/metadata/namespace");
        let live = sim.get(text(manifest, "/apiVersion"), text(manifest, "/kind"), namespace, &id(manifest).1);
        match live {
            None => wrong.push(format!("{:?} is lost", id(manifest))),
            Some(live) => {
                if live.pointer("/metadata/deletionTimestamp").is_some() {
                    wrong.push(format!("{:?} is being deleted", id(manifest)));
                }
                differences(&encoded(manifest), &live, &format!("{:?}", id(manifest)), &mut wrong);
            }
        }
    }
    let wanted = want.map(ids).unwrap_or_default();
    for object in sim.objects() {
        // What holds data, and the namespace, are left where they are; endpoints have their Service's labels.
        let is_kept =
            matches!(text(&object, "/kind"), "PersistentVolumeClaim" | "Namespace" | "Endpoints" | "EndpointSlice");
        if is_of_release(&object) && !is_own_record(&object) && !is_kept && !wanted.contains(&id(&object)) {
            wrong.push(format!("{:?} is orphaned", id(&object)));
        }
        if want.is_none() && is_of_release(&object) && is_own_record(&object) {
            wrong.push(format!("{:?} is left of the record", id(&object)));
        }
    }
    wrong
}

/// `stringData` as the server keeps it.
fn encoded(manifest: &Value) -> Value {
    let mut manifest = manifest.clone();
    let strings = manifest.as_object_mut().and_then(|top| top.remove("stringData"));
    for (key, value) in strings.as_ref().and_then(Value::as_object).into_iter().flatten() {
        manifest["data"][key] = STANDARD.encode(value.as_str().unwrap_or_default()).into();
    }
    manifest
}

/// Everything that is wanted must be there; what the server adds may be.
fn differences(want: &Value, live: &Value, at: &str, wrong: &mut Vec<String>) {
    match (want, live) {
        (Value::Object(want), Value::Object(live)) => {
            for (key, value) in want {
                differences(value, live.get(key).unwrap_or(&Value::Null), &format!("{at}.{key}"), wrong);
            }
            // A map of data has nothing that is not wanted.
            let is_data = at.ends_with(".data");
            for key in live.keys().filter(|key| is_data && !want.contains_key(*key)) {
                wrong.push(format!("{at}.{key} is not wanted"));
            }
        }
        (Value::Array(want), Value::Array(live)) if want.len() == live.len() => {
            for (index, (want, live)) in want.iter().zip(live).enumerate() {
                differences(want, live, &format!("{at}[{index}]"), wrong);
            }
        }
        (want, live) if want == live => {}
        _ => wrong.push(format!("{at} is {live}, not {want}")),
    }
}

/// Which containers run, by the simulator's own truth.
fn serving(sim: &Sim, version: Version) -> Vec<String> {
    let mut wrong = Vec::new();
    let truth = sim.truth();
    for manifest in shop::manifests(version) {
        let (kind, name) = id(&manifest);
        let replicas = match kind.as_str() {
            "Deployment" | "StatefulSet" => manifest.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1),
            "DaemonSet" => 5,
            _ => continue,
        };
        let image = text(&manifest, "/spec/template/spec/containers/0/image");
        let pods = truth.pods(NAMESPACE, &kind, &name).iter().filter(|pod| !pod.is_terminating);
        let (right, other): (Vec<_>, Vec<_>) = pods.partition(|pod| pod.containers[0].image == image);
        let serving = right.iter().filter(|pod| pod.serves()).count() as u64;
        if serving != replicas || !other.is_empty() {
            wrong.push(format!(
                "{kind}/{name}: {serving} of {replicas} pods serve {image}; {} run something else",
                other.len()
            ));
        }
    }
    wrong
}

/// What of the past breaks a rule. `late` are the clients whose last request arrived after their death.
pub(crate) fn past(history: &History, late: &BTreeSet<u32>) -> Vec<String> {
    let mut wrong = Vec::new();
    epochs(history, late, &mut wrong);
    order(history, late, &mut wrong);
    frame(history, &mut wrong);
    write_ahead(history, &mut wrong);
    deletions(history, &mut wrong);
    manners(history, &mut wrong);
    append_only(history, &mut wrong);
    wrong
}

fn by_clients(history: &History) -> impl Iterator<Item = (&Commit, u32)> {
    history.commits.iter().filter_map(|commit| Some((commit, commit.client?)))
}

/// I1: the epochs of an object's writers never go down (one that is made anew starts anew). The one exception is a create that arrives after its client's
/// death, for which the API has no precondition: it must be put right, which the end state shows.
fn epochs(history: &History, late: &BTreeSet<u32>, wrong: &mut Vec<String>) {
    let mut newest: BTreeMap<String, u64> = BTreeMap::new();
    for (commit, client) in by_clients(history) {
        let annotation = |name: &str| {
            commit.new.as_ref()?.pointer("/metadata/annotations")?.get(name)?.as_str()?.parse::<u64>().ok()
        };
        let Some(epoch) = annotation("lucid.dev/epoch") else { continue };
        let fenced = annotation("lucid.dev/fence").unwrap_or(0);
        let known = newest.entry(uid(commit.object()).to_owned()).or_default();
        let is_late_create = late.contains(&client)
            && history.requests.iter().any(|request| {
                request.client == client
                    && request.path.ends_with(&format!("/{}", id(commit.object()).1))
                    && request.body.pointer("/metadata/resourceVersion").is_none()
            });
        if epoch < *known && !is_late_create && fenced <= epoch {
            wrong.push(format!(
                "I1: {} {:?} was written by epoch {epoch} after {known}",
                commit.resource,
                id(commit.object()).1
            ));
        }
        *known = epoch.max(*known);
    }
}

/// I2: a process sends nothing of a component before what it has sent of those that it needs is ready, and removes
/// nothing before all of that is; nothing that is removed is needed by a workload that is still there. What arrives after
/// its sender's death is held to no order.
fn order(history: &History, late: &BTreeSet<u32>, wrong: &mut Vec<String>) {
    let mut live: BTreeMap<String, (&Value, Option<u32>)> = BTreeMap::new();
    for commit in &history.commits {
        let object = commit.object();
        let name = label(object, "app").to_owned();
        let is_workload = matches!(text(object, "/kind"), "Deployment" | "StatefulSet" | "DaemonSet");
        let old = commit.old.as_deref().and_then(|old| old.pointer("/spec"));
        let sender = commit.client.filter(|client| !late.contains(client));
        let is_leaving = commit.new.as_deref().is_none_or(|new| new.pointer("/metadata/deletionTimestamp").is_some());
        let is_sent =
            is_workload && !is_leaving && commit.new.as_deref().is_some_and(|new| new.pointer("/spec") != old);
        let unready = |needed: &str| {
            let (workload, by) = live.get(needed)?;
            (by.is_some() && *by == sender && !is_ready(workload)).then(|| needed.to_owned())
        };
        if sender.is_some() && is_sent {
            let needed = shop::NEEDS.iter().filter(|(own, _)| *own == name).find_map(|(_, needed)| unready(needed));
            wrong.extend(needed.map(|needed| format!("I2: {name} was sent before {needed} was ready")));
        }
        let is_removed = sender.is_some() && is_leaving && is_of_release(object) && !is_own_record(object);
        // In an emergency, workloads go in any order.
        if is_removed && !is_workload && text(object, "/kind") != "Pod" {
            let in_use = shop::NEEDS.iter().filter(|(_, needed)| *needed == name);
            let user = in_use.map(|(own, _)| *own).find(|own| live.contains_key(*own));
            wrong.extend(user.map(|own| format!("I2: {:?} was removed while {own} was there", id(object))));
        }
        if is_removed && text(object, "/kind") != "Pod" {
            let others = live.keys().filter(|other| **other != name).find_map(|other| unready(other));
            wrong.extend(others.map(|other| format!("I2: {:?} was removed before {other} was ready", id(object))));
        }
        if is_workload {
            // What comes late makes it another's, also where only annotations differ: a Deployment has to observe those too.
            let is_late = commit.client.is_some_and(|client| late.contains(&client));
            let by = if is_sent || is_late { commit.client } else { live.get(&name).and_then(|(_, by)| *by) };
            match commit.new.as_deref() {
                Some(new) => live.insert(name, (new, by)),
                None => live.remove(&name),
            };
        }
    }
}

/// By what its controller says of the very object that was sent.
fn is_ready(workload: &Value) -> bool {
    let number = |pointer: &str| workload.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let (wanted, kind) = (number("/spec/replicas"), text(workload, "/kind"));
    number("/status/observedGeneration") == number("/metadata/generation")
        && (kind == "DaemonSet"
            || number("/status/readyReplicas") >= wanted && number("/status/updatedReplicas") >= wanted)
}

/// I3: only what belongs to some version of the release, and lucid's own record, is ever written.
fn frame(history: &History, wrong: &mut Vec<String>) {
    let allowed: BTreeSet<Id> = VERSIONS.into_iter().flat_map(ids).collect();
    for (commit, _) in by_clients(history) {
        let object = commit.object();
        let is_pod_deleted = commit.resource == "pods"
            && (commit.new.is_none() || object.pointer("/metadata/deletionTimestamp").is_some());
        if !allowed.contains(&id(object)) && !is_own_record(object) && !is_pod_deleted {
            wrong.push(format!("I3: {:?} was written", id(object)));
        }
    }
}

/// I4: what is created stands in the record before.
fn write_ahead(history: &History, wrong: &mut Vec<String>) {
    let mut known: BTreeSet<Id> = BTreeSet::new();
    for commit in &history.commits {
        let object = commit.object();
        if commit.resource == "secrets" && id(object).1 == format!("lucid-record-{RELEASE}") {
            let record = commit.new.as_deref().and_then(decode).unwrap_or_default();
            known = record.may_own().into_iter().map(|entry| (entry.object.kind, entry.object.name)).collect();
        }
        let is_created = commit.client.is_some() && commit.old.is_none() && !is_own_record(object);
        // The namespace of the record may have to be there before it.
        if is_created && id(object).0 != "Namespace" && !known.contains(&id(object)) {
            wrong.push(format!("I4: {:?} was created before it was written down", id(object)));
        }
    }
}

/// I5: each deletion names the uid it means, and nothing that holds data goes.
fn deletions(history: &History, wrong: &mut Vec<String>) {
    for request in history.requests.iter().filter(|request| request.method == "DELETE") {
        if request.body.pointer("/preconditions/uid").is_none() {
            wrong.push(format!("I5: {} was deleted without saying which", request.path));
        }
    }
    for (commit, _) in by_clients(history) {
        let is_gone = commit.new.as_ref().is_none_or(|new| new.pointer("/metadata/deletionTimestamp").is_some());
        if is_gone && matches!(commit.resource.as_str(), "persistentvolumeclaims" | "namespaces") {
            wrong.push(format!("I5: {:?} was deleted", id(commit.object())));
        }
    }
}

/// I13: a client that is told to wait does.
fn manners(history: &History, wrong: &mut Vec<String>) {
    for (index, told) in history.requests.iter().enumerate().filter(|(_, request)| request.code == Some(429)) {
        let again = history.requests[index + 1..]
            .iter()
            .find(|next| (next.client, &next.method, &next.path) == (told.client, &told.method, &told.path));
        if let Some(again) = again.filter(|again| again.at < told.at + Duration::from_secs(1)) {
            wrong.push(format!("I13: {} was sent again after {:?}", again.path, again.at - told.at));
        }
    }
}

/// I16: what a revision contained is never written anew.
fn append_only(history: &History, wrong: &mut Vec<String>) {
    let mut contents: BTreeMap<u64, String> = BTreeMap::new();
    for commit in history.commits.iter().filter(|commit| commit.resource == "secrets") {
        let Some(record) = commit.new.as_deref().and_then(decode) else { continue };
        for revision in record.revisions {
            let known = contents.entry(revision.number).or_insert_with(|| revision.content.clone());
            if *known != revision.content {
                wrong.push(format!("I16: revision {} has become another", revision.number));
            }
        }
    }
}

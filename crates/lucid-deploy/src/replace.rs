//! Changes that the server takes only as a new object: found by trying, before anything is written.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use lucid_client::{ApiClient, Apply, Error, Target, Written};
use lucid_object::{Finding, ObjectRef};
use lucid_plan::{Action, FieldChange, Operation, Plan, Request, diff, order, replace};
use lucid_release::InventoryEntry;
use lucid_release::names::FIELD_MANAGER;
use lucid_status::{Cluster as _, classify_status};
use serde_json::Value;

use crate::cache::Cache;
use crate::deploy::Refusal;
use crate::prepare::{Attempt, TRIED_AT_ONCE};
use crate::survey::Server;

/// The code of "an immutable field would change".
const IMMUTABLE: u16 = 1001;
/// Longest part of a name that is kept for a trial: what the server derives from it still fits into a label.
const NAME: usize = 40;

/// Turns updates that the server does not take into replacements, and answers with those that nobody has agreed to.
///
/// # Errors
/// When the server does not answer.
pub(crate) async fn find(
    client: &ApiClient,
    server: &Server,
    plan: &mut Plan,
    cache: &Cache,
    agreed: &[String],
) -> Result<Vec<Finding>, Refusal> {
    let operations = plan.lanes.iter_mut().flat_map(|lane| &mut lane.operations);
    let suspects: Vec<(&mut Operation, _)> = operations
        .filter_map(|operation| Some((cache.find(&operation.object)?, operation)))
        .filter(|(live, operation)| replace::is_suspect(operation, live))
        .map(|(live, operation)| (operation, live))
        .collect();
    let tried = suspects.into_iter().map(|(operation, live)| async move {
        let refusal = refusal(client, server, operation).await;
        (operation, live, refusal)
    });
    let tried: Vec<_> = futures::stream::iter(tried).buffered(TRIED_AT_ONCE).collect().await;
    let mut findings = Vec::new();
    for (operation, live, refusal) in tried {
        let Some(refusal) = refusal? else { continue };
        if replace::is_harmless(operation, &live) || is_agreed(&operation.object, agreed) {
            replace::replace(operation, &live);
        } else {
            findings.push(ask_first(&operation.object, refusal));
        }
    }
    Ok(findings)
}

/// What the server says of a field that cannot change; anything else is left to those who send it in earnest.
async fn refusal(client: &ApiClient, server: &Server, operation: &Operation) -> Result<Option<Finding>, Refusal> {
    let Some(request) = operation.requests.iter().find(|request| request.manager == FIELD_MANAGER) else {
        return Ok(None);
    };
    match crate::prepare::attempt(client, server, operation, request).await.1 {
        Attempt::Refused(error) if error.is_unreachable() => Err(error.into()),
        Attempt::Refused(error) => Ok(is_immutable(&error, &operation.object)),
        _ => Ok(None),
    }
}

fn is_agreed(object: &ObjectRef, agreed: &[String]) -> bool {
    let names = [object.short(), object.to_string().replace(' ', "/")];
    agreed.iter().any(|name| names.iter().any(|own| own.eq_ignore_ascii_case(name)))
}

fn ask_first(object: &ObjectRef, refusal: Finding) -> Finding {
    let lost = match object.kind.as_str() {
        "PersistentVolumeClaim" | "PersistentVolume" => "; the data in it is lost",
        "CustomResourceDefinition" => "; every object of its kind is deleted with it",
        "Namespace" => "; everything in it is deleted",
        _ if object.group == "apps" => "; its pods go before new ones come",
        _ => "",
    };
    let message = format!("{object} cannot be changed into what is wanted, only deleted and made anew");
    let mut finding = Finding::error(9031, message).on(object.clone());
    finding.evidence = refusal.evidence;
    finding.help(format!("if that is meant, add `--allow-replace {}`{lost}", object.short()))
}

/// On the way back, what a run has replaced may be replaced again: those who agreed to the one want the other.
pub(crate) fn may_go_back(failed: &Plan, agreed: &[String]) -> Vec<String> {
    let operations = failed.lanes.iter().flat_map(|lane| &lane.operations);
    let replaced = operations.filter(|operation| matches!(operation.action, Action::Replace { .. }));
    replaced.map(|operation| operation.object.short()).chain(agreed.iter().cloned()).collect()
}

/// Removes the pods that an interrupted replacement has left, where nobody will adopt them any more.
pub(crate) fn prune_left_behind(plan: &mut Plan, inventory: &[InventoryEntry], cache: &Cache) {
    let wanted: BTreeSet<&ObjectRef> = plan.inventory.iter().map(|entry| &entry.object).collect();
    let is_wanted = |entry: &InventoryEntry| wanted.contains(&entry.object) || cache.find(&entry.object).is_some();
    let found: Vec<Operation> = left_behind(inventory, &is_wanted, cache).into_iter().map(|(_, pod)| pod).collect();
    plan.prune.splice(0..0, found);
}

/// Pods without a controller, each with the StatefulSet that it belonged to.
pub(crate) fn left_behind(
    inventory: &[InventoryEntry],
    is_wanted: &dyn Fn(&InventoryEntry) -> bool,
    cache: &Cache,
) -> Vec<(ObjectRef, Operation)> {
    let namespaces: BTreeSet<_> = inventory.iter().map(|entry| entry.object.namespace.as_deref()).collect();
    let pods: Vec<&Value> = namespaces.into_iter().flat_map(|namespace| cache.list("", "Pod", namespace)).collect();
    replace::left_behind(inventory, is_wanted, &pods)
}

/// As [`crate::prepare::attempt`]; of what is replaced, the new object is tried under another name.
pub(crate) async fn attempt(
    client: &ApiClient,
    server: &Server,
    operation: &Operation,
    request: &Request,
) -> (ObjectRef, Attempt) {
    if !matches!(operation.action, Action::Replace { .. }) {
        return crate::prepare::attempt(client, server, operation, request).await;
    }
    let object = operation.object.clone();
    let resource = server.resources.get(&operation.gvk).filter(|_| !order::holds_data(&object));
    let Some(resource) = resource else { return (object, Attempt::NotPossible) };
    let target = Target::new(operation.gvk.clone(), resource.plural.clone(), object.namespace.as_deref());
    let attempt = match try_anew(client, &target, &request.body).await {
        Ok(written) => Attempt::Taken { becomes: written.object, warnings: written.warnings },
        Err(error) if error.is_unreachable() => Attempt::Refused(error),
        // Another name may be refused for its own sake.
        Err(_) => Attempt::NotPossible,
    };
    (object, attempt)
}

/// What the server would make of an object that is not there yet: a dry run under another name.
pub(crate) async fn try_anew(client: &ApiClient, target: &Target, body: &Value) -> Result<Written, Error> {
    let own = body.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let name = format!("{}-lucid-trial", own.chars().take(NAME).collect::<String>());
    let mut trial = body.clone();
    trial["metadata"]["name"] = name.clone().into();
    let apply = Apply { manager: FIELD_MANAGER, body: &trial, dry_run: true, force: false };
    let mut written = client.apply(target, &name, &apply).await?;
    written.object["metadata"]["name"] = own.into();
    Ok(written)
}

/// The server does not take a change of some field.
pub(crate) fn is_immutable(error: &Error, object: &ObjectRef) -> Option<Finding> {
    let Error::Status { code, status, .. } = error else { return None };
    let finding = classify_status(status, *code, Some(object)).finding;
    (finding.code.0 == IMMUTABLE).then_some(finding)
}

/// The fields that differ, without what the server itself makes of a Job's name and identity.
pub(crate) fn fields(object: &ObjectRef, before: &Value, after: &Value) -> Vec<FieldChange> {
    let derived = ["batch.kubernetes.io/", "controller-uid", "job-name"];
    let mut fields = diff::fields(before, after);
    fields.retain(|field| object.kind != "Job" || !derived.iter().any(|part| field.path.contains(part)));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_is_given_by_name() {
        let object = ObjectRef::new("apps", "Deployment", Some("n"), "api");
        let agreed = |name: &str| is_agreed(&object, &[name.to_owned()]);
        assert!(agreed("deployment/api") && agreed("Deployment/api") && agreed("Deployment/n/api"));
        assert!(!agreed("api") && !agreed("Deployment/m/api") && !agreed("StatefulSet/api"));
    }
}

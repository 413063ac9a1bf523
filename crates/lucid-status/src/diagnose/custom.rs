//! Custom resources, and the definitions and APIs that carry them.

use serde_json::Value;

use super::{controller, operator};
use crate::cluster::Scene;
use crate::diagnosis::{Certainty, Class, Diagnosis};
use crate::read::{Condition, created, group, has_condition, items, kind, name, reference, text};

pub(super) fn about(object: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    let from = found.len();
    states(object, scene, found);
    if found[from..].iter().any(Diagnosis::is_cause) {
        found.extend(operator::down(object, scene));
    }
}

fn states(object: &Value, scene: &Scene<'_>, found: &mut Vec<Diagnosis>) {
    controller::lag(object, scene, found);
    if let Some(stalled) = Condition::of(object, "Stalled").filter(|condition| condition.is("True")) {
        let message = format!("{} cannot go on", reference(object).short());
        found.push(Diagnosis::new(5119, reference(object), message).seen(stalled.words()).since(stalled.since()));
    }
    match (group(object), kind(object)) {
        ("external-secrets.io" | "bitnami.com", _) => found.extend(secret_store(object)),
        ("cert-manager.io" | "acme.cert-manager.io", _) => found.extend(certificate(object)),
        ("gateway.networking.k8s.io", _) => gateway(object, found),
        _ => found.extend(not_ready(object)),
    }
}

fn not_ready(object: &Value) -> Option<Diagnosis> {
    let kinds = ["Ready", "Available", "Healthy", "Succeeded"];
    let condition =
        kinds.iter().find_map(|kind| Condition::of(object, kind)).filter(|condition| condition.is("False"))?;
    let message = format!("{} says that it is not {}", reference(object).short(), condition.kind().to_lowercase());
    Some(
        Diagnosis::new(5120, reference(object), message)
            .certainty(Certainty::Likely)
            .seen(condition.words())
            .since(condition.since()),
    )
}

fn secret_store(object: &Value) -> Option<Diagnosis> {
    let condition = ["Ready", "Synced"]
        .iter()
        .find_map(|kind| Condition::of(object, kind))
        .filter(|condition| condition.is("False"))?;
    let message = format!("{} is not synchronised", reference(object).short());
    Some(Diagnosis::new(7010, reference(object), message).seen(condition.words()).since(condition.since()))
}

/// Issuing takes its time; a failure of its own says so.
fn certificate(object: &Value) -> Option<Diagnosis> {
    let message = format!("{} has not been issued", reference(object).short());
    let new = Diagnosis::new(5209, reference(object), message);
    if kind(object) == "Challenge" || kind(object) == "Order" {
        let state = text(object, "/status/state");
        let is_over = matches!(state, "invalid" | "errored" | "expired");
        return is_over.then(|| new.class(Class::FatalNow).seen(text(object, "/status/reason")));
    }
    let ready = Condition::of(object, "Ready").filter(|ready| !ready.is("True"))?;
    let issuing =
        Condition::of(object, "Issuing").filter(|issuing| issuing.is("False") && issuing.reason() == "Failed");
    let new = if issuing.is_some() { new.class(Class::FatalNow) } else { new };
    Some(new.seen(ready.words()).seen(issuing.map_or(String::new(), Condition::words)).since(ready.since()))
}

/// Routes keep their conditions by parent, Gateways in one list.
fn gateway(object: &Value, found: &mut Vec<Diagnosis>) {
    let parents = items(object, "/status/parents").flat_map(|parent| items(parent, "/conditions"));
    let own = items(object, "/status/conditions");
    for condition in own.chain(parents) {
        let (kind, reason) = (text(condition, "/type"), text(condition, "/reason"));
        let is_bad =
            text(condition, "/status") == "False" && matches!(kind, "Accepted" | "ResolvedRefs" | "Programmed");
        // Both say "not yet".
        if !is_bad || matches!(reason, "Pending" | "AddressNotAssigned") {
            continue;
        }
        let message = format!("{} is not attached: {kind} is False ({reason})", reference(object).short());
        found.push(Diagnosis::new(5211, reference(object), message).seen(text(condition, "/message")));
    }
}

pub(super) fn definition(crd: &Value, found: &mut Vec<Diagnosis>) {
    let message = |words: &str| format!("CustomResourceDefinition {} {words}", name(crd));
    if let Some(names) = Condition::of(crd, "NamesAccepted").filter(|names| names.is("False")) {
        let new = Diagnosis::new(1005, reference(crd), message("has names that are taken")).class(Class::FatalNow);
        return found.push(new.seen(names.words()).since(names.since()));
    }
    if !has_condition(crd, "Established", "True") {
        let said = Condition::of(crd, "Established").map(Condition::words).unwrap_or_default();
        found.push(
            Diagnosis::new(1005, reference(crd), message("is not established yet")).seen(said).since(created(crd)),
        );
    }
}

pub(super) fn api_service(service: &Value, found: &mut Vec<Diagnosis>) {
    let Some(available) = Condition::of(service, "Available").filter(|available| !available.is("True")) else { return };
    let message = format!("the API {} does not answer ({})", name(service), available.reason());
    found.push(Diagnosis::new(7004, reference(service), message).seen(available.message()).since(available.since()));
}

//! Services: whether anything answers behind them, as the EndpointSlices say.

use lucid_object::LabelSelector;
use serde_json::Value;

use crate::diagnosis::{Class, Diagnosis};
use crate::health::report::State;
use crate::health::view::{Judged, View, desired, home, title};
use crate::read::{items, keys, name, reference, text};

const NO_READY_ENDPOINT: u16 = 5202;
const WRONG_PORT: u16 = 5203;

pub(super) fn judge(view: &View<'_>) -> Vec<Judged> {
    view.in_namespaces("", "Service").into_iter().filter_map(|service| about(service, view)).collect()
}

fn about(service: &Value, view: &View<'_>) -> Option<Judged> {
    // The API server's own Service, and names of something outside, have no pods.
    if text(service, "/spec/type") == "ExternalName" || name(service) == "kubernetes" && home(service) == "default" {
        return None;
    }
    let ready = view.ready_endpoints(home(service), name(service))?;
    let is_balanced = text(service, "/spec/type") == "LoadBalancer";
    if ready > 0 && !is_balanced {
        let fine = format!("{ready} ready endpoint{}", if ready == 1 { "" } else { "s" });
        return Some(Judged::new(reference(service), fine, wrong_ports(service, view)));
    }
    let has_selector = keys(service, "/spec/selector").next().is_some();
    let mut diagnoses = view.diagnose(service);
    if ready == 0 && (has_selector || diagnoses.is_empty()) && !is_asleep(service, view) {
        add_no_endpoints(service, view, &mut diagnoses);
    }
    let is_dead = diagnoses.iter().any(|diagnosis| diagnosis.code() == NO_READY_ENDPOINT);
    let mut judged = Judged::new(reference(service), "no endpoint, as its workload is scaled to zero", diagnoses);
    if is_dead {
        judged.state = State::Failed;
    }
    Some(judged)
}

/// Endpoints are there, and a port that the pods do not have leads to none of them. Only names can be held against pods.
fn wrong_ports(service: &Value, view: &View<'_>) -> Vec<Diagnosis> {
    if !items(service, "/spec/ports").any(|port| port["targetPort"].is_string()) {
        return Vec::new();
    }
    view.diagnose(service).into_iter().filter(|diagnosis| diagnosis.code() == WRONG_PORT).collect()
}

/// Scaled to zero on purpose: nobody expects an answer.
fn is_asleep(service: &Value, view: &View<'_>) -> bool {
    let selector = LabelSelector::from_map(&service["spec"]["selector"]);
    let workload = view.workload_matching(&selector, home(service));
    workload.is_some_and(|workload| desired(workload) == 0)
}

/// The Service does not serve: fatal if nothing else explains it, a symptom of its pods otherwise.
fn add_no_endpoints(service: &Value, view: &View<'_>, diagnoses: &mut Vec<Diagnosis>) {
    diagnoses.retain(|diagnosis| diagnosis.code() != NO_READY_ENDPOINT);
    if diagnoses.iter().any(Diagnosis::is_cause) {
        return;
    }
    let selector = LabelSelector::from_map(&service["spec"]["selector"]);
    let workload = view.workload_matching(&selector, home(service)).filter(|_| !selector.is_empty());
    let message = format!("Service {} has no ready endpoint", name(service));
    let new = Diagnosis::new(NO_READY_ENDPOINT, reference(service), message);
    diagnoses.push(match workload {
        Some(workload) => new.seen(format!("it selects the pods of {}, of which none is ready", title(workload))),
        None => new
            .class(Class::FatalNow)
            .seen("no pod and no workload of its namespace carries the labels of its selector")
            .help("make the selector equal to the pods' labels, or remove the Service"),
    });
}

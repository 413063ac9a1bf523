//! NetworkPolicies that select nothing: the isolation that they describe does not exist.

use lucid_object::LabelSelector;
use serde_json::Value;

use crate::diagnosis::{Certainty, Class, Diagnosis};
use crate::health::view::{Judged, View, home};
use crate::read::{labels, name, reference};

const SELECTS_NOTHING: u16 = 8203;

pub(super) fn judge(view: &View<'_>) -> Vec<Judged> {
    view.in_namespaces("networking.k8s.io", "NetworkPolicy").into_iter().map(|policy| about(policy, view)).collect()
}

fn about(policy: &Value, view: &View<'_>) -> Judged {
    let selector = LabelSelector::from_value(&policy["spec"]["podSelector"]).unwrap_or_default();
    let pods = view.facts.cluster.list("", "Pod", Some(home(policy)));
    let selects = selector.is_empty()
        || pods.iter().any(|pod| selector.matches(&labels(pod, "/metadata/labels")))
        || view.workload_matching(&selector, home(policy)).is_some()
        || !view.facts.coverage.has("", "Pod", Some(home(policy)));
    let diagnoses = if selects { Vec::new() } else { vec![nothing(policy)] };
    Judged::new(reference(policy), "selects pods", diagnoses)
}

fn nothing(policy: &Value) -> Diagnosis {
    let message = format!("NetworkPolicy {} selects no pod", name(policy));
    Diagnosis::new(SELECTS_NOTHING, reference(policy), message)
        .class(Class::Advice)
        .certainty(Certainty::Proven)
        .seen(format!("podSelector: {}", policy["spec"]["podSelector"]))
        .help("make its `podSelector` equal to the pods' labels; nothing is isolated by it now")
}

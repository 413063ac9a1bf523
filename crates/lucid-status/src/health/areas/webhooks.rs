//! Admission webhooks whose own backend does not answer: they stop every pod from being made.

use serde_json::Value;

use crate::diagnosis::{Certainty, Class, Diagnosis};
use crate::health::view::{Judged, View};
use crate::read::{items, name, reference, text};

const KINDS: [&str; 2] = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"];

pub(super) fn judge(view: &View<'_>) -> Vec<Judged> {
    let all = KINDS.into_iter().flat_map(|kind| view.in_cluster("admissionregistration.k8s.io", kind));
    all.map(|configuration| {
        let dead = items(configuration, "/webhooks").filter_map(|webhook| dead(configuration, webhook, view));
        Judged::new(reference(configuration), "its backends answer", dead.collect())
    })
    .collect()
}

fn dead(configuration: &Value, webhook: &Value, view: &View<'_>) -> Option<Diagnosis> {
    let service = webhook.pointer("/clientConfig/service")?;
    let (home, backend) = (text(service, "/namespace"), text(service, "/name"));
    if view.ready_endpoints(home, backend)? > 0 {
        return None;
    }
    let ignores = text(webhook, "/failurePolicy") == "Ignore";
    let then = if ignores { "it is passed over" } else { "what it guards cannot be written" };
    let message = format!("webhook {} does not answer, so {then}", text(webhook, "/name"));
    let new = Diagnosis::new(1007, reference(configuration), message)
        .certainty(Certainty::Likely)
        .seen(format!("Service {home}/{backend} has no ready endpoint"))
        .seen(format!("of {} {}", text(configuration, "/kind"), name(configuration)));
    Some(if ignores { new.class(Class::Advice) } else { new })
}

//! Admission webhooks whose backend does not answer, and that must be asked about objects of the release.

use std::collections::BTreeMap;

use lucid_object::{Finding, LabelSelector, Object, ObjectRef, ObjectSet};
use serde_json::Value;

use super::ground::{Ground, items, text};

const GROUP: &str = "admissionregistration.k8s.io";
const SLICES: &str = "discovery.k8s.io";

pub(super) fn check(objects: &ObjectSet, ground: &Ground<'_>) -> Vec<Finding> {
    let kinds = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"];
    let all = kinds.into_iter().flat_map(|kind| ground.list(GROUP, kind, None).unwrap_or_default());
    all.flat_map(|configuration| {
        items(configuration, "/webhooks").filter_map(move |webhook| dead(configuration, webhook, objects, ground))
    })
    .collect()
}

fn dead(configuration: &Value, webhook: &Value, objects: &ObjectSet, ground: &Ground<'_>) -> Option<Finding> {
    let service = webhook.pointer("/clientConfig/service")?;
    let (home, backend) = (text(service, "/namespace"), text(service, "/name"));
    let comes_along = objects.get(&ObjectRef::new("", "Service", Some(home), backend)).is_some();
    if text(webhook, "/failurePolicy") == "Ignore" || comes_along || answers(home, backend, ground)? {
        return None;
    }
    let guarded: Vec<&Object> = objects.iter().filter(|object| guards(webhook, object, ground)).collect();
    let first = guarded.first()?;
    let message = format!(
        "webhook {} does not answer, and must be asked about {} object{} of the release, such as {}",
        text(webhook, "/name"),
        guarded.len(),
        if guarded.len() == 1 { "" } else { "s" },
        first.reference()
    );
    let finding = Finding::error(1007, message).on(first.reference()).at(first.position(""));
    Some(
        finding
            .seen(format!("Service {home}/{backend} has no ready endpoint"))
            .seen(format!("of {} {}", text(configuration, "/kind"), text(configuration, "/metadata/name")))
            .help("repair the workload behind that Service, or remove the webhook if nobody needs it any more"),
    )
}

/// `None` when the endpoints could not be listed.
fn answers(home: &str, backend: &str, ground: &Ground<'_>) -> Option<bool> {
    let slices = ground.list(SLICES, "EndpointSlice", Some(home))?;
    let own = slices.into_iter().filter(|slice| {
        slice.pointer("/metadata/labels").is_some_and(|labels| labels["kubernetes.io/service-name"] == backend)
    });
    let mut endpoints = own.flat_map(|slice| items(slice, "/endpoints"));
    Some(endpoints.any(|endpoint| endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false))))
}

/// By its rules and its selectors. The plural is a guess from the kind, as good as every built-in one needs.
fn guards(webhook: &Value, object: &Object, ground: &Ground<'_>) -> bool {
    let kind = object.kind().to_lowercase();
    let names = |list: &Value, pointer: &str, wanted: &dyn Fn(&str) -> bool| {
        items(list, pointer).filter_map(Value::as_str).any(|one| one == "*" || wanted(one))
    };
    let plural = |one: &str| {
        one == "*/*"
            || one == format!("{kind}s")
            || one == format!("{kind}es")
            || kind.strip_suffix('y').is_some_and(|stem| one == format!("{stem}ies"))
    };
    let by_rule = items(webhook, "/rules").any(|rule| {
        names(rule, "/apiGroups", &|group| group == object.group())
            && names(rule, "/resources", &plural)
            && names(rule, "/operations", &|operation| matches!(operation, "CREATE" | "UPDATE"))
    });
    by_rule && selects(webhook.get("objectSelector"), &object.labels()) && in_namespace(webhook, object, ground)
}

fn selects(selector: Option<&Value>, labels: &BTreeMap<String, String>) -> bool {
    selector.and_then(LabelSelector::from_value).is_none_or(|selector| selector.matches(labels))
}

fn in_namespace(webhook: &Value, object: &Object, ground: &Ground<'_>) -> bool {
    let Some(namespace) = object.namespace() else { return true };
    let all = ground.list("", "Namespace", None).unwrap_or_default();
    let live = all.into_iter().find(|live| text(live, "/metadata/name") == namespace);
    let mut labels = live.map(|live| Object::new(live.clone()).labels()).unwrap_or_default();
    labels.insert("kubernetes.io/metadata.name".into(), namespace.to_owned());
    selects(webhook.get("namespaceSelector"), &labels)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::foresee::ground::tests::{check, deployment, inside, wide};

    fn webhook(rest: Value) -> Value {
        let mut hook = json!({"name": "v.example", "clientConfig": {"service": {"namespace": "shop", "name": "hook"}},
            "rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "operations": ["CREATE"]}]});
        for (key, value) in rest.as_object().unwrap() {
            hook[key] = value.clone();
        }
        wide("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "guard", json!({"webhooks": [hook]}))
    }

    #[test]
    fn a_dead_guard_of_what_is_ours() {
        let ours = [deployment(json!({}))];
        let said = [
            "E1007 webhook v.example does not answer, and must be asked about 1 object of the release, such as Deployment shop/api",
        ];
        check(&ours, &[webhook(json!({}))], &said);
        check(&ours, &[webhook(json!({"failurePolicy": "Ignore"}))], &[]);
        check(
            &ours,
            &[webhook(json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "operations": ["*"]}]}))],
            &[],
        );
        check(&ours, &[webhook(json!({"namespaceSelector": {"matchLabels": {"guarded": "yes"}}}))], &[]);
        check(&ours, &[webhook(json!({"objectSelector": {"matchLabels": {"guarded": "yes"}}}))], &[]);
        let slice = |ready: bool| {
            let mut slice = inside(
                "EndpointSlice",
                "hook-1",
                json!({"metadata": {"labels": {"kubernetes.io/service-name": "hook"}},
                "endpoints": [{"conditions": {"ready": ready}}]}),
            );
            slice["apiVersion"] = "discovery.k8s.io/v1".into();
            slice
        };
        check(&ours, &[webhook(json!({})), slice(true)], &[]);
        check(&ours, &[webhook(json!({})), slice(false)], &said);
        // Its Service comes with the release.
        check(&[deployment(json!({})), inside("Service", "hook", json!({}))], &[webhook(json!({}))], &[]);
    }
}

//! Classes that are named and are not there: of Ingresses, priorities and runtimes.

use lucid_object::{Finding, Object, ObjectSet};
use lucid_release::load::nearest;
use serde_json::Value;

use super::ground::{Ground, in_pod, text};

const CLASSES: [(&str, &str, &str); 2] =
    [("scheduling.k8s.io", "PriorityClass", "priorityClassName"), ("node.k8s.io", "RuntimeClass", "runtimeClassName")];

pub(super) fn check(objects: &ObjectSet, ground: &Ground<'_>) -> Vec<Finding> {
    let of_pods = objects.iter().flat_map(|object| {
        CLASSES.into_iter().filter_map(move |(group, kind, field)| {
            let name = object.pod_spec()?.get(field)?.as_str()?;
            missing(objects, ground, object, [group, kind, name], 2002, &in_pod(object, &format!("/{field}")))
        })
    });
    let of_ingresses = objects.iter().filter(|object| object.kind() == "Ingress").filter_map(|object| {
        let name = object.value().pointer("/spec/ingressClassName")?.as_str()?;
        missing(objects, ground, object, ["networking.k8s.io", "IngressClass", name], 5205, "/spec/ingressClassName")
    });
    of_pods.chain(of_ingresses).collect()
}

fn missing(
    objects: &ObjectSet,
    ground: &Ground<'_>,
    object: &Object,
    [group, kind, name]: [&str; 3],
    code: u16,
    pointer: &str,
) -> Option<Finding> {
    // The two that every cluster has.
    if name.starts_with("system-") && kind == "PriorityClass" || !ground.lacks(objects, group, kind, name)? {
        return None;
    }
    let there: Vec<&Value> = ground.list(group, kind, None)?;
    let names: Vec<&str> = there.iter().map(|object| text(object, "/metadata/name")).collect();
    let list = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let help =
        nearest(name, names.iter().copied()).unwrap_or_else(|| format!("create it, or name one that is there: {list}"));
    let message =
        format!("{} names {kind} {name}, which is neither in the release nor in the cluster", object.reference());
    Some(Finding::error(code, message).on(object.reference()).at(object.position(pointer)).help(help))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::foresee::ground::tests::{check, deployment, wide};

    #[test]
    fn a_class_that_is_not_there_is_named() {
        let high = wide("scheduling.k8s.io/v1", "PriorityClass", "high", json!({}));
        let uses = |name: &str| deployment(json!({"priorityClassName": name}));
        check(
            &[uses("hihg")],
            std::slice::from_ref(&high),
            &["E2002 Deployment shop/api names PriorityClass hihg, which is neither in the release nor in the cluster"],
        );
        check(&[uses("high")], std::slice::from_ref(&high), &[]);
        check(&[uses("high"), high], &[], &[]);
        check(&[uses("system-cluster-critical")], &[], &[]);
        let ingress = wide("networking.k8s.io/v1", "Ingress", "door", json!({"spec": {"ingressClassName": "nginx"}}));
        check(
            std::slice::from_ref(&ingress),
            &[],
            &["E5205 Ingress door names IngressClass nginx, which is neither in the release nor in the cluster"],
        );
        check(&[ingress], &[wide("networking.k8s.io/v1", "IngressClass", "nginx", json!({}))], &[]);
    }
}

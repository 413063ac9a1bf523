//! NetworkPolicies: pods behind them, namespaces that they mean, and names that pods can still resolve.

use lucid_object::{Finding, LabelSelector, Object};
use serde_json::Value;

use super::scene::{Scene, list, shown, text};

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let policies: Vec<&Object> = scene.of("networking.k8s.io", "NetworkPolicy").collect();
    for policy in &policies {
        found.extend(selects_nothing(scene, policy));
        for direction in ["ingress", "egress"] {
            let side = if direction == "ingress" { "from" } else { "to" };
            for (rule, value) in list(policy.value(), &format!("/spec/{direction}")) {
                for (peer, value) in list(value, &format!("/{side}")) {
                    found.extend(peer_finding(scene, policy, &format!("{rule}{peer}"), value));
                }
            }
        }
    }
    names(scene, &policies, found);
}

fn selects_nothing(scene: &Scene<'_>, policy: &Object) -> Option<Finding> {
    let selector = policy.value().pointer("/spec/podSelector").and_then(LabelSelector::from_value)?;
    if selector.is_empty() || scene.selected(policy.namespace(), &selector).next().is_some() {
        return None;
    }
    let message = format!(
        "{} selects no pod of the release ({}): the isolation that it describes does not exist",
        policy.reference(),
        shown(&selector)
    );
    let finding = match scene.may_have_other_pods(policy.namespace()) {
        true => Finding::warning(8203, message),
        false => Finding::error(8203, message),
    };
    let help = match scene.nearest_labels(policy.namespace(), &selector) {
        Some(near) => format!("make `podSelector` equal to the pods' labels: {near}"),
        None => "make `podSelector` equal to the labels of the pods, or remove the policy".into(),
    };
    Some(finding.on(policy.reference()).at(policy.position("/spec/podSelector")).help(help))
}

fn peer_finding(scene: &Scene<'_>, policy: &Object, pointer: &str, peer: &Value) -> Option<Finding> {
    let namespaces = peer.get("namespaceSelector").and_then(LabelSelector::from_value);
    let pods = peer.get("podSelector").and_then(LabelSelector::from_value).filter(|pods| !pods.is_empty());
    match (namespaces, pods) {
        (Some(namespaces), pods) if !namespaces.is_empty() => {
            let known: Vec<&Object> = scene.of("", "Namespace").filter(|ns| fits(&namespaces, ns)).collect();
            match (known.is_empty(), pods) {
                (true, _) => no_namespace(scene, policy, &format!("{pointer}/namespaceSelector"), &namespaces),
                (false, Some(pods)) => {
                    let names: Vec<&str> = known.iter().map(|ns| ns.name()).collect();
                    no_peer(scene, policy, &format!("{pointer}/podSelector"), &pods, &names)
                }
                (false, None) => None,
            }
        }
        (None, Some(pods)) => {
            no_peer(scene, policy, &format!("{pointer}/podSelector"), &pods, &[policy.namespace().unwrap_or_default()])
        }
        _ => None,
    }
}

/// The API server labels every namespace with its name.
fn fits(selector: &LabelSelector, namespace: &Object) -> bool {
    let mut labels = namespace.labels();
    labels.insert("kubernetes.io/metadata.name".into(), namespace.name().into());
    selector.matches(&labels)
}

/// A namespace by name is the cluster's business; a label that nobody in the release has is suspicious.
fn no_namespace(scene: &Scene<'_>, policy: &Object, pointer: &str, selector: &LabelSelector) -> Option<Finding> {
    let by_name = |requirement: &lucid_object::Requirement| matches!(requirement, lucid_object::Requirement::In(key, _) if key == "kubernetes.io/metadata.name");
    if scene.of("", "Namespace").next().is_none() || selector.requirements.iter().any(by_name) {
        return None;
    }
    let message = format!(
        "{} means namespaces with {}, and no namespace of the release has that",
        policy.reference(),
        shown(selector)
    );
    let finding = Finding::warning(8204, message).on(policy.reference()).at(policy.position(pointer));
    Some(finding.help("use `kubernetes.io/metadata.name`, which every namespace has, or label the namespace"))
}

fn no_peer(
    scene: &Scene<'_>,
    policy: &Object,
    pointer: &str,
    selector: &LabelSelector,
    namespaces: &[&str],
) -> Option<Finding> {
    let is_there = |namespace: &&str| {
        scene.selected(Some(namespace), selector).next().is_some()
            || scene.may_have_other_pods(Some(namespace))
            || !scene.uses_namespace(namespace)
    };
    if namespaces.iter().any(is_there) {
        return None;
    }
    let message = format!(
        "{} allows pods with {}, and there are none in {}",
        policy.reference(),
        shown(selector),
        namespaces.join(", ")
    );
    let finding = Finding::warning(8203, message).on(policy.reference()).at(policy.position(pointer));
    let near = namespaces.iter().find_map(|namespace| scene.nearest_labels(Some(namespace), selector));
    Some(finding.help(near.unwrap_or_else(|| "the rule allows nobody: correct its labels, or remove it".into())))
}

/// Pods whose egress is restricted need a rule for DNS, or no name resolves.
fn names(scene: &Scene<'_>, policies: &[&Object], found: &mut Vec<Finding>) {
    for (maker, labels) in &scene.makers {
        let on_host = maker.pod_spec().is_some_and(|spec| spec["hostNetwork"] == true);
        let mine: Vec<&&Object> = policies
            .iter()
            .filter(|policy| policy.namespace() == maker.namespace() && restricts_egress(policy))
            .filter(|policy| {
                let selector = policy.value().pointer("/spec/podSelector").and_then(LabelSelector::from_value);
                selector.unwrap_or_default().matches(labels)
            })
            .collect();
        if on_host || mine.is_empty() || mine.iter().any(|policy| allows_dns(policy)) {
            continue;
        }
        let message = format!("no NetworkPolicy lets {} ask the cluster's DNS", maker.reference());
        let finding = Finding::warning(5213, message).on(maker.reference()).at(mine[0].position("/spec"));
        let finding = finding.seen(format!("{} restricts what its pods may connect to", mine[0].reference()));
        found.push(finding.help("allow egress to kube-system on port 53, UDP and TCP"));
    }
}

fn restricts_egress(policy: &Object) -> bool {
    match policy.value().pointer("/spec/policyTypes").and_then(Value::as_array) {
        Some(types) => types.iter().any(|one| one == "Egress"),
        None => policy.value().pointer("/spec/egress").is_some(),
    }
}

fn allows_dns(policy: &Object) -> bool {
    list(policy.value(), "/spec/egress").any(|(_, rule)| {
        let ports = rule.get("ports").and_then(Value::as_array).filter(|ports| !ports.is_empty());
        ports.is_none_or(|ports| ports.iter().any(is_dns))
    })
}

fn is_dns(port: &Value) -> bool {
    let number = port.get("port").and_then(Value::as_i64);
    let last = port.get("endPort").and_then(Value::as_i64);
    let covers = match (port.get("port"), number, last) {
        (None, ..) => true,
        (Some(name), None, _) => name.as_str().is_some_and(|name| name.starts_with("dns")),
        // CoreDNS may listen elsewhere behind its Service: rules that name its own port count too.
        (_, Some(from), Some(to)) => from <= 53 && 53 <= to,
        (_, Some(number), None) => matches!(number, 53 | 5353 | 8053 | 1053),
    };
    covers && text(port, "protocol").unwrap_or("TCP") == "UDP"
}

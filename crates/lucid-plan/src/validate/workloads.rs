//! Workloads: selectors that fit their own pods and nobody else's, and the Service of a StatefulSet.

use lucid_object::{Finding, LabelSelector, Object};
use lucid_release::load::nearest;

use super::scene::{Scene, shown};

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let selectors: Vec<(&Object, LabelSelector)> =
        scene.makers.iter().filter_map(|(maker, _)| Some((*maker, selector_of(maker)?))).collect();
    for (index, (maker, selector)) in selectors.iter().enumerate() {
        let labels = maker.pod_labels().unwrap_or_default();
        if !selector.matches(&labels) {
            found.push(not_its_own(maker, selector));
            continue;
        }
        let others = selectors[index + 1..].iter().filter(|(other, _)| other.namespace() == maker.namespace());
        for (other, its) in others {
            let theirs = other.pod_labels().unwrap_or_default();
            if selector.matches(&theirs) && its.matches(&theirs) || its.matches(&labels) {
                found.push(overlap(maker, other));
            }
        }
    }
    scene.of("apps", "StatefulSet").for_each(|set| found.extend(service_of(scene, set)));
}

/// The selector that a controller finds its pods by. Jobs get theirs from the server.
fn selector_of(maker: &Object) -> Option<LabelSelector> {
    match maker.kind() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => {
            let selector = LabelSelector::from_value(maker.value().pointer("/spec/selector")?)?;
            (!selector.is_empty()).then_some(selector)
        }
        "ReplicationController" => Some(LabelSelector::from_map(maker.value().pointer("/spec/selector")?)),
        _ => None,
    }
}

fn not_its_own(maker: &Object, selector: &LabelSelector) -> Finding {
    let message = format!("the selector of {} ({}) does not match its own pods", maker.reference(), shown(selector));
    let template = maker.pod_template_pointer().unwrap_or_default();
    let mut finding = Finding::error(8212, message).on(maker.reference()).at(maker.position("/spec/selector"));
    if let Some(position) = maker.position(&format!("{template}/metadata/labels")) {
        finding = finding.seen(format!("the labels of its pods are at {position}"));
    }
    finding.help("make selector and template labels equal; the selector of a workload that exists cannot change")
}

fn overlap(one: &Object, other: &Object) -> Finding {
    let message = format!("{} and {} select each other's pods", one.reference(), other.reference());
    let mut finding = Finding::error(5108, message).on(other.reference()).at(other.position("/spec/selector"));
    if let Some(position) = one.position("/spec/selector") {
        finding = finding.seen(format!("the other selector is at {position}"));
    }
    finding.help("give each its own labels: two controllers would fight over the pods")
}

fn service_of(scene: &Scene<'_>, set: &Object) -> Option<Finding> {
    let name = set.str_at("/spec/serviceName").filter(|name| !name.is_empty())?;
    let at = |finding: Finding| finding.on(set.reference()).at(set.position("/spec/serviceName"));
    let Some(service) = scene.find("", "Service", set.namespace(), name) else {
        let message = format!("{} names the Service {name}, which is not in the release", set.reference());
        let help = nearest(name, scene.names("", "Service", set.namespace()));
        let help = help.unwrap_or_else(|| "add a headless Service of this name: the pods get their names by it".into());
        return Some(at(scene.absent(5106, message)).help(help));
    };
    if service.str_at("/spec/clusterIP") == Some("None") {
        return None;
    }
    let message = format!("{} is named by {} and is not headless", service.reference(), set.reference());
    let finding = Finding::warning(5106, message).seen("only a Service with `clusterIP: None` gives each pod a name");
    Some(at(finding).help("set `clusterIP: None`, or name a headless Service"))
}

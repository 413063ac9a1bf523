//! Autoscalers: targets that are there, bounds in order, and requests to measure against.

use lucid_object::{Finding, Object};
use lucid_release::load::nearest;
use serde_json::Value;

use super::scene::{Scene, containers, list, text};

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    for scaler in scene.of("autoscaling", "HorizontalPodAutoscaler").chain(scene.of("keda.sh", "ScaledObject")) {
        found.extend(bounds(scaler));
        match target(scene, scaler) {
            Ok(Some(target)) => found.extend(measured(scaler, target)),
            Ok(None) => {}
            Err(finding) => found.push(*finding),
        }
    }
}

fn target<'a>(scene: &Scene<'a>, scaler: &Object) -> Result<Option<&'a Object>, Box<Finding>> {
    let reference = &scaler.value()["spec"]["scaleTargetRef"];
    let Some(name) = text(reference, "name") else { return Ok(None) };
    let kind = text(reference, "kind").unwrap_or("Deployment");
    let group = text(reference, "apiVersion").unwrap_or("apps/v1").rsplit_once('/').map_or("", |(group, _)| group);
    if let Some(target) = scene.find(group, kind, scaler.namespace(), name) {
        return Ok(Some(target));
    }
    let message = format!("{} scales {kind} {name}, which is not in the release", scaler.reference());
    let finding = scene.absent(5114, message).on(scaler.reference());
    let finding = finding.at(scaler.position("/spec/scaleTargetRef/name"));
    let near = nearest(name, scene.names(group, kind, scaler.namespace()));
    let other =
        scene.objects.iter().find(|o| o.name() == name && o.kind() == kind && o.namespace() == scaler.namespace());
    let help = match (near, other) {
        (_, Some(other)) => format!("its apiVersion is {}", other.gvk().api_version()),
        (Some(near), None) => near,
        (None, None) => "correct `scaleTargetRef`, or remove the autoscaler".into(),
    };
    Err(Box::new(finding.help(help)))
}

fn bounds(scaler: &Object) -> Option<Finding> {
    let number = |fields: [&str; 2]| fields.iter().find_map(|field| scaler.value().pointer(field)?.as_i64());
    let least = number(["/spec/minReplicas", "/spec/minReplicaCount"])?;
    let most = number(["/spec/maxReplicas", "/spec/maxReplicaCount"])?;
    if least <= most {
        return None;
    }
    let message = format!("{} wants at least {least} and at most {most} replicas", scaler.reference());
    let finding = Finding::error(1021, message).on(scaler.reference()).at(scaler.position("/spec/maxReplicas"));
    Some(finding.help("raise the upper bound, or lower the other"))
}

/// A percentage is one of the requests: without them nothing can be measured.
fn measured(scaler: &Object, target: &Object) -> Option<Finding> {
    let spec = target.pod_spec()?;
    let metrics = list(scaler.value(), "/spec/metrics").filter_map(|(pointer, metric)| {
        let resource = metric.get("resource")?;
        resource.pointer("/target/averageUtilization")?;
        Some((pointer, text(resource, "name")?.to_owned()))
    });
    let old = scaler.value().pointer("/spec/targetCPUUtilizationPercentage");
    let old = old.map(|_| ("/spec/targetCPUUtilizationPercentage".to_owned(), "cpu".to_owned()));
    for (pointer, resource) in metrics.chain(old) {
        let lacks = |container: &Value| {
            let set = |list: &str| {
                container.pointer(&format!("/resources/{list}")).is_some_and(|all| all.get(&resource).is_some())
            };
            !set("requests") && !set("limits")
        };
        let running = containers(spec).filter(|(pointer, container)| {
            pointer.starts_with("/containers/") || text(container, "restartPolicy") == Some("Always")
        });
        let names: Vec<&str> = running.filter(|(_, c)| lacks(c)).filter_map(|(_, c)| text(c, "name")).collect();
        if names.is_empty() {
            continue;
        }
        let message = format!(
            "{} goes by a percentage of the {resource} request, and {} of {} requests none",
            scaler.reference(),
            names.join(", "),
            target.reference().short()
        );
        let finding = Finding::warning(5112, message).on(scaler.reference()).at(scaler.position(&pointer));
        return Some(finding.help(format!("set `resources.requests.{resource}` on every container")));
    }
    None
}

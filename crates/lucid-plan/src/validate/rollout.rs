//! Rolling updates that can never finish: a second pod wants what only one can have.

use lucid_object::{Finding, Object};
use serde_json::Value;

use super::scene::{Scene, list, text};

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    for workload in scene.of("apps", "Deployment").filter(|workload| surges(workload)) {
        let Some(spec) = workload.pod_spec() else { continue };
        found.extend(claim(scene, workload, spec));
        found.extend(host_port(workload, spec));
    }
}

/// New pods come before old ones go.
fn surges(workload: &Object) -> bool {
    let strategy = &workload.value()["spec"]["strategy"];
    let is_none = |value: &Value| value == 0 || value == "0%" || value == "0";
    strategy["type"] != "Recreate" && !strategy.pointer("/rollingUpdate/maxSurge").is_some_and(is_none)
}

fn claim(scene: &Scene<'_>, workload: &Object, spec: &Value) -> Option<Finding> {
    for (pointer, volume) in list(spec, "/volumes") {
        let Some(name) = volume.pointer("/persistentVolumeClaim/claimName").and_then(Value::as_str) else { continue };
        let Some(claim) = scene.find("", "PersistentVolumeClaim", workload.namespace(), name) else { continue };
        let modes: Vec<&str> = list(claim.value(), "/spec/accessModes").filter_map(|(_, mode)| mode.as_str()).collect();
        if modes.is_empty() || modes.iter().any(|mode| matches!(*mode, "ReadWriteMany" | "ReadOnlyMany")) {
            continue;
        }
        let message = format!(
            "{} starts a new pod before the old one goes, and {} ({}) can be used on one node only",
            workload.reference(),
            claim.reference(),
            modes.join(", ")
        );
        let place = workload.position(&format!("/spec/template/spec{pointer}/persistentVolumeClaim"));
        let finding = Finding::warning(5109, message).on(workload.reference()).at(place);
        return Some(finding.help("use `strategy: {type: Recreate}`, `maxSurge: 0`, or a StatefulSet"));
    }
    None
}

fn host_port(workload: &Object, spec: &Value) -> Option<Finding> {
    for (container, value) in list(spec, "/containers") {
        for (pointer, port) in list(value, "/ports") {
            let Some(number) = port.get("hostPort").and_then(Value::as_i64).filter(|number| *number > 0) else {
                continue;
            };
            let protocol = text(port, "protocol").unwrap_or("TCP");
            let message = format!(
                "{} starts a new pod before the old one goes, and both want {protocol} port {number} of their node",
                workload.reference()
            );
            let place = workload.position(&format!("/spec/template/spec{container}{pointer}/hostPort"));
            let finding = Finding::warning(5109, message).on(workload.reference()).at(place);
            return Some(finding.help("set `maxSurge: 0`, or leave `hostPort` out"));
        }
    }
    None
}

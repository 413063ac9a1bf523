//! Pods: volumes that are mounted and not there, and probes of ports that have no such name.

use std::collections::BTreeSet;

use lucid_object::{Finding, Object};
use lucid_release::load::nearest;
use serde_json::Value;

use super::scene::{Scene, containers, list, spec_pointer, text};

const PROBES: [(&str, &str); 5] = [
    ("startupProbe", "/startupProbe"),
    ("readinessProbe", "/readinessProbe"),
    ("livenessProbe", "/livenessProbe"),
    ("preStop", "/lifecycle/preStop"),
    ("postStart", "/lifecycle/postStart"),
];

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    for (maker, _) in &scene.makers {
        let spec = maker.pod_spec().expect("it makes pods");
        let volumes: BTreeSet<&str> = list(spec, "/volumes")
            .filter_map(|(_, volume)| text(volume, "name"))
            .chain(claims(maker).filter_map(|claim| claim.pointer("/metadata/name")?.as_str()))
            .collect();
        for (pointer, container) in containers(spec) {
            mounts(maker, &pointer, container, &volumes, found);
            probes(maker, &pointer, container, found);
        }
        found.extend(priority(scene, maker, spec));
    }
}

fn claims(maker: &Object) -> impl Iterator<Item = &Value> {
    list(maker.value(), "/spec/volumeClaimTemplates").map(|(_, claim)| claim)
}

fn mounts(maker: &Object, at: &str, container: &Value, volumes: &BTreeSet<&str>, found: &mut Vec<Finding>) {
    let devices = list(container, "/volumeDevices");
    for (pointer, mount) in list(container, "/volumeMounts").chain(devices) {
        let Some(name) = text(mount, "name").filter(|name| !volumes.contains(name)) else { continue };
        let message = format!("{} mounts the volume {name}, which it does not have", maker.reference());
        let place = maker.position(&format!("{}{at}{pointer}/name", spec_pointer(maker)));
        let help = nearest(name, volumes.iter().copied()).unwrap_or_else(|| "add it to `volumes`".into());
        found.push(Finding::error(1021, message).on(maker.reference()).at(place).help(help));
    }
}

fn probes(maker: &Object, at: &str, container: &Value, found: &mut Vec<Finding>) {
    let names: Vec<&str> = list(container, "/ports").filter_map(|(_, port)| text(port, "name")).collect();
    for (what, pointer) in PROBES {
        for handler in ["httpGet", "tcpSocket"] {
            let below = format!("{pointer}/{handler}/port");
            let Some(port) = container.pointer(&below).and_then(Value::as_str) else { continue };
            if names.contains(&port) || port.parse::<u16>().is_ok() {
                continue;
            }
            let container = text(container, "name").unwrap_or_default();
            let message =
                format!("the {what} of {container} in {} asks port {port}, which it does not have", maker.reference());
            let place = maker.position(&format!("{}{at}{below}", spec_pointer(maker)));
            let help = nearest(port, names.iter().copied());
            let help = help.unwrap_or_else(|| "name the port in `ports`, or use its number".into());
            found.push(Finding::error(5007, message).on(maker.reference()).at(place).help(help));
        }
    }
}

fn priority(scene: &Scene<'_>, maker: &Object, spec: &Value) -> Option<Finding> {
    let name = text(spec, "priorityClassName").filter(|name| !name.is_empty() && !name.starts_with("system-"))?;
    if scene.find("scheduling.k8s.io", "PriorityClass", None, name).is_some() {
        return None;
    }
    let message = format!("{} uses the PriorityClass {name}, which is not in the release", maker.reference());
    let near = nearest(name, scene.names("scheduling.k8s.io", "PriorityClass", None));
    let finding = Finding::warning(2002, message).on(maker.reference());
    let finding = finding.at(maker.position(&format!("{}/priorityClassName", spec_pointer(maker))));
    Some(finding.help(near.unwrap_or_else(|| "add it, or see to it that the cluster has it".into())))
}

//! Pods and templates.

use std::collections::{BTreeMap, BTreeSet};

use lucid_object::Quantity;
use serde_json::Value;

use super::address;
use crate::json::Json;

/// `at` is the path with its dot, empty for a pod itself.
pub(super) fn check(at: &str, pod: &Value, out: &mut Vec<String>) {
    let spec = pod.at("spec");
    nodes(at, spec, out);
    annotations(at, pod, out);
    volumes(at, spec, out);
    repeated(at, spec, out);
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let all = || {
        lists.into_iter().flat_map(|list| {
            let containers = spec.list(list).iter().enumerate();
            containers.map(move |(index, container)| (format!("{at}spec.{list}[{index}]"), container))
        })
    };
    for (at, container) in all() {
        for list in ["limits", "requests"] {
            for resource in ["memory", "ephemeral-storage"] {
                let value = container.at(&format!("resources/{list}/{resource}"));
                fraction(&format!("{at}.resources.{list}[{resource}]"), value, out);
            }
        }
        environment(&at, container, out);
    }
    ports(all(), out);
    if spec.int("terminationGracePeriodSeconds") < 0 {
        out.push(format!(
            "{at}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"
        ));
    }
    affinity(at, spec, out);
    for (index, server) in spec.list("dnsConfig/nameservers").iter().enumerate() {
        out.extend(address(&format!("{at}spec.dnsConfig.nameservers[{index}]"), server.as_str().unwrap_or("")));
    }
    for (index, alias) in spec.list("hostAliases").iter().enumerate() {
        out.extend(address(&format!("{at}spec.hostAliases[{index}].ip"), alias.str("ip")));
    }
}

const OLD_LABELS: [(&str, &str); 8] = [
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    ("failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"),
    ("beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    ("scheduler.alpha.kubernetes.io/preferAvoidPods", "deprecated since v1.22; use Taints and Tolerations instead"),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
];

fn nodes(at: &str, spec: &Value, out: &mut Vec<String>) {
    let old = |key: &str| OLD_LABELS.iter().find(|(label, _)| *label == key).map(|(_, why)| *why);
    for key in spec.map("nodeSelector").into_iter().flatten().map(|(key, _)| key) {
        if let Some(why) = old(key) {
            out.push(format!("{at}spec.nodeSelector[{key}]: {why}"));
        }
    }
    for (index, spread) in spec.list("topologySpreadConstraints").iter().enumerate() {
        let here = format!("{at}spec.topologySpreadConstraints[{index}]");
        let key = spread.str("topologyKey");
        if let Some(why) = old(key) {
            out.push(format!("{here}.topologyKey: {key} is {why}"));
        }
        if !spread.has("labelSelector") {
            out.push(format!("{here}.labelSelector: a null labelSelector results in matching no pod"));
        }
    }
}

fn annotations(at: &str, pod: &Value, out: &mut Vec<String>) {
    let old = [
        ("scheduler.alpha.kubernetes.io/critical-pod", "v1.16+; use the \"priorityClassName\" field"),
        ("security.alpha.kubernetes.io/sysctls", "v1.11+; use the \"sysctls\" field"),
        ("security.alpha.kubernetes.io/unsafe-sysctls", "v1.11+; use the \"sysctls\" field"),
    ];
    let noted = pod.strings("metadata/annotations");
    for (key, why) in old.into_iter().filter(|(key, _)| noted.contains_key(*key)) {
        out.push(format!("{at}metadata.annotations[{key}]: non-functional in {why} instead"));
    }
    let key = "seccomp.security.alpha.kubernetes.io/pod";
    if noted.contains_key(key) && !pod.has("spec/securityContext/seccompProfile") {
        let why = "non-functional in v1.27+; use the \"seccompProfile\" field instead";
        out.push(format!("{at}metadata.annotations[{key}]: {why}"));
    }
}

fn volumes(at: &str, spec: &Value, out: &mut Vec<String>) {
    let old = [
        ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
        ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
        ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
        ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
        ("storageOS", "deprecated in v1.22, non-functional in v1.25+"),
        ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
        ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
        ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ];
    for (index, volume) in spec.list("volumes").iter().enumerate() {
        for (field, why) in old.into_iter().filter(|(field, _)| volume.has(field)) {
            out.push(format!("{at}spec.volumes[{index}].{field}: {why}"));
        }
        let template = volume.at("ephemeral/volumeClaimTemplate/spec");
        claim(&format!("{at}spec.volumes[{index}].ephemeral.volumeClaimTemplate.spec"), template, out);
    }
}

/// Claims ask for whole bytes.
pub(super) fn claim(at: &str, spec: &Value, out: &mut Vec<String>) {
    for list in ["requests", "limits"] {
        let value = spec.at(&format!("resources/{list}/storage"));
        fraction(&format!("{at}.resources.{list}[storage]"), value, out);
    }
}

fn fraction(at: &str, value: &Value, out: &mut Vec<String>) {
    let text = value.as_str().unwrap_or("");
    if Quantity::parse(text).is_some_and(|quantity| quantity.milli() % 1000 != 0) {
        out.push(format!("{at}: fractional byte value {text:?} is invalid, must be an integer"));
    }
}

fn repeated(at: &str, spec: &Value, out: &mut Vec<String>) {
    for (list, field) in [("hostAliases", "ip"), ("imagePullSecrets", "name")] {
        let mut seen = BTreeSet::new();
        for (index, item) in spec.list(list).iter().enumerate() {
            let value = item.str(field);
            if !seen.insert(value) {
                out.push(format!("{at}spec.{list}[{index}].{field}: duplicate {field} {value:?}"));
            }
        }
    }
    for (index, _) in spec.list("imagePullSecrets").iter().enumerate().filter(|(_, item)| item.str("name").is_empty()) {
        out.push(format!("{at}spec.imagePullSecrets[{index}].name: invalid empty name \"\""));
    }
}

fn environment(at: &str, container: &Value, out: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (index, variable) in container.list("env").iter().enumerate() {
        let name = variable.str("name");
        let (value, reference) = (variable.str("value"), format!("$({name})"));
        let hides = variable.has("valueFrom") || value == reference || !value.contains(&reference);
        if !seen.insert(name) && hides {
            let why = "which may be dropped when using apply";
            out.push(format!("{at}.env[{index}]: hides previous definition of {name:?}, {why}"));
        }
    }
}

fn ports<'v>(containers: impl Iterator<Item = (String, &'v Value)>, out: &mut Vec<String>) {
    let mut numbers: BTreeMap<(i64, &str), Vec<(String, &Value)>> = BTreeMap::new();
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    let mut told = Vec::new();
    for (at, container) in containers {
        for (index, port) in container.list("ports").iter().enumerate() {
            let here = format!("{at}.ports[{index}]");
            let others = numbers.entry((port.int("containerPort"), port.str("protocol"))).or_default();
            for (other, held) in others.iter() {
                let same = |field: &str| held.at(field) == port.at(field);
                let loose = held.int("hostPort") == 0 || port.int("hostPort") == 0;
                let one_host = held.str("hostIP").is_empty() != port.str("hostIP").is_empty();
                let how = match (same("hostIP") && same("hostPort"), loose) {
                    (true, _) => "duplicate",
                    (_, true) => "overlapping",
                    _ if same("hostPort") && one_host => "dangerously ambiguous",
                    _ => continue,
                };
                out.push(format!("{here}: {how} port definition with {other}"));
            }
            others.push((here.clone(), port));
            let name = port.str("name");
            match names.get(name) {
                Some(other) if !name.is_empty() => told.push(format!(
                    "{here}: duplicate port name {name:?} with {other}, services and probes that select ports by name will use {other}"
                )),
                _ => drop(names.insert(name, here)),
            }
        }
    }
    out.extend(told);
}

fn affinity(at: &str, spec: &Value, out: &mut Vec<String>) {
    let why = "a null labelSelector results in matching no pod";
    for which in ["podAffinity", "podAntiAffinity"] {
        let held = spec.at("affinity").at(which);
        let required = "requiredDuringSchedulingIgnoredDuringExecution";
        for (index, _) in held.list(required).iter().enumerate().filter(|(_, term)| !term.has("labelSelector")) {
            out.push(format!("{at}spec.affinity.{which}.{required}[{index}].labelSelector: {why}"));
        }
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
        let without = |(_, term): &(usize, &Value)| !term.has("podAffinityTerm/labelSelector");
        for (index, _) in held.list(preferred).iter().enumerate().filter(without) {
            out.push(format!("{at}spec.affinity.{which}.{preferred}[{index}].podAffinityTerm.labelSelector: {why}"));
        }
    }
}

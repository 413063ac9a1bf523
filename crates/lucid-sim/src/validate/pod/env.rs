//! Environment variables and where their values come from.

use serde_json::Value;

use super::super::field::{At, Problems};
use super::super::text;
use super::container::no_way_up;
use crate::json::Json;

const VARIABLE_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
pub(super) const VOLUME_FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

pub(super) fn check(variables: &[Value], at: &At, problems: &mut Problems) {
    for (index, variable) in variables.iter().enumerate() {
        let here = at.index(index);
        let name = variable.str("name");
        match name {
            "" => problems.required(&here.child("name"), ""),
            _ => problems.all_invalid(&here.child("name"), &name.into(), text::variable(name)),
        }
        if variable.has("valueFrom") {
            value_from(variable, &here.child("valueFrom"), problems);
        }
    }
}

fn value_from(variable: &Value, at: &At, problems: &mut Problems) {
    let from = variable.at("valueFrom");
    let mut sources = 0;
    if from.has("fieldRef") {
        sources += 1;
        field_ref(from.at("fieldRef"), &VARIABLE_FIELDS, &at.child("fieldRef"), problems);
    }
    if from.has("resourceFieldRef") {
        sources += 1;
        resource_ref(from.at("resourceFieldRef"), false, &at.child("resourceFieldRef"), problems);
    }
    for field in ["configMapKeyRef", "secretKeyRef"] {
        if from.has(field) {
            sources += 1;
            key_ref(from.at(field), &at.child(field), problems);
        }
    }
    if from.has("fileKeyRef") {
        sources += 1;
        file_ref(from.at("fileKeyRef"), &at.child("fileKeyRef"), problems);
    }
    if sources == 0 {
        let detail =
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        problems.invalid(at, "", detail);
    } else if !variable.str("value").is_empty() {
        problems.invalid(at, "", "may not be specified when `value` is not empty");
    } else if sources > 1 {
        problems.invalid(at, "", "may not have more than one field specified at a time");
    }
}

/// Fields of the pod that can be passed on; `metadata.labels['x']` names one entry.
pub(super) fn field_ref(reference: &Value, known: &[&str], at: &At, problems: &mut Problems) {
    if reference.str("apiVersion").is_empty() {
        return problems.required(&at.child("apiVersion"), "");
    }
    let path = reference.str("fieldPath");
    if path.is_empty() {
        return problems.required(&at.child("fieldPath"), "");
    }
    if reference.str("apiVersion") != "v1" {
        let detail = format!("error converting fieldPath: unsupported pod version: {}", reference.str("apiVersion"));
        return problems.invalid(&at.child("fieldPath"), path, detail);
    }
    if let Some((base, key)) = path.strip_suffix("']").and_then(|path| path.split_once("['")) {
        match base {
            "metadata.annotations" => {
                problems.all_invalid(at, &key.to_lowercase().into(), text::qualified_name(&key.to_lowercase()))
            }
            "metadata.labels" => problems.all_invalid(at, &key.into(), text::qualified_name(key)),
            _ => {
                let detail = format!("error converting fieldPath: field label does not support subscript: {path}");
                problems.invalid(&at.child("fieldPath"), path, detail);
            }
        }
        return;
    }
    const CONVERTIBLE: [&str; 13] = [
        "metadata.annotations",
        "metadata.labels",
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.serviceAccountName",
        "spec.schedulerName",
        "status.phase",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
    ];
    if !CONVERTIBLE.contains(&path) && !matches!(path, "status.podIPs" | "spec.host") {
        let detail = format!("error converting fieldPath: field label not supported: {path}");
        return problems.invalid(&at.child("fieldPath"), path, detail);
    }
    if !known.contains(&path) {
        problems.unsupported(&at.child("fieldPath"), path, known);
    }
}

pub(super) fn resource_ref(reference: &Value, in_volume: bool, at: &At, problems: &mut Problems) {
    let resource = reference.str("resource");
    if in_volume && reference.str("containerName").is_empty() {
        problems.required(&at.child("containerName"), "");
    } else if resource.is_empty() {
        problems.required(&at.child("resource"), "");
    } else if !RESOURCES.contains(&resource)
        && !resource.starts_with("requests.hugepages-")
        && !resource.starts_with("limits.hugepages-")
    {
        problems.unsupported(&at.child("resource"), resource, &RESOURCES);
    }
    divisor(resource, reference.str("divisor"), &at.child("divisor"), problems);
}

fn divisor(resource: &str, divisor: &str, at: &At, problems: &mut Problems) {
    const SIZES: [&str; 13] = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
    if matches!(divisor, "" | "0") {
        return;
    }
    let all = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";
    let (fits, what) = match resource {
        "limits.cpu" | "requests.cpu" => {
            (matches!(divisor, "1m" | "1"), "only divisor's values 1m and 1 are supported with the cpu resource".into())
        }
        "limits.memory" | "requests.memory" => {
            (SIZES.contains(&divisor), format!("only divisor's values {all} are supported with the memory resource"))
        }
        "limits.ephemeral-storage" | "requests.ephemeral-storage" => (
            SIZES.contains(&divisor),
            format!("only divisor's values {all} are supported with the local ephemeral storage resource"),
        ),
        _ => return,
    };
    if !fits {
        problems.invalid(at, resource, what);
    }
}

fn key_ref(reference: &Value, at: &At, problems: &mut Problems) {
    let (name, key) = (reference.str("name"), reference.str("key"));
    problems.all_invalid(&at.child("name"), &name.into(), text::subdomain(name));
    match key {
        "" => problems.required(&at.child("key"), ""),
        _ => problems.all_invalid(&at.child("key"), &key.into(), text::config_key(key)),
    }
}

fn file_ref(reference: &Value, at: &At, problems: &mut Problems) {
    let (key, volume, path) = (reference.str("key"), reference.str("volumeName"), reference.str("path"));
    match key {
        "" => problems.required(&at.child("key"), ""),
        _ => problems.all_invalid(&at.child("key"), &key.into(), text::variable(key)),
    }
    match volume {
        "" => problems.required(&at.child("volumeName"), ""),
        _ => problems.all_invalid(&at.child("volumeName"), &volume.into(), text::label(volume)),
    }
    match path {
        "" => problems.required(&at.child("path"), ""),
        _ => no_way_up(path, &at.child("path"), problems),
    }
}

pub(super) fn check_from(sources: &[Value], at: &At, problems: &mut Problems) {
    for (index, source) in sources.iter().enumerate() {
        let here = at.index(index);
        let prefix = source.str("prefix");
        if !prefix.is_empty() {
            problems.all_invalid(&here.child("prefix"), &prefix.into(), text::variable(prefix));
        }
        let mut count = 0;
        for field in ["configMapRef", "secretRef"] {
            if source.has(field) {
                count += 1;
                let (name, at) = (source.str(&format!("{field}/name")), here.child(field).child("name"));
                match name {
                    "" => problems.required(&at, ""),
                    _ => problems.all_invalid(&at, &name.into(), text::subdomain(name)),
                }
            }
        }
        match count {
            0 => problems.invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"),
            1 => {}
            _ => problems.invalid(at, "", "may not have more than one field specified at a time"),
        }
    }
}

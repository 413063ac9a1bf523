//! Pod specs, in pods and in templates.
//!
//! Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go, as are the words of the modules below.

mod container;
mod env;
mod probe;
mod resources;
mod scheduling;
mod security;
mod update;
mod volume;

use std::collections::BTreeSet;

use serde_json::Value;

use super::field::{At, Problems};
use super::{address, meta, text};
use crate::json::Json;

pub(super) use update::update;

/// A pod's spec besides its metadata.
pub(super) fn pod(object: &Value, problems: &mut Problems) {
    let at = At::new("spec");
    spec(object.at("spec"), &at, true, problems);
    for list in ["containers", "initContainers"] {
        for (index, container) in object.at("spec").list(list).iter().enumerate() {
            let image = container.str("image");
            if image.trim() != image {
                let at = at.child(list).index(index).child("image");
                problems.invalid(&at, image, "must not have leading or trailing whitespace");
            }
        }
    }
    problems.not_negative(&at.child("terminationGracePeriodSeconds"), object.at("spec/terminationGracePeriodSeconds"));
}

pub(super) fn created(object: &Value, problems: &mut Problems) {
    let at = At::new("spec");
    if !object.list("spec/ephemeralContainers").is_empty() {
        problems.forbidden(&at.child("ephemeralContainers"), "cannot be set on create");
    }
    if !object.str("spec/nodeName").is_empty() && !object.list("spec/schedulingGates").is_empty() {
        problems.forbidden(&at.child("nodeName"), "cannot be set until all schedulingGates have been cleared");
    }
}

/// A template: labels, annotations and spec.
pub(super) fn template(template: &Value, at: &At, problems: &mut Problems) {
    template_metadata(template, at, problems);
    spec(template.at("spec"), &at.child("spec"), false, problems);
    if !template.list("spec/ephemeralContainers").is_empty() {
        problems.forbidden(&at.child("spec.ephemeralContainers"), "ephemeral containers not allowed in pod template");
    }
}

pub(super) fn template_metadata(template: &Value, at: &At, problems: &mut Problems) {
    meta::labels(template.at("metadata/labels"), &at.child("labels"), problems);
    meta::annotations(template.at("metadata/annotations"), &at.child("annotations"), problems);
}

fn spec(spec: &Value, at: &At, is_pod: bool, problems: &mut Problems) {
    let volumes = volume::check(spec.list("volumes"), &at.child("volumes"), problems);
    container::check_all(spec, &volumes, at, problems);
    host_network(spec, at, is_pod, problems);
    words(spec, at, problems);
    names(spec, at, problems);
    meta::labels(spec.at("nodeSelector"), &at.child("nodeSelector"), problems);
    security::of_pod(spec, at, problems);
    scheduling::check(spec, at, problems);
    resources::of_pod(spec, &at.child("resources"), problems);
    dns(spec, &at.child("dnsConfig"), problems);
    gates(spec, at, problems);
    let deadline = spec.at("activeDeadlineSeconds");
    if deadline.as_i64().is_some_and(|seconds| !(1..=i64::from(i32::MAX)).contains(&seconds)) {
        let range = text::range(1, i32::MAX.into());
        problems.invalid(&at.child("activeDeadlineSeconds"), deadline.clone(), range);
    }
    for (index, alias) in spec.list("hostAliases").iter().enumerate() {
        host_alias(alias, &at.child("hostAliases").index(index), problems);
    }
    if spec.has("os") {
        match spec.str("os/name") {
            "" => problems.required(&at.child("os.name"), ""),
            "linux" | "windows" => {}
            other => problems.unsupported(&at.child("os"), other, &["linux", "windows"]),
        }
    }
}

/// Fields that know a few words.
fn words(spec: &Value, at: &At, problems: &mut Problems) {
    let tables: [(&str, &[&str]); 3] = [
        ("restartPolicy", &["Always", "OnFailure", "Never"]),
        ("dnsPolicy", &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]),
        ("preemptionPolicy", &["PreemptLowerPriority", "Never"]),
    ];
    for (field, known) in tables {
        match spec.at(field).as_str() {
            Some("") => problems.required(&at.child(field), ""),
            _ => problems.one_of(&at.child(field), spec.at(field), known),
        }
    }
}

/// Fields that name something.
fn names(spec: &Value, at: &At, problems: &mut Problems) {
    type Form = fn(&str) -> Vec<String>;
    let forms: [(&str, Form); 7] = [
        ("serviceAccountName", text::subdomain),
        ("nodeName", text::subdomain),
        ("hostname", text::label),
        ("hostnameOverride", text::subdomain),
        ("subdomain", text::label),
        ("priorityClassName", text::subdomain),
        ("runtimeClassName", text::subdomain),
    ];
    for (field, form) in forms {
        let name = spec.str(field);
        if !name.is_empty() || matches!(field, "runtimeClassName" | "hostnameOverride") && spec.has(field) {
            problems.all_invalid(&at.child(field), &name.into(), form(name));
        }
    }
    if spec.str("serviceAccount") != spec.str("serviceAccountName") {
        let detail = format!("must be the same as serviceAccountName: {:?}", spec.str("serviceAccountName"));
        problems.invalid(&at.child("deprecatedServiceAccount"), spec.str("serviceAccount"), detail);
    }
}

fn host_network(spec: &Value, at: &At, is_pod: bool, problems: &mut Problems) {
    if !spec.flag("hostNetwork") {
        return;
    }
    for (index, container) in spec.list("containers").iter().enumerate() {
        for (port_index, port) in container.list("ports").iter().enumerate() {
            let (host, inner) = (port.int("hostPort"), port.int("containerPort"));
            if (is_pod || host != 0) && host != inner {
                let at = at.child("containers").index(index).child("ports").index(port_index).child("hostPort");
                problems.invalid(&at, host, "must match `containerPort` when `hostNetwork` is true");
            }
        }
    }
}

fn dns(spec: &Value, at: &At, problems: &mut Problems) {
    let config = spec.at("dnsConfig");
    if spec.str("dnsPolicy") == "None" {
        if config.is_null() {
            return problems.required(at, "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        if config.list("nameservers").is_empty() {
            let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return problems.required(&at.child("nameservers"), detail);
        }
    }
    if config.list("nameservers").len() > 3 {
        let at = at.child("nameservers");
        problems.invalid(&at, config.at("nameservers").clone(), "must not have more than 3 nameservers");
    }
    for (index, server) in config.list("nameservers").iter().enumerate() {
        if !address::is_ip(server.as_str().unwrap_or("")) {
            problems.invalid(&at.child("nameservers").index(index), server.clone(), address::BAD_IP);
        }
    }
    if config.list("searches").len() > 32 {
        problems.invalid(
            &at.child("searches"),
            config.at("searches").clone(),
            "must not have more than 32 search paths",
        );
    }
    for (index, search) in config.list("searches").iter().enumerate() {
        let name = search.as_str().unwrap_or("");
        if name != "." {
            let name = name.strip_suffix('.').unwrap_or(name);
            problems.all_invalid(&at.child("searches").index(index), &name.into(), text::search_domain(name));
        }
    }
    for (index, option) in config.list("options").iter().enumerate() {
        if option.str("name").is_empty() {
            problems.required(&at.child("options").index(index), "must not be empty");
        }
    }
}

fn gates(spec: &Value, at: &At, problems: &mut Problems) {
    for (index, gate) in spec.list("readinessGates").iter().enumerate() {
        let kind = gate.str("conditionType");
        let at = at.child("readinessGates").index(index).child("conditionType");
        problems.all_invalid(&at, &kind.into(), text::qualified_name(kind));
    }
    let mut seen = BTreeSet::new();
    for (index, gate) in spec.list("schedulingGates").iter().enumerate() {
        let (name, at) = (gate.str("name"), at.child("schedulingGates").index(index));
        problems.all_invalid(&at, &name.into(), text::qualified_name(name));
        if !seen.insert(name) {
            problems.duplicate(&at, name);
        }
    }
}

fn host_alias(alias: &Value, at: &At, problems: &mut Problems) {
    if !address::is_ip(alias.str("ip")) {
        problems.invalid(&at.child("ip"), alias.str("ip"), address::BAD_IP);
    }
    for (index, name) in alias.list("hostnames").iter().enumerate() {
        let form = text::subdomain(name.as_str().unwrap_or(""));
        problems.all_invalid(&at.child("hostnames").index(index), name, form);
    }
}

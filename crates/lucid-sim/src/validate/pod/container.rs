//! Containers of a pod spec, of all three kinds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::field::{At, Problems};
use super::super::text;
use super::{env, probe, resources, security};
use crate::json::Json;

pub(super) type Volumes<'v> = BTreeMap<&'v str, &'v Value>;

pub(super) fn check_all(spec: &Value, volumes: &Volumes<'_>, at: &At, problems: &mut Problems) {
    let containers = spec.list("containers");
    if containers.is_empty() {
        problems.required(&at.child("containers"), "");
    }
    let mut names = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        let here = at.child("containers").index(index);
        common(container, spec, volumes, &here, problems);
        if !names.insert(container.str("name")) {
            problems.duplicate(&here.child("name"), container.str("name"));
        }
        probe::lifecycle(container, spec, &here, problems);
        probe::check_all(container, spec, &here, problems);
        restart_policy(container, &here, problems);
    }
    host_ports(containers, &at.child("containers"), problems);
    init_containers(spec, volumes, names, &at.child("initContainers"), problems);
    ephemeral_containers(spec, volumes, &at.child("ephemeralContainers"), problems);
}

fn init_containers<'v>(
    spec: &'v Value,
    volumes: &Volumes<'_>,
    mut names: BTreeSet<&'v str>,
    at: &At,
    problems: &mut Problems,
) {
    for (index, container) in spec.list("initContainers").iter().enumerate() {
        let here = at.index(index);
        common(container, spec, volumes, &here, problems);
        restart_policy(container, &here, problems);
        let name = container.str("name");
        if names.contains(name) {
            problems.duplicate(&here.child("name"), name);
        } else if !name.is_empty() {
            names.insert(name);
        }
        host_ports(std::slice::from_ref(container), at, problems);
        if container.str("restartPolicy") == "Always" {
            probe::lifecycle(container, spec, &here, problems);
            probe::check_all(container, spec, &here, problems);
            continue;
        }
        for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if container.has(field) {
                problems
                    .forbidden(&here.child(field), "may not be set for init containers without restartPolicy=Always");
            }
        }
    }
}

fn ephemeral_containers(spec: &Value, volumes: &Volumes<'_>, at: &At, problems: &mut Problems) {
    let others = || spec.list("containers").iter().chain(spec.list("initContainers")).map(|c| c.str("name"));
    let mut names: BTreeSet<&str> = others().collect();
    for (index, container) in spec.list("ephemeralContainers").iter().enumerate() {
        let here = at.index(index);
        common(container, spec, volumes, &here, problems);
        if !names.insert(container.str("name")) {
            problems.duplicate(&here.child("name"), container.str("name"));
        }
        let target = container.str("targetContainerName");
        if !target.is_empty() && !others().any(|name| name == target) {
            problems.not_found(&here.child("targetContainerName"), target);
        }
        for field in ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources"] {
            let set = match container.at(field) {
                Value::Null => false,
                Value::Object(map) => !map.is_empty(),
                _ => true,
            };
            if set {
                problems.forbidden(&here.child(field), "cannot be set for an Ephemeral Container");
            }
        }
    }
}

fn common(container: &Value, spec: &Value, volumes: &Volumes<'_>, at: &At, problems: &mut Problems) {
    let name = container.str("name");
    match name {
        "" => problems.required(&at.child("name"), ""),
        _ => problems.all_invalid(&at.child("name"), &name.into(), text::label(name)),
    }
    if container.str("image").is_empty() {
        problems.required(&at.child("image"), "");
    }
    let policy = at.child("terminationMessagePolicy");
    problems.one_of(&policy, container.at("terminationMessagePolicy"), &["File", "FallbackToLogsOnError"]);
    ports(container.list("ports"), &at.child("ports"), problems);
    env::check(container.list("env"), &at.child("env"), problems);
    env::check_from(container.list("envFrom"), &at.child("envFrom"), problems);
    mounts(container, volumes, at, problems);
    devices(container, volumes, &at.child("volumeDevices"), problems);
    let pull = at.child("imagePullPolicy");
    problems.one_of(&pull, container.at("imagePullPolicy"), &["Always", "IfNotPresent", "Never"]);
    resources::check(container.at("resources"), spec, &at.child("resources"), problems);
    resize(container.list("resizePolicy"), spec, &at.child("resizePolicy"), problems);
    let host_users = spec.at("hostUsers").as_bool() != Some(false);
    security::of_container(container.at("securityContext"), host_users, &at.child("securityContext"), problems);
}

fn ports(ports: &[Value], at: &At, problems: &mut Problems) {
    let mut names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let here = at.index(index);
        let name = port.str("name");
        if !name.is_empty() {
            let wrong = text::port_name(name);
            if !wrong.is_empty() {
                problems.all_invalid(&here.child("name"), &name.into(), wrong);
            } else if !names.insert(name) {
                problems.duplicate(&here.child("name"), name);
            }
        }
        match port.int("containerPort") {
            0 => problems.required(&here.child("containerPort"), ""),
            number => problems.all_invalid(&here.child("containerPort"), &number.into(), text::port_number(number)),
        }
        if port.int("hostPort") != 0 {
            let wrong = text::port_number(port.int("hostPort"));
            problems.all_invalid(&here.child("hostPort"), port.at("hostPort"), wrong);
        }
        problems.one_of(&here.child("protocol"), port.at("protocol"), &["SCTP", "TCP", "UDP"]);
    }
}

/// No two containers can have the same port of the node.
fn host_ports(containers: &[Value], at: &At, problems: &mut Problems) {
    let mut taken = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        for (port_index, port) in container.list("ports").iter().enumerate().filter(|(_, p)| p.int("hostPort") != 0) {
            let text = format!("{}/{}/{}", port.str("protocol"), port.str("hostIP"), port.int("hostPort"));
            if !taken.insert(text.clone()) {
                problems.duplicate(&at.index(index).child("ports").index(port_index).child("hostPort"), text);
            }
        }
    }
}

fn mounts(container: &Value, volumes: &Volumes<'_>, at: &At, problems: &mut Problems) {
    let all = at.child("volumeMounts");
    let devices = container.list("volumeDevices");
    let mut paths = BTreeSet::new();
    for (index, mount) in container.list("volumeMounts").iter().enumerate() {
        let here = all.index(index);
        let (name, path) = (mount.str("name"), mount.str("mountPath"));
        if name.is_empty() {
            problems.required(&here.child("name"), "");
        }
        if !volumes.contains_key(name) {
            problems.not_found(&here.child("name"), name);
        }
        if path.is_empty() {
            problems.required(&here.child("mountPath"), "");
        }
        if !paths.insert(path) {
            problems.invalid(&here.child("mountPath"), path, "must be unique");
        }
        if devices.iter().any(|device| device.str("name") == name) {
            problems.invalid(&here.child("name"), name, "must not already exist in volumeDevices");
        }
        if devices.iter().any(|device| device.str("devicePath") == path) {
            problems.invalid(&here.child("mountPath"), path, "must not already exist as a path in volumeDevices");
        }
        let (sub, expression) = (mount.str("subPath"), mount.str("subPathExpr"));
        if !sub.is_empty() {
            descending(sub, &all.child("subPath"), problems);
        }
        if !expression.is_empty() {
            if !sub.is_empty() {
                let detail = "subPathExpr and subPath are mutually exclusive";
                problems.invalid(&here.child("subPathExpr"), expression, detail);
            }
            descending(expression, &all.child("subPathExpr"), problems);
        }
        mount_propagation(mount, container, &all.child("mountPropagation"), problems);
        read_only(mount, &all.child("recursiveReadOnly"), problems);
    }
}

fn mount_propagation(mount: &Value, container: &Value, at: &At, problems: &mut Problems) {
    let known = ["Bidirectional", "HostToContainer", "None"];
    let given = mount.at("mountPropagation");
    problems.one_of(at, given, &known);
    if given.as_str() == Some("Bidirectional") && !container.flag("securityContext/privileged") {
        problems.forbidden(at, "Bidirectional mount propagation is available only to privileged containers");
    }
}

fn read_only(mount: &Value, at: &At, problems: &mut Problems) {
    let Some(given) = mount.at("recursiveReadOnly").as_str() else { return };
    match given {
        "Disabled" => {}
        "Enabled" | "IfPossible" => {
            if !mount.flag("readOnly") {
                problems.forbidden(at, "may only be specified when readOnly is true");
            }
            if mount.at("mountPropagation").as_str().is_some_and(|propagation| propagation != "None") {
                problems.forbidden(at, "may only be specified when mountPropagation is None or not specified");
            }
        }
        other => problems.unsupported(at, other, &["Disabled", "Enabled", "IfPossible"]),
    }
}

fn devices(container: &Value, volumes: &Volumes<'_>, at: &At, problems: &mut Problems) {
    let (mut names, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for (index, device) in container.list("volumeDevices").iter().enumerate() {
        let here = at.index(index);
        let (name, path) = (device.str("name"), device.str("devicePath"));
        if name.is_empty() {
            problems.required(&here.child("name"), "");
        }
        if names.contains(name) {
            problems.invalid(&here.child("name"), name, "must be unique");
        }
        match volumes.get(name) {
            None => problems.not_found(&here.child("name"), name),
            Some(volume) if !volume.has("persistentVolumeClaim") && !volume.has("ephemeral") => {
                let detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                problems.invalid(&here.child("name"), name, detail);
            }
            Some(_) => {}
        }
        if path.is_empty() {
            problems.required(&here.child("devicePath"), "");
        }
        if paths.contains(path) {
            problems.invalid(&here.child("devicePath"), path, "must be unique");
        }
        if path.split('/').any(|part| part == "..") {
            problems.invalid(&here.child("devicePath"), path, "can not contain backsteps ('..')");
        } else {
            paths.insert(path);
        }
        let mounts = container.list("volumeMounts");
        if mounts.iter().any(|mount| mount.str("name") == name) {
            problems.invalid(&here.child("name"), name, "must not already exist in volumeMounts");
        }
        if mounts.iter().any(|mount| mount.str("mountPath") == path) {
            problems.invalid(&here.child("devicePath"), path, "must not already exist as a path in volumeMounts");
        }
        if !name.is_empty() {
            names.insert(name);
        }
    }
}

fn resize(policies: &[Value], spec: &Value, at: &At, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (index, policy) in policies.iter().enumerate() {
        let resource = policy.str("resourceName");
        if !seen.insert(resource) {
            problems.duplicate(&at.index(index), resource);
        }
        match resource {
            "" => problems.required(at, ""),
            _ => problems.one_of(at, policy.at("resourceName"), &["cpu", "memory"]),
        }
        let restart = policy.str("restartPolicy");
        match restart {
            "" => problems.required(at, ""),
            _ => problems.one_of(at, policy.at("restartPolicy"), &["NotRequired", "RestartContainer"]),
        }
        if spec.str("restartPolicy") == "Never" && restart != "NotRequired" {
            problems.invalid(at, restart, "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
        }
    }
}

fn restart_policy(container: &Value, at: &At, problems: &mut Problems) {
    let rules = container.list("restartPolicyRules");
    let policy = container.at("restartPolicy");
    if policy.is_null() && !rules.is_empty() {
        problems.required(&at.child("restartPolicy"), "must specify restartPolicy when restart rules are used");
    }
    problems.one_of(&at.child("restartPolicy"), policy, &["Always", "Never", "OnFailure"]);
    if rules.len() > 20 {
        problems.too_many(&at.child("restartPolicyRules"), rules.len(), 20);
    }
    for (index, rule) in rules.iter().enumerate() {
        let here = at.child("restartPolicyRules").index(index);
        problems.one_of(&here.child("action"), &rule.str("action").into(), &["Restart", "RestartAllContainers"]);
        let codes = rule.at("exitCodes");
        if codes.is_null() {
            problems.required(&here.child("exitCodes"), "must be specified");
            continue;
        }
        let operator = here.child("exitCodes.operator");
        problems.one_of(&operator, &codes.str("operator").into(), &["In", "NotIn"]);
    }
}

/// Relative, and never upwards.
pub(super) fn descending(path: &str, at: &At, problems: &mut Problems) {
    if path.starts_with('/') {
        problems.invalid(at, path, "must be a relative path");
    }
    no_way_up(path, at, problems);
}

pub(super) fn no_way_up(path: &str, at: &At, problems: &mut Problems) {
    if path.split('/').any(|part| part == "..") {
        problems.invalid(at, path, "must not contain '..'");
    }
}

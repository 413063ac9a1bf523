//! Security contexts of pods and containers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field::{At, Problems};
use super::super::text;
use super::container::descending;
use crate::json::Json;

pub(super) fn of_pod(spec: &Value, at: &At, problems: &mut Problems) {
    let context = spec.at("securityContext");
    let here = at.child("securityContext");
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        identity(context.at(field), &here.child(field), problems);
    }
    for (index, group) in context.list("supplementalGroups").iter().enumerate() {
        identity(group, &here.child("supplementalGroups").index(index), problems);
    }
    sysctls(context.list("sysctls"), spec, &here.child("sysctls"), problems);
    let change = here.child("fsGroupChangePolicy");
    problems.one_of(&change, context.at("fsGroupChangePolicy"), &["Always", "OnRootMismatch"]);
    seccomp(context.at("seccompProfile"), &here.child("seccompProfile"), problems);
    app_armor(context.at("appArmorProfile"), &here.child("appArmorProfile"), problems);
    let groups = here.child("supplementalGroupsPolicy");
    problems.one_of(&groups, context.at("supplementalGroupsPolicy"), &["Merge", "Strict"]);
    let labels = here.child("seLinuxChangePolicy");
    problems.one_of(&labels, context.at("seLinuxChangePolicy"), &["MountOption", "Recursive"]);
    if spec.flag("shareProcessNamespace") && spec.flag("hostPID") {
        let detail = "ShareProcessNamespace and HostPID cannot both be enabled";
        problems.invalid(&at.child("shareProcessNamespace"), true, detail);
    }
    if spec.at("hostUsers").as_bool() == Some(false) {
        for (field, shown) in [("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
            if spec.flag(field) {
                problems.forbidden(&at.child(shown), "when `hostUsers` is false");
            }
        }
    }
}

pub(super) fn of_container(context: &Value, host_users: bool, at: &At, problems: &mut Problems) {
    for field in ["runAsUser", "runAsGroup"] {
        identity(context.at(field), &at.child(field), problems);
    }
    let mount = context.at("procMount");
    problems.one_of(&at.child("procMount"), mount, &["Default", "Unmasked"]);
    if host_users && mount.as_str() == Some("Unmasked") {
        problems.invalid(&at.child("procMount"), "Unmasked", "`hostUsers` must be false to use `Unmasked`");
    }
    seccomp(context.at("seccompProfile"), &at.child("seccompProfile"), problems);
    if context.at("allowPrivilegeEscalation").as_bool() == Some(false) && context.flag("privileged") {
        let detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
        problems.invalid(at, context.clone(), detail);
    }
    app_armor(context.at("appArmorProfile"), &at.child("appArmorProfile"), problems);
}

/// A user or group number.
pub(super) fn identity(value: &Value, at: &At, problems: &mut Problems) {
    let most = i64::from(i32::MAX);
    if value.as_i64().is_some_and(|number| !(0..=most).contains(&number)) {
        problems.invalid(at, value.clone(), text::range(0, most));
    }
}

fn seccomp(profile: &Value, at: &At, problems: &mut Problems) {
    if profile.is_null() {
        return;
    }
    let kind = profile.str("type");
    match kind {
        "" => problems.required(&at.child("type"), "type is required when seccompProfile is set"),
        _ => problems.one_of(&at.child("type"), profile.at("type"), &["Localhost", "RuntimeDefault", "Unconfined"]),
    }
    let local = profile.at("localhostProfile");
    match (kind, local.as_str()) {
        ("Localhost", None) => {
            problems.required(&at.child("localhostProfile"), "must be set when seccomp type is Localhost");
        }
        ("Localhost", Some(path)) => descending(path, &at.child("localhostProfile"), problems),
        (_, Some(_)) => {
            let detail = "can only be set when seccomp type is Localhost";
            problems.invalid(&at.child("localhostProfile"), profile.clone(), detail);
        }
        _ => {}
    }
}

fn app_armor(profile: &Value, at: &At, problems: &mut Problems) {
    if profile.is_null() {
        return;
    }
    let local = profile.at("localhostProfile").as_str();
    match profile.str("type") {
        "" => problems.required(&at.child("type"), "type is required when appArmorProfile is set"),
        "Localhost" => match local {
            None | Some("") => {
                problems.required(&at.child("localhostProfile"), "must be set when AppArmor type is Localhost");
            }
            Some(name) if name.trim() != name => {
                problems.invalid(&at.child("localhostProfile"), name, "must not be padded with whitespace");
            }
            Some(_) => {}
        },
        "RuntimeDefault" | "Unconfined" => {
            if let Some(name) = local {
                let detail = "can only be set when AppArmor type is Localhost";
                problems.invalid(&at.child("localhostProfile"), name, detail);
            }
        }
        other => problems.unsupported(&at.child("type"), other, &["Localhost", "RuntimeDefault", "Unconfined"]),
    }
}

fn sysctls(sysctls: &[Value], spec: &Value, at: &At, problems: &mut Problems) {
    const REGEX: &str = r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| {
        part.starts_with(ends) && part.ends_with(ends) && part.chars().all(|c| ends(c) || c == '-' || c == '_')
    };
    let mut seen = BTreeSet::new();
    for (index, sysctl) in sysctls.iter().enumerate() {
        let (name, here) = (sysctl.str("name"), at.index(index).child("name"));
        if name.is_empty() {
            problems.required(&here, "");
        } else if name.len() > 253 || !name.split(['.', '/']).all(part) {
            problems.invalid(&here, name, format!("must have at most 253 characters and match regex {REGEX}"));
        } else if !seen.insert(name) {
            problems.duplicate(&here, name);
        }
        if spec.flag("hostNetwork") && name.starts_with("net.") {
            problems.invalid(&here, name, "may not be specified when 'hostNetwork' is true");
        }
        let shared = ["kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue."];
        if spec.flag("hostIPC") && shared.iter().any(|prefix| name.starts_with(prefix)) {
            problems.invalid(&here, name, "may not be specified when 'hostIPC' is true");
        }
    }
}

//! Probes and lifecycle hooks.

use serde_json::Value;

use super::super::field::{At, Problems};
use super::super::text;
use crate::json::Json;

pub(super) fn check_all(container: &Value, spec: &Value, at: &At, problems: &mut Problems) {
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = container.at(name);
        if probe.is_null() {
            continue;
        }
        let here = at.child(name);
        handler(probe, spec, &["exec", "httpGet", "tcpSocket", "grpc"], &here, problems);
        for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
        {
            problems.not_negative(&here.child(field), probe.at(field));
        }
        let grace = probe.at("terminationGracePeriodSeconds");
        if grace.as_i64().is_some_and(|seconds| seconds <= 0) {
            let at = here.child("terminationGracePeriodSeconds");
            problems.invalid(&at, grace.clone(), "must be greater than 0");
        }
        if name == "readinessProbe" {
            if !grace.is_null() {
                let at = here.child("terminationGracePeriodSeconds");
                problems.invalid(&at, grace.clone(), "must not be set for readinessProbes");
            }
        } else if probe.int("successThreshold") != 1 {
            problems.invalid(&here.child("successThreshold"), probe.int("successThreshold"), "must be 1");
        }
    }
}

pub(super) fn lifecycle(container: &Value, spec: &Value, at: &At, problems: &mut Problems) {
    for hook in ["postStart", "preStop"] {
        let value = container.at(&format!("lifecycle/{hook}"));
        if !value.is_null() {
            let here = at.child("lifecycle").child(hook);
            handler(value, spec, &["exec", "httpGet", "tcpSocket", "sleep"], &here, problems);
        }
    }
    if container.has("lifecycle/stopSignal") && !spec.has("os") {
        let at = at.child("lifecycle.stopSignal");
        problems.forbidden(&at, "may not be set for containers with empty `spec.os.name`");
    }
}

fn handler(value: &Value, spec: &Value, kinds: &[&str], at: &At, problems: &mut Problems) {
    let mut found = false;
    for kind in kinds.iter().filter(|kind| value.has(kind)) {
        let here = at.child(kind);
        if found {
            problems.forbidden(&here, "may not specify more than 1 handler type");
            continue;
        }
        found = true;
        let action = value.at(kind);
        match *kind {
            "exec" if action.list("command").is_empty() => problems.required(&here.child("command"), ""),
            "httpGet" => http_get(action, &here, problems),
            "tcpSocket" => port(action.at("port"), &here.child("port"), problems),
            "grpc" => port(action.at("port"), &here.child("port"), problems),
            "sleep" => sleep(action, spec, &here, problems),
            _ => {}
        }
    }
    if !found {
        problems.required(at, "must specify a handler type");
    }
}

fn http_get(action: &Value, at: &At, problems: &mut Problems) {
    if action.str("path").is_empty() {
        problems.required(&at.child("path"), "");
    }
    port(action.at("port"), &at.child("port"), problems);
    problems.one_of(&at.child("scheme"), action.at("scheme"), &["HTTP", "HTTPS"]);
    for header in action.list("httpHeaders") {
        let name = header.str("name");
        problems.all_invalid(&at.child("httpHeaders"), &name.into(), text::header_name(name));
    }
}

fn sleep(action: &Value, spec: &Value, at: &At, problems: &mut Problems) {
    let (seconds, grace) = (action.int("seconds"), spec.int("terminationGracePeriodSeconds"));
    if seconds < 0 || seconds > grace {
        let detail = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        problems.invalid(at, seconds, detail);
    }
}

/// A number or a name.
pub(super) fn port(port: &Value, at: &At, problems: &mut Problems) {
    match port {
        Value::String(name) => problems.all_invalid(at, port, text::port_name(name)),
        other => {
            let number = other.as_i64().unwrap_or(0);
            problems.all_invalid(at, &number.into(), text::port_number(number));
        }
    }
}

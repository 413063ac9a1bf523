//! Pods against the Pod Security level that their namespace enforces. Source: k8s.io/pod-security-admission/policy.

use lucid_object::{Finding, Object};
use serde_json::Value;

use super::scene::{Scene, containers, list, spec_pointer, text};

pub(crate) const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Baseline,
    Restricted,
}

impl Level {
    /// None of a level that forbids nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "baseline" => Some(Self::Baseline),
            "restricted" => Some(Self::Restricted),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

const BASELINE_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
const RESTRICTED_VOLUMES: [&str; 8] =
    ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    for (maker, _) in &scene.makers {
        let Some((level, namespace)) = level_of(scene, maker) else { continue };
        let violations = violations(maker.pod_spec().expect("it makes pods"), level);
        let Some((pointer, _)) = violations.first() else { continue };
        let message = format!("{} may not run in {namespace}, which enforces {}", maker.reference(), level.as_str());
        let place = maker.position(&format!("{}{pointer}", spec_pointer(maker)));
        let mut finding = Finding::error(1009, message).on(maker.reference()).at(place);
        for (_, what) in &violations {
            finding = finding.seen(what.clone());
        }
        found.push(finding.help("set what is named, or lower the level of the namespace"));
    }
}

fn level_of<'a>(scene: &Scene<'a>, maker: &Object) -> Option<(Level, &'a str)> {
    let namespace = scene.find("", "Namespace", None, maker.namespace()?)?;
    Some((Level::parse(namespace.labels().get(ENFORCE)?)?, namespace.name()))
}

/// What the level forbids, each with its pointer in the pod spec.
pub(crate) fn violations(spec: &Value, level: Level) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        if spec[field] == true {
            out.push((format!("/{field}"), format!("{field} is true")));
        }
    }
    if spec.pointer("/securityContext/seccompProfile/type").is_some_and(|kind| kind == "Unconfined") {
        out.push(("/securityContext/seccompProfile".into(), "seccompProfile is Unconfined".into()));
    }
    for (pointer, volume) in list(spec, "/volumes") {
        let name = text(volume, "name").unwrap_or_default();
        let kind = volume.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).find(|key| *key != "name");
        match kind {
            Some("hostPath") => out.push((pointer, format!("volume {name} is of the node (hostPath)"))),
            Some(kind) if level == Level::Restricted && !RESTRICTED_VOLUMES.contains(&kind) => {
                out.push((pointer, format!("volume {name} is of type {kind}")));
            }
            _ => {}
        }
    }
    let is_windows = spec.pointer("/os/name").is_some_and(|os| os == "windows");
    for (pointer, container) in containers(spec) {
        let name = text(container, "name").unwrap_or_default();
        let mut add = |below: &str, what: String| out.push((format!("{pointer}{below}"), format!("{name}: {what}")));
        baseline(container, &mut add);
        if level == Level::Restricted {
            restricted(spec, container, is_windows, &mut add);
        }
    }
    out
}

fn baseline(container: &Value, add: &mut dyn FnMut(&str, String)) {
    let context = "/securityContext";
    if container.pointer("/securityContext/privileged") == Some(&Value::Bool(true)) {
        add("/securityContext/privileged", "privileged is true".into());
    }
    for (pointer, capability) in list(container, "/securityContext/capabilities/add") {
        let capability = capability.as_str().unwrap_or_default();
        if !BASELINE_CAPABILITIES.contains(&capability) {
            add(&pointer, format!("it adds the capability {capability}"));
        }
    }
    for (pointer, port) in list(container, "/ports") {
        if port.get("hostPort").and_then(Value::as_i64).is_some_and(|port| port != 0) {
            add(&pointer, format!("it takes port {} of the node", port["hostPort"]));
        }
    }
    if container.pointer("/securityContext/seccompProfile/type").is_some_and(|kind| kind == "Unconfined") {
        add(context, "seccompProfile is Unconfined".into());
    }
    if container.pointer("/securityContext/procMount").is_some_and(|mount| mount != "Default") {
        add(context, "procMount is not Default".into());
    }
}

fn restricted(spec: &Value, container: &Value, is_windows: bool, add: &mut dyn FnMut(&str, String)) {
    let either = |below: &str| {
        let own = container.pointer(&format!("/securityContext{below}")).filter(|value| !value.is_null());
        own.or_else(|| spec.pointer(&format!("/securityContext{below}")))
    };
    let context = if container.get("securityContext").is_some() { "/securityContext" } else { "" };
    if either("/runAsNonRoot") != Some(&Value::Bool(true)) {
        add(context, "runAsNonRoot is not true".into());
    }
    if either("/runAsUser").and_then(Value::as_i64) == Some(0) {
        add(context, "runAsUser is 0".into());
    }
    if is_windows {
        return;
    }
    if container.pointer("/securityContext/allowPrivilegeEscalation") != Some(&Value::Bool(false)) {
        add(context, "allowPrivilegeEscalation is not false".into());
    }
    let profile = either("/seccompProfile/type").and_then(Value::as_str);
    if !matches!(profile, Some("RuntimeDefault" | "Localhost")) {
        add(context, "seccompProfile.type is not RuntimeDefault".into());
    }
    let dropped = list(container, "/securityContext/capabilities/drop").any(|(_, one)| one == "ALL");
    if !dropped {
        add(context, "capabilities.drop lacks ALL".into());
    }
    for (pointer, capability) in list(container, "/securityContext/capabilities/add") {
        let capability = capability.as_str().unwrap_or_default();
        if capability != "NET_BIND_SERVICE" && BASELINE_CAPABILITIES.contains(&capability) {
            add(&pointer, format!("it adds the capability {capability}"));
        }
    }
}

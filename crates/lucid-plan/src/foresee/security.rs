//! Pod Security: what the namespace's level forbids. It is enforced on pods only, so a workload passes and its pods do not.
//! Source: k8s.io/pod-security-admission/policy, and kubernetes.io/docs/concepts/security/pod-security-standards.

use lucid_object::{Finding, Object, ObjectRef, ObjectSet};
use serde_json::Value;

use super::ground::{Ground, in_pod, items, text};

pub(super) fn check(objects: &ObjectSet, ground: &Ground<'_>) -> Vec<Finding> {
    objects.iter().filter_map(|object| forbidden(object, objects, ground)).collect()
}

fn forbidden(object: &Object, objects: &ObjectSet, ground: &Ground<'_>) -> Option<Finding> {
    let (spec, namespace) = (object.pod_spec()?, object.namespace()?);
    let level = level(namespace, objects, ground)?;
    let mut broken = if level == "restricted" { restricted(spec) } else { Vec::new() };
    broken.splice(0..0, baseline(spec));
    let (_, pointer) = broken.first()?;
    let words: Vec<&str> = broken.iter().map(|(words, _)| words.as_str()).collect();
    let message =
        format!("pods of {} break the Pod Security level {level:?} of namespace {namespace}", object.reference());
    let finding = Finding::error(1009, message).on(object.reference()).at(object.position(&in_pod(object, pointer)));
    Some(finding.seen(words.join("; ")).help("add the security context that is missing to the pod and its containers"))
}

/// As the release will have it, or else as it is.
fn level(namespace: &str, objects: &ObjectSet, ground: &Ground<'_>) -> Option<String> {
    const LABEL: &str = "pod-security.kubernetes.io/enforce";
    let key = ObjectRef::new("", "Namespace", None, namespace);
    let own = objects.get(&key).and_then(|object| object.labels().remove(LABEL));
    let level = own.or_else(|| {
        let live =
            ground.list("", "Namespace", None)?.into_iter().find(|live| text(live, "/metadata/name") == namespace)?;
        Some(live.pointer("/metadata/labels")?.get(LABEL)?.as_str()?.to_owned())
    })?;
    matches!(level.as_str(), "baseline" | "restricted").then_some(level)
}

/// What is broken, and where.
type Broken = Vec<(String, String)>;

fn containers(spec: &Value) -> impl Iterator<Item = (String, &Value)> {
    ["initContainers", "containers"].into_iter().flat_map(move |list| {
        items(spec, &format!("/{list}"))
            .enumerate()
            .map(move |(index, container)| (format!("/{list}/{index}"), container))
    })
}

fn baseline(spec: &Value) -> Broken {
    let mut broken = Broken::new();
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        if spec.get(field) == Some(&Value::Bool(true)) {
            broken.push((format!("{field}=true"), format!("/{field}")));
        }
    }
    for (index, volume) in items(spec, "/volumes").enumerate() {
        if volume.get("hostPath").is_some() {
            broken.push((format!("volume {} is a hostPath", text(volume, "/name")), format!("/volumes/{index}")));
        }
    }
    for (at, container) in containers(spec) {
        let name = text(container, "/name");
        let context = |field: &str| container.pointer(&format!("/securityContext/{field}"));
        if context("privileged") == Some(&Value::Bool(true)) {
            broken.push((format!("container {name} is privileged"), format!("{at}/securityContext/privileged")));
        }
        let added = items(container, "/securityContext/capabilities/add").filter_map(Value::as_str);
        let bad: Vec<&str> = added.filter(|capability| !BASELINE_CAPABILITIES.contains(capability)).collect();
        if !bad.is_empty() {
            let words = format!("container {name} adds the capabilities {}", bad.join(", "));
            broken.push((words, format!("{at}/securityContext/capabilities")));
        }
        if items(container, "/ports")
            .any(|port| port.get("hostPort").and_then(Value::as_i64).is_some_and(|port| port != 0))
        {
            broken.push((format!("container {name} takes a hostPort"), format!("{at}/ports")));
        }
        if !matches!(context("procMount").and_then(Value::as_str), None | Some("Default")) {
            broken.push((format!("container {name} sets procMount"), format!("{at}/securityContext/procMount")));
        }
    }
    for (at, context) in contexts(spec) {
        if text(context, "/seccompProfile/type") == "Unconfined" {
            broken.push(("seccompProfile is Unconfined".into(), format!("{at}/seccompProfile")));
        }
    }
    broken
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

fn contexts(spec: &Value) -> impl Iterator<Item = (String, &Value)> {
    let own = spec.get("securityContext").map(|context| ("/securityContext".to_owned(), context));
    let of_containers = containers(spec)
        .filter_map(|(at, container)| Some((format!("{at}/securityContext"), container.get("securityContext")?)));
    own.into_iter().chain(of_containers)
}

fn restricted(spec: &Value) -> Broken {
    const VOLUMES: [&str; 8] =
        ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];
    let mut broken = Broken::new();
    // What Windows has no notion of is not asked of it.
    let is_windows = text(spec, "/os/name") == "windows";
    for (index, volume) in items(spec, "/volumes").enumerate() {
        let kinds = volume.as_object().into_iter().flat_map(|map| map.keys()).filter(|key| *key != "name");
        if let Some(kind) = kinds.into_iter().find(|kind| !VOLUMES.contains(&kind.as_str()) && *kind != "hostPath") {
            broken.push((format!("volume {} is a {kind}", text(volume, "/name")), format!("/volumes/{index}")));
        }
    }
    let pod = |field: &str| spec.pointer(&format!("/securityContext/{field}"));
    for (at, container) in containers(spec) {
        let name = text(container, "/name");
        let own = |field: &str| container.pointer(&format!("/securityContext/{field}"));
        let mut lacks = |words: &str| broken.push((format!("container {name} {words}"), at.clone()));
        if !is_windows && own("allowPrivilegeEscalation") != Some(&Value::Bool(false)) {
            lacks("must set allowPrivilegeEscalation=false");
        }
        let drops_all = items(container, "/securityContext/capabilities/drop").any(|capability| capability == "ALL");
        let adds =
            items(container, "/securityContext/capabilities/add").any(|capability| capability != "NET_BIND_SERVICE");
        if !is_windows && (!drops_all || adds) {
            lacks("must drop ALL capabilities, and add none but NET_BIND_SERVICE");
        }
        if own("runAsNonRoot").or_else(|| pod("runAsNonRoot")) != Some(&Value::Bool(true)) {
            lacks("must set runAsNonRoot=true");
        }
        if own("runAsUser").or_else(|| pod("runAsUser")).and_then(Value::as_i64) == Some(0) {
            lacks("must not run as user 0");
        }
        let profile = own("seccompProfile/type").or_else(|| pod("seccompProfile/type")).and_then(Value::as_str);
        if !is_windows && !matches!(profile, Some("RuntimeDefault" | "Localhost")) {
            lacks("must set the seccompProfile RuntimeDefault or Localhost");
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::foresee::ground::tests::{check, deployment, wide};

    fn namespace(level: &str) -> Value {
        wide("v1", "Namespace", "shop", json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": level}}}))
    }

    fn strict() -> Value {
        json!({"securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "main", "securityContext":
                {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]})
    }

    #[test]
    fn a_level_forbids_what_it_forbids() {
        let said = |level: &str| {
            format!("E1009 pods of Deployment shop/api break the Pod Security level \"{level}\" of namespace shop")
        };
        check(&[deployment(strict())], &[namespace("restricted")], &[]);
        check(&[deployment(json!({}))], &[namespace("restricted")], &[&said("restricted")]);
        check(&[deployment(json!({}))], &[namespace("baseline")], &[]);
        check(&[deployment(json!({"hostPID": true}))], &[namespace("baseline")], &[&said("baseline")]);
        check(&[deployment(json!({"hostPID": true}))], &[namespace("privileged")], &[]);
        // The level comes with the release.
        check(&[deployment(json!({})), namespace("restricted")], &[namespace("privileged")], &[&said("restricted")]);
    }

    #[test]
    fn each_rule_by_itself() {
        assert!(restricted(&strict()).is_empty() && baseline(&strict()).is_empty());
        let broken = |pointer: &str, value: Value| {
            let mut spec = strict();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            spec.pointer_mut(parent).unwrap()[key] = value;
            let all: Vec<String> =
                baseline(&spec).into_iter().chain(restricted(&spec)).map(|(words, _)| words).collect();
            assert_eq!(all.len(), 1, "{pointer}: {all:?}");
        };
        broken("/containers/0/securityContext/allowPrivilegeEscalation", json!(true));
        broken("/containers/0/securityContext/privileged", json!(true));
        broken("/containers/0/securityContext/runAsUser", json!(0));
        broken("/containers/0/securityContext/runAsNonRoot", json!(false));
        broken("/containers/0/securityContext/procMount", json!("Unmasked"));
        broken("/containers/0/securityContext/capabilities", json!({}));
        broken("/containers/0/ports", json!([{"hostPort": 80}]));
        broken("/securityContext/seccompProfile", json!({}));
        broken("/volumes", json!([{"name": "v", "nfs": {}}]));
        broken("/volumes", json!([{"name": "v", "hostPath": {}}]));
        broken("/hostNetwork", json!(true));
    }
}

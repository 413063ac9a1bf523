//! Pod Security: what the namespace's level forbids. It is enforced on pods only, so a workload passes and its pods do not.
//! Source: k8s.io/pod-security-admission/policy, and kubernetes.io/docs/concepts/security/pod-security-standards.

use lucid_object::{Finding, Object, ObjectRef, ObjectSet};

use super::ground::{Ground, in_pod, text};
use crate::validate::pod_security::{ENFORCE, Level, violations};

pub(super) fn check(objects: &ObjectSet, ground: &Ground<'_>) -> Vec<Finding> {
    objects.iter().filter_map(|object| forbidden(object, objects, ground)).collect()
}

fn forbidden(object: &Object, objects: &ObjectSet, ground: &Ground<'_>) -> Option<Finding> {
    let (spec, namespace) = (object.pod_spec()?, object.namespace()?);
    let level = level(namespace, objects, ground)?;
    let broken = violations(spec, level);
    let (pointer, _) = broken.first()?;
    let words: Vec<&str> = broken.iter().map(|(_, words)| words.as_str()).collect();
    let message = format!(
        "pods of {} break the Pod Security level {:?} of namespace {namespace}",
        object.reference(),
        level.as_str()
    );
    let finding = Finding::error(1009, message).on(object.reference()).at(object.position(&in_pod(object, pointer)));
    Some(finding.seen(words.join("; ")).help("add the security context that is missing to the pod and its containers"))
}

/// As the release will have it, or else as it is.
fn level(namespace: &str, objects: &ObjectSet, ground: &Ground<'_>) -> Option<Level> {
    let key = ObjectRef::new("", "Namespace", None, namespace);
    let own = objects.get(&key).and_then(|object| object.labels().remove(ENFORCE));
    let level = own.or_else(|| {
        let live =
            ground.list("", "Namespace", None)?.into_iter().find(|live| text(live, "/metadata/name") == namespace)?;
        Some(live.pointer("/metadata/labels")?.get(ENFORCE)?.as_str()?.to_owned())
    })?;
    Level::parse(&level)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
        assert!(violations(&strict(), Level::Restricted).is_empty());
        let broken = |pointer: &str, value: Value| {
            let mut spec = strict();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            spec.pointer_mut(parent).unwrap()[key] = value;
            let all = violations(&spec, Level::Restricted);
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

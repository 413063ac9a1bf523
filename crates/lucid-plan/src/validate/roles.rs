//! Bindings: the role and the ServiceAccounts that they name.

use lucid_object::{Finding, Object};
use lucid_release::load::nearest;

use super::scene::{Scene, list, text};

const GROUP: &str = "rbac.authorization.k8s.io";

/// ClusterRoles that every cluster has. Source: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go.
const BUILT_IN: [&str; 4] = ["cluster-admin", "admin", "edit", "view"];

pub(super) fn check(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    for binding in scene.of(GROUP, "RoleBinding").chain(scene.of(GROUP, "ClusterRoleBinding")) {
        found.extend(role(scene, binding));
        for (pointer, subject) in list(binding.value(), "/subjects") {
            if text(subject, "kind") == Some("ServiceAccount") {
                found.extend(account(scene, binding, &pointer, subject));
            }
        }
    }
}

fn role(scene: &Scene<'_>, binding: &Object) -> Option<Finding> {
    let reference = binding.value().get("roleRef")?;
    let (kind, name) = (text(reference, "kind")?, text(reference, "name")?);
    let namespace = if kind == "Role" { binding.namespace() } else { None };
    let is_built_in = name.starts_with("system:")
        || match kind {
            "ClusterRole" => BUILT_IN.contains(&name),
            _ => namespace == Some("kube-system") && name == "extension-apiserver-authentication-reader",
        };
    if is_built_in || scene.find(GROUP, kind, namespace, name).is_some() {
        return None;
    }
    let message = format!("{} grants the {kind} {name}, which is not in the release", binding.reference());
    // A ClusterRole may be anybody's; a Role in our own namespace is ours.
    let finding = if kind == "Role" { scene.absent(8213, message) } else { Finding::warning(8213, message) };
    let help = nearest(name, scene.names(GROUP, kind, namespace));
    let help = help.unwrap_or_else(|| format!("add the {kind}, or correct the name"));
    Some(finding.on(binding.reference()).at(binding.position("/roleRef/name")).help(help))
}

fn account(scene: &Scene<'_>, binding: &Object, pointer: &str, subject: &serde_json::Value) -> Option<Finding> {
    let name = text(subject, "name")?;
    // A RoleBinding means its own namespace. Source: plugin/pkg/auth/authorizer/rbac (appliesToUser).
    let namespace = text(subject, "namespace").or(binding.namespace());
    let at = |finding: Finding, field: &str| {
        finding.on(binding.reference()).at(binding.position(&format!("{pointer}/{field}")))
    };
    let Some(namespace) = namespace else {
        let message = format!("{} names the ServiceAccount {name} without its namespace", binding.reference());
        return Some(at(Finding::error(1021, message), "name").help("add `namespace` to the subject"));
    };
    let is_there = name == "default" || scene.find("", "ServiceAccount", Some(namespace), name).is_some();
    if is_there || !scene.uses_namespace(namespace) {
        return None;
    }
    let message =
        format!("{} grants to ServiceAccount {namespace}/{name}, which is not in the release", binding.reference());
    let help = nearest(name, scene.names("", "ServiceAccount", Some(namespace)));
    let help = help.unwrap_or_else(|| "add the ServiceAccount, or correct the name".into());
    Some(at(scene.absent(8213, message), "name").help(help))
}

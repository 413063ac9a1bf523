//! Who may do what: roles and the bindings that give them.
//!
//! Source: kubernetes/plugin/pkg/auth/authorizer/rbac.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::path::Target;
use crate::api::user::User;
use crate::error::{About, ApiError};
use crate::json::Json;
use crate::kinds::{Kind, Table};
use crate::world::World;

/// What a request wants to do; a path stands where it is not about a resource.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Attributes<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) path: &'a str,
}

const GROUP: &str = "rbac.authorization.k8s.io";

pub(crate) fn allows(world: &World, user: &User, wanted: &Attributes<'_>) -> bool {
    user.is_master() || rules(world, user, wanted.namespace).iter().any(|rule| covers(rule, wanted))
}

/// Refuses what the user may not do.
pub(crate) fn check(world: &World, user: &User, kind: &Kind, target: &Target, verb: &str) -> Result<(), ApiError> {
    let wanted = Attributes {
        verb,
        group: &target.group,
        resource: &target.plural,
        subresource: &target.subresource,
        namespace: &target.namespace,
        name: &target.name,
        path: "",
    };
    if allows(world, user, &wanted) {
        return Ok(());
    }
    let resource = match target.subresource.as_str() {
        "" => target.plural.clone(),
        part => format!("{}/{part}", target.plural),
    };
    let place = match target.namespace.as_str() {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace {namespace:?}"),
    };
    let why =
        format!("User {:?} cannot {verb} resource {resource:?} in API group {:?} {place}", user.name, target.group);
    Err(ApiError::forbidden(About { plural: &target.plural, ..kind.about() }, &target.name, &why))
}

/// Refuses a path that the user may not see. What every client asks first is open to all.
pub(crate) fn check_path(world: &World, user: &User, path: &str) -> Result<(), ApiError> {
    let open = ["/version", "/healthz", "/livez", "/readyz"];
    let discovery = ["/api", "/apis", "/openapi"];
    let below = |root: &&str| path == *root || path.starts_with(&format!("{root}/"));
    let is_known = user.groups.iter().any(|group| group == "system:authenticated");
    let wanted = Attributes { verb: "get", path, ..Attributes::default() };
    if open.iter().any(|root| below(root))
        || is_known && discovery.iter().any(|root| below(root))
        || allows(world, user, &wanted)
    {
        return Ok(());
    }
    let about = About { group: "", plural: "", kind: "" };
    let mut error = ApiError::forbidden(about, "", "");
    error.message = format!("forbidden: User {:?} cannot get path {path:?}", user.name);
    Err(error)
}

/// The rules that hold for a user in a namespace, or in the whole cluster where none is named.
pub(crate) fn rules(world: &World, user: &User, namespace: &str) -> Vec<Value> {
    let mut out = Vec::new();
    let mut give = |binding: &Arc<Value>| {
        if binding.list("subjects").iter().any(|subject| is_meant(subject, user, binding.namespace())) {
            out.extend(role_of(world, binding));
        }
    };
    if let Some(kind) = world.kinds.by_kind("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") {
        world.store.list(kind.table).for_each(&mut give);
    }
    if let Some(kind) =
        world.kinds.by_kind("rbac.authorization.k8s.io/v1", "RoleBinding").filter(|_| !namespace.is_empty())
    {
        world.store.list_in(kind.table, namespace).for_each(&mut give);
    }
    out
}

fn is_meant(subject: &Value, user: &User, namespace: &str) -> bool {
    let name = subject.str("name");
    match subject.str("kind") {
        "User" => name == user.name,
        "Group" => user.groups.iter().any(|group| group == name),
        "ServiceAccount" => {
            let namespace = if subject.has("namespace") { subject.str("namespace") } else { namespace };
            user.name == format!("system:serviceaccount:{namespace}:{name}")
        }
        _ => false,
    }
}

fn role_of(world: &World, binding: &Value) -> Vec<Value> {
    let (kind, name) = (binding.str("roleRef/kind"), binding.str("roleRef/name"));
    let table = world.kinds.by_kind(&format!("{GROUP}/v1"), kind).map(|kind| kind.table);
    let namespace = if kind == "Role" { binding.namespace() } else { "" };
    let role = table.and_then(|table: Table| world.store.get(table, namespace, name));
    role.map(|role| role.list("rules").to_vec()).unwrap_or_default()
}

fn covers(rule: &Value, wanted: &Attributes<'_>) -> bool {
    let any = |field: &str, value: &str| rule.list(field).iter().any(|one| one == "*" || one == value);
    if !any("verbs", wanted.verb) {
        return false;
    }
    if !wanted.path.is_empty() {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => wanted.path.starts_with(start),
            None => wanted.path == pattern,
        };
        return rule.list("nonResourceURLs").iter().filter_map(Value::as_str).any(fits);
    }
    let whole = match wanted.subresource {
        "" => wanted.resource.to_owned(),
        part => format!("{}/{part}", wanted.resource),
    };
    let every = format!("*/{}", wanted.subresource);
    let resource = rule
        .list("resources")
        .iter()
        .filter_map(Value::as_str)
        .any(|one| one == "*" || one == whole || !wanted.subresource.is_empty() && one == every);
    let names = rule.list("resourceNames");
    any("apiGroups", wanted.group) && resource && (names.is_empty() || names.iter().any(|name| name == wanted.name))
}

/// The roles that every cluster has, without the ones of its own parts.
pub(crate) fn bootstrap() -> Vec<Value> {
    let read = ["get", "list", "watch"];
    let write = ["create", "delete", "deletecollection", "patch", "update"];
    let core = [
        "configmaps",
        "endpoints",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "serviceaccounts",
        "services",
        "bindings",
        "events",
        "limitranges",
        "namespaces/status",
        "pods/log",
        "pods/status",
        "resourcequotas",
        "resourcequotas/status",
        "namespaces",
    ];
    let edited = [
        "configmaps",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "secrets",
        "serviceaccounts",
        "services",
        "endpoints",
        "events",
    ];
    let groups = ["apps", "batch", "autoscaling", "networking.k8s.io", "policy", "discovery.k8s.io"];
    let view = vec![
        json!({"apiGroups": [""], "resources": core, "verbs": read}),
        json!({"apiGroups": groups, "resources": ["*"], "verbs": read}),
    ];
    let mut edit = view.clone();
    edit.extend([
        json!({"apiGroups": [""], "resources": ["secrets", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy"], "verbs": read}),
        json!({"apiGroups": [""], "resources": edited, "verbs": write}),
        json!({"apiGroups": [""], "resources": ["pods/eviction", "serviceaccounts/token"], "verbs": ["create"]}),
        json!({"apiGroups": ["apps", "batch", "autoscaling", "networking.k8s.io", "policy"], "resources": ["*"], "verbs": write}),
        json!({"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]}),
    ]);
    let mut admin = edit.clone();
    admin.extend([
        json!({"apiGroups": ["authorization.k8s.io"], "resources": ["localsubjectaccessreviews"], "verbs": ["create"]}),
        json!({"apiGroups": [GROUP], "resources": ["roles", "rolebindings"], "verbs": ["*"]}),
    ]);
    let master = vec![
        json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}),
        json!({"nonResourceURLs": ["*"], "verbs": ["*"]}),
    ];
    let reviews = vec![
        json!({"apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], "verbs": ["create"]}),
        json!({"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]}),
    ];
    let role = |name: &str, rules: &[Value]| json!({"kind": "ClusterRole", "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}, "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"}}, "rules": rules});
    let binding = |name: &str, group: &str| {
        json!({"kind": "ClusterRoleBinding", "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}, "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"}},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": name}, "subjects": [{"apiGroup": GROUP, "kind": "Group", "name": group}]})
    };
    vec![
        role("cluster-admin", &master),
        role("admin", &admin),
        role("edit", &edit),
        role("view", &view),
        role("system:basic-user", &reviews),
        binding("cluster-admin", super::user::MASTERS),
        binding("system:basic-user", "system:authenticated"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: Value, wanted: Attributes<'_>, expect: bool) {
        assert_eq!(covers(&rule, &wanted), expect, "{rule} {wanted:?}");
    }

    #[test]
    fn a_rule_names_groups_resources_parts_and_names() {
        let pods = Attributes { verb: "get", resource: "pods", name: "p", ..Attributes::default() };
        let logs = Attributes { subresource: "log", ..pods };
        let rule = |resources: &[&str]| json!({"apiGroups": [""], "resources": resources, "verbs": ["get"]});
        check(rule(&["pods"]), pods, true);
        check(rule(&["pods"]), logs, false);
        check(rule(&["pods/log"]), logs, true);
        check(rule(&["*/log"]), logs, true);
        check(rule(&["*"]), logs, true);
        check(rule(&["pods"]), Attributes { verb: "list", ..pods }, false);
        check(rule(&["pods"]), Attributes { group: "apps", ..pods }, false);
        check(json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["q"]}), pods, false);
        let path = Attributes { verb: "get", path: "/metrics/x", ..Attributes::default() };
        check(json!({"nonResourceURLs": ["/metrics/*"], "verbs": ["get"]}), path, true);
        check(json!({"nonResourceURLs": ["/metrics"], "verbs": ["get"]}), path, false);
    }
}

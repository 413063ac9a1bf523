//! `lucid rbac`: the least privileges that the deployer needs, as manifests that an administrator can apply.

use std::collections::{BTreeMap, BTreeSet};

use lucid_object::{Object, ObjectSet, yaml};
use lucid_plan::order::is_settled_at_once;
use lucid_plan::{Resources, scope};
use lucid_release::ReleaseFile;
use serde_json::{Value, json};

use crate::cli::{Global, Rbac};
use crate::exit::Exit;
use crate::failure::Result;
use crate::manifests;
use crate::output::Outlet;

pub(crate) fn run(global: &Global, args: &Rbac, outlet: &Outlet) -> Result<Exit> {
    let mut manifests = manifests::load(global, &args.source)?;
    // Where an object goes that names no namespace, without asking a cluster: kinds that are not known stay as they are.
    let mut resources = Resources::builtin();
    resources.define(&manifests.objects);
    let _unknown = scope::place(&mut manifests.objects, &manifests.release.spec.namespace, &resources);
    outlet.result(&document(&manifests.release, &manifests.objects, &args.service_account));
    Ok(Exit::Done)
}

/// Verbs of everything that is applied: read, apply, and remove when it leaves the release.
const APPLY: [&str; 6] = ["get", "list", "watch", "create", "patch", "delete"];

fn document(release: &ReleaseFile, objects: &ObjectSet, account: &str) -> String {
    let home = release.spec.namespace.as_str();
    let mut out = format!("# What {account} needs to deploy the release {}.\n", release.name());
    let mut namespaces: BTreeSet<&str> = objects.iter().filter_map(Object::namespace).collect();
    namespaces.insert(home);
    for namespace in namespaces {
        let rules = namespaced_rules(release, objects, namespace);
        out.push_str(&format!("---\n# Required in {namespace}.\n"));
        out.push_str(&yaml::emit(&role("Role", account, Some(namespace), rules)));
        out.push_str("---\n");
        out.push_str(&yaml::emit(&binding("Role", account, Some(namespace), home)));
    }
    out.push_str(
        "---\n# Required: the cluster-scoped objects of the release, by name where the server can check it.\n",
    );
    out.push_str(&yaml::emit(&role("ClusterRole", account, None, cluster_rules(objects))));
    out.push_str("---\n");
    out.push_str(&yaml::emit(&binding("ClusterRole", account, None, home)));
    out.push_str("---\n# Optional: reads of the whole cluster. Without them lucid says what it could not check.\n");
    for (resource, buys) in OPTIONAL {
        out.push_str(&format!("#   {resource}: {buys}\n"));
    }
    let optional = format!("{account}-optional");
    let rules = vec![
        json!({"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["list"]}),
        json!({"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]}),
        json!({"apiGroups": [""], "resources": ["limitranges", "namespaces", "persistentvolumes", "resourcequotas", "services"], "verbs": ["list"]}),
        json!({"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list"]}),
        json!({"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "networkpolicies", "servicecidrs"], "verbs": ["list"]}),
        json!({"apiGroups": ["networking.k8s.io"], "resources": ["ingressclasses"], "verbs": ["get", "list"]}),
        json!({"apiGroups": ["scheduling.k8s.io"], "resources": ["priorityclasses"], "verbs": ["list"]}),
        json!({"apiGroups": ["node.k8s.io"], "resources": ["runtimeclasses"], "verbs": ["list"]}),
        json!({"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": ["list"]}),
        json!({"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": ["list"]}),
        json!({"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["list"]}),
        json!({"apiGroups": ["admissionregistration.k8s.io"], "resources": ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"], "verbs": ["list"]}),
        json!({"apiGroups": ["apiregistration.k8s.io"], "resources": ["apiservices"], "verbs": ["list"]}),
        json!({"apiGroups": ["apps"], "resources": ["daemonsets", "deployments"], "verbs": ["list"]}),
        json!({"apiGroups": ["metrics.k8s.io"], "resources": ["pods"], "verbs": ["list"]}),
    ];
    let mut cluster_role = role("ClusterRole", account, None, rules);
    cluster_role["metadata"]["name"] = optional.clone().into();
    out.push_str(&yaml::emit(&cluster_role));
    out.push_str("---\n");
    let mut bound = binding("ClusterRole", account, None, home);
    bound["metadata"]["name"] = optional.clone().into();
    bound["roleRef"]["name"] = optional.into();
    out.push_str(&yaml::emit(&bound));
    out
}

const OPTIONAL: [(&str, &str); 4] = [
    ("list nodes", "whether every pod fits on some node"),
    ("list pods", "whether all pods fit beside what else runs"),
    ("get namespace kube-system", "the cluster's identity in records and events"),
    (
        "list the others",
        "what is foreseen before a deploy, and what `lucid health` checks beside the release's own kinds",
    ),
];

/// Resources of each API group, by the namespace they are needed in.
fn resources<'a>(objects: impl Iterator<Item = &'a Object>) -> BTreeMap<String, BTreeSet<String>> {
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for object in objects {
        groups.entry(object.group().to_owned()).or_default().insert(plural(object.kind()));
    }
    groups
}

fn namespaced_rules(release: &ReleaseFile, objects: &ObjectSet, namespace: &str) -> Vec<Value> {
    let here = || objects.iter().filter(|object| object.namespace() == Some(namespace));
    let mut rules: Vec<Value> = resources(here())
        .into_iter()
        .map(|(group, resources)| json!({"apiGroups": [group], "resources": resources, "verbs": APPLY}))
        .collect();
    if here().any(|object| !is_settled_at_once(object.group(), object.kind())) {
        rules.push(json!({"apiGroups": [""], "resources": ["pods", "events", "persistentvolumeclaims"], "verbs": ["get", "list", "watch"]}));
        rules.push(json!({"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["get", "list", "watch"]}));
        rules.push(json!({"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get"]}));
        // Opened by a GET that is upgraded, for which newer servers ask for `create`.
        rules.push(json!({"apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["get", "create"]}));
        rules.push(json!({"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}));
    }
    if here().any(|object| object.kind() == "StatefulSet") {
        // A pod that keeps its StatefulSet from going back is deleted, and so is one that nobody owns any more.
        rules.push(json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}));
    }
    // Secrets are listed as metadata; values are read by name only.
    rules.push(json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}));
    let read: BTreeSet<&str> = release
        .spec
        .secrets
        .iter()
        .filter(|secret| secret.namespace.as_deref().unwrap_or(&release.spec.namespace) == namespace)
        .map(|secret| secret.name.as_str())
        .collect();
    if !read.is_empty() {
        rules.push(json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": read, "verbs": ["get"]}));
    }
    if namespace == release.spec.namespace {
        let lease = lucid_release::names::lease(release.name());
        rules.push(json!({"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]}));
        rules.push(json!({"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [lease], "verbs": ["get", "update", "delete"]}));
        // The record, revisions and their packs: their names are not known beforehand.
        rules
            .push(json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "get", "update", "delete"]}));
    }
    // Nobody may hand out what they do not have: the rules of the release's own Roles come along.
    let granted =
        here().filter(|object| object.kind() == "Role").filter_map(|object| object.value().get("rules")?.as_array());
    rules.extend(granted.flatten().cloned());
    rules
}

fn cluster_rules(objects: &ObjectSet) -> Vec<Value> {
    let wide = || objects.iter().filter(|object| object.namespace().is_none());
    let mut rules = Vec::new();
    for (group, resources) in resources(wide()) {
        let names: BTreeSet<&str> = wide().filter(|object| object.group() == group).map(Object::name).collect();
        rules.push(json!({"apiGroups": [group], "resources": resources, "verbs": ["create", "list", "watch"]}));
        rules.push(json!({"apiGroups": [group], "resources": resources, "resourceNames": names, "verbs": ["get", "patch", "delete"]}));
    }
    let granted = wide()
        .filter(|object| object.kind() == "ClusterRole")
        .filter_map(|object| object.value().get("rules")?.as_array());
    rules.extend(granted.flatten().cloned());
    rules
}

/// The resource name of a kind. Sources of exceptions: the built-in API's own plurals.
fn plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.as_str() {
        "endpoints" => lower,
        _ if lower.ends_with('s') || lower.ends_with("ch") || lower.ends_with('x') => format!("{lower}es"),
        _ if lower.ends_with('y') && !lower.ends_with("ay") && !lower.ends_with("ey") => {
            format!("{}ies", &lower[..lower.len() - 1])
        }
        _ => format!("{lower}s"),
    }
}

fn role(kind: &str, name: &str, namespace: Option<&str>, rules: Vec<Value>) -> Value {
    let mut role =
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "rules": rules});
    if let Some(namespace) = namespace {
        role["metadata"]["namespace"] = namespace.into();
    }
    role
}

fn binding(kind: &str, name: &str, namespace: Option<&str>, home: &str) -> Value {
    let mut binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": format!("{kind}Binding"), "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": home}],
    });
    if let Some(namespace) = namespace {
        binding["metadata"]["namespace"] = namespace.into();
    }
    binding
}

#[cfg(test)]
mod tests {
    use super::plural;

    #[test]
    fn plurals_of_the_built_in_kinds() {
        let cases = [
            ("Deployment", "deployments"),
            ("NetworkPolicy", "networkpolicies"),
            ("Ingress", "ingresses"),
            ("Endpoints", "endpoints"),
            ("ResourceQuota", "resourcequotas"),
            ("StorageClass", "storageclasses"),
            ("Gateway", "gateways"),
            ("HTTPRoute", "httproutes"),
        ];
        for (kind, expect) in cases {
            assert_eq!(plural(kind), expect, "{kind}");
        }
    }
}

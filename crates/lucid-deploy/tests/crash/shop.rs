//! A small release with every kind of object that matters, in three versions.

use lucid_object::{Object, ObjectSet};
use lucid_release::ReleaseFile;
use serde_json::{Value, json};

pub(crate) const NAMESPACE: &str = "shop";
pub(crate) const RELEASE: &str = "shop";

/// What is deployed: the first release, its successor, and the one after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    One,
    Two,
    Three,
}

use Version::{One, Three, Two};

pub(crate) const VERSIONS: [Version; 3] = [One, Two, Three];

/// Which component needs which.
pub(crate) const NEEDS: [(&str, &str); 4] = [("api", "db"), ("web", "api"), ("banner", "api"), ("search", "db")];

pub(crate) fn release(version: Version) -> ReleaseFile {
    let component = |name: &str| {
        let needs = NEEDS.iter().filter(|(own, _)| *own == name).map(|(_, needed)| *needed);
        format!("  - {{name: {name}, select: {{app: {name}}}, needs: [{}]}}\n", needs.collect::<Vec<_>>().join(", "))
    };
    let names = ["db", "agent", "api", "web", if version == One { "banner" } else { "search" }];
    let text = format!(
        "apiVersion: lucid.dev/v1alpha1\nkind: Release\nmetadata: {{name: {RELEASE}}}\nspec:\n  source: .\n  namespace: {NAMESPACE}\n  components:\n{}",
        names.map(component).concat()
    );
    lucid_release::load::load(&text, "lucid.yaml").expect("a sound release file")
}

pub(crate) fn objects(version: Version) -> ObjectSet {
    manifests(version).into_iter().map(Object::new).collect()
}

/// The manifests as they are written; every version changes some, brings some and drops some.
pub(crate) fn manifests(version: Version) -> Vec<Value> {
    let n = version as u32 + 1;
    let mut all = vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {"stage": format!("s{n}")}}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("runner", "")}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta("reader", ""),
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": if n == 2 { json!(["get", "list"]) } else { json!(["get"]) }}]}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta("reader", ""),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "name": "runner", "namespace": NAMESPACE}]}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta("default-deny", ""),
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta("db", "db"), "stringData": {"password": format!("correct-horse-{n}")}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("db", "db"),
            "spec": {"clusterIP": "None", "selector": {"app": "db"}, "ports": [{"port": 5432}]}}),
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta("db", "db"), "spec": {
            "serviceName": "db", "replicas": 2, "selector": {"matchLabels": {"app": "db"}}, "template": pods("db", n),
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
                "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}}),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta("uploads", "api"),
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta("agent", "agent"),
            "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": pods("agent", n.min(2))}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("api", "api"), "data": {"limit": n.to_string()}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("api", "api"),
            "spec": {"selector": {"app": "api"}, "ports": [{"port": 80}]}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("api", "api"),
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "api"}}, "template": pods("api", n)}}),
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta("api", "api"),
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "api"}}}}),
        // Stays as it is in every version.
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("web", "web"),
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": pods("web", 1)}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("web", "web"),
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80 + n}]}}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta("web", "web"), "spec": {
            "rules": [{"host": "shop.example", "http": {"paths": [{"path": "/", "pathType": "Prefix",
                "backend": {"service": {"name": "web", "port": {"number": 80 + n}}}}]}}]}}),
    ];
    match version {
        One => {
            all.push(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("banner", "banner"), "data": {"text": "hello"}}));
            all.push(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("banner", "banner"),
                "spec": {"selector": {"matchLabels": {"app": "banner"}}, "template": pods("banner", 1)}}));
        }
        Two | Three => {
            all.push(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("search", "search"), "data": {"index": n.to_string()}}));
            all.push(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("search", "search"),
                "spec": {"selector": {"matchLabels": {"app": "search"}}, "template": pods("search", n)}}));
        }
    }
    all
}

fn meta(name: &str, app: &str) -> Value {
    let mut meta = json!({"name": name, "namespace": NAMESPACE});
    if !app.is_empty() {
        meta["labels"] = json!({"app": app});
    }
    meta
}

fn pods(app: &str, version: u32) -> Value {
    let mut container = json!({"name": app, "image": format!("registry.example/{app}:{version}")});
    if app == "api" {
        container["envFrom"] = json!([{"configMapRef": {"name": "api"}}]);
    }
    if app == "db" {
        container["env"] =
            json!([{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]);
    }
    json!({"metadata": {"labels": {"app": app}}, "spec": {"serviceAccountName": "runner", "containers": [container]}})
}

/// What others have in the namespace, and what must never change.
pub(crate) fn foreign() -> Vec<Value> {
    vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": NAMESPACE}, "data": {"a": "b"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "their-token", "namespace": NAMESPACE}, "data": {"t": "eA=="}}),
    ]
}

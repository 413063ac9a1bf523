//! `lucid cleanup` and `lucid rollback --emergency`, on the real control plane.

use serde_json::Value;

use crate::shop::{Shop, kubectl};

fn there(shop: &Shop, kinds: &str) -> String {
    kubectl(&["get", kinds, "-n", &shop.namespace, "-o", "name"])
}

#[test]
fn a_cleanup_takes_what_is_ours_and_leaves_the_rest() {
    let mut shop = Shop::new("clean");
    shop.extra = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec:\n  accessModes: [ReadWriteOnce]\n  storageClassName: manual\n  volumeName: clean-data\n  resources: {requests: {storage: 1Gi}}\n---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: clean-data}\nspec:\n  accessModes: [ReadWriteOnce]\n  storageClassName: manual\n  capacity: {storage: 1Gi}\n  hostPath: {path: /tmp/clean-data}\n".into();
    shop.run(&["deploy"]).check(0, &["verified"]);
    kubectl(&["create", "configmap", "foreign", "-n", &shop.namespace, "--from-literal=a=b"]);

    shop.run(&["cleanup"]).check(2, &["no terminal to ask on", "--yes"]);
    let dry = shop.run(&["cleanup", "--dry-run"]);
    dry.check(0, &["- Deployment", "= PersistentVolumeClaim", "nothing was removed"]);
    let order: Vec<usize> = ["web", "api", "db"]
        .iter()
        .map(|name| {
            dry.stdout.find(&format!("- Deployment {}/{name}", shop.namespace)).unwrap_or_else(|| panic!("{dry}"))
        })
        .collect();
    assert!(order.is_sorted(), "what depends on others goes first: {dry}");

    shop.run(&["cleanup", "--component", "db", "--dry-run"]).check(0, &["Deployment", "/db"]);
    shop.run(&["cleanup", "--component", "bd", "--dry-run"]).check(5, &["did you mean db?"]);
    let done = shop.run(&["cleanup", "--yes"]);
    done.check(0, &["gone web", "objects removed", "it still holds"]);
    assert_eq!(there(&shop, "deployments,services,pods,leases"), "");
    assert_eq!(there(&shop, "configmaps"), "configmap/foreign\nconfigmap/kube-root-ca.crt\n");
    assert_eq!(there(&shop, "persistentvolumeclaims"), "persistentvolumeclaim/data\n");
    assert_eq!(there(&shop, "secrets"), "", "the record is gone");
    // What is left of it can be deployed upon.
    shop.run(&["deploy"]).check(0, &["verified"]);
    kubectl(&["delete", "configmap", "foreign", "-n", &shop.namespace]);
    shop.run(&["cleanup", "--yes", "--delete-data"]).check(0, &["was empty and is gone"]);
    kubectl(&["delete", "persistentvolume", "clean-data", "--ignore-not-found", "--wait=false"]);
}

#[test]
fn an_emergency_makes_the_workloads_anew() {
    let mut shop = Shop::new("emergency");
    shop.run(&["deploy"]).check(0, &[]);
    for name in ["api", "web"] {
        shop.app(name).image = format!("registry.test/{name}:2");
    }
    shop.run(&["deploy"]).check(0, &[]);
    let uids = || -> Vec<String> {
        let list: Value =
            serde_json::from_str(&kubectl(&["get", "deployments", "-n", &shop.namespace, "-o", "json"])).unwrap();
        let item = |item: &Value| format!("{} {}", item["metadata"]["name"], item["metadata"]["uid"]);
        list["items"].as_array().unwrap().iter().map(item).collect()
    };
    let before = uids();
    shop.run(&["rollback", "--emergency", "--component", "api"]).check(2, &["--yes"]);
    assert_eq!(uids(), before, "nothing happens without consent");
    shop.run(&["rollback", "--emergency", "--component", "api", "--yes"]).check(0, &["2 of 2 components verified"]);
    let after = uids();
    let same = |name: &str| before.iter().any(|line| line.contains(name) && after.contains(line));
    assert!(same("db") && same("cache") && !same("api") && !same("web"), "{before:?} → {after:?}");
    let images = [
        "get",
        "deployments",
        "-n",
        &shop.namespace,
        "-o",
        "jsonpath={.items[*].spec.template.spec.containers[0].image}",
    ];
    assert_eq!(kubectl(&images), "registry.test/api:1 registry.test/cache:1 registry.test/db:1 registry.test/web:1");
}

#[test]
fn an_emergency_strips_no_finalizer_and_says_which_one_holds() {
    let mut shop = Shop::new("stuck");
    shop.run(&["deploy"]).check(0, &[]);
    shop.app("web").image = "registry.test/web:2".into();
    shop.run(&["deploy"]).check(0, &[]);
    let finalizers = |value: &str| {
        let patch = format!("{{\"metadata\":{{\"finalizers\":{value}}}}}");
        kubectl(&["patch", "deployment", "web", "-n", &shop.namespace, "--type=merge", "-p", &patch]);
    };
    finalizers("[\"example.com/hold\"]");
    let emergency = ["rollback", "--emergency", "--component", "web", "--yes", "--timeout", "5s"];
    shop.run(&emergency).check(8, &["error[L9019]", "Deployment", "example.com/hold"]);
    let held = kubectl(&["get", "deployment", "web", "-n", &shop.namespace, "-o", "jsonpath={.metadata.finalizers}"]);
    assert_eq!(held, "[\"example.com/hold\"]");
    // Once its controller lets go, the same command goes through.
    finalizers("null");
    shop.run(&["rollback", "--emergency", "--component", "web", "--yes"]).check(0, &["verified"]);
    let image = "jsonpath={.spec.template.spec.containers[0].image}";
    assert_eq!(kubectl(&["get", "deployment", "web", "-n", &shop.namespace, "-o", image]), "registry.test/web:1");
}

#[test]
fn what_does_not_go_is_named_with_its_finalizer() {
    let shop = Shop::new("held");
    shop.run(&["deploy"]).check(0, &[]);
    let finalizer = "{\"metadata\":{\"finalizers\":[\"example.com/hold\"]}}";
    kubectl(&["patch", "deployment", "web", "-n", &shop.namespace, "--type=merge", "-p", finalizer]);
    let held = shop.run(&["cleanup", "--yes", "--timeout", "3s"]);
    held.check(1, &["error[L9019]", "Deployment", "example.com/hold"]);
    assert!(there(&shop, "deployments").contains("deployment.apps/db"), "what web needs was not touched");
    kubectl(&[
        "patch",
        "deployment",
        "web",
        "-n",
        &shop.namespace,
        "--type=merge",
        "-p",
        "{\"metadata\":{\"finalizers\":null}}",
    ]);
    shop.run(&["cleanup", "--yes"]).check(0, &["objects removed"]);
}

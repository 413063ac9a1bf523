//! Objects that can only be deleted and made anew, on the real control plane.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::shop::{Ran, Shop, kubectl};

fn set(policy: &str) -> String {
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: store}}
spec: {{clusterIP: None, selector: {{app: store}}, ports: [{{port: 8080}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: store, labels: {{app: db}}}}
spec:
  serviceName: store
  replicas: 2
  podManagementPolicy: {policy}
  selector: {{matchLabels: {{app: store}}}}
  template:
    metadata:
      labels: {{app: store}}
      annotations: {{lucid.dev/test-ready-delay: 500ms}}
    spec:
      containers:
      - {{name: main, image: \"registry.test/store:1\", ports: [{{containerPort: 8080}}]}}
"
    )
}

fn job(image: &str) -> String {
    format!(
        "apiVersion: batch/v1
kind: Job
metadata: {{name: migrate, labels: {{app: db}}}}
spec:
  template:
    metadata:
      annotations: {{lucid.dev/test-ready-delay: 300ms}}
    spec:
      restartPolicy: Never
      containers:
      - {{name: main, image: \"registry.test/migrate:{image}\"}}
"
    )
}

fn uid(shop: &Shop, object: &str) -> String {
    kubectl(&["get", object, "-n", &shop.namespace, "-o", "jsonpath={.metadata.uid}", "--ignore-not-found"])
}

fn pods(shop: &Shop) -> String {
    let path = "jsonpath={range .items[*]}{.metadata.name}={.metadata.uid} {end}";
    kubectl(&["get", "pods", "-l", "app=store", "-n", &shop.namespace, "-o", path])
}

#[test]
fn a_stateful_set_is_made_anew_and_keeps_its_pods() {
    let mut shop = Shop::new("anew");
    shop.extra = set("OrderedReady");
    shop.run(&["deploy"]).check(0, &["verified"]);
    let (set_before, pods_before) = (uid(&shop, "statefulset/store"), pods(&shop));
    shop.extra = set("Parallel");
    let plan = shop.run(&["plan", "-o", "json"]);
    plan.check(6, &[]);
    let change = plan.json()["changes"][0].clone();
    assert_eq!((&change["action"], &change["reverse"]), (&"replace".into(), &"replace".into()), "{plan}");
    assert_eq!(change["fields"][0]["path"], "spec.podManagementPolicy", "{plan}");
    shop.run(&["plan"])
        .check(6, &["± StatefulSet", "its pods and volumes stay", "OrderedReady → Parallel", "1 to replace"]);
    shop.run(&["plan", "--require-reversible"]).check(6, &[]);
    assert_eq!(uid(&shop, "statefulset/store"), set_before, "a plan writes nothing");

    shop.run(&["deploy"]).check(0, &["replaced StatefulSet", "verified"]);
    let set_after = uid(&shop, "statefulset/store");
    assert_ne!(set_after, set_before);
    assert_eq!(pods(&shop), pods_before, "the pods ran on");
    shop.run(&["deploy"]).check(0, &["nothing to change"]);

    shop.run(&["rollback"]).check(0, &["in service: revision 3"]);
    assert_ne!(uid(&shop, "statefulset/store"), set_after);
    assert_eq!(pods(&shop), pods_before);
}

#[test]
fn a_job_is_made_anew() {
    let mut shop = Shop::new("job");
    shop.extra = job("1");
    shop.run(&["deploy"]).check(0, &["verified"]);
    let before = uid(&shop, "job/migrate");
    shop.extra = job("2");
    shop.run(&["plan"]).check(
        6,
        &["± Job", "cannot be taken back: a Job that has run has run", "migrate:1 → registry.test/migrate:2"],
    );
    shop.run(&["plan", "--require-reversible"]).check(5, &["cannot be taken back", "Job"]);
    shop.run(&["deploy"]).check(0, &["verified"]);
    assert_ne!(uid(&shop, "job/migrate"), before);
    let left =
        kubectl(&["get", "pods", "-l", "batch.kubernetes.io/job-name=migrate", "-n", &shop.namespace, "-o", "name"]);
    assert_eq!(left.lines().count(), 1, "the pods of the old Job are gone: {left}");
}

#[test]
fn what_takes_more_away_is_asked_for_by_name() {
    let mut shop = Shop::new("consent");
    shop.extra = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fixed, labels: {app: db}}\nimmutable: true\ndata: {a: \"1\"}\n".into();
    shop.run(&["deploy"]).check(0, &["verified"]);
    let before = shop.versions();
    let extra = shop.extra.clone();
    shop.extra = extra.replace("\"1\"", "\"2\"");
    shop.app("web").container = "\n        tty: true";
    let refused = shop.run(&["deploy"]);
    refused.check(5, &["error[L9031]", "ConfigMap", "add `--allow-replace ConfigMap/fixed`"]);
    assert_eq!(shop.versions(), before, "nothing was sent, of the other objects neither");
    shop.run(&["plan"]).check(5, &["error[L9031]"]);
    shop.run(&["plan", "--allow-replace", "configmap/fixed"]).check(6, &["± ConfigMap", "data.a: 1 → 2"]);
    shop.run(&["deploy", "--allow-replace", "configmap/fixed"]).check(0, &["verified"]);
    shop.run(&["rollback"]).check(5, &["error[L9031]"]);
    shop.run(&["rollback", "--allow-replace", "configmap/fixed"]).check(0, &["in service: revision 3"]);
    let value = kubectl(&["get", "configmap", "fixed", "-n", &shop.namespace, "-o", "jsonpath={.data.a}"]);
    assert_eq!(value, "1");

    // A failure after a replacement that somebody agreed to goes back the same way.
    shop.extra = extra.replace("\"1\"", "\"3\"");
    shop.app("api").annotations.push(("lucid.dev/test-fail", "image-not-found"));
    let failed = shop.run(&["deploy", "--allow-replace", "configmap/fixed"]);
    failed.check(1, &["is in service again and verified"]);
    let value = kubectl(&["get", "configmap", "fixed", "-n", &shop.namespace, "-o", "jsonpath={.data.a}"]);
    assert_eq!(value, "1");
}

#[test]
fn a_selector_changes_with_consent_and_the_old_pods_go_first() {
    let shop = Shop::new("selector");
    shop.run(&["deploy"]).check(0, &["verified"]);
    let before = uid(&shop, "deployment/db");
    let narrowed = |shop: &Shop, args: &[&str]| {
        shop.write();
        let path = shop.folder.join("k8s/db.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text
            .replace("    matchLabels: {app: db}", "    matchLabels: {app: db, tier: data}")
            .replace("      labels: {app: db}", "      labels: {app: db, tier: data}");
        std::fs::write(path, text).unwrap();
        Ran::of(shop.command(args).output().unwrap())
    };
    narrowed(&shop, &["deploy"]).check(5, &["error[L9031]", "--allow-replace Deployment/db", "its pods go before"]);
    assert_eq!(uid(&shop, "deployment/db"), before);
    narrowed(&shop, &["deploy", "--allow-replace", "Deployment/db"]).check(0, &["verified"]);
    assert_ne!(uid(&shop, "deployment/db"), before);
    let sets = kubectl(&["get", "replicasets", "-l", "app=db", "-n", &shop.namespace, "-o", "name"]);
    assert_eq!(sets.lines().count(), 1, "nothing of the old one is left: {sets}");
}

/// Dies when the StatefulSet is gone and its pods are not.
fn die_in_between(shop: &mut Shop) {
    shop.extra = set("Parallel");
    // Its deletion takes as long as this finalizer holds.
    let hold = |value: &str| {
        let patch = format!("{{\"metadata\":{{\"finalizers\":{value}}}}}");
        kubectl(&["patch", "statefulset", "store", "-n", &shop.namespace, "--type=merge", "-p", &patch]);
    };
    hold("[\"example.com/hold\"]");
    shop.write();
    let mut child = shop.command(&["deploy"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let going = ["get", "statefulset", "store", "-n", &shop.namespace, "-o", "jsonpath={.metadata.deletionTimestamp}"];
    crate::harness::wait_for("the deletion", Duration::from_secs(20), || (!kubectl(&going).is_empty()).then_some(()));
    // Until the garbage collector has let the pods go.
    let owned = [
        "get",
        "pods",
        "-l",
        "app=store",
        "-n",
        &shop.namespace,
        "-o",
        "jsonpath={.items[*].metadata.ownerReferences}",
    ];
    crate::harness::wait_for("orphans", Duration::from_secs(20), || kubectl(&owned).is_empty().then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    hold("null");
    crate::harness::wait_for("the end", Duration::from_secs(20), || {
        uid(shop, "statefulset/store").is_empty().then_some(())
    });
}

#[test]
fn a_death_between_deletion_and_creation_costs_no_pod() {
    let mut shop = Shop::new("between");
    shop.extra = set("OrderedReady");
    shop.run(&["deploy"]).check(0, &["verified"]);
    let before = pods(&shop);
    die_in_between(&mut shop);
    assert_eq!(pods(&shop), before);
    let namespace = shop.namespace.clone();
    let policy = ["get", "statefulset", "store", "-n", &namespace, "-o", "jsonpath={.spec.podManagementPolicy}"];
    shop.run(&["rollback"]).check(0, &["in service"]);
    assert_eq!((kubectl(&policy).as_str(), pods(&shop)), ("OrderedReady", before.clone()));

    die_in_between(&mut shop);
    shop.run(&["deploy"]).check(0, &["verified"]);
    assert_eq!((kubectl(&policy).as_str(), pods(&shop)), ("Parallel", before.clone()));

    // A release that wants it no more leaves no pod that nobody owns.
    shop.extra = set("OrderedReady");
    shop.run(&["deploy"]).check(0, &["verified"]);
    die_in_between(&mut shop);
    shop.extra.clear();
    shop.run(&["deploy"]).check(0, &["verified"]);
    crate::harness::wait_for("no pod", Duration::from_secs(20), || pods(&shop).is_empty().then_some(()));
    let history: Value = shop.run(&["history", "-o", "json"]).json();
    assert_eq!(history["underWay"], Value::Null);
}

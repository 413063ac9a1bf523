//! `lucid deploy` and `lucid status` against the real control plane.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::shop::{Ran, Shop, kubectl};

fn changed(result: &Value) -> (i64, i64, i64) {
    let count = |field: &str| result["changed"][field].as_i64().unwrap();
    (count("created"), count("configured"), count("deleted"))
}

fn results(result: &Value) -> Vec<String> {
    let components = result["components"].as_array().unwrap();
    components.iter().map(|c| format!("{} {}", c["name"].as_str().unwrap(), c["result"].as_str().unwrap())).collect()
}

#[test]
fn from_empty_again_unchanged_and_with_one_image() {
    let mut shop = Shop::new("fresh");
    let first = shop.run(&["deploy", "-o", "json"]);
    first.check(0, &[]);
    let result = first.json();
    assert_eq!(result["outcome"], "verified");
    assert_eq!(results(&result), ["db verified", "cache verified", "api verified", "web verified"]);
    let verified_by = result["components"][0]["verifiedBy"].as_str().unwrap();
    assert!(verified_by.contains("/health on 8080 answers at 1 pod"), "{verified_by}");
    let path: Vec<&str> =
        result["longestPath"].as_array().unwrap().iter().filter_map(|leg| leg["component"].as_str()).collect();
    assert_eq!(path, ["db", "api", "web"]);

    let before = shop.versions();
    let again = shop.run(&["deploy", "-o", "json"]);
    again.check(0, &["nothing to change"]);
    assert_eq!(changed(&again.json()), (0, 0, 0), "{again}");
    assert_eq!(shop.versions(), before, "a deploy of what is there writes to no object of the release");

    shop.app("api").image = "registry.test/api:2".into();
    let rolled = shop.run(&["deploy", "-o", "json"]);
    rolled.check(0, &[]);
    assert_eq!(changed(&rolled.json()), (0, 1, 0), "{rolled}");
    let touched: Vec<_> = shop.versions().into_iter().filter(|line| !before.contains(line)).collect();
    assert_eq!(touched.len(), 1, "{touched:?}");
    assert!(touched[0].contains("\"api\""));

    let status = shop.run(&["status", "-o", "json"]);
    status.check(0, &[]);
    let components = status.json()["components"].as_array().unwrap().clone();
    assert!(components.iter().all(|component| component["status"] == "Current"), "{status}");
    assert_eq!(status.json()["lastRun"]["run"], 2);
}

#[test]
fn a_broken_image_is_named_and_stops_only_what_depends_on_it() {
    let mut shop = Shop::new("broken");
    shop.app("api").annotations.push(("lucid.dev/test-fail", "image-not-found"));
    let began = Instant::now();
    let ran = shop.run(&["deploy", "-o", "json"]);
    ran.check(1, &["error[L3002]", "k8s/api.yaml:", "stopped, and everything kept as it is", "the complete log is"]);
    assert!(began.elapsed() < Duration::from_secs(30), "it waits for no deadline");
    assert_eq!(results(&ran.json()), ["db verified", "cache verified", "api failed", "web skipped"]);
    shop.run(&["status"]).check(1, &["api", "L3002"]);

    let api = shop.app("api");
    api.annotations.pop();
    api.image = "registry.test/api:2".into();
    shop.run(&["deploy", "-o", "json"]).check(0, &["verified"]);
}

#[test]
fn a_dry_run_writes_nothing() {
    let shop = Shop::new("dry");
    for mode in ["--dry-run", "--dry-run=server"] {
        let ran = shop.run(&["deploy", mode]);
        ran.check(
            0,
            &["+ Deployment", "dry run: 13 to create, 0 to update, 0 to delete, 0 unchanged; nothing was written"],
        );
        assert_eq!(kubectl(&["get", "namespace", &shop.namespace, "--ignore-not-found", "-o", "name"]), "");
    }
}

#[test]
fn one_component_needs_what_it_needs() {
    let shop = Shop::new("single");
    let alone = shop.run(&["deploy", "--component", "api"]);
    alone.check(5, &["error[L9008]", "db is needed and not ready"]);
    shop.run(&["deploy", "--component", "api", "--with-needs"]).check(0, &["2 of 2 components verified"]);
    let there = kubectl(&["get", "deployments", "-n", &shop.namespace, "-o", "name"]);
    assert_eq!(there, "deployment.apps/api\ndeployment.apps/db\n");
    shop.run(&["deploy", "--component", "web"]).check(0, &["1 of 1 components verified"]);
    shop.run(&["deploy", "--component", "wbe"]).check(2, &["there is no component wbe", "did you mean web?"]);
}

#[test]
fn what_is_missing_or_foreign_is_refused_with_everything_at_once() {
    let mut shop = Shop::new("refused");
    shop.app("db").container = "\n        envFrom:\n        - secretRef: {name: nowhere}\n";
    shop.app("cache").container =
        "\n        env:\n        - name: X\n          valueFrom: {configMapKeyRef: {name: web, key: nokey}}\n";
    kubectl(&["create", "namespace", &shop.namespace]);
    kubectl(&["create", "configmap", "api", "-n", &shop.namespace, "--from-literal=a=b"]);
    let ran = shop.run(&["deploy"]);
    ran.check(5, &["error[L9002]", "belong", "take-ownership"]);
    kubectl(&["delete", "configmap", "api", "-n", &shop.namespace]);
    let ran = shop.run(&["deploy"]);
    ran.check(5, &["error[L9006]", "nowhere", "error[L4002]", "nokey", "its keys are: setting"]);
    assert_eq!(
        kubectl(&["get", "deployments,services,leases", "-n", &shop.namespace, "-o", "name"]),
        "",
        "nothing was sent"
    );
}

#[test]
fn a_pod_larger_than_every_node_is_refused() {
    let mut shop = Shop::new("large");
    shop.app("db").container = "\n        securityContext: {}";
    shop.write();
    let path = shop.folder.join("k8s/db.yaml");
    let run = |cpu: &str| {
        let text = std::fs::read_to_string(&path).unwrap().replace("cpu: 10m", &format!("cpu: {cpu}"));
        std::fs::write(&path, text).unwrap();
        Ran::of(shop.command(&["deploy", "--dry-run"]).output().unwrap())
    };
    run("4000").check(5, &["error[L9007]", "requests 4000 CPU", "no node has more than", "k8s/db.yaml:"]);
}

#[test]
fn a_kind_that_the_cluster_does_not_serve_is_refused() {
    let mut shop = Shop::new("kinds");
    // No version of Kubernetes that we support serves it: nobody needs to be asked.
    shop.extra = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: old}\n".into();
    let words = ["error[L1004]", "policy/v1beta1 PodDisruptionBudget", "use policy/v1", "k8s/extra.yaml:"];
    shop.run(&["deploy"]).check(2, &words);
    shop.extra = "apiVersion: example.com/v1\nkind: PodDisruptionBudget\nmetadata: {name: odd}\n".into();
    let words = [
        "error[L1003]",
        "example.com/v1 PodDisruptionBudget",
        "serves PodDisruptionBudget as policy/v1",
        "k8s/extra.yaml:",
    ];
    shop.run(&["deploy"]).check(5, &words);
}

#[test]
fn what_left_the_release_is_removed() {
    let mut shop = Shop::new("prune");
    shop.run(&["deploy"]).check(0, &[]);
    shop.apps.retain(|app| app.name != "web");
    std::fs::remove_file(shop.folder.join("k8s/web.yaml")).unwrap();
    let ran = shop.run(&["deploy", "-o", "json"]);
    ran.check(0, &[]);
    assert_eq!(changed(&ran.json()), (0, 0, 3), "{ran}");
    let deadline = Instant::now() + Duration::from_secs(10);
    while !kubectl(&["get", "deployment", "web", "-n", &shop.namespace, "--ignore-not-found", "-o", "name"]).is_empty()
    {
        assert!(Instant::now() < deadline, "web is still there");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_field_of_another_manager_is_a_conflict_that_names_it() {
    let mut shop = Shop::new("conflict");
    shop.run(&["deploy"]).check(0, &[]);
    kubectl(&[
        "set",
        "image",
        "deployment/api",
        "main=registry.test/api:hotfix",
        "-n",
        &shop.namespace,
        "--field-manager=ann",
    ]);
    shop.app("api").image = "registry.test/api:3".into();
    let ran = shop.run(&["deploy"]);
    ran.check(1, &["error[L1014]", "ann", "image"]);
}

#[test]
fn a_second_deployer_is_told_who_is_at_work() {
    let mut shop = Shop::new("two");
    shop.app("db").annotations = vec![("lucid.dev/test-ready-delay", "12s")];
    shop.write();
    let mut first = shop.command(&["deploy", "--progress", "quiet"]).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let second = Ran::of(shop.command(&["deploy"]).output().unwrap());
    assert_eq!(first.wait().unwrap().code(), Some(0));
    second.check(5, &["error[L9001]", "is at work on this release"]);
}

#[test]
fn an_interrupted_deploy_says_what_next_and_can_go_on() {
    let mut shop = Shop::new("signal");
    shop.app("db").annotations = vec![("lucid.dev/test-ready-delay", "4s")];
    shop.write();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let child =
            shop.command(&["deploy", "--progress", "plain"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(1200));
        std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let stopped = Instant::now();
        let ran = Ran::of(child.wait_with_output().unwrap());
        ran.check(code, &["deploying again goes on from here"]);
        assert!(stopped.elapsed() < Duration::from_secs(3));
    }
    shop.run(&["deploy"]).check(0, &["4 of 4 components verified"]);
}

#[test]
fn a_killed_deployer_is_taken_over() {
    let mut shop = Shop::new("killed");
    shop.app("db").annotations = vec![("lucid.dev/test-ready-delay", "4s")];
    shop.write();
    let mut child = shop.command(&["deploy", "--progress", "quiet"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    child.kill().unwrap();
    child.wait().unwrap();
    shop.run(&["deploy"]).check(0, &["4 of 4 components verified"]);
}

#[test]
fn without_privileges_every_missing_one_is_named() {
    let shop = Shop::new("poor");
    shop.write();
    let ran = Ran::of(shop.command(&["deploy", "--as", "nobody"]).output().unwrap());
    ran.check(5, &["L9005"]);
}

#[test]
fn the_privileges_of_lucid_rbac_are_enough_for_every_command() {
    let mut shop = Shop::new("rbac");
    shop.extra = "apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {token: some-value-of-it}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store, labels: {app: db}}
spec:
  serviceName: db
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec: {containers: [{name: main, image: \"registry.test/store:1\"}]}
"
    .into();
    kubectl(&["create", "namespace", &shop.namespace]);
    let privileges = shop.folder.join("rbac.yaml");
    let printed = shop.run(&["rbac"]);
    printed.check(0, &[]);
    std::fs::write(&privileges, &printed.stdout).unwrap();
    kubectl(&["apply", "-f", privileges.to_str().unwrap()]);
    let deployer = format!("--as=system:serviceaccount:{}:lucid-deployer", shop.namespace);
    let run = |shop: &Shop, args: &[&str]| shop.run(&[args, &[deployer.as_str()]].concat());
    run(&shop, &["deploy"]).check(0, &["verified"]);
    shop.app("web").image = "registry.test/web:2".into();
    shop.extra = shop.extra.replace("serviceName: db", "serviceName: api");
    run(&shop, &["plan"]).check(6, &["± StatefulSet"]);
    run(&shop, &["deploy"]).check(0, &["verified"]);
    shop.app("api").annotations.push(("lucid.dev/test-fail", "crash"));
    run(&shop, &["deploy"]).check(1, &["is in service again and verified"]);
    run(&shop, &["why"]).check(0, &["api"]);
    run(&shop, &["diff", "1", "live"]).check(0, &["web"]);
    run(&shop, &["rollback", "--to", "1"]).check(0, &["in service"]);
    run(&shop, &["history"]).check(0, &["in service"]);
    run(&shop, &["rollback", "--emergency", "--component", "web", "--yes", "--to", "2"]).check(0, &["verified"]);
    run(&shop, &["cleanup", "--yes", "--component", "web"]).check(0, &["objects removed"]);
    kubectl(&["delete", "-f", privileges.to_str().unwrap(), "--ignore-not-found"]);
}

#[test]
fn no_cluster_and_no_kubeconfig_have_codes_of_their_own() {
    let shop = Shop::new("nowhere");
    shop.write();
    let missing = Ran::of(shop.command(&["deploy"]).env("KUBECONFIG", "/nonexistent").output().unwrap());
    missing.check(2, &["no usable kubeconfig"]);
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "http://127.0.0.1:9"}}], "users": [{"name": "u", "user": {}}]});
    let path = shop.folder.join("dead.json");
    std::fs::write(&path, config.to_string()).unwrap();
    let dead = Ran::of(shop.command(&["deploy"]).env("KUBECONFIG", &path).output().unwrap());
    dead.check(4, &["no answer from the cluster"]);
    let wrong = Ran::of(shop.command(&["deploy", "--context", "other"]).env("KUBECONFIG", &path).output().unwrap());
    wrong.check(2, &["it has: c"]);
}

#[test]
fn events_and_log_are_complete() {
    let shop = Shop::new("events");
    let ran = shop.run(&["deploy", "--events", "events.ndjson", "--progress", "quiet"]);
    ran.check(0, &[]);
    let text = std::fs::read_to_string(shop.folder.join("events.ndjson")).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["event"], "runStarted");
    assert_eq!(events.last().unwrap()["event"], "runFinished");
    assert_eq!(events.iter().filter(|event| event["event"] == "verified").count(), 4);
    let logs: Vec<_> = std::fs::read_dir(shop.folder.join("state/runs")).unwrap().collect();
    assert_eq!(logs.len(), 1);
}

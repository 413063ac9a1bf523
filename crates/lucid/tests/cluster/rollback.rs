//! The ways back, on the real control plane.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::harness::wait_for;
use crate::shop::{App, Ran, Shop, kubectl};

fn broken() -> (&'static str, &'static str) {
    ("lucid.dev/test-fail", "image-not-found")
}

/// What the release's objects say, without what the cluster adds.
fn content(shop: &Shop) -> Vec<String> {
    let out =
        kubectl(&["get", "deployments,statefulsets,services,configmaps,secrets", "-n", &shop.namespace, "-o", "json"]);
    let list: Value = serde_json::from_str(&out).unwrap();
    let own = |item: &&Value| item["metadata"]["labels"]["lucid.dev/release-namespace"] == shop.namespace.as_str();
    let mut content: Vec<String> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(own)
        .map(|item| {
            let mut spec = item["spec"].clone();
            if let Some(annotations) = spec.pointer_mut("/template/metadata/annotations").and_then(Value::as_object_mut)
            {
                annotations.remove("lucid.dev/restarted");
            }
            if let Some(spec) = spec.as_object_mut() {
                spec.retain(|field, _| !field.starts_with("clusterIP"));
            }
            format!("{} {} {spec} {}", item["kind"], item["metadata"]["name"], item["data"])
        })
        .collect();
    content.sort();
    content
}

fn history(shop: &Shop) -> Value {
    let ran = shop.run(&["history", "-o", "json"]);
    ran.check(0, &[]);
    ran.json()
}

fn revisions(shop: &Shop) -> Vec<String> {
    let history = history(shop);
    let word = |value: &Value| value.as_str().unwrap_or("under-way").to_owned();
    let all = history["revisions"].as_array().unwrap().clone();
    let mut lines: Vec<String> = all.iter().map(|r| format!("{} {}", r["number"], word(&r["outcome"]))).collect();
    lines.push(format!("in service {}", history["inService"]));
    lines
}

#[test]
fn a_bad_image_is_rolled_back_by_itself() {
    let mut shop = Shop::new("auto");
    shop.run(&["deploy"]).check(0, &["verified"]);
    let before = content(&shop);
    shop.app("api").annotations.push(broken());
    shop.app("api").config = "b".into();
    shop.app("db").config = "b".into();
    shop.apps.push(App::new("mail", &[]));
    let ran = shop.run(&["deploy", "-o", "json"]);
    ran.check(
        1,
        &[
            "error[L3002]",
            "rolling back to revision 1, because api failed",
            "revision 1 is in service again and verified",
        ],
    );
    assert_eq!(ran.json()["outcome"], "failed");
    assert_eq!(ran.json()["rollback"]["outcome"], "verified");
    assert_eq!(content(&shop), before);
    assert_eq!(revisions(&shop), ["1 verified", "2 rolled-back", "in service 1"]);
    shop.run(&["history"]).check(0, &["in service", "rolled back"]);

    // The same broken release again, and then the mended one.
    shop.run(&["deploy"]).check(1, &["revision 1 is in service again"]);
    shop.app("api").annotations.pop();
    shop.run(&["deploy"]).check(0, &["verified"]);
    assert_eq!(revisions(&shop).last().unwrap(), "in service 3");
}

#[test]
fn a_rollback_restores_what_was_removed_and_removes_what_was_added() {
    let mut shop = Shop::new("back");
    shop.extra =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: token}\nstringData: {token: first-canary-value}\n".into();
    shop.app("web").container = "\n        envFrom:\n        - configMapRef: {name: web}\n";
    shop.run(&["deploy"]).check(0, &["verified"]);
    let first = content(&shop);
    shop.apps.retain(|app| app.name != "cache");
    shop.apps.push(App::new("mail", &["db"]));
    shop.app("web").config = "b".into();
    shop.extra = shop.extra.replace("first-canary", "second-canary");
    shop.run(&["deploy"]).check(0, &["verified"]);
    let second = content(&shop);
    assert_ne!(first, second);

    let dry = shop.run(&["rollback", "--dry-run"]);
    dry.check(0, &["+ Deployment", "- Deployment", "nothing was written"]);
    assert_eq!(content(&shop), second);
    let back = shop.run(&["rollback"]);
    back.check(0, &["verified running", "in service: revision 3"]);
    assert_eq!(content(&shop), first);
    let restarted = [
        "get",
        "deployment",
        "web",
        "-n",
        &shop.namespace,
        "-o",
        "jsonpath={.spec.template.metadata.annotations.lucid\\.dev/restarted}",
    ];
    assert_ne!(kubectl(&restarted), "", "it reads what came back, so it was restarted");
    assert_eq!(revisions(&shop), ["1 verified", "2 verified", "3 verified", "in service 3"]);

    // The way back from there leads to the other content, and a number leads anywhere.
    shop.run(&["rollback"]).check(0, &["in service: revision 4"]);
    assert_eq!(content(&shop), second);
    shop.run(&["rollback", "--to", "1"]).check(0, &["in service: revision 5"]);
    assert_eq!(content(&shop), first);
    shop.run(&["rollback", "--to", "77"]).check(5, &["there is no revision 77", "those kept are 1, 2, 3, 4, 5"]);
    for ran in [&dry, &back] {
        assert!(!format!("{ran}").contains("canary"), "{ran}");
    }
    // A deploy of the first release is now a deploy of what is there.
    let objects = shop.versions();
    shop.apps.retain(|app| app.name != "mail");
    shop.apps.push(App::new("cache", &[]));
    shop.app("web").config = "a".into();
    shop.extra = shop.extra.replace("second-canary", "first-canary");
    shop.run(&["deploy"]).check(0, &["nothing to change"]);
    assert_eq!(shop.versions(), objects);
}

#[test]
fn how_a_release_was_reached_does_not_show() {
    let first = |shop: &mut Shop| shop.extra = stateful("registry.test/store:1", false);
    let second = |shop: &mut Shop| {
        shop.apps.retain(|app| app.name != "cache");
        shop.apps.push(App::new("mail", &["db"]));
        shop.app("api").config = "b".into();
        shop.extra.clear();
    };
    let third = |shop: &mut Shop| {
        shop.apps = Shop::new("apps").apps.clone();
        shop.app("web").image = "registry.test/web:3".into();
        shop.app("db").config = "c".into();
        shop.extra = stateful("registry.test/store:3", false).replace("replicas: 3", "replicas: 2");
    };
    let reached = |name: &str, steps: &[&dyn Fn(&mut Shop)]| {
        let mut shop = Shop::new(name);
        for step in steps {
            step(&mut shop);
            shop.run(&["deploy"]).check(0, &["verified"]);
        }
        let namespace = shop.namespace.clone();
        content(&shop).into_iter().map(|line| line.replace(&namespace, "n")).collect::<Vec<_>>()
    };
    assert_eq!(reached("detour", &[&first, &second, &third]), reached("straight", &[&first, &third]));
}

#[test]
fn what_was_broken_before_is_no_reason_to_go_back() {
    let mut shop = Shop::new("before");
    shop.run(&["deploy"]).check(0, &[]);
    shop.app("cache").annotations.push(broken());
    shop.run(&["deploy", "--on-failure", "stop"]).check(1, &["error[L3002]"]);
    shop.app("db").config = "b".into();
    let ran = shop.run(&["deploy"]);
    ran.check(1, &["cache", "it was failing before this run began", "stopped, and everything kept as it is"]);
    assert!(!ran.stderr.contains("rolling back"), "{ran}");
    let config = ["get", "configmap", "db", "-n", &shop.namespace, "-o", "jsonpath={.data.setting}"];
    assert_eq!(kubectl(&config), "b", "what is new was kept");
}

#[test]
fn one_component_goes_back_with_what_depends_on_it() {
    let mut shop = Shop::new("part");
    shop.run(&["deploy"]).check(0, &[]);
    for name in ["db", "cache", "api", "web"] {
        shop.app(name).image = format!("registry.test/{name}:2");
    }
    shop.run(&["deploy"]).check(0, &[]);
    shop.run(&["rollback", "--component", "api"]).check(0, &["2 of 2 components verified"]);
    let images = [
        "get",
        "deployments",
        "-n",
        &shop.namespace,
        "-o",
        "jsonpath={.items[*].spec.template.spec.containers[0].image}",
    ];
    let back = "registry.test/api:1 registry.test/cache:2 registry.test/db:2 registry.test/web:1";
    assert_eq!(kubectl(&images), back);
    // What is in service now is a mixture, and is kept as one.
    shop.run(&["deploy"]).check(0, &[]);
    shop.run(&["rollback", "--to", "3"]).check(0, &[]);
    assert_eq!(kubectl(&images), back);
}

#[test]
fn a_first_install_that_fails_is_kept_or_taken_away() {
    let mut shop = Shop::new("first");
    shop.app("api").annotations.push(broken());
    let kept = shop.run(&["deploy"]);
    kept.check(1, &["error[L3002]", "stopped, and everything kept as it is"]);
    assert!(kubectl(&["get", "deployment", "api", "-n", &shop.namespace, "-o", "name"]).contains("api"));
    shop.run(&["rollback"]).check(5, &["error[L9018]", "no earlier verified revision"]);

    let mut other = Shop::new("removed");
    other.app("api").annotations.push(broken());
    let removed = other.run(&["deploy", "--on-failure", "remove"]);
    removed.check(1, &["error[L3002]", "what the first install had created is gone"]);
    assert_eq!(kubectl(&["get", "deployments,services", "-n", &other.namespace, "-o", "name"]), "");
}

#[test]
fn a_way_back_that_is_barred_is_said_with_a_code_of_its_own() {
    let mut shop = Shop::new("barred");
    shop.extra = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held}\ndata: {a: b}\n".into();
    shop.run(&["deploy"]).check(0, &[]);
    let finalizers = |value: &str| {
        let patch = format!("{{\"metadata\":{{\"finalizers\":{value}}}}}");
        kubectl(&["patch", "configmap", "held", "-n", &shop.namespace, "--type=merge", "-p", &patch]);
    };
    finalizers("[\"example.com/hold\"]");
    // What api needs takes its time, so that the object is being deleted before api fails.
    shop.apps[0].annotations = vec![("lucid.dev/test-ready-delay", "5s")];
    shop.apps[2].annotations.push(broken());
    shop.write();
    let events = shop.folder.join("events.ndjson");
    let args = ["deploy", "--events", events.to_str().unwrap()];
    let child = shop.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the run", Duration::from_secs(20), || {
        std::fs::read_to_string(&events).unwrap_or_default().contains("\"started\"").then_some(())
    });
    kubectl(&["delete", "configmap", "held", "-n", &shop.namespace, "--wait=false"]);
    let ran = Ran::of(child.wait_with_output().unwrap());
    ran.check(8, &["error[L3002]", "error[L9010]", "example.com/hold", "the rollback failed too"]);
    let history = history(&shop);
    assert_eq!((&history["underWay"], &history["inService"]), (&Value::Null, &1.into()), "{ran}");
    finalizers("null");
    shop.run(&["rollback"]).check(0, &["in service"]);
}

#[test]
fn a_failure_can_be_kept_as_it_is() {
    let mut shop = Shop::new("stop");
    shop.run(&["deploy"]).check(0, &[]);
    let before = content(&shop);
    shop.app("api").annotations.push(broken());
    shop.run(&["deploy", "--on-failure", "stop"]).check(1, &["error[L3002]"]);
    assert_ne!(content(&shop), before);
    assert_eq!(revisions(&shop), ["1 verified", "2 failed", "in service 1"]);
    shop.run(&["rollback"]).check(0, &["in service: revision 3"]);
    assert_eq!(content(&shop), before);
}

fn stateful(image: &str, fail: bool) -> String {
    let fail = if fail { "\n        lucid.dev/test-fail: image-not-found" } else { "" };
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: store}}
spec: {{clusterIP: None, selector: {{app: store}}, ports: [{{port: 8080}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: store
  labels: {{app: db}}
spec:
  serviceName: store
  replicas: 3
  selector: {{matchLabels: {{app: store}}}}
  template:
    metadata:
      labels: {{app: store}}
      annotations:
        lucid.dev/test-ready-delay: 1s{fail}
    spec:
      containers:
      - {{name: main, image: \"{image}\", ports: [{{containerPort: 8080}}]}}
"
    )
}

#[test]
fn a_stateful_set_that_is_stuck_comes_unstuck() {
    let mut shop = Shop::new("stuck");
    shop.extra = stateful("registry.test/store:1", false);
    shop.run(&["deploy"]).check(0, &["verified"]);
    let before = content(&shop);
    let pods = "jsonpath={range .items[*]}{.metadata.name}={.metadata.uid} {end}";
    let namespace = shop.namespace.clone();
    let uids = || kubectl(&["get", "pods", "-l", "app=store", "-n", &namespace, "-o", pods]);
    let first = uids();
    shop.extra = stateful("registry.test/store:2", true);
    let ran = shop.run(&["deploy"]);
    ran.check(
        1,
        &["error[L3002]", "kept its StatefulSet from going back", "revision 1 is in service again and verified"],
    );
    assert_eq!(content(&shop), before);
    let kept = |name: &str| first.split(' ').find(|pair| pair.starts_with(name)).map(str::to_owned).unwrap();
    let now = uids();
    assert!(
        now.contains(&kept("store-0")) && now.contains(&kept("store-1")),
        "only the pod in the way went: {first} → {now}"
    );
}

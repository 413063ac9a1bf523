//! `lucid validate`: every mistake at once, in each output, and what errors stop.

use super::bench::{Bench, Ran};

const RELEASE: &str = "apiVersion: lucid.dev/v1alpha1
kind: Release
metadata: {name: shop}
spec:
  source: k
  namespace: shop
  components:
  - {name: web, select: {app: web}}
";

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: registry.example/web:1.0
        ports: [{name: http, containerPort: 8080}]
";

const WRONG: &str = "apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: wbe}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {n: 1}
";

fn shop(more: &str) -> Bench {
    let top = "resources: [web.yaml, more.yaml]\nimages: [{name: registry.example/wep, newTag: \"2\"}]\n";
    Bench::new(&[("lucid.yaml", RELEASE), ("k/kustomization.yaml", top), ("k/web.yaml", WEB), ("k/more.yaml", more)])
}

#[track_caller]
fn says(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{ran:?}");
    let all = format!("{}{}", ran.out, ran.err);
    for words in words {
        assert!(all.contains(words), "{words:?} is not in\n{all}");
    }
}

#[test]
fn mistakes_and_warnings_in_one_go() {
    let ran = shop(WRONG).lucid(&["validate"]);
    let places = [
        "advice[L8007]: images: no image is named \"registry.example/wep\"\n  --> k/kustomization.yaml:2:47",
        "error[L5201]: Service shop/web selects no pod of the release (app=wbe)\n  --> k/more.yaml:5:13",
        "error[L1021]: data.n of ConfigMap shop/settings must be text, not a number\n  --> k/more.yaml:11:11",
        "2 errors in the manifests; nothing was sent",
    ];
    says(&ran, 2, &places);
}

#[test]
fn warnings_alone_are_fine() {
    let ran = shop("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n").lucid(&["validate"]);
    says(&ran, 0, &["advice[L8007]", "2 objects in 1 components, no errors"]);
}

#[test]
fn outputs_for_machines() {
    let bench = shop(WRONG);
    let json = bench.lucid(&["validate", "-o", "json"]);
    says(&json, 2, &[]);
    let findings: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    let codes: Vec<&str> = findings.as_array().expect("a list").iter().filter_map(|f| f["code"].as_str()).collect();
    assert_eq!(codes, ["L8007", "L1021", "L5201"]);
    let sarif = bench.lucid(&["validate", "-o", "sarif"]);
    says(&sarif, 2, &[]);
    let log: serde_json::Value = serde_json::from_str(&sarif.out).expect("JSON");
    let place = &log["runs"][0]["results"][2]["locations"][0]["physicalLocation"];
    assert_eq!((&place["artifactLocation"]["uri"], &place["region"]["startLine"]), (&"k/more.yaml".into(), &5.into()));
    let github = bench.lucid(&["validate", "-o", "github"]);
    says(
        &github,
        2,
        &["::error file=k/more.yaml,line=5,col=13,title=L5201 ", "::notice file=k/kustomization.yaml,line=2"],
    );
}

#[test]
fn what_does_not_render_is_findings_too() {
    let bench = shop("kind: [\n");
    let ran = bench.lucid(&["validate", "-o", "github"]);
    says(&ran, 2, &["::error file=k/more.yaml", "title=L8001 "]);
    assert!(ran.out.starts_with("::error"), "{}", ran.out);
}

#[test]
fn errors_stop_what_writes_before_anything_is_contacted() {
    let bench = shop(WRONG);
    for command in [&["deploy", "--kubeconfig", "none"][..], &["plan", "--kubeconfig", "none"], &["rehearse"]] {
        let ran = bench.lucid(command);
        says(&ran, 2, &["error[L5201]", "error[L1021]", "nothing was sent"]);
        assert!(!ran.err.contains("kubeconfig"), "{}", ran.err);
    }
}

#[test]
fn a_bare_folder_gets_warnings_for_what_the_cluster_may_have() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: 'a:1', envFrom: [{secretRef: {name: s}}]}]}\n";
    let bench = Bench::new(&[("k/pod.yaml", pod)]);
    says(&bench.lucid(&["validate", "k"]), 0, &["warning[L4001]: Pod default/p uses Secret default/s"]);
}

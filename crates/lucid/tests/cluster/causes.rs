//! Codes of the catalogue produced by a real control plane, not from fixtures: everything that can be broken with objects
//! alone, all of it at the same time. Each document of `causes/` says which codes it shows.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Namespace, apply, kubeconfig, kubectl_command, wait_for};
use crate::shop::Ran;

const OWN: &str = include_str!("causes/own.yaml");
const CLUSTER: &str = include_str!("causes/cluster.yaml");

/// The broken system, in namespaces of its own, for as long as this is held.
struct Broken {
    folder: PathBuf,
    home: Namespace,
    others: Vec<Namespace>,
}

impl Broken {
    fn new() -> Self {
        let home = Namespace::new("causes");
        let folder = std::env::temp_dir().join(&home.0);
        fs::create_dir_all(folder.join("k8s")).unwrap();
        let mut broken = Self { folder, home, others: Vec::new() };
        for suffix in ["quota", "named", "limits", "strict"] {
            let name = format!("{}-{suffix}", broken.home.0);
            run(&["create", "namespace", &name], "");
            run(&["wait", "--for=create", "--timeout=20s", "-n", &name, "serviceaccount/default"], "");
            broken.others.push(Namespace(name));
        }
        let label = "pod-security.kubernetes.io/enforce=restricted";
        run(&["label", "namespace", &format!("{}-strict", broken.home.0), label], "");
        fs::write(broken.folder.join("k8s/own.yaml"), broken.text(OWN)).unwrap();
        fs::write(broken.folder.join("k8s/kustomization.yaml"), "resources: [own.yaml]\n").unwrap();
        broken
    }

    fn text(&self, template: &str) -> String {
        template.replace("NS", &self.home.0)
    }

    /// What is there, is broken as it is declared; the rest is broken by what is done to it.
    fn break_all(&self) {
        run(&["apply", "--server-side", "-f", "-"], &self.text(CLUSTER));
        let text = self.text(OWN);
        let is_made = |document: &&str| !document.contains("name: never-made");
        // Quotas and limits first: they are for what comes after them.
        let (rules, rest): (Vec<&str>, Vec<&str>) = text
            .split("---\n")
            .filter(is_made)
            .partition(|one| one.contains("kind: ResourceQuota") || one.contains("kind: LimitRange"));
        run(&["apply", "--server-side", "-f", "-"], &rules.join("---\n"));
        run(&["apply", "--server-side", "-f", "-"], &rest.join("---\n"));
        let home = self.home.0.as_str();
        run(&["delete", "pvc", "held", "-n", home, "--wait=false"], "");
        let made = rcgen::generate_simple_self_signed(vec!["other.example".to_owned()]).unwrap();
        let data = json!({"tls.crt": made.cert.pem(), "tls.key": made.signing_key.serialize_pem()});
        apply(
            home,
            &json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "expired"}, "stringData": data}),
        );
        // The broken pod of the first revision keeps the second from being tried.
        wait_for("the first pod of the StatefulSet", Duration::from_secs(20), || {
            let pod =
                Ran::of(kubectl_command().args(["get", "pod", "stuck-0", "-n", home, "-o", "json"]).output().unwrap());
            (pod.code == 0 && pod.json()["status"]["containerStatuses"][0]["state"]["waiting"].is_object())
                .then_some(())
        });
        run(&["set", "image", "statefulset/stuck", "main=registry.test/db:2", "-n", home], "");
    }

    fn health(&self) -> Value {
        let mut lucid = std::process::Command::new(env!("CARGO_BIN_EXE_lucid"));
        lucid.args(["health", "./k8s", "-n", &self.home.0, "-o", "json"]).current_dir(&self.folder);
        lucid.env("KUBECONFIG", kubeconfig("lucid"));
        let ran = Ran::of(lucid.output().unwrap());
        ran.check(1, &[]);
        ran.json()
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        let cluster = self.text(CLUSTER);
        let _ = feed(&["delete", "--ignore-not-found", "-f", "-"], &cluster);
        let patch =
            ["patch", "pvc", "held", "-n", &self.home.0, "--type=merge", "-p", "{\"metadata\":{\"finalizers\":null}}"];
        let _ = feed(&patch, "");
    }
}

fn feed(args: &[&str], input: &str) -> Ran {
    let mut kubectl = kubectl_command();
    kubectl.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = kubectl.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

#[track_caller]
fn run(args: &[&str], input: &str) {
    feed(args, input).check(0, &[]);
}

fn expected() -> BTreeSet<String> {
    let lines = OWN.lines().chain(CLUSTER.lines());
    lines.filter_map(|line| line.strip_prefix("# shows ")).map(str::to_owned).collect()
}

/// Of every check, and of the groups in which causes are told.
fn codes(report: &Value) -> BTreeSet<String> {
    let own =
        report["components"].as_array().unwrap().iter().flat_map(|component| component["checks"].as_array().unwrap());
    let checks = own.chain(report["checks"].as_array().unwrap());
    let findings = checks.flat_map(|check| check["findings"].as_array().unwrap());
    findings.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_failure_is_named_as_it_happens() {
    let expected = expected();
    assert!(expected.len() >= 40, "{}", expected.len());
    let broken = Broken::new();
    broken.break_all();
    let mut missing = expected.clone();
    let began = std::time::Instant::now();
    while !missing.is_empty() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_secs(1));
        let found = codes(&broken.health());
        missing.retain(|code| !found.contains(code));
    }
    assert!(missing.is_empty(), "never seen: {missing:?}\n{:#}", broken.health());
}

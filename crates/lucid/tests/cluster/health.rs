//! `lucid health` against the real control plane.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::figure::figure;
use crate::harness::{AuditMark, apply, kubeconfig, wait_for};
use crate::shop::{App, Ran, Shop, kubectl};

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let own =
        report["components"].as_array().unwrap().iter().flat_map(|component| component["checks"].as_array().unwrap());
    let mut all = own.chain(report["checks"].as_array().unwrap());
    all.find(|check| check["name"] == name).unwrap_or_else(|| panic!("no check {name} in {report:#}"))
}

fn deployed(name: &str) -> Shop {
    let shop = Shop::new(name);
    shop.run(&["deploy", "--progress", "quiet"]).check(0, &[]);
    shop
}

/// What the shop's own addresses show a moment after its pods are ready.
#[track_caller]
fn settle(shop: &Shop) {
    let quiet = ["health", "-o", "json", "--skip", "usage"];
    wait_for("a healthy shop", Duration::from_secs(10), || (shop.run(&quiet).code == 0).then_some(()));
}

#[test]
fn a_healthy_shop_is_healthy_in_every_format() {
    let shop = deployed("hale");
    settle(&shop);
    let formats =
        ["text", "wide", "json", "ndjson", "yaml", "junit", "sarif", "prometheus", "markdown", "html", "github"];
    let said: BTreeMap<&str, Ran> =
        formats.into_iter().map(|format| (format, shop.run(&["health", "-o", format]))).collect();
    for ran in said.values() {
        ran.check(0, &[]);
    }
    let report = said["json"].json();
    assert_eq!((&report["apiVersion"], &report["kind"]), (&json!("lucid.dev/v1alpha1"), &json!("HealthReport")));
    assert_eq!(report["summary"]["failed"], 0, "{report:#}");
    let names: Vec<_> = report["components"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["db", "cache", "api", "web"]);
    assert_eq!(check(&report, "Deployment api")["state"], "ok");
    assert_eq!(check(&report, "Service api")["message"], "1 ready endpoint");
    assert_eq!(
        check(&report, "GET /health on 8080")["message"],
        "/health on 8080 answers at 1 pod, through the API proxy"
    );
    assert_eq!(check(&report, "nodes")["message"], "5 checked");
    // There is no metrics API here, and that is said, not passed over.
    assert_eq!(check(&report, "usage")["state"], "unknown");
    let junit = &said["junit"].stdout;
    let total = report["summary"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>();
    assert_eq!(junit.matches("<testcase ").count() as u64, total, "{junit}");
    assert_eq!(elements(junit), ["testsuites", "testsuite", "testcase", "skipped"]);
    let sarif = said["sarif"].json();
    assert_eq!((&sarif["version"], &sarif["runs"][0]["tool"]["driver"]["name"]), (&json!("2.1.0"), &json!("lucid")));
    assert!(said["ndjson"].stdout.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert!(said["prometheus"].stdout.contains("lucid_health_component_pods_ready{release=\"shop\""));
    shop.run(&["health", "--strict", "--skip", "usage"]).check(0, &[]);
    shop.run(&["health", "--strict"]).check(7, &["not checked: 1", "metrics API"]);
}

/// Names of the elements in order of first appearance; every one that opens is closed in turn.
#[track_caller]
fn elements(xml: &str) -> Vec<String> {
    let (mut open, mut seen): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for tag in xml.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("each tag ends");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap().to_owned();
        if tag.starts_with('?') {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_ref(), Some(&name), "{xml}");
        } else {
            if !seen.contains(&name) {
                seen.push(name.clone());
            }
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
    }
    assert!(open.is_empty(), "{open:?} are never closed");
    seen
}

#[test]
fn a_broken_image_is_the_one_cause() {
    let mut shop = Shop::new("ill");
    shop.app("api").annotations.push(("lucid.dev/test-fail", "image-not-found"));
    shop.run(&["deploy", "--progress", "quiet"]).check(1, &[]);
    let ran = shop.run(&["health", "-o", "json"]);
    ran.check(1, &[]);
    let report = ran.json();
    let causes: Vec<_> =
        report["causes"].as_array().unwrap().iter().map(|cause| cause["code"].as_str().unwrap()).collect();
    assert!(causes.contains(&"L3002"), "{causes:?}");
    assert_eq!(check(&report, "Deployment api")["state"], "failed");
    assert!(
        check(&report, "Deployment api")["findings"][0]["position"]["file"].as_str().unwrap().ends_with("api.yaml")
    );
    // Never deployed, as it needs api.
    assert_eq!(check(&report, "Deployment web")["findings"][0]["code"], "L9025");
    let symptoms = report["symptoms"].as_array().unwrap();
    assert!(symptoms.iter().any(|symptom| symptom["code"] == "L5202"), "{symptoms:?}");
    shop.run(&["health"]).check(1, &["error[L3002]", "k8s/api.yaml:", "symptom"]);
    shop.run(&["health", "-o", "junit"]).check(1, &["<failure type=\"L3002\""]);
    shop.run(&["health", "-o", "github"]).check(1, &["::error file=", "L3002"]);
    let sarif = shop.run(&["health", "-o", "sarif"]).json();
    assert!(sarif["runs"][0]["results"].as_array().unwrap().iter().any(|result| result["ruleId"] == "L3002"));
    shop.run(&["health", "--component", "db"]).check(0, &[]);
    shop.run(&["health", "--component", "bd"]).check(2, &["did you mean db?"]);
}

#[test]
fn what_belongs_to_no_workload_is_checked_too() {
    let mut shop = Shop::new("beside");
    shop.run(&["deploy", "--progress", "quiet"]).check(0, &[]);
    settle(&shop);
    shop.extra =
        "apiVersion: v1\nkind: Service\nmetadata: {name: lost}\nspec: {selector: {app: nobody}, ports: [{port: 80}]}\n"
            .into();
    let (expired, key) = certificate();
    let data = json!({"tls.crt": expired, "tls.key": key});
    let namespace = json!({"namespace": shop.namespace});
    let meta = |name: &str| {
        let mut meta = namespace.clone();
        meta["name"] = name.into();
        meta
    };
    let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Service", "metadata": meta("lost"), "spec": {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}},
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": meta("tls"), "stringData": data},
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta("idle"), "spec": {"podSelector": {"matchLabels": {"app": "ghost"}}}},
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta("tight"), "spec": {"hard": {"configmaps": "5"}}},
        {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta("door"), "spec": {
            "tls": [{"hosts": ["shop.example"], "secretName": "tls"}],
            "rules": [{"host": "shop.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "nowhere", "port": {"number": 80}}}}]}}]}}]});
    apply(&shop.namespace, &objects);
    let report = wait_for("the quota's status", Duration::from_secs(10), || {
        let report = shop.run(&["health", "-o", "json"]).json();
        (check(&report, "quotas")["state"] == "warning").then_some(report)
    });
    // Ours fails the release; what is not of the release only warns.
    assert_eq!(check(&report, "Service lost")["findings"][0]["code"], "L5201", "{report:#}");
    assert_eq!(report["state"], "failed");
    let codes = |name: &str| -> Vec<String> {
        let findings = check(&report, name)["findings"].as_array().unwrap().clone();
        findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes("policies"), ["L8203"]);
    assert_eq!(codes("quotas"), ["L7011"]);
    let ingress = codes("ingresses");
    assert!(ingress.contains(&"L5206".to_owned()) && ingress.contains(&"L5208".to_owned()), "{ingress:?}");
    assert_eq!(check(&report, "ingresses")["state"], "warning");
}

/// A certificate for another name.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["other.example".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn what_may_not_be_seen_is_unknown() {
    let shop = deployed("veiled");
    settle(&shop);
    let rule = |groups: &[&str], resources: &[&str], verbs: &[&str]| json!({"apiGroups": groups, "resources": resources, "verbs": verbs});
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"}, "rules": [
        rule(&["", "apps"], &["services", "configmaps", "deployments", "replicasets", "pods", "events"], &["list", "get"])]});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "User", "name": "guest", "apiGroup": "rbac.authorization.k8s.io"}]});
    apply(&shop.namespace, &json!({"apiVersion": "v1", "kind": "List", "items": [role, binding]}));
    let guest = |args: &[&str]| {
        let mut command = shop.command(args);
        Ran::of(command.env("KUBECONFIG", kubeconfig("guest")).output().unwrap())
    };
    let ran = guest(&["health", "-o", "json"]);
    ran.check(0, &[]);
    let report = ran.json();
    assert_eq!(report["state"], "unknown");
    assert_eq!(check(&report, "Deployment api")["state"], "ok");
    assert_eq!(check(&report, "Node")["message"], "we may not list nodes");
    let endpoint = check(&report, "GET /health on 8080");
    assert_eq!(endpoint["state"], "unknown", "{endpoint}");
    assert!(endpoint["message"].as_str().unwrap().contains("pods/proxy"));
    guest(&["health", "--strict"]).check(7, &["not checked:", "we may not list nodes"]);
    // The answer of somebody who sees nothing is no verdict at all.
    let blind = Ran::of(shop.command(&["health", "--strict", "--as", "nobody"]).output().unwrap());
    blind.check(7, &["we may not list"]);
}

#[test]
fn a_cluster_that_does_not_answer_is_no_verdict() {
    let shop = Shop::new("silent");
    shop.write();
    let config = |server: &str| {
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {"server": server}}], "users": [{"name": "u", "user": {}}]});
        let path = shop.folder.join("config.json");
        std::fs::File::create(&path).unwrap().write_all(config.to_string().as_bytes()).unwrap();
        path
    };
    let dead = config("http://127.0.0.1:9");
    Ran::of(shop.command(&["health"]).env("KUBECONFIG", dead).output().unwrap())
        .check(4, &["no answer from the cluster"]);
    // One that takes the connection and says nothing.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let path = config(&format!("http://{}", mute.local_addr().unwrap()));
    let began = std::time::Instant::now();
    let mut command = shop.command(&["health", "--timeout", "2s"]);
    Ran::of(command.env("KUBECONFIG", path).output().unwrap()).check(4, &["no answer within 2.0 s"]);
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

#[test]
fn requests_grow_with_the_kinds_and_not_with_the_components() {
    let names: Vec<&'static str> = (0..40).map(|number| &*format!("app-{number}").leak()).collect();
    let counted = |count: usize| {
        let mut shop = Shop::new("count");
        shop.apps = names[..count].iter().map(|name| App::new(name, &[])).collect();
        shop.run(&["deploy", "--progress", "quiet"]).check(0, &[]);
        let mark = AuditMark::now();
        shop.run(&["health", "-o", "json"]).check(0, &[]);
        // Lines of the audit log come a little later than the answers.
        std::thread::sleep(Duration::from_millis(500));
        mark.requests("lucid")
    };
    let (few, many) = (counted(4), counted(40));
    assert_eq!(few["list"], many["list"], "{few:?} {many:?}");
    assert!(few["list"] <= 30, "{few:?}");
    // Only the endpoints themselves: by port-forward, which has no kubelet to go to here, and then through the proxy.
    assert_eq!(many["get"] - few["get"], 72, "{few:?} {many:?}");
    assert_eq!(many.keys().map(String::as_str).collect::<Vec<_>>(), ["get", "list"], "nothing is written or watched");
}

#[test]
fn a_followed_report_is_printed_when_it_changes() {
    let shop = deployed("follow");
    settle(&shop);
    let mut child = shop.command(&["health", "-w", "-o", "ndjson"]).stdout(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    kubectl(&["scale", "deployment/api", "--replicas=2", "-n", &shop.namespace]);
    std::thread::sleep(Duration::from_secs(11));
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let looks = text.matches("\"kind\":\"HealthSummary\"").count();
    assert!((2..=3).contains(&looks), "{looks} reports: {text}");
}

#[test]
fn what_changed_since_it_was_healthy_is_told_with_its_author() {
    let shop = Shop::new("since");
    shop.write();
    let fresh = shop.run(&["health", "--since-healthy", "--strict", "-o", "json"]).json();
    assert_eq!(check(&fresh, "changes since it was healthy")["state"], "unknown");
    shop.run(&["deploy", "--progress", "quiet"]).check(0, &[]);
    settle(&shop);
    // Times in the record of fields have whole seconds.
    std::thread::sleep(Duration::from_millis(1500));
    let quiet = shop.run(&["health", "--since-healthy", "-o", "json"]).json();
    assert_eq!(quiet["sinceHealthy"]["changes"], json!([]), "{:#}", quiet["sinceHealthy"]);
    kubectl(&["scale", "deployment/api", "--replicas=2", "-n", &shop.namespace]);
    kubectl(&["set", "image", "deployment/db", "main=registry.test/db:9", "-n", &shop.namespace]);
    std::thread::sleep(Duration::from_secs(2));
    let report = shop.run(&["health", "--since-healthy", "-o", "json"]).json();
    assert_eq!(report["sinceHealthy"]["run"], 1);
    let said: Vec<String> = report["sinceHealthy"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| format!("{} {} {}", change["object"]["name"], change["what"], change["by"]).replace('"', ""))
        .collect();
    let is_scale = |said: &&String| said.starts_with("api was scaled: up") && said.ends_with("from 1 to 2 kubectl");
    assert!(said.iter().any(|said| is_scale(&said)), "{said:?}");
    assert!(said.contains(&"db spec.template.spec.containers[main].image set kubectl-set".to_owned()), "{said:?}");
    shop.run(&["health", "--since-healthy"])
        .check(0, &["since it was last healthy (run 1, ", "kubectl-set: Deployment"]);
}

/// Pods of a crowd: a thousand in each run, ten thousand in the soak.
fn crowd() -> (usize, u32) {
    if std::env::var_os("LUCID_SOAK").is_some() { (200, 50) } else { (20, 50) }
}

/// What is asked grows with the kinds, and by a page for each five hundred pods; and what is kept of them is little.
#[test]
fn a_crowd_of_pods_is_listed_in_pages_and_kept_in_little_memory() {
    let (workloads, replicas) = crowd();
    let names: Vec<&'static str> = (0..workloads).map(|number| &*format!("crowd-{number}").leak()).collect();
    let mut shop = Shop::new("crowd");
    shop.apps = names.iter().map(|name| App { replicas, ..App::new(name, &[]) }).collect();
    shop.apps.iter_mut().for_each(|app| app.annotations.clear());
    shop.write();
    let folder = shop.folder.join("k8s");
    for app in &shop.apps {
        // All of them have to fit.
        let path = folder.join(format!("{}.yaml", app.name));
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("cpu: 10m, memory: 16Mi", "cpu: 1m, memory: 1Mi")).unwrap();
    }
    kubectl(&["create", "namespace", &shop.namespace]);
    kubectl(&["apply", "--server-side", "-k", folder.to_str().unwrap(), "-n", &shop.namespace]);
    let pods = workloads * usize::try_from(replicas).unwrap();
    wait_for("the crowd", Duration::from_secs(600), || {
        let ready =
            kubectl(&["get", "deployments", "-n", &shop.namespace, "-o", "jsonpath={.items[*].status.readyReplicas}"]);
        let ready: usize = ready.split(' ').filter_map(|count| count.parse::<usize>().ok()).sum();
        (ready == pods).then_some(())
    });
    let mark = AuditMark::now();
    let mut child =
        shop.command(&["health", "-o", "json", "--skip", "usage,endpoints"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut out, &mut text).unwrap();
        text
    });
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak_memory(child.id()).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(5));
    }
    let report: Value = serde_json::from_str(&reader.join().unwrap()).unwrap();
    assert_eq!(report["summary"]["failed"], 0, "{:#}", report["causes"]);
    figure(&format!("{pods} pods: {} ms, {} MiB", report["tookMs"], peak >> 10));
    assert!(peak > 0 && peak <= 150 << 10, "{peak} KiB at {pods} pods");
    std::thread::sleep(Duration::from_millis(500));
    let lists = mark.requests("lucid")["list"];
    let pages = pods.div_ceil(500) - 1;
    // Events and endpoints of many pods may take pages too.
    assert!((20..=26 + 3 * pages).contains(&lists), "{lists} lists of {pods} pods");
}

/// The most that a process has had, in KiB.
fn peak_memory(process: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

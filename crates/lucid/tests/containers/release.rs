//! The Lucid release on real containers: installed, rolled under load, broken, mended by itself, and removed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{get, kubectl, told, wait_for};
use crate::load::Load;
use crate::metrics::Metrics;
use crate::ran::{Ran, lucid};
use crate::{doors, isolation};

const NAMESPACES: [&str; 2] = ["lucid-system", "lucid-tron"];

/// A copy of the release's files, to be changed.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn new() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = Self(told("LUCID_TEST_DIR").join("release"));
        fs::create_dir_all(&folder.0).expect("a folder");
        fs::copy(root.join("lucid.yaml"), folder.0.join("lucid.yaml")).expect("copy");
        copy(&root.join("infrastructure"), &folder.0.join("infrastructure"));
        folder
    }

    /// Gives one component's image another version.
    #[track_caller]
    fn set_version(&self, image: &str, version: &str) {
        let path = self.0.join("infrastructure/kubernetes/overlays/local/kustomization.yaml");
        let text = fs::read_to_string(&path).expect("read");
        let start = format!("- {{name: {image}, ");
        let changed = text.lines().map(|line| match line.starts_with(&start) {
            true => format!("{start}newName: ghcr.io/hamigames/lucid/lucid-standin, newTag: {version}}}\n"),
            false => format!("{line}\n"),
        });
        let changed: String = changed.collect();
        assert_ne!(changed, text, "{image} has that version already");
        fs::write(&path, changed).expect("write");
    }

    fn lucid(&self, args: &[&str]) -> Ran {
        lucid(&self.0, args, &[])
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("files") {
        let path = entry.expect("a file").path();
        let target = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(fs::copy(&path, target).expect("copy")),
        }
    }
}

/// The Secrets that nobody may invent, and the namespaces that they are in.
fn given_secrets() {
    let manifests =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../infrastructure/kubernetes/base/namespaces.yaml");
    kubectl(&["apply", "--server-side", "-f", manifests.to_str().expect("UTF-8")]);
    let tron = ["create", "secret", "generic", "-n", "lucid-tron"];
    kubectl(&[&tron[..], &["lucid-tron-api", "--from-literal=token=of-the-test"]].concat());
    kubectl(&[&tron[..], &["lucid-tron-keys", "--from-literal=hot-wallet.key=of-the-test"]].concat());
}

fn pods() -> Vec<Value> {
    NAMESPACES
        .iter()
        .flat_map(|namespace| get(namespace, &["pods"])["items"].as_array().cloned().unwrap_or_default())
        .collect()
}

fn restarts(pod: &Value) -> u64 {
    pod["status"]["containerStatuses"].as_array().into_iter().flatten().filter_map(|c| c["restartCount"].as_u64()).sum()
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn is_gateway(pod: &&Value) -> bool {
    pod["metadata"]["labels"]["app.kubernetes.io/name"] == "lucid-api-gateway"
}

/// Every pod runs a container that the kubelet pulled and found ready; none needed a second start.
fn all_run() {
    let pods = pods();
    assert_eq!(pods.len(), 27);
    for pod in &pods {
        let name = &pod["metadata"]["name"];
        assert!(is_ready(pod), "{name}: {}", pod["status"]);
        assert_eq!(restarts(pod), 0, "{name} was started again: it did not wait for what it needs");
        let image = pod["status"]["containerStatuses"][0]["imageID"].as_str().unwrap_or_default();
        assert!(image.contains("/lucid-standin@sha256:"), "{name}: {image}");
    }
}

/// Every endpoint of every component, asked by `lucid health`: at the pods, and for the ingress at its address.
fn all_healthy(folder: &Folder) {
    let report = health(folder);
    let components = report["components"].as_array().unwrap_or_else(|| panic!("no components: {report}"));
    assert_eq!(components.len(), 28, "27 and the ingress");
    for component in components {
        let checks = component["checks"].as_array().unwrap_or_else(|| panic!("{component}"));
        let endpoints: Vec<&Value> = checks.iter().filter(|check| check["area"] == "endpoints").collect();
        assert!(!endpoints.is_empty(), "{component}");
        for endpoint in endpoints {
            assert_eq!(endpoint["state"], "ok", "{component}");
        }
    }
}

/// The report of `lucid health`.
#[track_caller]
fn health(folder: &Folder) -> Value {
    let ran = folder.lucid(&["health", "local", "-o", "json"]);
    let start = ran.text.find('{').unwrap_or_else(|| panic!("no JSON: {}", ran.text));
    let report = serde_json::Deserializer::from_str(&ran.text[start..]).into_iter::<Value>().next();
    report.expect("a report").unwrap_or_else(|error| panic!("{error}: {}", ran.text))
}

/// What all 27 use of what they asked for, while there is a metrics API; and that nothing is known once it is stopped.
fn use_is_seen(folder: &Folder, metrics: &Metrics) {
    let components = wait_for("the use of every component", Duration::from_secs(90), || {
        let components = health(folder)["components"].as_array().expect("components").clone();
        let own: Vec<Value> = components.into_iter().filter(|component| component["name"] != "ingress").collect();
        own.iter().all(|component| component["usage"]["memory"].as_i64() > Some(0)).then_some(own)
    });
    assert_eq!(components.len(), 27);
    for component in &components {
        let of = |field: &str| component["usage"][field].as_i64().unwrap_or_default();
        assert!(of("cpuRequestMilli") > 0 && of("memory") < of("memoryLimit"), "{component}");
    }
    folder.lucid(&["health", "local", "-o", "wide"]).check(0, &["CPU", "Ki/24Mi", "1 of 1 pods measured"]);
    metrics.stop();
    let after = health(folder);
    let usage = after["checks"].as_array().expect("checks").iter().find(|check| check["area"] == "usage");
    assert_eq!(usage.expect("what is not known is said")["state"], "unknown", "{after}");
    folder.lucid(&["health", "local"]).check(0, &["L7004", "v1beta1.metrics.k8s.io"]);
}

/// The gateway as every pod of the cluster reaches it.
fn gateway() -> String {
    let service = get("lucid-system", &["service", "lucid-api-gateway"]);
    format!("{}:8080", service["spec"]["clusterIP"].as_str().expect("an address"))
}

/// Waits until the pods that were replaced are gone, which is when a client could lose its answer; the image that is left.
fn one_gateway() -> String {
    wait_for("one pod of the gateway", Duration::from_secs(60), || {
        let pods: Vec<Value> = pods().into_iter().filter(|pod| is_gateway(&pod)).collect();
        match pods.as_slice() {
            [one] if is_ready(one) => one["spec"]["containers"][0]["image"].as_str().map(str::to_owned),
            _ => None,
        }
    })
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are for people to read")]
fn the_release_from_an_empty_cluster_to_an_empty_cluster() {
    let folder = Folder::new();
    given_secrets();
    let authority = doors::Authority::with_secret();
    let metrics = Metrics::start();
    folder.lucid(&["secrets", "init"]).check(0, &[]);
    folder.lucid(&["deploy", "local"]).check(0, &[]);
    all_run();
    doors::are_open(&authority);
    all_healthy(&folder);
    isolation::lets_the_release_work();
    isolation::is_enforced();
    use_is_seen(&folder, &metrics);

    let load = Load::on(&gateway(), "/version");
    folder.set_version("lucid-api-gateway", "2.0.0");
    folder.lucid(&["deploy", "local"]).check(0, &[]);
    one_gateway();
    let answers = load.stop();
    println!("rolled under load: {}", answers.told());
    assert_eq!(answers.failed, Vec::<String>::new(), "{}", answers.told());
    assert_eq!(answers.revisions(), ["1.0.0", "2.0.0"]);

    let load = Load::on(&gateway(), "/version");
    folder.set_version("lucid-api-gateway", "3.0.0");
    folder.lucid(&["deploy", "local"]).check(1, &["api-gateway", "L5005", "is in service again"]);
    let image = one_gateway();
    let answers = load.stop();
    println!("a version that crashes, under load: {}", answers.told());
    assert_eq!(answers.failed, Vec::<String>::new(), "{}", answers.told());
    assert_eq!(answers.revisions(), ["2.0.0"], "the crashing version never answers");
    assert_eq!(image, "ghcr.io/hamigames/lucid/lucid-standin:2.0.0");
    // What the container said last is kept with the run.
    folder.lucid(&["why"]).check(0, &["L5005", "lucid-api-gateway 3.0.0: crashing, as it was told to"]);

    folder.lucid(&["cleanup", "--yes"]).check(0, &[]);
    for namespace in NAMESPACES {
        let left = kubectl(&["get", "deployments,statefulsets,services,pods", "-n", namespace, "-o", "name"]);
        assert_eq!(left, "", "{namespace}");
    }
}

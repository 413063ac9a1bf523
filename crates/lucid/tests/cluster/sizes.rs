//! The profiles on nodes of their size, scheduled by the real scheduler: each on a cluster of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lucid_kustomize::{MemoryLoader, Options, render};
use lucid_object::Object;
use serde_json::Value;

use crate::harness::{told, wait_for};
use crate::manifests::{Release, tree};

/// A cluster with nodes of this size, for as long as it is held.
struct Cluster {
    name: String,
    held: Child,
}

impl Cluster {
    #[track_caller]
    fn up(nodes: &str, cpu: &str, memory: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sizes-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut up = Command::new(told("LUCID_TEST_XTASK"));
        up.args(["cluster", "up", "--hold", "--name", &name]);
        up.args(["--nodes", nodes, "--node-cpu", cpu, "--node-memory", memory, "--node-pods", "110"]);
        let mut held = up.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("start xtask");
        let said = BufReader::new(held.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let mut lines = Vec::new();
        let is_up = said.inspect(|line| lines.push(line.clone())).any(|line| line.contains(": up in "));
        let cluster = Self { name, held };
        assert!(is_up, "the cluster did not come up: {lines:?}");
        cluster
    }

    fn output(&self, args: &[&str], input: &str) -> Output {
        let mut kubectl = Command::new(told("LUCID_TEST_XTASK"));
        kubectl.args(["cluster", "kubectl", "--name", &self.name, "--"]).args(args);
        kubectl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = kubectl.spawn().expect("start kubectl");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("write to kubectl");
        child.wait_with_output().expect("kubectl")
    }

    #[track_caller]
    fn kubectl(&self, args: &[&str], input: &str) -> String {
        let output = self.output(args, input);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    /// The items of a list over all namespaces.
    #[track_caller]
    fn list(&self, kind: &str) -> Vec<Value> {
        let text = self.kubectl(&["get", kind, "--all-namespaces", "-o", "json"], "");
        let list: Value = serde_json::from_str(&text).expect("JSON");
        list["items"].as_array().expect("items").clone()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.held.stdin.take());
        let _ = self.held.wait();
    }
}

fn is_ready(workload: &Value, want: u64) -> bool {
    let status = |field: &str| workload["status"][field].as_u64().unwrap_or(0);
    status("readyReplicas") == want && status("updatedReplicas") == want && status("replicas") == want
}

/// What is not ready yet; autoscalers have raised their Deployments to their minimum when nothing is left.
fn missing(cluster: &Cluster, release: &Release) -> Vec<String> {
    let mut there = cluster.list("deployments");
    there.extend(cluster.list("statefulsets"));
    let of =
        |object: &Object| there.iter().find(|w| w["metadata"]["name"] == object.name()).cloned().unwrap_or_default();
    let waiting = release.workloads().filter(|object| !is_ready(&of(object), release.replicas(object)));
    waiting.map(|object| object.name().to_owned()).collect()
}

/// What the scheduler says about pods for which no node has room, or had none when they came. Both the conditions of pods
/// and events are asked: an event that is repeated keeps its first words, which may be about a claim not bound yet.
fn no_room(cluster: &Cluster) -> Vec<String> {
    let pods = cluster.list("pods");
    let waiting = pods.iter().filter_map(|pod| {
        let conditions = pod["status"]["conditions"].as_array()?;
        let unscheduled = conditions.iter().find(|c| c["type"] == "PodScheduled" && c["status"] == "False")?;
        Some(format!("{}: {}", pod["metadata"]["name"], unscheduled["message"].as_str()?))
    });
    let events = cluster.list("events");
    let failed = events.iter().filter(|event| event["reason"] == "FailedScheduling");
    let said = failed.filter_map(|e| Some(format!("{}: {}", e["involvedObject"]["name"], e["message"].as_str()?)));
    waiting
        .chain(said)
        .filter(|message| message.contains("Insufficient") || message.contains("topology spread"))
        .collect()
}

/// Nodes of each pod of a workload.
fn nodes_of(cluster: &Cluster, name: &str) -> Vec<String> {
    let is_of = |pod: &&Value| pod["metadata"]["labels"]["app.kubernetes.io/name"] == name;
    let pods = cluster.list("pods");
    pods.iter().filter(is_of).filter_map(|pod| pod["spec"]["nodeName"].as_str().map(str::to_owned)).collect()
}

/// What an overlay prints when every image has another version.
fn in_another_version(overlay: &str) -> String {
    let mut loader = MemoryLoader::new();
    for (path, text) in tree() {
        loader.add(&path, text.replace("newTag: 1.", "newTag: 2."));
    }
    let rendered = render(&loader, &format!("overlays/{overlay}"), &Options::default()).expect("it renders as before");
    rendered.to_yaml().to_owned()
}

/// Installs the overlay, then rolls one component after the other: each is done only if its surging pod found a node. At
/// the end, another version of everything must be acceptable.
fn check(overlay: &str, cluster: &Cluster) {
    let release = Release::overlay(overlay);
    let text = release.rendered.to_yaml();
    cluster.kubectl(&["apply", "--server-side", "-f", "-"], text);
    let mut last = Vec::new();
    wait_for(&format!("all of {overlay} ready"), Duration::from_secs(120), || {
        last = missing(cluster, release);
        last.is_empty().then_some(())
    });
    assert_eq!(no_room(cluster), Vec::<String>::new(), "{overlay}");
    for workload in release.workloads() {
        let namespace = workload.namespace().expect("a namespace");
        let of = format!("{}/{}", workload.kind().to_lowercase(), workload.name());
        cluster.kubectl(&["rollout", "restart", "-n", namespace, &of], "");
        cluster.kubectl(&["rollout", "status", "--timeout=60s", "-n", namespace, &of], "");
    }
    // What cannot be changed in place would be refused here.
    let next = in_another_version(overlay);
    assert_eq!(next.matches("/lucid-mongodb:2.").count(), 1, "the database has another version");
    cluster.kubectl(&["apply", "--server-side", "--dry-run=server", "-f", "-"], &next);
    assert_eq!(missing(cluster, release), Vec::<String>::new(), "{overlay}, after every component has rolled");
    assert_eq!(no_room(cluster), Vec::<String>::new(), "{overlay}, while components rolled");
    for workload in release.workloads().filter(|workload| release.replicas(workload) > 1) {
        let mut nodes = nodes_of(cluster, workload.name());
        nodes.sort();
        nodes.dedup();
        assert!(nodes.len() > 1, "{overlay}: every pod of {} is on {nodes:?}", workload.name());
    }
}

#[test]
fn minimal_is_scheduled_on_three_nodes_of_the_minimum_size() {
    check("minimal", &Cluster::up("3", "2400m", "4.8Gi"));
}

#[test]
fn production_is_scheduled_on_five_nodes_of_the_recommended_size() {
    let cluster = Cluster::up("5", "2900m", "5.8Gi");
    check("production", &cluster);
    for database in ["lucid-mongodb", "lucid-redis", "lucid-elasticsearch"] {
        let mut nodes = nodes_of(&cluster, database);
        nodes.sort();
        nodes.dedup();
        assert_eq!(nodes.len(), 3, "{database} on {nodes:?}");
    }
}

/// Otherwise the tests above would show nothing: what does not fit stays unscheduled, and is said.
#[test]
fn production_is_not_scheduled_on_the_minimum() {
    let cluster = Cluster::up("3", "2400m", "4.8Gi");
    cluster.kubectl(&["apply", "--server-side", "-f", "-"], Release::overlay("production").rendered.to_yaml());
    let said = wait_for("no room", Duration::from_secs(120), || no_room(&cluster).into_iter().next());
    assert!(said.contains("Insufficient"), "{said}");
}

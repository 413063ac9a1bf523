//! `lucid health` over very many pods, as large as real ones: requests, memory, and the one cause among them. Ten thousand are
//! listed by a server that counts what it is asked; a thousand (fifty thousand in the soak) are served by `lucid sim`.

#[path = "crowd/objects.rs"]
mod objects;
#[path = "crowd/server.rs"]
mod server;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::figure::figure;
use crate::server::Server as Sim;
use objects::{REPLICAS, STORY};
use server::Server;

/// A look at the crowd: what it said, and the most memory it had, in KiB.
struct Look {
    report: Value,
    peak: usize,
}

impl Look {
    fn at(pods: usize, bench: &Bench, kubeconfig: &Path) -> Self {
        bench.write("k8s/kustomization.yaml", "resources: [all.yaml]\n");
        bench.write("k8s/all.yaml", &objects::manifests(pods / REPLICAS));
        let mut lucid = Command::new(env!("CARGO_BIN_EXE_lucid"));
        lucid.args(["health", "./k8s", "-n", "crowd", "-o", "json", "--timeout", "120s"]).current_dir(bench.path(""));
        lucid.env("KUBECONFIG", kubeconfig).stdout(Stdio::piped());
        let mut child = lucid.spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).unwrap();
            text
        });
        let mut peak = 0;
        let code = loop {
            peak = memory(child.id()).unwrap_or(0).max(peak);
            match child.try_wait().unwrap() {
                Some(status) => break status.code(),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let report: Value = serde_json::from_str(&reader.join().unwrap()).unwrap();
        assert_eq!(code, Some(1), "{:#}", report["summary"]);
        Self { report, peak }
    }

    /// The pods of one workload crash, and that is one cause; every other is looked at.
    #[track_caller]
    fn check(&self, pods: usize, limit: usize) {
        let causes = self.report["causes"].as_array().unwrap();
        assert_eq!(causes.len(), 1, "{causes:#?}");
        assert_eq!((&causes[0]["code"], causes[0]["members"].as_array().unwrap().len()), (&json!("L5005"), REPLICAS));
        assert_eq!(self.report["components"].as_array().unwrap().len(), pods / REPLICAS);
        assert!(self.peak > 0 && self.peak <= limit, "{} MiB at {pods} pods", self.peak >> 10);
    }
}

/// What a process has in memory now, in KiB, beside its own program, which is large in a debug build.
fn memory(process: u32) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
fn ten_thousand_pods_are_looked_at_in_little_memory_and_few_requests() {
    let pods = 10_000;
    let server = Server::start(pods);
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": server.address}}], "users": [{"name": "u", "user": {}}]});
    let bench = Bench::new(&[("config", &config.to_string())]);
    Look::at(pods, &bench, &bench.path("config")).check(pods, 150 << 10);
    let asked = server.asked.lock().unwrap();
    let all: usize = asked.values().sum();
    // Seven kinds, four questions about the server, one log of all the pods that crash alike, and a page for each five
    // hundred objects.
    let pages = |objects: usize| objects.div_ceil(500);
    let workloads = pages(pods / REPLICAS);
    assert_eq!(all, 6 + pages(pods) + pages(pods * STORY.len()) + 4 * workloads, "{asked:?}");
}

/// Adds the crowd to a saved cluster. Written object by object: all of it as values would be gigabytes.
fn crowd(path: &Path, pods: usize) {
    let mut state: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let born = std::mem::take(state["objects"].as_array_mut().unwrap());
    let node = born.iter().find(|object| object["kind"] == "Node").unwrap().clone();
    let head =
        format!("{{\"format\":{},\"revision\":{},\"time\":{}", state["format"], state["revision"], state["time"]);
    let mut file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    write!(file, "{head},\"objects\":[").unwrap();
    for (number, object) in born.iter().map(Value::to_string).chain(objects::all(pods, &node)).enumerate() {
        write!(file, "{}{object}", if number == 0 { "" } else { "," }).unwrap();
    }
    write!(file, "]}}").unwrap();
    file.flush().unwrap();
}

#[test]
fn a_crowd_in_the_simulator_is_looked_at_in_little_memory() {
    let (pods, limit) = match std::env::var_os("LUCID_SOAK") {
        Some(_) => (50_000, 500 << 10),
        None => (1_000, 60 << 10),
    };
    let bench = Bench::new(&[]);
    let state = bench.path("state.json");
    let args = ["--api-only", "--state", state.to_str().unwrap()];
    Sim::with(&args).stop();
    crowd(&state, pods);
    let sim = Sim::with(&args);
    let look = Look::at(pods, &bench, &sim.config());
    figure(&format!("{pods} pods in the simulator: {} ms, {} MiB", look.report["tookMs"], look.peak >> 10));
    look.check(pods, limit);
}

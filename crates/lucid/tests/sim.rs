//! The binary against the simulator: rehearsals of the Lucid release, without a cluster, kubectl or network.

/// What holds for any releases.
#[path = "sim/properties.rs"]
mod properties;
/// What a real API server answered.
#[expect(dead_code, reason = "what only the suite with a real server uses")]
#[path = "sim/recorded.rs"]
mod recorded;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn rehearse(args: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lucid"));
    command.arg("rehearse").args(args).current_dir(root);
    // Nothing of the machine may matter: no kubeconfig, no home.
    command.env_clear().env("LUCID_STATE_DIR", std::env::temp_dir().join("lucid-sim-tests"));
    command.output().expect("the binary runs")
}

#[track_caller]
fn result(args: &[&str]) -> Value {
    let output = rehearse(&[args, &["-o", "json", "--progress", "quiet"]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
    serde_json::from_slice(&output.stdout).expect("a JSON object")
}

/// Seeds a suite tries of each overlay; the soak tries many.
fn seeds() -> std::ops::RangeInclusive<u64> {
    if std::env::var_os("LUCID_SOAK").is_some() { 1..=100 } else { 1..=2 }
}

#[track_caller]
fn check_overlay(overlay: &str) {
    for seed in seeds() {
        let result = result(&[overlay, "--seed", &seed.to_string()]);
        assert_eq!(result["passed"], true, "seed {seed}");
        assert_eq!(result["deploy"]["outcome"], "verified");
        let components = result["deploy"]["components"].as_array().unwrap();
        assert!(components.len() >= 27, "{}", components.len());
        assert!(components.iter().all(|component| component["result"] == "verified"), "{components:?}");
        let broken = &result["broken"];
        assert_eq!(broken["foundOut"], true);
        let failed: Vec<&Value> =
            broken["run"]["components"].as_array().unwrap().iter().filter(|c| c["result"] == "failed").collect();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0]["name"], broken["component"]);
        let finding = &failed[0]["findings"][0];
        assert_eq!(finding["code"], "L3002");
        assert!(finding["position"]["file"].as_str().unwrap().starts_with("infrastructure/"), "{finding}");
        assert_eq!(result["rollback"]["outcome"], "verified");
        assert_eq!(result["notServing"].as_array().unwrap().len(), 0);
    }
}

/// The pod that never became ready stands in its way.
#[test]
fn a_stateful_set_comes_back_from_a_broken_revision() {
    let result = result(&["minimal", "--break", "mongodb"]);
    assert_eq!(result["broken"]["object"]["kind"], "StatefulSet");
    assert_eq!(result["rollback"]["outcome"], "verified");
}

#[test]
fn production() {
    check_overlay("production");
}

#[test]
fn staging() {
    check_overlay("staging");
}

#[test]
fn minimal() {
    check_overlay("minimal");
}

#[test]
fn local() {
    check_overlay("local");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let trace = |seed: &str| result(&["minimal", "--seed", seed])["trace"].clone();
    assert_eq!(trace("7"), trace("7"));
    assert_ne!(trace("7"), trace("8"));
}

#[test]
fn the_component_to_break_can_be_chosen() {
    for component in ["tron-client", "redis"] {
        let result = result(&["minimal", "--break", component]);
        assert_eq!(result["broken"]["component"], component);
    }
    let unknown = rehearse(&["minimal", "--break", "tron-clint"]);
    assert_eq!(unknown.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&unknown.stderr);
    assert!(
        stderr.contains("there is no component tron-clint") && stderr.contains("did you mean tron-client?"),
        "{stderr}"
    );
}

#[test]
fn what_was_invented_is_listed_and_shown_to_nobody_else() {
    let output = rehearse(&["minimal"]);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stdout.contains("Secret lucid-tron/lucid-tron-keys (hot-wallet.key)"), "{stdout}");
    assert!(stderr.contains("error[L3002]"), "{stderr}");
    assert!(stdout.contains("\ninvented for the rehearsal"), "the word is no secret: {stdout}");
    for value in ["made-up-in-a", "bWFkZS11cC1pbi1hLXJlaGVhcnNhbA"] {
        assert!(!stdout.contains(value) && !stderr.contains(value));
    }
}

#[test]
fn the_report_says_what_the_cluster_had_to_bear() {
    let result = result(&["minimal"]);
    let peaks = result["peaks"].as_array().unwrap();
    let names: Vec<&str> = peaks.iter().map(|peak| peak["namespace"].as_str().unwrap()).collect();
    assert!(names.contains(&"lucid-system") && names.contains(&"lucid-tron"), "{peaks:?}");
    assert!(peaks.iter().all(|peak| peak["pods"].as_u64().unwrap() > 0 && peak["cpu"] != "0"), "{peaks:?}");
    // Requests are what a deployment costs the server. They may only become fewer: two of the reads ask for the address of
    // the Ingress, and whether anybody serves its class.
    let of = |act: &Value, kind: &str| act["requests"][kind].as_u64().unwrap();
    let (deploy, broken, back) = (&result["deploy"], &result["broken"]["run"], &result["rollback"]);
    let both = |kind: &str| of(deploy, kind) + of(broken, kind);
    assert!(both("reads") <= 242 && both("writes") <= 178, "{} {}", deploy["requests"], broken["requests"]);
    assert!(of(back, "reads") <= 70 && of(back, "writes") <= 7, "{}", back["requests"]);
    let doors = result["oneWay"].as_array().unwrap();
    assert!(doors.iter().all(|door| !door["why"].as_str().unwrap().is_empty()), "{doors:?}");
}

#[test]
fn a_rehearsal_can_be_one_page() {
    let output = rehearse(&["minimal", "-o", "html", "--progress", "quiet"]);
    let page = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "{page}");
    for says in ["it went as it should", "<td>redis</td>", "L3002", "The most that pods asked for", "lucid-tron-keys"] {
        assert!(page.contains(says), "{says} is not in {page}");
    }
    assert!(!page.contains("<script") && !page.contains("src="), "nothing is loaded and nothing runs");
    let explored = rehearse(&["minimal", "-o", "html", "--replay", "install,seed=2,lost=9"]);
    assert!(String::from_utf8_lossy(&explored.stdout).contains("one trial; the worst: verified in spite of it"));
}

#[test]
fn things_go_wrong_and_the_release_gets_through() {
    let count = if std::env::var_os("LUCID_SOAK").is_some() { "300" } else { "4" };
    let result = result(&["minimal", "--explore", count]);
    assert_eq!(result["kind"], "ExplorationResult");
    assert_eq!(result["trials"].to_string(), count);
    assert_eq!((&result["passed"], &result["failures"]), (&true.into(), &serde_json::json!([])));
}

#[test]
fn choices_can_be_played_again() {
    let choices = "upgrade,seed=5,die-after=9,watches-end=2s";
    let first = result(&["minimal", "--replay", choices]);
    let longest = &first["longest"];
    assert_eq!((longest["choices"].as_str(), longest["outcome"].as_str()), (Some(choices), Some("resumed")));
    assert_eq!(result(&["minimal", "--replay", choices])["longest"]["trace"], longest["trace"]);
    let wrong = rehearse(&["minimal", "--replay", "upgrade,flood=3"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("flood=3"));
}

/// A scenario file that goes away.
struct Scenario(std::path::PathBuf);

impl Scenario {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lucid-scenario-{}-{name}.yaml", std::process::id()));
        std::fs::write(&path, text).expect("a file");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("plain text")
    }
}

impl Drop for Scenario {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn the_scenario_of_the_guide_can_be_rehearsed() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/rehearse.md");
    let guide = std::fs::read_to_string(guide).expect("the guide");
    let (_, after) = guide.split_once("```yaml\n").expect("a scenario");
    let scenario = Scenario::new("guide", after.split_once("```").expect("its end").0);
    let with = result(&["minimal", "--scenario", scenario.path()]);
    assert_eq!(with["passed"], true, "{with:#}");
    let without = result(&["minimal"]);
    let took = |result: &Value| result["deploy"]["tookSeconds"].as_f64().expect("a number");
    assert!(took(&with) > took(&without), "{} {}", took(&with), took(&without));
    assert_eq!(with["trace"], result(&["minimal", "--scenario", scenario.path()])["trace"]);
}

#[test]
fn a_component_that_crashes_in_the_scenario_is_the_one_that_is_named() {
    let text = "behaviours:\n- {select: {workload: lucid-redis}, then: {crash: {after: 1s}}, log: [no space left on device]}\n";
    let scenario = Scenario::new("crash", text);
    let output = rehearse(&["minimal", "--scenario", scenario.path(), "-o", "json", "--progress", "quiet"]);
    assert_eq!(output.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&output.stdout).expect("a JSON object");
    let components = result["deploy"]["components"].as_array().expect("components");
    let failed: Vec<&Value> = components.iter().filter(|component| component["result"] == "failed").collect();
    assert_eq!(failed.iter().map(|one| &one["name"]).collect::<Vec<_>>(), ["redis"], "{failed:#?}");
    assert_eq!(failed[0]["findings"][0]["code"], "L5005");
}

/// What is on its way when a cluster is written down goes on while it comes to rest.
#[test]
fn a_saved_cluster_from_which_pods_go_can_be_rehearsed() {
    // Time stands still, or the pod would be gone before it is written down.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let _within = runtime.enter();
    let sim = lucid_sim::Sim::new(lucid_sim::Config::default());
    let owner = serde_json::json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "gone", "uid": "gone"}]);
    let pod = serde_json::json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "left-behind", "namespace": "default", "ownerReferences": owner},
        "spec": {"nodeName": "node-1", "containers": [{"name": "main", "image": "i"}]}});
    sim.put(pod).expect("a pod");
    let saved = Scenario::new("saved", &sim.save().to_string());
    let result = result(&["minimal", "--from", saved.path()]);
    assert_eq!(result["passed"], true);
    let peaks = result["peaks"].as_array().unwrap();
    let others = peaks.iter().find(|peak| peak["namespace"] == "default").expect("the pod was there");
    assert_eq!(others["pods"], 1);
    let own = peaks.iter().find(|peak| peak["namespace"] == "lucid-system").expect("and the release");
    assert!(own["pods"].as_u64() > Some(20), "{peaks:?}");
}

#[test]
fn a_mistake_in_a_scenario_is_told_with_its_place() {
    let scenario = Scenario::new("wrong", "latency: 1s\nevents:\n- {at: 3s, loseNode: node-9}\n");
    let output = rehearse(&["minimal", "--scenario", scenario.path()]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(":3:1: there is no node node-9") && stderr.contains("docs/guide/rehearse.md"), "{stderr}");
}

#[test]
fn nodes_go_and_come_back_and_people_restart_things_meanwhile() {
    let choices = [
        "install,seed=3,node-lost=node-2@3s+90s",
        "upgrade,seed=3,server-down=503@1s+4s",
        "upgrade,seed=3,restarted=Deployment/lucid-system/lucid-api-gateway@4s",
    ];
    for choices in choices {
        let result = result(&["minimal", "--replay", choices]);
        assert_eq!((&result["passed"], &result["longest"]["choices"]), (&true.into(), &choices.into()), "{result:#}");
    }
}

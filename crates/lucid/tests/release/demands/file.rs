//! `lucid.yaml`: what it says about the components is what the architecture says.

use lucid_object::yaml;
use serde_json::{Value, json};

use crate::manifests::{OVERLAYS, root};
use crate::table::{Health, INGRESS, WORKLOADS, Workload};

pub(super) fn release_file() -> Value {
    let text = std::fs::read_to_string(root().join("lucid.yaml")).expect("lucid.yaml");
    yaml::parse(&text, 0).expect("YAML")[0].to_json()
}

fn health(row: &Workload) -> Value {
    match row.health {
        Health::Http(port, path) => json!([{"http": {"port": port, "path": path}}]),
        Health::Tcp(port) | Health::Ping(port) => json!([{"tcp": {"port": port}}]),
    }
}

fn component(name: &str, phase: &str, needs: &[&str], health: &Value) -> Value {
    json!({
        "name": name,
        "phase": phase,
        "select": {"app.kubernetes.io/name": format!("lucid-{name}")},
        "needs": needs,
        "health": health,
    })
}

#[test]
fn the_components_are_the_27_and_the_ingress() {
    let file = release_file();
    let there = file["spec"]["components"].as_array().expect("components");
    let mut want: Vec<Value> =
        WORKLOADS.iter().map(|row| component(row.name, row.phase, row.needs, &health(row))).collect();
    let mut hosts: Vec<Value> =
        INGRESS.iter().map(|(_, _, host)| json!({"https": {"host": host, "path": "/health"}})).collect();
    // Plain HTTP is redirected, and nobody has a name for payments.
    let plain = |host: &str, path: &str, status: u16| json!({"http": {"port": 80, "host": host, "path": path, "status": status}});
    hosts.extend([plain("api.lucid.example", "/health", 301), plain("payments.lucid.example", "/", 404)]);
    let backends: Vec<&str> = INGRESS.iter().map(|(name, _, _)| *name).collect();
    let mut ingress = component("ingress", "ingress", &[], &json!(hosts));
    ingress["needs"] = json!(["api-gateway", "admin-interface", "session-api", "node-management", "blockchain-engine"]);
    assert_eq!(ingress["needs"].as_array().map(Vec::len), Some(backends.len()));
    want.push(ingress);
    for (there, want) in there.iter().zip(&want) {
        assert_eq!(there, want);
    }
    assert_eq!(there.len(), 28);
}

#[test]
fn the_overlays_and_phases_are_named() {
    let file = release_file();
    let overlays = file["spec"]["overlays"].as_object().expect("overlays");
    for name in OVERLAYS {
        assert_eq!(overlays[name], json!(format!("infrastructure/kubernetes/overlays/{name}")));
    }
    assert_eq!(overlays.len(), OVERLAYS.len());
    assert_eq!(file["spec"]["phases"], json!(["infrastructure", "core", "application", "support", "ingress"]));
    assert_eq!(file["spec"]["namespace"], "lucid-system");
}

#[test]
fn every_image_of_the_release_is_in_the_catalogue() {
    let file = release_file();
    let there: Vec<&String> = file["spec"]["images"]["catalogue"].as_object().expect("a catalogue").keys().collect();
    let mut want: Vec<String> = WORKLOADS.iter().map(Workload::full_name).chain(["lucid-envoy".to_owned()]).collect();
    want.sort();
    let mut there: Vec<String> = there.into_iter().cloned().collect();
    there.sort();
    assert_eq!(there, want);
}

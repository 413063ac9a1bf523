//! Server-side apply: ownership, conflicts, force, list items, nulls.

use serde_json::{Value, json};

use crate::support::{Answer, CONFIG_MAPS, DEPLOYMENTS, cluster, config_map, deployment, patch, post};
use lucid_sim::Sim;

async fn apply(sim: &Sim, manager: &str, uri: &str, body: &Value) -> Answer {
    patch(sim, "apply", &format!("{uri}?fieldManager={manager}"), body).await
}

#[tokio::test(start_paused = true)]
async fn the_same_again_changes_nothing() {
    let sim = cluster();
    let uri = format!("{CONFIG_MAPS}/a");
    let body = config_map("a", json!({"k": "1"}));
    let first = apply(&sim, "t", &uri, &body).await;
    assert_eq!(first.code, 201);
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let again = apply(&sim, "t", &uri, &body).await;
    assert_eq!((again.code, &again.body), (200, &first.body));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_applied_goes() {
    let sim = cluster();
    let uri = format!("{CONFIG_MAPS}/a");
    apply(&sim, "t", &uri, &config_map("a", json!({"k": "1", "l": "2"}))).await.ok();
    patch(&sim, "merge", &uri, &json!({"data": {"theirs": "3"}})).await.ok();
    let rest = apply(&sim, "t", &uri, &config_map("a", json!({"k": "1"}))).await.ok();
    assert_eq!(rest["data"], json!({"k": "1", "theirs": "3"}));
}

#[tokio::test(start_paused = true)]
async fn what_two_apply_stays_until_both_let_go() {
    let sim = cluster();
    let uri = format!("{CONFIG_MAPS}/a");
    for manager in ["one", "two"] {
        apply(&sim, manager, &uri, &config_map("a", json!({"k": "1"}))).await.ok();
    }
    let kept = apply(&sim, "one", &uri, &config_map("a", json!({}))).await.ok();
    assert_eq!(kept["data"]["k"], "1");
    let gone = apply(&sim, "two", &uri, &config_map("a", json!({}))).await.ok();
    assert!(gone.get("data").is_none_or(|data| data.get("k").is_none()), "{gone}");
}

#[tokio::test(start_paused = true)]
async fn every_contested_field_is_named() {
    let sim = cluster();
    let uri = format!("{CONFIG_MAPS}/a");
    apply(&sim, "one", &uri, &config_map("a", json!({"k": "1", "l": "1"}))).await.ok();
    let answer = apply(&sim, "two", &uri, &config_map("a", json!({"k": "2", "l": "2"}))).await;
    assert_eq!(answer.reason(), (409, "Conflict"));
    assert_eq!(answer.message(), "Apply failed with 2 conflicts: conflicts with \"one\":\n- .data.k\n- .data.l");
    let forced =
        patch(&sim, "apply", &format!("{uri}?fieldManager=two&force=true"), &config_map("a", json!({"k": "2"}))).await;
    let entries = forced.ok()["metadata"]["managedFields"].clone();
    assert_eq!(entries[0]["fieldsV1"], json!({"f:data": {"f:l": {}}}));
    assert_eq!(entries[1]["fieldsV1"], json!({"f:data": {"f:k": {}}}));
}

#[tokio::test(start_paused = true)]
async fn ports_are_told_apart_by_number_and_protocol() {
    let sim = cluster();
    let uri = format!("{DEPLOYMENTS}/api");
    let ports = |ports: Value| {
        let mut body = deployment("api", 0, "api:1");
        body["spec"]["template"]["spec"]["containers"][0]["ports"] = ports;
        body
    };
    let both = json!([{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]);
    apply(&sim, "t", &uri, &ports(both)).await.ok();
    let one = apply(&sim, "t", &uri, &ports(json!([{"containerPort": 53}]))).await.ok();
    assert_eq!(
        one["spec"]["template"]["spec"]["containers"][0]["ports"],
        json!([{"containerPort": 53, "protocol": "TCP"}])
    );
    let twice = apply(&sim, "t", &uri, &ports(json!([{"containerPort": 53}, {"containerPort": 53}]))).await;
    assert!(twice.code >= 400, "{}", twice.body);
}

#[tokio::test(start_paused = true)]
async fn a_manager_is_needed_and_force_is_for_apply_alone() {
    let sim = cluster();
    let uri = format!("{CONFIG_MAPS}/a");
    let nameless = patch(&sim, "apply", &uri, &config_map("a", json!({}))).await;
    assert_eq!(nameless.reason(), (422, "Invalid"));
    post(&sim, CONFIG_MAPS, &config_map("a", json!({}))).await.ok();
    let forced = patch(&sim, "merge", &format!("{uri}?force=true"), &json!({})).await;
    assert_eq!(forced.reason(), (422, "Invalid"));
}

#[tokio::test(start_paused = true)]
async fn an_updater_takes_the_field_over() {
    let sim = cluster();
    let uri = format!("{DEPLOYMENTS}/api");
    apply(&sim, "lucid", &uri, &deployment("api", 1, "api:1")).await.ok();
    let scaled =
        patch(&sim, "merge", &format!("{uri}?fieldManager=human"), &json!({"spec": {"replicas": 4}})).await.ok();
    let entries = scaled["metadata"]["managedFields"].as_array().unwrap();
    let human = entries.iter().find(|entry| entry["manager"] == "human").unwrap();
    assert_eq!((&human["operation"], &human["fieldsV1"]), (&json!("Update"), &json!({"f:spec": {"f:replicas": {}}})));
    let lucid = entries.iter().find(|entry| entry["manager"] == "lucid").unwrap();
    assert!(lucid["fieldsV1"]["f:spec"].get("f:replicas").is_none());
    let back = apply(&sim, "lucid", &uri, &deployment("api", 1, "api:1")).await;
    assert!(back.message().contains("conflict with \"human\" using apps/v1: .spec.replicas"), "{}", back.message());
}

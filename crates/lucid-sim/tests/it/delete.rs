//! Deleting: preconditions, finalizers, propagation, namespaces.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{CONFIG_MAPS, cluster, config_map, delete, get, patch, post};

async fn settle() {
    tokio::time::sleep(Duration::from_secs(30)).await;
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_holds_the_object() {
    let sim = cluster();
    let uri = format!("{CONFIG_MAPS}/a");
    let mut body = config_map("a", json!({}));
    body["metadata"]["finalizers"] = json!(["example.com/hold"]);
    post(&sim, CONFIG_MAPS, &body).await.ok();
    let marked = delete(&sim, &uri, &Value::Null).await.ok();
    assert!(marked["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(
        post(&sim, CONFIG_MAPS, &body).await.message(),
        "object is being deleted: configmaps \"a\" already exists"
    );
    let added =
        patch(&sim, "merge", &uri, &json!({"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}))
            .await;
    assert_eq!(added.reason(), (422, "Invalid"));
    let freed = patch(&sim, "merge", &uri, &json!({"metadata": {"finalizers": null}})).await;
    assert_eq!(freed.code, 200);
    assert_eq!(get(&sim, &uri).await.code, 404);
}

#[tokio::test(start_paused = true)]
async fn preconditions_hold() {
    let sim = cluster();
    let uri = format!("{CONFIG_MAPS}/a");
    let made = post(&sim, CONFIG_MAPS, &config_map("a", json!({}))).await.ok();
    for preconditions in [json!({"uid": "x"}), json!({"resourceVersion": "1"})] {
        let answer = delete(&sim, &uri, &json!({"preconditions": preconditions})).await;
        assert_eq!(answer.reason(), (409, "Conflict"), "{}", answer.body);
    }
    let right = json!({"preconditions": {"uid": made["metadata"]["uid"], "resourceVersion": made["metadata"]["resourceVersion"]}});
    let answer = delete(&sim, &uri, &right).await.ok();
    assert_eq!((&answer["status"], &answer["details"]["uid"]), (&json!("Success"), &made["metadata"]["uid"]));
}

/// An owner and what it owns, deleted with a policy: what is left a while later?
async fn left(policy: &str) -> (u16, u16) {
    let sim = cluster();
    let owner = post(&sim, CONFIG_MAPS, &config_map("owner", json!({}))).await.ok();
    let mut owned = config_map("owned", json!({}));
    owned["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner",
        "uid": owner["metadata"]["uid"], "blockOwnerDeletion": true}]);
    post(&sim, CONFIG_MAPS, &owned).await.ok();
    delete(&sim, &format!("{CONFIG_MAPS}/owner"), &json!({"propagationPolicy": policy})).await.ok();
    settle().await;
    (get(&sim, &format!("{CONFIG_MAPS}/owner")).await.code, get(&sim, &format!("{CONFIG_MAPS}/owned")).await.code)
}

#[tokio::test(start_paused = true)]
async fn propagation() {
    assert_eq!(left("Background").await, (404, 404));
    assert_eq!(left("Foreground").await, (404, 404));
    assert_eq!(left("Orphan").await, (404, 200));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_comes_furnished_and_goes_with_all_it_holds() {
    let sim = cluster();
    let shop = "/api/v1/namespaces/shop";
    let made = post(&sim, "/api/v1/namespaces", &json!({"metadata": {"name": "shop"}})).await.ok();
    assert_eq!((&made["status"]["phase"], &made["spec"]["finalizers"]), (&json!("Active"), &json!(["kubernetes"])));
    assert_eq!(made["metadata"]["labels"]["kubernetes.io/metadata.name"], "shop");
    settle().await;
    get(&sim, &format!("{shop}/serviceaccounts/default")).await.ok();
    let trust = get(&sim, &format!("{shop}/configmaps/kube-root-ca.crt")).await.ok();
    assert!(trust["data"]["ca.crt"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    post(&sim, &format!("{shop}/configmaps"), &config_map("a", json!({}))).await.ok();
    let going = delete(&sim, shop, &Value::Null).await.ok();
    assert_eq!(going["status"]["phase"], "Terminating");
    let late = post(&sim, &format!("{shop}/configmaps"), &config_map("b", json!({}))).await;
    assert_eq!(late.reason(), (403, "Forbidden"));
    settle().await;
    assert_eq!(get(&sim, shop).await.code, 404);
    assert_eq!(get(&sim, &format!("{shop}/configmaps/a")).await.code, 404);
}

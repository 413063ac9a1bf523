//! Create, replace and the patch types: versions, generation, status, dry run, field validation.

use serde_json::{Value, json};

use crate::support::{CONFIG_MAPS, DEPLOYMENTS, cluster, config_map, deployment, get, patch, post, put, send};

fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_name_is_taken_once() {
    let sim = cluster();
    post(&sim, CONFIG_MAPS, &config_map("a", json!({}))).await.ok();
    let again = post(&sim, CONFIG_MAPS, &config_map("a", json!({}))).await;
    assert_eq!(again.reason(), (409, "AlreadyExists"));
    assert_eq!(again.message(), "configmaps \"a\" already exists");
}

#[tokio::test(start_paused = true)]
async fn names_are_generated() {
    let sim = cluster();
    let body = json!({"metadata": {"generateName": "job-"}});
    let (a, b) = (post(&sim, CONFIG_MAPS, &body).await.ok(), post(&sim, CONFIG_MAPS, &body).await.ok());
    let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
    assert_ne!(name(&a), name(&b));
    assert!(name(&a).starts_with("job-") && name(&a).len() == 9, "{a}");
    let nameless = post(&sim, CONFIG_MAPS, &json!({"metadata": {}})).await;
    assert_eq!(nameless.reason(), (422, "Invalid"));
}

#[tokio::test(start_paused = true)]
async fn a_replacement_must_know_the_version() {
    let sim = cluster();
    let uri = format!("{CONFIG_MAPS}/a");
    let made = post(&sim, CONFIG_MAPS, &config_map("a", json!({"k": "1"}))).await.ok();
    let mut newer = made.clone();
    newer["data"]["k"] = "2".into();
    let written = put(&sim, &uri, &newer).await.ok();
    assert!(version(&written) > version(&made));
    newer["data"]["k"] = "3".into();
    let stale = put(&sim, &uri, &newer).await;
    assert_eq!(stale.reason(), (409, "Conflict"));
    assert!(stale.message().contains("the object has been modified"), "{}", stale.message());
    newer["metadata"]["resourceVersion"] = Value::Null;
    put(&sim, &uri, &newer).await.ok();
    newer["metadata"]["uid"] = "another".into();
    assert_eq!(put(&sim, &uri, &newer).await.reason(), (409, "Conflict"));
}

#[tokio::test(start_paused = true)]
async fn what_changes_nothing_is_not_written() {
    let sim = cluster();
    let made = post(&sim, CONFIG_MAPS, &config_map("a", json!({"k": "1"}))).await.ok();
    let uri = format!("{CONFIG_MAPS}/a");
    let same = patch(&sim, "merge", &uri, &json!({"data": {"k": "1"}})).await.ok();
    assert_eq!(version(&same), version(&made));
    assert_eq!(version(&put(&sim, &uri, &made).await.ok()), version(&made));
}

#[tokio::test(start_paused = true)]
async fn generation_counts_wishes() {
    let sim = cluster();
    let uri = format!("{DEPLOYMENTS}/api");
    post(&sim, DEPLOYMENTS, &deployment("api", 0, "api:1")).await.ok();
    let generation = |object: Value| object["metadata"]["generation"].as_i64().unwrap();
    let scaled = patch(&sim, "merge", &uri, &json!({"spec": {"revisionHistoryLimit": 3}})).await.ok();
    assert_eq!(generation(scaled), 2);
    let labelled = patch(&sim, "merge", &uri, &json!({"metadata": {"labels": {"a": "b"}}})).await.ok();
    assert_eq!(generation(labelled), 2);
    let annotated = patch(&sim, "merge", &uri, &json!({"metadata": {"annotations": {"a": "b"}}})).await.ok();
    assert_eq!(generation(annotated), 3);
    let forced = patch(&sim, "merge", &uri, &json!({"metadata": {"generation": 99}})).await.ok();
    assert_eq!(generation(forced), 3);
}

#[tokio::test(start_paused = true)]
async fn status_has_its_own_door() {
    let sim = cluster();
    let uri = format!("{DEPLOYMENTS}/api");
    let mut body = deployment("api", 0, "api:1");
    body["spec"]["paused"] = true.into();
    body["status"] = json!({"replicas": 7});
    let made = post(&sim, DEPLOYMENTS, &body).await.ok();
    assert_eq!(made["status"], json!({}));
    let wished = json!({"spec": {"replicas": 9}, "status": {"conditions": [{"type": "Test", "status": "True"}]}});
    let through = patch(&sim, "merge", &format!("{uri}/status"), &wished).await.ok();
    assert_eq!(
        (&through["spec"]["replicas"], &through["status"]["conditions"][0]["type"]),
        (&json!(0), &json!("Test"))
    );
    let main = patch(&sim, "merge", &uri, &json!({"status": {"conditions": null}})).await.ok();
    assert_eq!(main["status"]["conditions"][0]["type"], "Test");
}

#[tokio::test(start_paused = true)]
async fn four_ways_to_patch() {
    let sim = cluster();
    let uri = format!("{DEPLOYMENTS}/api");
    post(&sim, DEPLOYMENTS, &deployment("api", 0, "api:1")).await.ok();
    let containers = |object: &Value| object["spec"]["template"]["spec"]["containers"].clone();
    let side = json!({"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side:1"}]}}}});
    let merged = patch(&sim, "strategic", &uri, &side).await.ok();
    assert_eq!(containers(&merged).as_array().unwrap().len(), 2);
    let replaced = patch(&sim, "merge", &uri, &side).await.ok();
    assert_eq!(containers(&replaced).as_array().unwrap().len(), 1);
    let operation = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "side:2"}]);
    let operated = patch(&sim, "json", &uri, &operation).await.ok();
    assert_eq!(containers(&operated)[0]["image"], "side:2");
    let mut config = deployment("api", 0, "api:2");
    config["spec"]["template"]["spec"]["containers"][0]["name"] = "applied".into();
    let applied = patch(&sim, "apply", &format!("{uri}?fieldManager=t&force=true"), &config).await.ok();
    assert_eq!(containers(&applied).as_array().unwrap().len(), 2);
    let unknown = send(&sim, "PATCH", &uri, "application/json", &json!({})).await;
    assert_eq!(unknown.reason(), (415, "UnsupportedMediaType"));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_leaves_no_trace() {
    let sim = cluster();
    let uri = format!("{CONFIG_MAPS}/a");
    let shown = post(&sim, &format!("{CONFIG_MAPS}?dryRun=All"), &config_map("a", json!({}))).await;
    assert_eq!(shown.code, 201);
    assert_eq!(get(&sim, &uri).await.code, 404);
    post(&sim, CONFIG_MAPS, &config_map("a", json!({"k": "1"}))).await.ok();
    let change = json!({"data": {"k": "2"}});
    let shown = patch(&sim, "merge", &format!("{uri}?dryRun=All"), &change).await.ok();
    assert_eq!(shown["data"]["k"], "2");
    assert_eq!(send(&sim, "DELETE", &format!("{uri}?dryRun=All"), "", &Value::Null).await.code, 200);
    assert_eq!(get(&sim, &uri).await.ok()["data"]["k"], "1");
}

#[tokio::test(start_paused = true)]
async fn unknown_fields_are_refused_told_or_dropped() {
    let sim = cluster();
    let mut body = deployment("api", 0, "api:1");
    body["spec"]["replicaz"] = 1.into();
    let strict = post(&sim, &format!("{DEPLOYMENTS}?fieldValidation=Strict"), &body).await;
    assert_eq!(strict.reason(), (400, "BadRequest"));
    assert_eq!(
        strict.message(),
        "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.replicaz\""
    );
    let told = post(&sim, &format!("{DEPLOYMENTS}?fieldValidation=Warn"), &body).await;
    assert_eq!(
        (told.code, told.warnings.as_slice()),
        (201, ["299 - \"unknown field \\\"spec.replicaz\\\"\"".to_owned()].as_slice())
    );
    assert!(told.body["spec"].get("replicaz").is_none());
    body["metadata"]["name"] = "quiet".into();
    let ignored = post(&sim, &format!("{DEPLOYMENTS}?fieldValidation=Ignore"), &body).await;
    assert_eq!((ignored.code, ignored.warnings.len()), (201, 0));
}

#[tokio::test(start_paused = true)]
async fn every_problem_is_a_cause() {
    let sim = cluster();
    let mut body = deployment("api", 0, "");
    body["spec"]["selector"]["matchLabels"] = json!({"app": "other"});
    let answer = post(&sim, DEPLOYMENTS, &body).await;
    assert_eq!(answer.reason(), (422, "Invalid"));
    let causes = answer.body["details"]["causes"].as_array().unwrap();
    let fields: Vec<&str> = causes.iter().map(|cause| cause["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["spec.template.metadata.labels", "spec.template.spec.containers[0].image"]);
}

#[tokio::test(start_paused = true)]
async fn a_selector_is_for_ever() {
    let sim = cluster();
    post(&sim, DEPLOYMENTS, &deployment("api", 0, "api:1")).await.ok();
    let change = json!({"spec": {"selector": {"matchLabels": {"app": "b"}}, "template": {"metadata": {"labels": {"app": "b"}}}}});
    let answer = patch(&sim, "merge", &format!("{DEPLOYMENTS}/api"), &change).await;
    assert_eq!(answer.reason(), (422, "Invalid"));
    assert!(answer.message().ends_with("field is immutable"), "{}", answer.message());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_created_in_a_namespace_that_is_not_there() {
    let sim = cluster();
    let answer = post(&sim, "/api/v1/namespaces/nowhere/configmaps", &config_map("a", json!({}))).await;
    assert_eq!((answer.reason(), answer.message()), ((404, "NotFound"), "namespaces \"nowhere\" not found"));
}

//! Parts of objects: logs, proxy, scale, reviews.

use std::time::Duration;

use lucid_client::ListKind;
use lucid_sim::{Behaviour, Config, Scenario, Select};
use serde_json::{Value, json};

use crate::support::{DEPLOYMENTS, client, cluster, deployment, get, patch, pod, post, started};

const PODS: &str = "/api/v1/namespaces/default/pods";

#[tokio::test(start_paused = true)]
async fn scale_is_a_door_to_the_replicas() {
    let sim = cluster();
    let uri = format!("{DEPLOYMENTS}/api/scale");
    post(&sim, DEPLOYMENTS, &deployment("api", 2, "api:1")).await.ok();
    let scale = get(&sim, &uri).await.ok();
    assert_eq!(
        (&scale["kind"], &scale["spec"]["replicas"], &scale["status"]["selector"]),
        (&json!("Scale"), &json!(2), &json!("app=api"))
    );
    patch(&sim, "merge", &uri, &json!({"spec": {"replicas": 5}})).await.ok();
    assert_eq!(get(&sim, &format!("{DEPLOYMENTS}/api")).await.ok()["spec"]["replicas"], 5);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_nobody_runs_has_no_log_and_answers_nobody() {
    let sim = cluster();
    let mut unscheduled = pod("a");
    unscheduled["spec"].as_object_mut().unwrap().remove("nodeName");
    unscheduled["spec"]["schedulerName"] = "nobody".into();
    unscheduled["status"] = json!({"phase": "Pending"});
    sim.put(unscheduled).unwrap();
    assert_eq!(get(&sim, &format!("{PODS}/a/log")).await.code, 400);
    assert_eq!(get(&sim, &format!("{PODS}/missing/log")).await.code, 404);
    assert!(get(&sim, &format!("{PODS}/a:8080/proxy/health")).await.code >= 400);
}

#[tokio::test(start_paused = true)]
async fn a_running_pod_logs_and_answers() {
    let behaviour = Behaviour {
        select: Select { workload: Some("api".into()), ..Select::default() },
        log: vec!["hello".into()],
        ..Behaviour::default()
    };
    let sim = started(Config { scenario: Scenario { behaviours: vec![behaviour] }, ..Config::default() });
    let client = client(&sim);
    post(&sim, DEPLOYMENTS, &deployment("api", 1, "api:1")).await.ok();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let pods =
        client.list(&lucid_client::Target::core("Pod", "pods", Some("default")), ListKind::Full).await.unwrap().items;
    let name = pods[0]["metadata"]["name"].as_str().unwrap();
    assert_eq!(get(&sim, &format!("{PODS}/{name}/log")).await.body, Value::String("hello\n".into()));
    let reply = client.get_from_pod("default", name, "http", 8080, "/health", Duration::from_secs(5)).await.unwrap();
    assert_eq!(reply.code, 200);
    let closed = client.get_from_pod("default", name, "http", 9999, "/health", Duration::from_secs(5)).await;
    assert!(!matches!(closed, Ok(reply) if reply.code < 500), "nobody listens there");
    assert_eq!(sim.truth().serving("default", "Deployment", "api")[&vec!["api:1"]], 1);
}

#[tokio::test(start_paused = true)]
async fn reviews_answer_questions() {
    let sim = cluster();
    let rules = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": "default"}});
    let answer = post(&sim, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", &rules).await.ok();
    assert_eq!(answer["status"]["resourceRules"][0]["verbs"], json!(["*"]));
}

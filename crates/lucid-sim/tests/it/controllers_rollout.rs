//! Deployments through a client: the states that it sees, in order.

use std::time::Duration;

use lucid_client::ListKind;
use serde_json::{Value, json};

use crate::history::{Operator, count, image, reason, scripted, workloads};
use crate::support::{cluster, deployment};

fn is_complete(object: &Value) -> bool {
    let wanted = object["spec"]["replicas"].as_i64().unwrap();
    count(object, "observedGeneration") == object["metadata"]["generation"].as_i64().unwrap()
        && ["replicas", "updatedReplicas", "availableReplicas"].iter().all(|field| count(object, field) == wanted)
        && reason(object, "Progressing", "True") == Some("NewReplicaSetAvailable")
}

fn timed_out(object: &Value) -> bool {
    reason(object, "Progressing", "False") == Some("ProgressDeadlineExceeded")
}

#[tokio::test(start_paused = true)]
async fn a_first_rollout() {
    let operator = Operator::of(cluster()).await;
    let (states, took) = operator.deploy(&workloads("Deployment"), &deployment("web", 2, "web:1"), is_complete).await;
    assert_eq!(
        states,
        [
            "g1 o0",
            "g1 o0 Progressing=True NewReplicaSetCreated",
            "g1 o1 Available=False MinimumReplicasUnavailable, Progressing=True NewReplicaSetCreated",
            "g1 o1 Available=False MinimumReplicasUnavailable, Progressing=True ReplicaSetUpdated",
            "g1 o1 Available=True MinimumReplicasAvailable, Progressing=True NewReplicaSetAvailable",
        ]
    );
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(operator.sim.truth().serving("default", "Deployment", "web")[&vec!["web:1"]], 2);
}

#[tokio::test(start_paused = true)]
async fn an_update_and_the_way_back_to_the_same_set() {
    let operator = Operator::of(cluster()).await;
    let target = workloads("Deployment");
    let mut web = deployment("web", 2, "web:1");
    operator.deploy(&target, &web, is_complete).await;
    let first = operator.names(&workloads("ReplicaSet")).await;
    image(&mut web, "web:2");
    let (states, _) = operator.deploy(&target, &web, is_complete).await;
    let available = "Available=True MinimumReplicasAvailable";
    assert_eq!(
        states,
        [
            format!("g2 o1 {available}, Progressing=True NewReplicaSetAvailable"),
            format!("g2 o1 {available}, Progressing=True NewReplicaSetCreated"),
            format!("g2 o2 {available}, Progressing=True NewReplicaSetCreated"),
            format!("g2 o2 {available}, Progressing=True ReplicaSetUpdated"),
            format!("g2 o2 {available}, Progressing=True NewReplicaSetAvailable"),
        ]
    );
    image(&mut web, "web:1");
    operator.deploy(&target, &web, is_complete).await;
    assert_eq!(operator.names(&workloads("ReplicaSet")).await.len(), 2);
    let set = operator.client.get(&workloads("ReplicaSet"), &first[0]).await.unwrap();
    assert_eq!(
        (&set["status"]["replicas"], &set["metadata"]["annotations"]["deployment.kubernetes.io/revision"]),
        (&json!(2), &json!("3"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_bad_image_leaves_the_old_pods_serving() {
    let operator = Operator::of(scripted(json!([{"select": {"image": "broken"}, "pull": "notFound"}]))).await;
    let target = workloads("Deployment");
    let mut web = deployment("web", 3, "web:1");
    operator.deploy(&target, &web, is_complete).await;
    image(&mut web, "broken:2");
    let (states, took) = operator.deploy(&target, &web, timed_out).await;
    assert_eq!(
        states.last().unwrap(),
        "g2 o2 Available=True MinimumReplicasAvailable, Progressing=False ProgressDeadlineExceeded"
    );
    assert!((600..=602).contains(&took.as_secs()), "{took:?}");
    assert_eq!(operator.sim.truth().serving("default", "Deployment", "web")[&vec!["web:1"]], 3);
    let waiting = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].clone();
    let waiting: Vec<Value> = operator.pods().await.iter().map(waiting).filter(|reason| !reason.is_null()).collect();
    assert!(waiting == ["ImagePullBackOff"] || waiting == ["ErrImagePull"], "{waiting:?}");
}

#[tokio::test(start_paused = true)]
async fn a_crash_loop_never_becomes_available() {
    let operator =
        Operator::of(scripted(json!([{"then": {"crash": {"after": 2, "exitCode": 7}}, "log": ["no configuration"]}])))
            .await;
    let mut web = deployment("web", 1, "web:1");
    web["spec"]["minReadySeconds"] = 10.into();
    web["spec"]["progressDeadlineSeconds"] = 120.into();
    let (states, _) = operator.deploy(&workloads("Deployment"), &web, timed_out).await;
    assert!(states.iter().all(|state| !state.contains("Available=True")), "{states:?}");
    let pods = operator.pods().await;
    let status = &pods[0]["status"]["containerStatuses"][0];
    assert!(status["restartCount"].as_i64().unwrap() >= 3);
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 7);
    assert!(operator.reasons("web").await.contains(&"BackOff".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_never_passes_runs_into_the_deadline() {
    let operator = Operator::of(scripted(json!([{"then": "neverReady"}]))).await;
    let mut web = deployment("web", 1, "web:1");
    web["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
        json!({"httpGet": {"port": 8080, "path": "/ready"}});
    let (states, took) = operator.deploy(&workloads("Deployment"), &web, timed_out).await;
    assert_eq!(
        states.last().unwrap(),
        "g1 o1 Available=False MinimumReplicasUnavailable, Progressing=False ProgressDeadlineExceeded"
    );
    assert!((600..=602).contains(&took.as_secs()), "{took:?}");
    assert!(operator.reasons("web").await.contains(&"Unhealthy".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn scaling_moves_no_revision() {
    let operator = Operator::of(cluster()).await;
    let target = workloads("Deployment");
    let mut web = deployment("web", 1, "web:1");
    operator.deploy(&target, &web, is_complete).await;
    web["spec"]["replicas"] = 4.into();
    let (states, _) = operator.deploy(&target, &web, is_complete).await;
    assert!(states.iter().all(|state| state.contains("Progressing=True NewReplicaSetAvailable")), "{states:?}");
    assert_eq!(operator.pods().await.len(), 4);
    let nodes: std::collections::BTreeSet<String> =
        operator.pods().await.iter().map(|pod| pod["spec"]["nodeName"].to_string()).collect();
    assert_eq!(nodes.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_fits_nowhere_is_explained() {
    let operator = Operator::of(cluster()).await;
    let mut web = deployment("web", 1, "web:1");
    web["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"memory": "1Ti"}});
    operator.apply(&workloads("Deployment"), &web).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let pods = operator.client.list(&crate::history::core("Pod"), ListKind::Full).await.unwrap().items;
    let condition = &pods[0]["status"]["conditions"][0];
    assert_eq!((&condition["type"], &condition["reason"]), (&json!("PodScheduled"), &json!("Unschedulable")));
    assert!(
        condition["message"].as_str().unwrap().starts_with("0/5 nodes are available: 5 Insufficient memory."),
        "{condition}"
    );
}

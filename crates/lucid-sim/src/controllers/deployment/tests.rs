//! Rollouts in a world without a client.

use serde_json::{Value, json};

use crate::controllers::testing::{Stage, conditions, workload};
use crate::json::{Json, JsonMut};
use crate::kinds::Table;

const IMAGE: &str = "spec/template/spec/containers";

fn web(stage: &Stage) -> std::sync::Arc<Value> {
    stage.get(Table::DEPLOYMENTS, "web")
}

fn is_complete(stage: &Stage) -> bool {
    let web = web(stage);
    let wanted = web.int("spec/replicas");
    web.int("status/observedGeneration") == web.generation()
        && ["replicas", "updatedReplicas", "availableReplicas"]
            .iter()
            .all(|f| web.int(&format!("status/{f}")) == wanted)
}

fn set_image(stage: &mut Stage, image: &str) {
    stage.edit(Table::DEPLOYMENTS, "web", |web| web.items(IMAGE)[0].put("image", image));
}

#[test]
fn two_replicas_become_available() {
    let mut stage = Stage::new(json!({}));
    stage.create(workload("Deployment", "web", 2, "nginx:1"));
    let took = stage.until("available", 10, is_complete);
    assert!(took <= 3, "{took}");
    let web = web(&stage);
    assert_eq!(
        conditions(&web),
        ["Available=True MinimumReplicasAvailable", "Progressing=True NewReplicaSetAvailable"]
    );
    assert_eq!((web.generation(), web.annotation("deployment.kubernetes.io/revision")), (1, "1"));
    let set = &stage.list(Table::REPLICA_SETS)[0];
    assert!(set.name().starts_with("web-") && set.name().ends_with(set.label("pod-template-hash")));
    assert_eq!(
        stage.events("web")[0],
        format!("Normal ScalingReplicaSet: Scaled up replica set {} from 0 to 2", set.name())
    );
}

#[test]
fn a_rollout_keeps_enough_pods_and_not_too_many() {
    let mut stage = Stage::new(json!({}));
    stage.create(workload("Deployment", "web", 4, "nginx:1"));
    stage.until("available", 10, is_complete);
    set_image(&mut stage, "nginx:2");
    for _ in 0..400 {
        let to = stage.world.now() + std::time::Duration::from_millis(50);
        stage.world.advance_to(to);
        let pods = stage.list(Table::PODS);
        let alive = pods.iter().filter(|pod| !pod.is_deleting()).count();
        let ready = pods.iter().filter(|pod| pod.condition("Ready") == "True" && !pod.is_deleting()).count();
        assert!(alive <= 5 && ready >= 3, "{alive} alive, {ready} ready");
    }
    assert!(is_complete(&stage));
    let images: Vec<String> =
        stage.list(Table::PODS).iter().map(|p| p.list("spec/containers")[0].str("image").to_owned()).collect();
    assert_eq!(images, ["nginx:2"; 4]);
}

#[test]
fn going_back_reuses_the_old_set() {
    let mut stage = Stage::new(json!({}));
    stage.create(workload("Deployment", "web", 2, "nginx:1"));
    stage.until("first", 10, is_complete);
    let first = stage.names(Table::REPLICA_SETS);
    set_image(&mut stage, "nginx:2");
    stage.until("second", 20, is_complete);
    set_image(&mut stage, "nginx:1");
    stage.until("back", 20, is_complete);
    assert_eq!(stage.names(Table::REPLICA_SETS).len(), 2);
    let set = stage.get(Table::REPLICA_SETS, &first[0]);
    assert_eq!(set.annotation("deployment.kubernetes.io/revision"), "3");
    assert_eq!(set.annotation("deployment.kubernetes.io/revision-history"), "1");
    assert_eq!(web(&stage).annotation("deployment.kubernetes.io/revision"), "3");
}

#[test]
fn no_progress_runs_into_the_deadline() {
    let mut stage = Stage::new(json!({"behaviours": [{"then": "neverReady"}]}));
    let mut never = workload("Deployment", "web", 1, "app:1");
    never["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = json!({"httpGet": {"port": 80}});
    stage.create(never);
    let took = stage.until("deadline", 620, |s| {
        conditions(&web(s)).contains(&"Progressing=False ProgressDeadlineExceeded".to_owned())
    });
    assert!((600..=605).contains(&took), "{took}");
    assert_eq!(
        conditions(&web(&stage)),
        ["Available=False MinimumReplicasUnavailable", "Progressing=False ProgressDeadlineExceeded"]
    );
}

#[test]
fn a_bad_image_stops_the_rollout_and_keeps_the_old_pods() {
    let mut stage = Stage::new(json!({"behaviours": [{"select": {"image": "broken"}, "pull": "notFound"}]}));
    stage.create(workload("Deployment", "web", 3, "nginx:1"));
    stage.until("available", 10, is_complete);
    set_image(&mut stage, "broken:2");
    stage.advance(60);
    let web = web(&stage);
    assert_eq!(
        (web.int("status/updatedReplicas"), web.int("status/availableReplicas"), web.int("status/replicas")),
        (1, 3, 4)
    );
    assert_eq!(conditions(&web), ["Available=True MinimumReplicasAvailable", "Progressing=True ReplicaSetUpdated"]);
}

#[test]
fn recreate_waits_for_the_old_pods_to_go() {
    let mut stage = Stage::new(json!({}));
    let mut web = workload("Deployment", "web", 2, "nginx:1");
    web.put("spec/strategy/type", "Recreate");
    stage.create(web);
    stage.until("available", 10, is_complete);
    set_image(&mut stage, "nginx:2");
    for _ in 0..200 {
        let to = stage.world.now() + std::time::Duration::from_millis(50);
        stage.world.advance_to(to);
        let mut images: Vec<String> =
            stage.list(Table::PODS).iter().map(|p| p.list("spec/containers")[0].str("image").to_owned()).collect();
        images.dedup();
        assert!(images.len() <= 1, "{images:?}");
    }
    assert!(is_complete(&stage));
}

#[test]
fn scaling_is_no_rollout() {
    let mut stage = Stage::new(json!({}));
    stage.create(workload("Deployment", "web", 1, "nginx:1"));
    stage.until("available", 10, is_complete);
    stage.edit(Table::DEPLOYMENTS, "web", |web| web.put("spec/replicas", 3));
    stage.until("larger", 10, is_complete);
    assert_eq!(stage.names(Table::PODS).len(), 3);
    stage.edit(Table::DEPLOYMENTS, "web", |web| web.put("spec/replicas", 0));
    stage.until("empty", 40, |s| s.names(Table::PODS).is_empty() && is_complete(s));
    assert_eq!(conditions(&web(&stage)).last().unwrap(), "Available=True MinimumReplicasAvailable");
    assert_eq!(stage.names(Table::REPLICA_SETS).len(), 1);
}

#[test]
fn a_paused_deployment_says_so_and_stays() {
    let mut stage = Stage::new(json!({}));
    stage.create(workload("Deployment", "web", 1, "nginx:1"));
    stage.until("available", 10, is_complete);
    stage.edit(Table::DEPLOYMENTS, "web", |web| web.put("spec/paused", true));
    set_image(&mut stage, "nginx:2");
    stage.advance(10);
    assert!(conditions(&web(&stage)).contains(&"Progressing=Unknown DeploymentPaused".to_owned()));
    assert_eq!(stage.names(Table::REPLICA_SETS).len(), 1);
    stage.edit(Table::DEPLOYMENTS, "web", |web| web.put("spec/paused", false));
    stage.until("resumed", 20, is_complete);
}

#[test]
fn old_sets_beyond_the_limit_go() {
    let mut stage = Stage::new(json!({}));
    let mut small = workload("Deployment", "web", 1, "nginx:1");
    small.put("spec/revisionHistoryLimit", 1);
    stage.create(small);
    for tag in 2..6 {
        stage.until("available", 20, is_complete);
        set_image(&mut stage, &format!("nginx:{tag}"));
    }
    stage.until("available", 20, is_complete);
    stage.advance(10);
    assert_eq!(stage.names(Table::REPLICA_SETS).len(), 2);
}

#[test]
fn waiting_to_be_available_takes_its_time() {
    let mut stage = Stage::new(json!({}));
    let mut slow = workload("Deployment", "web", 1, "nginx:1");
    slow.put("spec/minReadySeconds", 15);
    stage.create(slow);
    let took = stage.until("available", 30, is_complete);
    assert!((15..=19).contains(&took), "{took}");
}

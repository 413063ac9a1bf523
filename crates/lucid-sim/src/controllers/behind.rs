//! What holds however far the caches of controllers, scheduler and kubelets are behind.

use std::time::Duration;

use serde_json::{Value, json};

use crate::config::Config;
use crate::controllers::testing::{Stage, workload};
use crate::json::{Json, JsonMut};
use crate::kinds::Table;

const LAGS: [u64; 3] = [4, 200, 3_000];

fn behind(seed: u64, lag: u64) -> Stage {
    Stage::of(Config { seed, cache_lag: Duration::from_millis(lag), ..Config::default() })
}

/// Every stage of these seeds and lags, told which one it is.
fn each(check: impl Fn(Stage, &str)) {
    for lag in LAGS {
        (1..=8).for_each(|seed| check(behind(seed, lag), &format!("seed {seed}, behind by up to {lag} ms")));
    }
}

fn made(stage: &Stage, prefix: &str) -> usize {
    let events = stage.events(prefix);
    let is_made = |event: &&String| event.contains("SuccessfulCreate") && event.contains("od");
    events.iter().filter(is_made).count()
}

fn is_complete(stage: &Stage, table: Table) -> bool {
    let object = stage.get(table, "web");
    let wanted = object.int("spec/replicas");
    let counted = ["replicas", "updatedReplicas", "availableReplicas"];
    object.int("status/observedGeneration") == object.generation()
        && counted.iter().all(|field| object.int(&format!("status/{field}")) == wanted)
}

fn new_image(stage: &mut Stage, table: Table) {
    stage.edit(table, "web", |web| web.items("spec/template/spec/containers")[0].put("image", "nginx:2"));
}

#[test]
fn no_pod_is_made_twice() {
    each(|mut stage, which| {
        stage.create(workload("Deployment", "web", 5, "nginx:1"));
        stage.until(which, 120, |stage| is_complete(stage, Table::DEPLOYMENTS));
        stage.advance(10);
        assert_eq!((stage.names(Table::PODS).len(), made(&stage, "web")), (5, 5), "{which}");
        assert_eq!(stage.names(Table::REPLICA_SETS).len(), 1, "{which}");
        assert!(!stage.get(Table::DEPLOYMENTS, "web").has("status/collisionCount"), "{which}");
    });
}

#[test]
fn a_rollout_ends_with_the_new_template_alone() {
    each(|mut stage, which| {
        stage.create(workload("Deployment", "web", 3, "nginx:1"));
        stage.until(which, 120, |stage| is_complete(stage, Table::DEPLOYMENTS));
        new_image(&mut stage, Table::DEPLOYMENTS);
        stage.until(which, 300, |stage| is_complete(stage, Table::DEPLOYMENTS));
        stage.advance(60);
        let pods = stage.list(Table::PODS);
        let image = |pod: &Value| pod.list("spec/containers")[0].str("image").to_owned();
        assert!(pods.len() == 3 && pods.iter().all(|pod| image(pod) == "nginx:2"), "{which}");
    });
}

#[test]
fn numbered_pods_come_in_order_and_one_at_a_time() {
    each(|mut stage, which| {
        stage.create(workload("StatefulSet", "web", 3, "nginx:1"));
        stage.until(which, 300, |stage| is_complete(stage, Table::STATEFUL_SETS));
        assert_eq!(stage.names(Table::PODS), ["web-0", "web-1", "web-2"], "{which}");
        assert_eq!(stage.names(Table::CONTROLLER_REVISIONS).len(), 1, "{which}");
        let failures = stage.events("web").into_iter().filter(|event| event.contains("Failed")).collect::<Vec<_>>();
        assert!(failures.is_empty(), "{which}: {failures:?}");
        new_image(&mut stage, Table::STATEFUL_SETS);
        stage.until(which, 300, |stage| is_complete(stage, Table::STATEFUL_SETS));
        assert_eq!(stage.names(Table::CONTROLLER_REVISIONS).len(), 2, "{which}");
    });
}

#[test]
fn a_job_runs_once() {
    each(|mut stage, which| {
        stage.create(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "web"},
            "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "nginx:1"}]}}}}));
        stage.advance(30);
        assert_eq!(stage.names(Table::PODS).len(), 1, "{which}");
    });
}

#[test]
fn a_service_has_one_slice_with_all_its_pods() {
    each(|mut stage, which| {
        stage.create(workload("Deployment", "web", 3, "nginx:1"));
        stage.create(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}));
        stage.until(which, 120, |stage| is_complete(stage, Table::DEPLOYMENTS));
        stage.advance(20);
        let slices = stage.list(Table::ENDPOINT_SLICES);
        let slices: Vec<&Value> =
            slices.iter().map(AsRef::as_ref).filter(|slice| slice.name().starts_with("web")).collect();
        assert_eq!(slices.len(), 1, "{which}");
        let ready = slices[0].list("endpoints").iter().filter(|endpoint| endpoint.flag("conditions/ready")).count();
        assert_eq!(ready, 3, "{which}");
    });
}

#[test]
fn a_deployment_says_nothing_of_a_generation_that_its_controller_has_not_seen() {
    let mut stage = behind(1, 3_000);
    stage.create(workload("Deployment", "web", 3, "nginx:1"));
    stage.until("first", 120, |stage| is_complete(stage, Table::DEPLOYMENTS));
    new_image(&mut stage, Table::DEPLOYMENTS);
    let mut waited = 0;
    while stage.get(Table::DEPLOYMENTS, "web").int("status/observedGeneration") < 2 {
        stage.world.advance_to(stage.world.now() + Duration::from_millis(10));
        waited += 10;
        assert!(waited < 3_100, "{waited} ms");
    }
    assert!(waited > 20, "seen after {waited} ms");
}

//! DaemonSets in a world without a client.

use serde_json::{Value, json};

use crate::controllers::testing::{Stage, workload};
use crate::json::{Json, JsonMut};
use crate::kinds::Table;

fn agent() -> Value {
    let mut agent = workload("DaemonSet", "agent", 0, "agent:1");
    agent.cut("spec/replicas");
    agent
}

fn counts(stage: &Stage) -> [i64; 3] {
    let set = stage.get(Table::DAEMON_SETS, "agent");
    ["desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"]
        .map(|field| set.int(&format!("status/{field}")))
}

#[test]
fn every_node_gets_one() {
    let mut stage = Stage::new(json!({}));
    stage.create(agent());
    stage.until("available", 5, |s| counts(s) == [5, 5, 5]);
    let mut nodes: Vec<String> =
        stage.list(Table::PODS).iter().map(|pod| pod.str("spec/nodeName").to_owned()).collect();
    nodes.sort();
    nodes.dedup();
    assert_eq!(nodes.len(), 5);
}

#[test]
fn an_update_takes_one_node_after_another() {
    let mut stage = Stage::new(json!({}));
    stage.create(agent());
    stage.until("available", 5, |s| counts(s) == [5, 5, 5]);
    stage
        .edit(Table::DAEMON_SETS, "agent", |set| set.items("spec/template/spec/containers")[0].put("image", "agent:2"));
    stage.until("updated", 60, |s| {
        assert!(counts(s)[2] >= 4, "{:?}", counts(s));
        let set = s.get(Table::DAEMON_SETS, "agent");
        set.int("status/observedGeneration") == 2 && counts(s) == [5, 5, 5]
    });
    assert_eq!(stage.names(Table::CONTROLLER_REVISIONS).len(), 2);
}

#[test]
fn nodes_that_are_not_meant_get_none() {
    let mut stage = Stage::new(json!({}));
    let mut set = agent();
    set.put("spec/template/spec/nodeSelector", json!({"kubernetes.io/hostname": "node-2"}));
    stage.create(set);
    stage.until("available", 5, |s| counts(s) == [1, 1, 1]);
    assert_eq!(stage.names(Table::PODS).len(), 1);
}

#[test]
fn with_a_surge_the_new_pod_comes_before_the_old_one_goes() {
    let mut stage = Stage::new(json!({}));
    let mut set = agent();
    set.put(
        "spec/updateStrategy",
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}),
    );
    stage.create(set);
    stage.until("available", 5, |s| counts(s) == [5, 5, 5]);
    stage
        .edit(Table::DAEMON_SETS, "agent", |set| set.items("spec/template/spec/containers")[0].put("image", "agent:2"));
    stage.until("updated", 60, |s| {
        assert_eq!(counts(s)[2], 5);
        let set = s.get(Table::DAEMON_SETS, "agent");
        set.int("status/observedGeneration") == 2 && counts(s) == [5, 5, 5] && s.names(Table::PODS).len() == 5
    });
}

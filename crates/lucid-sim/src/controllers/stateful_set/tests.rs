//! StatefulSets in a world without a client.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::controllers::testing::{Stage, workload};
use crate::json::{Json, JsonMut};
use crate::kinds::Table;

fn db(stage: &Stage) -> Arc<Value> {
    stage.get(Table::STATEFUL_SETS, "db")
}

fn is_complete(stage: &Stage) -> bool {
    let db = db(stage);
    let wanted = db.int("spec/replicas");
    db.int("status/observedGeneration") == db.generation()
        && ["replicas", "readyReplicas", "availableReplicas"].iter().all(|f| db.int(&format!("status/{f}")) == wanted)
        && (wanted == 0 || db.str("status/currentRevision") == db.str("status/updateRevision"))
}

fn set_image(stage: &mut Stage, image: &str) {
    stage.edit(Table::STATEFUL_SETS, "db", |db| db.items("spec/template/spec/containers")[0].put("image", image));
}

fn images(stage: &Stage) -> Vec<String> {
    stage.list(Table::PODS).iter().map(|pod| pod.list("spec/containers")[0].str("image").to_owned()).collect()
}

#[test]
fn pods_come_one_after_another() {
    let mut stage = Stage::new(json!({}));
    stage.create(workload("StatefulSet", "db", 3, "redis:8"));
    stage.until("complete", 20, |s| {
        let pods = s.list(Table::PODS);
        let ready = pods.iter().filter(|pod| pod.condition("Ready") == "True").count();
        assert!(pods.len() <= ready + 1, "{} pods, {ready} ready", pods.len());
        s.names(Table::STATEFUL_SETS) == ["db"] && is_complete(s) && pods.len() == 3
    });
    assert_eq!(stage.names(Table::PODS), ["db-0", "db-1", "db-2"]);
    let pod = stage.get(Table::PODS, "db-1");
    assert_eq!(
        (pod.label("apps.kubernetes.io/pod-index"), pod.str("spec/hostname"), pod.str("spec/subdomain")),
        ("1", "db-1", "db")
    );
    assert_eq!(pod.label("controller-revision-hash"), db(&stage).str("status/updateRevision"));
    assert_eq!(stage.events("db")[0], "Normal SuccessfulCreate: Create Pod db-0 in StatefulSet db successful");
}

#[test]
fn an_update_goes_from_the_top_down_to_the_partition() {
    let mut stage = Stage::new(json!({}));
    let mut set = workload("StatefulSet", "db", 3, "redis:7");
    set.put("spec/updateStrategy", json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}));
    stage.create(set);
    stage.until("complete", 20, is_complete);
    set_image(&mut stage, "redis:8");
    stage.advance(30);
    assert_eq!(images(&stage), ["redis:7", "redis:8", "redis:8"]);
    let status = db(&stage).at("status").clone();
    assert_eq!((status.int("updatedReplicas"), status.int("currentReplicas")), (2, 1));
    assert_ne!(status.str("currentRevision"), status.str("updateRevision"));
    stage.edit(Table::STATEFUL_SETS, "db", |db| db.put("spec/updateStrategy/rollingUpdate/partition", 0));
    stage.until("complete", 30, |s| is_complete(s) && images(s) == ["redis:8"; 3]);
}

#[test]
fn a_broken_revision_blocks_an_ordered_set_even_on_the_way_back() {
    let mut stage = Stage::new(json!({"behaviours": [{"select": {"image": "broken"}, "pull": "notFound"}]}));
    stage.create(workload("StatefulSet", "db", 2, "redis:7"));
    stage.until("complete", 20, is_complete);
    set_image(&mut stage, "broken:8");
    stage.advance(30);
    assert_eq!(images(&stage), ["redis:7", "broken:8"]);
    set_image(&mut stage, "redis:7");
    stage.advance(60);
    assert_eq!(images(&stage), ["redis:7", "broken:8"]);
    stage.delete(Table::PODS, "db-1", &Default::default());
    stage.until("complete", 20, |s| is_complete(s) && images(s) == ["redis:7"; 2]);
    assert_eq!(stage.names(Table::CONTROLLER_REVISIONS).len(), 2);
}

#[test]
fn a_parallel_set_replaces_broken_pods() {
    let mut stage = Stage::new(json!({"behaviours": [{"select": {"image": "broken"}, "pull": "notFound"}]}));
    let mut set = workload("StatefulSet", "db", 2, "broken:1");
    set.put("spec/podManagementPolicy", "Parallel");
    stage.create(set);
    stage.until("both", 5, |s| s.names(Table::PODS).len() == 2);
    set_image(&mut stage, "redis:8");
    stage.until("complete", 20, |s| is_complete(s) && images(s) == ["redis:8"; 2]);
}

#[test]
fn on_delete_waits_for_somebody_to_delete() {
    let mut stage = Stage::new(json!({}));
    let mut set = workload("StatefulSet", "db", 1, "redis:7");
    set.put("spec/updateStrategy/type", "OnDelete");
    stage.create(set);
    stage.until("ready", 20, |s| db(s).int("status/readyReplicas") == 1);
    set_image(&mut stage, "redis:8");
    stage.advance(20);
    assert_eq!(images(&stage), ["redis:7"]);
    stage.delete(Table::PODS, "db-0", &Default::default());
    stage.until("new", 20, |s| images(s) == ["redis:8"]);
}

#[test]
fn claims_outlive_their_pods_unless_told_otherwise() {
    let mut stage = Stage::new(json!({}));
    let mut set = workload("StatefulSet", "db", 2, "redis:8");
    set.put(
        "spec/volumeClaimTemplates",
        json!([{"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]),
    );
    stage.create(set);
    stage.until("complete", 30, is_complete);
    assert_eq!(stage.names(Table::CLAIMS), ["data-db-0", "data-db-1"]);
    assert!(stage.list(Table::CLAIMS).iter().all(|claim| claim.str("status/phase") == "Bound"));
    stage.edit(Table::STATEFUL_SETS, "db", |db| db.put("spec/replicas", 1));
    stage.until("smaller", 30, is_complete);
    assert_eq!(stage.names(Table::CLAIMS).len(), 2);
    stage.edit(Table::STATEFUL_SETS, "db", |db| {
        db.put("spec/replicas", 2);
        db.put("spec/persistentVolumeClaimRetentionPolicy/whenScaled", "Delete");
    });
    stage.until("larger", 30, is_complete);
    stage.edit(Table::STATEFUL_SETS, "db", |db| db.put("spec/replicas", 1));
    stage.until("claim gone", 30, |s| s.names(Table::CLAIMS) == ["data-db-0"]);
}

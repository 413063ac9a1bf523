//! The time after verification, in which a release must stay good.

use super::*;

/// A run with everything verified, that is watched for a minute.
fn verified() -> Play {
    let mut play = Play::new();
    play.engine.options.bake = Duration::from_secs(60);
    for name in ["db", "cache", "api", "web"] {
        play.deploy(name);
    }
    play.answer_probe("api", ANSWERS());
    assert!(!play.engine.is_finished());
    play.events.clear();
    play
}

fn unready() -> Value {
    json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 0, "unavailableReplicas": 1,
        "conditions": [{"type": "Available", "status": "False"},
            {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}]})
}

#[test]
fn what_stays_good_is_verified_when_the_time_is_over() {
    let mut play = verified();
    for _ in 0..11 {
        play.wait(5);
        play.answer_probe("api", ANSWERS());
    }
    play.check_told(&[]);
    play.wait(5);
    play.check_told(&["finished Verified"]);
}

#[test]
fn readiness_that_is_lost_and_does_not_come_back_is_a_failure() {
    let mut play = verified();
    play.set_status("web", unready());
    play.wait(14);
    play.check_told(&[]);
    play.wait(1);
    play.answer_probe("api", ANSWERS());
    play.check_told(&["failed web L9030", "finished Failed"]);
}

#[test]
fn readiness_that_comes_back_is_none() {
    let mut play = verified();
    play.set_status("web", unready());
    play.wait(5);
    play.roll_out("web");
    play.wait(14);
    play.check_told(&["ready web"]);
}

#[test]
fn a_component_that_is_not_ready_at_the_end_has_failed() {
    let mut play = verified();
    play.elapsed += Duration::from_secs(55);
    play.set_status("web", unready());
    play.answer_probe("api", ANSWERS());
    play.wait(5);
    play.check_told(&["failed web L9030", "finished Failed"]);
}

#[test]
fn an_endpoint_that_stops_answering_is_a_failure() {
    let silent = || Err(ProbeError::Failed(Box::new(Finding::error(9011, "no answer"))));
    let mut play = verified();
    play.wait(5);
    play.answer_probe("api", silent());
    play.wait(15);
    play.answer_probe("api", silent());
    play.check_told(&["failed api L9011", "finished Failed"]);
}

#[test]
fn nothing_is_pruned_before_the_time_is_over() {
    let before = Play::new();
    let entry = InventoryEntry { object: reference("old"), version: "v1".into(), component: "old".into() };
    let mut old = deployment("old").value().clone();
    old["metadata"]["uid"] = "old".into();
    old["metadata"]["labels"] = json!({"lucid.dev/release": "shop", "lucid.dev/release-namespace": "n"});
    let mut live = Shown(before.cluster.0.clone());
    live.0.insert(reference("old"), old);
    let names = ["db", "cache", "api", "web"];
    let mut play = Play::of(&names, vec![entry], &live);
    play.engine.options.bake = Duration::from_secs(10);
    names.iter().for_each(|name| play.deploy(name));
    play.answer_probe("api", ANSWERS());
    assert_eq!(play.sent(), Vec::<String>::new());
    play.wait(10);
    assert_eq!(play.sent(), ["delete old"]);
}

//! Lists in pages, selectors, formats, watches and what ends them.

use std::time::Duration;

use http_body_util::BodyExt;
use lucid_sim::{Config, SimBody};
use serde_json::{Value, json};

use crate::support::{CONFIG_MAPS, cluster, config_map, get, open, patch, post, send, started};

#[tokio::test(start_paused = true)]
async fn pages_show_one_moment() {
    let sim = cluster();
    for name in ["a", "b", "c"] {
        post(&sim, CONFIG_MAPS, &config_map(name, json!({"k": "1"}))).await.ok();
    }
    let first = get(&sim, &format!("{CONFIG_MAPS}?limit=2")).await.ok();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    patch(&sim, "merge", &format!("{CONFIG_MAPS}/c"), &json!({"data": {"k": "2"}})).await.ok();
    let next = first["metadata"]["continue"].as_str().unwrap();
    let rest = get(&sim, &format!("{CONFIG_MAPS}?limit=50&continue={next}")).await.ok();
    let c = rest["items"].as_array().unwrap().iter().find(|item| item["metadata"]["name"] == "c").unwrap();
    assert_eq!(c["data"]["k"], "1");
    assert_eq!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert!(rest["metadata"].get("continue").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_page_that_waited_too_long_is_gone() {
    let sim = cluster();
    for name in ["a", "b", "c"] {
        post(&sim, CONFIG_MAPS, &config_map(name, json!({}))).await.ok();
    }
    let first = get(&sim, &format!("{CONFIG_MAPS}?limit=2")).await.ok();
    post(&sim, CONFIG_MAPS, &config_map("d", json!({}))).await.ok();
    sim.compact();
    let next = first["metadata"]["continue"].as_str().unwrap();
    let answer = get(&sim, &format!("{CONFIG_MAPS}?limit=2&continue={next}")).await;
    assert_eq!(answer.reason(), (410, "Expired"));
    // The answer has a token that goes on with what is there now.
    let fresh = answer.body["metadata"]["continue"].as_str().unwrap();
    let rest = get(&sim, &format!("{CONFIG_MAPS}?limit=50&continue={fresh}")).await.ok();
    assert!(rest["items"].as_array().unwrap().iter().any(|item| item["metadata"]["name"] == "d"), "{rest}");
}

#[tokio::test(start_paused = true)]
async fn selectors() {
    let sim = cluster();
    for (name, tier) in [("a", "web"), ("b", "db")] {
        let mut body = config_map(name, json!({}));
        body["metadata"]["labels"] = json!({"tier": tier});
        post(&sim, CONFIG_MAPS, &body).await.ok();
    }
    let names = |list: Value| {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(get(&sim, &format!("{CONFIG_MAPS}?labelSelector=tier%3Dweb")).await.ok()), ["a"]);
    assert_eq!(names(get(&sim, &format!("{CONFIG_MAPS}?fieldSelector=metadata.name%3Db")).await.ok()), ["b"]);
    assert_eq!(names(get(&sim, "/api/v1/configmaps?labelSelector=tier%20in%20(web,db)").await.ok()), ["a", "b"]);
    assert_eq!(get(&sim, &format!("{CONFIG_MAPS}?labelSelector=a%20b")).await.code, 400);
}

#[tokio::test(start_paused = true)]
async fn versions_of_the_future_are_not_there_yet() {
    let sim = cluster();
    let answer = get(&sim, &format!("{CONFIG_MAPS}?resourceVersion=99999999")).await;
    assert_eq!(answer.reason(), (504, "Timeout"));
}

/// The next event of a watch, within a virtual hour.
async fn event(body: &mut SimBody) -> Option<Value> {
    let frame = tokio::time::timeout(Duration::from_secs(3600), body.frame()).await.expect("an event in time")?;
    Some(serde_json::from_slice(frame.unwrap().data_ref().unwrap()).unwrap())
}

async fn watch(sim: &lucid_sim::Sim, query: &str) -> SimBody {
    open(sim, "GET", &format!("{CONFIG_MAPS}?watch=1&{query}"), "", &Value::Null).await.into_body()
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_what_happens() {
    let sim = cluster();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let from = get(&sim, CONFIG_MAPS).await.ok()["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let mut body = watch(&sim, &format!("resourceVersion={from}&allowWatchBookmarks=true")).await;
    post(&sim, CONFIG_MAPS, &config_map("a", json!({"k": "1"}))).await.ok();
    patch(&sim, "merge", &format!("{CONFIG_MAPS}/a"), &json!({"data": {"k": "2"}})).await.ok();
    send(&sim, "DELETE", &format!("{CONFIG_MAPS}/a"), "", &Value::Null).await.ok();
    let mut last = from.parse::<u64>().unwrap();
    for expect in ["ADDED", "MODIFIED", "DELETED"] {
        let event = event(&mut body).await.unwrap();
        assert_eq!(event["type"], expect);
        let version = event["object"]["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
        assert!(version > last, "{expect}: {version} after {last}");
        last = version;
    }
    let bookmark = event(&mut body).await.unwrap();
    assert_eq!((&bookmark["type"], &bookmark["object"]["kind"]), (&json!("BOOKMARK"), &json!("ConfigMap")));
}

#[tokio::test(start_paused = true)]
async fn leaving_the_selection_is_a_deletion() {
    let sim = cluster();
    let mut body = watch(&sim, "labelSelector=on%3Dyes").await;
    let mut object = config_map("a", json!({}));
    object["metadata"]["labels"] = json!({"on": "yes"});
    post(&sim, CONFIG_MAPS, &object).await.ok();
    patch(&sim, "merge", &format!("{CONFIG_MAPS}/a"), &json!({"metadata": {"labels": {"on": "no"}}})).await.ok();
    assert_eq!(event(&mut body).await.unwrap()["type"], "ADDED");
    let left = event(&mut body).await.unwrap();
    // It shows the object as it was when it still belonged.
    assert_eq!((&left["type"], &left["object"]["metadata"]["labels"]["on"]), (&json!("DELETED"), &json!("yes")));
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_when_it_asked_to() {
    let sim = cluster();
    let mut body = watch(&sim, "timeoutSeconds=10&resourceVersion=1").await;
    let began = sim.elapsed();
    while event(&mut body).await.is_some() {}
    assert_eq!((sim.elapsed() - began).as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_list_can_come_as_a_watch() {
    let sim = cluster();
    post(&sim, CONFIG_MAPS, &config_map("a", json!({}))).await.ok();
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3Da";
    let mut body = watch(&sim, query).await;
    assert_eq!(event(&mut body).await.unwrap()["type"], "ADDED");
    let end = event(&mut body).await.unwrap();
    assert_eq!(end["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

#[tokio::test(start_paused = true)]
async fn history_is_bounded() {
    let sim = started(Config { history: 5, ..Config::default() });
    for at in 0..10 {
        post(&sim, CONFIG_MAPS, &config_map(&format!("c{at}"), json!({}))).await.ok();
    }
    let event = event(&mut watch(&sim, "resourceVersion=3").await).await.unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["code"], &event["object"]["reason"]),
        (&json!("ERROR"), &json!(410), &json!("Expired"))
    );
}

#[tokio::test(start_paused = true)]
async fn closed_watches_are_forgotten() {
    let sim = cluster();
    drop(watch(&sim, "resourceVersion=1&allowWatchBookmarks=true").await);
    post(&sim, CONFIG_MAPS, &config_map("a", json!({}))).await.ok();
    let before = sim.elapsed();
    // With nobody to tell, nothing is due, and the clock may jump.
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    assert!(sim.elapsed() - before >= Duration::from_secs(86_400));
}

/// kubectl keeps discovery documents on disk; under a clock that runs ahead of its own it took them for fresh for ever.
#[tokio::test(start_paused = true)]
async fn answers_are_not_to_be_kept() {
    let sim = cluster();
    let response = open(&sim, "GET", "/apis", "", &Value::Null).await;
    assert_eq!(response.headers()["cache-control"], "no-cache, private");
}

//! Discovery, reads and writes through `lucid_client::ApiClient`.

use std::time::Duration;

use futures::StreamExt;
use lucid_client::{Access, Apply, Change, ListKind, Target, follow};
use lucid_object::Gvk;
use serde_json::json;

use crate::support::{client, cluster, config_map, config_maps, deployment, deployments};

#[tokio::test(start_paused = true)]
async fn discovery_lists_what_is_served() {
    let sim = cluster();
    let client = client(&sim);
    let version = client.version().await.unwrap();
    assert_eq!((version.major, version.minor), (1, 37));
    let kinds = client.discover().await.unwrap();
    let deployment = &kinds[&Gvk::new("apps", "v1", "Deployment")];
    assert_eq!((deployment.plural.as_str(), deployment.namespaced), ("deployments", true));
    assert!(!kinds[&Gvk::new("", "v1", "Node")].namespaced);
    assert!(client.cluster_id().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn objects_come_and_go() {
    let sim = cluster();
    let client = client(&sim);
    let made = client.create(&config_maps(), &config_map("a", json!({"k": "1"})), "t").await.unwrap();
    assert_eq!(client.get(&config_maps(), "a").await.unwrap(), made);
    let listed = client.list(&config_maps(), ListKind::Full).await.unwrap();
    assert!(listed.items.contains(&made));
    let uid = made["metadata"]["uid"].as_str().unwrap();
    assert!(client.delete(&config_maps(), "a", "another").await.unwrap_err().is_conflict());
    client.delete(&config_maps(), "a", uid).await.unwrap();
    assert!(client.get(&config_maps(), "a").await.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn lists_of_metadata_hide_the_rest() {
    let sim = cluster();
    let client = client(&sim);
    client.create(&config_maps(), &config_map("a", json!({"k": "hidden"})), "t").await.unwrap();
    let listed = client.list(&config_maps(), ListKind::Metadata).await.unwrap();
    let found = listed.items.iter().find(|item| item["metadata"]["name"] == "a").unwrap();
    assert!(found.get("data").is_none() && found["metadata"]["uid"].is_string());
}

#[tokio::test(start_paused = true)]
async fn a_long_list_comes_in_pages() {
    let sim = cluster();
    for at in 0..1200 {
        sim.put(config_map(&format!("c{at:04}"), json!({}))).unwrap();
    }
    let client = client(&sim);
    let before = client.requests().0;
    let listed = client.list(&config_maps(), ListKind::Full).await.unwrap();
    assert_eq!(client.requests().0 - before, 2);
    assert_eq!(
        listed.items.iter().filter(|item| item["metadata"]["name"].as_str().unwrap().starts_with('c')).count(),
        1200
    );
}

#[tokio::test(start_paused = true)]
async fn following_sees_every_change() {
    let sim = cluster();
    let client = client(&sim);
    let mut changes = follow(client.clone(), config_maps(), ListKind::Full, None);
    assert!(matches!(changes.next().await, Some(Change::Replace(_))));
    let made = client.create(&config_maps(), &config_map("a", json!({"k": "1"})), "t").await.unwrap();
    let Some(Change::Set(seen)) = skip_others(&mut changes).await else { panic!("no change") };
    assert_eq!(seen, made);
    client.delete(&config_maps(), "a", made["metadata"]["uid"].as_str().unwrap()).await.unwrap();
    assert!(matches!(skip_others(&mut changes).await, Some(Change::Removed(_))));
    // The history goes; the next watch must start from a new list.
    sim.close_watches();
    sim.put(config_map("b", json!({}))).unwrap();
    sim.compact();
    let Some(Change::Replace(all)) = changes.next().await else { panic!("no new list") };
    assert!(all.iter().any(|item| item["metadata"]["name"] == "b"));
}

/// Changes of objects that the cluster makes for itself are none of the test's business.
async fn skip_others(changes: &mut (impl StreamExt<Item = Change> + Unpin)) -> Option<Change> {
    loop {
        match changes.next().await? {
            Change::Set(object) if object["metadata"]["name"] == "kube-root-ca.crt" => {}
            change => return Some(change),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_for_minutes() {
    let sim = cluster();
    let client = client(&sim);
    let mut changes = follow(client.clone(), config_maps(), ListKind::Full, None);
    changes.next().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1000)).await;
    client.create(&config_maps(), &config_map("a", json!({})), "t").await.unwrap();
    assert!(matches!(skip_others(&mut changes).await, Some(Change::Set(_))));
}

#[tokio::test(start_paused = true)]
async fn apply_creates_then_owns() {
    let sim = cluster();
    let client = client(&sim);
    let body = deployment("api", 2, "api:1");
    let apply = Apply { manager: "lucid", body: &body, dry_run: false, force: false };
    let first = client.apply(&deployments(), "api", &apply).await.unwrap().object;
    assert_eq!(first["metadata"]["generation"], 1);
    assert_eq!(first["metadata"]["managedFields"][0]["manager"], "lucid");
    assert_eq!(first["metadata"]["managedFields"][0]["operation"], "Apply");
    let body = deployment("api", 3, "api:1");
    let apply = Apply { manager: "other", body: &body, dry_run: false, force: false };
    let conflict = client.apply(&deployments(), "api", &apply).await.unwrap_err();
    assert!(conflict.is_conflict());
    let cause = &conflict.status().unwrap()["details"]["causes"][0];
    assert_eq!(
        (cause["reason"].as_str(), cause["field"].as_str()),
        (Some("FieldManagerConflict"), Some(".spec.replicas"))
    );
    let taken = client.apply(&deployments(), "api", &Apply { force: true, ..apply }).await.unwrap().object;
    assert_eq!((&taken["spec"]["replicas"], &taken["metadata"]["generation"]), (&json!(3), &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn may_we() {
    let sim = cluster();
    assert!(client(&sim).may(&Access::new("patch", "apps", "deployments", Some("default"))).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn requests_take_time() {
    let sim = cluster();
    let before = sim.elapsed();
    client(&sim).get(&Target::core("Namespace", "namespaces", None), "default").await.unwrap();
    let took = sim.elapsed() - before;
    assert!(took >= Duration::from_millis(1) && took < Duration::from_millis(20), "{took:?}");
}

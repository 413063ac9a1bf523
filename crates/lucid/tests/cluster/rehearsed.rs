//! `lucid rehearse --from-cluster` and `lucid snapshot`: the live cluster, taken into the simulator.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{AuditMark, apply};
use crate::shop::Shop;

const HIDDEN: &str = "never-to-be-seen-4711";

#[test]
fn the_next_release_is_rehearsed_on_what_is_there() {
    let mut shop = Shop::new("ahead");
    shop.run(&["deploy", "--progress", "quiet"]).check(0, &[]);
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs"}, "stringData": {"token": HIDDEN}});
    apply(&shop.namespace, &secret);
    shop.app("web").image = "registry.test/web:2".into();
    let mark = AuditMark::now();
    let ran = shop.run(&["rehearse", "--from-cluster", "--break", "api", "-o", "json", "--progress", "quiet"]);
    ran.check(0, &[]);
    assert!(!ran.stdout.contains(HIDDEN) && !ran.stderr.contains(HIDDEN));
    let report = ran.json();
    assert_eq!((&report["passed"], &report["broken"]["foundOut"]), (&json!(true), &json!(true)), "{report:#}");
    // Three of four are as they should be already, and that is known from who set which field.
    let changed: Vec<&Value> =
        report["deploy"]["components"].as_array().unwrap().iter().filter(|one| one["changes"] != 0).collect();
    assert_eq!(changed.iter().map(|one| &one["name"]).collect::<Vec<_>>(), ["web"], "{changed:#?}");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let verbs = mark.requests("lucid");
    assert!(verbs.keys().all(|verb| matches!(verb.as_str(), "get" | "list")), "{verbs:?}");
}

#[test]
fn a_quota_of_the_cluster_stops_the_rehearsal_too() {
    let mut shop = Shop::new("narrow");
    shop.run(&["deploy", "--progress", "quiet"]).check(0, &[]);
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight"}, "spec": {"hard": {"pods": "4"}}});
    apply(&shop.namespace, &quota);
    shop.app("web").replicas = 3;
    shop.run(&["rehearse", "--progress", "quiet"]).check(0, &[]);
    shop.run(&["rehearse", "--from-cluster", "--progress", "quiet"]).check(5, &["L1010", "quota tight has 4"]);
}

#[test]
fn a_snapshot_holds_no_value_of_a_secret_and_can_be_rehearsed_and_served() {
    let shop = Shop::new("kept");
    shop.run(&["deploy", "--progress", "quiet"]).check(0, &[]);
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs"}, "stringData": {"token": HIDDEN}});
    apply(&shop.namespace, &secret);
    shop.run(&["snapshot", "--out", "cluster.json"]).check(0, &["the values of Secrets replaced"]);
    let text = fs::read_to_string(shop.folder.join("cluster.json")).unwrap();
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(HIDDEN);
    assert!(!text.contains(HIDDEN) && !text.contains(&encoded) && text.contains("\"theirs\""));
    shop.run(&["rehearse", "--from", "cluster.json", "--progress", "quiet"]).check(0, &[]);
    fs::write(shop.folder.join("cluster.json"), "{}").unwrap();
    shop.run(&["rehearse", "--from", "cluster.json"]).check(2, &["this is no saved cluster", "lucid snapshot"]);
}

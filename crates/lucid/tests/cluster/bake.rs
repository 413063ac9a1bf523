//! `lucid deploy --bake`, on the real control plane.

use std::process::{Child, Stdio};
use std::time::Duration;

use crate::harness::wait_for;
use crate::shop::{Ran, Shop, kubectl};

/// A deploy under way, up to the moment at which everything is verified.
fn baking(shop: &Shop, time: &str) -> Child {
    shop.write();
    let events = shop.folder.join("events.ndjson");
    let args = ["deploy", "--bake", time, "--events", events.to_str().unwrap()];
    let child = shop.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the watch begins", Duration::from_secs(60), || {
        std::fs::read_to_string(&events).unwrap_or_default().contains("\"baking\"").then_some(())
    });
    child
}

fn image(shop: &Shop, name: &str) -> String {
    let path = "jsonpath={.spec.template.spec.containers[0].image}";
    kubectl(&["get", "deployment", name, "-n", &shop.namespace, "-o", path])
}

#[test]
fn what_stays_good_passes() {
    let shop = Shop::new("bake");
    shop.run(&["deploy", "--bake", "6s"]).check(0, &["all verified; watched for another 6", "verified running"]);
}

#[test]
fn a_restart_after_verification_is_a_failed_deploy() {
    let mut shop = Shop::new("restarts");
    shop.run(&["deploy"]).check(0, &["verified"]);
    shop.app("api").image = "registry.test/api:2".into();
    shop.apps.retain(|app| app.name != "cache");
    let child = baking(&shop, "60s");
    assert_eq!(image(&shop, "cache"), "registry.test/cache:1", "nothing is pruned while it is watched");
    kubectl(&["annotate", "pods", "-l", "app=api", "-n", &shop.namespace, "lucid.dev/test-fail=crash"]);
    let ran = Ran::of(child.wait_with_output().unwrap());
    ran.check(1, &["error[L9030]", "api did not stay good", "revision 1 is in service again and verified"]);
    assert_eq!(
        (image(&shop, "api").as_str(), image(&shop, "cache").as_str()),
        ("registry.test/api:1", "registry.test/cache:1")
    );
    shop.run(&["why"]).check(0, &["api", "L9030"]);
}

#[test]
fn readiness_lost_after_verification_is_a_failed_deploy() {
    let mut shop = Shop::new("unready");
    shop.run(&["deploy"]).check(0, &["verified"]);
    shop.app("web").image = "registry.test/web:2".into();
    let child = baking(&shop, "10s");
    kubectl(&["delete", "pods", "-l", "app=web", "-n", &shop.namespace, "--wait=false"]);
    // What takes their place has no node to go to.
    kubectl(&["patch", "deployment", "web", "-n", &shop.namespace, "--type=json", "-p", "[]"]);
    let full = r#"{"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"full"},"spec":{"hard":{"pods":"0"}}}"#;
    crate::harness::apply(&shop.namespace, &serde_json::from_str(full).unwrap());
    kubectl(&["delete", "pods", "-l", "app=web", "-n", &shop.namespace, "--wait=false"]);
    let ran = Ran::of(child.wait_with_output().unwrap());
    kubectl(&["delete", "resourcequota", "full", "-n", &shop.namespace]);
    assert!(ran.code == 1 || ran.code == 8, "{ran}");
    ran.check(ran.code, &["web", "rolling back to revision 1"]);
}

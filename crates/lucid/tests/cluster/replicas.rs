//! Replicas between a release and an autoscaler, on the real control plane.

use std::process::{Child, Stdio};

use crate::harness::kubectl_command;
use crate::shop::{Shop, kubectl};

/// Every value that `spec.replicas` takes from now on.
struct Watch(Child);

impl Watch {
    fn start(shop: &Shop) -> Self {
        let path = "jsonpath={.spec.replicas}{\"\\n\"}";
        let args = ["get", "deployment", "web", "-n", &shop.namespace, "-w", "-o", path];
        let child = kubectl_command().args(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        Self(child.expect("kubectl runs"))
    }

    fn end(mut self) -> Vec<u32> {
        self.0.kill().expect("it can be ended");
        let output = self.0.wait_with_output().expect("it has ended");
        String::from_utf8(output.stdout).unwrap().lines().filter_map(|line| line.parse().ok()).collect()
    }
}

const SCALER: &str = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  labels: {app: web}
spec:
  minReplicas: 2
  maxReplicas: 9
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics:
  - type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}
";

#[test]
fn gaining_and_losing_an_autoscaler_never_takes_a_pod_away() {
    let mut shop = Shop::new("replicas");
    shop.app("web").replicas = 4;
    shop.run(&["deploy"]).check(0, &["verified"]);
    let watch = Watch::start(&shop);
    shop.extra = SCALER.into();
    shop.run(&["deploy"]).check(0, &["verified"]);
    // The autoscaler, or a person in its place, asks for more.
    kubectl(&["scale", "deployment", "web", "-n", &shop.namespace, "--replicas=6"]);
    shop.app("web").image = "registry.test/web:2".into();
    shop.run(&["deploy"]).check(0, &["verified"]);
    let asked = ["get", "deployment", "web", "-n", &shop.namespace, "-o", "jsonpath={.spec.replicas}"];
    assert_eq!(kubectl(&asked), "6", "a deploy leaves the autoscaler's number alone");
    shop.extra.clear();
    shop.run(&["deploy"]).check(0, &["verified"]);
    assert_eq!(kubectl(&asked), "4", "the release says how many again");
    let seen = watch.end();
    assert!(seen.iter().all(|replicas| *replicas >= 4) && seen.contains(&6), "{seen:?}");
    shop.run(&["deploy"]).check(0, &["nothing to change"]);
}

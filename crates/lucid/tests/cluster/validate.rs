//! `lucid validate --cluster`, and the same before every deploy: what this cluster would object to, all at once.

use serde_json::{Value, json};

use crate::harness::{AuditMark, apply};
use crate::shop::Shop;

/// Each document breaks one rule of the cluster.
const WRONG: &str = "apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {storageClassName: nowhere, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: door}
spec:
  ingressClassName: nowhere
  defaultBackend: {service: {name: web, port: {number: 8080}}}
---
apiVersion: v1
kind: Service
metadata: {name: pinned}
spec: {clusterIP: 192.0.2.9, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: odd}
spec:
  selector: {matchLabels: {app: odd}}
  template:
    metadata: {labels: {app: odd}}
    spec:
      priorityClassName: nowhere
      nodeSelector: {shop.example/pool: nowhere}
      containers: [{name: main, image: \"registry.test/odd:1\", resources: {requests: {cpu: 10m}, limits: {memory: 2Gi}}}]
";

fn codes(findings: &Value) -> Vec<String> {
    let mut codes: Vec<String> =
        findings.as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect();
    codes.sort();
    codes.dedup();
    codes
}

#[test]
fn everything_that_the_cluster_would_object_to_is_said_at_once() {
    let mut shop = Shop::new("objects");
    shop.run(&["deploy", "--progress", "quiet"]).check(0, &[]);
    shop.run(&["validate", "--cluster"]).check(0, &["no errors"]);
    let range = json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"},
        "spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}});
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "4"}}});
    apply(&shop.namespace, &json!({"apiVersion": "v1", "kind": "List", "items": [range, quota]}));
    shop.extra = WRONG.into();
    let mark = AuditMark::now();
    let ran = shop.run(&["validate", "--cluster", "-o", "json"]);
    ran.check(2, &[]);
    let found = codes(&ran.json());
    for code in ["L1010", "L1012", "L2002", "L2005", "L5205", "L6001", "L8210"] {
        assert!(found.contains(&code.to_owned()), "{code} is not in {found:?}: {ran}");
    }
    shop.run(&["validate", "--cluster"]).check(2, &["error[L6001]", "k8s/extra.yaml:", "nowhere"]);
    // A deploy finds the same, and sends nothing.
    let versions = shop.versions();
    shop.run(&["deploy", "--progress", "quiet"]).check(5, &["L1010", "L1012", "L2002", "L5205", "L6001", "L8210"]);
    assert_eq!(shop.versions(), versions);
    std::thread::sleep(std::time::Duration::from_millis(500));
    let verbs = mark.requests("lucid");
    assert!(!verbs.contains_key("delete"), "{verbs:?}");
    // Without the flag nobody is asked.
    let mark = AuditMark::now();
    shop.extra.clear();
    shop.run(&["validate"]).check(0, &[]);
    assert!(mark.requests("lucid").is_empty());
}

//! Tables, as `kubectl get` asks for them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::format;
use crate::json::Json;
use crate::kinds::Kind;

/// The objects as rows; columns beyond the name are those that people look at first.
pub(crate) fn of(kind: &Kind, objects: &[Arc<Value>], revision: &str) -> Value {
    let columns = columns(kind);
    let mut definitions =
        vec![json!({"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0})];
    definitions.extend(
        columns
            .iter()
            .map(|(name, _)| json!({"name": name, "type": "string", "format": "", "description": "", "priority": 0})),
    );
    definitions.push(json!({"name": "Created At", "type": "date", "format": "", "description": "", "priority": 0}));
    let row = |object: &Arc<Value>| {
        let mut cells = vec![json!(object.name())];
        cells.extend(columns.iter().map(|(_, cell)| json!(cell(object))));
        cells.push(object.at("metadata/creationTimestamp").clone());
        json!({"cells": cells, "object": format::metadata(object)})
    };
    let rows: Vec<Value> = objects.iter().map(row).collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": revision},
        "columnDefinitions": definitions, "rows": rows})
}

type Column = (&'static str, fn(&Value) -> String);

fn columns(kind: &Kind) -> Vec<Column> {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => vec![("Ready", pod_ready), ("Status", pod_status), ("Restarts", pod_restarts)],
        ("apps", "Deployment") => vec![
            ("Ready", |o| format!("{}/{}", o.int("status/readyReplicas"), o.int("spec/replicas"))),
            ("Up-to-date", |o| o.int("status/updatedReplicas").to_string()),
            ("Available", |o| o.int("status/availableReplicas").to_string()),
        ],
        ("apps", "StatefulSet") => {
            vec![("Ready", |o| format!("{}/{}", o.int("status/readyReplicas"), o.int("spec/replicas")))]
        }
        ("apps", "ReplicaSet") => vec![
            ("Desired", |o| o.int("spec/replicas").to_string()),
            ("Current", |o| o.int("status/replicas").to_string()),
            ("Ready", |o| o.int("status/readyReplicas").to_string()),
        ],
        ("", "Service") => vec![
            ("Type", |o| o.str("spec/type").into()),
            ("Cluster-IP", |o| o.str("spec/clusterIP").into()),
            ("Port(s)", |o| {
                let port = |p: &Value| format!("{}/{}", p.int("port"), p.str("protocol"));
                o.list("spec/ports").iter().map(port).collect::<Vec<_>>().join(",")
            }),
        ],
        ("", "Namespace") => vec![("Status", |o| o.str("status/phase").into())],
        ("", "Node") => {
            vec![("Status", |o| if o.condition("Ready") == "True" { "Ready".into() } else { "NotReady".into() })]
        }
        ("", "ConfigMap") => vec![("Data", |o| o.map("data").map_or(0, |m| m.len()).to_string())],
        ("", "Secret") => {
            vec![("Type", |o| o.str("type").into()), ("Data", |o| o.map("data").map_or(0, |m| m.len()).to_string())]
        }
        ("batch", "Job") => {
            vec![("Completions", |o| format!("{}/{}", o.int("status/succeeded"), o.int("spec/completions")))]
        }
        _ => Vec::new(),
    }
}

fn pod_ready(pod: &Value) -> String {
    let statuses = pod.list("status/containerStatuses");
    let ready = statuses.iter().filter(|status| status.flag("ready")).count();
    format!("{ready}/{}", pod.list("spec/containers").len())
}

fn pod_status(pod: &Value) -> String {
    if pod.is_deleting() {
        return "Terminating".into();
    }
    let statuses = pod.list("status/containerStatuses").iter();
    let reason = statuses.map(|status| status.str("state/waiting/reason")).find(|reason| !reason.is_empty());
    reason.unwrap_or_else(|| pod.str("status/phase")).into()
}

fn pod_restarts(pod: &Value) -> String {
    pod.list("status/containerStatuses").iter().map(|status| status.int("restartCount")).sum::<i64>().to_string()
}

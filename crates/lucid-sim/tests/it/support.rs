//! A cluster, plain requests to it, and objects to send.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use lucid_client::{ApiClient, Target};
use lucid_object::Gvk;
use lucid_sim::{Config, Sim, SimBody};
use serde_json::{Value, json};
use tower::ServiceExt;

/// A cluster that runs for as long as the test's runtime does.
pub(crate) fn cluster() -> Sim {
    started(Config::default())
}

pub(crate) fn started(config: Config) -> Sim {
    let sim = Sim::new(config);
    let running = sim.clone();
    tokio::spawn(async move { running.run().await });
    sim
}

pub(crate) fn client(sim: &Sim) -> ApiClient {
    ApiClient::from_service(sim.service())
}

pub(crate) fn deployments() -> Target {
    Target::new(Gvk::new("apps", "v1", "Deployment"), "deployments", Some("default"))
}

pub(crate) fn config_maps() -> Target {
    Target::core("ConfigMap", "configmaps", Some("default"))
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) body: Value,
    pub(crate) warnings: Vec<String>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.code < 300, "{}: {}", self.code, self.body);
        self.body
    }

    pub(crate) fn reason(&self) -> (u16, &str) {
        (self.code, self.body["reason"].as_str().unwrap_or_default())
    }

    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

pub(crate) async fn open(sim: &Sim, method: &str, uri: &str, media: &str, body: &Value) -> http::Response<SimBody> {
    let bytes = if body.is_null() { Bytes::new() } else { serde_json::to_vec(body).unwrap().into() };
    let builder = http::Request::builder().method(method).uri(uri).header("content-type", media);
    let request = builder.header("user-agent", "tests/1.0").body(Full::new(bytes)).unwrap();
    sim.service().oneshot(request).await.unwrap()
}

pub(crate) async fn send(sim: &Sim, method: &str, uri: &str, media: &str, body: &Value) -> Answer {
    let response = open(sim, method, uri, media, body).await;
    let code = response.status().as_u16();
    let warnings = response.headers().get_all("warning").iter().map(|text| text.to_str().unwrap().to_owned()).collect();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
    Answer { code, warnings, body: serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) }
}

pub(crate) async fn get(sim: &Sim, uri: &str) -> Answer {
    send(sim, "GET", uri, "", &Value::Null).await
}

pub(crate) async fn post(sim: &Sim, uri: &str, body: &Value) -> Answer {
    send(sim, "POST", uri, "application/json", body).await
}

pub(crate) async fn put(sim: &Sim, uri: &str, body: &Value) -> Answer {
    send(sim, "PUT", uri, "application/json", body).await
}

pub(crate) async fn delete(sim: &Sim, uri: &str, options: &Value) -> Answer {
    send(sim, "DELETE", uri, "application/json", options).await
}

/// `kind`: `json`, `merge`, `strategic` or `apply`.
pub(crate) async fn patch(sim: &Sim, kind: &str, uri: &str, body: &Value) -> Answer {
    let media = match kind {
        "json" => "application/json-patch+json",
        "merge" => "application/merge-patch+json",
        "strategic" => "application/strategic-merge-patch+json",
        _ => "application/apply-patch+yaml",
    };
    send(sim, "PATCH", uri, media, body).await
}

pub(crate) fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

pub(crate) fn deployment(name: &str, replicas: u32, image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "app", "image": image, "ports": [{"containerPort": 8080}]}]}}}})
}

/// A running pod on the first node, planted.
pub(crate) fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "x:1"}]},
        "status": {"phase": "Running", "podIP": "10.244.0.9"}})
}

pub(crate) const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
pub(crate) const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

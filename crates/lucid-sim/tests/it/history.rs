//! What a watch shows of one object, state by state.

use std::time::Duration;

use futures::StreamExt;
use lucid_client::{ApiClient, Apply, Change, ListKind, Target, follow};
use lucid_object::Gvk;
use lucid_sim::{Config, Sim};
use serde_json::{Value, json};

use crate::support::{client, started};

/// A cluster whose containers behave like this.
pub(crate) fn scripted(behaviours: Value) -> Sim {
    let config: Config = serde_json::from_value(json!({"behaviours": behaviours})).unwrap();
    started(config)
}

pub(crate) fn workloads(kind: &str) -> Target {
    let group = if kind == "Job" { "batch" } else { "apps" };
    Target::new(Gvk::new(group, "v1", kind), format!("{}s", kind.to_lowercase()), Some("default"))
}

pub(crate) fn core(kind: &str) -> Target {
    Target::core(kind, &format!("{}s", kind.to_lowercase()), Some("default"))
}

/// A client that keeps a view of what it deploys.
pub(crate) struct Operator {
    pub(crate) sim: Sim,
    pub(crate) client: ApiClient,
}

impl Operator {
    pub(crate) async fn of(sim: Sim) -> Self {
        // The cluster gives each namespace its account first.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Self { client: client(&sim), sim }
    }

    pub(crate) async fn apply(&self, target: &Target, body: &Value) -> Value {
        let apply = Apply { manager: "test", body, dry_run: false, force: true };
        self.client.apply(target, body["metadata"]["name"].as_str().unwrap(), &apply).await.unwrap().object
    }

    /// Applies and follows until the object is as wanted: each state once, and how long it took.
    pub(crate) async fn deploy(
        &self,
        target: &Target,
        body: &Value,
        done: fn(&Value) -> bool,
    ) -> (Vec<String>, Duration) {
        let mut changes = follow(self.client.clone(), target.clone(), ListKind::Full, None);
        changes.next().await;
        let begin = self.sim.elapsed();
        let generation = self.apply(target, body).await["metadata"]["generation"].as_i64();
        let mut states: Vec<String> = Vec::new();
        loop {
            let Some(Change::Set(seen)) = changes.next().await else { continue };
            let state = state(&seen);
            if states.last() != Some(&state) {
                states.push(state);
            }
            if seen["metadata"]["generation"].as_i64() >= generation && done(&seen) {
                return (states, self.sim.elapsed() - begin);
            }
        }
    }

    pub(crate) async fn names(&self, target: &Target) -> Vec<String> {
        let listed = self.client.list(target, ListKind::Full).await.unwrap();
        listed.items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn pods(&self) -> Vec<Value> {
        self.client.list(&core("Pod"), ListKind::Full).await.unwrap().items
    }

    /// Reasons of the events about objects whose name begins like this, in the order of their first sight.
    pub(crate) async fn reasons(&self, prefix: &str) -> Vec<String> {
        let mut events = self.client.list(&core("Event"), ListKind::Full).await.unwrap().items;
        events.retain(|event| event["involvedObject"]["name"].as_str().is_some_and(|name| name.starts_with(prefix)));
        events.sort_by_key(|event| event["firstTimestamp"].as_str().map(str::to_owned));
        let mut reasons: Vec<String> =
            events.iter().map(|event| event["reason"].as_str().unwrap().to_owned()).collect();
        reasons.dedup();
        reasons
    }
}

/// `g2 o2 Available=True MinimumReplicasAvailable, Progressing=…`.
fn state(object: &Value) -> String {
    let status = &object["status"];
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let text = |c: &Value| format!("{}={} {}", said(c, "type"), said(c, "status"), said(c, "reason"));
    let mut conditions: Vec<String> = conditions.map(text).collect();
    conditions.sort();
    let observed = status["observedGeneration"].as_i64().unwrap_or(0);
    format!("g{} o{observed} {}", object["metadata"]["generation"], conditions.join(", ")).trim_end().to_owned()
}

fn said<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

/// The reason of a condition with that status.
pub(crate) fn reason<'o>(object: &'o Value, kind: &str, status: &str) -> Option<&'o str> {
    let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.find(|c| c["type"] == kind && c["status"] == status).and_then(|c| c["reason"].as_str())
}

pub(crate) fn count(object: &Value, field: &str) -> i64 {
    object["status"][field].as_i64().unwrap_or(0)
}

pub(crate) fn image(object: &mut Value, image: &str) {
    object["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
}

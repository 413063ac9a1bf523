//! A world without a client, for tests of controllers and kubelets.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::config::Config;
use crate::json::{Json, JsonMut};
use crate::kinds::Table;
use crate::scenario::Scenario;
use crate::world::delete::DeleteOptions;
use crate::world::{By, World};

pub(crate) struct Stage {
    pub(crate) world: World,
}

impl Stage {
    /// A cluster with nothing in it whose containers behave as the scenario says.
    pub(crate) fn new(scenario: Value) -> Self {
        let scenario: Scenario = serde_json::from_value(scenario).expect("a scenario");
        Self::of(Config { scenario, ..Config::default() })
    }

    pub(crate) fn of(config: Config) -> Self {
        let mut world = World::new(config);
        world.advance_to(Duration::from_secs(1));
        Self { world }
    }

    #[track_caller]
    pub(crate) fn create(&mut self, object: Value) -> Arc<Value> {
        let kind =
            self.world.kinds.by_kind(object.str("apiVersion"), object.str("kind")).expect("a known kind").clone();
        let namespace = if kind.namespaced { "default" } else { "" };
        let written = self.world.create(&kind, namespace, object, By { trusted: false, ..By::system("test") });
        written.expect("a sound object").object
    }

    #[track_caller]
    pub(crate) fn edit(&mut self, table: Table, name: &str, change: impl FnOnce(&mut Value)) {
        let kind = self.world.kinds.stored(table).clone();
        let by = By { trusted: false, ..By::system("test") };
        let namespace = if kind.namespaced { "default" } else { "" };
        let edited = self.world.update(&kind, namespace, name, by, |old| {
            let mut new = old.clone();
            change(&mut new);
            Ok(new)
        });
        edited.expect("a sound change");
    }

    #[track_caller]
    pub(crate) fn delete(&mut self, table: Table, name: &str, options: &DeleteOptions) {
        let kind = self.world.kinds.stored(table).clone();
        let namespace = if kind.namespaced { "default" } else { "" };
        self.world.delete(&kind, namespace, name, options).expect("an object to delete");
    }

    pub(crate) fn advance(&mut self, seconds: u64) {
        let to = self.world.now() + Duration::from_secs(seconds);
        self.world.advance_to(to);
    }

    /// Steps in small strides until it holds; how many seconds that took.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, limit: u64, holds: impl Fn(&Self) -> bool) -> u64 {
        let begin = self.world.now();
        while !holds(self) {
            let to = self.world.now() + Duration::from_millis(100);
            self.world.advance_to(to);
            assert!(to - begin <= Duration::from_secs(limit), "{what}: not within {limit} s");
        }
        (self.world.now() - begin).as_secs()
    }

    #[track_caller]
    pub(crate) fn get(&self, table: Table, name: &str) -> Arc<Value> {
        let namespace = if self.world.kinds.stored(table).namespaced { "default" } else { "" };
        self.world.get(table, namespace, name).unwrap_or_else(|| panic!("{name} is there"))
    }

    pub(crate) fn list(&self, table: Table) -> Vec<Arc<Value>> {
        let namespace = if self.world.kinds.stored(table).namespaced { "default" } else { "" };
        self.world.store.list_in(table, namespace).cloned().collect()
    }

    pub(crate) fn names(&self, table: Table) -> Vec<String> {
        self.list(table).iter().map(|object| object.name().to_owned()).collect()
    }

    /// Reasons and texts of the events about an object and, with a prefix as name, about its children.
    pub(crate) fn events(&self, prefix: &str) -> Vec<String> {
        let mut events: Vec<Arc<Value>> = self.list(Table::EVENTS);
        events.retain(|event| event.str("involvedObject/name").starts_with(prefix));
        events.sort_by_key(|event| event.str("metadata/resourceVersion").parse::<u64>().unwrap_or(0));
        let text =
            |event: &Arc<Value>| format!("{} {}: {}", event.str("type"), event.str("reason"), event.str("message"));
        events.iter().map(text).collect()
    }
}

/// `type=status reason`, one condition after another.
pub(crate) fn conditions(object: &Value) -> Vec<String> {
    let conditions = object.list("status/conditions").iter();
    conditions
        .map(|c| format!("{}={} {}", c.str("type"), c.str("status"), c.str("reason")).trim_end().to_owned())
        .collect()
}

pub(crate) fn pod(name: &str, image: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [{"name": "app", "image": image}]}})
}

/// A workload of one container.
pub(crate) fn workload(kind: &str, name: &str, replicas: i64, image: &str) -> Value {
    let version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": image}]}}}});
    if kind == "StatefulSet" {
        object.put("spec/serviceName", name);
    }
    object
}

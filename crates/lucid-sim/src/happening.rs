//! What happens to the cluster while clients use it: nodes that go and come back, people and tools that edit, a server that
//! is down or slow. A scenario file lists it under `events`, each with its time `at`; [`Sim::plan`] adds to the list.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::api::query::Query;
use crate::api::{self, Reply, Request};
use crate::controllers::node;
use crate::json::JsonMut;
use crate::kinds::Table;
use crate::scenario::seconds;
use crate::sim::Sim;
use crate::store::Key;
use crate::world::{Actor, By, World};

/// Something that happens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Happening {
    /// The node falls silent: its kubelet reports nothing, and its containers cannot be reached.
    LoseNode(String),
    /// It is back, and so are its containers.
    ReturnNode(String),
    /// No new pods on this node.
    Cordon(String),
    Uncordon(String),
    /// Every watch ends, as when the server restarts.
    EndWatches,
    /// Every watch ends, and the versions it could go on from are forgotten.
    ForgetHistory,
    /// Requests are refused with this code (429, 500, 503, 504) for a while.
    Refuse {
        code: u16,
        #[serde(with = "seconds")]
        lasts: Duration,
    },
    /// Controllers, scheduler and kubelets hear of each change up to so much later, for a while.
    CachesBehind {
        #[serde(with = "seconds")]
        by: Duration,
        #[serde(with = "seconds")]
        lasts: Duration,
    },
    /// From now on each request takes so long.
    Latency(#[serde(with = "seconds")] Duration),
    Edit(Edit),
    Delete(Target),
}

impl Happening {
    /// The node that it happens to.
    pub(crate) fn node(&self) -> Option<&str> {
        match self {
            Self::LoseNode(name) | Self::ReturnNode(name) | Self::Cordon(name) | Self::Uncordon(name) => Some(name),
            _ => None,
        }
    }
}

/// An object, by its kind and name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    pub api_version: String,
    pub kind: String,
    #[serde(default)]
    pub namespace: String,
    pub name: String,
}

/// Somebody changes an object by a merge patch, whoever else owns its fields.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Edit {
    pub api_version: String,
    pub kind: String,
    #[serde(default)]
    pub namespace: String,
    pub name: String,
    pub patch: Value,
    /// Under which field manager.
    #[serde(default = "editor")]
    pub by: String,
}

fn editor() -> String {
    "kubectl-edit".into()
}

/// A happening and its time, counted from the start of the cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub at: Duration,
    pub what: Happening,
}

impl<'de> Deserialize<'de> for Planned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct At(#[serde(with = "seconds")] Duration);
        let wrong = |error: serde_json::Error| serde::de::Error::custom(error);
        let mut map = Map::deserialize(deserializer)?;
        let at = map.remove("at").ok_or_else(|| serde::de::Error::missing_field("at"))?;
        let At(at) = serde_json::from_value(at).map_err(wrong)?;
        let what = serde_json::from_value(Value::Object(map)).map_err(wrong)?;
        Ok(Self { at, what })
    }
}

impl Sim {
    /// Lets something happen after a while, counted from now.
    pub fn plan(&self, after: Duration, what: Happening) {
        self.change(|world| {
            let at = world.now() + after;
            plan(world, Planned { at, what });
        });
    }
}

pub(crate) fn plan(world: &mut World, planned: Planned) {
    let number = world.script.len().to_string();
    world.script.push(planned.what);
    world.queue.push(planned.at, Actor::Script, Key::new("", &number));
}

/// The entry of the script that a key names.
pub(crate) fn play(world: &mut World, key: &Key) {
    let Some(what) = key.name.parse().ok().and_then(|at: usize| world.script.get(at).cloned()) else { return };
    match what {
        Happening::LoseNode(name) => node::lose(world, &name),
        Happening::ReturnNode(name) => node::regain(world, &name),
        Happening::Cordon(name) => cordon(world, &name, true),
        Happening::Uncordon(name) => cordon(world, &name, false),
        Happening::EndWatches => world.watchers.close(),
        Happening::ForgetHistory => {
            world.store.compact();
            world.watchers.close();
        }
        Happening::Refuse { code, lasts } => world.refusing = Some((code, world.now() + lasts)),
        Happening::CachesBehind { by, lasts } => world.behind = Some((by, world.now() + lasts)),
        Happening::Latency(each) => world.config.latency = each,
        Happening::Edit(edit) => {
            let target =
                Target { api_version: edit.api_version, kind: edit.kind, namespace: edit.namespace, name: edit.name };
            ask(world, http::Method::PATCH, &target, &format!("fieldManager={}", edit.by), &edit.patch);
        }
        Happening::Delete(target) => ask(world, http::Method::DELETE, &target, "", &Value::Null),
    }
}

fn cordon(world: &mut World, name: &str, is_cordoned: bool) {
    world.edit(Table::NODES, "", name, By::system("kubectl-cordon"), |node| match is_cordoned {
        true => node.put("spec/unschedulable", true),
        false => drop(node.cut("spec/unschedulable")),
    });
}

/// As a client's request, with everything that the server makes of one. Nobody hears of a refusal: the object may be gone.
fn ask(world: &mut World, method: http::Method, target: &Target, query: &str, body: &Value) {
    let Some(kind) = world.kinds.by_kind(&target.api_version, &target.kind) else { return };
    let group = if target.api_version.contains('/') { "apis" } else { "api" };
    let scope = if kind.namespaced { format!("/namespaces/{}", target.namespace) } else { String::new() };
    let path = format!("/{group}/{}{scope}/{}/{}", target.api_version, kind.plural, target.name);
    let request = Request {
        method,
        path,
        query: Query::parse(query),
        accept: "application/json".into(),
        content_type: "application/merge-patch+json".into(),
        user_agent: String::new(),
        authorization: world.config.token.as_ref().map_or_else(String::new, |token| format!("Bearer {token}")),
        impersonated: None,
        body: if body.is_null() { bytes::Bytes::new() } else { body.to_string().into() },
    };
    let _ = api::handle(world, &request);
}

/// What a request gets while the server refuses everything.
pub(crate) fn refusal(world: &World) -> Option<Reply> {
    let (code, until) = world.refusing?;
    (world.now() < until).then(|| Reply::error(&crate::door::refusal(code)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Planned, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn events_are_read_as_people_write_them() {
        let planned = read(json!({"at": "90s", "loseNode": "node-2"})).unwrap();
        assert_eq!(planned, Planned { at: Duration::from_secs(90), what: Happening::LoseNode("node-2".into()) });
        let refused = read(json!({"at": 3, "refuse": {"code": 503, "lasts": "2s"}})).unwrap();
        assert_eq!(refused.what, Happening::Refuse { code: 503, lasts: Duration::from_secs(2) });
        let behind = read(json!({"at": 3, "cachesBehind": {"by": "3s", "lasts": "20s"}})).unwrap();
        let (by, lasts) = (Duration::from_secs(3), Duration::from_secs(20));
        assert_eq!(behind.what, Happening::CachesBehind { by, lasts });
        assert_eq!(read(json!({"at": 1, "endWatches": null})).unwrap().what, Happening::EndWatches);
        assert_eq!(
            read(json!({"at": 1, "latency": "200ms"})).unwrap().what,
            Happening::Latency(Duration::from_millis(200))
        );
    }

    #[test]
    fn mistakes_are_told() {
        for (value, says) in [
            (json!({"loseNode": "node-2"}), "missing field `at`"),
            (json!({"at": 1, "looseNode": "node-2"}), "unknown variant `looseNode`"),
            (json!({"at": 1, "delete": {"kind": "Pod", "apiVersion": "v1", "nam": "a"}}), "unknown field `nam`"),
            (json!({"at": "soon", "endWatches": null}), "expected a duration"),
        ] {
            let said = read(value).unwrap_err();
            assert!(said.contains(says), "{said}");
        }
    }
}

//! What a rehearsal begins on: an empty cluster, that of a scenario file, one that was saved, or the live one.

use std::fs;
use std::time::Duration;

use lucid_object::{Object, ObjectSet};
use lucid_sim::{Config, Sim};
use serde_json::Value;

use super::invent::{self, Invented};
use crate::cli::{Global, Rehearse};
use crate::commands::{block_on, connect, keep_secrets, scenario, snapshot};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::manifests::Manifests;
use crate::output::Outlet;

/// In a cluster that stood before, containers start again, and are ready long before this.
const SETTLING: Duration = Duration::from_secs(120);

pub(super) struct Base {
    pub(super) cluster: Config,
    state: Option<Value>,
}

impl Base {
    pub(super) fn find(global: &Global, args: &Rehearse, outlet: &Outlet) -> Result<Self> {
        let cluster = scenario::read(args.scenario.as_deref())?;
        let state = match (&args.from, args.from_cluster) {
            (Some(path), _) => Some(read(path)?),
            (None, true) => Some(live(global, outlet)?),
            (None, false) => None,
        };
        Ok(Self { cluster, state })
    }

    /// The cluster, with what the release refers to and neither brings nor finds.
    pub(super) fn prepare(&self, manifests: &Manifests, seed: u64) -> Result<(Sim, Vec<Invented>)> {
        // What happens meanwhile begins when the rehearsal does.
        let config = Config { seed, keeps_history: true, events: Vec::new(), ..self.cluster.clone() };
        let sim = match &self.state {
            None => Sim::new(config),
            Some(state) => Sim::load(config, state.clone()).map_err(|refused| {
                Failure::usage(format!("the cluster cannot be simulated: {}", refused.message))
                    .help("name a file that `lucid snapshot` or `lucid sim --state` wrote")
            })?,
        };
        let mut invented = invent::secrets(&manifests.release, &manifests.objects);
        invented.retain(|object| sim.get("v1", object.kind, &object.namespace, &object.name).is_none());
        for object in &invented {
            sim.put(object.to_object()).map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        }
        Ok((sim, invented))
    }

    /// Lets a cluster that stood before come to rest.
    pub(super) async fn settle(&self) {
        if self.state.is_some() {
            tokio::time::sleep(SETTLING).await;
        }
    }

    /// From now on, what the scenario lists happens.
    pub(super) fn begin(&self, sim: &Sim) {
        for planned in self.cluster.events.iter().cloned() {
            sim.plan(planned.at, planned.what);
        }
    }
}

fn read(path: &std::path::Path) -> Result<Value> {
    let text = fs::read(path).map_err(|error| {
        Failure::usage(format!("read {}: {error}", path.display())).help("name a file that `lucid snapshot` wrote")
    })?;
    serde_json::from_slice(&text).map_err(|error| {
        Failure::usage(format!("{}: {error}", path.display())).help("name a file that `lucid snapshot` wrote")
    })
}

/// Of the live cluster everything is in memory, values of Secrets too: nothing that is printed may hold one.
fn live(global: &Global, outlet: &Outlet) -> Result<Value> {
    let snapshot = block_on(async {
        let client = connect(global).await?.client;
        snapshot::take(&client).await
    })?;
    let secrets: ObjectSet = snapshot.secrets().cloned().map(Object::new).collect();
    keep_secrets(outlet, &secrets);
    if !snapshot.unseen.is_empty() {
        outlet.talk(&format!("not in this rehearsal, as we may not list them: {}\n", snapshot.unseen.join(", ")));
    }
    Ok(snapshot.state())
}

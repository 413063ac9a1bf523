//! Kubernetes in the process: store, API, controllers, scheduler and kubelet under a virtual clock.
//!
//! [`Sim`] is the handle: it serves clients, is driven on tokio's clock, and knows the [`Truth`].
//!
//! In reading order: [`kinds`] and [`schema`] say what the server knows, [`store`] keeps it. [`world`] is the cluster as
//! one value: every write goes through its registry, which asks [`strategy`], [`defaults`], [`admission`] and
//! [`validate`], and keeps the record of owners ([`fields`]). [`api`] turns HTTP requests into such writes and reads,
//! with [`patch`] and [`error`] in the server's own words. [`controllers`] and [`kubelet`] do what is due.
//! [`config`] and [`scenario`] describe a cluster and how its containers behave, [`happening`] what happens to it meanwhile; a
//! [`Door`] does the same to one client's requests, and [`History`] is what the server remembers of everything.

mod admission;
mod api;
mod base64;
mod cel;
mod chooser;
mod config;
mod controllers;
mod decode;
mod defaults;
mod door;
mod error;
mod fields;
mod go;
mod happening;
mod history;
mod json;
mod kinds;
mod kubelet;
mod metrics;
mod patch;
mod quantity;
mod recorder;
mod scenario;
mod scheduler;
mod schema;
mod score;
mod service;
mod sim;
mod store;
mod strategy;
mod time;
mod trace;
mod truth;
mod validate;
mod warnings;
mod world;

pub use config::{BadScenario, Config, NodeSpec};
pub use door::{Door, Fault};
pub use happening::{Edit, Happening, Planned, Target};
pub use history::{Commit, Heard, History};
pub use scenario::{Behaviour, Fate, PullOutcome, Scenario, Select};
pub use score::{SCORE, Score};
pub use service::{SimBody, SimService};
pub use sim::{Refused, Sim, Snapshot};
pub use world::state::FORMAT as STATE_FORMAT;
/// Whether every simulated cluster serves this kind, without a CustomResourceDefinition.
pub fn is_builtin(gvk: &lucid_object::Gvk) -> bool {
    lucid_schema::resource(gvk).is_some()
}

pub use truth::{ContainerTruth, PodTruth, Truth, WorkloadId};

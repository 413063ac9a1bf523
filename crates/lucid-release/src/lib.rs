//! The model of `lucid.yaml`, and of what a release stores in the cluster.
//!
//! [`file`] is the format people write; [`load`](load::load) reads it and reports every mistake at once;
//! [`record`] is what a run leaves behind in the cluster. The crate is pure.

pub mod duration;
pub mod file;
pub mod load;
pub mod names;
pub mod record;

pub use duration::Span;
pub use file::{Component, Generate, HealthCheck, Images, KeySpec, OnFailure, ReleaseFile, SecretSpec, Spec, Strategy};
pub use load::load;
pub use record::{ComponentOutcome, InventoryEntry, Outcome, Record, RunRecord};

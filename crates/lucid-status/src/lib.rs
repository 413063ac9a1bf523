//! Readiness of every kind, and the catalogue of failures: evidence in, findings out.
//!
//! Pure: the caller brings the objects (a watch cache, as [`Cluster`]), the moment, and since when we judge
//! ([`Since`]). [`readiness`] answers with one of kstatus' six words and what it waits for; [`diagnose`] says why;
//! [`classify_status`] reads the API server's answer to our own writes; [`group`] says one sentence for many findings;
//! [`catalogue`] explains every code; [`health`] folds one look at the cluster into the report of a whole release.
//!
//! Reading order: [`verdict`], [`diagnosis`], [`cluster`], `readiness/` (one file a kind), `diagnose/` (from the
//! workload down to the node), `classify/` (foreign text to codes, as data), [`closer`] (what is worth asking the
//! pods themselves), [`catalogue`].

mod admission;
pub mod catalogue;
mod classify;
mod clean;
pub mod closer;
pub mod cluster;
mod diagnose;
pub mod diagnosis;
mod group;
pub mod health;
mod read;
mod readiness;
mod revision;
pub mod verdict;

pub use admission::classify_status;
pub use catalogue::{Entry, catalogue, class_words, entry, family, markdown};
pub use cluster::{Cluster, Since};
pub use diagnose::{blocking_pod, diagnose};
pub use diagnosis::{Axis, Certainty, Class, Diagnosis};
pub use group::{Group, group};
pub use health::{Area, HealthReport, State};
pub use readiness::{is_built_in, readiness};
pub use verdict::{Status, Verdict};

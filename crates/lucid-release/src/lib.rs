//! The model of `lucid.yaml`, and of what a release stores in the cluster.
//!
//! [`file`] is the format people write, with [`notification`] and its [`template`]; [`load`](load::load) reads it and
//! reports every mistake at once;
//! [`evidence`] is what was seen of a failure, [`record`] what a run leaves behind in the cluster, [`revision`] is the content of a release, kept whole: taken
//! apart into blobs, which [`pack`] puts into pieces that fit into Secrets. [`portable`] is one revision as a file. The crate is pure.

pub mod duration;
pub mod evidence;
pub mod file;
pub mod load;
pub mod names;
pub mod notification;
pub mod pack;
pub mod portable;
pub mod record;
pub mod revision;
pub mod template;

pub use duration::Span;
pub use evidence::{ComponentEvidence, Evidence, LogEvidence, PodEvidence};
pub use file::{
    Component, Generate, HealthCheck, ImageProvenance, ImageTrust, Images, KeySpec, OnFailure, ReleaseFile, SecretSpec,
    SignedBy, Spec, Strategy,
};
pub use load::load;
pub use notification::{Notification, NotifyEvent};
pub use pack::{BlobId, Key, Pack, PackRef};
pub use record::{ComponentOutcome, InventoryEntry, Journal, Outcome, Record, RevisionInfo, RunRecord};
pub use revision::{Content, Index};
pub use template::Template;

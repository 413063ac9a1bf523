//! Drives the engine against a client, and keeps the release's record in the cluster.
//!
//! [`survey`] looks at the cluster once, [`checks`] and [`foresight`] find what would go wrong, [`lease`] keeps others out, [`drive`] runs
//! the engine until it is finished, [`store`] writes down what happened, and [`deploy`] is the story of a whole run.
//! [`revisions`] keeps what a release contained, [`rollback`] brings it back, [`compare`] says
//! what differs; `replace` finds what cannot be changed; [`book`] is the record of one run.
//! [`cleanup`] and [`emergency`] delete, through [`removal`]; [`fence`] keeps the late writes of dead runs from winning.
//! [`status`] is the same look without the run, [`mod@health`] a wider one, and [`mod@validate`] tries everything and keeps
//! nothing.

pub mod book;
pub mod cache;
pub mod checks;
pub mod cleanup;
pub mod clock;
pub mod compare;
pub mod deploy;
mod doors;
pub mod drive;
pub mod emergency;
pub mod evidence;
pub mod fence;
pub mod foresight;
pub mod health;
pub mod lease;
pub mod locate;
pub mod portable;
pub mod prepare;
pub mod queue;
pub mod removal;
mod replace;
pub mod revisions;
pub mod rollback;
pub mod run;
mod schema;
pub mod status;
pub mod store;
pub mod survey;
pub mod validate;

pub use cache::Cache;
pub use clock::Clock;
pub use deploy::{
    Deployed, DryRun, ImageCheck, ImagesFound, OnFail, OnlyIf, Preview, Refusal, Request, Rollback, Verdict, deploy,
};
pub use drive::Sink;
pub use evidence::Cleaner;
pub use health::{HealthRequest, health};
pub use revisions::FreshKey;
pub use status::{ComponentStatus, StatusReport, status};
pub use validate::validate;

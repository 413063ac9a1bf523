//! The health of a whole release: what one look at the cluster has shown, folded into a report.
//!
//! [`facts`] is what goes in (objects, what could not be listed, what endpoints answered), [`report`] what comes out,
//! [`fold`] the way between. [`component`](self) judges what belongs to a component, `areas/` (one file each) what belongs
//! to no workload. `keep` is what of each object a look needs, [`changes`](SinceHealthy) what happened since. What could not be checked is [`State::Unknown`] with its reason, never green.

mod areas;
mod changes;
mod component;
pub mod facts;
mod fold;
mod keep;
pub mod report;
mod view;

pub use areas::certificate::troubles_of;
pub use changes::{Change, SinceHealthy};
pub use facts::{
    Answer, Certificate, Coverage, Endpoint, Facts, Look, Part, SYSTEM, Scope, Served, Subject, Tls, Unreached, Unseen,
    VolumeUse,
};
pub use fold::fold;
pub use keep::Sieve;
pub use report::{Area, Check, ComponentHealth, HealthReport, State, Summary, Usage};

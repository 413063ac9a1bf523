//! The health of a whole release: what one look at the cluster has shown, folded into a report.
//!
//! [`facts`] is what goes in (objects, what could not be listed, what endpoints answered), [`report`] what comes out,
//! [`fold`] the way between. [`component`](self) judges what belongs to a component, `areas/` (one file each) what belongs
//! to no workload. What could not be checked is [`State::Unknown`] with its reason, never green.

mod areas;
mod component;
pub mod facts;
mod fold;
pub mod report;
mod view;

pub use facts::{Answer, Certificate, Coverage, Endpoint, Facts, Look, Part, Scope, Subject, Tls, Unseen};
pub use fold::fold;
pub use report::{Area, Check, ComponentHealth, HealthReport, State, Summary, Usage};

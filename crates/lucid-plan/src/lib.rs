//! Desired and live objects in, a plan out.
//!
//! [`scope`] places objects in namespaces, [`ownership`] gives each to a component, [`graph`] orders the components,
//! [`owned`] decides what already is as it should be, and [`build`] puts it together as a [`Plan`]. [`diff`] says what differs, field
//! by field; [`replace`] makes an object anew that cannot be changed. [`managers`] says who else writes; [`capacity`], [`check`],
//! [`openapi`] and [`foresee`](foresee::foresee) find what would go wrong, [`validate`] what the manifests alone give away; [`infer`]
//! makes do without a release file; [`pins`] keeps tags to the digests that they had. The crate is pure: it asks nobody anything.

pub mod build;
pub mod capacity;
pub mod check;
pub mod diff;
pub mod foresee;
pub mod graph;
pub mod infer;
pub mod intent;
pub mod managers;
pub mod openapi;
pub mod order;
pub mod owned;
pub mod ownership;
pub mod pins;
pub mod references;
pub mod replace;
mod restart;
pub mod scope;
pub mod validate;

pub use build::{Action, Children, Input, Lane, Operation, Plan, Reach, Request, Selection, build};
pub use diff::FieldChange;
pub use managers::Manager;
pub use scope::{Resource, Resources};

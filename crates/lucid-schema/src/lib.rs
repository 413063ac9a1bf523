//! What the engine and the simulator may both know of Kubernetes: tables generated from its OpenAPI.
//!
//! The tables are statics, so nothing is parsed at start. [`resource`] answers "which path, which scope, which verbs"
//! for a kind; [`Schema`] walks the fields of a type, with the list types, map types, defaults and merge keys that
//! server-side apply and strategic merge patches go by; [`minors`] says what the supported minors do not have in common. Data only: no decision is taken here.
//!
//! Reading order: [`types`] (the rows of the tables), [`resource`], [`schema`] (the walk), [`minors`].

mod generated;
mod history;
pub mod minors;
pub mod resource;
pub mod schema;
pub mod types;

pub use minors::Life;
pub use resource::{Resource, Subresource, by_plural, resource, resources, schema_of};
pub use schema::{Schema, Shape, list_type};
pub use types::{Definition, Field, ListKind, Presence, Type};

/// The minor version of Kubernetes that the tables were generated from.
pub const KUBERNETES_MINOR: u32 = 37;

//! Kubernetes objects as data.
//!
//! Everything in `lucid` speaks in these types: an [`Object`] is a JSON value with an identity and, when it was read
//! from a file, the syntax tree that says where each field came from. The crate is pure: no file, clock or socket.
//!
//! Reading order: [`gvk`], [`object`], [`selector`], [`quantity`], [`finding`], [`yaml`].

pub mod finding;
pub mod gvk;
pub mod object;
mod pointer;
pub mod quantity;
pub mod selector;
pub mod yaml;

pub use finding::{Code, Finding, Findings, Severity};
pub use gvk::Gvk;
pub use object::{Object, ObjectRef, ObjectSet};
pub use pointer::at;
pub use quantity::Quantity;
pub use selector::{LabelSelector, Requirement};
pub use yaml::{Files, Node, Pos, Position};

//! The only crate that speaks to an API server.
//!
//! [`connect`] turns a kubeconfig into an [`ApiClient`]; [`discovery`] learns what the cluster serves; [`objects`] reads
//! and writes; [`follow`] keeps one LIST and one WATCH a kind and namespace alive; [`access`] asks what we may do;
//! [`logs`] reads the end of a container's log; [`forward`] and [`proxy`] reach a pod's own endpoint. A simulator is
//! reached in the same way, through [`ApiClient::from_service`].

pub mod access;
pub mod connect;
pub mod discovery;
pub mod error;
pub mod follow;
pub mod forward;
pub mod logs;
pub mod objects;
mod page;
pub mod proxy;
pub mod request;
pub mod target;
mod watch;

pub use access::Access;
pub use connect::{ConnectOptions, Connected, connect};
pub use discovery::Served;
pub use error::{Error, Result};
pub use follow::{Change, follow};
pub use forward::Forwarded;
pub use logs::LogQuery;
pub use objects::{Apply, ListKind, Listed, Manner, Precondition, Written};
pub use request::ApiClient;
pub use target::Target;

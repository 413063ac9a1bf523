//! Clients that other people wrote, against `lucid sim`: kubectl, helm, and a part of Kubernetes' conformance suite.
//!
//! `cargo xtask test clients` builds the clients first.

#[path = "clients/conformance.rs"]
mod conformance;
#[path = "clients/helm.rs"]
mod helm;
#[path = "clients/kubectl.rs"]
mod kubectl;
#[path = "clients/server.rs"]
mod server;
